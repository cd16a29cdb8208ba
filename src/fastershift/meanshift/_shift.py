"""The shift itself: all seeds at once, as products of small matrices."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.meanshift._memory import for_blocks
from fastershift.meanshift._points import Points, unit_rows

__all__ = ["Shifted", "least_cosine", "nearest", "shift", "window_means"]

# Below this cosine distance float32 vectors cannot be told apart.
_RESOLUTION = 1e-6

# A seed that moves less than this share of the bandwidth has converged.
_STILL = 1e-3

# Steps are taken to shrink by no less than this factor when a seed is put ahead.
_MOST_RATIO = 0.8


def least_cosine(distance: float) -> float:
    """Cosine of float32 vectors that still lie within a cosine distance."""
    return 1 - max(distance, _RESOLUTION)


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


def window_means(
    points: Points, positions: Tensor, bandwidth: float
) -> tuple[Tensor, Tensor]:
    """Mean and number of the points within the bandwidth of each position.

    A position whose window is empty, or whose window averages to zero, stays.
    """
    reach = least_cosine(bandwidth)
    unit = unit_rows(positions)
    sums = torch.zeros_like(positions)
    counts = positions.new_zeros(len(positions))

    def add(block: slice) -> None:
        inside = unit @ points.vectors[block].T
        lengths = points.lengths
        inside.ge_(reach if lengths is None else reach * lengths[block])
        found = inside.sum(dim=1)
        if points.weights is not None:
            inside.mul_(points.weights[block])
        found_sums = inside @ points.averaged[block]
        counts.add_(found)
        sums.add_(found_sums)

    # A block of the points should stay in the cache as well as its similarities.
    columns = sum(positions.shape)
    for_blocks(len(points), columns, positions.device, add)
    means = sums / counts.clamp_min(1)[:, None]
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
    same: float = 0.0,
    hurries: bool = False,
) -> Shifted:
    """Move seeds to the mean of their window until enough of them stand still.

    A seed has converged when it moves less than a thousandth of the bandwidth; it is
    then frozen and leaves the batch. So does a seed that meets another one: it ends
    where that one ends. The batch ends when more than `gamma` of the seeds have
    converged (Zhao et al. 2021, Algorithm 2 and II.B.3).

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
    same : float
        Cosine distance within which seeds have met; with 0 they must coincide to the
        last bit, which changes nothing but the time.
    hurries : bool
        Whether a seed that creeps, each step a little shorter than the one before, is
        put ahead to where the steps would lead it. It still stops only where a plain
        step moves it no more.

    Returns
    -------
    Shifted
        Positions, window counts and which seeds converged.
    """
    positions = seeds.clone()
    counts = seeds.new_zeros(len(seeds))
    converged = np.zeros(len(seeds), dtype=bool)
    # The seed that each one goes with; its own number while it goes alone.
    leader = np.arange(len(seeds))
    active = leader.copy()
    rows = torch.arange(len(seeds), device=seeds.device)
    steps = torch.zeros_like(positions)
    n_iter = 0
    while len(active) and n_iter < max_iter and converged[leader].mean() <= gamma:
        before = positions[rows]
        after, count = window_means(points, before, bandwidth)
        step = after - before
        moved = torch.linalg.vector_norm(step, dim=1, keepdim=True)
        if hurries:
            ahead = after + step * _steps_ahead(step, steps[rows])
            after = torch.where(moved < _STILL * bandwidth, after, ahead)
            steps[rows] = step
        positions[rows] = after
        counts[rows] = count
        # The only synchronisation of an iteration.
        host = torch.cat([after, moved], dim=1).cpu().numpy()
        n_iter += 1
        stands = host[:, -1] < _STILL * bandwidth
        converged[active[stands]] = True
        met = _first_met(host[:, :-1], same)
        goes_on = met == np.arange(len(active))
        # A frozen seed keeps its place; one that stands still follows nobody.
        goes_on |= stands
        leader[active[~goes_on]] = active[met[~goes_on]]
        goes_on &= ~stands
        if not goes_on.all():
            leader = leader[leader]
            active = active[goes_on]
            rows = torch.as_tensor(active, device=seeds.device)
    index = torch.as_tensor(leader, device=seeds.device)
    return Shifted(positions[index], counts[index], converged[leader], n_iter)


def _steps_ahead(step: Tensor, before: Tensor) -> Tensor:
    """Sum the steps to come, if each is shorter than the last by the same factor."""
    squared = (before * before).sum(dim=1, keepdim=True)
    ratio = (step * before).sum(dim=1, keepdim=True) / squared.clamp_min(1e-20)
    ratio = ratio.clamp(0, _MOST_RATIO)
    return ratio / (1 - ratio)


def _first_met(
    positions: npt.NDArray[np.float32], distance: float
) -> npt.NDArray[np.intp]:
    """Find for each position the first one that lies within a distance of it."""
    if distance <= 0:
        _, chosen, inverse = np.unique(
            positions, axis=0, return_index=True, return_inverse=True
        )
        met: npt.NDArray[np.intp] = chosen[inverse.ravel()]
        return met
    lengths = np.linalg.norm(positions, axis=1, keepdims=True)
    unit = positions / np.maximum(lengths, np.finfo(np.float32).tiny)
    close = unit @ unit.T >= least_cosine(distance)
    np.fill_diagonal(close, True)
    first: npt.NDArray[np.intp] = np.argmax(close, axis=1)
    # Whom somebody goes with must itself go alone.
    while (first[first] != first).any():
        first = first[first]
    return first


def nearest(points: Points, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Find the nearest centre of every point by cosine.

    Parameters
    ----------
    points : Points
        Any number.
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
    vectors = points.vectors
    device = vectors.device
    # A maximum without its index is several times faster than one with it. The index
    # follows from a product, unless two centres are equally near.
    numbers = torch.arange(len(centers), device=device, dtype=vectors.dtype)
    readout = torch.stack([numbers, torch.ones_like(numbers)])
    similarity = vectors.new_empty(len(vectors))
    labels = torch.empty(len(vectors), dtype=torch.int64, device=device)
    ties = vectors.new_empty(len(vectors))

    def assign(block: slice) -> None:
        cosines = towards @ vectors[block].T
        torch.amax(cosines, dim=0, out=similarity[block])
        found = readout @ cosines.ge_(similarity[block])
        labels[block] = found[0]
        ties[block] = found[1]

    for_blocks(len(vectors), len(centers), device, assign)
    tied = torch.nonzero(ties != 1).flatten()

    def settle(block: slice) -> None:
        cosines = vectors[tied[block]] @ towards.T
        labels[tied[block]] = cosines.max(dim=1).indices

    for_blocks(len(tied), len(centers), device, settle)
    if points.lengths is not None:
        similarity /= points.lengths
    return labels, similarity
