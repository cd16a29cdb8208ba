"""Reference numbers of the original TensorFlow code, label for label."""

import numpy as np
import pytest

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.instances import merge_tiles
from fastershift.tracking import Linker
from fastershift.tracking._parents import grow
from helpers.agreement import assert_same_cells
from helpers.movies import find_cells
from helpers.tracks import finalize, stack_of
from helpers.validity import ctc_problems

MOVIES = ("A", "B")
N_PAIRS = 5
#: Settings and the border in rows and columns.
CASES = {
    "default": (TrackSettings(parent_dilation=5), (0, 0)),
    "border": (TrackSettings(parent_dilation=3), (8, 10)),
    "nomerge": (
        TrackSettings(
            parent_dilation=0, division_search=8, merge_search=0, shortest_track=3
        ),
        (0, 0),
    ),
}
PUBLISHED_CLUSTERING = ClusterSettings(
    coordinate_weight=0.005,
    gamma=1,
    mean="raw",
    reseed=False,
    local_modes=False,
    join_alike=False,
)


@pytest.fixture(scope="module")
def movies(oracle):
    return {name: np.load(oracle / f"tracking_{name}.npz") for name in MOVIES}


def published_linker(settings, pairs):
    linker = Linker(settings, published=True)
    for pair in pairs:
        linker.add(pair)
    return linker


@pytest.mark.parametrize("pair", range(N_PAIRS))
@pytest.mark.parametrize("movie", MOVIES)
def test_cells_of_a_pair(movies, movie, pair):
    numbers = movies[movie]
    instances = find_cells(
        numbers["emb"][pair : pair + 2],
        PUBLISHED_CLUSTERING,
        smallest_cell=20,
        seeds=numbers["seeds"][pair],
    )
    assert_same_cells(instances.labels, numbers["pairs"][pair])
    assert instances.clustering.n_seeds == len(numbers["seeds"][pair])


@pytest.mark.parametrize("pair", range(N_PAIRS))
@pytest.mark.parametrize("movie", MOVIES)
def test_default_clustering_finds_the_same_cells(movies, movie, pair):
    numbers = movies[movie]
    instances = find_cells(numbers["emb"][pair : pair + 2], smallest_cell=20)
    assert_same_cells(instances.labels, numbers["pairs"][pair])


@pytest.mark.parametrize("n_pairs", range(1, N_PAIRS + 1))
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("movie", MOVIES)
def test_linked_stack(movies, movie, case, n_pairs):
    linker = published_linker(CASES[case][0], movies[movie]["pairs"][:n_pairs])
    expected = movies[movie][f"{case}_stack_after{n_pairs - 1}"]
    np.testing.assert_array_equal(stack_of(linker), expected)
    assert len(linker) == n_pairs + 1


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("movie", MOVIES)
def test_final_labels_and_tracks(movies, movie, case):
    settings, border = CASES[case]
    linker = published_linker(settings, movies[movie]["pairs"])
    labels, lineage = finalize(
        stack_of(linker), settings, published=True, border=border
    )
    np.testing.assert_array_equal(labels, movies[movie][f"{case}_final"])
    tracks = [(t.id, t.first, t.last, t.parent) for t in lineage.tracks]
    np.testing.assert_array_equal(tracks, movies[movie][f"{case}_tracks"])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("movie", MOVIES)
def test_default_profile_finds_the_same_divisions(movies, movie, case):
    settings, border = CASES[case]
    linker = Linker(settings)
    for pair in movies[movie]["pairs"]:
        linker.add(pair)
    labels, lineage = finalize(stack_of(linker), settings, border=border)
    expected = published_linker(settings, movies[movie]["pairs"])
    published_labels, published = finalize(
        stack_of(expected), settings, published=True, border=border
    )
    assert ctc_problems(labels, lineage) == []
    assert len(lineage.divisions()) == len(published.divisions())
    assert labels[published_labels > 0].all()
    # Short tracks that the movie cuts off stay by default.
    for number in np.unique(labels[(labels > 0) & (published_labels == 0)]):
        track = lineage.tracks[number - 1]
        assert track.first == 0 or track.last == len(labels) - 1


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("movie", MOVIES)
def test_dilation_element(movies, movie, size):
    expected = movies[movie][f"dilation_point_size{size}"]
    point = np.zeros(expected.shape, bool)
    point[len(expected) // 2, len(expected) // 2] = True
    np.testing.assert_array_equal(grow(point, size), expected)


@pytest.mark.parametrize("n_tiles", range(1, 13))
@pytest.mark.parametrize("case", ["clean", "errors"])
def test_tile_merge(oracle, case, n_tiles):
    numbers = np.load(oracle / "tile_merge.npz")
    offsets = [tuple(offset) for offset in numbers[f"{case}_offsets"].tolist()]
    tiles = list(zip(numbers[f"{case}_tiles"], offsets, strict=True))
    merged = merge_tiles(tiles[:n_tiles], (64, 80), border=4)
    np.testing.assert_array_equal(merged, numbers[f"{case}_after_each"][n_tiles - 1])
    if n_tiles == len(tiles):
        np.testing.assert_array_equal(merged, numbers[f"{case}_merged"])
