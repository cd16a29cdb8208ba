"""Statistics of each frame, from which tracks are decided without its pixels."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fastershift.config import TrackSettings
from fastershift.labels import Labels, as_labels, coded, label_boxes, measure_labels
from fastershift.tracking._parents import Appearance, look_under

__all__ = ["Evidence", "FrameCells"]

_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FrameCells:
    """The cells of one frame.

    Attributes
    ----------
    ids, areas : (n,) int64
        Labels in ascending order, and their pixels.
    order : (n,) int64
        Positions in `ids`, sorted by the first pixel of each label.
    outside : (n,) bool
        Which lie wholly within the border.
    appearing : dict
        What lies under those that the frame before does not hold, or holds only within
        the border.
    """

    ids: _Integers
    areas: _Integers
    order: _Integers
    outside: npt.NDArray[np.bool_]
    appearing: dict[int, Appearance] = field(default_factory=dict)


class Evidence:
    """Measures the frames of a movie one by one and keeps only the numbers.

    Parameters
    ----------
    settings : TrackSettings
        `border`, `division_search` and `parent_dilation` are used.
    """

    def __init__(self, settings: TrackSettings) -> None:
        self.frames: list[FrameCells] = []
        #: Rows and columns of the border.
        self.border = (settings.border, settings.border)
        self.search = settings.division_search
        self._dilation = settings.parent_dilation or 0
        self._before: deque[Labels] = deque(maxlen=self.search)

    def add(self, frame: npt.ArrayLike) -> None:
        """Measure the next frame, (Y, X) int labels; 0 is background."""
        labels = as_labels(frame, 2)
        ids, codes = coded(labels)
        areas, firsts, inside = measure_labels(codes, len(ids) - 1, self.border)
        found = np.flatnonzero(areas)
        cells = FrameCells(
            ids[found],
            areas[found],
            np.argsort(firsts[found]),
            ~inside[found],
        )
        if self.search and self.frames:
            self._look_under(labels, cells)
        self.frames.append(cells)
        self._before.append(labels)

    def _look_under(self, labels: Labels, cells: FrameCells) -> None:
        last = self.frames[-1]
        new = np.setdiff1d(cells.ids, last.ids[~last.outside])
        if not new.size:
            return
        boxes = label_boxes(labels)
        for label in new.tolist():
            cells.appearing[label] = look_under(
                labels, label, boxes[label], self._dilation, self._before
            )
