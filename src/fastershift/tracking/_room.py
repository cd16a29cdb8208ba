"""Room for label images, however large they are."""

from math import prod
from tempfile import TemporaryFile
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["label_room"]

_Labels: TypeAlias = npt.NDArray[np.int32]

# Bytes from which label images lie in a file that the system can write out: a frame of
# 4096 x 4096 pixels.
_LARGE = 2**26


def label_room(shape: tuple[int, ...]) -> _Labels:
    """Make an array of labels, in memory, or where it is large in a temporary file.

    The file is gone when nothing refers to the array any more.

    Parameters
    ----------
    shape : tuple of int
        Of the array.

    Returns
    -------
    int32 array
        What it holds is not defined.
    """
    if 4 * prod(shape) < _LARGE:
        return np.empty(shape, dtype=np.int32)
    with TemporaryFile(prefix="fastershift-") as file:
        return np.memmap(file, np.int32, "w+", shape=shape)
