"""How many cells of a frame two label images have in common."""

from dataclasses import dataclass

from fastershift.labels._regions import Labels, label_areas, overlaps

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
    areas = [
        dict(zip(*(part.tolist() for part in label_areas(one)), strict=True))
        for one in (truth, found)
    ]
    iou = [
        count / (areas[0][int(a)] + areas[1][int(b)] - count)
        for a, b, count in zip(*overlaps(truth, found), strict=True)
    ]
    return Matches(
        sum(one > 0.5 for one in iou),
        sum(one > 0.75 for one in iou),
        len(areas[0]),
        len(areas[1]),
    )
