"""Which result is saved, and where it can go."""

import numpy as np
import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

# No disk takes a name of more than 255 bytes; whoever looks for it gets an error, as
# for a folder that nobody may look into.
NOWHERE = "x" * 300


def test_places_that_cannot_be_looked_into_are_sentences(
    user, embeddings, tmp_path, monkeypatch
):
    from qtpy.QtWidgets import QFileDialog

    user.viewer.add_image(embeddings, name="movie")
    user.run()
    place = str(tmp_path / NOWHERE)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: place)
    user.click("browse")
    assert user.find("folder").text() == place
    user.click("save")
    user.wait(lambda: "too long" in user.status)
    user.choose("format", "TIFF")
    user.find("folder").setText(".")
    user.click("save")
    assert "has no name" in user.status
    user.click("run_many")
    user.find("many_inputs").setText(str(tmp_path))
    user.find("many_output").setText(place)
    assert user.find("many_start").isEnabled()
    assert not user.find("many_summary").isEnabled()


def test_a_run_that_is_not_finished_is_not_saved(user, gated, tmp_path):
    from fastershift.io import read_result

    target = tmp_path / "out"
    user.find("folder").setText(str(target))
    user.viewer.add_image(gated, name="movie", contrast_limits=(-1, 1))
    user.click("run")
    user.wait(lambda: user.find("progress").value() == 4)
    for button in ("save", "copy_methods"):
        user.find("status").setText("")
        user.click(button)
        assert "run is not finished" in user.status
    user.click("cancel")
    gated.open.set()
    user.wait_threads()
    assert not target.exists()
    user.click("save")
    user.wait(lambda: target.exists() and user.find("save").isEnabled())
    assert read_result(target)[0][3].any()
    assert not read_result(target)[0][4].any()


def test_the_result_in_use_is_saved_and_named(user, embeddings, tmp_path, monkeypatch):
    from qtpy.QtWidgets import QFileDialog, QMessageBox

    from fastershift.editing import Delete
    from fastershift.io import read_result

    asked = []

    def question(_parent, _title, text):
        asked.append(text)
        return QMessageBox.StandardButton.Yes

    monkeypatch.setattr(QMessageBox, "question", question)
    target, corrector = tmp_path / "out", user.widget._correct.corrector
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(target))

    def save():
        user.find("status").setText("")
        user.click("save")
        user.wait(lambda: user.status.startswith("Saved "))
        user.wait_threads()
        return user.status.removesuffix(f" to {target}.")

    movie = user.viewer.add_image(embeddings, name="movie")
    user.run()
    user.find("folder").setText(str(target))
    assert save() == "Saved movie [cells]"
    user.click("open_result")
    user.wait(lambda: "out [cells]" in user.names)
    cells = user.viewer.layers["out [cells]"]
    user.wait(lambda: corrector.layer is cells and corrector.corrections is not None)
    user.wait_threads()
    corrector.make(Delete(0, (int(cells.data[0].max()),)))
    assert not np.array_equal(cells.data, user.stack("movie [cells]"))
    user.viewer.layers.selection.active = movie
    assert save() == "Saved out [cells]"
    assert asked[-1].endswith("Replace it with out [cells]?")
    np.testing.assert_array_equal(read_result(target)[0], cells.data)

    user.run()
    assert corrector.layer is cells
    assert save() == "Saved movie [cells]", "it was run since then"
    user.viewer.layers.selection.active = cells
    cells.visible = False
    assert save() == "Saved movie [cells]"


def test_the_result_of_the_position_that_is_chosen_is_saved(
    user, movie, tiny_model, tmp_path
):
    frames = np.stack([movie.frames[:3]] * 2)
    user.viewer.add_image(frames, name="movie")
    user.choose("axes", "PTYX")
    for name, value in (("model", str(tiny_model)), ("diameter", 8.0)):
        user.widget._form.controls[name].touch(value)
    user.find("folder").setText(str(tmp_path / "out"))
    for position in "01":
        user.choose("position", position)
        user.run()
    user.viewer.layers.selection.active = user.viewer.layers["movie [cells]"]
    user.choose("position", "0")
    user.choose("position", "1")
    user.click("save")
    user.wait(lambda: user.status.startswith("Saved "))
    assert user.status.startswith("Saved movie position 1 [cells]")
