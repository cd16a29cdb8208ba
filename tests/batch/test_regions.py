"""Frames that are clustered region by region."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("zarr")

from fastershift.batch import MovieTask, run_large
from fastershift.batch import _regions as regions
from fastershift.io import as_movie, read_result
from fastershift.pipeline import GivenEmbeddings, plan_run
from fastershift.rshn import Embedder, load_model
from fastershift.simulate import simulate_movie
from fastershift.tracking import centroids


@pytest.mark.parametrize("side", [10, 100, 101, 300, 777])
@pytest.mark.parametrize(("tile", "overlap"), [(100, 30), (64, 32), (98.7, 41.2)])
def test_regions_cover_the_frame_and_overlap(side, tile, overlap):
    found = regions.cut_regions((side, side), tile, overlap, 4)
    rows = sorted({(rows.start, rows.stop) for rows, _ in found})
    assert rows[0][0] == 0
    assert rows[-1][1] == side
    assert all(stop - start <= round(tile) for start, stop in rows)
    for (_, stop), (start, _) in pairwise(rows):
        assert stop - start >= min(overlap - 1, side)
    assert len(found) == len(rows) ** 2


def embedding_of(labels, seed=0):
    """Neighbours differ, cells far apart share a vector, and pixels scatter."""
    rng = np.random.default_rng(seed)
    places = {int(row[0]): row[2:] for row in centroids(labels)}
    code = np.zeros(labels.max() + 1, int)
    for label, place in places.items():
        near = [
            code[other] for other in places if np.hypot(*(places[other] - place)) < 60
        ]
        code[label] = rng.choice(np.setdiff1d(np.arange(1, 24), near))
    vectors = np.eye(24, dtype=np.float32)[code[labels]]
    vectors += rng.normal(0, 0.06, vectors.shape).astype(np.float32)
    return np.moveaxis(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), -1, 1)


@pytest.fixture(scope="module")
def large():
    movie = simulate_movie(
        2, (528, 528), 260, diameter=20, seed=4, cell_cycle=float("inf")
    )
    return movie.labels, embedding_of(movie.labels)


@pytest.fixture
def in_regions(tiny_model, tmp_path, monkeypatch):
    """Cells of the second frame, from embeddings that are given."""

    def cells(embeddings, tile, overlap):
        plan = plan_run(None, embeddings=embeddings)
        sides = (tile, overlap, 16)
        cut = regions.cut_regions(plan.frame_shape, *sides)
        monkeypatch.setattr(regions, "_regions", lambda *_: cut)
        monkeypatch.setattr(
            regions,
            "_part",
            lambda plan, _model, _frames, region: regions.replace(
                plan,
                source=GivenEmbeddings(embeddings, region),
                frame_shape=(
                    region[0].stop - region[0].start,
                    region[1].stop - region[1].start,
                ),
            ),
        )
        assert len(cut) > 4
        model, movie = load_model(tiny_model), as_movie(embeddings[:, 0])
        steps = regions.cluster_in_regions(plan, model, movie, 0, 1, tmp_path)
        return next(step[0] for step in steps if step is not None)[1]

    return cells


def agreement(one, other, margin=24):
    """IoU of every cell of `one` that does not come near the edge."""
    rim = np.ones(one.shape, bool)
    rim[margin:-margin, margin:-margin] = False
    found = []
    for label in np.setdiff1d(np.unique(one), np.append(np.unique(one[rim]), 0)):
        mask = one == label
        counts = np.bincount(other[mask])
        counts[0] = 0
        best = other == counts.argmax()
        share = np.count_nonzero(mask & best) / np.count_nonzero(mask | best)
        found.append(share if counts.any() else 0.0)
    return np.array(found)


def count(labels):
    return len(np.unique(labels)) - 1


def test_borders_do_not_show(large, in_regions):
    """Two tilings, and a shift of the movie, find the same cells."""
    labels, embeddings = large
    here = embeddings[..., 16:, 16:]
    first = in_regions(here, 192, 64)
    second = in_regions(here, 256, 96)
    shifted = in_regions(embeddings[..., :-16, :-16], 192, 64)
    assert count(first) > 200
    for other, mine in (
        (second, first),
        (shifted[16:, 16:], first[:-16, :-16]),
        (labels[1, 16:, 16:], first),
    ):
        shares = agreement(mine, other)
        assert len(shares) > 150
        assert np.mean(shares >= 0.95) >= 0.99
    assert abs(count(second) - count(first)) <= 0.001 * count(first)
    inner = first[:-16, :-16], shifted[16:, 16:]
    cells = len(agreement(*inner)), len(agreement(*inner[::-1]))
    assert abs(cells[0] - cells[1]) <= 0.001 * cells[0]


def test_large_frames_through_the_network(tmp_path, simulated, settings):
    """A run in regions is a valid one; each frame is normalised once a block."""
    embed = {**settings["embed"], "tile": 16, "tile_overlap": 8, "largest_frame": 20}
    task = MovieTask(
        as_movie(simulated.frames), tmp_path / "out", "ctc", {"embed": embed}, chunk=4
    )
    *_, last = run_large(task)
    labels, tracks = read_result(last.outcome.output)
    assert labels.shape == simulated.frames.shape
    assert len(tracks) == last.outcome.tracks > 0


def test_a_region_reads_what_was_normalised_once(tmp_path, simulated, settings):
    model = load_model(settings["embed"]["model"])
    plan = plan_run(simulated.frames, settings)
    reads = []

    class Counting:
        shape = simulated.frames.shape

        def __len__(self):
            return len(simulated.frames)

        def __getitem__(self, number):
            reads.append(number)
            return simulated.frames[number]

    frames = regions._NormalisedFrames(Counting(), tmp_path)
    for columns in (slice(0, 32), slice(32, 64)):
        region = (slice(0, 56), columns)
        part = regions._part(plan, model, frames, region)
        pairs = [pair for pair in part.source.pairs(0, 2) if pair is not None]
        expected = Embedder(
            model,
            plan.settings.embed.model_copy(update={"tile": 0}),
            plan.frame_shape,
            region=region,
        ).embed_block(simulated.frames, 0)
        vectors = [step[1] for step in expected if step is not None]
        assert np.array_equal(pairs[0].embeddings[0].numpy(), vectors[0].numpy())
    assert len(reads) == len(set(reads))
