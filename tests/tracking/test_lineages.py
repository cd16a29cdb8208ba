import numpy as np
import pytest
from scipy import ndimage

from fastershift.errors import InputError
from fastershift.tracking import Lineage, Track, centroids
from fastershift.tracking._parents import grow
from helpers.movies import FAMILY


def test_children():
    assert FAMILY.children(1) == (2, 3)
    assert FAMILY.children(3) == (4,)
    assert FAMILY.children(2) == ()
    assert FAMILY.children(99) == ()


def test_divisions_have_two_children_at_least():
    assert FAMILY.divisions() == {1: (2, 3), 4: (5, 6, 7)}


def test_graph_holds_divisions_only():
    assert FAMILY.graph() == {2: [1], 3: [1], 5: [4], 6: [4], 7: [4]}


def test_empty_lineage():
    assert Lineage().divisions() == {}
    assert Lineage().graph() == {}
    assert Lineage().children(1) == ()


def test_tracks_shrink_to_the_frames_that_show_them():
    tracks = (Track(1, 0, 3), Track(2, 4, 4, 1), Track(3, 5, 6, 2), Track(4, 4, 6, 1))
    left = Lineage(tracks).without_frames({0, 2, 4})
    assert left.rows() == [(1, 1, 3, 0), (3, 5, 6, 0), (4, 5, 6, 1)]
    assert Lineage(tracks).without_frames(()) == Lineage(tracks)


def test_lineages_are_values():
    assert Lineage((Track(1, 0, 2),)) == Lineage((Track(1, 0, 2, 0),))
    FAMILY.divisions()
    assert Lineage(FAMILY.tracks) == FAMILY
    with pytest.raises(AttributeError):
        FAMILY.tracks[0].parent = 5


def test_centroids():
    labels = np.zeros((3, 20, 30), dtype=np.int64)
    labels[0, 2:5, 4:9] = 7
    labels[1, 3:6, 4:9] = 7
    labels[1, 10:14, 20:22] = 100_000
    labels[2, 19, 29] = 2
    np.testing.assert_allclose(
        centroids(labels),
        [
            [2, 2, 19, 29],
            [7, 0, 3, 6],
            [7, 1, 4, 6],
            [100_000, 1, 11.5, 20.5],
        ],
    )


def test_centroids_agree_with_a_direct_computation():
    labels = np.random.default_rng(0).integers(0, 9, (4, 15, 16))
    table = centroids(labels)
    for label, time, y, x in table:
        rows, columns = np.nonzero(labels[int(time)] == label)
        assert (y, x) == pytest.approx((rows.mean(), columns.mean()))
    assert len(table) == sum(len(np.unique(frame)) - 1 for frame in labels)
    keys = [tuple(row) for row in table[:, :2]]
    assert keys == sorted(keys)


def test_centroids_are_found_in_frames_that_are_read_one_at_a_time():
    stack = np.random.default_rng(0).integers(0, 9, (4, 15, 16))

    class Frames:
        def __len__(self):
            return len(stack)

        def __getitem__(self, t):
            return stack[t]

    np.testing.assert_array_equal(centroids(Frames()), centroids(stack))
    with pytest.raises(InputError, match="2 axes"):
        centroids(stack[0])


def test_centroids_of_nothing():
    assert centroids(np.zeros((3, 4, 5), dtype=int)).shape == (0, 4)
    assert centroids(np.zeros((0, 4, 5), dtype=int)).shape == (0, 4)


@pytest.mark.parametrize("diameter", [1, 2, 8, 21])
def test_a_region_grows_by_a_disc(diameter):
    radius = (diameter - 1) / 2
    y, x = np.mgrid[-11:12, -11:12]
    region = np.random.default_rng(diameter).random((50, 60)) < 0.01
    expected = ndimage.binary_dilation(region, y**2 + x**2 <= radius**2)
    assert np.array_equal(grow(region, diameter), expected)
