"""What is taken of a layer with more than time, rows and columns."""

from typing import Any
from weakref import ref

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel

from fastershift.config import COLOURS, PROJECTIONS, InputSettings
from fastershift.plugin.layers._input import (
    InputKind,
    guess_axes,
    levels,
    likely_axes,
    pixels,
)
from fastershift.plugin.qt import Editor, SettingControl, choice

__all__ = ["ReadingControls"]

_OPEN = "choose…"
_FLAT = "Cells are tracked in two dimensions and time, not in depth."


class _AxesEditor:
    """A list of orders of axes that others can be typed into; "auto" is the guess."""

    def __init__(self) -> None:
        self.guess = ""
        self.editor = choice([])
        self.box: QComboBox = self.editor.widget
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)

    def as_editor(self) -> Editor:
        return Editor(self.box, self.get, self.set, self.box.currentTextChanged)

    @property
    def text(self) -> str:
        return self.box.currentText().strip().upper() or self.guess

    def get(self) -> str:
        return "auto" if self.text == self.guess else self.text

    def set(self, value: str) -> None:
        self.box.setCurrentText(self.guess if value == "auto" else value)

    def offer(self, guess: str, options: tuple[str, ...]) -> None:
        self.guess = guess
        self.box.blockSignals(True)
        self.box.clear()
        self.box.addItems(list(dict.fromkeys((guess, *options))))
        self.box.blockSignals(False)


def _open_choice() -> Editor:
    """Make a list whose first entry leaves the choice open."""
    made = choice([(_OPEN, "")])
    return Editor(
        made.widget,
        lambda: None if made.get() == "" else made.get(),
        lambda value: made.set("" if value is None else value),
        made.changed,
    )


def _numbers(count: int) -> list[tuple[str, Any]]:
    """List what there is to choose from; one alone is no choice."""
    return [(str(number), number) for number in range(count)] if count > 1 else []


class ReadingControls(QObject):
    """Axes, channel, plane, position and level, each shown where it matters.

    Parameters
    ----------
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    controls : list of SettingControl
        In the order they are shown.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._layer: Image | None = None
        # The one before, also while there is none.
        self._last: ref[Image] | None = None
        self._kind: InputKind = "image"
        self._axes_editor = _AxesEditor()
        self._axes = SettingControl("axes", self, self._axes_editor.as_editor())
        self._channel, self._plane, self._position = (
            SettingControl(name, self, _open_choice())
            for name in ("channel", "plane", "position")
        )
        self._level = SettingControl("level", self, choice([("0", 0)]))
        self.controls = [
            self._axes,
            self._channel,
            self._plane,
            self._position,
            self._level,
        ]
        self._flat = QLabel(_FLAT)
        self._flat.setObjectName("plane_hint")
        self._flat.setWordWrap(True)
        for control in self.controls:
            control.changed.connect(self._on_change)
        self._show_used()

    @property
    def axes(self) -> str:
        """One letter per axis, guessed or chosen."""
        return self._axes_editor.text

    @property
    def settings(self) -> InputSettings:
        """What is taken of the layer."""
        return InputSettings(
            **{c.name: c.value for c in self.controls if c.name != "axes"}
        )

    def add_to(self, grid: QGridLayout) -> None:
        """Add all controls as the last rows of a grid."""
        for control in self.controls:
            control.add_to(grid)
            if control is self._plane:
                grid.addWidget(self._flat, grid.rowCount(), 0, 1, 3)

    def offer(self, layer: Image | None, kind: InputKind) -> None:
        """Offer what a layer has; choices that it does not have are taken back."""
        self._layer, self._kind = layer, kind
        if layer is None:
            self._show_used()
            return
        other = self._last is not None and layer is not self._last()
        self._last = ref(layer)
        guessed, axes = guess_axes(layer)
        options = likely_axes(kind, layer)
        fits = (guessed == "embedding") == (kind == "embedding")
        self._axes_editor.offer(axes if fits else options[0], options)
        if other or not self._axes.touched:
            self._take_back(self._axes)
        else:
            self._axes_editor.set(self._axes.value)
        self._offer_choices(other)
        self._show_used()

    def _on_change(self) -> None:
        if self.sender() is self._axes:
            self._offer_choices(other=False)
            self._show_used()
        self.changed.emit()

    def _sizes(self) -> dict[str, int]:
        if self._layer is None:
            return {}
        shape = pixels(self._layer).shape
        axes = self.axes
        return dict(zip(axes, shape, strict=True)) if len(axes) == len(shape) else {}

    def _offer_choices(self, other: bool) -> None:
        if self._layer is None:
            return
        sizes = self._sizes()
        channels, planes = _numbers(sizes.get("C", 1)), _numbers(sizes.get("Z", 1))
        if sizes.get("S", 1) >= len(COLOURS):
            channels = [(name, name) for name in (*COLOURS, "grey")]
        if planes:
            planes = [(f"{how} projection", how) for how in PROJECTIONS] + planes
        self._fill(self._channel, channels, other)
        self._fill(self._plane, planes, other)
        self._fill(self._position, _numbers(sizes.get("P", 1)), other)
        self._fill(self._level, self._levels(), other, open_first=False)

    def _levels(self) -> list[tuple[str, int]]:
        assert self._layer is not None  # noqa: S101 (asked only with a layer)
        shapes = [np.shape(pixels(self._layer, n)) for n in range(levels(self._layer))]
        plane = [self.axes.find(letter) for letter in "XY"]
        if len(self.axes) != len(shapes[0]):
            return [(str(n), n) for n in range(len(shapes))]
        return [
            (f"{n}: {' × '.join(str(shape[axis]) for axis in plane)}", n)
            for n, shape in enumerate(shapes)
        ]

    def _fill(
        self,
        control: SettingControl,
        options: list[Any],
        other: bool,
        *,
        open_first: bool = True,
    ) -> None:
        box = control.widget
        assert isinstance(box, QComboBox)  # noqa: S101 (made as one)
        box.blockSignals(True)
        box.clear()
        for text, value in [(_OPEN, "")] * open_first + options:
            box.addItem(text, value)
        box.blockSignals(False)
        if not control.touched or (
            other and control.value not in [value for _, value in options]
        ):
            self._take_back(control)
        else:
            control.show_again()

    def _take_back(self, control: SettingControl) -> None:
        control.blockSignals(True)
        control.reset()
        control.blockSignals(False)

    def _show_used(self) -> None:
        """Hide what the layer leaves no choice in, unless a choice was made."""
        sizes, image = self._sizes(), self._kind != "embedding"
        several = {
            "channel": image and max(sizes.get("C", 1), sizes.get("S", 1)) > 1,
            "plane": image and sizes.get("Z", 1) > 1,
            "position": sizes.get("P", 1) > 1,
            "level": self._layer is not None and levels(self._layer) > 1,
        }
        for control in self.controls[1:]:
            control.show(several[control.name] or control.touched)
        self._flat.setVisible(several["plane"])
