"""The tree in its dock widget: what it shows, where a click leads, what it saves."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

TRACKS = [(1, 0, 1, 0), (2, 2, 5, 1), (3, 2, 4, 1), (4, 0, 5, 0)]


def stack_of(tracks):
    labels = np.zeros((6, 40, 100), np.int32)
    for track, first, last, _ in tracks:
        labels[first : last + 1, 5:30, 20 * track - 18 : 20 * track] = track
    return labels


@pytest.fixture
def tree(make_napari_viewer, qtbot, opened):
    from fastershift.plugin.layers._colours import track_colormap

    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((6, 40, 100)), name="movie", scale=(30, 0.5, 0.5))
    viewer.add_labels(
        stack_of(TRACKS),
        name="movie [cells]",
        colormap=track_colormap(),
        scale=(30, 0.5, 0.5),
        metadata={"fastershift": {"tracks": TRACKS}},
    )
    user = opened(viewer, "Lineage")
    qtbot.wait(50)
    return user


def click(tree, track, frame):
    from qtpy.QtCore import Qt

    plot = tree.find("tree")
    place = plot.mapFromScene(plot.place_of(track, frame))
    tree.qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)


def drawn(tree):
    return tree.find("tree").tree.layout.ids.tolist()


def test_a_click_selects_the_cell_and_goes_to_its_frame(tree):
    cells = tree.viewer.layers["movie [cells]"]
    for track, frame in ((3, 4), (1, 0), (4, 5)):
        click(tree, track, frame)
        assert cells.selected_label == track
        assert tree.viewer.dims.current_step[0] == frame


def test_a_click_leaves_the_position_as_it_is(tree, in_a_position):
    cells = in_a_position(tree.viewer, stack_of(TRACKS), TRACKS)
    click(tree, 3, 4)
    assert cells.selected_label == 3
    place = cells.world_to_data(tree.viewer.dims.point)
    assert [round(one) for one in place[:2]] == [0, 4]


def test_a_click_beside_every_track_does_nothing(tree):
    cells = tree.viewer.layers["movie [cells]"]
    cells.selected_label = 4
    tree.viewer.dims.set_current_step(0, 2)
    click(tree, 1, 4)
    assert cells.selected_label == 4
    assert tree.viewer.dims.current_step[0] == 2


def test_selection_in_the_image_highlights_the_branch(tree):
    cells = tree.viewer.layers["movie [cells]"]
    item = tree.find("tree").tree
    cells.selected_label = 3
    assert item.highlighted == (1, 3)
    cells.selected_label = 1
    assert item.highlighted == (1, 2, 3)
    cells.selected_label = 99
    assert item.highlighted == ()


def test_the_tree_of_the_selected_cell_or_of_all(tree):
    cells = tree.viewer.layers["movie [cells]"]
    assert drawn(tree) == [1, 2, 3, 4]
    cells.selected_label = 2
    tree.choose("show", "tree of the selected cell")
    assert drawn(tree) == [1, 2, 3]
    cells.selected_label = 4
    assert drawn(tree) == [4]
    tree.choose("show", "all cells")
    assert drawn(tree) == [1, 2, 3, 4]


def test_it_follows_the_result(tree):
    from fastershift.plugin.layers._record import ResultRecord

    cells = tree.viewer.layers["movie [cells]"]
    ResultRecord(tracks=[(1, 0, 5, 0), (4, 0, 5, 0)]).store(cells)
    assert drawn(tree) == [1, 4]
    assert "2 tracks, 0 divisions" in tree.find("lineage_status").text()
    tree.viewer.add_labels(stack_of(TRACKS), name="no result")
    assert drawn(tree) == [1, 4]
    tree.viewer.layers.remove(cells)
    assert drawn(tree) == []
    assert not tree.find("save_tree").isEnabled()


def test_the_visible_result_is_preferred(tree):
    other = tree.viewer.add_labels(
        stack_of(TRACKS[3:]),
        name="truth",
        visible=False,
        metadata={"fastershift": {"tracks": TRACKS[3:]}},
    )
    tree.viewer.layers.selection.active = tree.viewer.layers["movie"]
    assert drawn(tree) == [1, 2, 3, 4]
    tree.viewer.layers["movie [cells]"].visible = False
    other.visible = True
    assert drawn(tree) == [4]
    tree.viewer.layers["movie [cells]"].visible = True
    tree.viewer.layers.selection.active = tree.viewer.layers["movie [cells]"]
    assert drawn(tree) == [1, 2, 3, 4]


def test_tracks_have_the_colours_of_the_labels(tree):
    cells = tree.viewer.layers["movie [cells]"]
    item = tree.find("tree").tree
    shown = {
        line.x1(): colour.getRgbF()[:3]
        for colour, lines in item._paints
        for line in lines
        if line.y2() > 3
    }
    for track, column in zip(item.layout.ids, item.layout.columns, strict=True):
        if track != 1:
            wanted = cells.get_color(int(track))[:3]
            np.testing.assert_allclose(shown[column], wanted, atol=1 / 255)
    before = item._paints
    cells.new_colormap(7)
    assert [colour for colour, _ in item._paints] != [colour for colour, _ in before]


def test_zoom_survives_an_edit_and_fit_ends_it(tree):
    from fastershift.plugin.layers._record import ResultRecord

    box = tree.find("tree").getPlotItem().getViewBox()
    box.scaleBy((0.5, 0.5))
    box.sigRangeChangedManually.emit((True, True))
    zoomed = box.viewRect()
    ResultRecord(tracks=TRACKS[:3]).store(tree.viewer.layers["movie [cells]"])
    assert box.viewRect() == zoomed
    tree.click("fit")
    assert box.viewRect().width() > zoomed.width()


def test_the_tree_is_saved_as_drawing_picture_and_text(tree, tmp_path, monkeypatch):
    from qtpy.QtGui import QImage
    from qtpy.QtWidgets import QFileDialog

    for name in ("tree.svg", "tree.png", "tree.nwk"):
        path = str(tmp_path / name)
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_, path=path: (path, "")
        )
        tree.click("save_tree")
        assert tree.find("lineage_status").text() == f"Saved to {path}."
    assert (tmp_path / "tree.nwk").read_text() == "(2:4,3:3)1:2;\n4:6;\n"
    drawing = (tmp_path / "tree.svg").read_text()
    colour = tree.viewer.layers["movie [cells]"].get_color(4)[:3]
    written = "#" + "".join(f"{round(float(part) * 255):02x}" for part in colour)
    assert written in drawing
    assert ">4<" in drawing
    picture = QImage(str(tmp_path / "tree.png"))
    assert picture.width() >= 800
    tree.widget.save(Path(tmp_path / "tree.doc"))
    assert "use a name that ends in" in tree.find("lineage_status").text()
    assert not (tmp_path / "tree.doc").exists()


def test_closing_the_dock_lets_the_viewer_go_on(tree):
    tree.viewer.window.remove_dock_widget("all")
    tree.widget.deleteLater()
    tree.qtbot.wait(50)
    tree.viewer.dims.set_current_step(0, 3)
    tree.viewer.layers["movie [cells]"].selected_label = 3
    tree.viewer.layers.remove("movie [cells]")
