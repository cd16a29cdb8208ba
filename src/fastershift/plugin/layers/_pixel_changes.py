"""Notices that the pixels of a labels layer were changed, whichever tool did it."""

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from fastershift.plugin.layers._frame_in_view import Sliders
from fastershift.plugin.qt import Links

__all__ = ["PixelChanges", "last_painted", "steps_undone", "stroke_goes_on"]


def stroke_goes_on(layer: Labels) -> bool:
    """Tell whether a stroke was begun in a layer that has not ended yet.

    Parameters
    ----------
    layer : Labels
        The layer.
    """
    return bool(layer._block_history)


def last_painted(layer: Labels, axis: int) -> set[int] | None:
    """Tell where along an axis the last step lies that undo would take back.

    Parameters
    ----------
    layer : Labels
        The layer.
    axis : int
        Of its data.

    Returns
    -------
    set of int or None
        Indices; None where they are not known, empty where there is no such step.
    """
    found: set[int] = set()
    for part in layer._undo_history[-1] if layer._undo_history else ():
        # A box, or the pixels one by one: napari has both.
        key = getattr(part, "slice_key", None)
        if key is None and isinstance(part, tuple):
            key = part[0]
        if key is None:
            return None
        at = key[axis]
        if isinstance(at, slice):
            found.update(range(*at.indices(layer.data.shape[axis])))
        else:
            found.update(np.unique(at).tolist())
    return found


def steps_undone(layer: Labels) -> int:
    """Count the steps that could be made again: each undo and redo changes it.

    Parameters
    ----------
    layer : Labels
        The layer.
    """
    return len(layer._redo_history)


class PixelChanges(QObject):
    """Tells when the pixels of a labels layer may have changed.

    napari says ``paint`` when a stroke of the brush, the eraser or the fill bucket has
    ended, but for a polygon before its pixels are there. These come with
    ``labels_update``, as do the dabs of a stroke. Undo, redo and what other plugins
    write only draw the layer again, and so does a move of the time slider.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    parent : QObject
        Lives as long as this.
    """

    #: Once for a stroke; it may also come when nothing has changed.
    noticed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._sliders = Sliders(viewer)
        self._links = Links(self)
        self._layer: Labels | None = None

    def watch(self, layer: Labels | None) -> None:
        """Watch a layer in place of the one before.

        Parameters
        ----------
        layer : Labels or None
            The layer.
        """
        self._links.let_go()
        self._layer = layer
        self._sliders.have_moved()
        if layer is not None:
            self._links.add(layer.events.paint, self._on_paint)
            self._links.add(layer.events.labels_update, self._on_written)
            self._links.add(layer.events.set_data, self._on_drawn)

    def _on_paint(self, _event: Any) -> None:
        self.noticed.emit()

    def _on_written(self, _event: Any) -> None:
        if self._layer is not None and not stroke_goes_on(self._layer):
            self.noticed.emit()

    def _on_drawn(self, event: Any) -> None:
        if not self._sliders.have_moved():
            self._on_written(event)
