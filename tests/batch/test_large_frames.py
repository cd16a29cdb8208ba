"""Frames that are embedded tile by tile, on disk."""

import errno
import os

import numpy as np
import pytest
import torch

pytest.importorskip("zarr")

from fastershift.batch import MovieTask, run_large
from fastershift.batch._on_disk import EmbeddingsOnDisk, with_large_frames
from fastershift.errors import FastershiftError
from fastershift.io import as_movie, read_result
from fastershift.pipeline import cluster_pair, plan_run, segment_movie
from fastershift.rshn import Stream
from fastershift.simulate import simulate_movie
from fastershift.tracking import centroids

TILES = {"tile": 16, "tile_overlap": 8, "largest_frame": 20}


def given(settings, **options):
    return {"embed": {**settings["embed"], **options}}


def embeddings(source):
    return [one.embeddings.clone() for one in source.pairs() if one is not None]


def test_embeddings_are_those_of_a_run_in_memory(tmp_path, simulated, settings):
    reads = []

    class Counting:
        shape = simulated.frames.shape

        def __len__(self):
            return len(simulated.frames)

        def __getitem__(self, number):
            reads.append(number)
            return simulated.frames[number]

    plan = plan_run(simulated.frames, given(settings, **TILES))
    large = with_large_frames(plan, Counting(), tmp_path)
    assert isinstance(large.source, EmbeddingsOnDisk)
    for one, other in zip(
        embeddings(large.source), embeddings(plan.source), strict=True
    ):
        assert torch.equal(one, other)
    # Once for each block that shows a frame or is warmed up on it.
    assert max(reads.count(number) for number in set(reads)) <= 3
    assert not list(tmp_path.iterdir())


def test_a_shortage_of_memory_changes_nothing(
    tmp_path, simulated, settings, monkeypatch
):
    frames = simulated.frames[:3]
    plan = plan_run(frames, given(settings, **TILES))
    expected = embeddings(plan.source)
    original, calls = Stream.embed, []

    def short(stream, images, chunk=0):
        calls.append(len(images))
        if len(calls) > 2 and len(images) > 2:
            raise MemoryError
        return original(stream, images, chunk)

    monkeypatch.setattr(Stream, "embed", short)
    found = embeddings(with_large_frames(plan, frames, tmp_path).source)
    assert calls[0] > 2
    assert calls[-1] <= 2
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("where", ["fastershift.rshn._prepared.reserve", "numpy.save"])
def test_a_full_disk_is_told(tmp_path, simulated, settings, monkeypatch, where):
    """A file with holes in memory would end the process instead."""

    def full(*_given, **_options):
        if where == "numpy.save":
            raise OSError("512 requested and 128 written")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    plan = plan_run(simulated.frames, given(settings, **TILES))
    large = with_large_frames(plan, simulated.frames, tmp_path)
    monkeypatch.setattr(where, full)
    with pytest.raises(FastershiftError, match="The disk is full"):
        embeddings(large.source)
    assert not list(tmp_path.iterdir())


def test_small_frames_stay_in_memory(tmp_path, simulated, settings):
    plan = plan_run(simulated.frames, settings)
    assert with_large_frames(plan, simulated.frames, tmp_path) is plan


def test_the_result_is_that_of_a_run_in_memory(tmp_path, simulated, settings):
    asked = given(settings, **TILES)
    expected = segment_movie(simulated.frames, asked)
    movie = as_movie(simulated.frames)
    *_, last = run_large(MovieTask(movie, tmp_path / "out", "ctc", asked, chunk=4))
    labels, tracks = read_result(last.outcome.output)
    assert np.array_equal(labels, expected.labels)
    rows = [(t.id, t.first, t.last, t.parent) for t in expected.lineage.tracks]
    assert tracks == rows
    assert rows


#: Pixels from the border of what it sees in which the network is at a loss.
BLIND = 24
CODES = 16


def code_of(labels, seed=0):
    """Give neighbours different codes; cells far apart share one."""
    rng = np.random.default_rng(seed)
    places = {int(row[0]): row[2:] for row in centroids(labels)}
    codes = np.zeros(labels.max() + 1, int)
    for label, place in places.items():
        near = [
            codes[other] for other in places if np.hypot(*(places[other] - place)) < 46
        ]
        codes[label] = rng.choice(np.setdiff1d(np.arange(1, CODES), near))
    return codes[labels]


@pytest.fixture(scope="module")
def codes():
    endless = float("inf")
    movie = simulate_movie(2, (528, 528), 260, diameter=20, seed=4, cell_cycle=endless)
    return code_of(movie.labels)


@pytest.fixture
def cells(settings, make_model_of, tmp_path, monkeypatch):
    """Cells of the second frame, by a network that reads codes off the intensities."""

    def embed(_stream, images, _chunk=0):
        code = ((images + 1) / 2 * (CODES - 1)).round().long().clamp(0, CODES - 1)
        generator = torch.Generator().manual_seed(images.shape[1])
        lost = torch.ones(code.shape, dtype=torch.bool)
        lost[:, BLIND:-BLIND, BLIND:-BLIND] = False
        code[lost] = torch.randint(CODES, (int(lost.sum()),), generator=generator)
        noise = torch.randn((*code.shape, CODES), generator=generator)
        return torch.eye(CODES)[code] + 0.06 * noise

    monkeypatch.setattr(Stream, "embed", embed)
    model = make_model_of(CODES)

    def find(codes, tile, overlap):
        embed = {"diameter": 24, "blur": 0, "warmup": 0, "model": str(model)}
        embed |= {"tile": tile, "tile_overlap": overlap, "largest_frame": 300}
        plan = plan_run(codes.astype(np.uint8), {"embed": embed})
        plan = with_large_frames(plan, codes.astype(np.uint8), tmp_path)
        assert isinstance(plan.source, EmbeddingsOnDisk)
        pairs = (pair for pair in plan.source.pairs() if pair is not None)
        return cluster_pair(plan, next(pairs)).labels[1]

    return find


def agreement(one, other, margin=BLIND + 12):
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


def test_borders_do_not_show(codes, cells):
    """Two tilings, and a shift of the movie, find the same cells."""
    here = codes[:, 16:, 16:]
    first = cells(here, 192, 64)
    second = cells(here, 256, 96)
    shifted = cells(codes[:, :-16, :-16], 192, 64)
    inner = shifted[16:, 16:], first[:-16, :-16]
    for mine, other in ((first, second), inner[::-1]):
        shares = agreement(mine, other)
        assert len(shares) > 100
        assert np.mean(shares >= 0.95) >= 0.99
        counts = len(shares), len(agreement(other, mine))
        assert abs(counts[0] - counts[1]) <= 0.001 * counts[0]


@pytest.mark.slow  # frames of many tiles, twice
def test_too_little_overlap_shows(codes, cells):
    """The comparison above can fail."""
    here = codes[:, 16:, 16:]
    shares = agreement(cells(here, 192, 64), cells(here, 192, 16))
    assert np.mean(shares >= 0.95) < 0.99


#: Network pixels from which on a network of five levels sees no edge, and a cell.
SEES = 188 + 12


@pytest.fixture(scope="module")
def crowded():
    movie = simulate_movie(2, (800, 800), 800**2 // 1600, diameter=24, seed=3)
    return movie.frames


def cells_by_nuclei(frames, tmp_path, **tiles):
    plan = plan_run(frames, {"embed": {"diameter": 24.0, "model": "nuclei", **tiles}})
    plan = with_large_frames(plan, frames, tmp_path)
    pairs = (pair for pair in plan.source.pairs() if pair is not None)
    return cluster_pair(plan, next(pairs)).labels[1]


@pytest.fixture(scope="module")
def as_they_are(crowded, tmp_path_factory):
    return cells_by_nuclei(crowded, tmp_path_factory.mktemp("whole"))


@pytest.mark.slow  # a shipped network on frames of many tiles
def test_borders_of_a_shipped_model_do_not_show(crowded, as_they_are, tmp_path):
    tiled = cells_by_nuclei(crowded, tmp_path, tile=640, largest_frame=700)
    shares = agreement(as_they_are, tiled, 1)
    assert len(shares) > 350
    assert np.mean(shares >= 0.95) >= 0.99
    assert len(agreement(tiled, as_they_are, 1)) == len(shares)


@pytest.mark.slow  # frames of many tiles, twice
def test_a_shifted_movie_has_the_same_cells(crowded, as_they_are, tmp_path):
    """With a shipped model; what leaves at one edge comes in at the other.

    So the range of the intensities, which frames are normalised by, stays the same.
    """
    shifted = cells_by_nuclei(np.roll(crowded, (16, 16), (1, 2)), tmp_path)
    here, there = as_they_are[:-16, :-16], shifted[16:, 16:]
    shares = agreement(here, there, SEES)
    assert len(shares) > 60
    assert np.mean(shares >= 0.95) >= 0.99
    assert len(agreement(there, here, SEES)) == len(shares)
