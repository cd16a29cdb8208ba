"""The shift itself: all seeds at once, as products of small matrices."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["Points", "Shifted", "directions", "nearest", "shift", "unit_rows"]

# Similarities computed at once. On a CPU they should stay in the cache (measured best
# between 2**17 and 2**19); a GPU wants large products.
_CPU_BLOCK = 2**18
_GPU_BLOCK = 2**25

# Below this cosine distance float32 vectors cannot be told apart.
_RESOLUTION = 1e-6


def unit_rows(rows: Tensor) -> Tensor:
    """Divide rows by their length; rows of zeros stay zeros."""
    return torch.nn.functional.normalize(rows, dim=1, eps=torch.finfo(rows.dtype).tiny)


def directions(points: Tensor) -> Tensor:
    """Turn (n, d) vectors of any length into float32 unit vectors; zeros stay zeros."""
    wide = points if points.dtype == torch.float64 else points.to(torch.float32)
    # The largest component comes first: squares of tiny or huge ones would not fit.
    largest = wide.abs().amax(dim=1, keepdim=True)
    scaled = wide / torch.where(largest > 0, largest, 1)
    return unit_rows(scaled).to(torch.float32)


@dataclass(frozen=True)
class Points:
    """Points prepared once for shifting.

    Attributes
    ----------
    unit : Tensor
        (n, d) float32 unit vectors, compared with the seeds.
    weighted : Tensor
        (n, d + 1) float32: the vectors that are averaged, and a column of ones, so that
        one product gives sums and counts.
    normalise : bool
        Whether means are projected back to unit length.
    """

    unit: Tensor
    weighted: Tensor
    normalise: bool

    @classmethod
    def prepare(cls, unit: Tensor, averaged: Tensor, *, normalise: bool) -> "Points":
        """Prepare unit vectors and the vectors to average, both (n, d)."""
        ones = torch.ones_like(unit[:, :1])
        return cls(unit, torch.cat([averaged, ones], dim=1), normalise)

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def averaged(self) -> Tensor:
        """The (n, d) vectors that are averaged."""
        return self.weighted[:, :-1]

    def take(self, rows: Tensor) -> "Points":
        """Copy some of the rows."""
        return Points(self.unit[rows], self.weighted[rows], self.normalise)

    def joined(self, other: "Points") -> "Points":
        """Append other points."""
        return Points(
            torch.cat([self.unit, other.unit]),
            torch.cat([self.weighted, other.weighted]),
            self.normalise,
        )


@dataclass(frozen=True)
class Shifted:
    """Where a batch of seeds ended.

    Attributes
    ----------
    positions : Tensor
        (k, d) where each seed is now.
    counts : Tensor
        (k,) float32, points in the last window of each.
    converged : ndarray
        (k,) bool.
    n_iter : int
        Iterations done.
    """

    positions: Tensor
    counts: Tensor
    converged: npt.NDArray[np.bool_]
    n_iter: int


def _block_length(n_columns: int, device: torch.device) -> int:
    block = _CPU_BLOCK if device.type == "cpu" else _GPU_BLOCK
    return max(1, block // max(1, n_columns))


def _window_means(
    points: Points, positions: Tensor, bandwidth: float
) -> tuple[Tensor, Tensor]:
    """Mean and number of the points within the bandwidth of each position.

    A position whose window is empty, or whose window averages to zero, stays.
    """
    reach = 1 - max(bandwidth, _RESOLUTION)
    unit = unit_rows(positions)
    sums = positions.new_zeros(len(positions), points.weighted.shape[1])
    length = _block_length(len(positions), positions.device)
    for start in range(0, len(points), length):
        block = slice(start, start + length)
        inside = (unit @ points.unit[block].T).ge_(reach)
        sums.addmm_(inside, points.weighted[block])
    counts = sums[:, -1]
    means = sums[:, :-1] / counts.clamp_min(1)[:, None]
    # Opposite vectors cancel to rounding noise, which has no direction.
    lengths = torch.linalg.vector_norm(means, dim=1, keepdim=True)
    scale = torch.linalg.vector_norm(positions, dim=1, keepdim=True)
    stays = (counts[:, None] == 0) | (lengths <= _RESOLUTION * scale)
    if points.normalise:
        means = unit_rows(means)
    return torch.where(stays, positions, means), counts


def shift(
    points: Points,
    seeds: Tensor,
    *,
    bandwidth: float,
    gamma: float,
    max_iter: int,
) -> Shifted:
    """Move seeds to the mean of their window until enough of them stand still.

    A seed has converged when it moves less than a thousandth of the bandwidth; it is
    then frozen and leaves the batch. The batch ends when more than `gamma` of the seeds
    have converged (Zhao et al. 2021, Algorithm 2 and II.B.3).

    Parameters
    ----------
    points : Points
        What is clustered.
    seeds : Tensor
        (k, d) float32 start positions.
    bandwidth : float
        Cosine distance h.
    gamma : float
        Share of converged seeds above which the batch ends; 1 waits for all.
    max_iter : int
        Most iterations.

    Returns
    -------
    Shifted
        Positions, window counts and which seeds converged.
    """
    positions = seeds.clone()
    counts = seeds.new_zeros(len(seeds))
    converged = np.zeros(len(seeds), dtype=bool)
    active = np.arange(len(seeds))
    rows = torch.arange(len(seeds), device=seeds.device)
    n_iter = 0
    while len(active) and n_iter < max_iter and converged.mean() <= gamma:
        before = positions[rows]
        after, count = _window_means(points, before, bandwidth)
        positions[rows] = after
        counts[rows] = count
        moved = torch.linalg.vector_norm(after - before, dim=1)
        # The only synchronisation of an iteration.
        stands = (moved < 1e-3 * bandwidth).cpu().numpy()
        converged[active[stands]] = True
        n_iter += 1
        if stands.any():
            active = active[~stands]
            rows = torch.as_tensor(active, device=seeds.device)
    return Shifted(positions, counts, converged, n_iter)


def nearest(unit: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Find the nearest centre of every point by cosine.

    Parameters
    ----------
    unit : Tensor
        (n, d) float32 unit vectors.
    centers : Tensor
        (k, d) float32, k at least 1.

    Returns
    -------
    labels : Tensor
        (n,) int64, the lowest index among equals.
    similarity : Tensor
        (n,) float32 cosine with that centre.
    """
    towards = unit_rows(centers).T
    labels = torch.empty(len(unit), dtype=torch.int64, device=unit.device)
    similarity = unit.new_empty(len(unit))
    length = _block_length(len(centers), unit.device)
    for start in range(0, len(unit), length):
        block = slice(start, start + length)
        torch.max(
            unit[block] @ towards,
            dim=1,
            out=(similarity[block], labels[block]),
        )
    return labels, similarity
