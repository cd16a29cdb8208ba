"""Detects that the pixels of layers have changed."""

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal

from fastershift.plugin.qt import on_destroyed

__all__ = ["LayerWatch", "MaskWatch"]

# Frames that are looked at, and rows and columns of each.
_FRAMES, _GRID = 256, 32


def _sample(array: Any) -> int | None:
    """Sum up a grid of pixels; None for what would have to be read from a disk."""
    if type(array) is not np.ndarray:
        return None
    most = [_FRAMES] * (array.ndim - 2) + [_GRID] * 2
    steps = [
        max(1, -(-size // wanted))
        for size, wanted in zip(array.shape, most, strict=True)
    ]
    part = array[tuple(slice(None, None, step) for step in steps)]
    return zlib.crc32(np.ascontiguousarray(part).tobytes())


class LayerWatch(QObject):
    """Follows one layer: data that are replaced, and data changed in their place.

    A change in place is noticed when the layer is refreshed and the change reaches
    beyond a few pixels; arrays on a disk are not read for it.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    parent : QObject
        Lives as long as this.
    """

    changed = Signal(object)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Layer | None = None
        self._array: Any = None
        self._sum: int | None = None
        self._point: tuple[float, ...] = ()
        # The layer may outlive this.
        self._followed: list[Layer] = []
        on_destroyed(self, _let_go, self._followed, self._on_data, self._on_shown)

    def follow(self, layer: Layer, array: Any) -> None:
        """Follow a layer in place of the one before.

        Parameters
        ----------
        layer : Layer
            The layer.
        array : array_like
            Its pixels that matter.
        """
        if layer is not self._layer:
            _let_go(self._followed, self._on_data, self._on_shown)
            self._layer = layer
            self._followed.append(layer)
            layer.events.data.connect(self._on_data)
            layer.events.set_data.connect(self._on_shown)
        self._array, self._sum = array, _sample(array)
        self._point = tuple(self._viewer.dims.point)

    def _on_data(self, _event: Any = None) -> None:
        self.changed.emit(self._layer)

    def _on_shown(self, _event: Any = None) -> None:
        # Shown again without having moved: someone has refreshed the layer.
        point = tuple(self._viewer.dims.point)
        moved, self._point = point != self._point, point
        if moved or self._sum is None:
            return
        now = _sample(self._array)
        if now != self._sum:
            self._sum = now
            self.changed.emit(self._layer)


class MaskWatch(QObject):
    """Follows labels that are an input: they may be painted at any time.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers are.
    parent : QObject
        Lives as long as this.
    """

    painted = Signal()
    #: A layer was refreshed, and nothing tells whether its pixels are others.
    shown = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._point: tuple[float, ...] = ()
        # The layers may outlive this.
        self._followed: list[Labels] = []
        on_destroyed(
            self, _let_masks_go, self._followed, self._on_paint, self._on_shown
        )

    def follow(self, layers: Iterable[Labels]) -> None:
        """Follow layers in place of those before.

        Parameters
        ----------
        layers : iterable of Labels
            The layers.
        """
        _let_masks_go(self._followed, self._on_paint, self._on_shown)
        self._point = tuple(self._viewer.dims.point)
        for layer in layers:
            self._followed.append(layer)
            layer.events.paint.connect(self._on_paint)
            layer.events.set_data.connect(self._on_shown)

    def _on_paint(self, _event: Any = None) -> None:
        self.painted.emit()

    def _on_shown(self, _event: Any = None) -> None:
        # Shown again without having moved: someone has refreshed the layer.
        point = tuple(self._viewer.dims.point)
        moved, self._point = point != self._point, point
        if not moved:
            self.shown.emit()


def _let_masks_go(followed: list[Labels], on_paint: Any, on_shown: Any) -> None:
    for layer in followed:
        layer.events.paint.disconnect(on_paint)
        layer.events.set_data.disconnect(on_shown)
    followed.clear()


def _let_go(followed: list[Layer], on_data: Any, on_shown: Any) -> None:
    for layer in followed:
        layer.events.data.disconnect(on_data)
        layer.events.set_data.disconnect(on_shown)
    followed.clear()
