"""Linking frame pairs through the frame they share."""

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.labels import (
    Box,
    Labels,
    as_labels,
    compact,
    copy_labels,
    label_areas,
    label_boxes,
    overlaps,
    overlaps_and_unions,
    relabel,
)

__all__ = ["Linker", "best_matches"]

_Frame = npt.NDArray[np.int32]


class Linker:
    """Carry labels from frame pair to frame pair.

    Each pair holds its own segmentation of two consecutive frames. Its first frame
    was already seen as the second one of the pair before; labels of the two
    segmentations of that shared frame that overlap enough are the same cell
    (Payer et al. 2019).

    Parameters
    ----------
    settings : TrackSettings
        `linking_overlap` and `merge_search` are used.
    published : bool
        Rejoin split-off parts as published: when a single pixel of the part lies under
        the cell that swallows it. Otherwise half of the part must, and the part must
        be gone afterwards, so that neighbours which only move are not joined.
    """

    def __init__(
        self,
        settings: TrackSettings,
        *,
        published: bool = False,
    ) -> None:
        self._settings = settings
        self._published = published
        self._frames: list[_Frame] = []
        self._released = 0
        self._first_frame: dict[int, int] = {}
        self._boxes: deque[dict[int, Box]] = deque(maxlen=settings.merge_search + 2)
        self._largest = 0

    def __len__(self) -> int:
        """Return the number of frames so far."""
        return self._released + len(self._frames)

    def release(self, *, settled: bool = True) -> list[_Frame]:
        """Hand over the earliest frames and forget them, so that few are held.

        Parameters
        ----------
        settled : bool
            Only those that no later pair can change; otherwise all that are left,
            after which no pair can be added.

        Returns
        -------
        list of (Y, X) int32
            Their provisional labels.
        """
        # A part that is rejoined is followed back to the frame before its first one.
        held = self._settings.merge_search + 2 if settled else 0
        count = max(0, len(self._frames) - held)
        released = self._frames[:count]
        del self._frames[:count]
        self._released += count
        return released

    def descent(self) -> None:
        """Know nothing of parents: they are searched for."""

    def add(self, pair: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Link one more pair of frames.

        Parameters
        ----------
        pair : (2, Y, X) int array
            Labels of the last frame known so far and the one after it, numbered in
            any way; 0 is background. The first one may hold a single frame, for a
            movie of one frame.

        Returns
        -------
        (2, Y, X) or (1, Y, X) int32
            Provisional labels of the frames that are new: both of the first pair,
            afterwards one. Later pairs may still rejoin parts of them.

        Raises
        ------
        InputError
            When the pair is not a pair of label images of the size of those before.
        """
        pair = as_labels(pair, 3)
        if not self._frames and len(pair) in (1, 2):
            for frame in pair:
                self._append(copy_labels(frame))
            self._largest = int(pair.max(initial=0))
            return copy_labels(pair)
        if pair.shape != (2, *self._shape):
            raise InputError(
                f"A pair of label images of {self._shape} pixels was expected, not an "
                f"array of shape {pair.shape}."
            )
        self._append(self._link(*pair))
        self._rejoin_parts()
        return copy_labels(self._frames[-1][np.newaxis])

    @property
    def _shape(self) -> tuple[int, ...]:
        return self._frames[-1].shape if self._frames else ()

    def _append(self, frame: _Frame) -> None:
        boxes = label_boxes(frame)
        for label in boxes:
            self._first_frame.setdefault(label, len(self))
        self._frames.append(frame)
        self._boxes.append(boxes)

    def _link(self, again: Labels, new: Labels) -> _Frame:
        """Give the new frame the labels of the cells it shares with the last one."""
        least = self._settings.linking_overlap
        if self._published:
            # There an overlap must exceed the limit, here it may meet it.
            least = float(np.nextafter(least, 2))
        matches = dict(best_matches(self._frames[-1], again, least))
        ids = label_areas(new)[0].tolist()
        for label in ids:
            if label not in matches:
                self._largest += 1
                matches[label] = self._largest
        return relabel(new, ids, (matches[label] for label in ids))

    def _rejoin_parts(self) -> None:
        """Give parts that split off a cell and return to it the label of that cell."""
        previous, newest = self._frames[-2:]
        areas = dict(zip(*(a.tolist() for a in label_areas(previous)), strict=True))
        shared: dict[int, dict[int, int]] = {label: {} for label in areas}
        for label, other, count in zip(*overlaps(previous, newest), strict=True):
            shared[int(label)][int(other)] = int(count)
        for label in list(areas):
            whole = _largest_overlap(shared[label])
            survives = label in self._boxes[-1]
            if whole in (0, label) or (survives and not self._published):
                continue
            if not self._covers(shared[label][whole], areas[label]):
                continue
            last = len(self) - (1 if survives else 2)
            if self._came_from(label, whole, last):
                self._join(label, whole, last)
                _join_overlaps(shared, label, whole)
                areas[whole] = areas.get(whole, 0) + areas[label]

    def _covers(self, count: int, area: int) -> bool:
        return count > 0 if self._published else 2 * count >= area

    def _came_from(self, part: int, whole: int, last: int) -> bool:
        """Tell whether a part, short-lived so far, began inside the whole."""
        first = self._first_frame[part]
        if last - first > self._settings.merge_search:
            return False
        if first == 0:
            return True
        box = self._box_table(first)[part]
        under = self._frame(first - 1)[box][self._frame(first)[box] == part]
        ids, codes = compact(under)
        counts = dict(zip(ids.tolist(), np.bincount(codes).tolist(), strict=True))
        before = _largest_overlap(counts)
        return before == whole and self._covers(counts[before], under.size)

    def _join(self, part: int, whole: int, last: int) -> None:
        first = self._first_frame.pop(part)
        for time in range(first, last + 1):
            boxes = self._box_table(time)
            box = boxes.pop(part)
            view = self._frame(time)[box]
            view[view == part] = whole
            boxes[whole] = _union(box, boxes.get(whole, box))
        self._first_frame[whole] = min(first, self._first_frame[whole])

    def _box_table(self, time: int) -> dict[int, Box]:
        return self._boxes[time - len(self)]

    def _frame(self, time: int) -> _Frame:
        return self._frames[time - self._released]


def best_matches(
    known: Labels, again: Labels, least: float
) -> Iterator[tuple[int, int]]:
    """Pair the labels of two segmentations of a frame, largest overlap (IoU) first.

    Of equal overlaps, that of the larger cells comes first.

    Yields
    ------
    again_label, known_label : int
        Each label at most once.
    """
    known_ids, again_ids, shared, union = overlaps_and_unions(known, again)
    overlap = shared / union
    order = np.lexsort((again_ids, known_ids, -union, -overlap))
    order = order[overlap[order] >= least]
    taken: set[int] = set()
    matched: set[int] = set()
    for known_label, again_label in zip(
        known_ids[order].tolist(), again_ids[order].tolist(), strict=True
    ):
        if known_label not in taken and again_label not in matched:
            taken.add(known_label)
            matched.add(again_label)
            yield again_label, known_label


def _largest_overlap(counts: dict[int, int]) -> int:
    """Return the label above 0 with most pixels, the smaller one of equals, or 0."""
    cells = [label for label in counts if label > 0]
    return min(cells, key=lambda label: (-counts[label], label), default=0)


def _join_overlaps(shared: dict[int, dict[int, int]], part: int, whole: int) -> None:
    """Update the overlap counts of two frames when a part becomes the whole."""
    rows = [shared.setdefault(whole, {}), shared.pop(part)]
    for label, count in rows[1].items():
        rows[0][label] = rows[0].get(label, 0) + count
    for row in shared.values():
        if part in row:
            row[whole] = row.get(whole, 0) + row.pop(part)


def _union(first: Box, second: Box) -> Box:
    return tuple(
        slice(min(a.start, b.start), max(a.stop, b.stop))
        for a, b in zip(first, second, strict=True)
    )
