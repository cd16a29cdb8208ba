"""What a change of the picture does to its measurements, on every drawn movie."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.io import SavedResult
from fastershift.measure import (
    MeasureOptions,
    WorldUnits,
    measure_frames,
    with_scale,
)
from helpers.movies import MOVIES, every_movie


def result_of(labels, movie, **how):
    return SavedResult(labels.astype(np.int32), movie.lineage.rows(), **how)


def measured(labels, movie, channels=None, **how):
    """Every column of all frames, ordered by frame and track."""
    result = result_of(labels, movie, **how)
    frames = list(measure_frames(result, channels, MeasureOptions()))
    table = {name: np.concatenate([one[name] for one in frames]) for name in frames[0]}
    order = np.lexsort((table["track"], table["frame"]))
    return {name: values[order] for name, values in table.items()}


def same(found, expected, *, besides=()):
    for name in expected.keys() - set(besides):
        if expected[name].dtype.kind in "OUS":
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        else:
            np.testing.assert_allclose(
                found[name], expected[name], atol=1e-9, equal_nan=True, err_msg=name
            )


def padded(movie, before=(3, 4), after=(5, 6)):
    """The same cells in a larger frame, away from its border."""
    return np.pad(movie.labels, ((0, 0), *zip(before, after, strict=True)))


@every_movie
def test_every_pixel_of_a_cell_is_counted_once(movie):
    table = measured(movie.labels, movie)
    assert table["area"].sum() == np.count_nonzero(movie.labels)
    assert len(table["track"]) == sum(
        t.last - t.first + 1 for t in movie.lineage.tracks
    )
    for track, frame, area in zip(
        table["track"], table["frame"], table["area"], strict=True
    ):
        assert area == np.count_nonzero(movie.labels[int(frame)] == track)


@every_movie
def test_cells_that_are_moved_are_the_same_elsewhere(movie):
    table = measured(padded(movie), movie)
    moved = measured(padded(movie, (5, 8), (3, 2)), movie)
    for names, by in ((("y", "top", "bottom"), 2), (("x", "left", "right"), 4)):
        for name in names:
            np.testing.assert_allclose(moved[name], table[name] + by)
    same(moved, table, besides=("y", "top", "bottom", "x", "left", "right"))


@every_movie
def test_a_mirror_turns_places_round_and_no_size(movie):
    labels = padded(movie)
    table, mirrored = measured(labels, movie), measured(labels[:, :, ::-1], movie)
    width = labels.shape[2]
    np.testing.assert_allclose(mirrored["x"], width - 1 - table["x"])
    np.testing.assert_allclose(mirrored["left"], width - table["right"])
    same(mirrored, table, besides=("x", "left", "right", "orientation"))


@every_movie
def test_rows_and_columns_have_equal_rights(movie):
    labels = padded(movie)
    table, turned = measured(labels, movie), measured(labels.transpose(0, 2, 1), movie)
    for one, other in (("x", "y"), ("left", "top"), ("right", "bottom")):
        np.testing.assert_allclose(turned[one], table[other])
    places = ("x", "y", "left", "top", "right", "bottom", "orientation")
    same(turned, table, besides=places)


@every_movie
@pytest.mark.parametrize(("factor", "offset"), [(3, 0), (1, 40), (-2, 500)])
def test_grey_values_are_measured_linearly(movie, factor, offset):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 100, movie.labels.shape).astype(float)
    table = measured(movie.labels, movie, {"a": grey})
    other = measured(movie.labels, movie, {"a": factor * grey + offset})
    np.testing.assert_allclose(other["mean_a"], factor * table["mean_a"] + offset)
    np.testing.assert_allclose(other["std_a"], abs(factor) * table["std_a"], atol=1e-9)
    np.testing.assert_allclose(
        other["sum_a"], factor * table["sum_a"] + offset * table["area"]
    )
    lowest, highest = ("min_a", "max_a") if factor > 0 else ("max_a", "min_a")
    np.testing.assert_allclose(other["min_a"], factor * table[lowest] + offset)
    np.testing.assert_allclose(other["max_a"], factor * table[highest] + offset)
    same(other, table, besides=[name for name in table if name.endswith("_a")])


@pytest.mark.parametrize("power", [2, 10])
def test_lengths_areas_and_speeds_follow_the_size_of_a_pixel(power):
    movie = MOVIES["one cell moves"]
    units = ("minute", "micrometer", "micrometer")
    one = measured(movie.labels, movie, scale=(1, 1, 1), units=units)
    other = measured(movie.labels, movie, scale=(2, power, power), units=units)
    for name, factor in (
        ("area", power**2),
        ("perimeter", power),
        ("major_axis", power),
        ("displacement", power),
        ("speed", power / 2),
        ("time", 2),
        ("age", 2),
        ("solidity", 1),
        ("top", 1),
    ):
        np.testing.assert_allclose(
            other[name], factor * one[name], equal_nan=True, err_msg=name
        )


@pytest.mark.parametrize(
    ("scale", "units", "told"),
    [
        (None, None, WorldUnits()),
        ((30, 500, 250), ("second", "nanometer", "nanometer"), (0.5, 0.25, 0.5)),
        ((0.5, 0.002, 0.001), ("hour", "millimeter", "millimeter"), (2, 1, 30)),
        ((60000, 1, 1), ("millisecond", "µm", "um"), (1, 1, 1)),
    ],
)
def test_known_units_are_told_in_micrometres_and_minutes(scale, units, told):
    movie = MOVIES["one cell moves"]
    found = WorldUnits.of(result_of(movie.labels, movie, scale=scale, units=units))
    if scale is None:
        assert found == told
        assert (found.unit("area"), found.unit("speed")) == ("pixel²", "pixel/frame")
        return
    assert (found.height, found.width, found.step) == pytest.approx(told)
    assert (found.unit("area"), found.unit("speed")) == ("µm²", "µm/min")


def test_of_units_that_are_not_known_nothing_is_made():
    movie = MOVIES["one cell moves"]
    units = ("second", "micrometer", "pixel")
    found = WorldUnits.of(result_of(movie.labels, movie, scale=(6, 3, 3), units=units))
    assert (found.height, found.width, found.length) == (1, 1, "pixel")
    assert (found.step, found.time) == (pytest.approx(0.1), "min")


@pytest.mark.parametrize("wrong", [0, -1, np.nan, np.inf])
@pytest.mark.parametrize("name", ["pixel_size", "frame_interval"])
def test_a_scale_is_larger_than_zero(name, wrong):
    movie = MOVIES["one cell moves"]
    with pytest.raises(InputError, match="must be larger than 0"):
        with_scale(result_of(movie.labels, movie), **{name: wrong})


def test_the_scale_of_the_user_goes_before_that_of_the_result_and_of_the_movie():
    movie = MOVIES["one cell moves"]
    filmed = SimpleNamespace(
        scale=(5, 4, 4), units=("second", "micrometer", "micrometer")
    )
    bare = result_of(movie.labels, movie)
    assert with_scale(bare, filmed).scale == (5, 4, 4)
    own = result_of(movie.labels, movie, scale=(1, 2, 3), units=("hour", "um", "um"))
    assert with_scale(own, filmed).scale == (1, 2, 3)
    for scale, units, expected in (
        ((1, 2, 3), ("pixel", "um", "um"), (5, 2, 3)),
        ((6, 1, 1), ("hour", "pixel", "pixel"), (6, 4, 4)),
        ((6, 2, 2), ("hour", "pixel", "pixel"), (6, 2, 2)),
    ):
        partly = result_of(movie.labels, movie, scale=scale, units=units)
        found = with_scale(partly, filmed)
        assert found.scale == expected
        for axis, step in enumerate(expected):
            source = partly if step == scale[axis] else filmed
            assert found.units[axis] == source.units[axis]
        assert with_scale(partly).scale == scale
        unknown = SimpleNamespace(scale=None, units=None)
        assert with_scale(partly, unknown).scale == scale
    chosen = with_scale(own, filmed, pixel_size=0.5, frame_interval=7)
    assert chosen.scale == (7, 0.5, 0.5)
    assert chosen.units == ("minute", "micrometer", "micrometer")
