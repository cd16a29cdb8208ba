"""How many seeds a pair starts from when nothing is carried over to it."""

import numpy as np
import pytest

from fastershift.config import ClusterSettings
from helpers.movies import find_cells


def embeddings(n_cells, noise=0.02, size=48):
    """Vertical stripes, one direction each: (2, C, Y, X)."""
    rng = np.random.default_rng(0)
    stripes = np.arange(size) * n_cells // size
    vectors = np.eye(n_cells + 1)[stripes + 1]
    frames = np.broadcast_to(vectors, (2, size, size, n_cells + 1))
    frames = frames + rng.normal(scale=noise, size=frames.shape)
    return np.moveaxis(frames, -1, 1).astype(np.float32)


def seeds_used(n_cells, **settings):
    cluster = ClusterSettings(reseed=False, **settings)
    found = find_cells(embeddings(n_cells), cluster, smallest_cell=1, seed=1)
    assert found.labels.max() == n_cells
    return found.clustering.n_seeds


def test_few_cells_need_fewer_seeds_than_they_start_from():
    # N_min of two cells is 6 (Eq 19), and H times that is 48.
    assert seeds_used(2) <= 48 < 128


def test_a_higher_factor_leaves_the_seeds():
    assert seeds_used(2, high=64) == 128


def test_many_cells_need_more():
    # N_min of twelve cells is 63; L times that is 126, and 4 times 252.
    assert seeds_used(12) == 128
    assert seeds_used(12, low=4) == 256


def test_the_first_number_of_seeds_is_where_it_starts():
    assert seeds_used(12, n_initial=200) == 200


def test_carried_seeds_start_from_the_first_number():
    assert seeds_used(2, carry_seeds=True) == 128


@pytest.mark.parametrize("background", ["axis", "none"])
def test_a_pair_without_vectors(background):
    vectors = np.zeros((2, 4, 8, 8), np.float32)
    vectors[:, 0] = background == "axis"
    assert not find_cells(vectors, background=background).labels.any()
