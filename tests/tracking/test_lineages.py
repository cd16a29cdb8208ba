import numpy as np
import pytest
from scipy import ndimage

from fastershift.tracking import Lineage, Track, centroids, ctc_problems
from fastershift.tracking._lineage import track_spans
from fastershift.tracking._parents import grow

#: 1 divides into 2 and 3; 3 is seen again as 4; 4 divides into three.
FAMILY = Lineage(
    (
        Track(1, 0, 1),
        Track(2, 2, 5, 1),
        Track(3, 2, 3, 1),
        Track(4, 4, 4, 3),
        Track(5, 5, 5, 4),
        Track(6, 5, 5, 4),
        Track(7, 5, 5, 4),
    )
)


def labels_of(lineage, n_frames=6):
    labels = np.zeros((n_frames, 4, 20), dtype=np.int32)
    for track in lineage.tracks:
        labels[track.first : track.last + 1, 1:3, 2 * track.id] = track.id
    return labels


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
    assert ctc_problems(np.zeros((3, 4, 5), dtype=int), Lineage()) == []


def test_lineages_are_values():
    assert Lineage((Track(1, 0, 2),)) == Lineage((Track(1, 0, 2, 0),))
    FAMILY.divisions()
    assert Lineage(FAMILY.tracks) == FAMILY
    with pytest.raises(AttributeError):
        FAMILY.tracks[0].parent = 5


def test_valid_result_has_no_problems():
    assert ctc_problems(labels_of(FAMILY), FAMILY) == []


@pytest.mark.parametrize(
    ("tracks", "said"),
    [
        ([Track(1, 0, 5), Track(1, 0, 5)], "same id"),
        ([Track(0, 0, 5)], "below 1"),
        ([Track(1, 3, 2)], "from frame 3 to 2"),
        ([Track(1, -1, 2)], "from frame -1 to 2"),
        ([Track(1, 0, 5, 8)], "does not exist"),
        ([Track(1, 0, 3), Track(2, 3, 5, 1)], "before its parent ends"),
        ([Track(1, 0, 5, 1)], "before its parent ends"),
    ],
)
def test_invalid_tracks(tracks, said):
    lineage = Lineage(tuple(tracks))
    assert any(said in problem for problem in ctc_problems(labels_of(lineage), lineage))


def test_gap_and_stray_label():
    labels = labels_of(FAMILY)
    labels[3][labels[3] == 2] = 0
    labels[0, 0, 0] = 12
    assert ctc_problems(labels, FAMILY) == [
        "Track 2 has no pixel in frame 3.",
        "Label 12 of frame 0 belongs to no track.",
    ]


def test_label_outside_the_frames_of_its_track():
    labels = labels_of(FAMILY)
    labels[5, 0, 0] = 1
    assert ctc_problems(labels, FAMILY) == ["Label 1 of frame 5 belongs to no track."]


def test_spans():
    expected = {track.id: (track.first, track.last) for track in FAMILY.tracks}
    assert track_spans(labels_of(FAMILY)) == expected
    assert track_spans(np.zeros((2, 3, 4), dtype=int)) == {}


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
