"""The list of doubtful places: what to check next, and what was checked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from fastershift.plugin.qt import make_button

if TYPE_CHECKING:
    from fastershift.editing import Doubt

__all__ = ["DoubtList"]

# Rows of the list that are seen at once.
_ROWS = 6


class DoubtList(QWidget):
    """Shows places sorted by how doubtful they are.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    asked = Signal()
    chosen = Signal(object)
    ticked = Signal(str, bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._doubts: Sequence[Doubt] = ()
        self._list = QListWidget()
        self._list.setObjectName("places")
        self._list.setAccessibleName("Places to look at")
        self._list.setToolTip(
            "Doubtful places, the worst first. Click one to go there; "
            "tick it off when it is correct."
        )
        self._list.setWordWrap(True)
        self._list.setFixedHeight(_ROWS * self._list.fontMetrics().lineSpacing() * 2)
        self._progress = QLabel()
        self._progress.setObjectName("looked_at")
        self._find = make_button(
            "find_places",
            "Find places",
            "Look for cells whose outline or track is doubtful.",
        )
        self._next = make_button(
            "next", "Next", "Tick this place off and go to the next one."
        )
        self._back = make_button("back", "Back", "Go to the previous place.")
        row = QHBoxLayout()
        row.addWidget(self._find)
        row.addWidget(self._back)
        row.addWidget(self._next)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self._list)
        column.addWidget(self._progress)
        self._find.clicked.connect(self.asked)
        self._next.clicked.connect(self.next)
        self._back.clicked.connect(self.back)
        self._list.currentRowChanged.connect(self._on_row)
        self._list.itemChanged.connect(self._on_item)
        self.show_doubts((), frozenset())

    def show_doubts(self, doubts: Sequence["Doubt"], ticked: frozenset[str]) -> None:
        """Show a list, and which places have been looked at."""
        self._doubts = doubts
        self._list.blockSignals(True)
        self._list.clear()
        for doubt in doubts:
            item = QListWidgetItem(f"Frame {doubt.frame}: {doubt.reason}")
            item.setToolTip(doubt.reason)
            state = Qt.CheckState
            item.setCheckState(
                state.Checked if doubt.key in ticked else state.Unchecked
            )
            self._list.addItem(item)
        self._list.setCurrentRow(-1)
        self._list.blockSignals(False)
        self._list.setVisible(bool(doubts))
        self._next.setEnabled(bool(doubts))
        self._back.setEnabled(bool(doubts))
        self._show_progress()

    def say(self, text: str) -> None:
        """Show a line in place of the progress."""
        self._progress.setText(text)

    def next(self) -> None:
        """Tick the current place off and go to the next one that is not."""
        row = self._list.currentRow()
        if row >= 0:
            self._list.item(row).setCheckState(Qt.CheckState.Checked)
        rows = [*range(row + 1, self._list.count()), *range(row + 1)]
        for one in rows:
            if not self._done(one):
                self._list.setCurrentRow(one)
                return
        self._list.setCurrentRow(-1)

    def back(self) -> None:
        """Go to the previous place."""
        row = self._list.currentRow()
        self._list.setCurrentRow(row - 1 if row > 0 else self._list.count() - 1)

    def _done(self, row: int) -> bool:
        return bool(self._list.item(row).checkState() == Qt.CheckState.Checked)

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self._doubts):
            self.chosen.emit(self._doubts[row])

    def _on_item(self, item: QListWidgetItem) -> None:
        row = self._list.row(item)
        self.ticked.emit(self._doubts[row].key, self._done(row))
        self._show_progress()

    def _show_progress(self) -> None:
        done = sum(self._done(row) for row in range(len(self._doubts)))
        text = f"{done} of {len(self._doubts)} looked at" if self._doubts else ""
        self._progress.setText(text)
