"""A frame of cells, and what is measured between it and the frames before."""

from dataclasses import dataclass, field
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from fastershift.labels import Labels, overlaps
from fastershift.tracking._cells import PlacedCells, place_cells
from fastershift.tracking._drift import estimate_drift

__all__ = ["MaskFrame", "Shared", "cut_moved"]

_Reals = npt.NDArray[np.float64]
_Numbers = npt.NDArray[np.int64]

#: Positions of cells of two frames that overlap, and their intersection over union.
Shared: TypeAlias = tuple[_Numbers, _Numbers, _Reals]


@dataclass(eq=False)
class MaskFrame:
    """The cells of one frame, measured once.

    What is measured between two frames is kept as long as both are: no setting changes
    it, so that the same frames can be linked again at other costs.

    Attributes
    ----------
    labels : (Y, X) int array
        Cells, numbered in any way; 0 is background. Not to be changed.
    cells : PlacedCells
        Where they are.
    """

    labels: Labels
    cells: PlacedCells = field(init=False)

    def __post_init__(self) -> None:
        self.cells = place_cells(self.labels)
        self._drifts: WeakKeyDictionary[MaskFrame, _Reals] = WeakKeyDictionary()
        self._shared: WeakKeyDictionary[MaskFrame, dict[tuple[int, int], Shared]]
        self._shared = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def nbytes(self) -> int:
        """Memory it takes, about."""
        return self.labels.nbytes

    def diameter(self, before: "MaskFrame") -> float:
        """Tell how wide the cells of the two frames are, in pixels; 1 at least."""
        return max(before.cells.diameter, self.cells.diameter, 1.0)

    def drift(self, before: "MaskFrame") -> _Reals:
        """Estimate the move that the cells have in common since a frame.

        Parameters
        ----------
        before : MaskFrame
            The frame before this one.

        Returns
        -------
        (2,) float64
            Rows and columns.
        """
        if before not in self._drifts:
            self._drifts[before] = estimate_drift(
                before.cells.places, self.cells.places, self.diameter(before)
            )
        return self._drifts[before]

    def shared(self, before: "MaskFrame", moved: _Reals) -> Shared:
        """Find the cells of an earlier frame that overlap with cells of this one.

        Parameters
        ----------
        before : MaskFrame
            The earlier frame.
        moved : (2,) float64
            Rows and columns by which the stage moved since then; this frame is moved
            back by whole pixels.

        Returns
        -------
        before, here : (k,) int64
            Positions of the cells in either frame.
        shares : (k,) float64
            Intersection over union.
        """
        rows, columns = (round(float(one)) for one in moved)
        known = self._shared.setdefault(before, {})
        if (rows, columns) not in known:
            old, new, counts = overlaps(
                cut_moved(before.labels, -rows, -columns),
                cut_moved(self.labels, rows, columns),
            )
            olds = np.searchsorted(before.cells.ids, old)
            news = np.searchsorted(self.cells.ids, new)
            union = before.cells.areas[olds] + self.cells.areas[news] - counts
            known[rows, columns] = olds, news, counts / union
        return known[rows, columns]


def cut_moved(frame: Labels, row: int, column: int) -> Labels:
    """Cut a frame to the part that it shares with one that is moved so far.

    Frames that are moved apart share nothing: the part is then empty.
    """
    rows, columns = (
        slice(min(max(move, 0), size), max(size + min(move, 0), 0))
        for move, size in zip((row, column), frame.shape, strict=True)
    )
    return np.ascontiguousarray(frame[rows, columns])
