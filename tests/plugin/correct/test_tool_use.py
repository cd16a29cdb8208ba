"""Cells that are proposed for a click, and what a key then adds."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("napari")
from fastershift.editing import Add, Region
from fastershift.errors import InputError
from fastershift.plugin.correct._tools import Pick

pytestmark = pytest.mark.gui


def proposals(frame, point, bandwidth):
    """A cell of one pixel in the upper half; below there is none."""
    row, column = point
    if row >= 6:
        raise InputError("There is no cell here; click another pixel.")
    yield Add(frame, Region.of(np.ones((1, 1), bool), row, column))


@pytest.fixture
def taken(qtbot, monkeypatch):
    """Add by click, taken up for an empty movie."""
    from napari.components import ViewerModel
    from qtpy.QtCore import QObject

    from fastershift.plugin.correct._layers import CorrectedLayers
    from fastershift.plugin.correct._marks import Marks
    from fastershift.plugin.correct._tool_use import ToolUse
    from fastershift.session import Corrections
    from fastershift.tracking import Lineage

    viewer, parent = ViewerModel(), QObject()
    cells = viewer.add_labels(np.zeros((2, 12, 12), np.int32), name="movie [cells]")
    corrections = Corrections(cells.data, Lineage())
    monkeypatch.setattr(corrections, "add", proposals)
    marks = Marks(viewer, parent)
    marks.watch(cells, "TYX")
    use = ToolUse(viewer, CorrectedLayers(viewer, marks, parent), marks, parent)
    use.watch(cells, corrections, "TYX")
    use.select("add_by_click")
    yield viewer, use
    parent.deleteLater()


def test_a_click_takes_back_the_cell_that_the_click_before_proposed(taken, qtbot):
    viewer, use = taken
    added, said = [], []
    use.ready.connect(lambda edit, scope: added.append(edit.region.top))
    use.message.connect(said.append)
    use.click(Pick(0, 2, 3, 0))
    qtbot.waitUntil(lambda: not use.busy)
    shown = viewer.layers["movie [new cell]"]
    assert shown.data.any()
    use.click(Pick(0, 9, 3, 0))
    assert not shown.data.any()
    qtbot.waitUntil(lambda: not use.busy)
    use.accept("frame")
    assert added == []
    assert said[-1].startswith("There is no cell here")
    # A key that is pressed before the cell is found adds it once it is.
    use.click(Pick(0, 4, 3, 0))
    use.accept("frame")
    qtbot.waitUntil(lambda: added == [4])


def test_the_view_can_be_moved_again_when_the_panel_is_closed_with_a_brush(
    taken, qtbot
):
    viewer, use = taken
    callbacks = len(viewer.mouse_drag_callbacks)
    use.select("merge")
    assert not viewer.scene.camera.mouse_pan
    with qtbot.waitSignal(use.destroyed):
        use.deleteLater()
    assert viewer.scene.camera.mouse_pan
    assert len(viewer.mouse_drag_callbacks) == callbacks - 1


def test_a_drag_picks_cells_also_after_another_layer_was_selected(taken, qtbot):
    viewer, use = taken
    cells, other = (
        viewer.layers["movie [cells]"],
        viewer.add_labels(np.eye(12, dtype=int)),
    )
    use.select("merge")
    viewer.layers.selection.active = other
    assert viewer.scene.camera.mouse_pan, "there a drag moves the view"
    viewer.layers.selection.active = cells
    assert not viewer.scene.camera.mouse_pan
    use.select("merge")
    assert viewer.scene.camera.mouse_pan

    use.select("merge")
    use.watch(other, None, "YX")
    viewer.layers.selection.active = cells
    assert viewer.scene.camera.mouse_pan
    use.watch(cells, None, "TYX")
    cells.mode = "paint"
    assert use.state.tool is None
    assert not viewer.scene.camera.mouse_pan, "the brush of napari is in hand"
    with qtbot.waitSignal(use.destroyed):
        use.deleteLater()


def test_a_click_in_3d_is_refused_since_it_meets_all_frames(taken):
    viewer, use = taken
    use.state.select("delete")
    viewer.layers.selection.active = viewer.layers["movie [cells]"]
    said, clicked = [], []
    use.message.connect(said.append)
    use._clicks.clicked.connect(clicked.append)
    event = SimpleNamespace(
        button=1, type="mouse_press", pos=(4, 4), position=(1, 4, 4)
    )
    viewer.dims.ndisplay = 3
    assert list(use._clicks._drag(viewer, event)) == []
    assert said == [
        "In 3D a click does not tell which cell is meant. Show rows and columns in 2D "
        "first."
    ]
    use.state.select("")
    assert list(use._clicks._drag(viewer, event)) == []
    assert (len(said), clicked) == (1, []), "nothing is to be clicked"
    viewer.dims.ndisplay = 2
    list(use._clicks._drag(viewer, event))
    assert clicked == [Pick(1, 4, 4, 0)]


@pytest.mark.parametrize("row", [2, 9])
def test_another_tool_hears_nothing_of_the_cell_that_was_looked_for(taken, qtbot, row):
    viewer, use = taken
    said = []
    use.message.connect(said.append)
    use.click(Pick(0, row, 3, 0))
    use.select("delete")
    qtbot.wait(300)
    assert said[-1] == "Click the cells to delete."
    assert "movie [new cell]" not in viewer.layers
