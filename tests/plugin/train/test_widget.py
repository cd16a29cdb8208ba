"""The dock widget "Train a model", used with clicks."""

import numpy as np
import pytest

from fastershift.rshn import load_model

pytestmark = pytest.mark.gui


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Where models of the user lie: another place for every test."""
    folder = tmp_path / "models"
    for module in ("fastershift.rshn._registry", "fastershift.plugin.train._widget"):
        monkeypatch.setattr(f"{module}.user_models_folder", lambda: folder)
    return folder


@pytest.fixture
def trainer(make_napari_viewer, opened, models, tiny_model):
    models.mkdir()
    (models / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    user = opened(make_napari_viewer(), "Train a model")
    user.choose("start_model", "tiny")
    return user


def add_layers(user, movie):
    user.viewer.add_image(np.array(movie.frames), name="movie")
    user.viewer.add_labels(np.array(movie.labels), name="cells")
    user.click("add_layers")


def wait_end(user):
    user.wait(lambda: not user.find("cancel_training").isEnabled())


def test_layers_in_model_out(trainer, movie, models):
    assert not trainer.find("train").isEnabled()
    add_layers(trainer, movie)
    assert trainer.find("training_data").item(0).text() == "movie with cells"
    trainer.find("minutes").setValue(0.1)
    trainer.find("model_name").setText("mine")
    bar, told = trainer.find("training_progress"), []
    bar.valueChanged.connect(lambda _: told.append(bar.format()))
    trainer.click("train")
    assert trainer.find("cancel_training").isEnabled()
    assert not trainer.find("train").isEnabled()
    wait_end(trainer)
    assert any("left" in words for words in told)
    assert "mine is ready" in trainer.find("training_status").text()
    model = load_model(models / "mine.safetensors")
    assert model.card.filters == load_model(models / "tiny.safetensors").card.filters
    assert model.card.scores["movie"].keys() >= {"SEG", "TRA"}
    assert not trainer.find("picture_before").pixmap().isNull()
    trainer.wait_threads()


def test_after_is_the_model_that_is_kept(trainer, movie, monkeypatch):
    from qtpy.QtWidgets import QLabel

    from fastershift.plugin.train import _widget

    picture = np.zeros((20, 60, 3), np.uint8)
    found = [(0.1, True), (0.8, True), (0.3, False)]

    class Judged(_widget.TrainingRun):
        def __iter__(self):
            for seg, best in found:
                yield _widget.TrainValidated(0, seg, None, (), best, picture)

    monkeypatch.setattr(_widget, "TrainingRun", Judged)
    add_layers(trainer, movie)
    trainer.click("train")
    wait_end(trainer)
    shown = [label.text() for label in trainer.widget.findChildren(QLabel)]
    assert [text for text in shown if text.startswith(("Before", "After"))] == [
        "Before: SEG 0.10 after 0 iterations",
        "After: SEG 0.80 after 0 iterations",
    ]
    assert not trainer.find("picture_after").pixmap().isNull()
    trainer.wait_threads()


@pytest.mark.parametrize(("wanted", "taken"), [("cpu", "cpu"), ("tpu", "auto")])
def test_the_device_of_the_preferences_computes_where_there_is_one(
    trainer, movie, monkeypatch, wanted, taken
):
    from fastershift.errors import InputError
    from fastershift.plugin.qt._preferences import Preferences
    from fastershift.plugin.train import _widget

    class Noted(_widget.TrainingRun):
        def __init__(self, *_, device="", **__):
            raise InputError(f"It would compute on {device}.")

    monkeypatch.setattr(_widget, "preferences", lambda: Preferences(wanted))
    monkeypatch.setattr(_widget, "TrainingRun", Noted)
    add_layers(trainer, movie)
    trainer.click("train")
    wait_end(trainer)
    assert f"compute on {taken}." in trainer.find("training_status").text()
    trainer.wait_threads()


def test_cancel_leaves_a_model(trainer, movie, models):
    add_layers(trainer, movie)
    trainer.click("train")
    trainer.wait(lambda: "left" in trainer.find("training_progress").format())
    trainer.click("cancel_training")
    wait_end(trainer)
    assert "Stopped early" in trainer.find("training_status").text()
    assert load_model(models / "my-model.safetensors").card.name == "my-model"
    trainer.wait_threads()


def test_what_cannot_be_learned_from_is_a_sentence(trainer, movie, tmp_path):
    trainer.click("add_layers")
    assert "choose both" in trainer.find("training_status").text()
    trainer.viewer.add_image(np.zeros((3, 20, 20)), name="small")
    trainer.viewer.add_labels(np.array(movie.labels), name="cells")
    trainer.click("add_layers")
    assert "must be the same" in trainer.find("training_status").text()
    trainer.widget.data.add_folder(str(tmp_path))
    assert "There is no ground truth" in trainer.find("training_status").text()
    trainer.widget.data.add_folder(str(tmp_path / ("x" * 253)))
    assert "There is no ground truth xxx" in trainer.find("training_status").text()
    trainer.viewer.layers["small"].data = np.zeros(movie.labels.shape, np.uint8)
    trainer.viewer.layers["cells"].data = np.zeros_like(movie.labels)
    trainer.click("add_layers")
    trainer.click("train")
    wait_end(trainer)
    assert "no labelled cell" in trainer.find("training_status").text()
    trainer.wait_threads()


def test_names_that_cannot_be(trainer, movie):
    add_layers(trainer, movie)
    for name in ("", "../up", ".hidden", "a/b"):
        trainer.find("model_name").setText(name)
        assert not trainer.find("train").isEnabled()
    trainer.find("model_name").setText("generalist")
    trainer.click("train")
    assert "choose another name" in trainer.find("training_status").text()
    trainer.find("model_name").setText(100 * "細")  # 300 bytes
    trainer.click("train")
    wait_end(trainer)
    assert "too long" in trainer.find("training_status").text()
    trainer.wait_threads()


def test_lines_are_added_and_removed(trainer):
    data = trainer.find("training_data")
    trainer.widget.data._kinds.actions()[0].trigger()
    assert data.item(0).text() == "simulated: nuclei"
    assert trainer.find("train").isEnabled()
    trainer.click("remove_data")
    assert data.count() == 0
    assert not trainer.find("train").isEnabled()


def test_every_control_explains_itself(trainer):
    for name in ("train", "cancel_training", "minutes", "start_model", "model_name"):
        assert trainer.find(name).toolTip()
        assert trainer.find(name).accessibleName()


def test_closing_napari_ends_the_training_with_a_model(
    make_napari_viewer, opened, models, tiny_model, movie, qtbot
):
    from qtpy.QtCore import QThreadPool

    models.mkdir()
    (models / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    user = opened(make_napari_viewer(), "Train a model")
    user.choose("start_model", "tiny")
    add_layers(user, movie)
    user.click("train")
    user.wait(lambda: "left" in user.find("training_progress").format())
    user.viewer.close()
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)
    assert load_model(models / "my-model.safetensors").card.name == "my-model"
    assert not list(models.glob("*.part"))
