"""Strokes of napari's brush become edits, whatever else happens meanwhile."""

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui


@pytest.fixture
def painted(qtbot):
    """A layer with a cell and napari's brush in hand, and the edits made of strokes."""
    from napari.components import ViewerModel
    from qtpy.QtCore import QObject

    from fastershift.plugin.correct._paint import PaintCapture

    labels = np.zeros((3, 12, 12), np.int32)
    labels[:, 1:5, 1:5] = 1
    viewer, parent, edits = ViewerModel(), QObject(), []
    layer = viewer.add_labels(labels)
    viewer.dims.set_current_step(0, 1)
    capture = PaintCapture(viewer, parent)
    capture.painted.connect(edits.append)
    capture.watch(layer, labels, lambda: viewer.dims.current_step[0])
    layer.brush_size, layer.mode = 1, "paint"
    yield layer, capture, edits
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
    ((edit, _),) = edits
    editor.do(edit)
    assert (layer.data[1, 8, 8:10] == 7).all()
    assert not (layer.data[1] == 1).any()
    editor.undo()
    assert not layer.data[1].any()
    editor.undo()
    np.testing.assert_array_equal(layer.data, before)
