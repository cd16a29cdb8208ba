"""Seeds, cells and time of every frame as curves over the movie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from pyqtgraph.exporters import ImageExporter
from qtpy.QtCore import QBuffer, QIODevice, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtSvg import QSvgGenerator
from qtpy.QtWidgets import QWidget

__all__ = ["PLOTTED", "MoviePlot"]


@dataclass(frozen=True)
class _Curve:
    column: str
    text: str
    colour: str


# Colours that people with any colour vision tell apart, on dark and on light.
_BLUE, _ORANGE, _GREEN = "#3d9be0", "#e08a00", "#1fa77a"

_PLOTS = (
    (_Curve("seeds", "seeds N", _BLUE), _Curve("n_min", "N_min", _ORANGE)),
    (_Curve("cells", "cells", _GREEN),),
    (
        _Curve("network_ms", "network ms", _BLUE),
        _Curve("clustering_ms", "clustering ms", _ORANGE),
        _Curve("linking_ms", "linking ms", _GREEN),
    ),
)

#: Columns of a report that are drawn, and the one they are drawn over.
PLOTTED = ("frame", *(curve.column for curves in _PLOTS for curve in curves))

_HEIGHT = 270
_PICTURE_WIDTH = 1600
# Lines do not grow with a picture.
_THIN, _THICK = 2, 6
_CURSOR = "#d0453e"


class MoviePlot(pg.GraphicsLayoutWidget):
    """Three plots over the frames with one cursor; a click goes to a frame.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    frame_chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("movie_plot")
        self.setAccessibleName("Seeds, cells and time over the movie")
        self.setToolTip("Click to go to a frame; the line is the current frame.")
        self.setFixedHeight(_HEIGHT)
        self.setMinimumWidth(0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._frames: list[int] = []
        self._cursors: list[pg.InfiniteLine] = []
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._plots: list[pg.PlotItem] = []
        for curves in _PLOTS:
            self._plots.append(self._add(len(self._plots), curves))
        self._plots[-1].setLabel("bottom", "frame")
        self.ci.setContentsMargins(0, 0, 6, 0)
        self.ci.setSpacing(0)
        self.scene().sigMouseClicked.connect(self._on_click)
        self.paint("#d0d0d0", None)

    def _add(self, row: int, curves: Sequence[_Curve]) -> pg.PlotItem:
        plot = self.addPlot(row=row, col=0)
        # The wheel belongs to the panel, and a drag to nothing.
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.getAxis("left").setWidth(44)
        plot.enableAutoRange(axis="y")
        plot.setLimits(minYRange=1)
        if row:
            plot.setXLink(self._plots[0])
        if row < len(_PLOTS) - 1:
            plot.getAxis("bottom").setStyle(showValues=False)
        for curve in curves:
            pen = pg.mkPen(curve.colour, width=_THIN)
            self._curves[curve.column] = plot.plot(pen=pen, connect="finite")
        title = " &nbsp; ".join(
            f'<span style="color: {curve.colour}">{curve.text}</span>'
            for curve in curves
        )
        plot.setTitle(title, size="9pt")
        cursor = pg.InfiniteLine(angle=90, pen=pg.mkPen(_CURSOR, width=1))
        plot.addItem(cursor, ignoreBounds=True)
        self._cursors.append(cursor)
        return plot

    def paint(self, text: str, background: str | None) -> None:
        """Draw axes in a colour, on a background or on what is below."""
        self.setBackground(background)
        for plot in self._plots:
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)
        self._text = text

    def show_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Draw the reports of these frames, in their order."""
        self._frames = [int(row["frame"]) for row in rows]
        for column, curve in self._curves.items():
            values = np.array([row[column] for row in rows], dtype=np.float64)
            # A dot for a single frame, which makes no line.
            curve.setData(
                np.array(self._frames, dtype=np.float64),
                values,
                symbol="o" if len(rows) == 1 else None,
            )
        if rows:
            first, last = min(self._frames), max(self._frames)
            self._plots[0].setXRange(first, max(last, first + 1), padding=0.02)

    def show_frame(self, frame: int, note: str = "") -> None:
        """Put the cursor on a frame; the note stands beside the word frame."""
        for cursor in self._cursors:
            cursor.setValue(frame)
        self._plots[-1].setLabel("bottom", f"frame {note}".strip())

    def picture(self, suffix: str) -> bytes:
        """Draw everything dark on white, for paper.

        Parameters
        ----------
        suffix : str
            ``".svg"`` for lines, anything else for a PNG.

        Returns
        -------
        bytes
            The content of a file.
        """
        former = self._text
        self.paint("#202020", "#ffffff")
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        try:
            if suffix.lower() == ".svg":
                self._draw_lines(buffer)
            else:
                self._draw_pixels(buffer)
        finally:
            self.paint(former, None)
        return bytes(buffer.data().data())

    def _draw_lines(self, buffer: QBuffer) -> None:
        drawing = QSvgGenerator()
        drawing.setOutputDevice(buffer)
        drawing.setSize(self.size())
        drawing.setViewBox(self.rect())
        drawing.setTitle("Seeds, cells and time over the movie")
        painter = QPainter(drawing)
        self.render(painter)
        painter.end()

    def _draw_pixels(self, buffer: QBuffer) -> None:
        self._set_width(_THICK)
        exporter = ImageExporter(self.scene())
        exporter.parameters()["background"] = QColor("#ffffff")
        exporter.parameters()["width"] = _PICTURE_WIDTH
        exporter.export(toBytes=True).save(buffer, "PNG")
        self._set_width(_THIN)

    def _set_width(self, width: int) -> None:
        for curve in (curve for curves in _PLOTS for curve in curves):
            self._curves[curve.column].setPen(pg.mkPen(curve.colour, width=width))

    def _on_click(self, event: Any) -> None:
        for plot in self._plots:
            if self._frames and plot.sceneBoundingRect().contains(event.scenePos()):
                x = plot.vb.mapSceneToView(event.scenePos()).x()
                self.frame_chosen.emit(min(self._frames, key=lambda t: abs(t - x)))
                return

    def keyPressEvent(self, event: Any) -> None:
        """Go one frame on or back with the arrow keys."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(event.key())
        if step is None or not self._frames:
            super().keyPressEvent(event)
            return
        wanted = round(self._cursors[0].value()) + step
        if min(self._frames) <= wanted <= max(self._frames):
            self.frame_chosen.emit(wanted)
