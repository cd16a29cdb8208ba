import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.instances import merge_tiles

SHAPE = (16, 24)


def tile(*regions):
    labels = np.zeros((2, 16, 16), dtype=np.uint16)
    for label, (rows, columns) in enumerate(regions, 1):
        labels[:, slice(*rows), slice(*columns)] = label
    return labels


def test_single_tile_is_the_frame():
    labels = np.zeros((2, 16, 16), dtype=np.uint16)
    labels[:, 0:3, 0:3] = 4
    labels[1, 10:16, 10:16] = 9
    merged = merge_tiles([(labels, (0, 0))], (16, 16), border=4)
    np.testing.assert_array_equal(merged > 0, labels > 0)
    assert set(np.unique(merged)) == {0, 1, 2}
    assert merged.dtype == np.int32


def test_everything_foreground_loses_no_label():
    labels = np.ones((2, 16, 16), dtype=np.uint16)
    labels[:, 8:] = 2
    merged = merge_tiles([(labels, (0, 0))], (16, 16), border=4)
    assert set(np.unique(merged)) == {1, 2}


def test_cells_cut_by_an_inner_edge_are_left_to_the_next_tile():
    first = tile(((4, 8), (12, 16)))
    second = tile(((4, 8), (4, 10)))
    merged = merge_tiles([(first, (0, 0)), (second, (0, 8))], SHAPE, border=2)
    expected = np.zeros((2, *SHAPE), dtype=int)
    expected[:, 4:8, 12:18] = 1
    np.testing.assert_array_equal(merged > 0, expected > 0)


def test_outer_edges_cut_nothing():
    merged = merge_tiles([(tile(((0, 5), (0, 5))), (0, 0))], SHAPE, border=2)
    assert (merged[:, :5, :5] == 1).all()


def test_larger_clump_wins_whole():
    small = tile(((4, 8), (9, 12)))
    large = tile(((3, 9), (1, 4)), ((3, 9), (4, 6)))
    tiles = [(small, (0, 0)), (large, (0, 8))]
    merged = merge_tiles(tiles, SHAPE, border=1)
    assert len(np.unique(merged[:, 3:9, 9:14])) == 2
    assert (merged[:, 3:9, 9:14] > 0).all()
    backwards = merge_tiles(tiles[::-1], SHAPE, border=1)
    np.testing.assert_array_equal(backwards > 0, merged > 0)


def test_equal_clumps_keep_the_earlier_one():
    first = tile(((4, 8), (9, 12)))
    second = tile(((5, 9), (1, 4)))
    merged = merge_tiles([(first, (0, 0)), (second, (0, 8))], SHAPE, border=1)
    expected = np.zeros(SHAPE, dtype=int)
    expected[4:8, 9:12] = 1
    np.testing.assert_array_equal(merged[0], expected)


def test_left_border_of_the_published_program_is_one_column():
    # Wholly within the left border, but not in its last column + 1.
    labels = tile(((5, 9), (1, 4)))
    assert merge_tiles([(tile(), (0, 0)), (labels, (0, 8))], SHAPE, border=4).any()


def test_blanked_left_column_hides_a_cell_that_lies_in_it():
    labels = tile(((5, 9), (4, 5)))
    tiles = [(tile(), (0, 0)), (labels, (0, 8))]
    assert not merge_tiles(tiles, SHAPE, border=4).any()


@pytest.mark.parametrize(
    ("start", "region"),
    [((8, 0), ((1, 4), (5, 9))), ((0, 0), ((12, 15), (5, 9)))],
    ids=["top", "bottom"],
)
def test_other_borders_are_whole_strips(start, region):
    assert not merge_tiles([(tile(region), start)], (24, 16), border=4).any()


def test_no_tile_is_refused():
    with pytest.raises(InputError, match="no tile"):
        merge_tiles([], SHAPE)


@pytest.mark.parametrize("start", [(0, 9), (-1, 0), (1, 0)])
def test_tile_beyond_the_frame_is_refused(start):
    with pytest.raises(InputError, match="does not fit"):
        merge_tiles([(tile(), start)], SHAPE)
