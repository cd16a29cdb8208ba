"""Arrays for label images, however large they are."""

import os
from math import prod
from tempfile import TemporaryFile
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["copy_labels", "empty_labels", "reserve"]

_Labels: TypeAlias = npt.NDArray[np.int32]

# Bytes from which label images lie in a file that the system can write out: a frame of
# 4096 x 4096 pixels.
_LARGE = 2**26


def empty_labels(shape: tuple[int, ...]) -> _Labels:
    """Make labels without cells, in memory, or where large in a temporary file.

    The file is deleted when nothing refers to the array any more. Where the disk is
    full, the array lies in memory after all.

    Parameters
    ----------
    shape : tuple of int
        Of the array.

    Returns
    -------
    int32 array
        Zeros.
    """
    n_bytes = 4 * prod(shape)
    if n_bytes < _LARGE:
        return np.zeros(shape, dtype=np.int32)
    try:
        with TemporaryFile(prefix="fastershift-") as file:
            reserve(file.fileno(), n_bytes)
            return np.memmap(file, np.int32, "r+", shape=shape)
    except OSError:
        return np.zeros(shape, dtype=np.int32)


def reserve(descriptor: int, n_bytes: int) -> None:
    """Make a file so long, and take the room for it on the disk.

    Where a file with holes lies in memory, the process is ended when the disk fills up.

    Parameters
    ----------
    descriptor : int
        Of a file that is open to be written.
    n_bytes : int
        Its length.

    Raises
    ------
    OSError
        When there is not so much room.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, n_bytes)
    else:
        os.ftruncate(descriptor, n_bytes)


def copy_labels(labels: npt.NDArray[np.integer[Any]]) -> _Labels:
    """Copy labels of any integer type into an array from `empty_labels`."""
    copied = empty_labels(labels.shape)
    copied[...] = labels
    return copied
