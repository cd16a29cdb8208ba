"""Detects that the pixels of layers have changed."""

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal

from fastershift.plugin.layers._frame_in_view import Sliders
from fastershift.plugin.qt import Links

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
        self._sliders = Sliders(viewer)
        self._links = Links(self)
        self._layer: Layer | None = None
        self._array: Any = None
        self._sum: int | None = None

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
            self._links.let_go()
            self._layer = layer
            self._links.add(layer.events.data, self._on_data)
            self._links.add(layer.events.set_data, self._on_shown)
        self._array, self._sum = array, _sample(array)
        self._sliders.have_moved()

    def _on_data(self, _event: Any = None) -> None:
        self.changed.emit(self._layer)

    def _on_shown(self, _event: Any = None) -> None:
        # Shown again without having moved: someone has refreshed the layer.
        if self._sliders.have_moved() or self._sum is None:
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
        self._sliders = Sliders(viewer)
        self._links = Links(self)

    def follow(self, layers: Iterable[Labels]) -> None:
        """Follow layers in place of those before.

        Parameters
        ----------
        layers : iterable of Labels
            The layers.
        """
        self._links.let_go()
        self._sliders.have_moved()
        for layer in layers:
            self._links.add(layer.events.paint, self._on_paint)
            self._links.add(layer.events.set_data, self._on_shown)

    def _on_paint(self, _event: Any = None) -> None:
        self.painted.emit()

    def _on_shown(self, _event: Any = None) -> None:
        # Shown again without having moved: someone has refreshed the layer.
        if not self._sliders.have_moved():
            self.shown.emit()
