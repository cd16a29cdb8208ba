"""Layers that are of no use without another one go with it."""

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QTimer

__all__ = ["take_away"]


def take_away(viewer: ViewerModel, layer: Layer, source: Layer) -> None:
    """Take a layer out of the viewer.

    Where its source is gone this waits for a moment: napari removes the layers that
    are selected one by one, and fails where we have taken one of them away before.

    Parameters
    ----------
    viewer : ViewerModel
        Where it is.
    layer : Layer
        What is taken away, if it is still there.
    source : Layer
        What it lies over.
    """

    def remove() -> None:
        if layer in viewer.layers:
            viewer.layers.remove(layer)

    if source in viewer.layers:
        remove()
    else:
        QTimer.singleShot(0, remove)
