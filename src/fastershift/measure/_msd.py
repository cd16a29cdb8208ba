"""How far cells get in a time: mean squared displacement against lag."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_squared_displacement"]


def mean_squared_displacement(
    frames: NDArray[np.int64], y: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Average the squared distance between all places of a track that a lag parts.

    Parameters
    ----------
    frames : (n,) int
        Frames in which the track is seen, ascending.
    y, x : (n,) float
        Where it is.

    Returns
    -------
    lags : (m,) int
        In frames, from 1; those that no two places have are left out.
    values : (m,) float
        In the squared unit of the places.
    """
    first, second = np.triu_indices(len(frames), 1)
    lags = frames[second] - frames[first]
    squares = (y[second] - y[first]) ** 2 + (x[second] - x[first]) ** 2
    count = np.bincount(lags)
    found = np.flatnonzero(count)
    return found, np.bincount(lags, weights=squares)[found] / count[found]
