"""Which result the docks Lineage and Measurements follow, and what they are told."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("napari")

from napari.components import ViewerModel
from qtpy.QtCore import QObject

from fastershift.plugin.layers._cells_in_view import CellsInView
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._watch import LayerWatch

LABELS = np.zeros((4, 40, 50), np.int32)
LABELS[:, 2:20, 2:20] = 1


@pytest.fixture
def scene():
    """Two results, labels of somebody else, and what is told of them."""
    viewer, owner = ViewerModel(), QObject()
    first, second = (
        viewer.add_labels(
            LABELS.copy(), name=name, metadata=ResultRecord(tracks=rows).metadata()
        )
        for name, rows in (("one", [(1, 0, 3, 0)]), ("two", [(1, 0, 1, 0)]))
    )
    viewer.add_labels(LABELS.copy(), name="other")
    viewer.layers.selection.clear()
    cells, told = CellsInView(viewer, owner), []
    cells.layer_changed.connect(lambda: told.append("layer"))
    cells.tracks_changed.connect(lambda: told.append("tracks"))
    cells.selected.connect(lambda track: told.append(track))
    return SimpleNamespace(
        viewer=viewer, owner=owner, first=first, second=second, cells=cells, told=told
    )


def test_without_a_selection_the_visible_one_on_top_is_followed(scene):
    assert scene.cells.layer is scene.second
    assert [track.last for track in scene.cells.lineage.tracks] == [1]
    scene.second.visible = False
    assert scene.cells.layer is scene.first
    assert scene.told == ["layer"]


def test_the_result_selected_last_is_followed_even_when_another_layer_is_chosen(scene):
    scene.viewer.layers.selection.active = scene.first
    assert scene.cells.layer is scene.first
    scene.viewer.layers.selection.active = scene.viewer.layers["other"]
    assert scene.cells.layer is scene.first


def test_other_tracks_of_the_same_layer_are_told_as_such(scene):
    ResultRecord(tracks=[(1, 0, 3, 0), (2, 1, 2, 0)]).store(scene.second)
    assert scene.told == ["tracks"]
    assert len(scene.cells.lineage.tracks) == 2
    ResultRecord.of(scene.second).store(scene.second)  # nothing is new
    assert scene.told == ["tracks"]


def test_frames_are_those_of_time_where_a_position_comes_before_it(scene):
    viewer = scene.viewer
    viewer.add_image(np.zeros((3, *LABELS.shape)))
    cells = viewer.add_labels(
        LABELS[None],
        translate=(2, 0, 0, 0),
        metadata=ResultRecord(tracks=[(1, 0, 3, 0)]).metadata(),
    )
    viewer.layers.selection.active = cells
    assert scene.cells.layer is cells
    viewer.dims.set_point((0, 1), (2, 1))
    assert scene.cells.frame == 1
    scene.cells.go(3)
    assert viewer.dims.current_step[:2] == (2, 3)
    assert scene.cells.frame == 3


def test_a_cell_selected_in_the_followed_layer_is_told(scene):
    scene.second.selected_label = 7
    scene.first.selected_label = 5
    assert scene.told == [7]


def test_a_result_that_is_removed_gives_way_to_another_and_then_to_none(scene):
    scene.viewer.layers.remove(scene.second)
    assert scene.cells.layer is scene.first
    scene.viewer.layers.remove(scene.first)
    assert scene.cells.layer is None
    assert scene.cells.lineage.tracks == ()
    added = scene.viewer.add_labels(
        LABELS.copy(), metadata=ResultRecord(tracks=[]).metadata()
    )
    assert scene.cells.layer is added


def test_once_let_go_nothing_is_followed(scene):
    scene.cells.let_go()
    scene.told.clear()
    scene.viewer.layers.selection.active = scene.first
    scene.second.selected_label = 9
    ResultRecord(tracks=[]).store(scene.second)
    assert scene.told == []


class TestPixels:
    @pytest.fixture
    def watched(self):
        viewer, owner = ViewerModel(), QObject()
        layer = viewer.add_image(np.zeros((4, 40, 50)))
        watch, told = LayerWatch(viewer, owner), []
        watch.changed.connect(told.append)
        watch.follow(layer, layer.data)
        return SimpleNamespace(
            viewer=viewer, owner=owner, layer=layer, watch=watch, told=told
        )

    def test_data_that_are_replaced_are_noticed(self, watched):
        watched.layer.data = np.ones((4, 40, 50))
        assert watched.layer in watched.told

    def test_data_changed_in_their_place_are_noticed_when_shown_again(self, watched):
        watched.layer.data[2] = 1
        assert not watched.told
        watched.layer.refresh()
        assert watched.told == [watched.layer]
        watched.layer.refresh()
        assert len(watched.told) == 1

    def test_scrolling_is_no_change(self, watched):
        watched.layer.data[2] = 1
        watched.viewer.dims.set_point(0, 3)
        assert not watched.told

    def test_what_is_read_from_a_disk_is_not_read_for_this(self, watched):
        reads = []

        class Lazy:
            shape, ndim, dtype = (4, 40, 50), 3, np.dtype(float)

            def __getitem__(self, index):
                reads.append(index)
                return np.zeros(self.shape)[index]

        watched.watch.follow(watched.layer, Lazy())
        watched.layer.refresh()
        assert not reads
        assert not watched.told

    def test_another_layer_is_followed_in_its_place(self, watched):
        other = watched.viewer.add_image(np.zeros((4, 40, 50)))
        watched.watch.follow(other, other.data)
        watched.layer.data = np.ones((4, 40, 50))
        assert not watched.told
        other.data = np.ones((4, 40, 50))
        assert watched.told[-1] is other
