"""Cells of a result and of its ground truth that match, counted by their overlap."""

import numpy as np
import pytest

from fastershift.labels import Matches, match_cells


def row(*cells):
    """A frame of one row: the label of each pixel."""
    return np.array([cells], np.int32)


# Two cells of four pixels each.
TRUTH = row(0, 1, 1, 1, 1, 0, 0, 2, 2, 2, 2, 0)


@pytest.mark.parametrize(
    ("found", "hits", "close"),
    [
        # Numbers need not agree.
        (row(0, 7, 7, 7, 7, 0, 0, 3, 3, 3, 3, 0), 2, 2),
        # 4 of 5 pixels, and 3 of 4, which is not above three quarters.
        (row(7, 7, 7, 7, 7, 0, 0, 3, 3, 3, 0, 0), 2, 1),
        # 3 of 5 pixels, and 2 of 4, which is not above a half.
        (row(0, 0, 7, 7, 7, 7, 0, 3, 3, 0, 0, 0), 1, 0),
        # One for both: 4 of 10 pixels with either.
        (row(0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0), 0, 0),
        (row(*[0] * 12), 0, 0),
    ],
)
def test_cells_match_above_a_half_and_closely_above_three_quarters(found, hits, close):
    matches = match_cells(TRUTH, found)
    assert (matches.hits, matches.close) == (hits, close)
    assert matches.truth == 2
    assert matches.found == len(np.unique(found[found > 0]))


def test_f1_counts_what_is_missed_and_what_is_too_much():
    assert Matches(hits=3, close=1, truth=4, found=4).f1 == pytest.approx(0.75)
    assert Matches(hits=3, close=1, truth=4, found=4).f1_close == pytest.approx(0.25)
    assert Matches(hits=3, truth=4, found=8).f1 == pytest.approx(0.5)
    assert Matches(hits=3, truth=8, found=4).f1 == pytest.approx(0.5)


def test_without_any_cell_f1_is_0_and_one_alone_counts():
    assert Matches().f1 == Matches().f1_close == 0
    assert Matches() == Matches(0, 0, 0, 0)
    assert match_cells(row(1), row(0)).f1 == 0
    assert match_cells(row(1), row(1)).f1 == 1


def test_matches_of_frames_are_added():
    first = match_cells(TRUTH, TRUTH)
    second = match_cells(TRUTH, row(0, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0))
    assert first + second == Matches(hits=3, close=3, truth=4, found=3)
    assert (first + second).f1 == pytest.approx(6 / 7)
