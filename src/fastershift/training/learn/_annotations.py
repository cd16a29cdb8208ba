"""Annotations: cells and background that a person has marked in a movie."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.errors import InputError
from fastershift.io import LabelFrames, check_no_movie
from fastershift.rshn import FrameSource
from fastershift.training._truth import UNKNOWN, cell_diameters, check_numbers

__all__ = ["Annotations", "Unmarked", "read_annotations"]

_Labels: TypeAlias = npt.NDArray[np.int32]

#: What 0 means in marks that know no -1.
Unmarked: TypeAlias = Literal["background", "unknown"]

# Fewer cells say too little.
_FEWEST = 3


@dataclass(frozen=True, eq=False)
class Annotations:
    """What is marked in a movie.

    Attributes
    ----------
    frames : mapping of int to (Y, X) int32
        By the number of the frame, where anything is marked: whole cells from 1, the
        same number for the same cell in every frame; 0 is background, -1 unknown.
    """

    frames: Mapping[int, _Labels]

    def __post_init__(self) -> None:
        if self.n_cells < _FEWEST:
            raise InputError(
                f"{self.n_cells} cells are marked; mark {_FEWEST} at least, each with "
                "a number of its own, so that there is something to learn from."
            )

    @property
    def cells(self) -> npt.NDArray[np.int32]:
        """Numbers of all cells."""
        found = [np.unique(one[one > 0]) for one in self.frames.values()]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int32)

    @property
    def n_cells(self) -> int:
        """Cells that are marked, each counted in every frame."""
        return sum(len(np.unique(one[one > 0])) for one in self.frames.values())

    @property
    def diameter(self) -> float:
        """Median diameter of the cells in pixels, of discs of the same area."""
        sizes = [cell_diameters(one) for one in self.frames.values()]
        return float(np.median(np.concatenate(sizes)))


def read_annotations(
    movie: FrameSource,
    marks: LabelFrames,
    unmarked: Unmarked | None = None,
) -> Annotations:
    """Take marks as annotations of a movie.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        What was marked.
    marks : LabelFrames
        (T, Y, X) whole numbers: above 0 a cell, all of it; 0 background; -1 unknown.
    unmarked : {"background", "unknown"}, optional
        What 0 means in marks without any -1. Where it is background, that holds for
        the frames with a cell alone; nothing is known of the others.

    Returns
    -------
    Annotations

    Raises
    ------
    InputError
        When they do not fit the movie, hold no whole numbers, are plainly a movie,
        leave open what 0 means, mark all cells with one number, or fewer than three.
    """
    shape = (len(movie), *np.shape(movie[0]))
    given = (len(marks), *(np.shape(marks[0]) if len(marks) else ()))
    if given != shape:
        raise InputError(
            f"The marks have the shape {given} (frames, rows, columns), but the movie "
            f"has {shape}; they must be the same."
        )
    frames = {t: _whole(np.asarray(marks[t])) for t in range(len(movie))}
    for frame in frames.values():
        check_no_movie(frame, "The image of the marks")
    check_numbers(frames.values(), "the marks")
    told = any((one < 0).any() for one in frames.values())
    if not told and unmarked is None:
        raise InputError(
            "The marks hold no -1, so that it is open what 0 means; say whether pixels "
            "without a mark are background or unknown.",
            unmarked="background",
        )
    known: dict[int, _Labels] = {}
    for t, one in frames.items():
        values = np.clip(one, UNKNOWN, np.iinfo(np.int32).max).astype(np.int32)
        if not told and (unmarked == "unknown" or not (values > 0).any()):
            values[values == 0] = UNKNOWN
        if (values != UNKNOWN).any():
            known[t] = values
    return Annotations(known)


def _whole(frame: npt.NDArray[Any]) -> npt.NDArray[np.integer[Any]]:
    """Take real numbers that are whole for what they are, as ImageJ saves labels."""
    if frame.dtype.kind == "f" and np.array_equal(frame, np.rint(frame)):
        return frame.astype(np.int64)
    if frame.dtype.kind not in "ui":
        raise InputError(
            f"The marks hold numbers of the type {frame.dtype}; they must be whole "
            "numbers."
        )
    return frame
