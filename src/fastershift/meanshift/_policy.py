"""How many seeds are enough (over-segmentation of seeds, Zhao et al. 2021, II.B.4)."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fastershift.errors import InputError

__all__ = ["SeedPolicy", "coverage_probability", "coverage_reached", "n_min"]


def _check_odds(instances: int, share: float) -> None:
    if instances < 1:
        raise InputError("The number of instances must be at least 1.")
    if not 0 < share <= 1:
        raise InputError("The share of the instances must lie above 0 and up to 1.")


def n_min(instances: int, share: float, coverage: float) -> float:
    """Least number of seeds that reaches every instance with a wanted probability.

    Parameters
    ----------
    instances : int
        Number of instances I, at least 1, taken to be equally large.
    share : float
        Share r of the points that belongs to the instances, in (0, 1].
    coverage : float
        Wanted probability P that every instance receives a seed, in (0, 1).

    Returns
    -------
    float
        N_min before rounding (Zhao et al. 2021, Eq 19); 1 where a single instance
        holds all points.

    Raises
    ------
    InputError
        For a number out of its range.

    Examples
    --------
    >>> round(n_min(10, 0.5, 0.95), 1)
    102.8
    """
    _check_odds(instances, share)
    if not 0 < coverage < 1:
        raise InputError("The coverage P must lie between 0 and 1, ends excluded.")
    if share / instances >= 1:
        return 1.0
    missed = -math.expm1(math.log(coverage) / instances)
    return math.log(missed) / math.log1p(-share / instances)


def coverage_probability(
    n_seeds: int, instances: int, share: float, *, exact: bool = True
) -> float:
    """Probability that every instance receives at least one of the seeds.

    Parameters
    ----------
    n_seeds : int
        Number of seeds N, drawn at random, at least 0.
    instances : int
        Number of instances I, at least 1, taken to be equally large.
    share : float
        Share r of the points that belongs to the instances, in (0, 1].
    exact : bool
        True gives Σ_j (-1)^j C(I, j) (1 - j·r/I)^N. False gives the paper's
        approximation (1 - (1 - r/I)^N)^I (Zhao et al. 2021, Eq 14), which takes the
        instances to be independent and overstates small N.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    InputError
        For a number out of its range.

    Examples
    --------
    >>> round(coverage_probability(16, 10, 1.0), 3)
    0.07
    >>> round(coverage_probability(16, 10, 1.0, exact=False), 3)
    0.129
    """
    _check_odds(instances, share)
    if n_seeds < 0:
        raise InputError("The number of seeds cannot be negative.")
    hit = share / instances
    if not exact:
        return float((1 - (1 - hit) ** n_seeds) ** instances)
    # The alternating sum cancels badly for many instances. The same number follows,
    # with positive terms only, from the distribution of how many were found so far.
    found = np.zeros(instances + 1)
    found[0] = 1.0
    finds_next = hit * np.arange(instances, -1, -1.0)
    for _ in range(n_seeds):
        steps_up = found * finds_next
        found -= steps_up
        found[1:] += steps_up[:-1]
    return float(np.clip(found[-1], 0.0, 1.0))


def coverage_reached(n_seeds: int, shares: npt.ArrayLike) -> float:
    """Probability that seeds drawn at random reach every one of the clusters found.

    Unlike `coverage_probability` it knows how large each cluster is: small cells are
    the ones that are missed.

    Parameters
    ----------
    n_seeds : int
        Number of seeds N, at least 0.
    shares : (k,) array_like
        Share p_k of the points in each cluster, in (0, 1].

    Returns
    -------
    float
        Π_k (1 - (1 - p_k)^N), between 0 and 1; 1 without clusters. For clusters of one
        size it is the approximation of Zhao et al. 2021, Eq 14.

    Raises
    ------
    InputError
        For a number out of its range.

    Examples
    --------
    >>> round(coverage_reached(16, [0.1] * 10), 3)
    0.129
    >>> round(coverage_reached(100, [0.5, 0.4, 0.01]), 3)
    0.634
    """
    odds = np.asarray(shares, dtype=np.float64)
    if n_seeds < 0:
        raise InputError("The number of seeds cannot be negative.")
    if odds.size and not (odds.min() > 0 and odds.max() <= 1):
        raise InputError("The shares of the clusters must lie above 0 and up to 1.")
    return float(np.prod(1 - (1 - odds) ** n_seeds))


@dataclass(frozen=True)
class SeedPolicy:
    """How many seeds a frame starts from; explicit state carried between frames.

    Attributes
    ----------
    n : int
        Seeds N that the next frame starts from, at least 1.
    n_min : float
        N_min last observed (Eq 19), before rounding; 0 before the first observation.
    """

    n: int
    n_min: float = 0.0

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InputError("A seed policy needs at least 1 seed.")

    def observed(self, instances: int, share: float, coverage: float) -> "SeedPolicy":
        """Learn from what a clustering found (Eq 12 to 19).

        Parameters
        ----------
        instances : int
            Instances I found; with none there is nothing to cover and N_min is 1.
        share : float
            Share r of the points that belongs to them.
        coverage : float
            Wanted probability P.

        Returns
        -------
        SeedPolicy
            With the new N_min and the same N.
        """
        if instances < 1 or share <= 0:
            return replace(self, n_min=1.0)
        return replace(self, n_min=n_min(instances, share, coverage))

    def is_enough(self, low: float) -> bool:
        """Tell whether N reaches L·N_min (Eq 21)."""
        return self.n >= low * self.n_min

    def doubled(self, max_seeds: int) -> "SeedPolicy":
        """Double N, up to a limit."""
        return replace(self, n=max(self.n, min(2 * self.n, max_seeds)))

    def reduced(self, high: float) -> "SeedPolicy":
        """Lower N by N_min for the next frame where it is above H·N_min."""
        if self.n_min == 0 or self.n <= high * self.n_min:
            return self
        return replace(self, n=max(1, self.n - math.ceil(self.n_min)))
