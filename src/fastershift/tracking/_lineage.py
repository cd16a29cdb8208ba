"""Tracks and their lineage."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fastershift.labels import as_labels, compact

__all__ = ["Lineage", "Track", "centroids"]


class LabelledFrames(Protocol):
    """Labels of a movie, read one frame at a time."""

    def __len__(self) -> int:
        """Count the frames."""

    def __getitem__(self, t: int, /) -> npt.ArrayLike:
        """Return frame ``t``, (Y, X)."""


@dataclass(frozen=True)
class Track:
    """One cell from its first to its last frame.

    Attributes
    ----------
    id : int
        Label of the cell in every frame, 1 or more.
    first, last : int
        First and last frame, both included.
    parent : int
        Track this one descends from or continues; 0 when there is none.
    """

    id: int
    first: int
    last: int
    parent: int = 0


@dataclass(frozen=True)
class Lineage:
    """All tracks of a movie.

    Attributes
    ----------
    tracks : tuple of Track
        In the order in which they are written to a file.
    """

    tracks: tuple[Track, ...] = ()

    @cached_property
    def _children(self) -> dict[int, tuple[int, ...]]:
        children: dict[int, tuple[int, ...]] = {}
        for track in self.tracks:
            if track.parent:
                children[track.parent] = (*children.get(track.parent, ()), track.id)
        return children

    def children(self, id: int) -> tuple[int, ...]:
        """Return the tracks whose parent is this one, a lone continuation included."""
        return self._children.get(id, ())

    def divisions(self) -> dict[int, tuple[int, ...]]:
        """Return the children of every track that divides.

        A parent with a single child is the same cell seen again, not a division.
        """
        return {
            parent: children
            for parent, children in self._children.items()
            if len(children) > 1
        }

    def without_frames(self, frames: Collection[int]) -> "Lineage":
        """Leave frames out in which no cell is shown.

        Parameters
        ----------
        frames : collection of int
            Their numbers.

        Returns
        -------
        Lineage
            Tracks begin and end in other frames, and may have gaps; those that were
            nowhere else are gone.
        """
        if not frames:
            return self
        tracks = []
        for track in self.tracks:
            seen = [t for t in range(track.first, track.last + 1) if t not in frames]
            if seen:
                tracks.append(replace(track, first=seen[0], last=seen[-1]))
        left = {track.id for track in tracks}
        return Lineage(
            tuple(
                one if one.parent in left else replace(one, parent=0) for one in tracks
            )
        )

    def rows(self) -> list[tuple[int, int, int, int]]:
        """Return (id, first, last, parent) of every track, as files and layers do."""
        return [(one.id, one.first, one.last, one.parent) for one in self.tracks]

    def graph(self) -> dict[int, list[int]]:
        """Return ``{child: [parent]}`` of the divisions, as napari's Tracks take it."""
        return {
            child: [parent]
            for parent, children in self.divisions().items()
            for child in children
        }


def centroids(labels: LabelledFrames) -> npt.NDArray[np.float64]:
    """Return where every cell is in every frame, as napari's Tracks take it.

    Parameters
    ----------
    labels : (T, Y, X) int array, or sequence of (Y, X)
        Track ids; 0 is background. One frame is read at a time.

    Returns
    -------
    (n, 4) float64
        Rows of id, frame, y and x in pixels, ordered by id, then frame.

    Raises
    ------
    InputError
        When these are not frames (Y, X) of labels.
    """
    tables = []
    for time in range(len(labels)):
        frame = as_labels(labels[time], 2)
        y, x = np.nonzero(frame)
        ids, codes = compact(frame[y, x])
        areas = np.bincount(codes, minlength=ids.size)[1:]
        rows, columns = (
            np.bincount(codes, weights=axis, minlength=ids.size)[1:] / areas
            for axis in (y, x)
        )
        times = np.full(areas.shape, time)
        tables.append(np.column_stack([ids[1:], times, rows, columns]))
    table = np.concatenate(tables) if tables else np.empty((0, 4))
    return table[np.lexsort((table[:, 1], table[:, 0]))]
