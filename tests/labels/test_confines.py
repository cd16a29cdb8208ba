"""Cells inside of a region, and outside of one."""

import tracemalloc

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.labels import Confines, keep_inside

LEFT = np.zeros((4, 8), bool)
LEFT[:, :4] = True


def test_a_cell_is_kept_whole_when_half_of_it_lies_inside():
    labels = np.zeros((4, 8), np.int32)
    labels[0, 2:6] = 7  # half inside
    labels[1, 3:6] = 8  # a third
    labels[2, :2] = 9
    kept = keep_inside(labels, LEFT)
    np.testing.assert_array_equal(kept, np.where(labels == 8, 0, labels))
    assert kept.dtype == np.int32


def test_large_numbers_need_no_large_tables():
    labels = np.zeros((4, 8), np.int32)
    labels[0, 2:6], labels[1, 3:6] = 20_000_000, 20_000_001
    tracemalloc.start()
    try:
        kept = keep_inside(labels, LEFT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.unique(kept).tolist() == [0, 20_000_000]
    assert peak < 1_000_000


def test_nothing_is_copied_where_nothing_is_left_out():
    labels = np.zeros((4, 8), np.int32)
    labels[0, :2] = 1
    assert keep_inside(labels, LEFT) is labels


def test_inside_and_outside_together_leave_what_both_allow():
    top = np.zeros((4, 8), np.uint8)
    top[:2] = 5
    confines = Confines([LEFT], [top])
    np.testing.assert_array_equal(confines.at(3), LEFT & (top == 0))
    np.testing.assert_array_equal(Confines(outside=[LEFT]).at(0), ~LEFT)


def test_each_frame_may_have_a_mask_of_its_own():
    confines = Confines(np.stack([LEFT, ~LEFT]))
    np.testing.assert_array_equal(confines.at(1), ~LEFT)


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.ones((2, 4, 8)), "2 frames, and the movie has 3"),
        (np.ones((1, 4, 9)), "4 × 9 pixels"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(mask, sentence):
    with pytest.raises(InputError, match=sentence):
        Confines(mask).check(3, (4, 8))


@pytest.mark.parametrize("side", ["inside", "outside"])
def test_a_mask_without_any_0_covers_every_pixel(side):
    for mask in (LEFT + 1, np.stack([LEFT + 1, ~LEFT + 1])):
        masks = np.atleast_3d(mask).reshape(-1, 4, 8)
        with pytest.raises(InputError, match="covers every pixel"):
            Confines(**{side: masks}).check(len(masks), (4, 8))
    # One frame may be covered, and truth values mean what they say.
    Confines(np.stack([LEFT + 0, LEFT + 1])).check(2, (4, 8))
    for dtype in (bool, np.uint8):
        Confines(np.full((1, 4, 8), 255, dtype)).check(2, (4, 8))


@pytest.mark.parametrize("side", ["inside", "outside"])
def test_what_a_camera_sees_is_no_region(side):
    movie = np.random.default_rng(0).normal(100, 9, (2, 64, 70)).astype(np.uint16)
    for dark in (movie, np.where(movie < 100, 0, movie)):
        with pytest.raises(InputError, match="as in a movie"):
            Confines(**{side: dark}).check(2, (64, 70))
    # Probabilities and distances are regions where they are above 0.
    rows, columns = np.mgrid[:64, :70]
    Confines(np.maximum(30 - np.hypot(rows - 32, columns - 35), 0)[None]).check(
        2, (64, 70)
    )
