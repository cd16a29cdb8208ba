"""Which points lie in the windows of some positions, and their sums."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.meanshift._memory import for_blocks
from fastershift.meanshift._points import Points

__all__ = [
    "Vectors",
    "least_cosine",
    "row_lengths",
    "unit_vectors",
    "window_counts",
    "window_means",
]

#: A few positions, on the host.
Vectors: TypeAlias = npt.NDArray[np.float32]

# Below this cosine distance float32 vectors cannot be told apart.
_RESOLUTION = 1e-6


def least_cosine(distance: float) -> float:
    """Cosine of float32 vectors that still lie within a cosine distance."""
    return 1 - max(distance, _RESOLUTION)


def row_lengths(vectors: Vectors) -> Vectors:
    """Euclidean length of each row."""
    lengths: Vectors = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return lengths


def unit_vectors(vectors: Vectors) -> Vectors:
    """Divide rows by their length; rows of zeros stay zeros."""
    lengths: Vectors = row_lengths(vectors).clip(np.finfo(np.float32).tiny)
    unit: Vectors = vectors / lengths[:, None]
    return unit


def _mark(points: Points, towards: Tensor, block: slice, reach: float) -> Tensor:
    """Mark with 1 which points of a block lie within reach of each unit vector."""
    marks = towards @ points.vectors[block].T
    lengths = points.lengths
    return marks.ge_(reach if lengths is None else reach * lengths[block])


def window_counts(points: Points, unit: Tensor, bandwidth: float) -> Tensor:
    """Count the points within the bandwidth of each of some unit vectors."""
    reach = least_cosine(bandwidth)
    counts = unit.new_zeros(len(unit))

    def add(block: slice) -> None:
        counts.add_(_mark(points, unit, block, reach).sum(dim=1))

    for_blocks(len(points), len(unit), unit.device, add)
    return counts


def window_means(
    points: Points, positions: Vectors, bandwidth: float
) -> tuple[Vectors, Vectors]:
    """Mean and number of the points within the bandwidth of each position.

    A position whose window is empty, or whose window averages to zero, stays.
    """
    unit = positions if points.normalise else unit_vectors(positions)
    sums = _sums(points, unit, bandwidth)
    counts, means = sums[:, -1], sums[:, :-1]
    if not points.normalise:
        means = means / counts.clip(1)[:, None]
    # Opposite vectors cancel to rounding noise, which has no direction.
    squares = np.einsum("ij,ij->i", means, means)
    least = _RESOLUTION * (counts if points.normalise else row_lengths(positions))
    stays = squares <= least**2
    if points.normalise:
        lengths: Vectors = np.sqrt(np.where(stays, np.float32(1), squares))
        means = means / lengths[:, None]
    if stays.any():
        means = np.where(stays[:, None], positions, means)
    return means, counts


def _sums(points: Points, unit: Vectors, bandwidth: float) -> Vectors:
    """Sum the points in each window; in a last column, count them."""
    reach = least_cosine(bandwidth)
    towards = torch.as_tensor(unit, device=points.vectors.device)
    sums = towards.new_zeros(len(unit), unit.shape[1] + 1)
    vectors, counts = sums[:, :-1], sums[:, -1]

    def add(block: slice) -> None:
        inside = _mark(points, towards, block, reach)
        found = inside.sum(dim=1)
        if points.weights is not None:
            inside.mul_(points.weights[block])
        vectors.addmm_(inside, points.averaged[block])
        counts.add_(found)

    # A block of the points should stay in the cache as well as its similarities.
    for_blocks(len(points), sum(unit.shape), towards.device, add)
    # The only synchronisation of an iteration.
    found: Vectors = sums.cpu().numpy()
    return found
