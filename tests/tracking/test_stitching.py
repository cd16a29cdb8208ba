"""Parts of a frame, labelled on their own, become one labelling."""

import numpy as np
import pytest
from skimage.draw import disk

from fastershift.simulate import simulate_movie
from fastershift.tracking import stitch_parts


def cut(labels, size, step):
    """Label overlapping parts as if each was alone: cut cells, other numbers."""
    _, height, width = labels.shape
    parts = []
    for row in range(0, max(1, height - size + step), step):
        for column in range(0, max(1, width - size + step), step):
            part = labels[:, row : row + size, column : column + size]
            ids, codes = np.unique(part, return_inverse=True)
            numbers = np.zeros(ids.size, int)
            numbers[ids > 0] = 1 + np.random.default_rng(row + column).permutation(
                np.count_nonzero(ids)
            )
            parts.append((numbers[codes].reshape(part.shape), (row, column)))
    return parts


def same_partition(one, other):
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


@pytest.mark.parametrize(("size", "step"), [(64, 32), (96, 48), (200, 200)])
def test_cells_come_out_whole_however_the_frame_is_cut(size, step):
    labels = simulate_movie(2, (160, 176), 25, diameter=16, seed=1).labels
    stitched = stitch_parts(cut(labels, size, step), labels.shape[1:])
    assert same_partition(stitched, labels)
    assert stitched.dtype == np.int32


def test_the_part_that_sees_more_around_a_cell_is_believed():
    good, bad = np.zeros((2, 1, 40, 40), int)
    rows, columns = disk((20, 30), 6)
    good[0, rows, columns] = 1  # ten columns from the next part's border
    bad[0, 14:27, 0:14] = 5  # the same cell and more, next to its border
    stitched = stitch_parts([(bad, (0, 20)), (good, (0, 0))], (40, 60))
    assert stitched.max() == 1
    assert np.array_equal(stitched[0, :, :40] > 0, good[0] > 0)


def test_a_clump_larger_than_every_overlap_is_not_lost():
    labels = np.zeros((1, 30, 100), int)
    labels[0, 10:20, 5:95] = 1
    stitched = stitch_parts(cut(labels, 50, 40), (30, 100))
    assert not stitched[labels == 0].any()
    assert np.count_nonzero(stitched) > 0.9 * np.count_nonzero(labels)


def test_nothing_there():
    empty = [
        (np.zeros((2, 20, 20), int), (0, 0)),
        (np.zeros((2, 20, 20), int), (0, 10)),
    ]
    assert not stitch_parts(empty, (20, 30)).any()
