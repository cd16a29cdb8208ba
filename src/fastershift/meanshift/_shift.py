"""The shift itself: all seeds at once, as products of small matrices."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.meanshift._memory import for_blocks
from fastershift.meanshift._points import Points, unit_rows
from fastershift.meanshift._window import (
    Edges,
    Vectors,
    least_cosine,
    unit_vectors,
    window_means,
)

__all__ = ["Shifted", "nearest", "shift"]

# Steps are taken to shrink by no less than this factor when a seed is put ahead.
_MOST_RATIO = 0.8

# Iterations after which none is: two places could go on sending a seed to each other.
_HURRIED = 20


@dataclass(frozen=True)
class Shifted:
    """Where a batch of seeds ended.

    Attributes
    ----------
    positions : ndarray
        (k, d) float32 where each seed is now.
    counts : ndarray
        (k,) float32, points in the last window of each.
    converged : ndarray
        (k,) bool.
    n_iter : int
        Iterations done.
    """

    positions: Vectors
    counts: Vectors
    converged: npt.NDArray[np.bool_]
    n_iter: int


def shift(
    points: Points,
    seeds: Vectors,
    *,
    bandwidth: float,
    gamma: float,
    max_iter: int,
    still: float,
    same: float = 0.0,
    hurries: bool = False,
) -> Shifted:
    """Move seeds to the mean of their window until enough of them stand still.

    A seed that stands still has converged; it is then frozen and leaves the batch. So
    does a seed that meets another one: it ends where that one ends. The batch ends when
    more than `gamma` of the seeds have converged (Zhao et al. 2021, Algorithm 2 and
    II.B.3).

    Parameters
    ----------
    points : Points
        What is clustered.
    seeds : ndarray
        (k, d) float32 start positions.
    bandwidth : float
        Cosine distance h.
    gamma : float
        Share of converged seeds above which the batch ends; 1 waits for all.
    max_iter : int
        Most iterations.
    still : float
        A seed that moves less than this share of the bandwidth stands still.
    same : float
        Cosine distance within which seeds have met; with 0 they must coincide to the
        last bit, which changes nothing but the time.
    hurries : bool
        Whether a seed that creeps, each step a little shorter than the one before, is
        put ahead to where the steps would lead it. It still stops only where a plain
        step moves it no more. Such seeds are taken to be near their modes, so that
        points away from the edges of their windows are looked at once (`Edges`).

    Returns
    -------
    Shifted
        Positions, window counts and which seeds converged.
    """
    positions = seeds.copy()
    counts = np.zeros(len(seeds), dtype=np.float32)
    converged = np.zeros(len(seeds), dtype=bool)
    # The seed that each one goes with; its own number while it goes alone.
    leader = np.arange(len(seeds))
    active = leader.copy()
    steps = np.zeros_like(positions)
    edges = Edges(points, len(seeds), bandwidth) if hurries else None
    n_iter = 0
    while len(active) and n_iter < max_iter and converged[leader].mean() <= gamma:
        before = positions[active]
        if edges is None:
            after, count = window_means(points, before, bandwidth)
        else:
            after, count = edges.means(active, before)
        n_iter += 1
        step = after - before
        stands = np.linalg.norm(step, axis=1) < still * bandwidth
        if hurries and n_iter <= _HURRIED:
            ahead = step * _steps_ahead(step, steps[active])
            after = np.where(stands[:, None], after, after + ahead)
            steps[active] = step
        positions[active] = after
        counts[active] = count
        converged[active[stands]] = True
        met = _first_met(after, same)
        goes_on = met == np.arange(len(active))
        # A frozen seed keeps its place; one that stands still follows nobody.
        goes_on |= stands
        leader[active[~goes_on]] = active[met[~goes_on]]
        goes_on &= ~stands
        if not goes_on.all():
            leader = leader[leader]
            active = active[goes_on]
    return Shifted(positions[leader], counts[leader], converged[leader], n_iter)


def _steps_ahead(step: Vectors, before: Vectors) -> Vectors:
    """Sum the steps to come, if each is shorter than the last by the same factor."""
    squared = np.einsum("ij,ij->i", before, before)
    ratio = np.einsum("ij,ij->i", step, before) / np.maximum(squared, 1e-20)
    ratio = np.clip(ratio, 0, _MOST_RATIO)
    ahead: Vectors = (ratio / (1 - ratio))[:, None]
    return ahead


def _first_met(positions: Vectors, distance: float) -> npt.NDArray[np.intp]:
    """Find for each position the first one that lies within a distance of it."""
    if distance <= 0:
        seen: dict[bytes, int] = {}
        rows = enumerate(np.ascontiguousarray(positions))
        return np.array([seen.setdefault(row.tobytes(), i) for i, row in rows])
    unit = unit_vectors(positions)
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
