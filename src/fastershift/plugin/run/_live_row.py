"""Switches of the live preview, and two settings to compare by eye."""

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QWidget,
)

from fastershift.plugin.qt import key_of, named

__all__ = ["LiveRow"]

_KEY = key_of("flip")


class LiveRow(QWidget):
    """*Live preview*, *preview only what I see*, and the settings A and B.

    What is tuned belongs to the letter that is chosen; the other one keeps its values
    until it is chosen. The first time, both start alike.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    live_switched = Signal(bool)
    region_switched = Signal()
    flipped = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._live = _box(
            "live_preview",
            "Live preview",
            "Update the cells of the current frame with every change of "
            "a setting or of the time slider.",
        )
        self._visible_only = _box(
            "preview_visible_only",
            "Preview only what I see",
            "On a large frame, embed and cluster only the visible part. "
            "Cells at its edge may differ from those of a run.",
        )
        self._a = _letter("A")
        self._b = _letter("B")
        self._letters = QButtonGroup(self)
        for button in (self._a, self._b):
            self._letters.addButton(button)
        self._a.setChecked(True)
        self._told = QLabel()
        self._told.setObjectName("links")
        self._told.setAccessibleName("Links of the frame")
        self._told.setToolTip("How the masks of the frame are linked at these costs.")
        self._told.setWordWrap(True)
        self._told.hide()
        compare = QWidget()
        letters = QHBoxLayout(compare)
        letters.setContentsMargins(0, 0, 0, 0)
        letters.addWidget(QLabel(f"Compare [{_KEY}]"))
        letters.addWidget(self._a)
        letters.addWidget(self._b)
        letters.addStretch()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self._live, 0, 0)
        grid.addWidget(compare, 0, 1)
        grid.addWidget(self._visible_only, 1, 0, 1, 2)
        grid.addWidget(self._told, 2, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        self._live.toggled.connect(self.live_switched)
        self._visible_only.toggled.connect(lambda _on: self.region_switched.emit())
        self._letters.buttonToggled.connect(self._on_letter)

    @property
    def live(self) -> bool:
        """Whether changes are previewed at once."""
        return bool(self._live.isChecked())

    @property
    def visible_only(self) -> bool:
        """Whether only what is in view is previewed."""
        return bool(self._visible_only.isChecked())

    def tell(self, sentence: str) -> None:
        """Show a sentence beside the settings that change it; empty for none."""
        self._told.setText(sentence)
        self._told.setVisible(bool(sentence))

    def flip(self) -> None:
        """Choose the other letter."""
        (self._b if self._a.isChecked() else self._a).setChecked(True)

    def stay(self) -> None:
        """Choose the letter again that was left; its settings are still in use."""
        self.blockSignals(True)
        self.flip()
        self.blockSignals(False)

    def _on_letter(self, _button: Any, pressed: bool) -> None:
        if pressed:
            self.flipped.emit()


def _box(name: str, text: str, tip: str) -> QCheckBox:
    return named(QCheckBox(text), name, text, tip)


def _letter(letter: str) -> QRadioButton:
    return named(
        QRadioButton(letter),
        f"settings_{letter.lower()}",
        f"Settings {letter}",
        f"Show and change the settings {letter}; the others are kept. "
        f"The key {_KEY} on the canvas switches between the two.",
    )
