"""Cells from clicks: one that was left out, and one that is taken apart."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fastershift.editing import (
    Cells,
    FrameVectors,
    Region,
    basin,
    parts_by_clicks,
    reach_of,
)
from fastershift.editing._basin import box_around
from fastershift.errors import InputError
from fastershift.tracking import Lineage, Track
from helpers.editing import vectors_of
from helpers.movies import drawn

# Cells 1 and 2 touch; 1 has a hole. Cell 1 again, without contact, is another cell.
(FRAME,) = drawn(
    """
    ..............
    .111122222....
    .111122222.11.
    .1.1122222.11.
    .111122222....
    ..............
    """
)
NOTHING = np.zeros_like(FRAME)


def filled(frame):
    whole = frame.copy()
    whole[3, 2] = 1
    return whole


def cell_under(point, labels=NOTHING, bandwidth=0.2, reach=10, frame=FRAME):
    found = basin(vectors_of(frame), labels, point, bandwidth=bandwidth, reach=reach)
    mask = np.zeros(frame.shape, bool)
    mask[found.box] = found.mask
    return mask


def test_a_click_finds_one_cell_and_fills_its_hole():
    left = filled(FRAME) == 1
    left[:, 9:] = False
    np.testing.assert_array_equal(cell_under((2, 1)), left)
    np.testing.assert_array_equal(cell_under((2, 8)), FRAME == 2)


def test_a_cell_of_the_same_direction_elsewhere_is_another_one():
    found = cell_under((2, 12))
    assert found.sum() == 4
    assert found[2:4, 11:13].all()


def test_pixels_of_other_cells_stay_with_them():
    labels = np.where((FRAME == 2) & (np.arange(14) > 7), 5, 0).astype(np.int32)
    labels[3, 2] = 6  # in the hole of cell 1
    np.testing.assert_array_equal(
        cell_under((2, 6), labels), (FRAME == 2) & (labels == 0)
    )
    assert not cell_under((2, 1), labels)[3, 2]


def test_nothing_is_found_beyond_the_reach():
    found = cell_under((2, 6), reach=1)
    assert found[1:4, 5:8].all()
    assert found.sum() == 9


def test_a_click_beside_a_cell_counts_within_a_tenth_of_the_reach():
    assert cell_under((2, 10), reach=10)[2, 9]
    with pytest.raises(InputError, match="background"):
        cell_under((2, 10), reach=9)
    with pytest.raises(InputError, match="background"):
        cell_under((5, 13), reach=10)


def test_a_larger_bandwidth_finds_a_larger_cell():
    # The direction turns by four degrees from column to column.
    angles = np.deg2rad(4 * np.arange(16))
    embedding = np.zeros((3, 5, 16), np.float32)
    embedding[1], embedding[2] = np.cos(angles), np.sin(angles)
    vectors = FrameVectors(torch.from_numpy(embedding), (5, 16))
    areas = [
        basin(vectors, np.zeros((5, 16), np.int32), (2, 2), bandwidth=h, reach=20).area
        for h in (0.001, 0.01, 0.05, 0.9)
    ]
    assert areas == sorted(set(areas))
    assert areas[-1] == 5 * 16


@pytest.mark.parametrize("point", [(-1, 0), (0, -1), (6, 0), (0, 14)])
def test_a_click_beyond_the_frame_is_a_sentence(point):
    with pytest.raises(InputError, match="inside the frame"):
        cell_under(point)


def test_a_click_into_a_cell_names_it():
    with pytest.raises(InputError, match="Cell 2 is here"):
        cell_under((1, 5), FRAME)


def test_a_click_that_is_drawn_to_a_mode_far_away_belongs_to_no_separate_cell():
    # Directions turn step by step towards where most of them point.
    angles = np.deg2rad(np.repeat([0, 6, 12, 18, 24], [1, 3, 6, 18, 10]))
    embedding = np.zeros((3, 1, angles.size), np.float32)
    embedding[1], embedding[2] = np.cos(angles), np.sin(angles)
    vectors = FrameVectors(torch.from_numpy(embedding), (1, angles.size))
    labels = np.zeros((1, angles.size), np.int32)
    with pytest.raises(InputError, match="separate cell"):
        basin(vectors, labels, (0, 0), bandwidth=0.01, reach=37)


@given(st.tuples(st.integers(0, 8), st.integers(0, 5)), st.integers(1, 12))
def test_the_rectangle_around_a_click_is_cut_at_the_frame(point, reach):
    rows, columns = box_around(point, reach, (9, 6))
    for side, place, length in ((rows, point[0], 9), (columns, point[1], 6)):
        wanted = [n for n in range(length) if abs(n - place) <= reach]
        assert list(range(side.start, side.stop)) == wanted


@pytest.mark.parametrize(
    ("sides", "reach"),
    # Two and a half diameters of a circle of the median area; 24 pixels at least.
    [((), 24), ((2, 3), 24), ((10, 20, 40), 56)],
)
def test_the_reach_follows_the_typical_cell(sides, reach):
    labels = np.zeros((1, 45, 90), np.int32)
    for number, side in enumerate(sides, 1):
        labels[0, :side, 45 * (number - 1) : 45 * (number - 1) + side] = number
        labels = labels if number < 2 else np.pad(labels, ((0, 0), (0, 0), (0, 45)))
    tracks = tuple(Track(number, 0, 0) for number, _ in enumerate(sides, 1))
    assert reach_of(Cells(labels, Lineage(tracks)), 0) == reach


BOTH = Region.of((FRAME == 2) | ((FRAME == 1) & (np.arange(14) < 9)))


def parts(points, frame=FRAME, cell=BOTH, bandwidth=0.1, vectors=True):
    found = parts_by_clicks(
        vectors_of(frame) if vectors else None, cell, points, bandwidth=bandwidth
    )
    image = np.zeros(frame.shape, int)
    for number, part in enumerate(found, 1):
        assert not image[part.box][part.mask].any()
        image[part.box][part.mask] = number
    whole = np.zeros(frame.shape, bool)
    whole[cell.box] = cell.mask
    np.testing.assert_array_equal(image > 0, whole)
    return image


def test_parts_follow_the_embedding_in_the_order_of_the_clicks():
    whole = parts([(1, 1), (4, 8)])
    np.testing.assert_array_equal(whole == 1, (FRAME == 1) & (whole > 0))
    np.testing.assert_array_equal(whole == 2, FRAME == 2)
    np.testing.assert_array_equal(
        parts([(4, 8), (1, 1)]), np.where(whole, 3 - whole, 0)
    )


def test_clicks_made_twice_count_once():
    np.testing.assert_array_equal(
        parts([(1, 1), (1, 1), (4, 8)]), parts([(1, 1), (4, 8)])
    )


def test_scattered_pixels_go_with_the_part_they_touch():
    frame = FRAME.copy()
    frame[2, 8] = 1  # looks like the other cell
    np.testing.assert_array_equal(
        parts([(1, 1), (4, 8)], frame), parts([(1, 1), (4, 8)])
    )


# Two squares and a bridge; the embedding tells them apart in the middle of the bridge.
DUMBBELL = np.zeros((9, 21), bool)
DUMBBELL[1:8, 1:8] = DUMBBELL[1:8, 13:20] = DUMBBELL[4, 8:13] = True
TWO_DIRECTIONS = np.where(DUMBBELL, 1 + (np.arange(21) > 8), 0)
SPECK = np.where(DUMBBELL, 1, 0)
SPECK[4, 16:18] = 2


@pytest.mark.parametrize(
    "blind",
    [
        {"vectors": False},
        {"frame": np.where(DUMBBELL, 1, 0)},  # one direction in both
        {"frame": SPECK},  # another direction in two pixels of 103
        {"bandwidth": 1.9},  # so large that both have one mode
    ],
    ids=["no embedding", "one direction", "a speck", "large bandwidth"],
)
def test_where_the_embedding_sees_one_cell_its_shape_decides(blind):
    options = {"frame": TWO_DIRECTIONS, "cell": Region.of(DUMBBELL)} | blind
    image = parts([(4, 4), (4, 16)], **options)
    assert (image[:, :9][DUMBBELL[:, :9]] == 1).all()
    assert (image[:, 12:][DUMBBELL[:, 12:]] == 2).all()


def test_what_touches_no_click_goes_with_the_first_part():
    cell = Region.of((FRAME == 1) | (FRAME == 2))
    assert (parts([(4, 8), (1, 1)], cell=cell, vectors=False)[2:4, 11:13] == 1).all()


@pytest.mark.parametrize(
    "points", [[], [(1, 1)], [(1, 1), (1, 1)], [(1, 1), (0, 0)], [(1, 1), (99, 1)]]
)
def test_a_cell_needs_two_clicks_in_it(points):
    with pytest.raises(InputError, match=r"[Cc]lick into"):
        parts(points)
