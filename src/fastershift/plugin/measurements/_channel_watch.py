"""Detects that the images whose grey values were measured have changed."""

from collections.abc import Iterable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal

from fastershift.plugin.layers._placement import labels_axes
from fastershift.plugin.measurements._channels import channels_of, position_of
from fastershift.plugin.qt import follow, on_destroyed

__all__ = ["ChannelWatch"]


class ChannelWatch(QObject):
    """Follows the image layers that show the movie of a result.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layers are.
    parent : QObject
        Lives as long as this.
    """

    #: The pixels of one of them are others.
    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        # The layers may outlive this.
        self._followed: list[Layer] = []
        follow(self, viewer.layers.events.removed, self._on_removed)
        on_destroyed(self, self.let_go)

    def follow(self, layers: Iterable[Layer], cells: Labels) -> None:
        """Follow those of these layers, in place of those before, that fit the cells.

        Parameters
        ----------
        layers : iterable of Layer
            All layers.
        cells : Labels
            The layer of the result.
        """
        self.let_go()
        sizes = dict(zip(labels_axes(cells), cells.data.shape, strict=True))
        frames, height, width = (sizes.get(axis, 1) for axis in "TYX")
        for layer in layers:
            if channels_of([layer], (frames, height, width), position_of(cells)):
                self._followed.append(layer)
                layer.events.data.connect(self._on_data)

    def _on_data(self, _event: object = None) -> None:
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        # An image that nobody shows any more shall not stay in memory.
        for layer in [one for one in self._followed if one == event.value]:
            layer.events.data.disconnect(self._on_data)
            self._followed.remove(layer)

    def let_go(self) -> None:
        """Follow nothing any more."""
        for layer in self._followed:
            layer.events.data.disconnect(self._on_data)
        self._followed.clear()
