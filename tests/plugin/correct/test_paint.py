"""What napari's tools paint becomes edits, whatever else happens meanwhile."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def painted(qtbot):
    """A layer with a cell and napari's brush in hand, and the edits made of strokes."""
    from napari.components import ViewerModel
    from qtpy.QtCore import QObject

    from fastershift.editing import Cells
    from fastershift.plugin.correct._paint import PaintCapture
    from fastershift.tracking import Lineage, Track

    labels = np.zeros((3, 12, 12), np.int32)
    labels[:, 1:5, 1:5] = 1
    viewer, parent, edits = ViewerModel(), QObject(), []
    layer = viewer.add_labels(labels)
    viewer.dims.set_current_step(0, 1)
    capture = PaintCapture(viewer, parent)
    capture.painted.connect(edits.append)
    cells = Cells(labels, Lineage((Track(1, 0, 2),)))
    capture.watch(layer, cells, lambda: viewer.dims.current_step[0])
    layer.brush_size, layer.mode = 1, "paint"
    yield layer, capture, edits
    parent.deleteLater()


@pytest.fixture
def corrected(qtbot):
    """The same layer with its history, and hands that move the time slider."""
    from napari.components import ViewerModel
    from qtpy.QtCore import QObject

    from fastershift.plugin.correct._history import EditHistory
    from fastershift.plugin.correct._layers import CorrectedLayers
    from fastershift.plugin.correct._marks import Marks
    from fastershift.plugin.layers._record import ResultRecord
    from fastershift.session import Corrections
    from fastershift.tracking import Lineage, Track

    labels = np.zeros((4, 12, 12), np.int32)
    labels[:, 1:5, 1:5] = 1
    viewer, parent = ViewerModel(), QObject()
    record = ResultRecord(tracks=[(1, 0, 3, 0)], axes="TYX")
    layer = viewer.add_labels(labels, metadata=record.metadata())
    viewer.dims.set_current_step(0, 1)
    layers = CorrectedLayers(viewer, Marks(viewer, parent), parent)
    history = EditHistory(viewer, layers, parent)

    def lineage(spans):
        # As of a layer that is opened: they wait for the labels.
        return Lineage(tuple(Track(one, *span) for one, span in spans.items()))

    corrections = Corrections(labels, lineage)
    layers.watch(layer, corrections)
    history.watch(layer, corrections)
    layer.brush_size, layer.selected_label = 1, 7
    yield SimpleNamespace(
        layer=layer,
        viewer=viewer,
        history=history,
        corrections=corrections,
        before=labels.copy(),
        go=lambda frame: viewer.dims.set_current_step(0, frame),
        tracks=lambda: [row[0] for row in corrections.lineage.rows()],
    )
    parent.deleteLater()


def test_an_edit_during_a_stroke_leaves_the_stroke_whole(painted):
    from fastershift.editing import Delete, Editor
    from fastershift.tracking import Lineage, Track

    layer, capture, edits = painted
    editor = Editor(layer.data, Lineage((Track(1, 0, 2),)))
    before = layer.data.copy()
    with layer.block_history():
        layer.paint((1, 8, 8), 7)
        # As a correction does that is being followed through time.
        capture.skip(editor.do(Delete(1, (1,))))
        layer.paint((1, 8, 9), 7)
        layer.paint((1, 8, 8), 7)
    ((edit,),) = edits
    editor.do(edit)
    assert (layer.data[1, 8, 8:10] == 7).all()
    assert not (layer.data[1] == 1).any()
    editor.undo()
    assert not layer.data[1].any()
    editor.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_cells_found_in_the_middle_of_a_stroke_are_those_before_it(corrected):
    layer, corrections = corrected.layer, corrected.corrections
    layer.mode = "paint"
    with layer.block_history():
        layer._draw(7, (1, 8, 2), (1, 8, 4))
        # As the background does.
        for _ in corrections.cells.prepare():
            pass
        layer._draw(7, (1, 8, 4), (1, 8, 8))
    assert corrections.undo_text == "Painted 7 in frame 1."
    assert corrected.tracks() == [1, 7]
    corrected.history.undo()
    assert corrected.tracks() == [1]
    assert list(corrections.cells.frame(1)) == [1]


def test_a_polygon_is_an_edit_and_has_a_track(corrected):
    layer, corrections = corrected.layer, corrected.corrections
    layer.mode = "polygon"
    polygon = layer._overlays["polygon"]
    polygon.points = [[1, 6, 6], [1, 6, 10], [1, 10, 10], [1, 10, 6]]
    polygon.add_polygon_to_labels(layer)
    assert (layer.data[1] == 7).sum() > 10
    assert corrections.undo_text == "Painted 7 in frame 1."
    assert corrected.tracks() == [1, 7]
    assert corrections.cells.locked == {1: {7}}
    corrected.history.undo()
    np.testing.assert_array_equal(layer.data, corrected.before)
    assert corrections.redo_text, "taking it back was not taken for painting"


def test_a_polygon_goes_to_the_frame_it_was_begun_in(corrected):
    layer, corrections = corrected.layer, corrected.corrections
    layer.mode = "polygon"
    polygon = layer._overlays["polygon"]
    polygon.points = [[1, 6, 6], [1, 6, 10]]
    corrected.go(3)
    polygon.points = [*polygon.points, [3, 10, 10], [3, 10, 6]]
    polygon.add_polygon_to_labels(layer)
    assert corrections.undo_text == "Painted 7 in frame 1."
    assert corrected.viewer.dims.current_step[0] == 1, "it is shown"
    corrected.history.undo()
    np.testing.assert_array_equal(layer.data, corrected.before)


def test_a_polygon_begun_where_the_labels_have_ended_is_no_obstacle(corrected):
    layer, viewer = corrected.layer, corrected.viewer
    viewer.add_image(np.zeros((10, 12, 12)))
    layer.mode = "polygon"
    corrected.go(8)
    polygon = layer._overlays["polygon"]
    polygon.points = [[8, 6, 6], [8, 6, 10]]
    corrected.go(2)
    corrected.go(1)
    layer.mode = "paint"
    with layer.block_history():
        layer._draw(7, (1, 8, 8), (1, 8, 8))
    assert corrected.corrections.undo_text == "Painted 7 in frame 1."


@pytest.mark.parametrize("mode", ["paint", "erase", "fill", "polygon"])
def test_every_tool_is_undone_and_redone(corrected, mode):
    layer, history = corrected.layer, corrected.history
    layer.mode = mode
    if mode == "polygon":
        layer.paint_polygon([[1, 2, 2], [1, 2, 8], [1, 8, 8]], 7)
    else:
        # As the mouse does.
        with layer.block_history():
            layer._draw(0 if mode == "erase" else 7, (1, 2, 2), (1, 2, 2))
            layer._draw(0 if mode == "erase" else 7, (1, 2, 2), (1, 3, 3))
    after = layer.data.copy()
    assert (after != corrected.before).any()
    layer.undo()
    np.testing.assert_array_equal(layer.data, after)
    history.undo()
    np.testing.assert_array_equal(layer.data, corrected.before)
    history.redo()
    np.testing.assert_array_equal(layer.data, after)
    assert len(corrected.corrections.editor.history) == 1


def test_what_others_write_while_a_tool_is_in_hand_is_an_edit(corrected):
    layer = corrected.layer
    layer.mode = "paint"
    layer.data[1, 8, 8] = 7
    layer.refresh()
    assert corrected.corrections.undo_text == "Painted 7 in frame 1."
    layer.data_setitem(tuple(np.array([[1, 1], [9, 9], [2, 3]])), 8)
    assert corrected.corrections.undo_text == "Painted 8 in frame 1."
    assert corrected.tracks() == [1, 7, 8]


def test_a_stroke_during_which_time_goes_on_is_one_edit(corrected):
    layer, corrections = corrected.layer, corrected.corrections
    layer.mode = "paint"
    with layer.block_history():
        layer._draw(7, (1, 8, 2), (1, 8, 2))
        layer._draw(7, (1, 8, 2), (1, 8, 4))
        corrected.go(3)
        # On its way the brush meets the frame between the two.
        layer._draw(7, (1, 8, 4), (3, 8, 8))
        layer._draw(7, (3, 8, 8), (3, 8, 10))
    painted = sorted(set(np.nonzero(layer.data == 7)[0].tolist()))
    assert painted == [1, 2, 3]
    assert len(corrections.editor.history) == 1
    assert corrected.viewer.dims.current_step[0] == 3
    assert corrected.tracks() == [1, 7]
    corrected.history.undo()
    np.testing.assert_array_equal(layer.data, corrected.before)


@pytest.mark.parametrize("label", [0, 7])
def test_a_cell_that_a_stroke_takes_away_in_several_frames(corrected, label):
    layer, corrections = corrected.layer, corrected.corrections
    layer.mode, layer.brush_size = "paint", 20
    with layer.block_history():
        layer._draw(label, (1, 3, 3), (1, 3, 3))
        corrected.go(2)
        layer._draw(label, (2, 3, 3), (2, 3, 3))
    new = [(7, 1, 2, 0)] if label else []
    rest = 8 if label else 2
    assert set(np.unique(layer.data[1:3])) == {0, label}
    assert corrections.lineage.rows() == [(1, 0, 0, 0), *new, (rest, 3, 3, 1)]
    assert len(corrections.editor.history) == 1
    assert set(np.unique(layer.data[3])) == {0, rest}
    after = layer.data.copy()
    corrected.history.undo()
    np.testing.assert_array_equal(layer.data, corrected.before)
    assert corrected.tracks() == [1]
    corrected.history.redo()
    np.testing.assert_array_equal(layer.data, after)


def test_a_tool_put_away_in_a_stroke_leaves_the_stroke_whole(corrected):
    layer, corrections = corrected.layer, corrected.corrections
    layer.mode = "paint"
    with layer.block_history():
        layer._draw(7, (1, 8, 2), (1, 8, 4))
        layer.mode = "pan_zoom"
    assert corrections.undo_text == "Painted 7 in frame 1."
    corrected.history.undo()
    np.testing.assert_array_equal(layer.data, corrected.before)


def test_a_stroke_ends_where_time_goes_on_too_far(corrected, monkeypatch):
    from napari.utils.interactions import (
        mouse_move_callbacks,
        mouse_press_callbacks,
        mouse_release_callbacks,
    )

    from fastershift.plugin.correct import _paint

    layer, corrections, said = corrected.layer, corrected.corrections, []
    corrected.history.message.connect(said.append)
    monkeypatch.setattr(_paint, "_FRAMES", 2)
    layer.mode = "paint"

    def event(kind, frame, column):
        return _Event(
            SimpleNamespace(
                type=kind,
                button=1,
                modifiers=(),
                is_dragging=kind == "mouse_move",
                position=(frame, 8, column),
            )
        )

    mouse_press_callbacks(layer, event("mouse_press", 1, 2))
    mouse_move_callbacks(layer, event("mouse_move", 1, 4))
    corrected.go(2)
    mouse_move_callbacks(layer, event("mouse_move", 2, 6))
    assert not said
    corrected.go(3)
    assert layer.mode == "pan_zoom"
    assert said[-1].startswith("A stroke goes through 2 frames at most")
    mouse_move_callbacks(layer, event("mouse_move", 3, 8))
    mouse_release_callbacks(layer, event("mouse_release", 3, 8))
    assert set(np.nonzero(layer.data == 7)[0].tolist()) == {1, 2}
    assert corrections.lineage.rows() == [(1, 0, 3, 0), (7, 1, 2, 0)]
    assert len(corrections.editor.history) == 1
    corrected.history.undo()
    np.testing.assert_array_equal(layer.data, corrected.before)
    # The next stroke is a new one.
    corrected.go(2)
    layer.mode = "paint"
    with layer.block_history():
        layer._draw(7, (2, 8, 2), (2, 8, 4))
    assert corrections.undo_text == "Painted 7 in frame 2."


class _Event:
    """What napari hands to those who listen to the mouse."""

    def __init__(self, event):
        self.__wrapped__ = event

    def __getattr__(self, name):
        return getattr(self.__wrapped__, name)


@pytest.mark.parametrize("mode", ["paint", "erase", "fill", "polygon"])
def test_nothing_is_painted_where_time_is_an_axis_of_the_picture(corrected, mode):
    layer, dims, said = corrected.layer, corrected.viewer.dims, []
    corrected.history.message.connect(said.append)
    layer.mode = mode
    dims.roll()
    assert 0 in dims.displayed
    assert layer.mode == "pan_zoom"
    layer.mode = mode
    assert layer.mode == "pan_zoom"
    dims.order = (0, 1, 2)
    layer.mode = mode
    assert layer.mode == mode
    dims.ndisplay = 3
    assert layer.mode == "pan_zoom"
    assert len(said) == 3
    assert said[0].startswith("Cells are painted in one frame at a time")
