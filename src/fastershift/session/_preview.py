"""Cells of one frame before linking."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.config import Settings
from fastershift.pipeline import FrameReport

__all__ = ["Preview"]

Labels: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Preview:
    """Cells of one frame before linking.

    Attributes
    ----------
    frame : int
        Number of the frame.
    cells, clusters : (Y, X) int32
        Cells, and the modes they belong to, in image pixels.
    report : FrameReport
        How it was clustered.
    settings : Settings
        Resolved.
    """

    frame: int
    cells: Labels
    clusters: Labels
    report: FrameReport
    settings: Settings
