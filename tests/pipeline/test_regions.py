"""The part of a frame that is worked on, and what is expected of a result."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastershift.config import resolve_settings
from fastershift.pipeline import FrameReport, Quality
from fastershift.pipeline._quality import Stability, _middle, expected_quality
from fastershift.pipeline._region import part_shape, read_confines, widened

SHAPE = (1000, 1500)


def told(**embed):
    return resolve_settings(user={"embed": {"diameter": 30.0} | embed})


def wide(rows, columns, settings=None, diameter=30.0):
    region = (slice(*rows), slice(*columns))
    return widened(region, settings or told(), diameter, SHAPE)


@given(st.integers(0, 800), st.integers(1, 200), st.integers(0, 1300))
def test_a_region_is_widened_by_half_the_overlap_on_a_grid(top, height, left):
    found = wide((top, top + height), (left, left + 100))
    assert found is not None
    for part, (first, last), side in zip(
        found, ((top, top + height), (left, left + 100)), SHAPE, strict=True
    ):
        assert 0 <= part.start <= max(0, first - 192)
        assert min(side, last + 192) <= part.stop <= side
        # No more than the grid asks for.
        assert first - 192 - part.start < 64 or part.start == 0
        assert part.stop - last - 192 < 64
        assert part.start % 64 == 0
        assert part.stop % 64 == 0 or part.stop == side


def test_a_view_that_moves_a_little_asks_for_the_same_region():
    asked = {str(wide((400 + step, 500 + step), (600, 700))) for step in range(-16, 13)}
    assert len(asked) == 1


def test_the_margin_is_one_of_network_pixels():
    # At half the scale, the network sees as far in twice as many pixels.
    near = wide((500, 501), (700, 701), told(diameter=15.0))
    far = wide((500, 501), (700, 701), told(diameter=30.0))
    assert near[0].stop == math.ceil((501 + 96) / 64) * 64
    assert far[0].stop == math.ceil((501 + 192) / 64) * 64


def test_where_little_would_be_left_out_the_whole_frame_is_taken():
    assert wide((0, 1000), (0, 1500)) is None
    assert wide((0, 1000), (0, 980)) is None  # up to column 1216 of 1500: 81 %
    assert wide((0, 1000), (0, 950)) == (slice(0, 1000), slice(0, 1152))


def test_a_region_needs_a_scale_of_its_own():
    assert widened(None, told(), 30.0, SHAPE) is None
    assert wide((0, 9), (0, 9), told(diameter="auto")) is None
    assert wide((0, 9), (0, 9), told(network_size=(512, 512))) is None


def test_a_part_has_the_size_that_slices_give():
    assert part_shape(SHAPE, None) == SHAPE
    for region in (
        (slice(10, 20), slice(None)),
        (slice(-5, None), slice(1490, 2000)),
        (slice(30, 20), slice(0, 0)),
    ):
        assert part_shape(SHAPE, region) == np.empty(SHAPE)[region].shape


def test_regions_may_be_lists_or_arrays_of_one_frame_or_all():
    assert read_confines(None, None) is None
    mask = [[0, 1], [1, 0]]
    for inside in (mask, np.array(mask), np.array([mask])):
        confines = read_confines(inside, None)
        np.testing.assert_array_equal(confines.at(3), np.array(mask) > 0)
    outside = read_confines(None, mask)
    np.testing.assert_array_equal(outside.at(0), np.array(mask) == 0)


def expected(agreement, embedding, unsure=0.2):
    model = SimpleNamespace(card=SimpleNamespace(embedding=embedding))
    known = Stability(agreement, unsure, 20.0, 30.0)
    return expected_quality(np.empty(0), model, told(), known=known)


def odds(share):
    return math.log(share / (1 - share))


@pytest.mark.parametrize("embedding", ["votes", "cosine"])
def test_more_agreement_is_a_better_result(embedding):
    found = [expected(share / 10, embedding) for share in range(11)]
    assert [one.f1 for one in found] == sorted({one.f1 for one in found})
    assert found[0].doubtful
    assert not found[-1].doubtful
    assert found[0].f1 < 0.1
    assert found[-1].f1 > 0.9
    # Log odds lie on a line.
    steps = np.diff([odds(one.f1) for one in found])
    np.testing.assert_allclose(steps, steps[0])


def test_the_interval_is_as_wide_on_either_side_in_log_odds():
    one = expected(0.6, "votes")
    assert odds(one.high) - odds(one.f1) == pytest.approx(1.3)
    assert odds(one.f1) - odds(one.low) == pytest.approx(1.3)
    assert one.unsure == 0.2


def test_files_hold_two_digits():
    record = Quality(0.87654, 0.7, 0.95123, 0.1).record()
    assert record == {"f1": 0.88, "low": 0.7, "high": 0.95, "doubtful": False}
    assert Quality(0.4999, 0.3, 0.7, 0.1).record()["doubtful"]
    assert "(0.30 to 0.70). The model does not know" in (
        Quality(0.4999, 0.3, 0.7, 0.1).sentence()
    )


def test_outliers_do_not_move_the_middle():
    assert _middle(np.array([9.0, 1, 10, 500, 11, 10, 0, 9])) == pytest.approx(9.5)
    assert _middle(np.array([3.0, 5.0])) == 4


def test_a_report_is_rounded_as_people_read_it():
    values = dict.fromkeys(FrameReport.__dataclass_fields__, 0.123456)
    values |= {"frame": 3, "cells": 12, "stopped_by": "covered", "expected_f1": None}
    record = FrameReport(**values).record()
    assert record["coverage"] == 0.1235
    assert (record["frame"], record["cells"]) == (3, 12)
    assert (record["stopped_by"], record["expected_f1"]) == ("covered", None)
