"""Typed numbers: any decimal sign, one way to show them, and never a surprise."""

import pytest

pytest.importorskip("napari")
pytestmark = pytest.mark.gui

LANGUAGES = {
    "English": "en_US",
    "German": "de_DE",
    "French": "fr_FR",
    "Arabic": "ar_EG",
    "C": "C",
}


@pytest.fixture(params=LANGUAGES.values(), ids=LANGUAGES.keys())
def language(request, qtbot):
    from qtpy.QtCore import QLocale

    former = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(former)


@pytest.fixture
def real(language, qtbot):
    from fastershift.plugin.qt import NumberBox

    box = NumberBox()
    box.setDecimals(3)
    box.setRange(-2e6, 2e6)
    qtbot.addWidget(box)
    return box


def _type(qtbot, box, text, leave="Key_Return"):
    from qtpy.QtCore import Qt

    box.setFocus()
    box.selectAll()
    if text.isascii():
        qtbot.keyClicks(box, text)
    else:
        box.lineEdit().insert(text)
    qtbot.keyClick(box, getattr(Qt.Key, leave))


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("24.5", 24.5),
        ("24,5", 24.5),
        ("٢٤٫٥", 24.5),
        ("24٫5", 24.5),
        (".5", 0.5),
        (",25", 0.25),
        ("-3,5", -3.5),
        ("−3.5", -3.5),
        ("1234567.5", 1234567.5),
        ("7", 7.0),
    ],
)
def test_every_decimal_sign_is_taken_in_every_language(qtbot, real, typed, value):
    _type(qtbot, real, typed)
    assert real.value() == value
    assert real.text() == f"{value:.3f}".rstrip("0").rstrip(".")


@pytest.mark.parametrize("typed", ["1.234.5", "1,234.5", "12a", "nan", "inf", "1_0"])
def test_what_is_not_one_number_cannot_be_typed(qtbot, real, typed):
    real.setValue(8.25)
    before = real.validate(typed, len(typed))[0]
    assert before != type(before).Acceptable
    assert real.valueFromText(typed) == 8.25


@pytest.mark.parametrize("value", [0.1, 0.35, 24.5, 1234567.5, -0.25, 0])
@pytest.mark.parametrize("leave", ["Key_Return", "Key_Tab"])
def test_nothing_changes_where_nothing_is_typed(qtbot, real, value, leave):
    from qtpy.QtCore import Qt

    real.setValue(value)
    real.setFocus()
    qtbot.keyClick(real, Qt.Key.Key_End)
    qtbot.keyClick(real, getattr(Qt.Key, leave))
    assert real.value() == value


def test_a_number_outside_the_range_is_not_taken(qtbot, real):
    real.setRange(0, 2)
    real.setValue(0.5)
    _type(qtbot, real, "5")
    assert real.value() == 0.5
    assert real.text() == "0.5"


@pytest.mark.parametrize("typed", ["128", "١٢٨", "１２８"])
def test_whole_numbers_are_digits_of_any_script(qtbot, language, typed):
    from fastershift.plugin.qt import WholeNumberBox

    box = WholeNumberBox()
    box.setRange(0, 5000)
    qtbot.addWidget(box)
    _type(qtbot, box, typed)
    assert (box.value(), box.text()) == (128, "128")
    for wrong in ("1.5", "1,5", "1,000", "x"):
        assert box.validate(wrong, 3)[0] == type(box.validate("1", 1)[0]).Invalid


def test_the_word_of_a_field_can_be_typed(qtbot, language):
    from fastershift.config import find_setting
    from fastershift.plugin.qt._editors import make_editor

    editor = make_editor(find_setting("diameter"))
    box = editor.widget
    qtbot.addWidget(box)
    assert editor.get() == "auto"
    _type(qtbot, box, "24,5")
    assert (editor.get(), box.text()) == (24.5, "24.5 px")
    _type(qtbot, box, "0,5")
    assert editor.get() == 24.5, "cells of less than a pixel"
    _type(qtbot, box, "auto")
    assert editor.get() == "auto"


def test_a_slider_and_its_number_agree(qtbot, language):
    from qtpy.QtCore import Qt

    from fastershift.plugin.qt._numbers import NumberSlider

    slider = NumberSlider()
    slider.setRange(0.001, 1.999, 3, 0.01)
    qtbot.addWidget(slider)
    seen = []
    slider.valueChanged.connect(seen.append)
    slider.setValue(0.1)
    qtbot.keyClick(slider.box, Qt.Key.Key_Return)
    _type(qtbot, slider.box, "0,35")
    qtbot.keyClick(slider.slider, Qt.Key.Key_Right)
    assert seen[0] == 0.1
    assert seen[-2:] == [0.35, 0.36]
    assert slider.box.text() == "0.36"
    assert slider.slider.value() == 360


def test_h_is_changed_by_a_tenth_of_itself(qtbot, language):
    from qtpy.QtCore import Qt

    from fastershift.config import find_setting
    from fastershift.plugin.qt._editors import make_editor

    editor = make_editor(find_setting("bandwidth"))
    qtbot.addWidget(editor.widget)
    slider = editor.widget.slider
    # What the models recommend lies well inside.
    ends = slider.minimum(), slider.maximum()
    for usual in (0.005, 0.01, 0.1):
        editor.set(usual)
        assert editor.get() == usual
        part = (slider.value() - ends[0]) / (ends[1] - ends[0])
        assert 0.25 < part < 0.75
        qtbot.keyClick(slider, Qt.Key.Key_Right)
        assert editor.get() == pytest.approx(1.1 * usual, rel=0.02)
    slider.setValue(ends[0])
    assert editor.get() == 0.0001
    slider.setValue(ends[1])
    assert 1.99 < editor.get() < 2


def test_every_number_of_the_widgets_is_such_a_field(user, opened):
    from qtpy.QtWidgets import QAbstractSpinBox

    from fastershift.plugin.qt import NumberBox, WholeNumberBox

    docks = [opened(user.viewer, name) for name in ("Train a model", "Measurements")]
    for widget in (user.widget, *(dock.widget for dock in docks)):
        boxes = widget.findChildren(QAbstractSpinBox)
        assert boxes
        for box in boxes:
            assert isinstance(box, NumberBox | WholeNumberBox), box.objectName()


@pytest.mark.parametrize("name", ["bandwidth", "smallest_cell", "diameter", "low"])
def test_a_setting_is_not_touched_by_walking_through_it(language, user, name):
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QLineEdit

    control = user.widget._form.controls[name]
    exact = 0.12345 if name != "diameter" and name != "low" else 24.56
    control.recommend(exact)
    line = user.find(name).findChild(QLineEdit)
    line.setFocus()
    user.qtbot.keyClick(line, Qt.Key.Key_Return)
    user.qtbot.keyClick(line, Qt.Key.Key_Tab)
    assert control.value == exact
    assert not control.touched
