"""How well cells that were found agree with those that were marked."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastershift.labels import label_areas, label_ids, overlaps_and_unions
from fastershift.training._truth import UNKNOWN

__all__ = ["Agreement", "judge_cells", "without_marked"]

_Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Agreement:
    """Cells that agree, that are missed, and that nobody marked.

    Attributes
    ----------
    overlap : float
        Sum over the marked cells that were found of their overlap (IoU) above 0.5.
    hits, missed, extra : int
        Marked cells that were found and that were not; cells found where it is known
        that there are none.
    """

    overlap: float = 0.0
    hits: int = 0
    missed: int = 0
    extra: int = 0

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            self.overlap + other.overlap,
            self.hits + other.hits,
            self.missed + other.missed,
            self.extra + other.extra,
        )

    @property
    def quality(self) -> float:
        """Panoptic quality, 0 to 1: F1 times the mean overlap of what was found.

        References
        ----------
        .. [1] A. Kirillov et al., "Panoptic segmentation", CVPR 2019.
        """
        count = self.hits + (self.missed + self.extra) / 2
        return self.overlap / count if count else 0.0


def judge_cells(
    found: _Labels, marked: _Labels, judged: npt.NDArray[np.bool_]
) -> Agreement:
    """Compare the cells of a frame with what is marked.

    Parameters
    ----------
    found : (Y, X) int32
        The result; 0 is background.
    marked : (Y, X) int32
        Cells, 0 background, -1 unknown.
    judged : (Y, X) bool
        Known pixels that count: whole cells, and background around them.

    Returns
    -------
    Agreement
        Cells found mostly outside of what counts are left out.
    """
    cells = np.where(judged & (marked > 0), marked, 0)
    best: dict[int, float] = {}
    matched = set()
    for cell, other, count, union in zip(
        *overlaps_and_unions(cells, found), strict=True
    ):
        if 2 * count > union:
            best[int(cell)] = float(count / union)
            matched.add(int(other))
    within = np.where(judged & (marked != UNKNOWN), found, 0)
    sizes, inside = (
        dict(zip(*(part.tolist() for part in label_areas(one)), strict=True))
        for one in (found, within)
    )
    extra = sum(
        2 * count > sizes[other]
        for other, count in inside.items()
        if other not in matched
    )
    missed = len(label_ids(cells)) - 1 - len(best)
    return Agreement(sum(best.values()), len(best), missed, extra)


def without_marked(found: _Labels, marked: _Labels) -> _Labels:
    """Keep what is found where nothing is marked.

    Parameters
    ----------
    found : (Y, X) int32
        Cells; 0 is background.
    marked : (Y, X) int32
        Cells, 0 background, -1 unknown.

    Returns
    -------
    (Y, X) int32
        -1 where something is marked, and in cells that touch it.
    """
    touched = np.unique(found[marked != UNKNOWN])
    gone = (marked != UNKNOWN) | np.isin(found, touched[touched > 0])
    return np.where(gone, UNKNOWN, found).astype(np.int32)
