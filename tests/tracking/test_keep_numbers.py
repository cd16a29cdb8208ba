"""Cells keep the numbers, and so the colours, that they have elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastershift.tracking import keep_numbers

ROW = np.array([[1, 1, 1, 0, 2, 2, 2, 0, 3]], np.int32)


def test_a_cell_gets_the_number_of_the_one_it_overlaps():
    known = np.array([[7, 7, 0, 0, 9, 9, 9, 9, 0]], np.int32)
    assert keep_numbers(ROW, [known]).tolist() == [[7, 7, 7, 0, 9, 9, 9, 0, 10]]


def test_the_first_image_goes_before_the_second():
    first = np.array([[5, 5, 5, 0, 0, 0, 0, 0, 0]], np.int32)
    second = np.array([[7, 7, 7, 0, 8, 8, 8, 0, 5]], np.int32)
    numbered = keep_numbers(ROW, [first, second], above=20)
    assert numbered.tolist() == [[5, 5, 5, 0, 8, 8, 8, 0, 21]]


def test_the_largest_part_of_a_broken_cell_keeps_its_number():
    known = np.full((1, 9), 4, np.int32)
    broken = np.array([[1, 1, 2, 2, 2, 2, 2, 3, 3]], np.int32)
    numbered = keep_numbers(broken, [known])
    assert numbered[0, 4] == 4
    assert len(np.unique(numbered)) == 3


@given(
    labels=hnp.arrays(np.int32, (6, 6), elements=st.integers(0, 5)),
    known=hnp.arrays(np.int32, (6, 6), elements=st.integers(0, 5)),
)
def test_cells_stay_the_same_cells(labels, known):
    numbered = keep_numbers(labels, [known], above=3)
    pairs = set(zip(labels.ravel().tolist(), numbered.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(labels)) == len(np.unique(numbered))
    np.testing.assert_array_equal(numbered == 0, labels == 0)


@given(labels=hnp.arrays(np.int32, (6, 6), elements=st.integers(0, 5)))
def test_a_picture_numbered_like_itself_stays(labels):
    np.testing.assert_array_equal(keep_numbers(labels, [labels]), labels)


def test_without_anything_known_numbers_start_above():
    assert np.unique(keep_numbers(ROW, [], above=10)).tolist() == [0, 11, 12, 13]


@pytest.mark.parametrize("shape", [(0, 4), (3, 3)])
def test_no_cells(shape):
    nothing = np.zeros(shape, np.int32)
    assert keep_numbers(nothing, [nothing]).shape == shape
