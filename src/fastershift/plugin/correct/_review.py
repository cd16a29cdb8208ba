"""Looks for doubtful places and leads through them."""

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from fastershift.plugin.correct._corrector import Corrector
from fastershift.plugin.correct._doubt_list import DoubtList
from fastershift.plugin.qt import Task, TaskRunner
from fastershift.session import Corrections, describe_error

if TYPE_CHECKING:
    from fastershift.editing import Doubt

__all__ = ["Review"]

# Half of the view around a place, in widths of its cell and in pixels at least.
_AROUND, _LEAST = 4.0, 40.0


class Review(QObject):
    """Connects the list of places with the corrections in hand.

    Parameters
    ----------
    corrector : Corrector
        What is corrected.
    parent : QWidget
        The widget the list is a part of.

    Attributes
    ----------
    places : DoubtList
        The list.
    """

    def __init__(self, corrector: Corrector, parent: QWidget) -> None:
        super().__init__(parent)
        self.places = DoubtList(parent)
        self._corrector = corrector
        self._shown: Corrections | None = None
        self._tasks = TaskRunner(self)
        self.places.asked.connect(self.find)
        self.places.chosen.connect(self._go)
        self.places.ticked.connect(self._tick)

    def show_state(self) -> None:
        """Show the places of the layer in hand."""
        corrections = self._corrector.corrections
        self.places.setEnabled(corrections is not None)
        if corrections is not self._shown:
            self._shown = corrections
            self._tasks.drop()
            self._show()

    def _show(self) -> None:
        if self._shown is None:
            self.places.show_doubts((), frozenset())
        else:
            self.places.show_doubts(self._shown.doubts, self._shown.ticked)

    def find(self) -> None:
        """Look for places in another thread."""
        corrections = self._shown
        if corrections is not None:
            self.places.say("Looking for doubtful places …")
            self._tasks.start(
                Task(corrections.find_doubts, self._on_step, self._on_error)
            )

    def _on_step(self, item: Any) -> None:
        if isinstance(item, tuple):
            self._show()
            if not item:
                self.places.say("There are no doubtful places.")
        else:
            self.places.say(f"Looking for doubtful places … {item:.0%}")

    def _on_error(self, error: Exception) -> None:
        self.places.say(describe_error(error))

    def next(self) -> None:
        """Go to the next place."""
        self.places.next()

    def back(self) -> None:
        """Go to the previous place."""
        self.places.back()

    def _go(self, doubt: "Doubt") -> None:
        corrections, layer = self._shown, self._corrector.layer
        if corrections is None or layer is None:
            return
        known = corrections.cells.frame(doubt.frame)
        areas = [known[track].area for track in doubt.tracks if track in known]
        width = max([_LEAST, *(_AROUND * area**0.5 for area in areas)])
        self._corrector.layers.look_at(doubt.frame, doubt.y, doubt.x, width)
        if doubt.tracks:
            layer.selected_label = doubt.tracks[0]
        self._corrector.message.emit(f"Frame {doubt.frame}: {doubt.reason}")

    def _tick(self, key: str, done: bool) -> None:
        if self._shown is not None:
            self._shown.tick(key, done)
            self._corrector.edited.emit()
