"""Which result is saved, and where it can go."""

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
