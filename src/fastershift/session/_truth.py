"""What may be learned from corrections, read one frame at a time."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["KnownLabels"]

_UNKNOWN = -1


class KnownLabels:
    """Labels of some frames, a source of frames for a `Movie`; others are unknown.

    Frames are copied when they are read, each as it is at that moment.

    Parameters
    ----------
    labels : (T, Y, X) int32
        They may go on being edited.
    frames : iterable of int
        Those that are known.
    guard : context manager
        Held while they are edited.

    Attributes
    ----------
    shape : (int, int, int)
        Frames, rows and columns.
    dtype : dtype
        int32.
    frames : tuple of int
        Those that are known, ascending.
    """

    def __init__(
        self,
        labels: npt.NDArray[np.int32],
        frames: Iterable[int],
        guard: AbstractContextManager[Any],
    ) -> None:
        self._labels = labels
        self._guard = guard
        self.frames = tuple(sorted(frames))
        self.shape: tuple[int, int, int] = labels.shape
        self.dtype = labels.dtype

    def read(self, t: int) -> npt.NDArray[np.int32]:
        """Return a (Y, X) copy of a frame; -1 in all pixels of one that is unknown."""
        if t not in self.frames:
            return np.full(self.shape[1:], _UNKNOWN, np.int32)
        with self._guard:
            known: npt.NDArray[np.int32] = self._labels[t].copy()
        return known
