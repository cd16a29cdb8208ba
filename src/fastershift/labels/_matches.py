"""How many cells of a frame two label images have in common."""

from dataclasses import dataclass

import numpy as np

from fastershift.labels._regions import Labels, label_ids, overlaps_and_unions

__all__ = ["Matches", "match_cells"]


@dataclass(frozen=True)
class Matches:
    """How cells of a result and of its ground truth match.

    Attributes
    ----------
    hits, close : int
        Pairs with an overlap (IoU) above 0.5 and above 0.75.
    truth, found : int
        Cells of the ground truth and of the result.
    """

    hits: int = 0
    close: int = 0
    truth: int = 0
    found: int = 0

    def __add__(self, other: "Matches") -> "Matches":
        return Matches(
            self.hits + other.hits,
            self.close + other.close,
            self.truth + other.truth,
            self.found + other.found,
        )

    @property
    def f1(self) -> float:
        """F1 at an overlap of 0.5; 0 without any cell."""
        return float(2 * self.hits / max(1, self.truth + self.found))

    @property
    def f1_close(self) -> float:
        """F1 at an overlap of 0.75."""
        return float(2 * self.close / max(1, self.truth + self.found))

    @property
    def agreement(self) -> float:
        """Mean of the F1 at both overlaps."""
        return (self.f1 + self.f1_close) / 2


def match_cells(truth: Labels, found: Labels) -> Matches:
    """Count the cells of a frame that are found.

    Parameters
    ----------
    truth, found : (Y, X) int32
        Labels; 0 is background.

    Returns
    -------
    Matches
    """
    _, _, shared, union = overlaps_and_unions(truth, found)
    iou = shared / union
    return Matches(
        int(np.count_nonzero(iou > 0.5)),
        int(np.count_nonzero(iou > 0.75)),
        len(label_ids(truth)) - 1,
        len(label_ids(found)) - 1,
    )
