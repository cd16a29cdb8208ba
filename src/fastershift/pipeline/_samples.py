"""Parts of a movie on which a model is tried."""

import numpy as np
import numpy.typing as npt

from fastershift.rshn import normalise_robustly

__all__ = ["as_seen", "richest", "spread_frames"]

# Frames that are looked at.
_FRAMES = 3


def spread_frames(n_frames: int) -> list[int]:
    """Choose up to three frames, spread evenly over a movie.

    Parameters
    ----------
    n_frames : int
        Of the movie.

    Returns
    -------
    list of int
    """
    count = min(_FRAMES, n_frames)
    return sorted({round((i + 0.5) * n_frames / count - 0.5) for i in range(count)})


def as_seen(frame: npt.ArrayLike) -> npt.NDArray[np.float32] | None:
    """Scale the intensities of a frame as a network that votes sees them.

    Parameters
    ----------
    frame : (Y, X) array_like
        Intensities.

    Returns
    -------
    (Y, X) float32 or None
        None without any contrast.
    """
    image, usable = normalise_robustly(np.asarray(frame), 0.0)
    return image if usable.any() else None


def richest(frame: npt.NDArray[np.float32], axis: int, side: int) -> tuple[int, int]:
    """Find the stretch of an axis in which intensities vary most.

    Parameters
    ----------
    frame : (Y, X) float32
        As `as_seen` gives it.
    axis : int
        0 for rows, 1 for columns.
    side : int
        Length of the stretch in pixels.

    Returns
    -------
    start, stop : int
        The whole axis where it is shorter.
    """
    length = frame.shape[axis]
    if side >= length:
        return 0, length
    variation = np.clip(frame, -1, 1).std(axis=1 - axis)
    sums = np.convolve(variation, np.ones(side), "valid")
    first = int(sums.argmax())
    return first, first + side
