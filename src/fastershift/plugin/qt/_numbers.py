"""Fields for numbers: point and comma mean the same, and what is shown is what is used.

Qt reads and writes numbers as the language of the computer does. A point that groups
thousands there turns 24.5 into 245. These fields know one way to show a number, with a
point and without groups, and take the decimal sign of any language.
"""

import math
from typing import Any

from qtpy.QtCore import QLocale, Qt, Signal
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QSpinBox, QWidget

__all__ = ["NumberBox", "NumberSlider", "WholeNumberBox", "read_number"]

_State = QValidator.State

# Decimal signs and minus signs of other languages and of word processors.
_SIGNS = str.maketrans({",": ".", "٫": ".", "−": "-", "–": "-"})

# Width of the number beside a slider, in characters.
_CHARACTERS = 6

# Steps from end to end of a slider by the keys Page Up and Page Down.
_PAGES = 10

# Places of a logarithmic slider from one number to ten times as much, and how many of
# them an arrow key goes: a tenth of the number.
_DECADE, _TENTH = 240, 10


def read_number(text: str) -> float | None:
    """Read a number as people of any language type it.

    Parameters
    ----------
    text : str
        Digits of any script and at most one decimal sign, a point or a comma.

    Returns
    -------
    float or None
        None where the text is not a number, or has signs that group digits.
    """
    plain = text.strip().translate(_SIGNS)
    if "_" in plain or plain.lower().lstrip("+-").startswith(("n", "i")):
        return None
    try:
        return float(plain)
    except ValueError:
        return None


def _plain_locale() -> QLocale:
    locale = QLocale(QLocale.Language.C)
    locale.setNumberOptions(
        QLocale.NumberOption.OmitGroupSeparator
        | QLocale.NumberOption.RejectGroupSeparator
    )
    return locale


def _begun(text: str) -> bool:
    """Whether more typing may make a number of a text."""
    return read_number(f"{text.strip()}0") is not None or not text.strip()


def _core(box: "NumberBox | WholeNumberBox", text: str) -> str:
    """Take the unit away that is shown behind a number."""
    return text.strip().removesuffix(box.suffix().strip()).strip()


def _special(box: "NumberBox | WholeNumberBox", core: str) -> Any:
    """Judge a word that stands for the lowest value; None where it is not this word."""
    word = box.specialValueText().lower()
    if not core or not word.startswith(core.lower()):
        return None
    return _State.Acceptable if core.lower() == word else _State.Intermediate


class NumberBox(QDoubleSpinBox):
    """A field for a real number.

    What is typed and lies outside the range is not taken; Enter brings the former value
    back.

    Parameters
    ----------
    parent : QWidget, optional
        The widget this is a part of.
    least : float, optional
        Least number that can be typed, where the range begins with a word.
    """

    def __init__(
        self, parent: QWidget | None = None, *, least: float | None = None
    ) -> None:
        super().__init__(parent)
        self._least = least
        self.setLocale(_plain_locale())

    def textFromValue(self, value: float) -> str:
        """Write 2 rather than 2.000, and never 1e+06."""
        text = f"{value:.{self.decimals()}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def valueFromText(self, text: str | None) -> float:
        """Read what is typed; what cannot be read is the value as it was."""
        core = _core(self, text or "")
        if _special(self, core) is _State.Acceptable:
            return float(self.minimum())
        number = read_number(core)
        return float(self.value()) if number is None else number

    def validate(self, text: str | None, position: int) -> tuple[Any, str, int]:
        """Judge what is typed so far."""
        text = text or ""
        return self._judge(_core(self, text)), text, position

    def fixup(self, text: str | None) -> str:
        """Leave what is typed as it is; Qt would take a comma out of it."""
        return text or ""

    def _judge(self, core: str) -> Any:
        word = _special(self, core)
        if word is not None:
            return word
        number = read_number(core)
        if number is None:
            return _State.Intermediate if _begun(core) else _State.Invalid
        decimals = core.translate(_SIGNS).partition(".")[2]
        if len(decimals) > self.decimals() and "e" not in core.lower():
            return _State.Invalid
        least = self.minimum() if self._least is None else self._least
        inside = least <= number <= self.maximum()
        return _State.Acceptable if inside else _State.Intermediate


class WholeNumberBox(QSpinBox):
    """A field for a whole number, in digits of any script and without groups."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLocale(_plain_locale())

    def textFromValue(self, value: int) -> str:
        """Write digits alone."""
        return str(value)

    def valueFromText(self, text: str | None) -> int:
        """Read what is typed; what cannot be read is the value as it was."""
        core = _core(self, text or "")
        if _special(self, core) is _State.Acceptable:
            return int(self.minimum())
        try:
            return int(core.translate(_SIGNS))
        except ValueError:
            return int(self.value())

    def validate(self, text: str | None, position: int) -> tuple[Any, str, int]:
        """Judge what is typed so far."""
        text = text or ""
        return self._judge(_core(self, text)), text, position

    def fixup(self, text: str | None) -> str:
        """Leave what is typed as it is."""
        return text or ""

    def _judge(self, core: str) -> Any:
        word = _special(self, core)
        if word is not None:
            return word
        digits = core.translate(_SIGNS)
        if digits in ("", "-", "+"):
            return _State.Intermediate
        if not digits.lstrip("+-").isdecimal():
            return _State.Invalid
        inside = self.minimum() <= int(digits) <= self.maximum()
        return _State.Acceptable if inside else _State.Intermediate


class NumberSlider(QWidget):
    """A slider with its number beside it.

    Parameters
    ----------
    parent : QWidget, optional
        The widget this is a part of.
    """

    valueChanged = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # It counts in units of the last digit that is shown, or in places of a decade.
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.box = NumberBox()
        self.box.setButtonSymbols(NumberBox.ButtonSymbols.NoButtons)
        self.box.setFrame(False)
        self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        width = self.box.fontMetrics().horizontalAdvance("0" * _CHARACTERS)
        self.box.setFixedWidth(width + 8)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self.slider)
        line.addWidget(self.box)
        self.setFocusProxy(self.slider)
        self._value = 0.0
        self._logarithmic = False
        self.slider.valueChanged.connect(self._on_moved)
        self.box.valueChanged.connect(self._take)

    def setRange(
        self,
        low: float,
        high: float,
        decimals: int,
        step: float,
        *,
        logarithmic: bool = False,
    ) -> None:
        """Set the least and the largest value, digits behind the point, and the step.

        Parameters
        ----------
        low, high : float
            Both can be chosen.
        decimals : int
            Digits behind the point.
        step : float
            What an arrow key adds.
        logarithmic : bool
            Whether the slider multiplies instead, an arrow key by about 1.1.
        """
        self.box.setDecimals(decimals)
        self.box.setRange(low, high)
        self.box.setSingleStep(step)
        if logarithmic:
            self.box.setStepType(NumberBox.StepType.AdaptiveDecimalStepType)
        self._logarithmic = logarithmic
        self.slider.setRange(self._place(low), self._place(high))
        self.slider.setSingleStep(_TENTH if logarithmic else self._place(step))
        length = self.slider.maximum() - self.slider.minimum()
        self.slider.setPageStep(round(length / _PAGES))
        self.setValue(low)

    def value(self) -> float:
        """Return the number that is shown."""
        return self._value

    def setValue(self, value: float) -> None:
        """Show a number on both.

        Parameters
        ----------
        value : float
            Rounded to the digits of the box, and brought into the range.
        """
        self._show(self.box, float(value))
        self._take(self.box.value())

    def _place(self, value: float) -> int:
        if self._logarithmic:
            return round(_DECADE * math.log10(value))
        units: float = value * 10 ** self.box.decimals()
        return round(units)

    def _on_moved(self, place: int) -> None:
        if self._logarithmic:
            self.setValue(10 ** (place / _DECADE))
        else:
            self.setValue(place / 10 ** self.box.decimals())

    def _take(self, value: float) -> None:
        # The box is left alone: to set it would rewrite what is being typed.
        value = round(value, self.box.decimals())
        self._show(self.slider, self._place(value))
        if value != self._value:
            self._value = value
            self.valueChanged.emit(value)

    @staticmethod
    def _show(part: QWidget, value: float) -> None:
        part.blockSignals(True)
        part.setValue(value)
        part.blockSignals(False)

    def setAccessibleName(self, name: str) -> None:
        """Name both parts alike for screen readers."""
        super().setAccessibleName(name)
        for part in (self.slider, self.box):
            part.setAccessibleName(name)

    def setToolTip(self, tip: str) -> None:
        """Explain both parts alike."""
        super().setToolTip(tip)
        for part in (self.slider, self.box):
            part.setToolTip(tip)
