"""One iteration of all seeds: move, test convergence, merge seeds that met."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift._compiled import compiled

__all__ = ["Rules", "Seeds", "advance", "begin", "directions", "least_cosine"]

Vectors: TypeAlias = npt.NDArray[np.float32]
_Numbers: TypeAlias = npt.NDArray[np.int64]

# Below this cosine distance float32 vectors cannot be told apart.
_RESOLUTION = 1e-6

# Extrapolation assumes that steps shrink at least by this factor.
_MOST_RATIO = 0.8

# An extrapolated seed has also converged when its last step was shorter than this share
# of the bandwidth, or the second where the window has hardly changed, and all further
# steps together would be shorter than three times the tolerance. Without a bound on the
# last step modes are lost: steps of a flat window are not a smooth sequence.
_LAST_STEP = 0.02
_LAST_STEP_UNCHANGED = 0.05
_UNCHANGED = 0.01
_TO_COME = 3

# Stands for a ratio of steps that is unknown or 1.
_NO_RATIO = 0.999

# Keeps quotients of lengths finite.
_TINY = 1e-20


class Rules(NamedTuple):
    """How seeds move.

    Attributes
    ----------
    bandwidth : float
        Cosine distance h.
    tolerance : float
        A seed that moves less than this share of the bandwidth has converged.
    same : float
        Cosine distance within which seeds have met; 0 for identical positions.
    normalise : bool
        Whether means are projected back to unit length.
    extrapolates : bool
        Whether seeds are near their modes, so that slow ones are extrapolated.
    """

    bandwidth: float
    tolerance: float
    same: float
    normalise: bool
    extrapolates: bool


class Seeds(NamedTuple):
    """Seeds while they move.

    Attributes
    ----------
    positions : ndarray
        (k, d) float32 current position of each.
    counts : ndarray
        (k,) float32 points in the last window of each.
    converged : ndarray
        (k,) bool.
    leader : ndarray
        (k,) int64 seed that each one follows since they met; itself before that.
    steps, lengths : ndarray
        (k, d) and (k,) float32, the last step of each and its length.
    ratios : ndarray
        (k,) float32, length of the last step over that of the one before; infinite
        where there was only one.
    """

    positions: Vectors
    counts: Vectors
    converged: npt.NDArray[np.bool_]
    leader: _Numbers
    steps: Vectors
    lengths: Vectors
    ratios: Vectors


def begin(positions: Vectors, ratios: Vectors | None) -> Seeds:
    """Place seeds; `ratios` of an earlier shift tell that they are near their modes."""
    count = len(positions)
    return Seeds(
        np.array(positions, dtype=np.float32, order="C"),
        np.zeros(count, dtype=np.float32),
        np.zeros(count, dtype=np.bool_),
        np.arange(count),
        np.zeros(positions.shape, dtype=np.float32),
        np.zeros(count, dtype=np.float32),
        np.full(count, np.inf, dtype=np.float32)
        if ratios is None
        else ratios.astype(np.float32),
    )


@compiled
def least_cosine(distance: float) -> float:
    """Cosine of float32 vectors that still lie within a cosine distance."""
    return 1 - max(distance, _RESOLUTION)


@compiled
def _dot(one: Any, other: Any) -> float:
    total = 0.0
    for k in range(one.size):
        total += one[k] * other[k]
    return total


@compiled
def _to_unit_length(vector: Any) -> None:
    length = np.sqrt(_dot(vector, vector))
    if length > 0:
        for k in range(vector.size):
            vector[k] /= length


@compiled
def directions(seeds: Seeds, active: _Numbers, normalise: bool) -> Vectors:
    """Copy the positions of some seeds at unit length."""
    found = np.empty((active.size, seeds.positions.shape[1]), np.float32)
    for i in range(active.size):
        found[i] = seeds.positions[active[i]]
        if not normalise:
            _to_unit_length(found[i])
    return found


@compiled
def _mean(total: Any, before: Any, normalise: bool, mean: Any) -> None:
    """Average a window; one that is empty, or averages to zero, leaves the seed."""
    count = total[-1]
    divisor = 1.0 if normalise else max(count, 1.0)
    square = 0.0
    for k in range(mean.size):
        mean[k] = total[k] / divisor
        square += mean[k] * mean[k]
    # Opposite vectors cancel to rounding noise, which has no direction.
    least = _RESOLUTION * (count if normalise else np.sqrt(_dot(before, before)))
    if square <= least * least:
        for k in range(mean.size):
            mean[k] = before[k]
    elif normalise:
        length = np.sqrt(square)
        for k in range(mean.size):
            mean[k] /= length


@compiled
def _has_converged(
    seeds: Seeds, number: int, length: float, first: bool, rules: Rules
) -> bool:
    """Tell whether a seed has converged after a step of that length."""
    least = rules.tolerance * rules.bandwidth
    converged = length < least
    if not first:
        seeds.ratios[number] = length / max(seeds.lengths[number], _TINY)
    if rules.extrapolates:
        ratio = min(seeds.ratios[number], _NO_RATIO)
        to_come = length * ratio / (1 - ratio)
        last = _LAST_STEP_UNCHANGED if ratio < _UNCHANGED else _LAST_STEP
        if length < last * rules.bandwidth and to_come < _TO_COME * least:
            converged = True
    return converged


@compiled
def _further_steps(step: Any, before: Any, length_before: float) -> float:
    """Sum all further steps, in units of the last, if they shrink by one factor."""
    along = _dot(step, before) / max(length_before, _TINY) ** 2
    ratio = min(max(along, 0.0), _MOST_RATIO)
    return ratio / (1 - ratio)


@compiled
def _first_met(seeds: Seeds, active: _Numbers, rules: Rules) -> _Numbers:
    """Find for each of some seeds the first one that it has met, be it itself."""
    first = np.arange(active.size)
    edge = least_cosine(rules.same)
    at = seeds.positions
    unit = directions(seeds, active, rules.normalise)
    for i in range(active.size):
        for j in range(i):
            if rules.same > 0:
                met = _dot(unit[i], unit[j]) >= edge
            else:
                met = True
                for k in range(at.shape[1]):
                    if at[active[i], k] != at[active[j], k]:
                        met = False
                        break
            if met:
                # A leader never follows another seed.
                first[i] = first[j]
                break
    return first


@compiled
def advance(
    seeds: Seeds,
    active: _Numbers,
    sums: npt.NDArray[np.float64],
    first: bool,
    rules: Rules,
) -> _Numbers:
    """Move seeds to the means of their windows.

    Parameters
    ----------
    seeds : Seeds
        Changed in place.
    active : ndarray
        (a,) int64 seeds that move.
    sums : ndarray
        (a, d + 1) sums and numbers of the points in their windows.
    first : bool
        Whether they have not moved before.
    rules : Rules
        How they move.

    Returns
    -------
    ndarray
        Those that move on: neither converged nor following another one.
    """
    n_components = seeds.positions.shape[1]
    # Rounded like the positions: in a window that stays the same a step is zero.
    after = np.empty(n_components, np.float32)
    step = np.empty(n_components, np.float64)
    converged = np.zeros(active.size, np.bool_)
    for i in range(active.size):
        number = active[i]
        before = seeds.positions[number]
        _mean(sums[i], before, rules.normalise, after)
        seeds.counts[number] = sums[i, -1]
        for k in range(n_components):
            step[k] = after[k] - before[k]
        length = np.sqrt(_dot(step, step))
        converged[i] = _has_converged(seeds, number, length, first, rules)
        if rules.extrapolates and not first and not converged[i]:
            ahead = _further_steps(step, seeds.steps[number], seeds.lengths[number])
            for k in range(n_components):
                after[k] += ahead * step[k]
            if rules.normalise:
                _to_unit_length(after)
        seeds.lengths[number] = length
        for k in range(n_components):
            seeds.steps[number, k] = step[k]
            seeds.positions[number, k] = after[k]
        if converged[i]:
            seeds.converged[number] = True
    met = _first_met(seeds, active, rules)
    moves_on = np.ones(active.size, np.bool_)
    for i in range(active.size):
        # A converged seed keeps its position and follows no other.
        if converged[i]:
            moves_on[i] = False
        elif met[i] != i:
            moves_on[i] = False
            seeds.leader[active[i]] = active[met[i]]
    for number in range(seeds.leader.size):
        seeds.leader[number] = seeds.leader[seeds.leader[number]]
    return active[moves_on]
