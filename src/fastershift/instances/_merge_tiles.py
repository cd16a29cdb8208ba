"""Merges the labels of overlapping tiles piece by piece (Payer et al. 2019)."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from fastershift.errors import InputError
from fastershift.labels import Box, Labels, as_labels, compact

__all__ = ["merge_tiles"]

_Canvas = npt.NDArray[np.int32]


def merge_tiles(
    tiles: Iterable[tuple[npt.ArrayLike, tuple[int, int]]],
    shape: tuple[int, int],
    *,
    border: int = 32,
) -> npt.NDArray[np.int32]:
    """Merge the labels of overlapping tiles into those of the whole frames.

    Labels that touch an inner edge of their tile are incomplete and left out, and so
    are those wholly within its border. Where the others meet labels of earlier tiles,
    the larger clump of touching labels wins as a whole.

    Parameters
    ----------
    tiles : iterable of (labels, (row, column))
        Labels (F, y, x) of a tile, numbered in any way, 0 being background, and the
        place of its first pixel in the frame. The order matters.
    shape : (int, int)
        Rows and columns of the frame.
    border : int
        Width of the border along inner edges of a tile in pixels. At the left it is
        the single column `border`, as in the published program.

    Returns
    -------
    (F, Y, X) int32
        Merged labels; numbers may be missing.

    Raises
    ------
    InputError
        When there is no tile, or one reaches beyond the frame.
    """
    canvas: _Canvas | None = None
    number = 0
    for labels, (row, column) in tiles:
        tile = as_labels(labels, 3)
        if canvas is None:
            canvas = np.zeros((len(tile), *shape), dtype=np.int32)
        place = (
            slice(None),
            slice(row, row + tile.shape[1]),
            slice(column, column + tile.shape[2]),
        )
        if min(row, column) < 0 or canvas[place].shape != tile.shape:
            raise InputError(
                f"A tile of shape {tile.shape} at ({row}, {column}) does not fit into "
                f"frames of {shape[0]} × {shape[1]} pixels."
            )
        inner = _inner_edges(tile.shape[1:], (row, column), shape)
        tile = _without_cut_labels(tile, inner)
        seen = _outside_border(tile.shape[1:], inner, border)
        number = _merge(canvas, place, tile, compact(tile[:, seen])[0], number)
    if canvas is None:
        raise InputError("There is no tile to merge.")
    return canvas


def _inner_edges(
    size: tuple[int, ...], start: tuple[int, int], shape: tuple[int, int]
) -> list[tuple[bool, bool]]:
    """Tell for both axes whether the low and the high edge lie inside the frame."""
    return [
        (first > 0, first + length < full)
        for first, length, full in zip(start, size, shape, strict=True)
    ]


def _without_cut_labels(tile: Labels, inner: list[tuple[bool, bool]]) -> Labels:
    edges = [
        np.take(tile, position, axis=axis).ravel()
        for axis, sides in enumerate(inner, 1)
        for position, is_inner in zip((0, -1), sides, strict=True)
        if is_inner
    ]
    if not edges:
        return tile
    return np.where(np.isin(tile, np.concatenate(edges)), 0, tile)


def _outside_border(
    size: tuple[int, ...], inner: list[tuple[bool, bool]], border: int
) -> npt.NDArray[np.bool_]:
    outside = np.ones(size, dtype=bool)
    (top, bottom), (left, right) = inner
    if top:
        outside[:border] = False
    if bottom:
        outside[max(size[0] - border, 0) :] = False
    if left:
        outside[:, border : border + 1] = False
    if right:
        outside[:, max(size[1] - border, 0) :] = False
    return outside


def _merge(
    canvas: _Canvas,
    place: Box,
    tile: Labels,
    candidates: npt.NDArray[np.int64],
    number: int,
) -> int:
    """Write the labels of a tile that win; return the largest number given."""
    old_clumps = ndimage.label(canvas > 0)[0]
    new_clumps = ndimage.label(tile > 0)[0]
    window = canvas[place]
    old_areas = np.bincount(old_clumps.ravel())
    new_areas = np.bincount(new_clumps.ravel())
    for label in candidates[1:].tolist():
        region = tile == label
        winners = [label]
        if window[region].any():
            old = np.setdiff1d(old_clumps[place][region], [0])
            new = np.unique(new_clumps[region])
            if new_areas[new].sum() <= old_areas[old].sum():
                continue
            canvas[np.isin(old_clumps, old)] = 0
            winners = np.unique(tile[np.isin(new_clumps, new)]).tolist()
        for winner in winners:
            number += 1
            window[tile == winner] = number
    return number
