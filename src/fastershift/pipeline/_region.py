"""The part of the frames that is worked on, and the part in which cells may be."""

import math
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fastershift.config import Settings
from fastershift.errors import InputError
from fastershift.io import Movie
from fastershift.labels import Confines
from fastershift.pipeline.masks import open_masks
from fastershift.rshn import FrameSource

__all__ = [
    "Region",
    "check_border",
    "frame_shape",
    "part_shape",
    "read_confines",
    "widened",
]

#: Rows and columns of a frame.
Region: TypeAlias = tuple[slice, slice]

# Regions begin and end at multiples of this many pixels.
_GRID = 64

# A region that covers a larger share of the frame gives way to the whole frame.
_WORTH_LEAVING_OUT = 0.8


def widened(
    region: Region | None,
    settings: Settings,
    diameter: float,
    shape: tuple[int, int],
) -> Region | None:
    """Add the margin that the network needs; None where too little would be left out.

    As between tiles, half of their overlap is seen but not shown. Edges lie on a grid,
    so that a view that moves a little asks for the same region.

    Parameters
    ----------
    region : (slice, slice) or None
        Rows and columns that are looked at.
    settings : Settings
        Resolved.
    diameter : float
        Cell diameter that the network was made for.
    shape : (int, int)
        Of the frame.

    Returns
    -------
    (slice, slice) or None
    """
    embed = settings.embed
    if region is None or embed.network_size or embed.diameter == "auto":
        return None
    margin = embed.tile_overlap / 2 * embed.diameter / diameter
    wide = []
    for part, side in zip(region, shape, strict=True):
        seen = range(side)[part]
        start = math.floor(max(0, seen.start - margin) / _GRID) * _GRID
        stop = math.ceil((seen.stop + margin) / _GRID) * _GRID
        wide.append(slice(start, min(stop, side)))
    area = math.prod(part.stop - part.start for part in wide)
    rows, columns = wide
    return (rows, columns) if area < _WORTH_LEAVING_OUT * math.prod(shape) else None


def frame_shape(movie: FrameSource) -> tuple[int, int]:
    """Tell rows and columns of the frames of a movie.

    Raises
    ------
    InputError
        When it has other axes than time, row and column.
    """
    shape = getattr(movie, "shape", None)
    if shape is None or len(shape) != 3:
        shape = (len(movie), *np.shape(movie[0]))
    if len(shape) != 3:
        raise InputError(
            f"A movie has the axes (time, row, column); this one has {len(shape)} axes."
        )
    return int(shape[1]), int(shape[2])


def part_shape(shape: tuple[int, int], region: Region | None) -> tuple[int, int]:
    """Tell rows and columns of the part of a frame that is worked on."""
    if region is None:
        return shape
    rows, columns = (
        len(range(side)[part]) for side, part in zip(shape, region, strict=True)
    )
    return rows, columns


def check_border(border: int, shape: tuple[int, int]) -> None:
    """Refuse a border that covers the whole frame.

    Parameters
    ----------
    border : int
        Its width in pixels.
    shape : (int, int)
        Of the frames.

    Raises
    ------
    InputError
        When every cell would lie in it.
    """
    if border and 2 * border >= min(shape):
        raise InputError(
            f"A border of {border} pixels covers frames of {shape[0]} × {shape[1]} "
            "pixels, so that every cell would be removed; choose less than "
            f"{(min(shape) + 1) // 2}."
        )


def read_confines(
    inside: Any, outside: Any, movie: FrameSource | None = None
) -> Confines | None:
    """Take masks of where cells may be.

    Parameters
    ----------
    inside, outside : array_like, str or Path, optional
        (Y, X), or (T, Y, X), other than 0 in the region; or where it is stored.
    movie : sequence of (Y, X) frames, optional
        What they belong to.

    Returns
    -------
    Confines or None

    Raises
    ------
    InputError
        For files that cannot be read.
    """
    if inside is None and outside is None:
        return None
    return Confines(_frames(inside, movie), _frames(outside, movie))


def _frames(given: Any, movie: FrameSource | None) -> Any:
    if given is None:
        return None
    if isinstance(given, str | Path):
        given = _open(Path(given), movie)
    elif not hasattr(given, "shape"):
        given = np.asarray(given)
    shape = getattr(given, "shape", ())
    return given[np.newaxis] if len(shape) == 2 else given


def _open(path: Path, movie: FrameSource | None) -> Any:
    """Open masks of a region; those of all that a file holds are cut like its movie."""
    masks = open_masks(path, movie=movie, labels=False)
    if isinstance(movie, Movie) and len(masks) == movie.frames.shape[0] > len(movie):
        span = (movie.first, movie.first + len(movie))
        return open_masks(path, span, movie, labels=False)
    return masks
