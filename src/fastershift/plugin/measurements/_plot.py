"""A measure of the selected tracks: against time, another measure, or its lag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

__all__ = ["Curve", "MeasurePlot"]

_HEIGHT = 200


@dataclass(frozen=True, eq=False)
class Curve:
    """What is drawn of a track.

    Attributes
    ----------
    track : int
        Its number.
    colour : (4,) float
        As in the image, 0 to 1.
    x, y : (n,) float
        The points.
    """

    track: int
    colour: npt.NDArray[np.floating]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


class MeasurePlot(pg.PlotWidget):
    """Curves in the colours of the cells; a click tells the place on the x axis.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    clicked = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("measure_plot")
        self.setAccessibleName("Plot of a measure")
        self.setToolTip(
            "The measure of the tracks that are selected in the table or the image. "
            "Click to go to a time."
        )
        self.setMinimumHeight(_HEIGHT)
        plot = self.getPlotItem()
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        self._now = pg.InfiniteLine(angle=90)
        self.curves: list[Curve] = []
        self._drawn: list[Any] = []
        plot.addItem(self._now, ignoreBounds=True)
        self.scene().sigMouseClicked.connect(self._on_click)

    def show_colours(self, ink: QColor, paper: QColor, mark: QColor) -> None:
        """Use the colours of the window: of axes, of the ground, of the time."""
        self.setBackground(paper)
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(ink))
            axis.setTextPen(pg.mkPen(ink))
        self._now.setPen(pg.mkPen(mark, width=2))

    def show_curves(
        self, curves: Sequence[Curve], titles: tuple[str, str], *, as_points: bool
    ) -> None:
        """Draw other curves, or points where there is no order to join them in."""
        plot = self.getPlotItem()
        for one in self._drawn:
            plot.removeItem(one)
        self._drawn.clear()
        self.curves = list(curves)
        for curve in curves:
            red, green, blue = (int(255 * part) for part in curve.colour[:3])
            colour = (red, green, blue)
            alone = as_points or len(curve.x) == 1
            self._drawn.append(
                plot.plot(
                    curve.x,
                    curve.y,
                    pen=None if as_points else pg.mkPen(colour, width=2),
                    symbol="o" if alone else None,
                    symbolSize=5,
                    symbolBrush=colour,
                    symbolPen=None,
                    connect="finite",
                )
            )
        plot.setLabel("bottom", titles[0])
        plot.setLabel("left", titles[1])
        plot.enableAutoRange()

    def show_time(self, time: float | None) -> None:
        """Put the line on a time; None hides it."""
        self._now.setVisible(time is not None)
        if time is not None:
            self._now.setValue(time)

    def _on_click(self, event: Any) -> None:
        box = self.getPlotItem().vb
        if box.sceneBoundingRect().contains(event.scenePos()):
            self.clicked.emit(float(box.mapSceneToView(event.scenePos()).x()))
