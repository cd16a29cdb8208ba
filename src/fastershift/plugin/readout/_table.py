"""All frames of a movie in a table that can be sorted."""

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

from fastershift.io import REPORT_COLUMNS
from fastershift.plugin.qt import set_up_table

__all__ = ["COLUMNS", "ReportTable"]

#: Those of report.csv, then what is in the read-out besides.
COLUMNS = (*REPORT_COLUMNS, "coverage", "stopped_by")

_TITLES = {
    "n_min": "N_min",
    "seeds": "seeds N",
    "network_ms": "network ms",
    "clustering_ms": "clustering ms",
    "linking_ms": "linking ms",
    "stopped_by": "ended by",
}
_HEIGHT = 200


class ReportModel(QAbstractTableModel):
    """Rows of a report; only the cells in view are ever asked for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: Sequence[Mapping[str, Any]] = ()

    def show(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show other rows; rows added at the end leave the table where it is."""
        former = len(self._rows)
        if former and len(rows) > former and rows[0] == self._rows[0]:
            self.beginInsertRows(QModelIndex(), former, len(rows) - 1)
            self._rows = rows
            self.endInsertRows()
        elif list(rows) != list(self._rows):
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the frames."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a value, as text or to sort by."""
        value = self._rows[index.row()].get(COLUMNS[index.column()], "")
        if role == Qt.ItemDataRole.UserRole:
            return value
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{value:.4g}" if isinstance(value, float) else str(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Give the title of a column."""
        if (
            role == Qt.ItemDataRole.DisplayRole
            and orientation == Qt.Orientation.Horizontal
        ):
            name = COLUMNS[section]
            return _TITLES.get(name, name)
        return None


class ReportTable(QTableView):
    """Sorts by a click on a title; a double click or Enter goes to the frame.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    frame_chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("report_table")
        self.setAccessibleName("Frames of the movie")
        self.setToolTip(
            "One row per frame. Click a title to sort, double-click a row to go there."
        )
        self._source = ReportModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self._sorted.setSourceModel(self._source)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        set_up_table(self, QAbstractItemView.SelectionMode.SingleSelection, 50)
        self.setMinimumHeight(_HEIGHT)
        self.doubleClicked.connect(self._choose)
        self.activated.connect(self._choose)

    def show_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show the reports of these frames."""
        self._source.show(rows)

    def rows(self) -> list[dict[str, Any]]:
        """Return what is shown, in the order it is shown."""
        role = Qt.ItemDataRole.UserRole
        return [
            {
                name: self._sorted.index(row, column).data(role)
                for column, name in enumerate(COLUMNS)
            }
            for row in range(self._sorted.rowCount())
        ]

    def select_frame(self, frame: int) -> None:
        """Mark the row of a frame, and scroll to it."""
        for row in self._rows_of(frame):
            if row != self.currentIndex().row():
                self.selectRow(row)

    def _rows_of(self, frame: int) -> list[int]:
        first = self._sorted.index(0, 0)
        found = self._sorted.match(
            first, Qt.ItemDataRole.UserRole, frame, 1, Qt.MatchFlag.MatchExactly
        )
        return [index.row() for index in found]

    def _choose(self, index: QModelIndex) -> None:
        role = Qt.ItemDataRole.UserRole
        self.frame_chosen.emit(int(self._sorted.index(index.row(), 0).data(role)))
