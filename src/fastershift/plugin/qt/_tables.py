"""How tables of many rows look and behave."""

from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

__all__ = ["set_up_table"]


def set_up_table(
    table: QTableView, selects: QAbstractItemView.SelectionMode, precision: int
) -> None:
    """Select whole rows, edit nothing, and leave the Tab key to the window.

    Parameters
    ----------
    table : QTableView
        With its model.
    selects : QAbstractItemView.SelectionMode
        One row, or several.
    precision : int
        Rows that the width of a column is taken from: looking at all of a long movie
        would keep it waiting.
    """
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(selects)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    rows, titles = table.verticalHeader(), table.horizontalHeader()
    rows.hide()
    rows.setDefaultSectionSize(table.fontMetrics().height() + 6)
    titles.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    titles.setResizeContentsPrecision(precision)
