"""The shift itself: all seeds at once, as products of small matrices."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = [
    "Points",
    "Shifted",
    "directions",
    "least_cosine",
    "nearest",
    "shift",
    "unit_rows",
    "window_means",
]

# Similarities computed at once. On a CPU they should stay in the cache (measured best
# between 2**17 and 2**19); a GPU wants large products.
_CPU_BLOCK = 2**18
_GPU_BLOCK = 2**25

# Below this cosine distance float32 vectors cannot be told apart.
_RESOLUTION = 1e-6


# Squared lengths outside these bounds are at risk of under- or overflow.
_SAFE = 1e-30, 1e30


def least_cosine(distance: float) -> float:
    """Cosine of float32 vectors that still lie within a cosine distance."""
    return 1 - max(distance, _RESOLUTION)


def unit_rows(rows: Tensor) -> Tensor:
    """Divide rows by their length; rows of zeros stay zeros."""
    return torch.nn.functional.normalize(rows, dim=1, eps=torch.finfo(rows.dtype).tiny)


def directions(points: Tensor) -> tuple[Tensor, Tensor]:
    """Turn vectors of any length into unit vectors.

    Parameters
    ----------
    points : Tensor
        (n, d) floating-point.

    Returns
    -------
    rows : Tensor
        (m,) int64 rows that are not zero.
    unit : Tensor
        (m, d) float32, those rows at length 1.
    """
    wide = points if points.dtype == torch.float64 else points.to(torch.float32)
    # A product with ones is several times faster than a sum over few columns.
    squares = (wide * wide) @ wide.new_ones(wide.shape[1])
    if bool(((squares > _SAFE[0]) & (squares < _SAFE[1])).all()):
        rows = torch.arange(len(points), device=points.device)
        return rows, (wide * squares.rsqrt()[:, None]).to(torch.float32)
    largest = wide.abs().amax(dim=1)
    rows = torch.nonzero(largest).flatten()
    return rows, unit_rows(wide[rows] / largest[rows, None]).to(torch.float32)


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
    def of_directions(cls, unit: Tensor) -> "Points":
        """Prepare (n, d) unit vectors whose direction alone is averaged."""
        weighted = torch.nn.functional.pad(unit, (0, 1), value=1.0)
        return cls(weighted[:, :-1], weighted, normalise=True)

    @classmethod
    def of_vectors(cls, unit: Tensor, vectors: Tensor) -> "Points":
        """Prepare (n, d) unit vectors, and the same at the length they came in."""
        weighted = torch.nn.functional.pad(vectors.to(torch.float32), (0, 1), value=1.0)
        return cls(unit, weighted, normalise=False)

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


def _blocks(n: int, n_columns: int, device: torch.device) -> Iterator[slice]:
    """Cut n rows so that a block times the columns stays within the bound."""
    block = _CPU_BLOCK if device.type == "cpu" else _GPU_BLOCK
    length = max(1, block // max(1, n_columns))
    for start in range(0, n, length):
        yield slice(start, start + length)


def window_means(
    points: Points, positions: Tensor, bandwidth: float
) -> tuple[Tensor, Tensor]:
    """Mean and number of the points within the bandwidth of each position.

    A position whose window is empty, or whose window averages to zero, stays.
    """
    reach = least_cosine(bandwidth)
    unit = unit_rows(positions)
    sums = positions.new_zeros(len(positions), points.weighted.shape[1])
    for block in _blocks(len(points), len(positions), positions.device):
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
        after, count = window_means(points, before, bandwidth)
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
    towards = unit_rows(centers)
    # A maximum without its index is several times faster than one with it. The index
    # follows from a product, unless two centres are equally near.
    numbers = torch.arange(len(centers), device=unit.device, dtype=unit.dtype)
    readout = torch.stack([numbers, torch.ones_like(numbers)])
    similarity = unit.new_empty(len(unit))
    result = unit.new_empty(2, len(unit))
    for block in _blocks(len(unit), len(centers), unit.device):
        cosines = towards @ unit[block].T
        torch.amax(cosines, dim=0, out=similarity[block])
        result[:, block] = readout @ cosines.ge_(similarity[block])
    labels = result[0].to(torch.int64)
    tied = torch.nonzero(result[1] != 1).flatten()
    for block in _blocks(len(tied), len(centers), unit.device):
        cosines = unit[tied[block]] @ towards.T
        labels[tied[block]] = cosines.max(dim=1).indices
    return labels, similarity
