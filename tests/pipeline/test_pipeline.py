"""From frames to tracked cells, headless."""

import numpy as np
import pytest
import torch

from fastershift.config import Settings
from fastershift.errors import FastershiftError, InputError
from fastershift.io import REPORT_COLUMNS
from fastershift.pipeline import (
    EmbeddingCache,
    Finished,
    FrameDone,
    Progress,
    Started,
    TrackingRun,
    plan_run,
    segment_movie,
    track,
)
from fastershift.rshn import load_model
from fastershift.simulate import simulate_movie
from helpers.validity import ctc_problems

SMALL = {"embed": {"diameter": 16.0, "block": 2, "warmup": 1}}


def same_partition(one, other):
    """Whether two label movies cut the pixels in the same way, numbers aside."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


def test_given_embeddings_are_tracked_as_their_truth(simulated, embeddings):
    result = segment_movie(None, embeddings=embeddings)
    assert same_partition(result.labels, simulated.labels)
    assert len(result.lineage.tracks) == len(simulated.tracks)
    assert not ctc_problems(result.labels, result.lineage)
    assert [report.frame for report in result.reports] == list(range(5))
    cells = [len(np.unique(frame)) - 1 for frame in simulated.labels]
    assert [report.cells for report in result.reports] == cells
    assert all(report.seeds >= report.n_min > 0 for report in result.reports)
    for report in result.reports:
        assert 0.95 < report.coverage_equal <= 1
        assert 0 < report.coverage <= report.coverage_equal + 1e-9
        assert report.stopped_by == "all reached"
        assert set(REPORT_COLUMNS) < set(report.record())


def test_events_come_in_order_and_every_frame_once(embeddings):
    run = track(None, embeddings=embeddings)
    with pytest.raises(FastershiftError, match="no result yet"):
        _ = run.result
    events = list(run)
    assert isinstance(events[0], Started)
    assert events[0].n_frames == 5
    assert isinstance(events[-1], Finished)
    assert run.result is events[-1].result
    assert [e.frame for e in events if isinstance(e, FrameDone)] == [0, 1, 2, 3, 4]
    progress = [e.done / e.total for e in events if isinstance(e, Progress)]
    assert progress == sorted(progress)
    assert progress[-1] == 1


def test_leaving_a_run_early_closes_it(embeddings):
    run = track(None, embeddings=embeddings)
    for event in run:
        if isinstance(event, FrameDone):
            break
    assert next(run) is not None
    with pytest.raises(FastershiftError, match="no result yet"):
        _ = run.result


@pytest.mark.parametrize("n_frames", [1, 2])
def test_the_shortest_movies_keep_their_cells(simulated, embeddings, n_frames):
    result = segment_movie(None, embeddings=embeddings[:n_frames])
    assert same_partition(result.labels, simulated.labels[:n_frames])
    assert not ctc_problems(result.labels, result.lineage)
    assert all(track.parent == 0 for track in result.lineage.tracks)


def test_where_a_sample_is_clustered_coverage_is_that_of_all(embeddings, monkeypatch):
    whole = segment_movie(None, embeddings=embeddings).reports
    monkeypatch.setattr("fastershift.instances._codes._MOST", 300)
    sampled = segment_movie(None, embeddings=embeddings).reports
    for one, other in zip(whole, sampled, strict=True):
        assert other.foreground == one.foreground
        assert 0 < other.coverage <= other.coverage_equal + 1e-9 <= 1 + 1e-9
        assert other.coverage == pytest.approx(one.coverage, abs=0.1)


def test_background_of_given_embeddings(simulated, embeddings):
    axis = segment_movie(None, embeddings=embeddings)
    largest = segment_movie(None, embeddings=embeddings, background="largest")
    masked = segment_movie(
        None, embeddings=embeddings, background="mask", mask=simulated.labels > 0
    )
    everything = segment_movie(None, embeddings=embeddings, background="none")
    assert same_partition(axis.labels, largest.labels)
    assert same_partition(axis.labels, masked.labels)
    assert everything.labels.all()


def test_labels_have_the_size_of_the_movie(simulated, embeddings):
    coarse = embeddings[:, :, ::2, ::2]
    result = segment_movie(simulated.frames, embeddings=coarse)
    assert result.labels.shape == simulated.frames.shape
    overlap = (result.labels > 0) & (simulated.labels > 0)
    assert overlap.sum() > 0.9 * (simulated.labels > 0).sum()


def test_nothing_and_everything_foreground(embeddings):
    empty = np.zeros_like(embeddings)
    empty[:, 0] = 1
    result = segment_movie(None, embeddings=empty)
    assert not result.labels.any()
    assert result.lineage.tracks == ()
    assert [report.cells for report in result.reports] == [0] * 5
    full = np.zeros_like(embeddings)
    full[:, 1] = 1
    result = segment_movie(None, embeddings=full)
    assert (result.labels == 1).all()


def test_nan_pixels_are_background(embeddings):
    broken = embeddings.copy()
    broken[2, :, 10:20, 10:20] = np.nan
    result = segment_movie(None, embeddings=broken)
    assert not result.labels[2, 10:20, 10:20].any()
    assert result.labels.any()


def test_movie_through_a_network(simulated, tiny_model):
    result = segment_movie(simulated.frames, SMALL, model=str(tiny_model))
    assert result.labels.shape == simulated.frames.shape
    assert result.labels.dtype == np.int32
    assert result.provenance["model"] == "tiny"
    assert len(result.provenance["model_sha256"]) == 64
    assert not ctc_problems(result.labels, result.lineage)


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "int32", "float32", "float64", ">u2", ">f4"]
)
def test_any_type_of_pixel(simulated, tiny_model, dtype):
    frames = simulated.frames[:2]
    frames = (frames.astype(float) / frames.max() * 200).round()
    expected = segment_movie(frames.astype("float32"), SMALL, model=str(tiny_model))
    result = segment_movie(frames.astype(dtype), SMALL, model=str(tiny_model))
    assert same_partition(result.labels, expected.labels)


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_a_movie_without_contrast_has_no_cells(simulated, tiny_model, value):
    frames = simulated.frames.astype(np.float32)
    alone = segment_movie(np.full_like(frames, value), SMALL, model=str(tiny_model))
    assert not alone.labels.any()
    frames[2] = value
    result = segment_movie(frames, SMALL, model=str(tiny_model))
    assert not result.labels[2].any()


def test_a_frame_does_not_depend_on_what_was_computed_before(simulated, tiny_model):
    """Blocks restart at fixed frames: a later start sees the same cells."""
    whole = plan_run(simulated.frames, SMALL, model=str(tiny_model))
    alone = plan_run(simulated.frames, SMALL, model=str(tiny_model))
    pairs = {pair.frame: pair for pair in whole.source.pairs() if pair is not None}
    for start in (3, 0, 2, 1):
        *_, pair = alone.source.pair(start)
        assert torch.equal(pair.embeddings, pairs[start].embeddings)


def test_cached_and_fresh_embeddings_give_the_same_result(simulated, tiny_model):
    plan = plan_run(simulated.frames, SMALL, model=str(tiny_model))
    fresh = TrackingRun(plan)
    list(fresh)
    plan.source.use_cache(EmbeddingCache(10**9))
    for _ in range(2):
        again = TrackingRun(plan)
        list(again)
        assert np.array_equal(again.result.labels, fresh.result.labels)
    # The second round took everything from the cache.
    assert all(report.network_ms < 50 for report in again.result.reports)


def test_the_cache_holds_no_more_than_its_limit():
    cache = EmbeddingCache(1000)
    for t in range(5):
        cache.put((0, t), torch.zeros(100, dtype=torch.float32))
    assert len(cache) == 2
    assert cache.get((0, 4)) is not None
    assert cache.get((0, 0)) is None


def test_settings_of_user_file_preset_card_and_defaults(simulated, tiny_model):
    def planned(**options):
        return plan_run(simulated.frames, model=str(tiny_model), **options).settings

    number = {"embed": {"diameter": 16.0}}
    assert planned(settings=number).cluster.bandwidth == 0.04
    assert planned(settings=number, file={"cluster": {"bandwidth": 0.2}}).cluster == (
        planned(settings=number).cluster.model_copy(update={"bandwidth": 0.2})
    )
    chosen = number | {"cluster": {"bandwidth": 0.3}}
    file = {"cluster": {"bandwidth": 0.2}}
    assert planned(settings=chosen, file=file).cluster.bandwidth == 0.3
    assert planned(settings=number).embed.model == str(tiny_model)
    assert planned(preset="Fluo-N2DH-SIM+").embed.network_size == (512, 512)


def test_settings_object_counts_only_what_was_set(simulated, tiny_model):
    given = Settings.model_validate({"embed": {"diameter": 16.0}})
    plan = plan_run(simulated.frames, given, model=str(tiny_model))
    assert plan.settings.cluster.bandwidth == 0.04
    # A resolved file sets everything.
    again = plan_run(
        simulated.frames, plan.settings.model_dump(), model=str(tiny_model)
    )
    assert again.settings == plan.settings


def test_published_profile_runs_in_windows_and_tiles(simulated, tiny_model):
    settings = {
        "profile": "published",
        "embed": {"diameter": 8.0, "window": 3, "tile": 32, "tile_overlap": 16},
        "track": {"smallest_cell_pixels": 10},
    }
    result = segment_movie(simulated.frames, settings, model=str(tiny_model))
    assert result.labels.shape == simulated.frames.shape
    assert result.settings.cluster.mean == "raw"
    assert result.settings.cluster.bandwidth == 0.1
    assert len(result.reports) == 5


def test_refusals(simulated):
    with pytest.raises(InputError, match="no frame"):
        segment_movie(simulated.frames[:0])
    with pytest.raises(InputError, match="no model 'nobody'"):
        segment_movie(simulated.frames, model="nobody")
    with pytest.raises(InputError, match="axes"):
        segment_movie(None, embeddings=np.zeros((3, 5, 5)))
    with pytest.raises(InputError, match="mask"):
        segment_movie(None, embeddings=np.ones((2, 4, 8, 8)), background="mask")


def test_running_out_of_memory_is_a_sentence(simulated, tiny_model, monkeypatch):
    model = load_model(tiny_model)
    run = track(simulated.frames, SMALL, model=model)

    def out_of_memory(*_args):
        raise MemoryError

    monkeypatch.setattr(run.plan.source.embedder, "embed_block", out_of_memory)
    with pytest.raises(FastershiftError, match="memory"):
        list(run)


def test_every_pixel_of_a_model_that_votes_is_a_seed():
    movie = simulate_movie(2, (64, 64), 4, diameter=20, seed=1)
    settings = {"embed": {"model": "generalist", "diameter": 20}}
    for report in segment_movie(movie.frames, settings).reports:
        assert report.seeds == report.n_min == report.clusters > 0
        assert report.coverage == report.coverage_equal == 1
