"""The dock widget "Lineage": the tree of all cells, or of the one that is selected."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.utils.theme import get_theme
from qtpy.QtCore import QSize
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fastershift.errors import FastershiftError, counted
from fastershift.plugin.layers._cells_in_view import CellsInView
from fastershift.plugin.lineage._export import FILTERS, save_tree
from fastershift.plugin.lineage._plot import LineagePlot
from fastershift.plugin.qt import follow, make_button
from fastershift.session import describe_error
from fastershift.tracking import TreeLayout, branch, family, lay_out_tree

if TYPE_CHECKING:
    import napari
    from napari.components import ViewerModel

__all__ = ["LineageWidget"]

_ALL, _ONE = "all cells", "tree of the selected cell"


class LineageWidget(QWidget):
    """The lineage as a tree: time down, a line for every track, divisions as forks.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self._viewer: ViewerModel = napari_viewer
        self._cells = CellsInView(napari_viewer, self)
        self._plot = LineagePlot(self)
        self._plot.setObjectName("tree")
        self._plot.setAccessibleName("Lineage")
        self._plot.setToolTip(
            "Time runs down; every line is a cell, every fork a division.\n"
            "Click a line to go to that cell in that frame. Turn the wheel to zoom, "
            "drag to move."
        )
        self._said = QLabel()
        self._said.setObjectName("lineage_status")
        self._said.setWordWrap(True)
        self._lay_out()
        self._connect()
        self._show_theme()
        self._show_all()

    def _lay_out(self) -> None:
        self._shown = QComboBox()
        self._shown.setObjectName("show")
        self._shown.setAccessibleName("Show")
        self._shown.addItems([_ALL, _ONE])
        self._shown.setToolTip("Show every tree, or only that of the selected cell.")
        self._fit = make_button("fit", "Fit", "Show the whole tree again.")
        self._save = QPushButton("Save tree…")
        self._save.setObjectName("save_tree")
        self._save.setToolTip(
            "Write the tree as a drawing (SVG), a picture (PNG) or text (Newick)."
        )
        row = QHBoxLayout()
        label = QLabel("Show")
        label.setBuddy(self._shown)
        row.addWidget(label)
        row.addWidget(self._shown, 1)
        row.addWidget(self._fit)
        row.addWidget(self._save)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(row)
        column.addWidget(self._plot, 1)
        column.addWidget(self._said)

    def sizeHint(self) -> QSize:
        """Ask for enough room to see a tree."""
        return super().sizeHint().expandedTo(QSize(360, 320))

    def _connect(self) -> None:
        self._cells.layer_changed.connect(self._show_anew)
        self._cells.tracks_changed.connect(self._show_all)
        self._cells.colours_changed.connect(self._show_tree)
        self._cells.selected.connect(self._on_selected)
        self._plot.clicked.connect(self._go)
        self._shown.currentIndexChanged.connect(self._show_anew)
        self._fit.clicked.connect(self._plot.fit)
        self._save.clicked.connect(self._choose_file)
        follow(self, self._viewer.dims.events.current_step, self._show_frame)
        follow(self, self._viewer.events.theme, self._show_theme)

    @property
    def _selected(self) -> int:
        layer = self._cells.layer
        return 0 if layer is None else int(layer.selected_label)

    @property
    def _only_one(self) -> bool:
        return bool(self._shown.currentText() == _ONE)

    def _show_anew(self) -> None:
        self._plot.fit()
        self._show_all()

    def _on_selected(self, track: int) -> None:
        if self._only_one and track not in self._plot.tree.layout.ids:
            self._plot.fit()
            self._show_tree()
        else:
            self._plot.show_branch(branch(self._cells.lineage, track), track)

    def _show_all(self) -> None:
        self._show_tree()
        self._show_frame()
        tracks = self._cells.lineage.tracks
        self._save.setEnabled(bool(tracks))
        if self._cells.layer is None:
            text = "Run a movie, or open a tracked one, to see its lineage."
        else:
            divided = self._cells.lineage.divisions()
            text = (
                f"{self._cells.layer.name}: {counted(len(tracks), 'track')}, "
                f"{counted(len(divided), 'division')}"
            )
        self._said.setText(text)

    def _tree(self) -> tuple[TreeLayout, npt.NDArray[np.floating]]:
        lineage = self._cells.lineage
        ids = family(lineage, self._selected) if self._only_one else None
        layout = lay_out_tree(lineage, ids)
        layer = self._cells.layer
        if layer is None or not layout.ids.size:
            return layout, np.empty((0, 4))
        return layout, np.atleast_2d(layer.colormap.map(layout.ids))

    def _show_tree(self) -> None:
        self._plot.show_tree(*self._tree())
        self._plot.show_branch(
            branch(self._cells.lineage, self._selected), self._selected
        )

    def _show_frame(self, _event: Any = None) -> None:
        layer = self._cells.layer
        if layer is not None and layer in self._viewer.layers:
            self._plot.show_frame(self._cells.frame)

    def _show_theme(self, _event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        ink, paper, mark = (
            QColor(*(int(part) for part in colour.as_rgb_tuple(alpha=False)))
            for colour in (theme.text, theme.background, theme.warning)
        )
        self._plot.show_colours(ink, paper, mark)

    def _go(self, track: int, frame: int) -> None:
        """Select a cell in its layer and go to a frame of it."""
        layer = self._cells.layer
        if layer is None:
            return
        layer.selected_label = track
        self._cells.go(frame)

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the tree", "lineage.svg", FILTERS
        )
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Write what is drawn; the suffix of the file decides how."""
        layout, colours = self._tree()
        try:
            save_tree(path, self._cells.lineage, layout, colours)
        except FastershiftError as error:
            self._said.setText(describe_error(error))
        else:
            self._said.setText(f"Saved to {path}.")
