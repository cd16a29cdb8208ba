"""Where a layer lies in space, so that another can be laid over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Layer

from fastershift.plugin.layers._record import ResultRecord

__all__ = [
    "Placement",
    "as_stack",
    "labels_axes",
    "placement",
    "result_axes",
    "stack_axes",
]


def result_axes(axes: str) -> str:
    """Tell which axes labels must have to lie right over the layer they come from.

    napari counts the axes of its layers from the last. Labels keep every axis that lies
    behind their first one, so that time meets time and a channel or a plane meets
    itself, and the position, so that each position keeps its own cells.

    Parameters
    ----------
    axes : str
        One letter per axis that the layer has in space.

    Returns
    -------
    str
        One letter per axis of the labels; those beside T, Y and X have length 1.
    """
    first = min(axes.index(letter) for letter in "TPYX" if letter in axes)
    return axes[first:]


@dataclass(frozen=True)
class Placement:
    """How the labels of a movie lie over the layer it was taken from.

    Attributes
    ----------
    axes : str
        One letter per axis of the labels.
    arguments : dict
        Scale, translate, rotate, shear, affine, units and, where they were named,
        axis_labels: arguments of a new layer.
    """

    axes: str
    arguments: dict[str, Any]

    def put(self, layer: Layer) -> None:
        """Lay a layer where a new one would lie; it is drawn again for each change."""
        now = {"shear": _shear_matrix(layer), "affine": layer.affine.affine_matrix}
        for name, value in self.arguments.items():
            if not np.array_equal(now.get(name, getattr(layer, name)), value):
                setattr(layer, name, value)

    def lay(self, labels: npt.NDArray[Any], trailing: int = 0) -> npt.NDArray[Any]:
        """Give (T, Y, X) labels the axes of the layer; the same memory.

        Axes behind these three, as many as `trailing`, stay where they are.
        """
        order = [letter for letter in self.axes if letter in "TYX"]
        if "T" not in order:
            labels = labels[0]
        stored = "TYX"[-(labels.ndim - trailing) :]
        behind = range(len(order), labels.ndim)
        laid = labels.transpose([*(stored.index(axis) for axis in order), *behind])
        whole = slice(None)
        return laid[tuple(whole if a in "TYX" else None for a in self.axes)]


def labels_axes(layer: Layer) -> str:
    """Tell the axes of a labels layer, see `stack_axes`."""
    return stack_axes(layer.data.shape, ResultRecord.of(layer).axes)


def stack_axes(shape: Sequence[int], known: str = "") -> str:
    """Tell the axes of tracked labels: as they are known, or by their lengths.

    Parameters
    ----------
    shape : sequence of int
        Of the labels.
    known : str
        One letter per axis, as a run has laid the labels; empty for those of others.

    Returns
    -------
    str
        By their lengths: Y and X last, T for the first axis before them that is longer
        than 1, and C for any other.
    """
    if len(known) == len(shape):
        return known
    before = len(shape) - 2
    axes = ["C"] * before + ["Y", "X"]
    if before > 0:
        axes[next((n for n in range(before) if shape[n] > 1), 0)] = "T"
    return "".join(axes)


def as_stack(data: Any, axes: str = "") -> Any:
    """Take (T, Y, X) labels out of those of a layer; the same memory.

    Parameters
    ----------
    data : array_like
        Of the layer.
    axes : str
        One letter per axis; by default time comes first, then rows and columns, with
        axes of length 1 anywhere.

    Returns
    -------
    array_like
        (T, Y, X).
    """
    if axes:
        data = data[tuple(slice(None) if a in "TYX" else 0 for a in axes)]
        stored = [letter for letter in axes if letter in "TYX"]
        data = data.transpose([stored.index(a) for a in "TYX" if a in stored])
    while data.ndim > 3 and 1 in data.shape:
        last = data.ndim - 1 - data.shape[::-1].index(1)
        data = data[(*[slice(None)] * last, 0)]
    return data[None] if data.ndim == 2 else data


def placement(
    layer: Layer,
    axes: str,
    placed: str = "",
    *,
    position: int = 0,
    shape: tuple[int, int] | None = None,
) -> Placement:
    """Copy how a layer is placed, for labels made from it.

    Parameters
    ----------
    layer : Layer
        What was segmented.
    axes : str
        One letter per axis of its data.
    placed : str
        Axes that the labels have, by default `result_axes`.
    position : int
        Which position of a multi-position layer the labels belong to. Along channels
        and planes they are stretched instead: they are the same for all of them.
    shape : (int, int), optional
        Rows and columns of the labels where these are not those of the layer, as for a
        coarser level of a pyramid.

    Returns
    -------
    Placement
    """
    spatial = axes if len(axes) == layer.ndim else axes.replace("S", "")
    placed = placed or result_axes(spatial)
    kept = [spatial.index(axis) for axis in placed]
    sizes = _sizes(layer)
    factor, offset = np.ones(layer.ndim), np.zeros(layer.ndim)
    for axis, letter in enumerate(spatial):
        if letter == "P":
            offset[axis] = position
        elif letter not in "TYX":
            factor[axis] = sizes[axis]
        elif letter in "YX" and shape is not None:
            factor[axis] = sizes[axis] / shape["YX".index(letter)]
        if letter != "P":
            # The middle of the first wide pixel, in pixels of the layer.
            offset[axis] = (factor[axis] - 1) / 2
    rotate, shear = np.asarray(layer.rotate), _shear_matrix(layer)
    scale = np.asarray(layer.scale)
    translate = np.asarray(layer.translate) + rotate @ shear @ (scale * offset)
    square = np.ix_(kept, kept)
    affine = np.eye(len(kept) + 1)
    matrix = layer.affine.affine_matrix
    affine[:-1, :-1] = matrix[:-1, :-1][square]
    affine[:-1, -1] = matrix[:-1, -1][kept]
    arguments: dict[str, Any] = {
        "scale": (scale * factor)[kept],
        "translate": translate[kept],
        "rotate": rotate[square],
        "shear": shear[square],
        "affine": affine,
        "units": tuple(layer.units[axis] for axis in kept),
    }
    if not all(label.lstrip("-").isdecimal() for label in layer.axis_labels):
        arguments["axis_labels"] = tuple(layer.axis_labels[axis] for axis in kept)
    return Placement(placed, arguments)


def _sizes(layer: Layer) -> tuple[int, ...]:
    shape = layer.level_shapes[0] if layer.multiscale else layer.data.shape
    return tuple(int(size) for size in shape[: layer.ndim])


def _shear_matrix(layer: Layer) -> Any:
    """Write the shear as a matrix; napari gives its upper triangle in a row."""
    shear = np.asarray(layer.shear)
    if shear.ndim == 2:
        return shear
    matrix = np.eye(layer.ndim)
    matrix[np.triu_indices(layer.ndim, 1)] = shear
    return matrix
