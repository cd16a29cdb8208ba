"""Cells keep the numbers, and so the colours, that they have elsewhere."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastershift.labels import Labels, label_ids, relabel
from fastershift.tracking._linker import best_matches

__all__ = ["keep_numbers"]

# Least overlap (intersection over union) at which a cell counts as the one before.
_SAME = 0.1


def keep_numbers(
    labels: Labels, known: Sequence[Labels], *, above: int = 0
) -> npt.NDArray[np.int32]:
    """Give cells the numbers of the cells they overlap most in other label images.

    Parameters
    ----------
    labels : (Y, X) int array
        Cells, numbered in any way; 0 is background.
    known : sequence of (Y, X) int arrays
        Other segmentations of the frame; a number of the first one wins over one of
        the second.
    above : int
        Cells that none of them knows get numbers above this one and above all that
        occur in them.

    Returns
    -------
    (Y, X) int32
        The same cells.
    """
    numbers: dict[int, int] = {}
    taken: set[int] = set()
    for image in known:
        for label, number in best_matches(image, labels, _SAME):
            if label not in numbers and number not in taken:
                numbers[label] = number
                taken.add(number)
    highest = max([above, *(int(image.max(initial=0)) for image in known)])
    ids = label_ids(labels)[1:].tolist()
    for label in ids:
        if label not in numbers:
            highest += 1
            numbers[label] = highest
    return relabel(labels, ids, (numbers[label] for label in ids))
