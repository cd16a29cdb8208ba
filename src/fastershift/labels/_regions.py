"""Statistics of labels, in time linear in pixels and labels."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from fastershift.errors import InputError
from fastershift.labels._components import (
    count_pixels,
    find_boxes,
    mark_present,
    overlap_runs,
    renumber,
)
from fastershift.labels._scratch import empty_labels

__all__ = [
    "Box",
    "Labels",
    "as_labels",
    "coded",
    "compact",
    "label_areas",
    "label_boxes",
    "label_ids",
    "overlaps",
    "overlaps_and_unions",
    "relabel",
]

#: Integer labels; 0 is background.
Labels = npt.NDArray[np.integer[Any]]
#: The rectangle around a label.
Box = tuple[slice, ...]
_Integers = npt.NDArray[np.int64]


def as_labels(labels: npt.ArrayLike, n_dimensions: int) -> Labels:
    """Check that these are non-negative whole numbers with that many axes.

    Raises
    ------
    InputError
        For other types, another number of axes, and numbers beyond int32.
    """
    array = np.asarray(labels)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.ndim != n_dimensions or not np.issubdtype(array.dtype, np.integer):
        raise InputError(
            f"Labels must be whole numbers with {n_dimensions} axes; these are "
            f"{array.dtype} with {array.ndim}."
        )
    if array.size and (array.min() < 0 or array.max() > np.iinfo(np.int32).max):
        raise InputError(
            "Labels must lie between 0, the background, and 2147483647; renumber them."
        )
    return array


def compact(labels: Labels) -> tuple[_Integers, _Integers]:
    """Find the labels that occur and number them.

    Returns
    -------
    ids : (n,) int64
        Labels that occur, ascending, and always 0 first.
    codes : int64, shape of `labels`
        Positions in `ids`, so that ``ids[codes] == labels``.
    """
    ids = label_ids(labels)
    largest = _largest_of_few(labels)
    if largest is None:
        return ids, np.searchsorted(ids, labels)
    codes = np.zeros(largest + 1, dtype=np.int64)
    codes[ids] = np.arange(ids.size)
    return ids, codes[labels]


def label_ids(labels: Labels) -> _Integers:
    """Find the labels that occur.

    Parameters
    ----------
    labels : int array
        Any number of axes; none is negative.

    Returns
    -------
    (n,) int64
        Ascending; 0 is always among them.
    """
    largest = _largest_of_few(labels)
    if largest is None:
        return np.union1d([0], labels).astype(np.int64)
    present = np.zeros(largest + 1, dtype=bool)
    mark_present(labels.ravel(), present)
    present[0] = True
    return np.flatnonzero(present)


def _largest_of_few(labels: Labels) -> int | None:
    """Return the largest label if a table up to it is no larger than the image."""
    largest = int(labels.max(initial=0))
    return largest if largest <= max(2 * labels.size, 65_536) else None


def coded(labels: Labels) -> tuple[_Integers, Labels]:
    """Give labels numbers of which a table is no larger than the image.

    Returns
    -------
    ids : (n,) int64
        Label of each number, ascending; not all of them need occur.
    codes : int, shape of `labels`
        ``ids[codes] == labels``; in most images the labels themselves.
    """
    largest = _largest_of_few(labels)
    if largest is None:
        return compact(labels)
    return np.arange(largest + 1), labels


def label_areas(labels: Labels) -> tuple[_Integers, _Integers]:
    """Return the labels above 0, ascending, and their pixel counts."""
    ids, codes = coded(labels)
    areas = count_pixels(codes.ravel(), len(ids) - 1)
    areas[0] = 0
    present = np.flatnonzero(areas)
    return ids[present], areas[present]


def label_boxes(labels: Labels) -> dict[int, Box]:
    """Return the rectangle around each label above 0 of a frame (Y, X)."""
    ids, codes = coded(labels)
    boxes = np.empty((len(ids), 4), dtype=np.int64)
    find_boxes(codes, boxes)
    found = np.flatnonzero(boxes[:, 1] >= 0)
    return {
        label: (slice(top, bottom + 1), slice(left, right + 1))
        for label, (top, bottom, left, right) in zip(
            ids[found].tolist(), boxes[found].tolist(), strict=True
        )
    }


def overlaps(first: Labels, second: Labels) -> tuple[_Integers, _Integers, _Integers]:
    """Count the shared pixels of every two labels above 0 that share any.

    Returns
    -------
    first_ids, second_ids, counts : (n,) int64
        Ordered by label of `first`, then label of `second`.
    """
    first_ids, second_ids, counts, _ = overlaps_and_unions(first, second)
    return first_ids, second_ids, counts


def overlaps_and_unions(
    first: Labels, second: Labels
) -> tuple[_Integers, _Integers, _Integers, _Integers]:
    """Count the pixels of every two labels above 0 that share any.

    Returns
    -------
    first_ids, second_ids, shared, union : (n,) int64
        As `overlaps`; at last the pixels that either of the two has.

    Raises
    ------
    InputError
        When the two differ in shape.
    """
    if first.shape != second.shape:
        raise InputError(
            f"Labels of the shapes {first.shape} and {second.shape} cannot lie on each "
            "other; give two of one movie."
        )
    (ids, codes), (other_ids, others) = coded(first), coded(second)
    # No more runs than that in most images of cells.
    capacity = 1024 + first.size // 8
    while True:
        runs = np.empty((3, capacity), dtype=np.int32)
        n_runs = overlap_runs(codes.ravel(), others.ravel(), runs)
        if n_runs <= capacity:
            break
        capacity = n_runs
    rows, columns, lengths = runs[:, :n_runs]
    areas, other_areas = np.bincount(rows, lengths), np.bincount(columns, lengths)
    cells = (rows > 0) & (columns > 0)
    # As a sparse table, runs of the same two labels are added without being sorted.
    pairs = coo_array(
        (lengths[cells].astype(np.int64), (rows[cells], columns[cells])),
        shape=(ids.size, other_ids.size),
    )
    pairs = pairs.tocsr().tocoo()
    row, column, shared = pairs.row, pairs.col, pairs.data
    union = (areas[row] + other_areas[column]).astype(np.int64) - shared
    return ids[row], other_ids[column], shared, union


def relabel(
    labels: Labels, old: Iterable[int], new: Iterable[int]
) -> npt.NDArray[np.int32]:
    """Replace labels; those not named in `old` stay."""
    ids, codes = coded(labels)
    table = ids.astype(np.int64)
    replaced = np.fromiter(old, dtype=np.int64)
    positions = np.searchsorted(ids, replaced)
    known = positions < ids.size
    known[known] = ids[positions[known]] == replaced[known]
    table[positions[known]] = np.fromiter(new, dtype=np.int64)[known]
    result = empty_labels(labels.shape)
    renumber(codes.reshape(1, 1, -1), table, result.reshape(1, 1, -1))
    return result
