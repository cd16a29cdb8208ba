"""Tracks and their lineage, and what makes them a valid result."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fastershift.labels import Labels, as_labels, compact, label_areas

__all__ = ["Lineage", "Track", "centroids", "ctc_problems", "track_spans"]


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


def track_spans(stack: Iterable[Labels]) -> dict[int, tuple[int, int]]:
    """Return first and last frame of every label above 0 of a (T, Y, X) stack."""
    spans: dict[int, tuple[int, int]] = {}
    for time, frame in enumerate(stack):
        for label in compact(frame)[0][1:].tolist():
            spans[label] = (spans.get(label, (time, time))[0], time)
    return spans


def centroids(labels: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return where every cell is in every frame, as napari's Tracks take it.

    Parameters
    ----------
    labels : (T, Y, X) int array
        Track ids; 0 is background.

    Returns
    -------
    (n, 4) float64
        Rows of id, frame, y and x in pixels, ordered by id, then frame.
    """
    tables = []
    for time, frame in enumerate(as_labels(labels, 3)):
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


def ctc_problems(labels: npt.ArrayLike, lineage: Lineage) -> list[str]:
    """Say what keeps a result from being a valid Cell Tracking Challenge result.

    Parameters
    ----------
    labels : (T, Y, X) int array
        Track ids; 0 is background.
    lineage : Lineage
        The tracks that go with them.

    Returns
    -------
    list of str
        One sentence per problem; empty when labels and tracks are valid together.
    """
    problems = []
    tracks = {track.id: track for track in lineage.tracks}
    if len(tracks) < len(lineage.tracks):
        problems.append("Two tracks have the same id.")
    for track in lineage.tracks:
        if track.id < 1:
            problems.append(f"The id {track.id} is below 1.")
        if not 0 <= track.first <= track.last:
            problems.append(
                f"Track {track.id} runs from frame {track.first} to {track.last}."
            )
        if track.parent and track.parent not in tracks:
            problems.append(f"Track {track.id} has a parent that does not exist.")
        elif track.parent and tracks[track.parent].last >= track.first:
            problems.append(f"Track {track.id} begins before its parent ends.")

    claimed = {
        (track.id, time)
        for track in lineage.tracks
        for time in range(track.first, track.last + 1)
    }
    found = {
        (label, time)
        for time, frame in enumerate(as_labels(labels, 3))
        for label in label_areas(frame)[0].tolist()
    }
    problems += [
        f"Track {label} has no pixel in frame {time}."
        for label, time in sorted(claimed - found)
    ]
    problems += [
        f"Label {label} of frame {time} belongs to no track."
        for label, time in sorted(found - claimed)
    ]
    return problems
