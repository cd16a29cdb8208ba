"""What a preview costs, and that it is what a run finds."""

import os
import subprocess
import sys

import numpy as np
import pytest

from fastershift.labels import _painted
from fastershift.pipeline import FrameDone
from fastershift.rshn._streaming import Stream
from fastershift.session import PreviewRequest, Session, SessionInput, _caches
from fastershift.session import _preview as previews

EMBED = {"diameter": 16.0, "block": 3, "warmup": 1}


@pytest.fixture
def settings(tiny_model):
    def with_changes(**stages):
        embed = EMBED | {"model": str(tiny_model)} | stages.pop("embed", {})
        return {"embed": embed, **stages}

    return with_changes


@pytest.fixture
def session(simulated):
    session = Session()
    session.open(SessionInput(movie=simulated.frames))
    return session


@pytest.fixture
def clustered(monkeypatch):
    """Pairs that were really clustered."""
    pairs = []
    original = previews.cluster_pair

    def counted(plan, pair, *rest):
        pairs.append(pair.frame)
        return original(plan, pair, *rest)

    monkeypatch.setattr(previews, "cluster_pair", counted)
    return pairs


def look(session, frame, settings, **options):
    *_, preview = session.preview(frame, settings, **options)
    return preview


def passes(session, monkeypatch, settings):
    """Frames that are really embedded, warm-up included."""
    embedder = session.plan(settings).source.embedder
    seen = []
    original = embedder._prepare

    def counted(frames, number):
        seen.append(number)
        return original(frames, number)

    monkeypatch.setattr(embedder, "_prepare", counted)
    return seen


def same_cells(first, second):
    pairs = np.unique(np.stack([first.ravel(), second.ravel()]), axis=1)
    return pairs.shape[1] == len(np.unique(first)) == len(np.unique(second))


def test_every_frame_is_what_a_run_has_whatever_was_looked_at_before(session, settings):
    wanted = settings()
    shown = {frame: look(session, frame, wanted) for frame in (4, 1, 3, 0, 2)}
    other = Session()
    other.open(session.input)
    job = other.start(wanted)
    for event in job.events():
        if isinstance(event, FrameDone):
            assert same_cells(shown[event.frame].cells, event.labels)
            assert shown[event.frame].report.seeds == event.report.seeds


def test_carried_seeds_are_carried_in_previews_too(session, settings, clustered):
    wanted = settings(cluster={"carry_seeds": True})
    job = session.start(wanted)
    done = [event for event in job.events() if isinstance(event, FrameDone)]
    assert look(session, 4, wanted).report.seeds == done[4].report.seeds
    assert clustered == [0, 1, 2, 3]
    look(session, 3, wanted)
    assert clustered == [0, 1, 2, 3]


def test_a_preview_clusters_one_pair(session, settings, clustered):
    look(session, 4, settings())
    assert clustered == [3]


def test_what_survives_which_change(session, settings, clustered, monkeypatch):
    embedded = passes(session, monkeypatch, settings())
    look(session, 2, settings())
    assert (len(clustered), len(embedded)) == (1, 4)
    look(session, 2, settings(track={"linking_overlap": 0.5}))
    assert (len(clustered), len(embedded)) == (1, 4)
    look(session, 2, settings(cluster={"bandwidth": 0.2}))
    assert (len(clustered), len(embedded)) == (2, 4)
    look(session, 2, settings())
    assert (len(clustered), len(embedded)) == (2, 4)


@pytest.mark.parametrize("split", [False, True])
def test_the_smallest_cell_needs_no_clustering(session, settings, clustered, split):
    divided = {"split_large": split}
    few = settings(track={"smallest_cell": 0.4}, cluster=divided)
    look(session, 2, settings(track={"smallest_cell": 0.01}, cluster=divided))
    again = look(session, 2, few)
    assert clustered == [1]
    fresh = Session()
    fresh.open(session.input)
    assert same_cells(again.cells, look(fresh, 2, few).cells)


def test_the_least_certainty_needs_no_clustering(session, clustered):
    def settings(least):
        return {
            "embed": EMBED | {"model": "generalist"},
            "track": {"least_certainty": least},
        }

    everything = look(session, 2, settings(0.0))
    fewer = look(session, 2, settings(0.999))
    assert clustered == [1]
    assert 0 < len(np.unique(fewer.cells)) < len(np.unique(everything.cells))
    fresh = Session()
    fresh.open(session.input)
    assert same_cells(fewer.cells, look(fresh, 2, settings(0.999)).cells)


def test_scrolling_on_takes_one_pass_for_a_frame(session, settings, monkeypatch):
    embedded = passes(session, monkeypatch, settings())
    for frame in (1, 2, 3):
        look(session, frame, settings())
    assert embedded == [1, 0, 1, 2, 3]
    embedded.clear()
    # The next block: warmed up on the frame before it.
    look(session, 4, settings())
    assert embedded == [2, 3, 4]


def test_a_preview_that_was_left_is_taken_up(session, settings, monkeypatch):
    embedded = passes(session, monkeypatch, settings())
    steps = session.preview(3, settings())
    for _ in range(3):
        assert next(steps) is None
    steps.close()
    look(session, 3, settings())
    assert sorted(embedded) == sorted([1, 0, 1, 2, 3])


def test_the_model_is_read_once_until_its_file_changes(
    session, settings, tiny_model, monkeypatch, tmp_path
):
    read = []
    original = _caches.load_model
    monkeypatch.setattr(
        _caches, "load_model", lambda name: read.append(name) or original(name)
    )
    own = tmp_path / "own.safetensors"
    own.write_bytes(tiny_model.read_bytes())
    wanted = settings(embed={"model": str(own)})
    for bandwidth in (0.1, 0.2):
        look(session, 1, wanted | {"cluster": {"bandwidth": bandwidth}})
    assert len(read) == 1
    own.write_bytes(tiny_model.read_bytes())
    os.utime(own, ns=(1, 1))
    session.plan(wanted)
    assert len(read) == 2


def test_cells_keep_their_numbers_while_a_value_changes(embeddings):
    session = Session()
    session.open(SessionInput(embeddings=embeddings))
    first = look(session, 2, None).cells
    # A smaller radius draws other seeds in another order, and finds the same cells.
    second = look(session, 2, {"cluster": {"bandwidth": 0.05, "random_seed": 5}}).cells
    np.testing.assert_array_equal(first, second)


def test_cells_are_numbered_like_the_result(embeddings):
    session = Session()
    session.open(SessionInput(embeddings=embeddings))
    committed = look(session, 2, None).cells * 10
    request = PreviewRequest(2, like=lambda _frame: committed)
    np.testing.assert_array_equal(look(session, request, None).cells, committed)


def test_clusters_only_when_they_are_wanted(session, settings):
    preview = look(session, PreviewRequest(2, clusters=False), settings())
    assert preview.clusters is None


def test_a_region_of_given_embeddings(embeddings):
    session = Session()
    session.open(SessionInput(embeddings=embeddings))
    region = (slice(4, 30), slice(10, 40))
    part = look(session, 2, None, region=region)
    whole = look(session, 2, None)
    assert part.region == region
    np.testing.assert_array_equal(part.cells > 0, whole.cells[region] > 0)


def test_a_region_of_a_movie_is_widened(tiny_model):
    rng = np.random.default_rng(0)
    session = Session()
    session.open(SessionInput(movie=rng.normal(size=(2, 400, 420))))
    settings = {
        "embed": EMBED | {"model": str(tiny_model), "tile_overlap": 64, "tile": 512}
    }
    shown = look(session, 1, settings, region=(slice(100, 120), slice(300, 330)))
    rows, columns = shown.region
    # By half the overlap, 64 pixels of the image, to the next multiple of 64.
    assert (rows, columns) == (slice(0, 192), slice(192, 420))
    assert shown.cells.shape == (rows.stop - rows.start, columns.stop - columns.start)
    # All of it where little would be left out.
    assert session.plan(settings, region=(slice(0, 390), slice(5, 400))).region is None


@pytest.fixture
def network_passes(monkeypatch):
    """Frames or parts of frames that any network was shown, as they come."""
    seen = []
    original = Stream.embed

    def counted(stream, images, chunk=0):
        seen.append(images.shape)
        return original(stream, images, chunk)

    monkeypatch.setattr(Stream, "embed", counted)
    return seen


def test_while_the_model_is_chosen_there_is_something_to_see(session, network_passes):
    steps = session.preview(2, {"embed": {"diameter": 16.0}})
    first = next(step for step in steps if step is not None)
    assert first.at_first_sight
    assert first.frame == first.report.frame == 2
    assert first.provenance["model"] == "generalist"
    assert len(np.unique(first.cells)) > 2
    # One look at the frame, and at nothing else.
    assert len(network_passes) == 1
    *_, last = steps
    assert not last.at_first_sight
    fresh = Session()
    fresh.open(session.input)
    assert same_cells(last.cells, look(fresh, 2, last.settings).cells)
    # What was chosen stays, so there is nothing to see before.
    again = session.preview(1, {"embed": {"diameter": 16.0}})
    assert [one.at_first_sight for one in again if one is not None] == [False]


def test_at_first_sight_the_diameter_is_that_which_fits_best(session):
    steps = session.preview(0)
    first = next(step for step in steps if step is not None)
    assert first.at_first_sight
    assert 8 < first.settings.embed.diameter < 32


def test_a_model_that_is_named_is_shown_at_once(session, settings):
    shown = [one for one in session.preview(1, settings()) if one is not None]
    assert [one.at_first_sight for one in shown] == [False]


def test_regions_are_not_shown_at_first_sight(simulated):
    _, rows, columns = simulated.frames.shape
    session = Session()
    inside = np.ones((rows, columns), bool)
    session.open(SessionInput(movie=simulated.frames, inside=inside))
    shown = [one for one in session.preview(1) if one is not None]
    assert [one.at_first_sight for one in shown] == [False]


# In a process of its own, where nothing has been compiled before.
FIRST_SIGHT = """
import sys
import numpy as np
from numba.core.dispatcher import Dispatcher
from fastershift.session import Session, SessionInput

session = Session()
session.open(SessionInput(movie=np.load(sys.argv[1])))
steps = session.preview(0, {"embed": {"diameter": 16.0}})
next(step for step in steps if step is not None)
loops = [one for name, module in sys.modules.items()
         if name.startswith("fastershift") for one in vars(module).values()
         if isinstance(one, Dispatcher) and one.signatures]
assert loops
print("twice:", {one.__name__ for one in loops if len(one.signatures) > 1})
print("mean-shift:", [one for one in loops if "meanshift" in one.__module__])
"""


def test_what_is_seen_first_needs_little_that_is_compiled(simulated, tmp_path):
    np.save(tmp_path / "movie.npy", simulated.frames)
    done = subprocess.run(
        [sys.executable, "-c", FIRST_SIGHT, str(tmp_path / "movie.npy")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "twice: set()" in done.stdout
    assert "mean-shift: []" in done.stdout


def test_of_a_model_that_votes_only_the_frame_that_is_shown_is_painted(
    session, settings, monkeypatch
):
    painted, empty_labels = [], _painted.empty_labels

    def counted(shape):
        painted.append(shape)
        return empty_labels(shape)

    monkeypatch.setattr(_painted, "empty_labels", counted)
    for bandwidth in (0.01, 0.02):
        wanted = settings(
            embed={"model": "generalist"}, cluster={"bandwidth": bandwidth}
        )
        painted.clear()
        shown = look(session, PreviewRequest(1, clusters=False), wanted)
        assert painted == [shown.pair.labels.shape[1:]]


def test_a_mask_that_is_painted_counts_in_the_next_preview(embeddings):
    mask = np.ones(embeddings.shape[2:], np.int32)
    session = Session()
    session.open(SessionInput(embeddings=embeddings, background="mask", mask=mask))
    assert look(session, 2, None).cells[:, 40:].any()
    mask[:, 40:] = 0
    session.forget_masks()
    assert not look(session, 2, None).cells[:, 40:].any()
