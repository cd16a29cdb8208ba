"""Where a layer lies in space, so that another can be laid over it."""

from typing import Any

import numpy as np
from napari.layers import Layer

__all__ = ["placement"]


def placement(layer: Layer, axes: str) -> dict[str, Any]:
    """Copy how a layer is placed, for labels made from it.

    Parameters
    ----------
    layer : Layer
        What was segmented.
    axes : str
        One letter per axis of it; the labels have those of T, Y and X it has.

    Returns
    -------
    dict
        Scale, translate, rotate, shear, affine, units and, where they were named,
        axis_labels: arguments of a new layer.
    """
    kept = [axes.index(axis) for axis in "TYX" if axis in axes]
    square = np.ix_(kept, kept)
    affine = np.eye(len(kept) + 1)
    matrix = layer.affine.affine_matrix
    affine[:-1, :-1] = matrix[:-1, :-1][square]
    affine[:-1, -1] = matrix[:-1, -1][kept]
    placed: dict[str, Any] = {
        "scale": np.asarray(layer.scale)[kept],
        "translate": np.asarray(layer.translate)[kept],
        "rotate": np.asarray(layer.rotate)[square],
        "shear": _shear_matrix(layer)[square],
        "affine": affine,
        "units": tuple(layer.units[axis] for axis in kept),
    }
    if not all(label.lstrip("-").isdigit() for label in layer.axis_labels):
        placed["axis_labels"] = tuple(layer.axis_labels[axis] for axis in kept)
    return placed


def _shear_matrix(layer: Layer) -> Any:
    """Write the shear as a matrix; napari gives its upper triangle in a row."""
    shear = np.asarray(layer.shear)
    if shear.ndim == 2:
        return shear
    matrix = np.eye(layer.ndim)
    matrix[np.triu_indices(layer.ndim, 1)] = shear
    return matrix
