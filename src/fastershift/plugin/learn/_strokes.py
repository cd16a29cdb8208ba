"""What a stroke of the mouse means: pixels along it, or all that it goes around."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.draw import line, polygon

__all__ = ["along", "around", "goes_around"]

# The ends of a stroke around something are this close, as a share of its length.
_CLOSED = 0.25

# Fewer places are a click, or a short stroke.
_FEWEST = 8


def goes_around(path: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a stroke returns to where it began."""
    if len(path) < _FEWEST:
        return False
    length = sum(math.dist(a, b) for a, b in pairwise(path))
    return math.dist(path[0], path[-1]) <= _CLOSED * length


def around(
    path: Sequence[tuple[int, int]], shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Fill what a stroke goes around.

    Parameters
    ----------
    path : sequence of (int, int)
        Rows and columns.
    shape : (int, int)
        Of the frame.

    Returns
    -------
    (Y, X) bool
    """
    mask = np.zeros(shape, bool)
    rows, columns = zip(*path, strict=True)
    mask[polygon(rows, columns, shape)] = True
    return mask


def along(
    path: Sequence[tuple[int, int]], shape: tuple[int, int], radius: float
) -> npt.NDArray[np.bool_]:
    """Fill what lies along a stroke.

    Parameters
    ----------
    path : sequence of (int, int)
        Rows and columns.
    shape : (int, int)
        Of the frame.
    radius : float
        Pixels on either side.

    Returns
    -------
    (Y, X) bool
    """
    drawn = np.ones(shape, bool)
    for start, end in pairwise([*path, path[-1]]):
        drawn[line(*start, *end)] = False
    if radius < 1:
        return ~drawn
    near: npt.NDArray[np.bool_] = ndimage.distance_transform_edt(drawn) <= radius
    return near
