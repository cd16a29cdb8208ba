"""The shift itself: all seeds at once, as products of small matrices."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.meanshift._memory import for_blocks
from fastershift.meanshift._points import Points, unit_rows
from fastershift.meanshift._window import (
    Vectors,
    least_cosine,
    row_lengths,
    unit_vectors,
    window_means,
)

__all__ = ["Shifted", "nearest", "shift"]

# Steps are taken to shrink by no less than this factor when a seed is put ahead.
_MOST_RATIO = 0.8

# A hurrying seed stands still, too, when its last step was shorter than this share of
# the bandwidth, or the second where the window has hardly changed, and all steps to
# come would be shorter together than three that stand still by themselves. Without a
# bound on the last step modes were lost: steps of a flat window are no smooth sequence.
_LAST_STEP = 0.02
_LAST_STEP_UNCHANGED = 0.05
_UNCHANGED = 0.01
_TO_COME = 3

# Keeps quotients of lengths finite.
_TINY = np.float32(1e-20)


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
    ratios : ndarray
        (k,) float32, length of the last step over that of the one before; infinite
        where there was only one.
    n_iter : int
        Iterations done.
    """

    positions: Vectors
    counts: Vectors
    converged: npt.NDArray[np.bool_]
    ratios: Vectors
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
    ratios: Vectors | None = None,
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
    ratios : ndarray, optional
        (k,) of an earlier shift, on fewer points: the seeds are near their modes, and
        hurry. One that creeps, each step a little shorter than the one before, is put
        ahead to where the steps would lead it, and stands still, too, when all the
        steps to come would be small.

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
    active = leader
    pace = _Pace(positions, still, bandwidth, ratios)
    n_iter = 0
    while len(active) and n_iter < max_iter:
        before = positions[active]
        after, counts[active] = window_means(points, before, bandwidth)
        stands, ahead = pace.judge(active, after - before)
        if ahead is not None:
            after += ahead
            if points.normalise:
                after = unit_vectors(after)
        positions[active] = after
        n_iter += 1
        met = _first_met(after, same)
        # One that stands still keeps its place and follows nobody.
        follows = (met != np.arange(len(active))) & ~stands
        if follows.any():
            leader[active[follows]] = active[met[follows]]
            leader = leader[leader]
        if stands.any():
            converged[active[stands]] = True
            if converged[leader].mean() > gamma:
                break
        active = active[~(stands | follows)]
    return Shifted(
        positions[leader],
        counts[leader],
        converged[leader],
        pace.ratios[leader],
        n_iter,
    )


class _Pace:
    """How fast seeds move: which stand still, and how far others may be put ahead."""

    def __init__(
        self, seeds: Vectors, still: float, bandwidth: float, ratios: Vectors | None
    ) -> None:
        self._least = np.float32(still * bandwidth)
        self._bandwidth = np.float32(bandwidth)
        self._hurries = ratios is not None
        self._steps = np.zeros_like(seeds)
        self._lengths = np.zeros(len(seeds), dtype=np.float32)
        self._first = True
        self.ratios: Vectors = np.full(len(seeds), np.inf, dtype=np.float32)
        if ratios is not None:
            self.ratios[:] = ratios

    def judge(
        self, active: npt.NDArray[np.intp], step: Vectors
    ) -> tuple[npt.NDArray[np.bool_], Vectors | None]:
        """Take in a step; tell who stands still, and what to add for the others."""
        length = row_lengths(step)
        stands: npt.NDArray[np.bool_] = length < self._least
        before = self._lengths[active]
        if not self._first:
            self.ratios[active] = length / np.maximum(before, _TINY)
        ahead = None
        if self._hurries:
            ratio = np.minimum(self.ratios[active], 0.999)
            to_come = length * ratio / (1 - ratio)
            last = np.where(ratio < _UNCHANGED, _LAST_STEP_UNCHANGED, _LAST_STEP)
            last_is_short = length < last * self._bandwidth
            stands |= last_is_short & (to_come < _TO_COME * self._least)
            if not self._first:
                ahead = _ahead(step, self._steps[active], before)
                ahead[stands] = 0
            self._steps[active] = step
        self._lengths[active] = length
        self._first = False
        return stands, ahead


def _ahead(step: Vectors, before: Vectors, length_before: Vectors) -> Vectors:
    """Sum the steps to come, if each is shorter than the last by the same factor."""
    along = np.einsum("ij,ij->i", step, before)
    ratio = (along / np.maximum(length_before, _TINY) ** 2).clip(0, _MOST_RATIO)
    ahead: Vectors = step * (ratio / (1 - ratio))[:, None]
    return ahead


def _first_met(positions: Vectors, distance: float) -> npt.NDArray[np.intp]:
    """Find for each position the first one that lies within a distance of it."""
    if distance <= 0:
        seen: dict[bytes, int] = {}
        rows = enumerate(np.ascontiguousarray(positions))
        return np.array([seen.setdefault(row.tobytes(), i) for i, row in rows])
    if len(positions) == 1:
        return np.zeros(1, dtype=np.intp)
    unit = unit_vectors(positions)
    close = unit @ unit.T >= least_cosine(distance)
    close.flat[:: len(unit) + 1] = True
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
    if float(ties.amax()) > 1:
        tied = torch.nonzero(ties > 1).flatten()

        def settle(block: slice) -> None:
            cosines = vectors[tied[block]] @ towards.T
            labels[tied[block]] = cosines.max(dim=1).indices

        for_blocks(len(tied), len(centers), device, settle)
    if points.lengths is not None:
        similarity /= points.lengths
    return labels, similarity
