"""Measure a cell by dragging a line over it."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer, Vectors
from qtpy.QtCore import QObject, QTimer, Signal

from fastershift.plugin.qt import on_destroyed

__all__ = ["LineMeasure"]

# Width of the line in pixels of the measured layer.
_WIDTH = 1.5
# A shorter line, in its pixels, is a click.
_SHORTEST = 1.0


class LineMeasure(QObject):
    """Waits for one drag on the canvas and tells how long it was.

    It waits until another layer is selected.

    Parameters
    ----------
    viewer : ViewerModel
        Whose canvas.
    parent : QObject
        Lives as long as this.
    """

    measured = Signal(float)
    stopped = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Layer | None = None
        self._axes = ""
        self._line: Vectors | None = None
        self._selected: set[Layer] = set()
        on_destroyed(self, self._let_go)

    def start(self, layer: Layer, axes: str) -> None:
        """Wait for a drag; lengths are in pixels of this layer."""
        self.stop()
        self._layer, self._axes = layer, axes
        self._selected = set(self._viewer.layers.selection)
        # Being the selected layer, it keeps the drag from painting on another one.
        # Vectors, since the first Shapes layer of a sitting keeps the window waiting.
        self._line = Vectors(
            ndim=2,
            name="measure",
            edge_color="yellow",
            vector_style="line",
            edge_width=_WIDTH * abs(layer.scale[axes.index("Y")]),
        )
        self._line.mouse_pan = False
        self._viewer.add_layer(self._line)
        self._viewer.mouse_drag_callbacks.append(self._drag)
        self._viewer.layers.selection.events.active.connect(self._on_active)

    def stop(self) -> None:
        """Leave the canvas as it was."""
        if self._line is not None:
            self._let_go()
            self.stopped.emit()

    def _let_go(self) -> None:
        if self._line is None:
            return
        line, self._line = self._line, None
        layers = self._viewer.layers
        layers.selection.events.active.disconnect(self._on_active)
        self._viewer.mouse_drag_callbacks.remove(self._drag)
        left = layers.selection.active != line
        if line in layers:
            layers.remove(line)
        if not left:
            layers.selection = {layer for layer in self._selected if layer in layers}

    def _on_active(self, _event: Any) -> None:
        # A layer that is added is active for a moment.
        QTimer.singleShot(0, self._look_again)

    def _look_again(self) -> None:
        if self._viewer.layers.selection.active != self._line:
            self.stop()

    def _drag(self, _viewer: ViewerModel, event: Any) -> Iterator[None]:
        start = tuple(event.position)
        length = 0.0
        yield
        while event.type == "mouse_move":
            end = tuple(event.position)
            length = self._length(start, end)
            if self._line is not None:
                way = np.subtract(end, start)
                self._line.data = np.stack([start[-2:], way[-2:]])[None]
            yield
        if length >= _SHORTEST:
            self.stop()
            self.measured.emit(length)

    def _length(self, start: tuple[float, ...], end: tuple[float, ...]) -> float:
        assert self._layer is not None  # noqa: S101 (set before the drag can begin)
        first, last = (self._layer.world_to_data(point) for point in (start, end))
        plane = (self._axes.index("Y"), self._axes.index("X"))
        return math.dist([first[i] for i in plane], [last[i] for i in plane])
