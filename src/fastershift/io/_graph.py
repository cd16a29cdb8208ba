"""Cells and links of other programs to tracks and labels."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.errors import InputError
from fastershift.io._masks import tracks_from_labels
from fastershift.io._movie import Scale, Units
from fastershift.io._outlines import Outline, draw_disc, draw_outline
from fastershift.io._saved_result import ResultFormat, SavedResult

__all__ = [
    "DrawnCell",
    "can_be_drawn",
    "check_flat",
    "check_parents",
    "draw_result",
    "frame_around",
    "links_of_tracks",
    "parents_that_fit",
    "tracks_of_links",
    "trees_of_links",
]

_Rows = Sequence[tuple[int, int, int, int]]
#: Most pixels of a movie that is drawn: labels of 16 GB.
_MOST = 2**32
#: Formats that know a parent by its cells, and those in which it ends in a division.
_SEEN: tuple[ResultFormat, ...] = ("trackmate", "csv", "acdc", "newick")
_DIVIDED: tuple[ResultFormat, ...] = ("acdc", "newick")


@dataclass(frozen=True, eq=False)
class DrawnCell:
    """A cell of which no mask is known, but where it is.

    Attributes
    ----------
    frame : int
        Counted from 0.
    track : int
        Its number.
    y, x : float
        Its centre in pixels.
    radius : float
        Of the disc that is drawn where there is no outline, in pixels.
    pieces : tuple of (n, 2) array
        Outlines, y and x in pixels.
    """

    frame: int
    track: int
    y: float
    x: float
    radius: float
    pieces: tuple[Outline, ...] = ()


def check_flat(depths: Sequence[float] | NDArray[Any], path: Path) -> None:
    """Refuse cells in three dimensions.

    Parameters
    ----------
    depths : (n,) array_like
        Where each cell lies in depth.
    path : Path
        Where they were read, for the sentence.

    Raises
    ------
    InputError
        When they differ.
    """
    if len(depths) and np.ptp(depths) > 0:
        raise InputError(
            f"The cells in {path} lie in three dimensions; cells are tracked in two "
            "dimensions and time."
        )


def tracks_of_links(
    frames: NDArray[np.int64],
    links: NDArray[np.int64],
    numbers: NDArray[np.int64] | None = None,
    born: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], dict[int, int]]:
    """Cut a graph of cells into tracks.

    A track goes on along a link that is the only one from a cell and the only one to
    the next, or the only one of several to a cell of the same number. Other links lead
    from a parent to a child; of several links to one cell the first counts, as a track
    has one parent.

    Parameters
    ----------
    frames : (n,) int64
        Frame of every cell.
    links : (m, 2) int64
        Positions of two cells in ``frames``; either may be the earlier one.
    numbers : (n,) int64, optional
        What tracks of the cells were called before the links were corrected, 0 where
        that is not known. A track keeps the number of its first cell.
    born : (m,) bool, optional
        Which links lead from a parent to its only child.

    Returns
    -------
    numbers : (n,) int64
        Track of every cell; new numbers follow the known ones.
    parents : dict
        Parent of each track that has one.
    """
    known = np.zeros(len(frames), np.int64) if numbers is None else numbers
    apart = np.zeros(len(links), bool) if born is None else born
    order = np.argsort(frames[links], axis=1, kind="stable")
    links = np.take_along_axis(links, order, axis=1)
    forward = frames[links[:, 0]] < frames[links[:, 1]]
    links, apart = links[forward], apart[forward]
    same = (known[links[:, 0]] == known[links[:, 1]]) & (known[links[:, 0]] > 0)
    ahead, behind, alike = (
        np.bincount(ends, minlength=len(frames))
        for ends in (links[:, 0], links[:, 1], links[same, 0])
    )
    goes_on = (ahead[links[:, 0]] == 1) & ~apart | same & (alike[links[:, 0]] == 1)
    goes_on &= behind[links[:, 1]] == 1
    before = np.full(len(frames), -1)
    before[links[goes_on, 1]] = links[goes_on, 0]
    found = np.zeros(len(frames), np.int64)
    taken, new = {0}, itertools.count(1 + int(known.max(initial=0)))
    for cell in np.argsort(frames, kind="stable").tolist():
        if before[cell] >= 0:
            found[cell] = found[before[cell]]
            continue
        former = max(int(known[cell]), 0)
        found[cell] = next(new) if former in taken else former
        taken.add(former)
    parents: dict[int, int] = {}
    for parent, child in found[links].tolist():
        if parent != child:
            parents.setdefault(child, parent)
    return found, parents


def links_of_tracks(
    tracks: NDArray[np.int64], frames: NDArray[np.int64], rows: _Rows
) -> NDArray[np.int64]:
    """List the links between cells.

    Parameters
    ----------
    tracks, frames : (n,) int64
        Track and frame of every cell.
    rows : sequence of (id, first, last, parent)
        Who descends from whom.

    Returns
    -------
    (m, 2) int64
        Positions of two cells, the earlier one first: from each cell to where its
        track is seen next, and to the first of each child from the last of its parent
        before.
    """
    order = np.lexsort((frames, tracks))
    same = np.flatnonzero(tracks[order][1:] == tracks[order][:-1])
    ids, first = np.unique(tracks[order], return_index=True)
    end = np.append(first[1:], len(order))
    place = {int(number): n for n, number in enumerate(ids)}
    seen, born = frames[order], []
    for child, _, _, parent in rows:
        if parent in place and child in place:
            begin, mother = (
                first[place[child]],
                slice(first[place[parent]], end[place[parent]]),
            )
            earlier = int(np.searchsorted(seen[mother], seen[begin]))
            if earlier:
                born.append((mother.start + earlier - 1, begin))
    along = np.column_stack([same, same + 1])
    found = np.concatenate([along, np.array(born, int).reshape(-1, 2)])
    return np.asarray(order[found], np.int64)


def trees_of_links(
    count: int, links: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Gather cells and links of each tree that has a link.

    Parameters
    ----------
    count : int
        How many cells there are.
    links : (m, 2) int64
        Positions of two cells.

    Yields
    ------
    cells : (n,) int64
        Positions of the cells of a tree.
    links : (k, 2) int64
        The links between them.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(links), np.int8)
    graph = coo_matrix((ones, (links[:, 0], links[:, 1])), (count, count))
    _, tree = connected_components(graph, directed=False)
    order = np.argsort(tree[links[:, 0]], kind="stable")
    _, begins = np.unique(tree[links[order, 0]], return_index=True)
    for edges in np.split(links[order], begins[1:]) if len(links) else ():
        yield np.unique(edges), edges


def parents_that_fit(
    rows: _Rows, parents: Mapping[int, int], *, ended: bool = False
) -> list[tuple[int, int, int, int]]:
    """Give tracks their parents, as far as these begin before, or even end before."""
    spans = {track: (first, last) for track, first, last, _ in rows}
    found = []
    for track, first, end, _ in rows:
        parent = parents.get(track, 0)
        fits = parent in spans and spans[parent][ended] < first
        found.append((track, first, end, parent if fits else 0))
    return found


def check_parents(rows: _Rows, format: ResultFormat, path: Path) -> None:
    """Refuse a lineage that would not come back as it is.

    Parameters
    ----------
    rows : sequence of (id, first, last, parent)
        What is to be written.
    format : str
        How; some formats hold fewer parents than others.
    path : Path
        Where, for the sentence.

    Raises
    ------
    InputError
        When a parent is not seen before its child; where the format needs that, also
        when it is not there, or lives on.
    """
    spans = {track: (first, last) for track, first, last, _ in rows}
    for track, first, _, parent in rows:
        wrong = ""
        if parent and parent not in spans and format in _SEEN:
            wrong = "is not one of the tracks"
        elif parent in spans and spans[parent][0] >= first:
            raise InputError(
                f"{path} was not written: the parent {parent} of track {track} does "
                "not begin before it; correct the parents."
            )
        elif parent in spans and spans[parent][1] >= first and format in _DIVIDED:
            wrong = f"is still there in frame {first}, in which it begins"
        if wrong:
            raise InputError(
                f"{path} was not written: the parent {parent} of track {track} {wrong},"
                f" which {format} cannot hold; save it as ctc, tiff, zarr or geff, or "
                "correct the parents.",
                format="tiff",
            )


def frame_around(cells: Iterable[DrawnCell]) -> tuple[int, int, int]:
    """Take frames that all discs fit into: how many, height and width."""
    ends = [(cell.frame, cell.y + cell.radius, cell.x + cell.radius) for cell in cells]
    most = np.ceil(np.reshape(ends, (-1, 3)).max(axis=0, initial=0))
    frames, height, width = (1 + int(side) for side in most)
    return frames, height, width


def can_be_drawn(shape: tuple[int, int, int]) -> bool:
    """Tell whether a movie is not too large for `draw_result`."""
    return bool(np.prod(np.array(shape, float)) <= _MOST)


def draw_result(
    cells: Iterable[DrawnCell],
    shape: tuple[int, int, int],
    parents: Mapping[int, int],
    path: Path,
    scale: Scale | None = None,
    units: Units | None = None,
) -> SavedResult:
    """Draw cells of which no masks are known.

    Parameters
    ----------
    cells : iterable of DrawnCell
        An outline is filled, a disc drawn where there is none; a pixel that two
        cells share belongs to the smaller one.
    shape : (int, int, int)
        Frames, height and width.
    parents : mapping
        Parent of each track that has one.
    path : Path
        Where they were read, for the sentence.
    scale, units
        As in `SavedResult`.

    Returns
    -------
    SavedResult
        A cell that others cover keeps the pixel of its centre.

    Raises
    ------
    InputError
        When there are no cells, one would be lost, or the movie would be too large.
    """
    cells = list(cells)
    if not cells:
        raise InputError(f"{path} holds no cells.")
    if not can_be_drawn(shape):
        sizes = " × ".join(f"{side:,}" for side in shape)
        raise InputError(
            f"{path} speaks of {sizes} pixels, which is more than can be drawn; "
            "check its positions and its scale."
        )
    labels = np.zeros(shape, np.int32)
    # One that lies in a hole of another is drawn before the hole is filled.
    for cell in sorted(cells, key=_extent):
        if not 0 <= cell.frame < shape[0]:
            raise _outside(cell, path)
        frame = labels[cell.frame]
        for piece in cell.pieces:
            draw_outline(frame, piece, cell.track)
        if not cell.pieces:
            draw_disc(frame, cell.y, cell.x, cell.radius, cell.track)
    for cell in _hidden(cells, labels):
        centre = (cell.y, cell.x)
        if cell.pieces:
            centre = np.mean(np.concatenate(cell.pieces), axis=0)
        y, x = (round(float(side)) for side in centre)
        if not (0 <= y < shape[1] and 0 <= x < shape[2]):
            raise _outside(cell, path)
        labels[cell.frame, y, x] = cell.track
    for cell in _hidden(cells, labels):
        raise InputError(
            f"Track {cell.track} in frame {cell.frame} of {path} lies where another "
            "cell is, and both are too small to be told apart; remove one of them."
        )
    rows = parents_that_fit(tracks_from_labels(labels), parents)
    return SavedResult(labels, rows, scale, units)


def _extent(cell: DrawnCell) -> float:
    """Area of the box around a cell."""
    if not cell.pieces:
        return (2 * cell.radius) ** 2
    return float(np.prod(np.ptp(np.concatenate(cell.pieces), axis=0)))


def _hidden(cells: Sequence[DrawnCell], labels: NDArray[np.int32]) -> list[DrawnCell]:
    """Find the cells of which no pixel is there."""
    seen = [set(np.unique(frame).tolist()) for frame in labels]
    return [cell for cell in cells if cell.track not in seen[cell.frame]]


def _outside(cell: DrawnCell, path: Path) -> InputError:
    return InputError(
        f"Track {cell.track} in frame {cell.frame} of {path} lies at y {cell.y:g}, x "
        f"{cell.x:g}, outside of the frames; check its positions and its scale."
    )
