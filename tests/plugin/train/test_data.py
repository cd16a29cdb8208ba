"""What a model is trained on, as a list; and pictures of what it learned."""

import numpy as np
import pytest

pytest.importorskip("napari")

from fastershift.training import LabelledMovie

pytestmark = pytest.mark.gui

SHAPE = (4, 20, 24)


@pytest.fixture
def scene(qtbot):
    """The list of data over a viewer, and what it says."""
    from types import SimpleNamespace

    from napari.components import ViewerModel
    from qtpy.QtWidgets import QWidget

    from fastershift.plugin.train._data import TrainingDataList

    parent, viewer = QWidget(), ViewerModel()
    qtbot.addWidget(parent)
    data = TrainingDataList(viewer, parent)
    made = SimpleNamespace(
        parent=parent, viewer=viewer, data=data, said=[], changes=[], qtbot=qtbot
    )
    data.message.connect(made.said.append)
    data.changed.connect(lambda: made.changes.append(len(data.held)))
    return made


def lines(scene):
    from qtpy.QtWidgets import QListWidget

    held = scene.data.findChild(QListWidget, "training_data")
    return [held.item(row).text() for row in range(held.count())]


def click(scene, name):
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QPushButton

    button = scene.data.findChild(QPushButton, name)
    scene.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_an_image_and_its_labels_are_added_as_a_movie(scene):
    scene.viewer.add_image(np.zeros(SHAPE), name="movie")
    scene.viewer.add_labels(np.ones(SHAPE, int), name="cells")
    click(scene, "add_layers")
    assert lines(scene) == ["movie with cells"]
    (held,) = scene.data.held
    assert isinstance(held, LabelledMovie)
    assert held.images.shape == held.labels.shape == SHAPE
    assert scene.changes == [1]


def test_labels_that_are_painted_later_do_not_change_what_is_learned(scene):
    scene.viewer.add_image(np.zeros(SHAPE), name="movie")
    cells = scene.viewer.add_labels(np.ones(SHAPE, int), name="cells")
    click(scene, "add_layers")
    cells.data[:] = 5
    (held,) = scene.data.held
    assert (np.asarray(held.labels[0]) == 1).all()


def test_what_is_missing_or_does_not_fit_is_a_sentence(scene):
    click(scene, "add_layers")
    assert scene.said == [
        "Open a movie and a labels layer with its cells, then choose both."
    ]
    scene.viewer.add_image(np.zeros(SHAPE), name="movie")
    scene.viewer.add_labels(np.ones((4, 20, 23), int), name="cells")
    click(scene, "add_layers")
    assert "must be the same" in scene.said[-1]
    assert scene.data.held == []


def test_a_folder_needs_its_truth_beside_it(scene, tmp_path):
    folder = tmp_path / "set" / "01"
    folder.mkdir(parents=True)
    scene.data.add_folder(str(folder))
    assert "no ground truth 01_GT beside 01" in scene.said[0]
    (tmp_path / "set" / "01_GT").mkdir()
    scene.data.add_folder(str(folder))
    assert lines(scene) == ["set/01"]
    assert scene.data.held == [str(folder)]


def test_every_kind_of_simulation_is_offered(scene):
    from typing import get_args

    from qtpy.QtWidgets import QPushButton

    from fastershift.simulate import Kind

    menu = scene.data.findChild(QPushButton, "add_simulated").menu()
    assert [action.text() for action in menu.actions()] == list(get_args(Kind))
    menu.actions()[1].trigger()
    assert lines(scene) == ["simulated: phase"]
    assert scene.data.held == ["simulate:phase"]


def test_the_selected_line_is_removed(scene):
    from qtpy.QtWidgets import QListWidget, QPushButton

    remove = scene.data.findChild(QPushButton, "remove_data")
    assert not remove.isEnabled()
    for number in range(3):
        scene.data.add(f"line {number}", f"simulate:{number}")
    scene.data.findChild(QListWidget, "training_data").setCurrentRow(1)
    click(scene, "remove_data")
    assert scene.data.held == ["simulate:0", "simulate:2"]
    assert remove.isEnabled()
    assert scene.changes == [1, 2, 3, 2]


class TestPictures:
    @pytest.fixture
    def pictures(self, scene):
        from fastershift.plugin.train._pictures import BeforeAndAfter

        scene.parent.resize(300, 400)
        made = BeforeAndAfter(scene.parent)
        made.resize(300, 400)
        return made

    def shown(self, pictures):
        from qtpy.QtWidgets import QLabel

        return [
            label.text()
            for label in pictures.findChildren(QLabel)
            if label.text() and not label.isHidden()
        ]

    def test_the_first_is_before_and_every_later_one_after(self, pictures):
        assert pictures.isHidden()
        pixels = np.full((20, 60, 3), 200, np.uint8)
        pictures.show_result(pixels, "SEG 0.10")
        assert self.shown(pictures) == ["Before: SEG 0.10"]
        pictures.show_result(pixels, "SEG 0.50")
        pictures.show_result(pixels, "SEG 0.80")
        assert self.shown(pictures) == ["Before: SEG 0.10", "After: SEG 0.80"]

    def test_another_training_begins_with_before(self, pictures):
        pixels = np.zeros((20, 60, 3), np.uint8)
        pictures.show_result(pixels, "SEG 0.10")
        pictures.show_result(pixels, "SEG 0.20")
        pictures.clear()
        assert pictures.isHidden()
        pictures.show_result(pixels, "SEG 0.30")
        assert self.shown(pictures) == ["Before: SEG 0.30"]

    def test_a_picture_keeps_its_proportions_and_colours(self, pictures, qtbot):
        from qtpy.QtWidgets import QLabel

        pixels = np.zeros((20, 60, 3), np.uint8)
        pixels[..., 1] = 200
        pictures.show_result(pixels, "")
        shown = pictures.findChild(QLabel, "picture_before")
        shown.resize(150, 20)
        picture = shown.pixmap()
        assert picture.width() == pytest.approx(3 * picture.height(), abs=2)
        colour = picture.toImage().pixelColor(5, 5)
        assert (colour.red(), colour.green(), colour.blue()) == (0, 200, 0)
