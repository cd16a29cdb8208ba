"""The dock widget Measurements: what it shows, where a click leads, what it colours."""

import csv
import errno
import threading

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

TRACKS = [(1, 0, 1, 0), (2, 2, 5, 1), (3, 2, 4, 1), (4, 0, 5, 0)]


def stack_of(tracks):
    """Cells that grow by a column in each frame, and one at the border."""
    labels = np.zeros((6, 40, 140), np.int32)
    for track, first, last, _ in tracks[:3]:
        for t in range(first, last + 1):
            labels[t, 5:15, 30 * track - 20 : 30 * track - 18 + track + t] = track
    labels[:, 36:40, 5:9] = 4
    return labels


@pytest.fixture
def measured(make_napari_viewer, qtbot, opened):
    from napari.layers import Tracks

    from fastershift.plugin.layers._colours import track_colormap
    from fastershift.tracking import centroids

    viewer = make_napari_viewer(show=True)
    labels = stack_of(TRACKS)
    placed = {"scale": (30, 0.5, 0.5), "units": ("s", "um", "um")}
    record = {"fastershift": {"tracks": TRACKS}}
    viewer.add_image(labels * 10.0, name="GFP", **placed)
    viewer.add_image(labels + 7.0, name="two", visible=False, **placed)
    viewer.add_image(np.zeros((3, 9, 9)), name="another", visible=False, **placed)
    viewer.add_labels(
        labels,
        name="movie [cells]",
        colormap=track_colormap(),
        metadata=record,
        **placed,
    )
    tracks = Tracks(centroids(labels), name="movie [tracks]", metadata=record, **placed)
    viewer.add_layer(tracks)
    viewer.layers.selection.active = viewer.layers["movie [cells]"]
    user = opened(viewer, "Measurements")
    user.click("measure")
    user.wait(lambda: user.find("save_measurements").isEnabled())
    user.wait_threads()
    qtbot.wait(50)
    return user


def said(user):
    return user.find("measurements_status").text()


def titles(user):
    from qtpy.QtCore import Qt

    table = user.find("measurements_table").model()
    across = Qt.Orientation.Horizontal
    return [table.headerData(n, across) for n in range(table.columnCount())]


def place_of(user, name):
    return [title.partition("\n")[0] for title in titles(user)].index(name)


def column(user, name):
    """What is shown in a column, from the first row to the last."""
    table = user.find("measurements_table").model()
    place = place_of(user, name)
    return [table.index(row, place).data() for row in range(table.rowCount())]


def click_row(user, row):
    from qtpy.QtCore import Qt

    table = user.find("measurements_table")
    index = table.model().index(row, 0)
    table.scrollTo(index)
    place = table.visualRect(index).center()
    user.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_all_cells_and_all_channels_of_the_same_size_are_measured(measured):
    assert "15 cells in 6 frames" in said(measured)
    assert "Lengths are in µm, times in minutes." in said(measured)
    frames = [int(one) for one in column(measured, "frame")]
    assert frames == sorted(frames)
    tracks = np.array([int(one) for one in column(measured, "track")])
    for name, values in (("GFP", 10 * tracks), ("two", tracks + 7)):
        shown = [float(one) for one in column(measured, f"mean {name}")]
        np.testing.assert_allclose(shown, values)
    assert "area\nµm²" in titles(measured)
    assert not any("another" in title for title in titles(measured))


def test_cells_without_a_movie_of_their_size_are_told(measured):
    assert "Grey values were not measured" not in said(measured)
    for name in ("GFP", "two"):
        measured.viewer.layers.remove(name)
    measured.click("measure")
    measured.wait(lambda: "Grey values were not measured" in said(measured))
    measured.wait_threads()


def test_channels_in_one_layer_are_told_apart():
    from napari.layers import Image

    from fastershift.plugin.measurements._channels import channels_of

    shape, rng = (6, 40, 30), np.random.default_rng(0)
    both = rng.random((6, 2, 40, 30))
    rgb = rng.integers(0, 255, (*shape, 3)).astype(np.uint8)
    layers = [
        Image(both, name="a"),
        Image(np.moveaxis(both, 1, 0), name="b"),
        Image(rgb, name="c", rgb=True),
        Image(rng.random((6, 40, 31)), name="other"),
        Image([both[:, 0], both[:, 0, ::2, ::2]], name="pyramid", multiscale=True),
    ]
    found = channels_of(layers, shape)
    assert list(found) == [
        *("a 0", "a 1", "b 0", "b 1", "c red", "c green", "c blue"),
        "pyramid",
    ]
    for name in ("a 1", "b 1"):
        np.testing.assert_array_equal(found[name][4], both[4, 1])
    np.testing.assert_array_equal(found["c green"][5], rgb[5, ..., 1])
    np.testing.assert_array_equal(found["pyramid"][2], both[2, 0])
    assert {len(one) for one in found.values()} == {6}


def test_a_click_goes_to_the_cell(measured):
    cells = measured.viewer.layers["movie [cells]"]
    tracks, frames = column(measured, "track"), column(measured, "frame")
    for row in (len(tracks) - 1, 0, 7):
        click_row(measured, row)
        assert cells.selected_label == int(tracks[row])
        assert measured.viewer.dims.current_step[0] == int(frames[row])
        curves = measured.find("measure_plot").curves
        assert [curve.track for curve in curves] == [int(tracks[row])]


def test_a_click_leaves_the_position_as_it_is(measured, in_a_position):
    cells = in_a_position(measured.viewer, stack_of(TRACKS), TRACKS)
    measured.click("measure")
    measured.wait(lambda: said(measured).startswith("15 cells"))
    for row in (14, 7):
        click_row(measured, row)
        place = cells.world_to_data(measured.viewer.dims.point)
        frame = int(column(measured, "frame")[row])
        assert [round(one) for one in place[:2]] == [0, frame]


def test_a_cell_picked_in_the_image_is_marked_in_the_table(measured):
    measured.viewer.dims.set_current_step(0, 3)
    measured.viewer.layers["movie [cells]"].selected_label = 3
    table = measured.find("measurements_table")
    marked = table.selectionModel().selectedRows()
    assert len(marked) == 1
    row = marked[0].row()
    assert column(measured, "track")[row] == "3"
    assert column(measured, "frame")[row] == "3"
    curve = measured.find("measure_plot").curves[0]
    np.testing.assert_allclose(curve.x, [1, 1.5, 2])


def test_a_click_on_a_title_sorts_by_number(measured):
    from qtpy.QtCore import Qt

    table = measured.find("measurements_table")
    for name in ("area", "speed"):
        table.sortByColumn(place_of(measured, name), Qt.SortOrder.DescendingOrder)
        values = column(measured, name)
        known = [float(one) for one in values if one]
        assert known == sorted(known, reverse=True)
        assert not any(values[len(known) :]), "what is not known comes last"


def test_plots_against_time_a_measure_and_lag(measured):
    measured.viewer.layers["movie [cells]"].selected_label = 2
    plot = measured.find("measure_plot")
    np.testing.assert_allclose(plot.curves[0].x, [1, 1.5, 2, 2.5])
    measured.choose("plot_against", "mean GFP")
    np.testing.assert_allclose(plot.curves[0].x, 20)
    measured.choose("plot_measure", "mean squared displacement")
    # Its centre moves by half a pixel of 0.5 µm in each frame of half a minute.
    lags = np.arange(1, 4)
    np.testing.assert_allclose(plot.curves[0].x, lags / 2)
    np.testing.assert_allclose(plot.curves[0].y, (lags * 0.25) ** 2)


def test_colours_by_a_measure_follow_the_frame_and_end(measured):
    cells = measured.viewer.layers["movie [cells]"]
    own = cells.get_color(2)
    measured.viewer.dims.set_current_step(0, 2)
    measured.choose("colour_by", "area")
    early = cells.get_color(2)
    assert not np.allclose(early, own)
    measured.viewer.dims.set_current_step(0, 5)
    assert not np.allclose(cells.get_color(2), early)
    assert "dark" in measured.find("colour_scale").text()
    measured.choose("colour_by", "track")
    np.testing.assert_allclose(cells.get_color(2), own)


def test_filters_keep_rows_and_hide_cells(measured):
    cells = measured.viewer.layers["movie [cells]"]
    measured.find("shortest_shown").setValue(3)
    assert set(column(measured, "track")) == {"2", "3", "4"}
    measured.find("leave_border").setChecked(True)
    assert set(column(measured, "track")) == {"2", "3"}
    assert "7 cells of 2 tracks" in measured.find("filter_count").text()
    measured.viewer.dims.set_current_step(0, 3)
    measured.find("hide_others").setChecked(True)
    assert cells.get_color(4)[3] == 0
    assert cells.get_color(2)[3] == 1
    measured.choose("filter_measure", "frame")
    measured.find("filter_most").setText("2")
    measured.find("filter_most").editingFinished.emit()
    assert set(column(measured, "frame")) == {"2"}
    measured.find("hide_others").setChecked(False)
    assert cells.get_color(4)[3] == 1


def test_what_a_filter_leaves_out_is_deleted_and_brought_back(measured, docked):
    button = measured.find("delete_others")
    assert not button.isEnabled()
    measured.find("shortest_shown").setValue(4)
    assert button.text() == "Delete 5 others"
    measured.click("delete_others")
    assert "Segment and track" in said(measured)
    cells = measured.viewer.layers["movie [cells]"]
    before = np.array(cells.data)
    panel = docked(measured.viewer, measured.qtbot)
    panel.wait_threads()
    measured.click("delete_others")
    after = np.where(np.isin(before, (2, 4)), before, 0)
    np.testing.assert_array_equal(cells.data, after)
    assert "Deleted 5 cells of 2 tracks" in panel.find("correct_status").text()
    measured.wait(lambda: "10 cells in 6 frames" in said(measured))
    measured.wait_threads()
    assert not button.isEnabled()
    panel.click("undo")
    np.testing.assert_array_equal(cells.data, before)
    assert "measure the cells again" in said(measured)
    assert not button.isEnabled()


def test_the_drift_is_measured_where_that_is_asked_for(measured):
    assert not [title for title in titles(measured) if "drift" in title]
    measured.find("without_drift").setChecked(True)
    measured.click("measure")
    measured.wait(lambda: any("drift" in title for title in titles(measured)))
    measured.wait_threads()
    assert len([title for title in titles(measured) if "drift" in title]) == 2


def test_the_squared_displacement_is_without_drift_where_that_is_asked_for(
    make_napari_viewer, opened
):
    viewer = make_napari_viewer(show=True)
    labels = np.zeros((4, 40, 80), np.int32)
    for t in range(4):
        for cell in range(8):
            place = slice(3 * t + 2, 3 * t + 6), slice(10 * cell, 10 * cell + 4)
            labels[(t, *place)] = cell + 1
    record = {"fastershift": {"tracks": [(n, 0, 3, 0) for n in range(1, 9)]}}
    scale = {"scale": (30, 0.5, 0.5), "units": ("s", "um", "um")}
    viewer.add_labels(labels, name="movie [cells]", metadata=record, **scale)
    user = opened(viewer, "Measurements")
    for without in (False, True):
        user.find("without_drift").setChecked(without)
        user.click("measure")
        user.wait(user.find("measure").isEnabled)
        user.choose("plot_measure", "mean squared displacement")
        moved = 0 if without else (1.5 * np.arange(1, 4)) ** 2
        curve = user.find("measure_plot").curves[0]
        np.testing.assert_allclose(curve.y, moved, atol=1e-9)
    user.wait_threads()


def test_flicker_is_told_and_taken_out_where_that_is_asked_for(
    make_napari_viewer, opened
):
    viewer = make_napari_viewer(show=True)
    labels = np.zeros((9, 20, 80), np.int32)
    for cell in range(8):
        labels[:, 8:12, 10 * cell + 3 : 10 * cell + 7] = cell + 1
    light = np.where(np.arange(9) == 4, 1.2, 1.0)[:, None, None]
    record = {"fastershift": {"tracks": [(n, 0, 8, 0) for n in range(1, 9)]}}
    viewer.add_image(light * (20.0 + 10 * labels), name="GFP")
    viewer.add_labels(labels, name="movie [cells]", metadata=record)
    user = opened(viewer, "Measurements")
    user.click("measure")
    user.wait(lambda: "1 of 9 frames are up to 20% brighter or darker" in said(user))
    user.wait_threads()
    assert "Without flicker takes it out" in said(user)
    raised = set(column(user, "mean GFP"))
    user.find("without_flicker").setChecked(True)
    user.click("measure")
    user.wait(lambda: "was taken out" in said(user))
    user.wait_threads()
    assert len(raised) > 8
    assert len(set(column(user, "mean GFP"))) == 8


def test_only_cells_of_a_region_are_measured(measured):
    shapes = measured.viewer.add_shapes(name="region")
    shapes.add(np.array([[0, 0], [0, 70], [17, 70], [17, 0]]))
    measured.viewer.layers.selection.active = measured.viewer.layers["movie [cells]"]
    measured.choose("region", "region")
    measured.choose("region_use", "leave out")
    measured.click("measure")
    measured.wait(lambda: set(column(measured, "track")) == {"4"})
    measured.wait_threads()
    assert "6 cells in 6 frames" in said(measured)


def test_a_region_may_hold_no_cell(measured):
    shapes = measured.viewer.add_shapes(name="region")
    shapes.add_rectangles(np.array([[20, 0], [20, 30], [30, 30], [30, 0]]) * 0.5)
    measured.choose("region", "region")
    measured.click("measure")
    measured.wait(lambda: "0 cells in 6 frames" in said(measured))
    measured.wait_threads()
    assert column(measured, "track") == []


def test_layers_hold_the_table_for_other_plugins(measured):
    features = measured.viewer.layers["movie [cells]"].features
    assert len(features) == 15
    assert {"label", "frame", "area", "mean_GFP"} <= set(features)
    tracks = measured.viewer.layers["movie [tracks]"]
    areas = np.asarray(tracks.properties["area"])
    for (track, frame), area in zip(tracks.data[:, :2].astype(int), areas, strict=True):
        row = features[(features["label"] == track) & (features["frame"] == frame)]
        assert row["area"].item() == area


def test_the_rows_that_are_shown_are_saved(measured, tmp_path):
    measured.find("shortest_shown").setValue(6)
    measured.widget.save(tmp_path / "cells.csv")
    measured.wait(lambda: "Saved" in said(measured))
    with (tmp_path / "cells.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["track"] for row in rows} == {"4"}
    assert len(rows) == 6
    measured.wait_threads()
    measured.widget.save(tmp_path / "cells.doc")
    measured.wait(lambda: ".csv or .parquet" in said(measured))


def test_a_failed_save_is_told_when_cells_are_measured_meanwhile(
    measured, tmp_path, monkeypatch
):
    go_on = threading.Event()

    def write(*_, **__):
        assert go_on.wait(60)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(
        "fastershift.plugin.measurements._widget.write_measurements", write
    )
    measured.widget.save(tmp_path / "cells.csv")
    assert not measured.find("save_measurements").isEnabled()
    measured.click("measure")
    measured.wait(measured.find("measure").isEnabled)
    assert said(measured).startswith("15 cells")
    go_on.set()
    measured.wait(lambda: "No space left" in said(measured))
    measured.wait(measured.find("save_measurements").isEnabled)


def test_changed_cells_ask_to_be_measured_again(measured):
    from fastershift.plugin.layers._record import ResultRecord

    cells = measured.viewer.layers["movie [cells]"]
    ResultRecord(tracks=TRACKS[:2]).store(cells)
    assert "measure the cells again" in said(measured)


def test_cells_of_another_shape_ask_to_be_measured_again(measured, docked):
    from fastershift.editing import Grow

    button = measured.find("delete_others")
    measured.find("shortest_shown").setValue(4)
    panel = docked(measured.viewer, measured.qtbot)
    panel.wait_threads()
    cells = measured.viewer.layers["movie [cells]"]
    corrector = panel.widget._correct.corrector
    measured.wait(lambda: corrector.layer == cells)
    for edit in (lambda: corrector.make(Grow(0, 1)), corrector.undo):
        assert "measure the cells again" not in said(measured)
        assert button.isEnabled()
        edit()
        assert "measure the cells again" in said(measured)
        assert not button.isEnabled()
        measured.click("measure")
        measured.wait(lambda: said(measured).startswith("15 cells"))


def test_painted_cells_ask_to_be_measured_again(measured):
    cells = measured.viewer.layers["movie [cells]"]
    cells.paint((0, 25, 25), 1)
    assert "measure the cells again" in said(measured)
    measured.click("measure")
    # Painted while they are being measured: that begins anew.
    cells.paint((5, 25, 25), 2)
    measured.wait(lambda: said(measured).startswith("15 cells"))
    areas = [float(one) for one in column(measured, "area")]
    assert sum(areas) == pytest.approx(0.25 * np.count_nonzero(cells.data))


def test_another_scale_and_other_images_ask_to_be_measured_again(measured):
    layers = measured.viewer.layers
    cells = layers["movie [cells]"]
    for change, told in (
        (lambda: setattr(cells, "scale", (30, 0.25, 0.25)), "The cells have changed"),
        (lambda: setattr(cells, "units", ("s", "nm", "nm")), "The cells have changed"),
        (
            lambda: setattr(layers["two"], "data", cells.data + 1),
            "An image has changed",
        ),
    ):
        change()
        assert said(measured) == f"{told} since; measure the cells again."
        measured.click("measure")
        measured.wait(lambda: said(measured).startswith("15 cells"))
    # It has another size: nothing of it was measured.
    layers["another"].data = np.ones((3, 9, 9))
    assert said(measured).startswith("15 cells")


def test_without_the_layer_nothing_is_left(measured):
    measured.choose("colour_by", "area")
    measured.viewer.layers.remove("movie [cells]")
    assert measured.find("measurements_table").model().rowCount() == 0
    assert not measured.find("measure").isEnabled()
    assert not measured.find("save_measurements").isEnabled()
    measured.viewer.dims.set_current_step(0, 1)


def test_closing_the_dock_gives_the_colours_back(measured):
    cells = measured.viewer.layers["movie [cells]"]
    own = cells.get_color(2)
    measured.choose("colour_by", "area")
    measured.viewer.window.remove_dock_widget("all")
    measured.widget.deleteLater()
    measured.qtbot.wait(50)
    np.testing.assert_allclose(cells.get_color(2), own)
    measured.viewer.dims.set_current_step(0, 3)


def test_the_plot_has_the_numbers_of_the_last_measurement(measured):
    plot = measured.find("measure_plot")
    before = plot.curves[0].y[0]
    cells = measured.viewer.layers["movie [cells]"]
    cells.data[0, 25:30, 20:30] = 1
    cells.refresh()
    measured.click("measure")
    measured.wait(measured.find("measure").isEnabled)
    assert plot.curves[0].y[0] == before + 50 * 0.25


def test_cells_that_have_changed_have_their_own_colours_until_they_are_measured(
    measured,
):
    cells = measured.viewer.layers["movie [cells]"]
    measured.viewer.dims.set_current_step(0, 2)
    measured.find("shortest_shown").setValue(4)
    measured.find("hide_others").setChecked(True)
    measured.choose("colour_by", "area")
    assert cells.get_color(3)[3] == 0
    assert measured.find("colour_scale").text()
    cells.paint((2, 25, 25), 9)
    for frame in (2, 3):
        measured.viewer.dims.set_current_step(0, frame)
        assert cells.get_color(9)[3] == cells.get_color(3)[3] == 1
    assert not measured.find("colour_scale").text()
    measured.click("measure")
    measured.wait(measured.find("measure").isEnabled)
    assert cells.get_color(3)[3] == 0


@pytest.mark.parametrize("coloured", ["track", "area"])
def test_a_click_leaves_the_selection_as_it_is(measured, coloured):
    from qtpy.QtCore import Qt

    measured.choose("colour_by", coloured)
    table = measured.find("measurements_table")
    tracks = column(measured, "track")
    rows = [tracks.index("2"), len(tracks) - 1]
    click_row(measured, rows[0])
    table.scrollTo(table.model().index(rows[1], 0))
    place = table.visualRect(table.model().index(rows[1], 0)).center()
    measured.qtbot.mouseClick(
        table.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ControlModifier,
        place,
    )
    measured.viewer.dims.set_current_step(0, 4)
    marked = [index.row() for index in table.selectionModel().selectedRows()]
    assert sorted(marked) == rows
    curves = measured.find("measure_plot").curves
    assert {curve.track for curve in curves} == {int(tracks[row]) for row in rows}


def test_images_that_were_measured_are_let_go(measured):
    layers, made = measured.viewer.layers, measured.widget._channels._links._made
    image, other = layers["GFP"], layers["two"]

    def is_followed(layer):
        return any(event == layer.events.data for event, _ in made)

    assert is_followed(image)
    before = said(measured)
    layers.remove(image)
    image.data = image.data + 1
    assert not is_followed(image)
    assert is_followed(other)
    assert said(measured) == before
    layers.remove("movie [cells]")
    measured.wait(lambda: measured.widget._measured is None)
    assert not made
