"""Measurements: known shapes, the exact values of simulated movies, flat memory."""

import csv
import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from fastershift.errors import InputError
from fastershift.io import SavedResult
from fastershift.io._outlines import outlined_cells
from fastershift.measure import (
    MeasureOptions,
    columns_of,
    mean_squared_displacement,
    measure_frames,
    write_measurements,
)
from fastershift.simulate import simulate_movie
from helpers.movies import A_CELL_COMES_BACK, A_CELL_DIVIDES

SCALE, UNITS = (30.0, 0.5, 0.5), ("second", "micrometer", "micrometer")


def table_of(result, channels=None, **options):
    """Every column of all frames."""
    frames = list(measure_frames(result, channels, MeasureOptions(**options)))
    return {name: np.concatenate([one[name] for one in frames]) for name in frames[0]}


def one_frame(labels):
    return SavedResult(labels[None], [(n, 0, 0, 0) for n in np.unique(labels)[1:]])


@pytest.fixture
def rectangle():
    """A cell of 4 rows and 8 columns."""
    labels = np.zeros((20, 30), np.int32)
    labels[5:9, 10:18] = 3
    return labels


def test_memory_does_not_grow_with_the_numbers_of_tracks(rectangle, monkeypatch):
    seen = []
    find = ndimage.find_objects

    def watched(labels, *rest):
        seen.append(int(labels.max()))
        return find(labels, *rest)

    monkeypatch.setattr(ndimage, "find_objects", watched)
    large = np.where(rectangle, 1_000_007, 0)
    large[0, 0] = 4
    assert table_of(one_frame(large))["track"].tolist() == [4, 1_000_007]
    assert [one.track for one in outlined_cells(large)] == [4, 1_000_007]
    assert seen == [2, 2]


def test_a_rectangle_has_the_measures_of_a_rectangle(rectangle):
    table = table_of(one_frame(rectangle))
    exact = {
        "track": 3,
        "area": 32,
        "y": 6.5,
        "x": 13.5,
        "top": 5,
        "left": 10,
        "bottom": 9,
        "right": 18,
        "orientation": 0,
        "solidity": 1,
        # Through the middles of the outer pixels: 2 (3 + 7).
        "perimeter": 20,
        # The ellipse with the same second moments as a grid of n pixels.
        "major_axis": 4 * np.sqrt((8**2 - 1) / 12),
        "minor_axis": 4 * np.sqrt((4**2 - 1) / 12),
        "touches_border": 0,
        "neighbours": 0,
    }
    for name, value in exact.items():
        np.testing.assert_allclose(table[name], [value], err_msg=name)


def test_lengths_are_in_micrometres_and_times_in_minutes(rectangle):
    pixels = table_of(one_frame(rectangle))
    world = table_of(SavedResult(rectangle[None], [(3, 0, 0, 0)], SCALE, UNITS))
    for name in ("y", "x", "major_axis", "minor_axis", "perimeter"):
        np.testing.assert_allclose(world[name], pixels[name] / 2, err_msg=name)
    np.testing.assert_allclose(world["area"], pixels["area"] / 4)
    for name in ("top", "orientation", "solidity", "eccentricity"):
        np.testing.assert_allclose(world[name], pixels[name], err_msg=name)
    assert (world["length_unit"][0], world["time_unit"][0]) == ("µm", "min")
    assert (pixels["length_unit"][0], pixels["time_unit"][0]) == ("pixel", "frame")


@pytest.mark.parametrize("turns", range(2))
def test_the_angle_is_that_to_the_rows(rectangle, turns):
    table = table_of(one_frame(np.ascontiguousarray(np.rot90(rectangle, turns))))
    np.testing.assert_allclose(table["orientation"], 90 * turns, atol=1e-9)


def test_an_angle_grows_counter_clockwise():
    labels = np.zeros((30, 30), np.int32)
    for n in range(20):
        labels[25 - n : 27 - n, 2 + n] = 1  # up to the right
    assert table_of(one_frame(labels))["orientation"][0] == pytest.approx(45, abs=1)


def test_pixels_that_are_not_square_count_by_their_sides(rectangle):
    scale = (1.0, 2.0, 0.5)
    table = table_of(SavedResult(rectangle[None], [(3, 0, 0, 0)], scale, UNITS))
    np.testing.assert_allclose(table["area"], 32)
    np.testing.assert_allclose(table["y"], 13)
    np.testing.assert_allclose(table["x"], 6.75)
    assert np.isnan(table["perimeter"][0])


def test_every_channel_is_measured(rectangle):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 60_000, (1, 20, 30)).astype(np.uint16)
    real = rng.normal(size=(1, 20, 30)).astype(np.float32)
    table = table_of(one_frame(rectangle), {"0": grey, "GFP": real})
    for name, image in (("0", grey), ("GFP", real)):
        inside = image[0][rectangle == 3].astype(float)
        for how in ("mean", "min", "max", "sum", "std"):
            np.testing.assert_allclose(
                table[f"{how}_{name}"], getattr(inside, how)(), rtol=1e-6
            )


def test_pixels_that_are_not_a_number_are_left_out(rectangle):
    """As in ratios of two channels, which are divided by 0 outside of the cells."""
    cell = rectangle > 0
    image = np.where(cell, 5.0, np.nan).astype(np.float32)
    rows, columns = np.nonzero(cell)
    image[rows[0], columns[0]], image[rows[1], columns[1]] = np.nan, 9
    image[0, 0] = 2
    whole = table_of(one_frame(rectangle), {"0": image[None]}, ring=2.0)
    known = image[cell & ~np.isnan(image)]
    assert whole["mean_0"] == [pytest.approx(known.mean())]
    assert whole["std_0"] == [pytest.approx(known.std())]
    assert (whole["min_0"], whole["max_0"]) == ([5], [9])
    assert whole["sum_0"] == [pytest.approx(known.sum())]
    assert whole["background_0"] == [2]
    assert np.isnan(whole["ring_mean_0"]).all()
    image[cell] = np.nan
    lost = table_of(one_frame(rectangle), {"0": image[None]})
    assert all(np.isnan(lost[f"{name}_0"]).all() for name in ("mean", "max", "sum"))


def test_a_ring_is_the_background_around_a_cell(rectangle):
    rectangle[5:9, 20:22] = 4
    image = np.full((20, 30), 7.0)
    image[rectangle > 0] = 1000
    table = table_of(one_frame(rectangle), {"0": image[None]}, ring=1.0)
    np.testing.assert_allclose(table["ring_mean_0"], 7)
    # One pixel on every side, corners apart; both columns between them are one's own.
    np.testing.assert_allclose(table["ring_area"], [24, 12])
    assert "ring_area" not in table_of(one_frame(rectangle))


def test_the_area_of_a_ring_is_that_of_its_pixels(rectangle):
    micrometers = ("pixel", "micrometer", "micrometer")
    tracks = [(3, 0, 0, 0)]
    flat = SavedResult(rectangle[None], tracks, (1.0, 0.5, 2.0), micrometers)
    table = table_of(flat, {"0": np.ones((1, 20, 30))}, ring=0.5)
    # One row above and one below, 8 pixels each; the next column is too far away.
    np.testing.assert_allclose(table["ring_area"], 2 * 8 * 0.5 * 2.0)


def test_a_cell_without_background_has_no_ring():
    labels = np.full((6, 6), 2, np.int32)
    table = table_of(one_frame(labels), {"0": np.ones((1, 6, 6))}, ring=2.0)
    assert table["ring_area"][0] == 0
    assert np.isnan(table["ring_mean_0"][0])


def test_neighbours_touch_or_are_near():
    labels = np.zeros((9, 30), np.int32)
    labels[0:4, 2:6] = 1
    labels[4:8, 6:10] = 2  # touches 1 with a corner
    labels[4:8, 13:17] = 5  # three pixels away from 2
    assert table_of(one_frame(labels))["neighbours"].tolist() == [1, 1, 0]
    near = table_of(one_frame(labels), neighbour_distance=4.0)
    assert near["neighbours"].tolist() == [1, 2, 1]


def test_the_border_is_all_four_sides():
    labels = np.zeros((12, 12), np.int32)
    labels[0, 5], labels[11, 5], labels[5, 0], labels[5, 11], labels[5, 5] = (
        1,
        2,
        3,
        4,
        5,
    )
    table = table_of(one_frame(labels))
    assert table["touches_border"].tolist() == [1, 1, 1, 1, 0]


def test_daughters_know_where_they_come_from():
    movie = A_CELL_DIVIDES
    result = SavedResult(movie.labels, movie.lineage.rows(), SCALE, UNITS)
    table = table_of(result)
    columns = ("track", "frame", "generation", "parent", "daughters")
    rows = list(zip(*(table[name].tolist() for name in columns), strict=True))
    assert rows[0] == (1, 0, 0, 0, "2 3")
    assert rows[-1] == (3, 3, 1, 1, "")
    np.testing.assert_allclose(table["age"], [0, 0.5, 0, 0, 0.5, 0.5])
    since = table["time_since_division"]
    np.testing.assert_allclose(since, [np.nan, np.nan, 0, 0, 0.5, 0.5])
    assert np.isnan(table["displacement"][table["age"] == 0]).all()


def test_a_cell_that_comes_back_has_not_divided():
    movie = A_CELL_COMES_BACK
    table = table_of(SavedResult(movie.labels, movie.lineage.rows()))
    again = table["track"] == 3
    assert set(table["parent"][again]) == {2}
    assert set(table["generation"][again]) == {0}
    assert np.isnan(table["time_since_division"][again]).all()


def test_speed_over_a_gap_is_that_of_the_way_between():
    labels = np.zeros((4, 8, 20), np.int32)
    labels[0, 2:4, 2:4] = labels[3, 2:4, 8:10] = 1
    table = table_of(SavedResult(labels, [(1, 0, 3, 0)], (30.0, 0.5, 0.5), UNITS))
    np.testing.assert_allclose(table["displacement"], [np.nan, 3])
    np.testing.assert_allclose(table["speed"], [np.nan, 2])


def drifting(n_cells, n_frames=4):
    """Cells that step up and down in turns, under a stage that drifts by (3, -2)."""
    labels = np.zeros((n_frames, 40, 12 * n_cells + 20), np.int32)
    for t in range(n_frames):
        for cell in range(n_cells):
            top = 10 + 3 * t + (t % 2) * (-1) ** cell
            left = 12 * cell + 12 - 2 * t
            labels[t, top : top + 4, left : left + 4] = cell + 1
    tracks = [(cell + 1, 0, n_frames - 1, 0) for cell in range(n_cells)]
    return SavedResult(labels, tracks, SCALE, UNITS)


def test_a_common_move_is_taken_out_and_told_on_request():
    table = table_of(drifting(8), without_drift=True)
    later = table["frame"] > 0
    # A pixel is half a micrometre, a frame half a minute.
    np.testing.assert_allclose(table["displacement"][later], 0.5)
    np.testing.assert_allclose(table["speed"][later], 1)
    np.testing.assert_allclose(table["drift_y"], 1.5 * table["frame"])
    np.testing.assert_allclose(table["drift_x"], -table["frame"])
    with_it = table_of(drifting(8))
    assert with_it["displacement"][later].min() > 1
    assert "drift_y" not in with_it


def test_a_common_move_is_taken_out_over_frames_without_cells():
    result = drifting(8, 5)
    labels = result.labels.copy()
    labels[2:4] = 0
    table = table_of(
        SavedResult(labels, result.tracks, SCALE, UNITS), without_drift=True
    )
    last = table["frame"] == 4
    np.testing.assert_allclose(table["drift_y"][last], 6)
    np.testing.assert_allclose(table["displacement"][last], 0.5)


def test_the_move_of_few_cells_is_their_own():
    table = table_of(drifting(5), without_drift=True)
    assert not table["drift_y"].any()
    np.testing.assert_allclose(
        table["displacement"], table_of(drifting(5))["displacement"]
    )


def test_the_highest_doubt_of_a_cell_counts():
    movie = A_CELL_DIVIDES
    doubts = [
        {"frame": 2, "tracks": [2], "score": 0.4},
        {"frame": 2, "tracks": [2, 3], "score": 0.7},
    ]
    result = SavedResult(
        movie.labels, movie.lineage.rows(), corrections={"doubts": doubts}
    )
    assert table_of(result)["doubt"].tolist() == [0, 0, 0.7, 0.7, 0, 0]
    assert "doubt" not in table_of(SavedResult(movie.labels, movie.lineage.rows()))


def test_cells_that_were_put_in_are_marked_whoever_did_it():
    movie = A_CELL_DIVIDES
    rows = movie.lineage.rows()
    given = {"provenance": {"filled": [[2, 3]]}, "corrections": {"filled": [[3, [2]]]}}
    table = table_of(SavedResult(movie.labels, rows, **given))
    marked = {
        (frame, track)
        for frame, track, filled in zip(
            *(table[name].tolist() for name in ("frame", "track", "filled")),
            strict=True,
        )
        if filled
    }
    assert marked == {(2, 3), (3, 2)}
    by_hand = SavedResult(movie.labels, rows, corrections={"filled": [[3, [2]]]})
    assert table_of(by_hand)["filled"].sum() == 1
    assert "filled" not in table_of(SavedResult(movie.labels, rows))


def test_frames_without_cells_have_no_rows():
    result = SavedResult(np.zeros((2, 9, 9), np.int32), [])
    table = table_of(result, {"0": np.ones((2, 9, 9))}, ring=2.0)
    names = [
        column.name
        for column in columns_of(["0"], drift=False, doubt=False, filled=False)
    ]
    assert list(table) == names
    assert not any(len(column) for column in table.values())


@pytest.mark.parametrize("pixels", [1, 2, 3])
def test_the_smallest_cells_are_measured(pixels):
    labels = np.zeros((9, 9), np.int32)
    labels[4, 4 : 4 + pixels] = 1
    table = table_of(one_frame(labels), {"0": np.ones((1, 9, 9))})
    assert table["area"][0] == pixels
    assert table["solidity"][0] == 1


@pytest.mark.parametrize("kind", ["nuclei", "rods"])
def test_measures_of_a_simulated_movie_are_those_of_the_simulator(kind):
    """Area exact, speed within the motion of a centroid by 1e-9, divisions exact."""
    movie = simulate_movie(
        24, (160, 160), 8, diameter=18, kind=kind, seed=4, cell_cycle=9
    )
    result = SavedResult(movie.labels, movie.tracks, SCALE, UNITS)
    table = table_of(result, {"0": movie.frames})
    for track, first, last, parent in movie.tracks:
        mine = table["track"] == track
        frames = table["frame"][mine]
        assert (frames.min(), frames.max()) == (first, last)
        masks = movie.labels[frames] == track
        np.testing.assert_allclose(table["area"][mine], masks.sum((1, 2)) * 0.25)
        centres = np.array([np.argwhere(mask).mean(0) for mask in masks]) * 0.5
        steps = np.linalg.norm(np.diff(centres, axis=0), axis=1) / 0.5
        np.testing.assert_allclose(table["speed"][mine][1:], steps, atol=1e-9)
        sisters = [row for row in movie.tracks if row[3] == parent and parent]
        if len(sisters) > 1:
            since = table["time_since_division"][mine]
            np.testing.assert_allclose(since, (frames - first) * 0.5)
    divided = {row[3] for row in movie.tracks if row[3]}
    assert divided, "the movie has divisions"
    assert {int(n) for n in table["parent"]} - {0} == divided


class Endless:
    """A movie whose frames are made when they are asked for."""

    dtype = np.dtype(np.int32)

    def __init__(self, length, frame):
        self.length, self.frame = length, frame

    def __len__(self):
        return self.length

    def __getitem__(self, t):
        return np.roll(self.frame, t, axis=1)


def test_memory_does_not_grow_with_the_movie(tmp_path):
    frame = simulate_movie(1, (120, 120), 6, diameter=16, seed=2).labels[0]
    rows = [(int(n), 0, 119, 0) for n in np.unique(frame)[1:]]

    def peak(length):
        result = SavedResult(Endless(length, frame), rows)
        tables = measure_frames(result, {"0": Endless(length, frame)})
        tracemalloc.start()
        columns = columns_of(["0"], ring=False, drift=False, doubt=False, filled=False)
        write_measurements(tmp_path / f"{length}.csv", tables, columns)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)  # what is loaded once, and compiled
    assert peak(24) < 1.2 * peak(6)


def test_files_hold_the_same_table(tmp_path):
    pytest.importorskip("pyarrow")
    import pandas

    movie = A_CELL_DIVIDES
    result = SavedResult(movie.labels, movie.lineage.rows(), SCALE, UNITS)
    columns = columns_of((), ring=False, drift=False, doubt=False, filled=False)
    for name in ("cells.csv", "cells.parquet"):
        write_measurements(tmp_path / name, measure_frames(result), columns)
    written = pandas.read_parquet(tmp_path / "cells.parquet")
    read = pandas.read_csv(tmp_path / "cells.csv", keep_default_na=False)
    assert list(written) == list(read) == [column.name for column in columns]
    assert written["daughters"].tolist() == read["daughters"].tolist()
    speeds = read["speed"].replace("", np.nan).astype(float)
    np.testing.assert_allclose(written["speed"], speeds)
    assert written["track"].dtype == np.int64


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_only_former_measurements_are_replaced(tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    movie, path = A_CELL_DIVIDES, tmp_path / f"cells.{suffix}"
    result = SavedResult(movie.labels, movie.lineage.rows())
    columns = columns_of((), ring=False, drift=False, doubt=False, filled=False)

    def write(**options):
        write_measurements(path, measure_frames(result), columns, **options)

    write()
    with pytest.raises(InputError, match="already holds"):
        write()
    write(overwrite=True)
    path.write_text("name,value\n")
    with pytest.raises(InputError, match="not replaced"):
        write(overwrite=True)


def test_what_cannot_be_measured_is_a_sentence(rectangle, tmp_path):
    result = one_frame(rectangle)
    with pytest.raises(InputError, match="frames that were tracked"):
        table_of(result, {"0": np.ones((2, 20, 30))})
    with pytest.raises(InputError, match="movie that was tracked"):
        table_of(result, {"0": np.ones((1, 20, 31))})
    with pytest.raises(InputError, match="from 0"):
        MeasureOptions(ring=-1.0)
    with pytest.raises(InputError, match=r"\.csv or \.parquet"):
        write_measurements(tmp_path / "cells.xlsx", [], ())


def test_parquet_without_its_package_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match="pip install"):
        write_measurements(tmp_path / "cells.parquet", [], ())


def test_unknown_values_are_empty_in_a_csv(tmp_path):
    movie = A_CELL_DIVIDES
    result = SavedResult(movie.labels, movie.lineage.rows())
    columns = columns_of((), ring=False, drift=False, doubt=False, filled=False)
    path = write_measurements(tmp_path / "c.csv", measure_frames(result), columns)
    with path.open() as file:
        first = next(csv.DictReader(file))
    assert first["speed"] == first["time_since_division"] == ""
    assert first["track"] == "1"


def test_squared_displacement_of_straight_motion_grows_with_the_square_of_the_lag():
    frames = np.array([0, 1, 2, 5])
    lags, values = mean_squared_displacement(frames, 3.0 * frames, 4.0 * frames)
    assert lags.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(values, 25.0 * lags**2)
    lags, values = mean_squared_displacement(frames[:1], frames[:1], frames[:1])
    assert not len(lags)
    assert not len(values)
