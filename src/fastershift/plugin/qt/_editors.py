"""One editor per kind of setting, with ranges and steps from `config`."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from qtpy.QtCore import QEvent, QObject, Qt, SignalInstance
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QWidget,
)

from fastershift.plugin.qt._numbers import NumberBox, NumberSlider, WholeNumberBox

__all__ = ["Editor", "bounds", "choice", "diameter", "keep_wheel_away", "make_editor"]

_DECIMALS = 3
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


def bounds(field: FieldInfo) -> tuple[float, float]:
    """Return the least and largest value a field takes, bounds that are open included.

    Parameters
    ----------
    field : FieldInfo
        A number of `config`.

    Returns
    -------
    (float, float)
        Infinite where there is no bound.
    """
    low, high = -math.inf, math.inf
    for rule in field.metadata:
        low = max(low, getattr(rule, "ge", -math.inf), getattr(rule, "gt", -math.inf))
        high = min(high, getattr(rule, "le", math.inf), getattr(rule, "lt", math.inf))
    return low, high


def _inside(field: FieldInfo) -> tuple[float, float]:
    """Bounds that can be chosen: an open end is one smallest step further in."""
    low, high = bounds(field)
    step = 10**-_DECIMALS
    names = {
        name for rule in field.metadata for name in ("gt", "lt") if hasattr(rule, name)
    }
    return low + step * ("gt" in names), high - step * ("lt" in names)


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}


def make_editor(field: FieldInfo) -> Editor:
    """Make the control that fits a setting.

    Parameters
    ----------
    field : FieldInfo
        A number, a switch, or one word out of several, of `config`.

    Returns
    -------
    Editor
    """
    if field.annotation is bool:
        return _switch()
    if get_origin(field.annotation) is Literal:
        return choice([(word, word) for word in get_args(field.annotation)])
    if field.annotation is int:
        return _whole_number(field)
    low, high = bounds(field)
    if not _extra(field).get("advanced") and math.isfinite(low) and high <= 2:
        return _slider(field)
    return _real_number(field)


def _switch() -> Editor:
    box = QCheckBox()
    return Editor(box, box.isChecked, lambda v: box.setChecked(bool(v)), box.toggled)


def _whole_number(field: FieldInfo) -> Editor:
    box = WholeNumberBox()
    low, high = bounds(field)
    box.setRange(int(max(low, -_LARGEST)), int(min(high, _LARGEST)))
    box.setSingleStep(int(_extra(field).get("step") or 1))
    box.setStepType(QAbstractSpinBox.StepType.DefaultStepType)
    box.setAccelerated(True)
    keep_wheel_away(box)
    return Editor(box, box.value, lambda v: box.setValue(int(v)), box.valueChanged)


def _real_number(field: FieldInfo) -> Editor:
    box = NumberBox()
    box.setDecimals(_DECIMALS)
    low, high = _inside(field)
    box.setRange(max(low, -_LARGEST), min(high, _LARGEST))
    box.setSingleStep(float(_extra(field).get("step") or 0.1))
    keep_wheel_away(box)
    return Editor(
        box, _rounded(box), lambda v: box.setValue(float(v)), box.valueChanged
    )


def _slider(field: FieldInfo) -> Editor:
    slider = NumberSlider()
    step = float(_extra(field).get("step") or 0.01)
    slider.setRange(*_inside(field), _DECIMALS, step)
    for part in (slider, slider.slider, slider.box):
        keep_wheel_away(part)
    return Editor(
        slider,
        _rounded(slider),
        lambda v: slider.setValue(float(v)),
        slider.valueChanged,
    )


def _rounded(box: Any) -> Callable[[], float]:
    return lambda: round(box.value(), _DECIMALS)


def choice(options: list[tuple[str, Any]]) -> Editor:
    """Make a list to choose from.

    Parameters
    ----------
    options : list of (text, value)
        What is shown, and what it means.

    Returns
    -------
    Editor
    """
    box = QComboBox()
    for text, value in options:
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


def diameter(field: FieldInfo) -> Editor:
    """Make the control of the cell diameter, whose lowest position is "auto"."""
    # The scale needs a pixel at least.
    box = NumberBox(least=1)
    box.setDecimals(1)
    box.setRange(0, 2000)
    box.setSingleStep(float(_extra(field).get("step") or 1))
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
