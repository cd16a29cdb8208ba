"""Linkers of other programs: what we make of their answers, and what is left out."""

import sys
import warnings

import numpy as np
import pytest

from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers import LINKERS, PeerLinker
from fastershift.benchmark.linkers._laptrack import _of_laptrack
from fastershift.benchmark.linkers._nearest import nearest_overlap
from fastershift.benchmark.linkers._peer import (
    as_linked,
    diameter_of,
    left_alone,
    quiet,
    table_of,
    tracks_of_rows,
)
from fastershift.benchmark.linkers._ultrack import _kept_apart, _of_ultrack
from fastershift.tracking import place_cells
from helpers.movies import TWO_CELLS_TOUCH_THEN_ONE_LEAVES as TOUCH
from helpers.validity import ctc_problems

pandas = pytest.importorskip("pandas")


def movie_of(masks):
    return MaskMovie("drawn", masks, masks, (), masks)


def cells_of(masks):
    return [place_cells(frame) for frame in masks]


def moving(*numbers):
    """Two squares that move to the right, numbered as told in each frame."""
    masks = np.zeros((len(numbers), 24, 40), np.int32)
    for t, (one, two) in enumerate(numbers):
        masks[t, 2:10, 2 + 2 * t : 10 + 2 * t] = one
        masks[t, 14:22, 12 + 2 * t : 20 + 2 * t] = two
    return masks


class TestNearestOverlap:
    def test_cells_go_on_as_what_they_share_most_pixels_with(self):
        masks = moving((1, 2), (2, 1), (7, 3))
        tracks, parents = nearest_overlap(movie_of(masks), cells_of(masks))
        assert tracks == [{1: 1, 2: 2}, {2: 1, 1: 2}, {7: 1, 3: 2}]
        assert parents == {}

    def test_a_track_goes_on_in_one_cell_alone(self):
        masks = np.zeros((2, 10, 20), np.int32)
        masks[0, 2:8, 2:18] = 1
        masks[1, 2:8, 2:9], masks[1, 2:8, 10:18] = 4, 5
        tracks, _ = nearest_overlap(movie_of(masks), cells_of(masks))
        # The larger half goes on, the other is new.
        assert tracks == [{1: 1}, {5: 1, 4: 2}]

    def test_what_shares_nothing_is_new(self):
        masks = np.zeros((3, 10, 30), np.int32)
        masks[0, 2:8, 2:8], masks[2, 2:8, 20:26] = 1, 1
        tracks, _ = nearest_overlap(movie_of(masks), cells_of(masks))
        assert tracks == [{1: 1}, {}, {1: 2}]


class TestResults:
    movie = movie_of(moving((1, 2), (2, 1), (7, 3)))

    def test_masks_get_the_numbers_of_their_tracks(self):
        tracks = [{1: 4, 2: 9}, {2: 4, 1: 9}, {7: 4, 3: 9}]
        linked = as_linked(self.movie, tracks, {}, 1.5)
        assert linked.seconds == 1.5
        assert [row[1:] for row in linked.tracks] == [(0, 2, 0), (0, 2, 0)]
        for row in (5, 17):
            for t in range(1, 3):
                here, before = (linked.labels[n, row, 18] for n in (t, t - 1))
                assert row == 5 or here == before > 0

    def test_mothers_are_kept_where_they_end_before(self):
        tracks = [{1: 1, 2: 2}, {2: 1, 1: 2}, {7: 3, 3: 2}]
        linked = as_linked(self.movie, tracks, {3: 1}, 0.0)
        spans = {row[1:3]: row for row in linked.tracks}
        assert spans[2, 2][3] == spans[0, 1][0]

    def test_a_track_with_a_gap_goes_on_as_a_child(self):
        masks = moving((1, 2), (1, 2), (1, 2))
        masks[1][masks[1] == 1] = 0
        linked = as_linked(
            movie_of(masks), [{1: 1, 2: 2}, {2: 2}, {1: 1, 2: 2}], {}, 0.0
        )
        first, again = sorted(
            (row for row in linked.tracks if row[1:3] != (0, 2)), key=lambda row: row[1]
        )
        assert (first[1:3], again[1:3]) == ((0, 0), (2, 2))
        assert again[3] == first[0]


class TestTables:
    def test_all_cells_of_all_frames_are_listed(self):
        table = table_of(cells_of(moving((1, 2), (5, 3))))
        assert table[["frame", "label"]].to_numpy().tolist() == [
            [0, 1],
            [0, 2],
            [1, 3],
            [1, 5],
        ]
        assert table["y"].tolist() == [5.5, 17.5, 17.5, 5.5]
        assert table["x"].tolist() == [5.5, 15.5, 17.5, 7.5]

    def test_tracks_count_from_one(self):
        tracks = tracks_of_rows(iter([(0, 5, 0), (2, 6, 3)]), 3)
        assert tracks == [{5: 1}, {}, {6: 4}]

    def test_the_diameter_is_that_of_the_median_cell_of_the_movie(self):
        assert diameter_of(cells_of(TOUCH.labels)) == pytest.approx(np.sqrt(36 / np.pi))

    @pytest.mark.parametrize("column", ["frame", "frame_y"])
    def test_laptrack_tells_frames_labels_tracks_and_splits(self, column):
        found = pandas.DataFrame(
            {column: [0, 1, 1], "label": [4, 2, 3], "track_id": [0, 1, 2]}
        )
        splits = pandas.DataFrame({"parent_track_id": [0, 0], "child_track_id": [1, 2]})
        tracks, parents = _of_laptrack(found, splits, 2)
        assert tracks == [{4: 1}, {2: 2, 3: 3}]
        assert parents == {2: 1, 3: 1}
        assert _of_laptrack(found, splits.iloc[:0], 2)[1] == {}


class TestUltrack:
    def test_segments_find_the_masks_whose_middle_is_nearest(self):
        masks = moving((1, 2), (5, 3))
        found = pandas.DataFrame(
            {
                "t": [0, 0, 1, 1],
                "y": [5.0, 17.2, 17.0, 4.0],
                "x": [5.2, 14.0, 17.0, 7.0],
                "track_id": [11, 12, 13, 14],
                "parent_track_id": [-1, -1, 11, 11],
            }
        )
        tracks, parents = _of_ultrack(found, cells_of(masks))
        assert tracks == [{1: 11, 2: 12}, {3: 13, 5: 14}]
        assert parents == {13: 11, 14: 11}

    def test_of_pieces_of_a_mask_the_nearest_counts_and_no_mask_is_lost(self):
        masks = moving((1, 2))
        found = pandas.DataFrame(
            {
                "t": [0, 0],
                "y": [5.0, 3.0],
                "x": [5.0, 3.0],
                "track_id": [11, 12],
                "parent_track_id": [-1, -1],
            }
        )
        tracks, _ = _of_ultrack(found, cells_of(masks))
        # The second mask belongs to no segment and is a track of its own.
        assert tracks == [{1: 11, 2: 12}]

    def test_masks_that_touch_are_parted_by_a_line(self):
        masks = np.zeros((1, 8, 12), np.int32)
        masks[0, 2:6, 2:6], masks[0, 2:6, 6:10] = 1, 2
        inside = _kept_apart(masks)[0]
        assert not inside[2:6, 5].any()
        assert inside[2:6, 2:5].all()
        assert inside[2:6, 6:10].all()
        apart = masks.copy()
        apart[0, :, 6] = 0
        np.testing.assert_array_equal(_kept_apart(apart)[0], apart[0] > 0)
        np.testing.assert_array_equal(
            _kept_apart(masks.transpose(0, 2, 1))[0], inside.T
        )


def test_masks_that_were_left_out_get_tracks_of_their_own():
    cells = cells_of(moving((1, 2), (5, 3)))
    tracks = left_alone([{1: 6}, {}], cells)
    assert tracks == [{1: 6, 2: 7}, {3: 8, 5: 9}]
    assert left_alone([{}, {}], cells) == [{1: 1, 2: 2}, {3: 3, 5: 4}]


class TestPeers:
    def test_ours_needs_nothing_and_has_no_version(self):
        own = LINKERS[0]
        assert own.missing() == ""
        assert own.described() == own.name == "nearest overlap"

    def test_what_is_not_installed_is_said_with_how_to_install_it(self):
        peer = PeerLinker("peer", "no_such_package_anywhere", nearest_overlap)
        assert peer.missing() == (
            "is not installed (pip install no_such_package_anywhere)"
        )
        assert peer.described() == "peer"

    @pytest.mark.parametrize(
        ("error", "words"),
        [(OSError("no solver"), "no solver"), (OSError(), "OSError")],
    )
    def test_what_cannot_be_loaded_says_why(self, error, words):
        def load():
            raise error

        peer = PeerLinker("peer", "numpy", nearest_overlap, load)
        assert peer.missing() == f"cannot be loaded here ({words})"

    def test_what_is_there_is_named_with_its_version(self):
        peer = PeerLinker("peer", "numpy", nearest_overlap)
        assert peer.missing() == ""
        assert peer.described() == f"peer {np.__version__}"

    def test_a_run_gives_a_valid_result(self):
        masks = moving((1, 2), (2, 1), (7, 3))
        linked = LINKERS[0].run(movie_of(masks))
        assert len(linked.tracks) == 2
        assert linked.seconds >= 0
        assert set(np.unique(linked.labels)) == {0, 1, 2}
        assert not ctc_problems_of(linked)

    def test_a_command_is_looked_for_instead_of_a_package(self):
        here = PeerLinker("peer", "nowhere", nearest_overlap, command=sys.executable)
        assert here.missing() == ""
        gone = PeerLinker("peer", "nowhere", nearest_overlap, command="no-such-command")
        assert gone.missing() == "is not installed (pip install nowhere)"

    def test_what_a_library_says_is_not_shown(self, capsys):
        with quiet():
            print("loading")  # noqa: T201
            warnings.warn("old", stacklevel=1)
        assert capsys.readouterr() == ("", "")


def ctc_problems_of(linked):
    from fastershift.tracking import Lineage, Track

    return ctc_problems(linked.labels, Lineage(tuple(Track(*r) for r in linked.tracks)))
