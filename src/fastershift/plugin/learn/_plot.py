"""How well each model that was learned agrees with the marks."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from qtpy.QtWidgets import QWidget

from fastershift.plugin.learn._teacher import State

__all__ = ["AgreementPlot"]

# Colours that people with any colour vision tell apart, on dark and on light.
_KEPT_OUT, _ALL = "#3d9be0", "#e08a00"

_HEIGHT = 120
_TICKS = 8


class AgreementPlot(pg.PlotWidget):
    """Agreement with marks that were kept out, and with all marks, model by model.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, background=None)
        self.setObjectName("agreement")
        self.setAccessibleName("Agreement")
        self.setToolTip(
            "How well each model finds marked cells that it was not shown, and all "
            "marked cells; 1 is perfect. A large gap means that more marks would help."
        )
        self.setFixedHeight(_HEIGHT)
        self.setMinimumWidth(0)
        # The wheel belongs to the panel, and a drag to nothing.
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setYRange(0, 1)
        self.setLabel("bottom", "model")
        self._curves = [
            self.plot(pen=pg.mkPen(colour, width=2), symbol="o", symbolBrush=colour)
            for colour in (_KEPT_OUT, _ALL)
        ]
        self.show_states([])

    def paint_axes(self, colour: str) -> None:
        """Draw axes and their numbers in a colour."""
        for side in ("left", "bottom"):
            self.getAxis(side).setPen(colour)
            self.getAxis(side).setTextPen(colour)

    def show_states(self, states: Sequence[State]) -> None:
        """Draw the models that were learned, in their order."""
        numbers = np.arange(1, len(states) + 1)
        values = [one.quality for one in states], [one.shown for one in states]
        told = []
        for curve, name, colour, ys in zip(
            self._curves,
            ("marks kept out", "all marks"),
            (_KEPT_OUT, _ALL),
            values,
            strict=True,
        ):
            curve.setData(numbers, np.array(ys, np.float64))
            last = f" {ys[-1]:.2f}" if ys else ""
            told.append(f'<span style="color: {colour}">{name}{last}</span>')
        self.setTitle(" &nbsp; ".join(told), size="9pt")
        most = max(len(states), 2)
        self.setXRange(1, most, padding=0.05)
        self.getAxis("bottom").setTickSpacing(levels=[(1 + most // _TICKS, 0)])
