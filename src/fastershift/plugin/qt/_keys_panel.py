"""A small window that lists all keys."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QGridLayout, QLabel, QVBoxLayout, QWidget

from fastershift.plugin.qt._keys import SHORTCUTS

__all__ = ["KeysPanel"]


class KeysPanel(QDialog):
    """Every key and what it does; stays open beside the movie.

    Parameters
    ----------
    parent : QWidget
        The widget it belongs to.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("keys_panel")
        self.setWindowTitle("Keys for correcting by hand")
        self.setWindowFlag(Qt.WindowType.Tool, True)
        grid = QGridLayout()
        for row, shortcut in enumerate(SHORTCUTS):
            key = QLabel(f"<b>{shortcut.shown}</b>")
            what = QLabel(shortcut.what)
            grid.addWidget(key, row, 0)
            grid.addWidget(what, row, 1)
        column = QVBoxLayout(self)
        column.addWidget(
            QLabel("Select a tool, click the cells, choose how far. Over the movie:")
        )
        column.addLayout(grid)
        column.addWidget(
            QLabel(
                "The keys of napari do not change: 1 to 7 and P, E, F, L, Z "
                "choose its tools, "
                "[ and ] the brush."
            )
        )
