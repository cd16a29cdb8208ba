"""Frames cut into strips of rows that are small enough to work on."""

from collections.abc import Iterator
from typing import TypeAlias

__all__ = ["Strip", "strips"]

# Pixels of a strip, at most, unless a single row has more.
_AT_ONCE = 2**20

#: A frame of a pair and some of its rows.
Strip: TypeAlias = tuple[int, slice]


def strips(shape: tuple[int, ...]) -> Iterator[Strip]:
    """Cut frames (F, Y, X) into strips of rows that are small enough to work on."""
    n_frames, n_rows, n_columns = shape
    height = max(1, _AT_ONCE // max(1, n_columns))
    for frame in range(n_frames):
        for top in range(0, n_rows, height):
            yield frame, slice(top, min(top + height, n_rows))
