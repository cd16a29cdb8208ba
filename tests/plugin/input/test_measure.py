"""A line over a cell, and what the user may do before it is drawn."""

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


class Event:
    """What napari tells of the mouse."""

    type = "mouse_press"
    position = (0.0, 2.0, 3.0)


@pytest.fixture
def measuring(qtbot):
    """A movie, a line waited for, and the lengths that were told."""
    from napari.components import ViewerModel
    from qtpy.QtCore import QObject

    from fastershift.plugin.input._measure import LineMeasure

    viewer, parent = ViewerModel(), QObject()
    layer = viewer.add_image(np.zeros((2, 32, 32)), name="movie")
    line, told = LineMeasure(viewer, parent), []
    line.measured.connect(lambda length: told.append(round(length, 3)))
    line.stopped.connect(lambda: told.append("stopped"))
    line.start(layer, "TYX")
    yield viewer, layer, line, told
    parent.deleteLater()


def drag(viewer, *places):
    """Press the button, go to these places and let go."""
    event = Event()
    drag = viewer.mouse_drag_callbacks[-1](viewer, event)
    next(drag)
    event.type = "mouse_move"
    for place in places:
        event.position = (0.0, *place)
        next(drag)
    event.type = "mouse_release"
    next(drag, None)


def test_a_click_is_no_line(measuring):
    viewer, _layer, _line, told = measuring
    drag(viewer)
    drag(viewer, (2.3, 3.4))
    assert told == []
    drag(viewer, (5.0, 7.0))
    assert told == ["stopped", 5]
    assert [layer.name for layer in viewer.layers] == ["movie"]


def test_another_layer_that_is_selected_ends_it(measuring, qtbot):
    viewer, layer, line, told = measuring
    assert not viewer.scene.camera.mouse_pan
    mask = viewer.add_labels(np.zeros((2, 32, 32), int), name="mask")
    mask.mode = "paint"
    viewer.layers.selection.active = viewer.layers["measure"]
    qtbot.wait(10)
    assert told == [], "a layer that is added is active for a moment"
    assert not viewer.scene.camera.mouse_pan

    viewer.layers.selection.active = layer
    qtbot.waitUntil(lambda: told == ["stopped"])
    assert [one.name for one in viewer.layers] == ["movie", "mask"]
    assert viewer.layers.selection.active == layer
    assert viewer.scene.camera.mouse_pan

    viewer.layers.selection.active = mask
    line.start(layer, "TYX")
    line.stop()
    assert viewer.layers.selection.active == mask
    assert not viewer.scene.camera.mouse_pan, "the brush of napari is still in hand"
