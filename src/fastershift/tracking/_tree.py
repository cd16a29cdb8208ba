"""The lineage as trees: families, layout, and text."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastershift.tracking._lineage import Lineage, Track

__all__ = ["TreeLayout", "branch", "family", "lay_out_tree", "newick"]


@dataclass(frozen=True)
class TreeLayout:
    """Where the tracks of a lineage are drawn: a column each, time downwards.

    Attributes
    ----------
    ids : (n,) int64
        Tracks, ascending.
    columns : (n,) float64
        Tracks without children have columns 0, 1, …; a parent is in the middle of its
        children.
    first, last : (n,) int64
        First and last frame of each track, both included.
    parents : (n,) int64
        Position of each track's parent in these arrays; -1 where there is none.
    """

    ids: npt.NDArray[np.int64]
    columns: npt.NDArray[np.float64]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    parents: npt.NDArray[np.int64]


class _Forest:
    """Tracks by id, their parents and children, as far as time allows them."""

    def __init__(self, lineage: Lineage) -> None:
        self.tracks = {track.id: track for track in lineage.tracks}
        self.children: dict[int, list[int]] = {one: [] for one in self.tracks}
        # A parent that does not end before its child would make circles possible.
        self.parents = {
            track.id: track.parent
            for track in lineage.tracks
            if self._ends_before(track.parent, track)
        }
        for child in sorted(self.parents):
            self.children[self.parents[child]].append(child)
        self.roots = sorted(
            self.tracks.keys() - self.parents.keys(),
            key=lambda one: (self.tracks[one].first, one),
        )

    def _ends_before(self, parent: int, track: Track) -> bool:
        return parent in self.tracks and self.tracks[parent].last < track.first

    def ancestors(self, id: int) -> list[int]:
        """Return a track and those it descends from, the root last."""
        found = [id]
        while found[-1] in self.parents:
            found.append(self.parents[found[-1]])
        return found

    def descendants(self, id: int) -> list[int]:
        """Return a track and all below it, parents before children, left to right."""
        # No recursion: a lineage may be thousands of tracks deep.
        found, waiting = [], [id]
        while waiting:
            track = waiting.pop()
            found.append(track)
            waiting.extend(reversed(self.children[track]))
        return found


def family(lineage: Lineage, id: int) -> tuple[int, ...]:
    """Return all tracks of the tree that a track belongs to, ascending.

    Parameters
    ----------
    lineage : Lineage
        All tracks.
    id : int
        One of them.

    Returns
    -------
    tuple of int
        Empty when there is no such track.
    """
    forest = _Forest(lineage)
    if id not in forest.tracks:
        return ()
    return tuple(sorted(forest.descendants(forest.ancestors(id)[-1])))


def branch(lineage: Lineage, id: int) -> tuple[int, ...]:
    """Return a track with its ancestors and its descendants, ascending.

    Parameters
    ----------
    lineage, id
        As for `family`.

    Returns
    -------
    tuple of int
        Empty when there is no such track.
    """
    forest = _Forest(lineage)
    if id not in forest.tracks:
        return ()
    return tuple(sorted({*forest.descendants(id), *forest.ancestors(id)}))


def lay_out_tree(lineage: Lineage, ids: Iterable[int] | None = None) -> TreeLayout:
    """Give every track a column so that no two trees and no two branches meet.

    Parameters
    ----------
    lineage : Lineage
        All tracks.
    ids : iterable of int, optional
        Draw only these tracks; one whose parent is not among them begins a tree.

    Returns
    -------
    TreeLayout
    """
    tracks = lineage.tracks
    if ids is not None:
        kept = set(ids)
        tracks = tuple(track for track in tracks if track.id in kept)
    forest = _Forest(Lineage(tracks))
    columns: dict[int, float] = {}
    free = 0
    for root in forest.roots:
        order = forest.descendants(root)
        for track in order:
            if not forest.children[track]:
                columns[track] = free
                free += 1
        for track in reversed(order):
            below = forest.children[track]
            if below:
                columns[track] = (columns[below[0]] + columns[below[-1]]) / 2
    ordered = sorted(columns)
    position = {track: index for index, track in enumerate(ordered)}
    return TreeLayout(
        np.array(ordered, np.int64),
        np.array([columns[track] for track in ordered], np.float64),
        np.array([forest.tracks[track].first for track in ordered], np.int64),
        np.array([forest.tracks[track].last for track in ordered], np.int64),
        np.array(
            [
                position[forest.parents[track]] if track in forest.parents else -1
                for track in ordered
            ],
            np.int64,
        ),
    )


def newick(lineage: Lineage, ids: Iterable[int] | None = None) -> str:
    """Write the lineage in the Newick format, one tree in a line.

    Nodes are named by their track. The length of a branch is the number of frames from
    the end of the parent (of a root: from before its first frame) to its own end.

    Parameters
    ----------
    lineage, ids
        As for `lay_out_tree`.

    Returns
    -------
    str
        Empty without tracks.
    """
    kept = None if ids is None else set(ids)
    forest = _Forest(
        Lineage(tuple(t for t in lineage.tracks if kept is None or t.id in kept))
    )
    lines = []
    for root in forest.roots:
        texts: dict[int, str] = {}
        for number in reversed(forest.descendants(root)):
            track = forest.tracks[number]
            parent = forest.parents.get(number)
            start = track.first - 1 if parent is None else forest.tracks[parent].last
            below = ",".join(texts.pop(child) for child in forest.children[number])
            texts[number] = (
                f"({below})" * bool(below) + f"{number}:{track.last - start}"
            )
        lines.append(texts[root] + ";\n")
    return "".join(lines)
