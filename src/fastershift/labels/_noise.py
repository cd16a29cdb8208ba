"""Tell what a camera sees from labels and masks."""

from typing import Any

import numpy.typing as npt

__all__ = ["is_noisy"]

#: Of frames with a shorter side it is not told.
_TELLING = 64
#: Every so many rows are looked at.
_EVERY = 8
#: Share of neighbours with the same number that frames of labels have at least.
_ALIKE = 0.5


def is_noisy(frame: npt.NDArray[Any]) -> bool:
    """Tell whether more neighbours differ in a frame than are alike.

    Labels can be so only where cells one pixel wide fill the frame; what a camera sees
    is, because of its noise.

    Parameters
    ----------
    frame : array
        Any type of pixel.

    Returns
    -------
    bool
        Not of what is not (Y, X), or small.
    """
    if frame.ndim != 2 or min(frame.shape) < _TELLING:
        return False
    below = frame[1::_EVERY] == frame[:-1:_EVERY]
    beside = frame[::_EVERY, 1:] == frame[::_EVERY, :-1]
    return bool(max(below.mean(), beside.mean()) < _ALIKE)
