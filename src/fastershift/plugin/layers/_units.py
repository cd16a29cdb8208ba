"""Pixels and frames in the units of a layer, and durations in words."""

from typing import Any

import numpy as np
from napari.layers import Layer

__all__ = [
    "in_micrometres",
    "in_minutes",
    "in_words",
    "micrometres_per_pixel",
    "seconds_per_frame",
]


def micrometres_per_pixel(layer: Layer, axes: str, level: int = 0) -> float | None:
    """Tell how large a pixel is.

    Parameters
    ----------
    layer : Layer
        Any layer; its scale, shear and affine transform all count.
    axes : str
        One letter per axis.
    level : int
        Resolution level whose pixels are meant.

    Returns
    -------
    float or None
        Geometric mean of height and width; None where the layer has no lengths.
    """
    if not {"Y", "X"} <= set(axes):
        return None
    sizes = [_step(layer, axes.index(axis), "micrometer") for axis in "YX"]
    if any(size is None for size in sizes):
        return None
    side = float(np.sqrt(np.prod(np.array(sizes, dtype=float))))
    if layer.multiscale and 0 < level < len(layer.level_shapes):
        row = axes.index("Y")
        side *= layer.level_shapes[0][row] / layer.level_shapes[level][row]
    return side


def seconds_per_frame(layer: Layer, axes: str) -> float | None:
    """Tell how much time lies between two frames; None where the layer has no times."""
    return _step(layer, axes.index("T"), "second") if "T" in axes else None


def _step(layer: Layer, axis: int, unit: str) -> float | None:
    """Return the length of one step along an axis in a unit, if it can be had."""
    if axis >= layer.ndim or not layer.units[axis].is_compatible_with(unit):
        return None
    end = np.zeros(layer.ndim)
    end[axis] = 1
    way = np.subtract(layer.data_to_world(end), layer.data_to_world(0 * end))
    length: Any = float(np.linalg.norm(way)) * layer.units[axis]
    return float(length.to(unit).magnitude)


def in_micrometres(length: float) -> str:
    """Write a length with three digits."""
    return f"{length:.3g} µm"


def in_minutes(seconds: float) -> str:
    """Write a time of a movie: minutes, or seconds where it is shorter than one."""
    if 0 < abs(seconds) < 60:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.4g} min"


def in_words(seconds: float) -> str:
    """Write a duration as a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
