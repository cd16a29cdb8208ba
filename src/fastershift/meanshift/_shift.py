"""The shift itself: all seeds at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastershift.meanshift._iteration import Rules, advance, begin, directions
from fastershift.meanshift._points import Points, Vectors

__all__ = ["Shifted", "shift"]


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
    tolerance: float,
    same: float = 0.0,
    ratios: Vectors | None = None,
) -> Shifted:
    """Move seeds to the mean of their window until enough of them have converged.

    A seed that has converged leaves the batch. So does a seed that meets another one:
    it ends where that one ends. The batch ends when more than `gamma` of the seeds have
    converged (Zhao et al. 2021, Algorithm 2 and II.B.3).

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
    tolerance : float
        A seed that moves less than this share of the bandwidth has converged.
    same : float
        Cosine distance within which seeds have met; with 0 they must coincide to the
        last bit, which changes nothing but the time.
    ratios : ndarray, optional
        (k,) of an earlier shift, on fewer points: the seeds are near their modes. One
        that converges slowly, each step a little shorter than the one before, is
        extrapolated to the limit of its steps, and has also converged when all further
        steps would be small.

    Returns
    -------
    Shifted
        Positions, window counts and which seeds converged.
    """
    moving = begin(seeds, ratios)
    rules = Rules(bandwidth, tolerance, same, points.normalise, ratios is not None)
    active = np.arange(len(seeds))
    n_iter = 0
    while len(active) and n_iter < max_iter:
        towards = directions(moving, active, points.normalise)
        sums = points.window_sums(towards, bandwidth)
        active = advance(moving, active, sums, n_iter == 0, rules)
        n_iter += 1
        if moving.converged[moving.leader].mean() > gamma:
            break
    leader = moving.leader
    return Shifted(
        moving.positions[leader],
        moving.counts[leader],
        moving.converged[leader],
        moving.ratios[leader],
        n_iter,
    )
