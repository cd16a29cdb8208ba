"""Comparisons that allow for rounding still notice what is wrong."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers.agreement import (
    assert_same_cells,
    assert_same_clustering,
    assert_same_clusters,
    assert_same_embedding,
    disagreement,
)

POINTS = np.array([[1, 0.1], [1, -0.1], [0.1, 1], [1, 1], [0, 0]])
CENTERS = np.eye(2)
LABELS = np.array([0, 0, 1, 0, -1])


def compare(labels, centers=CENTERS):
    assert_same_clusters(POINTS, (centers, np.array(labels)), (CENTERS, LABELS), 0.1)


def test_a_vector_between_two_modes_may_join_either():
    compare([0, 0, 1, 0, -1])
    compare([0, 0, 1, 1, -1])


def test_the_order_of_clusters_does_not_matter():
    compare([1, 1, 0, 0, -1], CENTERS[::-1])


@pytest.mark.parametrize(
    "labels", [[1, 0, 1, 0, -1], [0, 0, 1, -1, -1], [0, 0, 1, 0, 1]]
)
def test_a_vector_that_is_clearly_of_one_mode_must_join_it(labels):
    with pytest.raises(AssertionError, match="clearly"):
        compare(labels)


@pytest.mark.parametrize("centers", [np.eye(2)[:1], [[1, 0], [1, 0]], [[1, 0], [1, 9]]])
def test_another_mode_is_noticed(centers):
    with pytest.raises(AssertionError):
        compare(np.minimum(LABELS, len(centers) - 1), np.array(centers))


def clustering(seed_modes):
    return SimpleNamespace(
        centers=torch.as_tensor(CENTERS),
        labels=torch.as_tensor(LABELS),
        seeds=torch.arange(len(seed_modes)),
        seed_modes=seed_modes,
    )


@pytest.mark.parametrize(("elsewhere", "ok"), [(0, True), (1, True), (3, False)])
def test_one_seed_in_a_hundred_may_be_discarded(elsewhere, ok):
    modes = torch.zeros(200, dtype=torch.int64)
    other = modes.clone()
    other[:elsewhere] = -1
    expected = pytest.raises(AssertionError, match="too many seeds")
    with nullcontext() if ok else expected:
        assert_same_clustering(POINTS, clustering(modes), clustering(other))


def test_cells_are_the_same_under_any_numbers():
    cells = np.zeros((50, 60), int)
    cells[5:30, 5:20], cells[5:30, 30:50] = 1, 2
    assert_same_cells(7 * cells, cells)
    moved = cells.copy()
    moved[5, 5:8] = 0
    assert_same_cells(moved, cells)
    moved[5:30, 30] = 0
    assert disagreement(moved, cells) == pytest.approx(28 / 3000)
    for other in (moved, np.minimum(cells, 1), np.where(cells == 2, 0, cells)):
        with pytest.raises(AssertionError, match="another cell"):
            assert_same_cells(other, cells)


def test_embeddings_differ_by_rounding_only():
    one = torch.rand(4, 5, 6).half()
    assert_same_embedding(one, one.float() + 4e-4)
    with pytest.raises(AssertionError):
        assert_same_embedding(one, one.float() + 2e-3)
