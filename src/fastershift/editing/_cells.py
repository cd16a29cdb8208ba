"""Labels, tracks and locks together, with an index that makes edits quick."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.editing._region import Box, Mask, Region, joined_box
from fastershift.errors import InputError
from fastershift.labels import label_boxes, label_ids
from fastershift.tracking import Lineage, Track, place_cells

__all__ = ["Cell", "Cells", "GivenLineage", "Labels", "Spans"]

Labels: TypeAlias = npt.NDArray[np.int32]
#: First and last frame in which each label occurs, by label.
Spans: TypeAlias = Mapping[int, tuple[int, int]]
#: Tracks, or what tells them once it is known which labels there are.
GivenLineage: TypeAlias = Lineage | Callable[[Spans], Lineage]


@dataclass(frozen=True)
class Cell:
    """Where a label is in one frame.

    Attributes
    ----------
    box : (slice, slice)
        The smallest rectangle around it.
    area : int
        Pixels.
    y, x : float
        Its centroid in pixels of the frame.
    """

    box: Box
    area: int
    y: float
    x: float


class Cells:
    """What edits work on; only changes of this package write to it.

    Parameters
    ----------
    labels : (T, Y, X) int32
        Track ids, 0 is background. Edits change this very array.
    lineage : Lineage or callable
        The tracks that go with it; or what makes them of first and last frame of each
        label. That waits until they are asked for, as all labels are read for it.

    Attributes
    ----------
    labels : (T, Y, X) int32
        The array that was given.
    locked : dict
        Ids of the locked cells of each frame that has any.
    filled : dict
        Ids of the cells of each frame that were put in to fill a gap.
    voids : dict
        Regions of each frame in which a cell was deleted, so that a new run does not
        bring it back.
    guard : RLock
        Held while something is read or written that has to fit together.

    Raises
    ------
    InputError
        When the labels are not (T, Y, X) int32 that can be written to.
    """

    def __init__(self, labels: Labels, lineage: GivenLineage) -> None:
        if labels.ndim != 3 or labels.dtype != np.int32 or not labels.flags.writeable:
            raise InputError(
                "Corrections need labels with the axes (time, row, column), int32, "
                "that may be changed."
            )
        self.labels = labels
        self.locked: dict[int, set[int]] = {}
        self.filled: dict[int, set[int]] = {}
        self.voids: dict[int, list[Region]] = {}
        self.guard = threading.RLock()
        self._tracks: dict[int, Track] = {}
        self._children: dict[int, set[int]] = defaultdict(set)
        self._index: dict[int, dict[int, Cell]] = {}
        self._positions: dict[int, npt.NDArray[np.float64]] = {}
        self._lineage: Lineage | None = None
        self._given: GivenLineage | None = lineage
        if isinstance(lineage, Lineage):
            self.settle()

    def settle(self) -> None:
        """Take the tracks that were given, before anything depends on them.

        Whoever lets others write to the labels does it first.
        """
        with self.guard:
            if self._given is None:
                return
            given = self._given
            lineage = given if isinstance(given, Lineage) else given(self._spans())
            for track in lineage.tracks:
                self._tracks[track.id] = track
                if track.parent:
                    self._children[track.parent].add(track.id)
            self._given = None

    def _spans(self) -> Spans:
        spans: dict[int, tuple[int, int]] = {}
        for frame, labels in enumerate(self.labels):
            # Labels alone are found sooner than cells.
            found = self._index.get(frame)
            for label in label_ids(labels)[1:].tolist() if found is None else found:
                spans[label] = (spans.get(label, (frame, frame))[0], frame)
        return spans

    @property
    def tracks(self) -> dict[int, Track]:
        """Track by id."""
        self.settle()
        return self._tracks

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.labels)

    @property
    def lineage(self) -> Lineage:
        """All tracks by id."""
        if self._lineage is None:
            tracks = (self.tracks[label] for label in sorted(self.tracks))
            self._lineage = Lineage(tuple(tracks))
        return self._lineage

    def children(self, label: int) -> tuple[int, ...]:
        """Return the tracks whose parent is this one, ascending."""
        self.settle()
        return tuple(sorted(self._children.get(label, ())))

    def successors(self, label: int) -> tuple[int, ...]:
        """Return the children that begin after this track has ended.

        They are its daughters, or itself seen again after a gap. A bud, whose mother
        lives on beside it, is neither.
        """
        track = self.tracks.get(label)
        return tuple(
            child
            for child in self.children(label)
            if track is None or self.tracks[child].first > track.last
        )

    def new_id(self) -> int:
        """Return a number that no track has, nor a parent that is not among them."""
        parents = (parent for parent, found in self._children.items() if found)
        return max((0, *self.tracks, *parents)) + 1

    def frame(self, frame: int) -> dict[int, Cell]:
        """Return the cells of a frame by label; found once, then kept up to date."""
        with self.guard:
            if frame not in self._index:
                self._index[frame] = _find_cells(self.labels[frame])
            return self._index[frame]

    def seen(self, label: int, frames: Iterable[int]) -> Iterator[int]:
        """Go through those of some frames that hold a cell; tracks may have gaps."""
        return (frame for frame in frames if label in self.frame(frame))

    def prepare(self) -> Iterator[int]:
        """Find the cells of all frames ahead of the first edit.

        Yields
        ------
        int
            Each frame that is ready; a place to stop.
        """
        for frame in range(len(self)):
            self.frame(frame)
            yield frame
        self.settle()

    def positions(self) -> npt.NDArray[np.float64]:
        """Return id, frame, y and x of every cell, ordered by id, then frame.

        As `fastershift.tracking.centroids`, but only frames that have changed since
        the last time are looked at.
        """
        with self.guard:
            for frame in range(len(self)):
                if frame not in self._positions:
                    self._positions[frame] = np.array(
                        [
                            (label, frame, c.y, c.x)
                            for label, c in self.frame(frame).items()
                        ],
                        np.float64,
                    ).reshape(-1, 4)
            table = np.concatenate([self._positions[t] for t in range(len(self))])
        return table[np.lexsort((table[:, 1], table[:, 0]))]

    def region(self, frame: int, label: int) -> Region:
        """Return the pixels of a cell."""
        with self.guard:
            box = self.frame(frame)[label].box
            return Region.of(
                self.labels[frame][box] == label, box[0].start, box[1].start
            )

    def recolor(self, frame: int, region: Region, value: int) -> None:
        """Give the pixels of a region another label; the lineage is left alone."""
        self.settle()
        view, mask = self.labels[frame][region.box], region.mask
        found = set(np.unique(view[mask]).tolist()) | {value}
        view[mask] = value
        self._positions.pop(frame, None)
        cells = self._index.get(frame)
        if cells is None:
            return
        for label in found - {0}:
            known = cells.pop(label, None)
            box = joined_box(known.box if known else None, region.box)
            cell = _measure(self.labels[frame], label, box)
            if cell is not None:
                cells[label] = cell

    def put_back(self, former: Sequence[tuple[int, Region, int]]) -> None:
        """Give pixels that others have painted the labels again that they had.

        Parameters
        ----------
        former : sequence of (int, Region, int)
            Frame, pixels and label before.
        """
        with self.guard:
            if self._given is not None:
                # All of them first: tracks are those of the labels before.
                for frame, region, value in former:
                    self.labels[frame][region.box][region.mask] = value
                    self._index.pop(frame, None)
            for frame, region, value in former:
                self.recolor(frame, region, value)

    def rename(self, frames: Iterable[int], names: Mapping[int, int]) -> None:
        """Exchange labels in some frames; no new name may be in use there otherwise."""
        self.settle()
        for frame in frames:
            cells = self.frame(frame)
            masks = {
                old: (box := cells[old].box, self.labels[frame][box] == old)
                for old in names
                if old in cells
            }
            moved = {names[old]: cells.pop(old) for old in masks}
            for old, (box, mask) in masks.items():
                self.labels[frame][box][mask] = names[old]
            cells.update(moved)
            self._positions.pop(frame, None)
            for marked in (self.locked, self.filled):
                if frame in marked:
                    marked[frame] = {names.get(one, one) for one in marked[frame]}

    def change_tracks(self, before: Iterable[Track], after: Iterable[Track]) -> None:
        """Take tracks away and put others in their place.

        Raises
        ------
        ValueError
            When one of them is not there, or named twice; nothing is changed then.
        """
        before = tuple(before)
        if len(self.tracks.keys() & {one.id for one in before}) < len(before):
            raise ValueError("the tracks to be taken away are not those that are there")
        for track in before:
            del self.tracks[track.id]
            if track.parent:
                self._children[track.parent].discard(track.id)
        for track in after:
            self.tracks[track.id] = track
            if track.parent:
                self._children[track.parent].add(track.id)
        self._lineage = None

    def change_locks(
        self, frame: int, removed: Iterable[int], added: Iterable[int]
    ) -> None:
        """Unlock and lock cells of a frame."""
        _mark(self.locked, frame, removed, added)

    def change_filled(
        self, frame: int, removed: Iterable[int], added: Iterable[int]
    ) -> None:
        """Forget and note which cells of a frame were put in."""
        _mark(self.filled, frame, removed, added)

    def change_voids(
        self, frame: int, removed: Iterable[Region], added: Iterable[Region]
    ) -> None:
        """Forget and remember regions without a cell."""
        voids = list(self.voids.pop(frame, ()))
        for region in removed:
            voids.remove(region)
        voids.extend(added)
        if voids:
            self.voids[frame] = voids

    def replace_frame(self, frame: int, labels: Labels) -> None:
        """Exchange all labels of a frame; the lineage is left alone."""
        self.settle()
        self.labels[frame] = labels
        self._index.pop(frame, None)
        self._positions.pop(frame, None)


def _mark(
    marked: dict[int, set[int]],
    frame: int,
    removed: Iterable[int],
    added: Iterable[int],
) -> None:
    left = (marked.pop(frame, set()) - set(removed)) | set(added)
    if left:
        marked[frame] = left


def _measure(labels: Labels, label: int, box: Box) -> Cell | None:
    """Find a label that lies within a rectangle."""
    mask: Mask = labels[box] == label
    by_row, by_column = mask.sum(axis=1), mask.sum(axis=0)
    rows, columns = by_row.nonzero()[0], by_column.nonzero()[0]
    if not rows.size:
        return None
    area = int(by_row.sum())
    top, left = box[0].start, box[1].start
    return Cell(
        (
            slice(top + int(rows[0]), top + int(rows[-1]) + 1),
            slice(left + int(columns[0]), left + int(columns[-1]) + 1),
        ),
        area,
        float(top + by_row @ np.arange(by_row.size) / area),
        float(left + by_column @ np.arange(by_column.size) / area),
    )


def _find_cells(labels: Labels) -> dict[int, Cell]:
    """Find all labels of a frame."""
    found, boxes = place_cells(labels), label_boxes(labels)
    return {
        label: Cell(boxes[label], area, y, x)
        for label, area, (y, x) in zip(
            found.ids.tolist(), found.areas.tolist(), found.places.tolist(), strict=True
        )
    }
