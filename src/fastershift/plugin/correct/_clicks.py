"""Clicks, brush strokes and turns of the wheel on the canvas, in pixels of labels."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from fastershift.plugin.correct._tools import Pick
from fastershift.plugin.qt import on_destroyed

__all__ = ["Clicks"]

# Pixels of the screen within which a press and a release are a click.
_STILL = 4.0


class Clicks(QObject):
    """Listens to the mouse over one labels layer.

    Parameters
    ----------
    viewer : ViewerModel
        Whose canvas.
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    brushing : bool
        Whether a drag picks cells instead of moving the view.
    wheeling : bool
        Whether the wheel is listened to instead of zooming.
    """

    clicked = Signal(object)
    brushed = Signal(object)
    wheeled = Signal(int)
    #: A click that tells no place: in 3D it meets all frames.
    refused = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Labels | None = None
        self._axes = ""
        self.brushing = False
        self.wheeling = False
        viewer.mouse_drag_callbacks.append(self._drag)
        viewer.mouse_wheel_callbacks.append(self._wheel)
        on_destroyed(self, self._let_go)

    def listen(self, layer: Labels | None, axes: str) -> None:
        """Listen to clicks on this layer; None for no layer.

        Parameters
        ----------
        layer : Labels or None
            The layer.
        axes : str
            One letter per axis of it.
        """
        brushing = self.brushing
        self.brush(False)
        self._layer, self._axes = layer, axes
        self.brush(brushing)

    def brush(self, brushing: bool) -> None:
        """Let a drag pick cells, or move the view again."""
        self.brushing = brushing
        if self._layer is not None and self._layer.mode == "pan_zoom":
            # Of the layer, not of the camera, which does as the active layer says.
            self._layer.mouse_pan = not brushing

    def pick(self, position: Any) -> Pick | None:
        """Return what lies at a place of the world; None outside of the labels."""
        layer = self._layer
        if layer is None:
            return None
        point = [round(float(part)) for part in layer.world_to_data(position)]
        shape = layer.data.shape
        if not all(0 <= at < size for at, size in zip(point, shape, strict=True)):
            return None
        at = dict(zip(self._axes, point, strict=True))
        return Pick(at.get("T", 0), at["Y"], at["X"], int(layer.data[tuple(point)]))

    def _listening(self) -> bool:
        layer = self._layer
        return layer is not None and (
            self._viewer.layers.selection.active == layer and layer.mode == "pan_zoom"
        )

    def _drag(self, _viewer: ViewerModel, event: Any) -> Iterator[None]:
        if not self._listening() or event.button != 1:
            return
        if self._viewer.dims.ndisplay != 2:
            self.refused.emit()
            return
        start, position = tuple(event.pos), tuple(event.position)
        moved = False
        yield
        while event.type == "mouse_move":
            if moved or math.dist(start, tuple(event.pos)) > _STILL:
                moved = True
                if self.brushing:
                    self._tell_brushed(position, tuple(event.position))
                    position = tuple(event.position)
            yield
        found = self.pick(position)
        if not moved and found is not None:
            self.clicked.emit(found)

    def _tell_brushed(self, start: Any, end: Any) -> None:
        """Tell every cell on the way: a fast hand is seen at few places."""
        layer = self._layer
        if layer is None:
            return
        ends = [layer.world_to_data(point) for point in (start, end)]
        steps = max(1, math.ceil(math.dist(*ends)))
        told = 0
        for point in np.linspace(start, end, steps + 1):
            found = self.pick(point)
            if found is not None and found.track not in (0, told):
                told = found.track
                self.brushed.emit(found)

    def _wheel(self, _viewer: ViewerModel, event: Any) -> None:
        if self.wheeling and self._listening():
            self.wheeled.emit(1 if event.delta[1] > 0 else -1)
            event.handled = True

    def _let_go(self) -> None:
        self._viewer.mouse_drag_callbacks.remove(self._drag)
        self._viewer.mouse_wheel_callbacks.remove(self._wheel)
        if self.brushing:
            self.brush(False)
