"""Which frame the user is looking at."""

from napari.components import ViewerModel
from napari.layers import Layer

__all__ = ["frame_in_view"]


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
