"""Masks to outlines along the edges of pixels, and outlines to masks, without loss."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import disk, polygon

from fastershift.labels import compact

__all__ = ["Outline", "OutlinedCell", "draw_disc", "draw_outline", "outlined_cells"]

#: (n, 2) corners, y and x in pixels; whole numbers are the middles of pixels.
Outline: TypeAlias = NDArray[np.float64]

_CORNERS = np.ones((3, 3), bool)
#: Right, down, left, up, as steps along the edges of pixels.
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
#: Pixels ahead to the left and to the right of a corner, for each of these steps.
_AHEAD = (
    ((-1, 0), (0, 0)),
    ((0, 0), (0, -1)),
    ((0, -1), (-1, -1)),
    ((-1, -1), (-1, 0)),
)


@dataclass(frozen=True, eq=False)
class OutlinedCell:
    """A cell of a frame.

    Attributes
    ----------
    track : int
        Its number.
    y, x : float
        Its centroid in pixels.
    area : int
        Its pixels.
    pieces : tuple of (n, 2) array
        The outline of each of its pieces, the largest first.
    """

    track: int
    y: float
    x: float
    area: int
    pieces: tuple[Outline, ...]


def outlined_cells(frame: NDArray[Any]) -> Iterator[OutlinedCell]:
    """Outline the cells of a frame.

    Parameters
    ----------
    frame : (Y, X) int
        Track numbers, 0 is background.

    Yields
    ------
    OutlinedCell
        In the order of their numbers. Holes are lost in outlines.
    """
    # Numbers may be very large, and memory is needed for each up to the largest.
    numbers, codes = compact(np.maximum(frame, 0))
    for code, box in enumerate(ndimage.find_objects(codes), 1):
        mask = codes[box] == code
        rows, columns = np.nonzero(mask)
        top, left = box[0].start, box[1].start
        pieces, count = ndimage.label(mask, _CORNERS)
        areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
        outlines = tuple(
            _outline(pieces == 1 + piece) + np.array([top, left])
            for piece in np.argsort(-areas, kind="stable").tolist()
        )
        y, x = float(rows.mean()) + top, float(columns.mean()) + left
        yield OutlinedCell(int(numbers[code]), y, x, len(rows), outlines)


def _outline(mask: NDArray[np.bool_]) -> Outline:
    """Walk around one piece, which stays on the right hand."""
    inside = np.pad(mask, 1).tolist()
    # Its first pixel, entered along the upper edge.
    first = np.unravel_index(np.argmax(mask), mask.shape)
    row, column = 1 + int(first[0]), 1 + int(first[1])
    start = (row, column)
    direction = 0
    corners = [start]
    while True:
        step = _STEPS[direction]
        row, column = row + step[0], column + step[1]
        if (row, column) == start and direction == 3:
            break
        (left_y, left_x), (right_y, right_x) = _AHEAD[direction]
        if inside[row + left_y][column + left_x]:
            turn = 3
        elif inside[row + right_y][column + right_x]:
            continue
        else:
            turn = 1
        direction = (direction + turn) % 4
        if (row, column) == start:
            break
        corners.append((row, column))
    return np.array(corners, np.float64) - 1.5


def draw_outline(frame: NDArray[Any], outline: Outline, number: int) -> None:
    """Give the background inside of an outline a number.

    Parameters
    ----------
    frame : (Y, X) int
        Changed in place; what lies outside of it is left out.
    outline : (n, 2) array
        y and x of the corners.
    number : int
        What the pixels whose middle is inside are called.
    """
    rows, columns = polygon(outline[:, 0], outline[:, 1], frame.shape)
    _draw(frame, rows, columns, number)


def draw_disc(
    frame: NDArray[Any], y: float, x: float, radius: float, number: int
) -> None:
    """Give the background of a disc, or its middle at least, a number."""
    rows, columns = disk((y, x), max(radius, 0.75), shape=frame.shape)
    _draw(frame, rows, columns, number)


def _draw(
    frame: NDArray[Any], rows: NDArray[Any], columns: NDArray[Any], number: int
) -> None:
    free = frame[rows, columns] == 0
    frame[rows[free], columns[free]] = number
