"""Looking for the parent of a cell that appears."""

from collections.abc import Set

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from fastershift.config import TrackSettings
from fastershift.tracking._regions import (
    Box,
    Labels,
    compact,
    label_areas,
    label_boxes,
)

__all__ = ["ParentSearch", "disc"]

#: Least overlap (IoU) of a new cell with its parent.
_LEAST_OVERLAP = 0.01


def disc(diameter: int) -> npt.NDArray[np.bool_]:
    """Return the pixels within (`diameter` - 1) / 2 of the central one."""
    radius = (diameter - 1) / 2
    reach = max(int(radius), 0)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    inside: npt.NDArray[np.bool_] = y * y + x * x <= radius * radius + 1e-9
    return inside


class ParentSearch:
    """Find the track that a new cell comes from.

    The region in which the cell appears, grown a little, is compared with each label
    of the frames before; the largest overlap (IoU over those frames together) is the
    parent (Payer et al. 2019).

    Parameters
    ----------
    stack : (T, Y, X) int array
        Labels of all frames.
    settings : TrackSettings
        `division_search` and `parent_dilation` are used.
    """

    def __init__(self, stack: Labels, settings: TrackSettings) -> None:
        self._stack = stack
        self._search = settings.division_search
        dilation = settings.parent_dilation or 0
        self._reach = max(dilation - 1, 0) // 2
        self._element = disc(dilation)
        self._areas = [label_areas(frame) for frame in stack]
        self._first_boxes: dict[int, Box] = {}
        for frame in stack:
            for label, box in label_boxes(frame).items():
                self._first_boxes.setdefault(label, box)

    def find(self, label: int, first: int, *, without: Set[int] = frozenset()) -> int:
        """Return the parent of a label that appears in frame `first`, or 0.

        Labels in `without` cannot be parents.
        """
        times = range(max(first - self._search, 0), first)
        if not times:
            return 0
        box = tuple(
            slice(max(side.start - self._reach, 0), side.stop + self._reach)
            for side in self._first_boxes[label]
        )
        region = self._stack[first][box] == label
        if self._reach:
            region = ndimage.binary_dilation(region, self._element)
        ids, codes = compact(
            np.stack([self._stack[time][box][region] for time in times])
        )
        shared = np.bincount(codes.ravel(), minlength=ids.size)[1:]
        candidates = ids[1:]
        union = len(times) * np.count_nonzero(region) - shared
        for time in times:
            union += self._area_of(candidates, time)
        overlap = shared / union
        overlap[np.isin(candidates, list(without))] = 0
        best = int(overlap.argmax()) if overlap.size else 0
        if not overlap.size or overlap[best] <= _LEAST_OVERLAP:
            return 0
        return int(candidates[best])

    def _area_of(
        self, labels: npt.NDArray[np.int64], time: int
    ) -> npt.NDArray[np.int64]:
        ids, areas = self._areas[time]
        if not ids.size:
            return np.zeros(labels.size, dtype=np.int64)
        positions = np.searchsorted(ids, labels).clip(max=ids.size - 1)
        return np.where(ids[positions] == labels, areas[positions], 0)
