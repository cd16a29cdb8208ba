"""Known errors in a true result, and the clicks that correct them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from fastershift.editing import Delete, Editor, Merge, Region, Split, Swap
from fastershift.tracking import Lineage

__all__ = [
    "KINDS",
    "LASTS",
    "Kind",
    "Labels",
    "Planted",
    "candidates",
    "deepest",
    "plant",
]

Kind: TypeAlias = Literal["merge", "split", "drop", "swap"]
Labels: TypeAlias = npt.NDArray[np.int32]
Point: TypeAlias = tuple[int, int]

KINDS: tuple[Kind, ...] = ("merge", "split", "drop", "swap")

# An error lasts to the next division, at most so many frames after its first.
LASTS = 10

# Cells at most this share of the median diameter apart are neighbours.
_NEIGHBOURS = 0.5


@dataclass(frozen=True)
class Planted:
    """An error in a stretch of a movie.

    Attributes
    ----------
    kind : {"merge", "split", "drop", "swap"}
        Two neighbours made one, a cell made two, a cell left out, two cells swapped.
    first, last : int
        Frames in which the result is wrong.
    cells : tuple of int
        True cells that are wrong in it.
    """

    kind: Kind
    first: int
    last: int
    cells: tuple[int, ...]


def candidates(
    kind: Kind, labels: Labels, lineage: Lineage, first: int
) -> Iterator[Planted]:
    """Find where an error of a kind can begin in a frame and last long enough.

    Parameters
    ----------
    kind : {"merge", "split", "drop", "swap"}
        The error.
    labels : (T, Y, X) int32
        The truth.
    lineage : Lineage
        Its tracks.
    first : int
        Frame in which it begins; not the first one of the movie.

    Yields
    ------
    Planted
    """
    lasting = {
        track.id: min(track.last, first + LASTS)
        for track in lineage.tracks
        if track.first < first
        and (
            track.last >= first + LASTS
            or (track.last > first and len(lineage.children(track.id)) > 1)
        )
    }
    if kind in ("split", "drop"):
        for label, last in lasting.items():
            yield Planted(kind, first, last, (label,))
        return
    for one, other in _pairs(labels[first]):
        if one in lasting and other in lasting:
            last = min(lasting[one], lasting[other])
            yield Planted(kind, first, last, (one, other))


def _pairs(labels: Labels) -> list[tuple[int, int]]:
    """Return the neighbours in a frame."""
    areas = np.bincount(labels.ravel())[1:]
    if not areas.any():
        return []
    diameter = 2 * np.sqrt(np.median(areas[areas > 0]) / np.pi)
    size = 2 * max(1, round(_NEIGHBOURS * diameter)) + 1
    largest = ndimage.maximum_filter(labels, size)
    free = np.where(labels > 0, labels, np.iinfo(np.int32).max)
    smallest = ndimage.minimum_filter(free, size)
    found: set[tuple[int, int]] = set()
    for near in (largest, smallest):
        touching = (labels > 0) & (near > 0) & (near != labels)
        pairs = np.stack([labels[touching], near[touching]])
        found.update(map(tuple, np.sort(pairs, axis=0).T.tolist()))
    return sorted(found)


def plant(labels: Labels, lineage: Lineage, error: Planted) -> Editor:
    """Put an error into a copy of the truth.

    Parameters
    ----------
    labels : (T, Y, X) int32
        The truth.
    lineage : Lineage
        Its tracks.
    error : Planted
        What is to go wrong.

    Returns
    -------
    Editor
        With an empty history, as if a run had made the error.
    """
    editor = Editor(labels.copy(), lineage)
    if error.kind == "swap":
        editor.do(Swap(error.first, error.cells[0], error.cells[1]))
    elif error.kind == "drop":
        editor.do(Delete(error.first, error.cells, "until", error.last))
    else:
        other = 0
        angle = None
        for frame in range(error.first, error.last + 1):
            if error.kind == "merge":
                # The second track goes on under another number after a gap.
                second = _number(editor, error, frame, labels)
                editor.do(Merge(frame, (error.cells[0], second)))
                continue
            (label,) = error.cells
            parts, angle = _halves(labels[frame] == label, angle)
            if parts is not None:
                change = editor.do(Split(frame, label, parts, (label, other)))
                other = change.tracks[1]
    return Editor(editor.labels, editor.lineage)


def _number(editor: Editor, error: Planted, frame: int, truth: Labels) -> int:
    """Return the number that the second cell has now."""
    place = np.argwhere(truth[frame] == error.cells[1])[0]
    return int(editor.labels[frame][tuple(place)])


def _halves(
    mask: npt.NDArray[np.bool_], before: npt.NDArray[np.float64] | None
) -> tuple[tuple[Region, Region] | None, npt.NDArray[np.float64]]:
    """Cut a cell across its long axis; the same half comes first in every frame."""
    places = np.argwhere(mask)
    centred = places - places.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    if before is not None and axis @ before < 0:
        axis = -axis
    first = np.zeros(mask.shape, bool)
    first[tuple(places[centred @ axis <= 0].T)] = True
    if not (mask & ~first).any() or not first.any():
        return None, axis
    return (Region.of(first), Region.of(mask & ~first)), axis


def deepest(mask: npt.NDArray[np.bool_]) -> Point:
    """Return the pixel of a cell that is farthest from its outline."""
    region = Region.of(mask)
    depth = ndimage.distance_transform_edt(np.pad(region.mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(y) + region.top, int(x) + region.left
