"""The tree as a drawing: where tracks stand, what a click meets, what a file holds."""

import numpy as np
import pytest

pytest.importorskip("napari")

from fastershift.errors import InputError
from fastershift.tracking import Lineage, Track, lay_out_tree

pytestmark = pytest.mark.gui

#: A mother, her daughters, of which one is seen late, and a cell of one frame.
LINEAGE = Lineage(
    (Track(1, 0, 3), Track(2, 4, 9, 1), Track(3, 6, 9, 1), Track(8, 5, 5))
)
COLOURS = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1.0]])


@pytest.fixture
def layout():
    return lay_out_tree(LINEAGE)


@pytest.fixture
def plot(qtbot, layout):
    from fastershift.plugin.lineage._plot import LineagePlot

    plot = LineagePlot()
    qtbot.addWidget(plot)
    plot.resize(500, 400)
    plot.show()
    qtbot.waitExposed(plot)
    plot.show_tree(layout, COLOURS)
    plot.fit()
    qtbot.wait(50)
    return plot


def test_a_track_reaches_from_half_before_to_half_after_its_frames(plot, layout):
    extent = plot.tree.boundingRect()
    assert (extent.top(), extent.bottom()) == (-0.5, 9.5)
    assert extent.width() == layout.columns.max() + 1


@pytest.mark.parametrize(("track", "frame"), [(1, 0), (1, 3), (2, 7), (3, 9), (8, 5)])
def test_a_place_on_a_track_is_that_track_in_that_frame(plot, track, frame):
    assert plot.track_at(plot.place_of(track, frame)) == (track, frame)


def test_beyond_the_end_of_a_track_its_last_frame_is_meant(plot):
    place = plot.place_of(1, 3)
    nearly = plot.place_of(1, 3.6)
    assert plot.track_at(place)[0] == plot.track_at(nearly)[0] == 1
    assert plot.track_at(nearly)[1] == 3


def test_far_from_all_tracks_there_is_none(plot):
    from qtpy.QtCore import QPointF

    far = plot.place_of(8, 5)
    assert plot.track_at(QPointF(far.x(), plot.place_of(1, 0).y())) is None
    plot.show_tree(lay_out_tree(Lineage()), np.empty((0, 4)))
    assert plot.track_at(far) is None


def test_a_click_tells_track_and_frame(plot, qtbot):
    from qtpy.QtCore import Qt

    told = []
    plot.clicked.connect(lambda *place: told.append(place))
    for track, frame in ((2, 5), (3, 8)):
        point = plot.mapFromScene(plot.place_of(track, frame))
        qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=point)
        qtbot.wait(20)
    assert told == [(2, 5), (3, 8)]


def test_a_branch_has_a_halo_until_there_is_another_tree(plot, layout):
    plot.show_branch([2, 3], 3)
    assert plot.tree.highlighted == (2, 3)
    plot.show_branch([], 0)
    assert plot.tree.highlighted == ()
    plot.show_branch([2], 2)
    plot.show_tree(layout, COLOURS)
    assert plot.tree.highlighted == ()


def test_a_chosen_track_is_brought_into_view(plot):
    box = plot.getPlotItem().getViewBox()
    box.setRange(xRange=(-0.4, 0.4), yRange=(0, 1), padding=0)
    plot.show_branch([8], 8)
    view, layout = box.viewRect(), plot.tree.layout
    column = layout.columns[layout.ids.tolist().index(8)]
    assert view.left() <= column <= view.right()
    assert view.top() <= 5 <= view.bottom()


class TestFiles:
    def saved(self, tmp_path, layout, name):
        from fastershift.plugin.lineage._export import save_tree

        path = tmp_path / name
        save_tree(path, LINEAGE, layout, COLOURS)
        return path.read_bytes()

    def test_a_drawing_holds_a_line_for_each_track_in_its_colour(
        self, qtbot, tmp_path, layout
    ):
        drawn = self.saved(tmp_path, layout, "tree.svg").decode()
        assert drawn.startswith("<?xml")
        for colour in ("#ff0000", "#00ff00", "#0000ff"):
            assert colour in drawn
        assert "Lineage" in drawn

    def test_a_picture_is_on_white(self, qtbot, tmp_path, layout):
        from qtpy.QtGui import QImage

        picture = QImage.fromData(self.saved(tmp_path, layout, "tree.png"))
        assert min(picture.width(), picture.height()) >= 400
        assert picture.pixelColor(1, 1).lightness() > 240
        # The mother is red.
        image = picture.convertToFormat(QImage.Format.Format_RGB32)
        seen = {
            image.pixelColor(x, y).name()
            for x in range(0, image.width(), 2)
            for y in range(0, image.height(), 8)
        }
        assert "#ff0000" in seen

    @pytest.mark.parametrize("name", ["tree.nwk", "tree.NEWICK"])
    def test_text_names_mothers_and_daughters(self, qtbot, tmp_path, layout, name):
        text = self.saved(tmp_path, layout, name).decode()
        assert text.count(";") == 2
        assert text.index("2") < text.index("1:") or "(2" in text

    def test_another_ending_is_a_sentence(self, qtbot, tmp_path, layout):
        with pytest.raises(InputError, match=r"cannot be saved as tree\.pdf"):
            self.saved(tmp_path, layout, "tree.pdf")
        assert not list(tmp_path.iterdir())

    def test_a_tree_of_nothing_can_be_saved(self, qtbot, tmp_path):
        empty = lay_out_tree(Lineage())
        from fastershift.plugin.lineage._export import save_tree

        save_tree(tmp_path / "tree.svg", Lineage(), empty, np.empty((0, 4)))
        assert (tmp_path / "tree.svg").stat().st_size > 100
