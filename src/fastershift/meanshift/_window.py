"""Which points lie in the windows of some positions, and their sums."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.meanshift._memory import for_blocks
from fastershift.meanshift._points import Points

__all__ = [
    "Edges",
    "Vectors",
    "least_cosine",
    "unit_vectors",
    "window_counts",
    "window_means",
]

#: A few positions, on the host.
Vectors: TypeAlias = npt.NDArray[np.float32]

# Below this cosine distance float32 vectors cannot be told apart.
_RESOLUTION = 1e-6

# Windows may move by this share of the bandwidth before all points are looked at again.
_SLACK = 0.1


def least_cosine(distance: float) -> float:
    """Cosine of float32 vectors that still lie within a cosine distance."""
    return 1 - max(distance, _RESOLUTION)


def unit_vectors(vectors: Vectors) -> Vectors:
    """Divide rows by their length; rows of zeros stay zeros."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    lengths = np.sqrt(squares)[:, None]
    unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def _inside(points: Points, towards: Tensor, block: slice, reach: float) -> Tensor:
    """Mark with 1 which points of a block lie within reach of each unit vector."""
    inside = towards @ points.vectors[block].T
    lengths = points.lengths
    return inside.ge_(reach if lengths is None else reach * lengths[block])


def window_counts(points: Points, unit: Tensor, bandwidth: float) -> Tensor:
    """Count the points within the bandwidth of each of some unit vectors."""
    reach = least_cosine(bandwidth)
    counts = unit.new_zeros(len(unit))

    def add(block: slice) -> None:
        counts.add_(_inside(points, unit, block, reach).sum(dim=1))

    for_blocks(len(points), len(unit), unit.device, add)
    return counts


def window_means(
    points: Points, positions: Vectors, bandwidth: float
) -> tuple[Vectors, Vectors]:
    """Mean and number of the points within the bandwidth of each position.

    A position whose window is empty, or whose window averages to zero, stays.
    """
    unit = unit_vectors(positions)
    return _means(points, positions, _sums(points, unit, bandwidth))


def _sums(points: Points, unit: Vectors, bandwidth: float) -> Vectors:
    """Sum the points in each window; in a last column, count them."""
    reach = least_cosine(bandwidth)
    towards = torch.as_tensor(unit, device=points.vectors.device)
    sums = towards.new_zeros(len(unit), unit.shape[1] + 1)
    counted = points.averaged.shape[1] > unit.shape[1]

    def add(block: slice) -> None:
        inside = _inside(points, towards, block, reach)
        if counted:
            sums.add_(inside @ points.averaged[block])
            return
        counts = inside.sum(dim=1)
        if points.weights is not None:
            inside.mul_(points.weights[block])
        found = inside @ points.averaged[block]
        sums[:, :-1] += found
        sums[:, -1] += counts

    # A block of the points should stay in the cache as well as its similarities.
    for_blocks(len(points), sum(unit.shape), towards.device, add)
    # The only synchronisation of an iteration.
    found: Vectors = sums.cpu().numpy()
    return found


def _means(
    points: Points, positions: Vectors, sums: Vectors
) -> tuple[Vectors, Vectors]:
    counts = sums[:, -1]
    means: Vectors = sums[:, :-1] / counts.clip(1)[:, None]
    # Opposite vectors cancel to rounding noise, which has no direction.
    lengths = np.linalg.norm(means, axis=1)
    stays = counts == 0
    stays |= lengths <= _RESOLUTION * np.linalg.norm(positions, axis=1)
    if points.normalise:
        means = unit_vectors(means)
    return np.where(stays[:, None], positions, means), counts


class Edges:
    """Windows that move little: only points near their edges are looked at again.

    A point whose cosine with the centre of a window is further from the window's edge
    than the centre has moved has neither come in nor gone out. So all points are looked
    at once, and from then on only those near the edge of a window. The means are those
    of all points.

    Parameters
    ----------
    points : Points
        All of them.
    n_windows : int
        How many move.
    bandwidth : float
        Cosine distance h.
    """

    def __init__(self, points: Points, n_windows: int, bandwidth: float) -> None:
        dimension = points.vectors.shape[1]
        self._points = points
        self._bandwidth = bandwidth
        self._slack = _SLACK * bandwidth
        self._near = points
        # Where the windows were when all points were looked at, and the sums of those
        # that were not near an edge.
        self._seen = np.full((n_windows, dimension), np.inf, dtype=np.float32)
        self._far = np.zeros((n_windows, dimension + 1), dtype=np.float32)

    def means(
        self, which: npt.NDArray[np.intp], positions: Vectors
    ) -> tuple[Vectors, Vectors]:
        """Do as `window_means` does, for the windows of these numbers."""
        unit = unit_vectors(positions)
        moved = np.linalg.norm(unit - self._seen[which], axis=1)
        if moved.max() > self._slack:
            self._look_at_all(which, unit)
        sums = self._far[which] + _sums(self._near, unit, self._bandwidth)
        return _means(self._points, positions, sums)

    def _look_at_all(self, which: npt.NDArray[np.intp], unit: Vectors) -> None:
        points = self._points
        dimension = unit.shape[1]
        reach = least_cosine(self._bandwidth)
        towards = torch.as_tensor(unit, device=points.vectors.device)
        near = torch.empty(len(points), dtype=torch.bool, device=towards.device)
        sums = towards.new_zeros(len(unit), dimension + 1)

        def add(block: slice) -> None:
            beyond = towards @ points.vectors[block].T
            slack: float | Tensor = self._slack
            edge: float | Tensor = reach
            if points.lengths is not None:
                slack = points.lengths[block] * slack
                edge = points.lengths[block] * edge
            beyond -= edge
            torch.le(beyond.abs().amin(dim=0), slack, out=near[block])
            inside = beyond.ge_(0)
            far = torch.logical_not(near[block]).to(inside.dtype)
            counts = inside @ far
            if points.weights is not None:
                far *= points.weights[block]
            inside *= far
            found = inside @ points.averaged[block, :dimension]
            sums[:, :-1] += found
            sums[:, -1] += counts

        for_blocks(len(points), sum(unit.shape), towards.device, add)
        self._near = points.take(torch.nonzero(near).flatten())
        self._seen[which] = unit
        self._far[which] = sums.cpu().numpy()
