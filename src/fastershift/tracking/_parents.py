"""The search for the parent of a new cell."""

from collections.abc import Iterable, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from skimage.morphology import isotropic_dilation

from fastershift.labels import Box, Labels, compact

__all__ = ["Appearance", "best_parent", "grow", "look_under"]

_Integers = npt.NDArray[np.int64]

#: Least overlap (IoU) of a new cell with its parent.
_LEAST_OVERLAP = 0.01


def grow(region: npt.NDArray[np.bool_], diameter: int) -> npt.NDArray[np.bool_]:
    """Add the pixels within (`diameter` - 1) / 2 of a region.

    Distances tell them, so that the time does not grow with the square of the diameter.
    """
    grown: npt.NDArray[np.bool_] = isotropic_dilation(region, (diameter - 1) / 2)
    return grown


@dataclass(frozen=True)
class Appearance:
    """What lies, in the frames before, where a cell appears.

    Attributes
    ----------
    size : int
        Pixels of the region in which it appears, grown a little.
    under : tuple of (labels, counts)
        For each of the frames before, the labels in that region and their pixels.
    """

    size: int
    under: tuple[tuple[_Integers, _Integers], ...]


def look_under(
    frame: Labels, label: int, box: Box, dilation: int, before: Iterable[Labels]
) -> Appearance:
    """Count what the frames before hold where a cell appears.

    Parameters
    ----------
    frame : (Y, X) int array
        The frame in which it appears.
    label : int
        The cell.
    box : tuple of slice
        The rectangle around it.
    dilation : int
        Diameter of the disc by which its region is grown.
    before : iterable of (Y, X) int array
        The frames before.

    Returns
    -------
    Appearance
    """
    reach = max(dilation - 1, 0) // 2
    grown = tuple(slice(max(side.start - reach, 0), side.stop + reach) for side in box)
    region = frame[grown] == label
    if reach:
        region = grow(region, dilation)
    under = []
    for earlier in before:
        ids, codes = compact(earlier[grown][region])
        counts = np.bincount(codes, minlength=ids.size)
        under.append((ids[1:], counts[1:]))
    return Appearance(int(np.count_nonzero(region)), tuple(under))


def best_parent(
    size: int,
    candidates: _Integers,
    shared: _Integers,
    areas: _Integers,
    n_frames: int,
    without: Set[int] = frozenset(),
) -> int:
    """Choose the label that overlaps most with the region of a new cell, or 0.

    The largest intersection over union with the frames before, taken together, is the
    parent (Payer et al. 2019).

    Parameters
    ----------
    size : int
        Pixels of the region.
    candidates : (n,) int64
        Labels in ascending order.
    shared, areas : (n,) int64
        Their pixels in the region, and all of them, summed over the frames.
    n_frames : int
        Number of the frames before.
    without : set of int
        Labels that cannot be parents.

    Returns
    -------
    int
    """
    if not candidates.size:
        return 0
    overlap = shared / (n_frames * size - shared + areas)
    overlap[np.isin(candidates, list(without))] = 0
    best = int(overlap.argmax())
    return int(candidates[best]) if overlap[best] > _LEAST_OVERLAP else 0
