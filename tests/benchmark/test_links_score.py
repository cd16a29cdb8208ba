"""Scores of links on movies drawn by hand: what each mistake costs."""

import numpy as np
import pytest

pytest.importorskip("traccuracy")

from fastershift.benchmark._links_score import _nodes, _one_to_one, _pairs, score_links
from fastershift.benchmark._masks import MaskMovie
from helpers.movies import (
    A_CELL_DIVIDES,
    A_CELL_ENTERS_LATE,
    TWO_CELLS_TOUCH_THEN_ONE_LEAVES,
)


def known(movie, larger=4):
    """A drawn movie as one whose masks are known."""
    labels = movie.labels.astype(np.int32).repeat(larger, axis=1).repeat(larger, axis=2)
    return MaskMovie("drawn", labels, labels, tuple(movie.lineage.rows()), labels)


def test_cells_are_numbered_from_one_by_track_and_frame():
    nodes = _nodes(((4, 1, 2, 0), (7, 0, 0, 4)))
    assert nodes == {(4, 1): 1, (4, 2): 2, (7, 0): 3}


@pytest.mark.parametrize(
    "movie", [A_CELL_DIVIDES, A_CELL_ENTERS_LATE, TWO_CELLS_TOUCH_THEN_ONE_LEAVES]
)
def test_the_truth_scores_one_whatever_its_numbers(movie):
    truth = known(movie)
    numbers = {track: 50 - track for track, *_ in truth.tracks}
    table = np.arange(truth.truth.max() + 1)
    for track, number in numbers.items():
        table[track] = number
    tracks = [
        (numbers[track], first, last, numbers.get(parent, 0))
        for track, first, last, parent in truth.tracks
    ]
    scores = score_links(truth, table[truth.truth].astype(np.int32), tracks)
    assert (scores.tra, scores.aogm) == (1, 0)


def test_without_a_true_division_nothing_is_said_of_divisions():
    labels = np.zeros((3, 12, 12), np.int32)
    labels[:, 2:6, 2:6] = 1
    movie = MaskMovie("one", labels, labels, ((1, 0, 2, 0),), labels)
    assert score_links(movie, labels, movie.tracks).division_f1 is None


def two_cells(n_frames=6):
    labels = np.zeros((n_frames, 20, 40), np.int32)
    labels[:, 4:12, 4:12], labels[:, 4:12, 24:32] = 1, 2
    return MaskMovie("two", labels, labels, ((1, 0, 5, 0), (2, 0, 5, 0)), labels)


def test_a_swap_costs_two_wrong_links_and_two_missing_ones():
    movie = two_cells()
    swapped = movie.truth.copy()
    swapped[3:] = np.where(swapped[3:] > 0, 3 - swapped[3:], 0)
    scores = score_links(movie, swapped, movie.tracks)
    assert scores.aogm == 2 * 1 + 2 * 1.5
    assert scores.tra < 1


def test_a_broken_track_costs_one_link():
    movie = two_cells()
    broken = movie.truth.copy()
    broken[3:][broken[3:] == 1] = 3
    tracks = [(1, 0, 2, 0), (3, 3, 5, 0), (2, 0, 5, 0)]
    assert score_links(movie, broken, tracks).aogm == 1.5


def test_a_missing_cell_takes_its_links_with_it():
    movie = two_cells()
    missing = movie.truth.copy()
    missing[3][missing[3] == 1] = 0
    tracks = [(1, 0, 2, 0), (3, 4, 5, 0), (2, 0, 5, 0)]
    missing[4:][missing[4:] == 1] = 3
    scores = score_links(movie, missing, tracks)
    assert scores.aogm == 2 * 1.5
    whole = score_links(movie, movie.truth, movie.tracks)
    assert scores.tra < whole.tra


@pytest.mark.parametrize(("late", "f1"), [(0, 1.0), (1, 1.0), (2, 0.0)])
def test_a_division_may_be_told_a_frame_late(late, f1):
    labels = np.zeros((8, 20, 40), np.int32)
    labels[:3, 4:12, 4:12] = 1
    labels[3:, 4:12, 2:8], labels[3:, 4:12, 12:18] = 2, 3
    true = ((1, 0, 2, 0), (2, 3, 7, 1), (3, 3, 7, 1))
    movie = MaskMovie("divides", labels, labels, true, labels)
    found = labels.copy()
    # The mother goes on as one of her daughters; the other one is not linked before.
    found[3 : 3 + late][found[3 : 3 + late] == 2] = 1
    extra = 9
    found[3 : 3 + late][found[3 : 3 + late] == 3] = extra
    tracks = [(1, 0, 2 + late, 0), (2, 3 + late, 7, 1), (3, 3 + late, 7, 1)]
    tracks += [(extra, 3, 2 + late, 0)] if late else []
    assert score_links(movie, found, tracks).division_f1 == f1


def test_a_cell_matches_the_marker_that_it_covers_more_than_half_of():
    truth = np.zeros((1, 10, 20), np.int32)
    truth[0, 2:6, 2:6], truth[0, 2:6, 10:14] = 1, 2
    found = np.zeros_like(truth)
    found[0, 2:6, 4:6] = 5  # half of the first
    found[0, 2:6, 11:16] = 6  # three quarters of the second
    tracks = ((1, 0, 0, 0), (2, 0, 0, 0))
    assert _pairs(truth, found, tracks, ((5, 0, 0, 0), (6, 0, 0, 0))) == {(2, 2): 12}


def test_of_several_markers_a_cell_keeps_the_one_it_covers_most_of():
    assert sorted(_one_to_one({(1, 7): 10, (2, 7): 30, (3, 8): 5})) == [(2, 7), (3, 8)]


def test_daughters_of_drawn_divisions_are_told():
    movie = known(A_CELL_DIVIDES)
    assert score_links(movie, movie.truth, movie.tracks).division_f1 == 1
