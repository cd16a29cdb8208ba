"""Layers beside the cells are found by what they are, whatever they are called."""

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

ROWS = [(1, 0, 2, 0), (2, 0, 2, 0)]


@pytest.fixture
def labels():
    """Two cells that stand still for three frames."""
    labels = np.zeros((3, 12, 12), np.int32)
    labels[:, 1:5, 1:5], labels[:, 6:10, 6:10] = 1, 2
    return labels


@pytest.fixture
def corrected(qtbot, labels):
    """A result in a viewer without a window, and what keeps its layers in step."""
    from napari.components import ViewerModel
    from napari.layers import Layer
    from qtpy.QtCore import QObject

    from fastershift.plugin.correct._layers import CorrectedLayers
    from fastershift.plugin.correct._marks import Marks
    from fastershift.plugin.files._readers import track_layers

    viewer, parent = ViewerModel(), QObject()
    for one in track_layers(labels, ROWS, "movie"):
        viewer.add_layer(Layer.create(*one))
    marks = Marks(viewer, parent)
    yield viewer, CorrectedLayers(viewer, marks, parent), marks
    parent.deleteLater()


def test_marks_follow_cells_that_are_moved(corrected):
    from fastershift.editing import Region
    from fastershift.plugin.correct._tools import Pick

    viewer, _, marks = corrected
    cells = viewer.layers["movie [cells]"]
    marks.watch(cells, "TYX")
    region = Region.of(np.ones((2, 2), bool), 3, 4)
    for scale in ((1, 1, 1), (3, 0.5, 0.25)):
        cells.scale, cells.translate = scale, (0, 7, 8)
        marks.show_picks([Pick(1, 3, 4, 0)])
        marks.show_region(region)
        for role in ("locked", "new cell"):
            layer = viewer.layers[f"movie [{role}]"]
            point = (0, 3, 4)[-layer.ndim :]
            np.testing.assert_allclose(
                layer.data_to_world(point),
                cells.data_to_world((0, 3, 4))[-layer.ndim :],
            )


def corrections_of(cells):
    from fastershift.session import Corrections
    from fastershift.tracking import Lineage, Track

    lineage = Lineage(tuple(Track(*row) for row in ROWS))
    return Corrections(cells.data, lineage)


def test_tracks_are_drawn_again_after_a_rename(corrected, qtbot):
    from fastershift.editing import Delete

    viewer, layers, _ = corrected
    cells, tracks = viewer.layers
    cells.name, tracks.name = "mine", "ways"
    corrections = corrections_of(cells)
    layers.watch(cells, corrections)
    layers.show(corrections.do(Delete(0, (1,), "track")))
    qtbot.waitUntil(lambda: set(tracks.data[:, 0]) == {2})
    layers.show(corrections.undo())
    qtbot.waitUntil(lambda: set(tracks.data[:, 0]) == {1, 2})
    stored = [layer.metadata["fastershift"]["tracks"] for layer in (cells, tracks)]
    assert stored[0] is stored[1]


def test_those_who_follow_the_cells_are_told_of_other_pixels(corrected):
    from fastershift.editing import Grow, Lock

    viewer, layers, _ = corrected
    cells, told = viewer.layers[0], []
    corrections = corrections_of(cells)
    layers.watch(cells, corrections)
    cells.events.metadata.connect(told.append)
    layers.show(corrections.do(Lock(0, 2)))
    assert not told
    layers.show(corrections.do(Grow(0, 1)))
    assert len(told) == 1
    assert list(cells.metadata["fastershift"]["tracks"]) == ROWS


def test_an_edit_outdates_the_positions_that_were_found_before_it(corrected, qtbot):
    from qtpy.QtCore import QThreadPool

    from fastershift.editing import Delete

    viewer, layers, _ = corrected
    cells, tracks = viewer.layers
    corrections = corrections_of(cells)
    layers.watch(cells, corrections)
    # They are found now, but not yet drawn.
    assert QThreadPool.globalInstance().waitForDone(120_000)
    layers.show(corrections.do(Delete(0, (1,), "track")))
    qtbot.waitUntil(lambda: set(tracks.data[:, 0]) == {2})


def test_tracks_of_another_result_stay_as_they_are(corrected, qtbot, labels):
    from fastershift.editing import Delete, Lock

    viewer, layers, marks = corrected
    _, tracks = viewer.layers
    # A copy has no tracks of its own, though its lineage is the same.
    copy = viewer.add_labels(
        labels.copy(), name="copy", metadata={"fastershift": {"tracks": list(ROWS)}}
    )
    corrections = corrections_of(copy)
    layers.watch(copy, corrections)
    marks.watch(copy, "TYX")
    layers.show(corrections.do(Delete(0, (1,), "track")))
    layers.show(corrections.do(Lock(0, 2)))

    def is_drawn():
        return 2 in corrections.cells.locked[0] and "copy [locked]" in [
            layer.name for layer in viewer.layers
        ]

    # Locks are drawn together with tracks.
    qtbot.waitUntil(is_drawn)
    assert set(tracks.data[:, 0]) == {1, 2}


def duplicate(viewer, *layers):
    from napari.layers._layer_actions import _duplicate_layer

    viewer.layers.selection = set(layers)
    _duplicate_layer(viewer.layers)


@pytest.mark.parametrize("renamed", [False, True])
def test_a_duplicate_of_the_cells_has_no_tracks(corrected, qtbot, renamed):
    from fastershift.editing import Delete

    viewer, layers, _ = corrected
    cells, tracks = viewer.layers
    duplicate(viewer, cells)
    copy = viewer.layers["movie [cells] copy"]
    assert (
        copy.metadata["fastershift"]["tracks"]
        is cells.metadata["fastershift"]["tracks"]
    )
    if renamed:
        cells.name, tracks.name = "mine", "ways"
    of_copy = corrections_of(copy)
    layers.watch(copy, of_copy)
    layers.show(of_copy.do(Delete(0, (2,), "track")))
    qtbot.waitUntil(lambda: not layers._rest.isActive() and not layers._finds.busy)
    assert set(tracks.data[:, 0]) == {1, 2}
    corrections = corrections_of(cells)
    layers.watch(cells, corrections)
    layers.show(corrections.do(Delete(0, (1,), "track")))
    qtbot.waitUntil(lambda: set(tracks.data[:, 0]) == {2})


def test_duplicates_of_cells_and_tracks_belong_together(corrected, qtbot):
    from fastershift.editing import Delete

    viewer, layers, _ = corrected
    cells, tracks = viewer.layers
    duplicate(viewer, cells, tracks)
    copy, its = (viewer.layers[f"movie [{what}] copy"] for what in ("cells", "tracks"))
    corrections = corrections_of(copy)
    layers.watch(copy, corrections)
    layers.show(corrections.do(Delete(0, (1,), "track")))
    qtbot.waitUntil(lambda: set(its.data[:, 0]) == {2})
    assert set(tracks.data[:, 0]) == {1, 2}


def test_locks_are_drawn_in_their_layer_after_another_result(corrected, labels):
    from fastershift.editing import Lock

    viewer, _, marks = corrected
    cells = viewer.layers[0]
    corrections = corrections_of(cells)
    corrections.do(Lock(0, 1))
    marks.watch(cells, "TYX")
    marks.show_locks(corrections.cells)
    locked = viewer.layers["movie [locked]"]
    locked.name = "kept"
    marks.watch(viewer.add_labels(labels.copy(), name="other"), "TYX")
    marks.watch(cells, "TYX")
    corrections.do(Lock(1, 2))
    marks.show_locks(corrections.cells)
    assert locked.data[:, 0].tolist() == [0, 1]
    assert "movie [locked]" not in [layer.name for layer in viewer.layers]


@pytest.mark.parametrize("how", ["another layer", "closed"])
def test_what_was_corrected_last_is_stored_with_a_layer_that_is_left(
    corrected, qtbot, how
):
    from fastershift.editing import Delete, Grow
    from fastershift.plugin.layers._record import ResultRecord

    viewer, layers, _ = corrected
    cells, tracks = viewer.layers
    corrections = corrections_of(cells)
    layers.watch(cells, corrections)
    layers.show(corrections.do(Grow(0, 1)))
    layers.show(corrections.do(Delete(0, (2,), "track")))
    assert ResultRecord.of(cells).corrections is None
    if how == "closed":
        with qtbot.waitSignal(layers.destroyed):
            layers.deleteLater()
    else:
        layers.watch(None, None)
    assert ResultRecord.of(cells).corrections == corrections.record()
    assert ResultRecord.of(cells).corrections["locks"] == [[0, [1]]]
    if how != "closed":
        layers.watch(cells, corrections)
        qtbot.waitUntil(lambda: set(tracks.data[:, 0]) == {1})


def test_a_history_is_not_stored_with_a_result_that_came_after_it(corrected):
    from fastershift.editing import Grow
    from fastershift.plugin.layers._record import ResultRecord

    viewer, layers, _ = corrected
    cells = viewer.layers[0]
    corrections = corrections_of(cells)
    layers.watch(cells, corrections)
    layers.show(corrections.do(Grow(0, 1)))
    cells.data = cells.data.copy()
    layers.watch(None, None)
    assert ResultRecord.of(cells).corrections is None


def test_the_history_lies_with_the_cells_as_napari_saves_them(corrected, qtbot):
    from fastershift.editing import Grow
    from fastershift.plugin.layers._record import ResultRecord

    viewer, layers, _ = corrected
    cells = viewer.layers[0]
    corrections = corrections_of(cells)
    layers.watch(cells, corrections)
    layers.show(corrections.do(Grow(0, 1)))
    stored = lambda: ResultRecord.of(cells).corrections  # noqa: E731
    qtbot.waitUntil(lambda: stored() == corrections.record())
    # At once there is none that does not fit the labels.
    layers.show(corrections.undo())
    assert stored() is None
    qtbot.waitUntil(lambda: stored() == corrections.record())


def test_a_new_run_that_is_undone_takes_its_settings_along(corrected, qtbot, labels):
    from dataclasses import make_dataclass

    from fastershift.editing import Lock
    from fastershift.plugin.correct._known import KnownCorrections
    from fastershift.plugin.layers._record import ResultRecord
    from fastershift.tracking import Lineage, Track

    def made_by(run, rows):
        for layer in viewer.layers[:2]:
            ResultRecord(settings={"run": run}, tracks=rows).store(layer)

    viewer, layers, _ = corrected
    cells, tracks = viewer.layers
    made_by(1, ROWS)
    known = KnownCorrections()
    corrections, _ = known.open(cells)
    corrections.do(Lock(0, 1))
    result = make_dataclass("Result", ["labels", "lineage"])(
        np.where(labels == 1, labels, 0), Lineage((Track(1, 0, 2),))
    )
    taken = known.reconcile(cells, 0, labels.shape)(result).take()
    made_by(2, taken.lineage.rows())
    layers.watch(cells, corrections)
    for step, run in (("undo", 1), ("redo", 2), ("undo", 1)):
        layers.show(getattr(corrections, step)())
        record = ResultRecord.of(cells)
        assert record.settings == {"run": run}
        assert list(record.tracks) == corrections.lineage.rows()
    qtbot.waitUntil(lambda: ResultRecord.of(tracks).settings == {"run": 1})
