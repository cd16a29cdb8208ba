"""A copy of the corrections at one moment, while editing continues."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastershift.session._corrections import Corrections
from fastershift.tracking import Lineage

__all__ = ["Snapshot", "take_snapshot"]

# Times that a copy is begun anew because an edit was made meanwhile; the last one
# makes edits wait.
_TRIES = 3


@dataclass(frozen=True)
class Snapshot:
    """Labels, lineage and history that fit together.

    Attributes
    ----------
    labels : (T, Y, X) int32
        A copy.
    lineage : Lineage
        The tracks.
    record : callable
        Gives all else as values that JSON can hold; takes a while.
    revision : int
        `Corrections.revision` at that moment.
    """

    labels: npt.NDArray[np.int32]
    lineage: Lineage
    record: Callable[[], dict[str, Any]]
    revision: int


def take_snapshot(corrections: Corrections) -> Snapshot:
    """Copy corrections in another thread than that in which they are made.

    Edits need not wait for the copy: frames are copied one at a time, all of them
    again if anything was changed meanwhile.

    Parameters
    ----------
    corrections : Corrections
        What is to be copied.

    Returns
    -------
    Snapshot
    """
    guard = corrections.cells.guard
    for _ in range(_TRIES):
        revision = corrections.revision
        labels = np.empty_like(corrections.labels)
        for frame, image in enumerate(corrections.labels):
            with guard:
                labels[frame] = image
        with guard:
            if corrections.revision == revision:
                return _with(corrections, labels)
    with guard:
        return _with(corrections, corrections.labels.copy())


def _with(corrections: Corrections, labels: npt.NDArray[np.int32]) -> Snapshot:
    return Snapshot(
        labels,
        corrections.lineage,
        corrections.record_later(),
        corrections.revision,
    )
