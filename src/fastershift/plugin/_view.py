"""Which frame the user is looking at, and how to show another."""

from napari.components import ViewerModel
from napari.layers import Layer

__all__ = ["frame_in_view", "go_to_frame"]


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


def go_to_frame(viewer: ViewerModel, layer: Layer, frame: int, axis: int = 0) -> None:
    """Move the time slider to a frame of a layer.

    Parameters
    ----------
    viewer : ViewerModel
        Whose sliders.
    layer : Layer
        A layer of it; one without time stays as it is.
    frame : int
        Counted from 0.
    axis : int
        Its time axis.
    """
    if layer.ndim < 3:
        return
    position = list(layer.world_to_data(viewer.dims.point))
    position[axis] = frame
    # napari lines up the last axes of its layers.
    place = viewer.dims.ndim - layer.ndim + axis
    viewer.dims.set_point(place, layer.data_to_world(position)[axis])
