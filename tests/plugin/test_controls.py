"""Every control: its name, tooltip, keyboard, and the way back to its default."""

import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

NAMED = [
    "layer",
    "input_kind",
    "axes",
    "background",
    "model",
    "diameter",
    "device",
    "bandwidth",
    "gamma",
    "low",
    "high",
    "n_initial",
    "preview",
    "run",
    "cancel",
    "progress",
    "readout",
    "p",
    "coordinate_weight",
    "smallest_cell",
    "linking_overlap",
    "division_search",
    "shortest_track",
    "random_seed",
    "status",
    "format",
    "folder",
    "save",
    "save_settings",
    "load_settings",
    "measure",
    "estimate",
    "mask",
    "browse",
    "channel",
    "plane",
    "position",
    "level",
    "preset",
    "profile",
    "use_layer_settings",
    "reset_all",
]


def test_the_names_that_others_rely_on(user):
    for name in NAMED:
        user.find(name)


def _controls(widget):
    from qtpy.QtWidgets import (
        QAbstractSlider,
        QAbstractSpinBox,
        QComboBox,
        QLineEdit,
        QPushButton,
    )

    kinds = (QComboBox, QPushButton, QAbstractSpinBox, QAbstractSlider, QLineEdit)
    found = [child for kind in kinds for child in widget.findChildren(kind)]
    return [child for child in found if child.objectName() in NAMED]


def test_every_control_explains_itself(user):
    controls = _controls(user.widget)
    assert len(controls) > 20
    for control in controls:
        assert control.toolTip(), control.objectName()
        assert control.accessibleName() or control.objectName() == "layer"


def test_tooltips_come_from_config(user):
    from fastershift.config import find_setting

    for name, control in user.widget._form.controls.items():
        tip = control.widget.toolTip()
        assert find_setting(name).help_text in tip
        assert "Default" in tip
    assert "above 0 below 2" in user.find("bandwidth").toolTip()
    assert "px" in user.find("diameter").toolTip()


def test_the_list_of_models_tells_purpose_scores_and_terms(user):
    from qtpy.QtCore import Qt

    from fastershift.rshn import list_models

    models = user.find("model")
    cards = list_models()
    assert any(card.scores for card in cards)
    for card in cards:
        place = models.findData(card.name)
        tip = models.itemData(place, Qt.ItemDataRole.ToolTipRole)
        assert card.summary in tip
        assert card.terms in tip
        for name, scores in card.scores.items():
            assert f"{name}: " in tip
            assert f"TRA {scores['TRA']}" in tip


def test_every_control_is_reached_by_the_tab_key(user, embeddings):
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QAbstractButton, QScrollArea

    user.viewer.add_image(embeddings, name="movie")
    user.click("show_advanced")
    seen, current = set(), user.find("layer")
    for _ in range(600):
        if current.focusPolicy() & Qt.FocusPolicy.TabFocus:
            seen.add(current)
        current = current.nextInFocusChain()
    inside = user.widget.findChild(QScrollArea).widget()
    for control in _controls(user.widget):
        if control.isVisibleTo(inside) and control.isEnabled():
            reached = control in seen or any(
                child in seen
                for child in control.findChildren(type(control).__mro__[-3])
            )
            assert reached or isinstance(control, QAbstractButton), control.objectName()


def test_a_control_is_touched_and_reset_by_keyboard(user, embeddings):
    from qtpy.QtCore import Qt

    user.viewer.add_image(embeddings, name="movie")
    control = user.widget._form.controls["n_initial"]
    assert user.widget._form.chosen() == {}
    assert not control.label.font().bold()
    user.qtbot.keyClick(user.find("n_initial"), Qt.Key.Key_Up)
    assert user.widget._form.chosen() == {"cluster": {"n_initial": 144}}
    assert control.label.font().bold()
    user.qtbot.keyClick(user.find("reset_n_initial"), Qt.Key.Key_Space)
    assert user.widget._form.chosen() == {}
    assert user.find("n_initial").value() == 128


def test_a_switch_is_a_box_to_tick(user):
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QCheckBox

    for name in ("local_modes", "join_alike", "split_large"):
        control = user.widget._form.controls[name]
        assert isinstance(control.widget, QCheckBox)
        before = control.value
        assert isinstance(before, bool)
        user.qtbot.keyClick(control.widget, Qt.Key.Key_Space)
        assert control.value is (not before)
        assert user.widget._form.chosen() == {"cluster": {name: not before}}
        control.reset()
        assert user.widget._form.chosen() == {}


def test_the_wheel_does_not_change_what_it_passes(user):
    from qtpy.QtCore import QPoint, QPointF, Qt
    from qtpy.QtGui import QWheelEvent
    from qtpy.QtWidgets import QApplication

    box = user.find("n_initial")
    event = QWheelEvent(
        QPointF(2, 2),
        QPointF(2, 2),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(box, event)
    assert box.value() == 128


def test_values_that_do_not_go_together_stop_the_run(user, embeddings):
    user.viewer.add_image(embeddings, name="movie")
    user.find("low").setValue(8)
    assert "H must be at least 2·L" in user.status
    assert not user.find("run").isEnabled()
    user.find("high").setValue(16)
    assert user.status == ""
    assert user.find("run").isEnabled()


def test_untouched_controls_follow_the_model(user, tiny_model):
    form = user.widget._form
    form.controls["gamma"].touch(0.8)
    form.controls["model"].touch(str(tiny_model))
    assert user.find("bandwidth").value() == pytest.approx(0.25)
    assert user.find("gamma").value() == pytest.approx(0.8)
    assert "bandwidth" not in form.chosen().get("cluster", {})
    assert user.find("model").currentText() == "tiny.safetensors"


def test_nothing_sticks_out_at_360_pixels(user):
    from qtpy.QtWidgets import QScrollArea

    area = user.widget.findChild(QScrollArea)
    room = 360 - area.verticalScrollBar().sizeHint().width()
    assert area.widget().minimumSizeHint().width() <= room
    for name in ("advanced", "correct", "plot", "table"):
        user.click(f"show_{name}")
    assert area.widget().minimumSizeHint().width() <= room
