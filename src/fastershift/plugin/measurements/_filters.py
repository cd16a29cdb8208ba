"""Which cells are of interest: by length of their track, border, and any measure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastershift.measure import FrameTable

__all__ = ["CellFilter"]


@dataclass(frozen=True)
class CellFilter:
    """What a cell must be like to be kept.

    Attributes
    ----------
    shortest : int
        Fewest frames in which its track is seen.
    inside : bool
        Whether its whole track must stay clear of the border.
    measure : str
        A column; empty for none.
    least, most : float
        The range that the measure must lie in, both included.
    """

    shortest: int = 1
    inside: bool = False
    measure: str = ""
    least: float = -np.inf
    most: float = np.inf

    def rows(self, table: FrameTable) -> NDArray[np.bool_]:
        """Tell of every row whether it is kept.

        Parameters
        ----------
        table : dict
            Columns with a value for each cell of each frame.

        Returns
        -------
        (n,) bool
            Values that are not known lie in no range.
        """
        _, track, seen = np.unique(
            table["track"], return_inverse=True, return_counts=True
        )
        kept = seen[track] >= self.shortest
        if self.inside:
            touching = np.bincount(track, weights=table["touches_border"])
            kept &= touching[track] == 0
        if self.measure:
            values = table[self.measure].astype(np.float64)
            kept &= (values >= self.least) & (values <= self.most)
        return np.asarray(kept)
