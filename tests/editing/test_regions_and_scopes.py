"""Sets of pixels, and the frames over which an edit extends."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastershift.editing import Region, frames_in_scope
from fastershift.editing._region import joined_box
from fastershift.errors import InputError
from fastershift.tracking import Track

FRAME = (9, 11)


@st.composite
def masks(draw):
    mask = np.zeros(FRAME, bool)
    pixels = st.tuples(st.integers(0, FRAME[0] - 1), st.integers(0, FRAME[1] - 1))
    for pixel in draw(st.lists(pixels, min_size=1, max_size=12)):
        mask[pixel] = True
    return mask


@st.composite
def boxes(draw):
    sides = (sorted(draw(st.tuples(*[st.integers(0, n)] * 2))) for n in FRAME)
    return tuple(slice(*side) for side in sides)


@given(masks(), boxes())
def test_a_region_has_the_pixels_it_was_made_of(mask, box):
    region = Region.of(mask)
    drawn = np.zeros(FRAME, bool)
    drawn[region.box] = region.mask
    np.testing.assert_array_equal(drawn, mask)
    assert region.area == mask.sum()
    np.testing.assert_array_equal(region.within(box), mask[box])
    # No row and no column of the rectangle is empty at its edges.
    assert region.mask[[0, -1]].any(axis=1).all()
    assert region.mask[:, [0, -1]].any(axis=0).all()


@given(masks(), boxes())
def test_a_region_of_a_window_lies_where_the_window_does(mask, box):
    top, left = box[0].start, box[1].start
    if not mask[box].any():
        with pytest.raises(InputError, match="no pixels"):
            Region.of(mask[box], top, left)
        return
    drawn = np.zeros(FRAME, bool)
    drawn[box] = mask[box]
    assert Region.of(mask[box], top, left) == Region.of(drawn)


@given(masks())
def test_a_region_survives_json(mask):
    region = Region.of(mask)
    assert Region.from_record(json.loads(json.dumps(region.record()))) == region


@pytest.mark.parametrize(
    "box", [[0, 0, 4, 5], [0, 0, 2, 3], [-1, 0, 2, 5], [0, -1, 2, 5]]
)
def test_a_record_whose_bits_do_not_fit_is_refused(box):
    record = Region.of(np.ones((2, 5), bool)).record() | {"box": box}
    with pytest.raises(ValueError, match="do not fit"):
        Region.from_record(record)


@given(boxes(), boxes())
def test_a_joined_box_is_the_smallest_around_both(first, second):
    joined = joined_box(first, second)
    for side, one, other in zip(joined, first, second, strict=True):
        assert side.start == min(one.start, other.start)
        assert side.stop == max(one.stop, other.stop)
    assert joined_box(None, second) == second


@pytest.mark.parametrize(
    ("scope", "until", "frames"),
    [
        ("frame", None, [4]),
        ("onwards", None, [4, 5, 6, 7]),
        ("track", None, [2, 3, 4, 5, 6, 7]),
        ("until", 6, [4, 5, 6]),
        ("until", 4, [4]),
        ("until", 3, [3, 4]),
        ("until", 99, [4, 5, 6, 7]),
        ("until", 0, [2, 3, 4]),
    ],
)
def test_a_scope_stays_within_the_track(scope, until, frames):
    assert list(frames_in_scope(Track(1, 2, 7), 4, scope, until)) == frames


def test_until_needs_a_frame():
    with pytest.raises(InputError, match="last frame"):
        frames_in_scope(Track(1, 2, 7), 4, "until")
