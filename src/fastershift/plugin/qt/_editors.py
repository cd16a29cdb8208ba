"""One editor per kind of setting, with ranges and steps from `config`."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args, get_origin

from qtpy.QtCore import QEvent, QObject, Qt, SignalInstance
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QWidget,
)

from fastershift.config import SettingInfo
from fastershift.plugin.qt._numbers import NumberBox, NumberSlider, WholeNumberBox

__all__ = ["Editor", "choice", "keep_wheel_away", "make_editor"]

_Options: TypeAlias = list[tuple[str, Any]]

_DECIMALS = 3
# Where usual values span so many times the least of them, a slider is logarithmic.
_WIDE = 100
# Qt counts in signed 32-bit numbers.
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Editor:
    """A Qt control and how to read, set and follow its value."""

    widget: QWidget
    get: Callable[[], Any]
    set: Callable[[Any], None]
    changed: SignalInstance


class _WheelGuard(QObject):
    """Lets the wheel scroll the panel instead of changing a value passed over."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if (
            event is not None
            and event.type() == QEvent.Type.Wheel
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        ):
            event.ignore()
            return True
        return False


def keep_wheel_away(widget: QWidget) -> None:
    """Let a control take the wheel only when it has the focus."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_WheelGuard(widget))


def _inside(info: SettingInfo, decimals: int = _DECIMALS) -> tuple[float, float]:
    """Bounds that can be chosen: an open end is one smallest step further in."""
    step = 10**-decimals
    return info.low + step * info.above_low, info.high - step * info.below_high


def make_editor(info: SettingInfo) -> Editor:
    """Make the control that fits a setting.

    Parameters
    ----------
    info : SettingInfo
        A number, a switch, or one word out of several, of `config`.

    Returns
    -------
    Editor
    """
    if info.name == "diameter":
        return _diameter(info)
    if info.kind is bool:
        return _switch()
    if get_origin(info.kind) is Literal:
        return choice([(word, word) for word in get_args(info.kind)])
    if info.kind is int:
        return _whole_number(info)
    if not info.advanced and math.isfinite(info.low) and info.high <= 2:
        return _slider(info)
    return _real_number(info)


def _switch() -> Editor:
    box = QCheckBox()
    return Editor(box, box.isChecked, lambda v: box.setChecked(bool(v)), box.toggled)


def _whole_number(info: SettingInfo) -> Editor:
    box = WholeNumberBox()
    box.setRange(int(max(info.low, -_LARGEST)), int(min(info.high, _LARGEST)))
    box.setSingleStep(int(info.step or 1))
    box.setStepType(QAbstractSpinBox.StepType.DefaultStepType)
    box.setAccelerated(True)
    keep_wheel_away(box)
    return Editor(box, box.value, lambda v: box.setValue(int(v)), box.valueChanged)


def _real_number(info: SettingInfo) -> Editor:
    box = NumberBox()
    box.setDecimals(_DECIMALS)
    low, high = _inside(info)
    box.setRange(max(low, -_LARGEST), min(high, _LARGEST))
    box.setSingleStep(float(info.step or 0.1))
    keep_wheel_away(box)
    return Editor(
        box, _rounded(box), lambda v: box.setValue(float(v)), box.valueChanged
    )


def _slider(info: SettingInfo) -> Editor:
    slider = NumberSlider()
    step = float(info.step or 0.01)
    usual = info.usual
    wide = usual is not None and 0 < usual.low * _WIDE <= usual.high
    decimals = _DECIMALS + wide
    low, high = _inside(info, decimals)
    slider.setRange(low, high, decimals, step, logarithmic=wide)
    for part in (slider, slider.slider, slider.box):
        keep_wheel_away(part)
    return Editor(
        slider,
        _rounded(slider, decimals),
        lambda v: slider.setValue(float(v)),
        slider.valueChanged,
    )


def _rounded(box: Any, decimals: int = _DECIMALS) -> Callable[[], float]:
    return lambda: round(box.value(), decimals)


class _GrowingBox(QComboBox):
    """A list that adds what has come since whenever it is opened."""

    def __init__(self, options: Callable[[], _Options]) -> None:
        super().__init__()
        self._options = options

    def showPopup(self) -> None:
        # What is chosen stays so, though its place may be another.
        blocked = self.blockSignals(True)
        for place, (text, value) in enumerate(self._options()):
            if self.findData(value) < 0:
                self.insertItem(place, text, value)
        self.blockSignals(blocked)
        super().showPopup()


def choice(options: _Options | Callable[[], _Options]) -> Editor:
    """Make a list to choose from.

    Parameters
    ----------
    options : list of (text, value), or callable
        What is shown, and what it means. What is called gives these; it is called
        again whenever the list is opened.

    Returns
    -------
    Editor
    """
    box = _GrowingBox(options) if callable(options) else QComboBox()
    for text, value in options() if callable(options) else options:
        box.addItem(text, value)
    # Long entries must not widen the panel.
    box.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    keep_wheel_away(box)

    def select(value: Any) -> None:
        place = box.findData(value)
        if place < 0:
            box.addItem(str(value), value)
            place = box.count() - 1
        box.setCurrentIndex(place)

    return Editor(box, box.currentData, select, box.currentIndexChanged)


def _diameter(info: SettingInfo) -> Editor:
    """Make the control of the cell diameter, whose lowest position is "auto"."""
    # The scale needs a pixel at least.
    box = NumberBox(least=1)
    box.setDecimals(1)
    box.setRange(0, 2000)
    box.setSingleStep(float(info.step or 1))
    box.setSuffix(" px")
    box.setSpecialValueText("auto")
    keep_wheel_away(box)

    def read() -> float | str:
        return max(1.0, round(box.value(), 1)) if box.value() else "auto"

    return Editor(
        box,
        read,
        lambda v: box.setValue(0 if v == "auto" else float(v)),
        box.valueChanged,
    )
