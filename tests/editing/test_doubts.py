"""Doubtful places: what is found, and what comes first."""

import numpy as np
import pytest
import torch

from fastershift.editing import FrameVectors, find_doubts
from fastershift.editing._cells import Cells
from fastershift.tracking import Lineage, Track

PROBABILITIES = {1: 0.55, 2: 0.95}


@pytest.fixture
def cells():
    """Two still cells, far from each other and from the border."""
    labels = np.zeros((2, 24, 40), np.int32)
    labels[:, 8:16, 6:14] = 1
    labels[:, 8:16, 26:34] = 2
    return Cells(labels, Lineage((Track(1, 0, 1), Track(2, 0, 1))))


def vectors(labels):
    """Cells differ in all but the first channel, which is background."""
    embedding = np.zeros((3, *labels.shape), np.float32)
    embedding[0][labels == 0] = 1
    for label, probability in PROBABILITIES.items():
        embedding[0][labels == label] = np.sqrt(1 - probability)
        embedding[label][labels == label] = np.sqrt(probability)
    return FrameVectors(torch.from_numpy(embedding), labels.shape)


def doubts_of(cells):
    def pairs(frame):
        yield vectors(cells.labels[frame]), vectors(cells.labels[frame + 1])

    return list(find_doubts(cells, pairs))[-1]


def test_a_cell_of_which_the_model_is_unsure_comes_first(cells):
    cells.labels[1, 8:16, 26:30] = 0
    first, *others = doubts_of(cells)
    assert (first.kind, first.frame, first.tracks) == ("unsure", 0, (1,))
    assert "(55%)" in first.reason
    assert {(one.kind, one.tracks) for one in others} == {("area", (2,))}


def test_a_locked_cell_is_beyond_doubt(cells):
    cells.locked[0] = {1}
    assert not doubts_of(cells)


def test_without_a_direction_of_background_nobody_is_unsure(cells):
    frame = cells.labels[0]
    plain = FrameVectors(
        torch.ones(3, *frame.shape), frame.shape, background_axis=False
    )
    under = plain.under(cells.region(0, 1))
    assert plain.probability(under) == 1
    assert vectors(frame).probability(under[:0]) == 1
