"""Detects that the images whose grey values were measured have changed."""

from collections.abc import Iterable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal

from fastershift.plugin.layers._placement import labels_axes
from fastershift.plugin.measurements._channels import channels_of, position_of
from fastershift.plugin.qt import Links, follow

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
        self._links = Links(self)
        follow(self, viewer.layers.events.removed, self._on_removed)

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
                self._links.add(layer.events.data, self._on_data)

    def _on_data(self, _event: object = None) -> None:
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        # An image that nobody shows any more shall not stay in memory.
        self._links.let_go(event.value.events.data)

    def let_go(self) -> None:
        """Follow nothing any more."""
        self._links.let_go()
