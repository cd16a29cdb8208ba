"""From a cell put right by hand to a model that has learned from it."""

import numpy as np
import pytest

from fastershift.rshn import load_model

pytestmark = pytest.mark.gui


@pytest.fixture
def models(tmp_path, monkeypatch, tiny_model):
    """Where models of the user lie: another place for every test."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "tiny.safetensors").write_bytes(tiny_model.read_bytes())
    for module in ("fastershift.rshn._registry", "fastershift.plugin.train._widget"):
        monkeypatch.setattr(f"{module}.user_models_folder", lambda: folder)
    return folder


@pytest.fixture
def corrected(models, user, movie):
    """A result of the tiny model, to be corrected."""
    from fastershift.config import Settings
    from fastershift.plugin.files._readers import track_layers
    from fastershift.plugin.layers._record import ResultRecord

    user.viewer.add_image(np.array(movie.frames), name="movie")
    settings = Settings().model_dump(mode="json")
    settings["embed"]["model"] = "tiny"
    rows = [tuple(track) for track in movie.tracks]
    layers = track_layers(
        movie.labels.copy(), rows, "movie", record=ResultRecord(settings=settings)
    )
    for data, attributes, kind in layers:
        getattr(user.viewer, f"add_{kind}")(data, **attributes)
    user.wait_threads()
    return user


def correct(user, frame):
    """Grow a cell by a pixel."""
    from fastershift.plugin.correct._tools import Pick

    corrector = user.widget._correct.corrector
    cells = user.viewer.layers["movie [cells]"].data
    track = int(cells[frame].max())
    row, column = np.argwhere(cells[frame] == track)[0]
    corrector.tools.select("grow")
    corrector.tools.click(Pick(frame, int(row), int(column), track))
    corrector.tools.accept("frame")
    corrector.tools.select("grow")


def opened(user, at_hand):
    _, widget = user.viewer.window.add_plugin_dock_widget(
        "fastershift", "Train a model"
    )
    return at_hand(user.viewer, widget, user.qtbot)


def test_corrections_in_model_out(corrected, at_hand, models, movie):
    correct(corrected, 2)
    correct(corrected, 5)
    corrected.click("train_on_corrections")
    trainer = opened(corrected, at_hand)
    lines = trainer.find("training_data")
    assert lines.item(0).text() == "movie as corrected (2 frames)"
    assert trainer.find("start_model").currentText() == "tiny"
    assert trainer.find("model_name").text() == "tiny-corrected"
    (data,) = trainer.widget.data.held
    unknown = [t for t, frame in enumerate(data.labels) if (frame == -1).all()]
    assert unknown == [0, 1, 3, 4, 6, 7]

    correct(corrected, 6)
    corrected.click("train_on_corrections")
    assert [lines.item(row).text() for row in range(lines.count())] == [
        "movie as corrected (3 frames)"
    ], "the line of before is replaced"

    trainer.find("minutes").setValue(0.1)
    trainer.click("train")
    trainer.wait(lambda: "left" in trainer.find("training_progress").format())
    trainer.wait(lambda: not trainer.find("cancel_training").isEnabled())
    assert "tiny-corrected is ready" in trainer.find("training_status").text()
    for name in ("picture_before", "picture_after"):
        picture = trainer.find(name)
        assert not picture.pixmap().isNull()
    model = load_model(models / "tiny-corrected.safetensors")
    assert "of these, 6 kept out" in model.card.training_data
    assert model.card.scores.keys() == {"movie", "movie, learned from"}
    assert corrected.find("model").findData("tiny-corrected") >= 0, "it is offered"

    corrected.click("train_on_corrections")
    assert trainer.find("model_name").text() == "tiny-corrected-2"
    trainer.wait_threads()


def test_nothing_to_learn_from_is_a_sentence(corrected):
    corrected.click("train_on_corrections")
    said = corrected.find("correct_status").text()
    assert said.startswith("No frame was checked yet")
    correct(corrected, 2)
    corrected.viewer.add_image(np.zeros((3, 64, 64)), name="another")
    corrected.choose("layer", "another")
    corrected.click("train_on_corrections")
    assert "choose that one" in corrected.find("correct_status").text()
    assert corrected.find("train_on_corrections").toolTip()
