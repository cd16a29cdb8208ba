"""Click pixels on the canvas."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, Signal

from fastershift.plugin.qt import on_destroyed

__all__ = ["ClickPicker"]

# Pixels of the screen by which a hand moves in a click.
_SLACK = 4


class ClickPicker(QObject):
    """Tells where the canvas is clicked; dragging still pans the view.

    Parameters
    ----------
    viewer : ViewerModel
        Whose canvas.
    parent : QObject
        Lives as long as this.
    """

    clicked = Signal(object)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Callable[[], Layer] | None = None
        self._selected: set[Layer] = set()
        on_destroyed(self, _let_go, viewer, self._click)

    @property
    def active(self) -> bool:
        """Whether clicks are waited for."""
        return self._layer is not None

    def start(self, layer: Callable[[], Layer]) -> None:
        """Wait for clicks.

        Parameters
        ----------
        layer : callable
            Gives a layer that can be the selected one: clicks then paint on no other.
        """
        if not self.active:
            self._selected = set(self._viewer.layers.selection)
            self._viewer.mouse_drag_callbacks.append(self._click)
        self._layer = layer
        self._viewer.layers.selection = {layer()}

    def stop(self) -> None:
        """Leave the canvas as it was."""
        if not self.active:
            return
        self._layer = None
        self._viewer.mouse_drag_callbacks.remove(self._click)
        self._viewer.layers.selection = {
            layer for layer in self._selected if layer in self._viewer.layers
        }

    def _click(self, _viewer: ViewerModel, event: Any) -> Iterator[None]:
        start, position = tuple(event.pos), tuple(event.position)
        moved = 0.0
        yield
        while event.type == "mouse_move":
            moved = max(moved, math.dist(start, event.pos))
            yield
        if moved <= _SLACK and self.active:
            self.clicked.emit(position)


def _let_go(viewer: ViewerModel, callback: Callable[..., Any]) -> None:
    if callback in viewer.mouse_drag_callbacks:
        viewer.mouse_drag_callbacks.remove(callback)
