"""How far the stage moved between two frames."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

__all__ = ["estimate_drift"]

_Reals = npt.NDArray[np.float64]

# Moves up to this many cell diameters are looked for.
_FARTHEST = 6.0
# Cells whose moves agree within this many diameters move together.
_TOGETHER = 0.25
# With fewer cells than this, a common move cannot be told from their own.
_FEWEST = 6
# So many cells tell the drift; more would tell the same.
_ENOUGH = 400
# A move must explain more cells than standing still does, by this factor and number.
_BETTER, _MORE = 1.25, 2
# Of few cells, some agree by chance: a drift explains at least this share of them.
_SHARE, _FEW = 0.75, 20


def estimate_drift(before: _Reals, after: _Reals, diameter: float) -> _Reals:
    """Estimate the move that most cells have in common.

    Every two cells of the two frames propose the move that would bring one onto the
    other. Where most proposals agree is the drift, if it explains clearly more cells
    than no drift does.

    Parameters
    ----------
    before, after : (n, 2) and (m, 2) float64
        Centroids of the cells, in pixels.
    diameter : float
        Cell diameter in pixels.

    Returns
    -------
    (2,) float64
        Rows and columns by which the second frame is displaced.
    """
    none = np.zeros(2)
    if min(len(before), len(after)) < _FEWEST or not diameter:
        return none
    step = max(1, len(before) // _ENOUGH)
    chosen = before[::step]
    later = cKDTree(after)
    near = later.query_ball_point(chosen, _FARTHEST * diameter)
    moves = np.concatenate(
        [after[found] - place for place, found in zip(chosen, near, strict=True)]
    )
    if not len(moves):
        return none
    radius = _TOGETHER * diameter
    # A move proposed by many is found among a few of the proposals.
    asked = moves[:: max(1, len(moves) // 4000)]
    support = cKDTree(moves).query_ball_point(asked, radius, return_length=True)
    peak = asked[int(np.argmax(support))]

    def explained(move: _Reals) -> int:
        reached, _ = later.query(chosen + move, distance_upper_bound=radius)
        return int(np.isfinite(reached).sum())

    least = _BETTER * explained(none) + _MORE
    if len(chosen) < _FEW:
        least = max(least, _SHARE * len(chosen))
    if explained(peak) < least:
        return none
    for _ in range(3):
        distance, found = later.query(chosen + peak, distance_upper_bound=2 * radius)
        agreed = np.isfinite(distance)
        peak = np.median(after[found[agreed]] - chosen[agreed], axis=0)
    return np.asarray(peak, dtype=np.float64)
