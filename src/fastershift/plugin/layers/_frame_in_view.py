"""Which frame the user is looking at, and how to show another."""

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from fastershift.pipeline import Region
from fastershift.plugin.layers._input import InputChoice

__all__ = [
    "Sliders",
    "frame_in_view",
    "go_to_frame",
    "region_in_view",
    "shows_one_frame",
]


class Sliders:
    """Tells a layer that is drawn again where it stands from one that moves on.

    Parameters
    ----------
    viewer : ViewerModel
        Whose sliders.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._point: tuple[float, ...] = ()

    def have_moved(self) -> bool:
        """Tell whether any has moved since this was last asked."""
        point = tuple(self._viewer.dims.point)
        moved, self._point = point != self._point, point
        return moved


def frame_in_view(viewer: ViewerModel, layer: Layer, axis: int | None) -> int:
    """Return the frame of a layer that the time slider stands on.

    Parameters
    ----------
    viewer : ViewerModel
        Whose sliders.
    layer : Layer
        A layer of it.
    axis : int or None
        Its time axis; None when it is a single frame.

    Returns
    -------
    int
        Counted from 0; the nearest one when the slider stands beyond the layer.
    """
    if axis is None:
        return 0
    position = layer.world_to_data(viewer.dims.point)[axis]
    last = (
        layer.level_shapes[0][axis] - 1
        if layer.multiscale
        else layer.data.shape[axis] - 1
    )
    return int(min(max(round(float(position)), 0), last))


def go_to_frame(
    viewer: ViewerModel, layer: Layer, frame: int, axis: int | None
) -> None:
    """Move the time slider to a frame of a layer.

    Parameters
    ----------
    viewer : ViewerModel
        Whose sliders.
    layer : Layer
        A layer of it.
    frame : int
        Counted from 0.
    axis : int or None
        Its time axis; a layer without time stays as it is.
    """
    if axis is None:
        return
    position = list(layer.world_to_data(viewer.dims.point))
    position[axis] = frame
    # napari lines up the last axes of its layers.
    place = viewer.dims.ndim - layer.ndim + axis
    viewer.dims.set_point(place, layer.data_to_world(position)[axis])


def shows_one_frame(viewer: ViewerModel, layer: Layer, axes: str) -> bool:
    """Tell whether the picture shows rows and columns of a layer, and nothing else.

    Parameters
    ----------
    viewer : ViewerModel
        Whose picture: axes may be rolled, or shown in 3D.
    layer : Layer
        A layer of it.
    axes : str
        One letter per axis of it.
    """
    # napari lines up the last axes of its layers.
    before = viewer.dims.ndim - layer.ndim
    return set(viewer.dims.displayed) == {before + axes.index(one) for one in "YX"}


def region_in_view(choice: InputChoice) -> Region | None:
    """Return the rows and columns of a layer that are on the canvas.

    Parameters
    ----------
    choice : InputChoice
        A layer, and which of its axes are rows and columns.

    Returns
    -------
    (slice, slice) or None
        In pixels of the level that is read; None where nothing of it was drawn yet.
    """
    layer = choice.layer
    first, last = np.asarray(layer.corner_pixels, dtype=float)
    shown = np.ones(layer.ndim)
    if layer.multiscale:
        shown = np.asarray(layer.downsample_factors[layer.data_level], dtype=float)
    whole = layer.level_shapes[0] if layer.multiscale else layer.data.shape
    read = choice.arrays()[0].shape
    parts = []
    for letter in "YX":
        axis = choice.axes.index(letter)
        factor = shown[axis] * read[axis] / whole[axis]
        start, stop = first[axis] * factor, (last[axis] + 1) * factor
        parts.append(slice(max(0, int(start)), min(read[axis], int(np.ceil(stop)))))
    rows, columns = parts
    seen = all(part.stop - part.start > 1 for part in parts)
    return (rows, columns) if seen else None
