"""Results of movies whose time or channels come last are not taken for others."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("napari")
from fastershift.editing import Delete, Region
from fastershift.tracking import Lineage, Track

pytestmark = pytest.mark.gui

SIZES = {"T": 3, "Y": 12, "X": 14, "C": 2}
LABELS = np.zeros((3, 12, 14), np.int32)
LABELS[:, 1:5, 2:6], LABELS[:, 6:10, 8:11] = 1, 2
TRACKS = (Track(1, 0, 2), Track(2, 0, 2))
POSITIONS = np.array(
    [(1, t, 2.5, 3.5) for t in range(3)] + [(2, t, 7.5, 9.0) for t in range(3)]
)


@pytest.fixture(params=["YXT", "TYXC", "TCYX"])
def scene(request, qtbot):
    """The result of a run, and what corrects it, in a viewer without a window."""
    from napari.components import ViewerModel
    from qtpy.QtCore import QObject

    from fastershift.plugin.correct._corrector import Corrector
    from fastershift.plugin.layers._outputs import Outputs, RunLayers

    axes, viewer, owner = request.param, ViewerModel(), QObject()
    movie = np.zeros([SIZES[axis] for axis in axes])
    source = viewer.add_image(movie, name="movie")
    result = SimpleNamespace(
        labels=LABELS.copy(),
        lineage=Lineage(TRACKS),
        settings=SimpleNamespace(model_dump=lambda mode: {"embed": {}}),
        provenance={},
        reports=[],
    )
    RunLayers(Outputs(viewer), source, axes).show_result(result, POSITIONS)
    corrector = Corrector(viewer, lambda _: None, owner)
    cells = viewer.layers["movie [cells]"]
    corrector.edit(cells)
    yield SimpleNamespace(viewer=viewer, cells=cells, corrector=corrector, axes=axes)
    with qtbot.waitSignal(owner.destroyed):
        owner.deleteLater()


def saved(layer, corrections=None):
    from fastershift.plugin.files._layer_files import saved_result
    from fastershift.plugin.layers._snapshot import prepare_snapshot

    taken = prepare_snapshot(layer, corrections)()
    return saved_result(taken.data, taken.attributes)


def test_rows_columns_and_frames_are_saved_as_such(scene):
    corrections = scene.corrector.corrections
    for found in (saved(scene.cells), saved(scene.cells, corrections)):
        np.testing.assert_array_equal(found.stack(), LABELS)
        assert found.tracks == [(1, 0, 2, 0), (2, 0, 2, 0)]


def test_edits_frame_and_tracks_follow_the_axes_of_the_movie(scene, qtbot):
    from qtpy.QtCore import QObject

    from fastershift.plugin.layers._cells_in_view import CellsInView

    viewer, corrector = scene.viewer, scene.corrector
    np.testing.assert_array_equal(corrector.corrections.labels, LABELS)
    viewer.dims.set_point(scene.axes.index("T"), 1)
    assert corrector.layers.frame == 1
    owner = QObject()
    assert CellsInView(viewer, owner).frame == 1
    corrector.make(Delete(1, (2,), "track"))
    left = np.where(LABELS == 1, 1, 0)
    np.testing.assert_array_equal(saved(scene.cells).stack(), left)
    if scene.axes.startswith("T"):
        tracks = viewer.layers["movie [tracks]"]
        columns = [0, *(1 + scene.axes[-tracks.ndim :].index(axis) for axis in "TYX")]
        qtbot.waitUntil(lambda: set(tracks.data[:, 0]) == {1})
        np.testing.assert_array_equal(tracks.data[:, columns], POSITIONS[:3])


def test_the_cell_to_be_added_lies_where_it_will_be(scene):
    scene.corrector.marks.show_region(Region.of(np.ones((2, 3), bool), 4, 7))
    shown = scene.viewer.layers["movie [new cell]"]
    for row, column, inside in ((4, 7, 1), (5, 9, 1), (6, 7, 0), (4, 10, 0)):
        at = {"T": 1, "Y": row, "X": column}
        axes = scene.axes[-scene.cells.ndim :]
        world = scene.cells.data_to_world([at.get(axis, 0) for axis in axes])
        place = np.round(shown.world_to_data(world[-shown.ndim :])).astype(int)
        assert shown.data[tuple(place)] == inside
