"""Where the cells of a frame are, and how large."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from fastershift._compiled import compiled
from fastershift.labels import Labels, coded

__all__ = ["PlacedCells", "place_cells"]

_Numbers = npt.NDArray[np.int64]
_Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PlacedCells:
    """The cells of one frame, as the linker sees them.

    Attributes
    ----------
    ids : (n,) int64
        Their labels, ascending.
    areas : (n,) int64
        Their pixels.
    places : (n, 2) float64
        Row and column of their centroids, in pixels.
    """

    ids: _Numbers
    areas: _Numbers
    places: _Reals

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def diameter(self) -> float:
        """Diameter of a disc as large as the median cell, in pixels; 0 without any."""
        if not len(self):
            return 0.0
        return float(np.sqrt(4 / np.pi * np.median(self.areas)))

    @cached_property
    def tree(self) -> cKDTree:
        """Finds the cells near a place."""
        return cKDTree(self.places)


@compiled
def _add_up(labels: Labels, sums: _Numbers) -> None:
    """Add up number, rows and columns of the pixels of each label."""
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            label = labels[row, column]
            if label:
                sums[label, 0] += 1
                sums[label, 1] += row
                sums[label, 2] += column


def place_cells(frame: Labels) -> PlacedCells:
    """Measure the cells of a frame.

    Parameters
    ----------
    frame : (Y, X) int array
        Labels; 0 is background.

    Returns
    -------
    PlacedCells
    """
    ids, codes = coded(frame)
    sums = np.zeros((len(ids), 3), dtype=np.int64)
    _add_up(codes, sums)
    found = np.flatnonzero(sums[:, 0])
    areas = sums[found, 0]
    return PlacedCells(ids[found], areas, sums[found, 1:] / areas[:, None])
