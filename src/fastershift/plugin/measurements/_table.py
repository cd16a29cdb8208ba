"""A table of any length: rows are looked up when they come into view."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    Qt,
    Signal,
)
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

from fastershift.measure import Column, FrameTable, WorldUnits
from fastershift.plugin.qt import set_up_table

__all__ = ["MeasuresTable"]

_HEIGHT = 180


class MeasuresModel(QAbstractTableModel):
    """Columns as arrays, and the order in which their rows are shown."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._table: FrameTable = {}
        self._columns: Sequence[Column] = ()
        self._units = WorldUnits()
        self._order: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._kept: npt.NDArray[np.bool_] = np.zeros(0, bool)
        self._sorting = (0, Qt.SortOrder.AscendingOrder)

    def show(
        self, table: FrameTable, columns: Sequence[Column], units: WorldUnits
    ) -> None:
        """Show another table, all of its rows."""
        self.beginResetModel()
        self._table, self._columns, self._units = table, columns, units
        self._kept = np.ones(len(table["track"]) if table else 0, bool)
        self._arrange()
        self.endResetModel()

    def keep(self, rows: npt.NDArray[np.bool_]) -> None:
        """Show only some of the rows."""
        self.beginResetModel()
        self._kept = rows
        self._arrange()
        self.endResetModel()

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Sort by a column; values that are not known come last."""
        self.layoutAboutToBeChanged.emit()
        self._sorting = (column, order)
        former = self._order
        self._arrange()
        places = np.zeros(len(self._kept), np.int64)
        places[self._order] = np.arange(len(self._order))
        # Qt keeps the selection by them.
        held = self.persistentIndexList()
        moved = [self.index(int(places[former[i.row()]]), i.column()) for i in held]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        rows = np.flatnonzero(self._kept)
        column, order = self._sorting
        if column < len(self._columns):
            values = self._table[self._columns[column].name][rows]
            ranks = np.argsort(values, kind="stable")
            if order == Qt.SortOrder.DescendingOrder:
                unknown = int(np.sum(values != values))
                known = ranks[: len(ranks) - unknown]
                ranks = np.concatenate([known[::-1], ranks[len(known) :]])
            rows = rows[ranks]
        self._order = rows

    def row_at(self, place: int) -> int:
        """Return the row of the table that is shown at a place."""
        return int(self._order[place])

    def place_of(self, row: int) -> int | None:
        """Return where a row of the table is shown, if it is."""
        found = np.flatnonzero(self._order == row)
        return int(found[0]) if len(found) else None

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the rows that are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a value as text."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        value = self._table[self._columns[index.column()].name][
            self._order[index.row()]
        ]
        if isinstance(value, float):
            return "" if np.isnan(value) else f"{value:.4g}"
        return str(value)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Give the title of a column, its unit, and what it says."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self._columns[section]
        unit = self._units.unit(column.quantity)
        if role == Qt.ItemDataRole.DisplayRole:
            name = column.name.replace("_", " ")
            return f"{name}\n{unit}" if unit else name
        return column.definition if role == Qt.ItemDataRole.ToolTipRole else None


class MeasuresTable(QTableView):
    """Sorts by a click on a title; a click goes to the cell.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    #: Row of the table.
    chosen = Signal(int)
    #: Tracks of the selected rows.
    selected = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("measurements_table")
        self.setAccessibleName("Measurements of all cells")
        self.setToolTip(
            "A row for every cell in every frame. Click a row to go to the cell, a "
            "title to sort."
        )
        self.rows = MeasuresModel(self)
        self.setModel(self.rows)
        self.setSortingEnabled(True)
        self.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        set_up_table(self, QAbstractItemView.SelectionMode.ExtendedSelection, 30)
        self.setMinimumHeight(_HEIGHT)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)
        self.selectionModel().selectionChanged.connect(self._tell_selected)

    def selected_rows(self) -> list[int]:
        """List the rows of the table that are selected."""
        places = self.selectionModel().selectedRows()
        return [self.rows.row_at(place.row()) for place in places]

    def select_row(self, row: int) -> None:
        """Mark a row of the table, and scroll to it; whoever asks knows of it."""
        place = self.rows.place_of(row)
        if place is None:
            return
        index = self.rows.index(place, 0)
        flags = QItemSelectionModel.SelectionFlag
        self.blockSignals(True)
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.blockSignals(False)
        self.scrollTo(index)

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self.rows.row_at(index.row()))

    def _tell_selected(self, *_: Any) -> None:
        self.selected.emit(self.selected_rows())
