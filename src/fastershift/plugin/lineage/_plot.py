"""The tree on the screen: time down, zoom, a line at the frame in view, clicks."""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

from fastershift.plugin.lineage._item import TreeItem
from fastershift.tracking import TreeLayout

__all__ = ["LineagePlot"]

# How far beside a track a click may be, in pixels.
_REACH = 12.0


class _FrameAxis(pg.AxisItem):
    """Frames are whole numbers."""

    def tickSpacing(
        self, low: float, high: float, size: float
    ) -> list[tuple[float, float]]:
        spacing = super().tickSpacing(low, high, size)
        whole = [(step, offset) for step, offset in spacing if step >= 1]
        return whole or [(1.0, 0.0)]

    def tickStrings(
        self, values: list[float], scale: float, spacing: float
    ) -> list[str]:
        return ["" if value < 0 else f"{value:.0f}" for value in values]


class LineagePlot(pg.PlotWidget):
    """Draws a lineage and tells which track was clicked, and in which frame.

    Parameters
    ----------
    parent : QWidget, optional
        The widget this is a part of.
    """

    clicked = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, axisItems={"left": _FrameAxis("left")})
        self.tree = TreeItem()
        self._now = pg.InfiniteLine(angle=0, movable=False)
        plot = self.getPlotItem()
        plot.addItem(self._now, ignoreBounds=True)
        plot.addItem(self.tree)
        plot.hideAxis("bottom")
        plot.setLabel("left", "Frame")
        plot.hideButtons()
        plot.setMenuEnabled(False)
        box = plot.getViewBox()
        box.invertY(True)
        box.setDefaultPadding(0.02)
        self._fitted = True
        box.sigRangeChangedManually.connect(self._on_zoomed)
        self.scene().sigMouseClicked.connect(self._on_click)

    def show_colours(self, ink: QColor, paper: QColor, mark: QColor) -> None:
        """Use the colours of the window: of lines, of the ground, of the frame."""
        self.setBackground(paper)
        self.tree.show_theme(ink, paper)
        axis = self.getPlotItem().getAxis("left")
        axis.setPen(pg.mkPen(ink))
        axis.setTextPen(pg.mkPen(ink))
        self._now.setPen(pg.mkPen(mark, width=2))

    def show_tree(self, layout: TreeLayout, colours: npt.NDArray[np.floating]) -> None:
        """Draw a lineage; the view stays where the user has moved it."""
        self.tree.show_tree(layout, colours)
        box = self.getPlotItem().getViewBox()
        if layout.ids.size:
            extent = self.tree.boundingRect()
            box.setLimits(
                xMin=extent.left() - 1,
                xMax=extent.right() + 1,
                yMin=extent.top() - 1,
                yMax=extent.bottom() + 1,
            )
        if self._fitted:
            self.fit()

    def show_frame(self, frame: int) -> None:
        """Mark the frame in view."""
        self._now.setValue(frame)

    def show_branch(self, ids: Collection[int], chosen: int) -> None:
        """Highlight a branch, and bring its track into view."""
        self.tree.show_branch(ids, chosen)
        layout = self.tree.layout
        at = np.flatnonzero(layout.ids == chosen)
        if not at.size:
            return
        box = self.getPlotItem().getViewBox()
        view, x = box.viewRect(), float(layout.columns[at[0]])
        top, bottom = layout.first[at[0]] - 0.5, layout.last[at[0]] + 0.5
        if not view.left() <= x <= view.right():
            box.translateBy(x=x - view.center().x())
        if bottom < view.top() or top > view.bottom():
            box.translateBy(y=(top + bottom) / 2 - view.center().y())

    def fit(self) -> None:
        """Show the whole tree."""
        self._fitted = True
        extent = self.tree.boundingRect()
        if not extent.isEmpty():
            self.getPlotItem().getViewBox().setRange(extent)

    def track_at(self, position: QPointF) -> tuple[int, int] | None:
        """Return the track and the frame at a place of the scene, if there is one."""
        box = self.getPlotItem().getViewBox()
        point = box.mapSceneToView(position)
        across, down = box.viewPixelSize()
        layout = self.tree.layout
        near = np.abs(layout.columns - point.x()) <= _REACH * across
        slack = 0.5 + _REACH / 2 * down
        near &= (layout.first - slack <= point.y()) & (point.y() <= layout.last + slack)
        found = np.flatnonzero(near)
        if not found.size:
            return None
        nearest = found[np.argmin(np.abs(layout.columns[found] - point.x()))]
        frame = np.clip(round(point.y()), layout.first[nearest], layout.last[nearest])
        return int(layout.ids[nearest]), int(frame)

    def place_of(self, track: int, frame: int) -> QPointF:
        """Return where in the scene a track is drawn in a frame."""
        at = int(np.flatnonzero(self.tree.layout.ids == track)[0])
        point = QPointF(float(self.tree.layout.columns[at]), float(frame))
        return self.getPlotItem().getViewBox().mapViewToScene(point)

    def _on_zoomed(self, _axes: Any) -> None:
        self._fitted = False

    def _on_click(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            found = self.track_at(event.scenePos())
            if found is not None:
                self.clicked.emit(*found)
