"""The lists of models, in all parts of the window."""

import pytest

pytestmark = pytest.mark.gui


def test_a_model_that_has_come_since_is_in_every_list(
    make_napari_viewer, docked, opened, qtbot, tmp_path, tiny_model, monkeypatch
):
    folder = tmp_path / "models"
    monkeypatch.setattr("fastershift.rshn._registry.user_models_folder", lambda: folder)
    viewer = make_napari_viewer()
    user, trainer = docked(viewer, qtbot), opened(viewer, "Train a model")
    form, told = user.widget._form, []
    # It stands below the models, which are put in above it.
    form.controls["model"].touch(str(tiny_model))
    form.changed.connect(lambda: told.append("changed"))
    folder.mkdir()
    (folder / "mine.safetensors").write_bytes(tiny_model.read_bytes())

    boxes = user.find("model"), user.find("preset"), trainer.find("start_model")
    shown = [box.currentText() for box in boxes]
    for box, text in zip(boxes, ("mine", "model mine", "mine"), strict=True):
        assert box.findText(text) < 0
        for _ in range(2):
            box.showPopup()
            box.hidePopup()
        texts = [box.itemText(place) for place in range(box.count())]
        assert texts.count(text) == 1
    assert [box.currentText() for box in boxes] == shown
    assert not told
    names = [boxes[0].itemText(place) for place in range(boxes[0].count())]
    assert names[-2:] == ["open file…", "tiny.safetensors"]
    from qtpy.QtCore import Qt

    tip = boxes[0].itemData(names.index("mine"), Qt.ItemDataRole.ToolTipRole)
    assert "For tests." in tip
    user.choose("model", "mine")
    assert form.chosen()["embed"]["model"] == "mine"
