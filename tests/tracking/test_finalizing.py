import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.tracking import Track
from helpers.tracks import finalize
from helpers.validity import ctc_problems

SHAPE = (20, 30)
KEEP_ALL = TrackSettings(shortest_track=1)


def movie(*cells, n_frames=6, shape=SHAPE):
    """Stack of (label, frames, rows, columns), rows and columns moved by 'drift'."""
    stack = np.zeros((n_frames, *shape), dtype=np.int32)
    for label, times, rows, columns in cells:
        for time in times:
            stack[time, slice(*rows), slice(*columns)] = label
    return stack


def rows_of(lineage):
    return [(t.id, t.first, t.last, t.parent) for t in lineage.tracks]


def finalized(stack, track=KEEP_ALL, **options):
    labels, lineage = finalize(stack, track, **options)
    assert ctc_problems(labels, lineage) == []
    return labels, lineage


LEFT, RIGHT, BOTH = (4, 10), (10, 16), (4, 16)
ROWS = (4, 10)


class TestDivisions:
    def test_mother_with_two_new_daughters(self):
        stack = movie(
            (5, range(3), ROWS, BOTH),
            (9, range(3, 6), ROWS, LEFT),
            (7, range(3, 6), ROWS, RIGHT),
        )
        labels, lineage = finalized(stack)
        assert rows_of(lineage) == [(1, 0, 2, 0), (2, 3, 5, 1), (3, 3, 5, 1)]
        assert lineage.divisions() == {1: (2, 3)}
        assert labels[4, 5, 5] == 2
        assert labels[4, 5, 15] == 3

    def test_mother_that_goes_on_as_a_daughter_is_split(self):
        stack = movie((1, range(3), ROWS, BOTH), (1, range(3, 6), ROWS, LEFT))
        stack[3:, slice(*ROWS), slice(*RIGHT)] = 2
        labels, lineage = finalized(stack)
        assert rows_of(lineage) == [(1, 0, 2, 0), (2, 3, 5, 1), (3, 3, 5, 1)]
        assert labels[4, 5, 5] == 2
        assert lineage.graph() == {2: [1], 3: [1]}

    def test_three_daughters(self):
        stack = movie(
            (1, range(3), ROWS, (3, 18)),
            (2, range(3, 6), ROWS, (3, 8)),
            (3, range(3, 6), ROWS, (8, 13)),
            (4, range(3, 6), ROWS, (13, 18)),
        )
        _, lineage = finalized(stack)
        assert lineage.divisions() == {1: (2, 3, 4)}

    def test_two_divisions_at_once(self):
        stack = movie(
            (1, range(3), (2, 8), BOTH),
            (2, range(3), (12, 18), BOTH),
            (3, range(3, 6), (2, 8), LEFT),
            (4, range(3, 6), (2, 8), RIGHT),
            (5, range(3, 6), (12, 18), LEFT),
            (6, range(3, 6), (12, 18), RIGHT),
        )
        _, lineage = finalized(stack)
        assert lineage.divisions() == {1: (3, 4), 2: (5, 6)}

    def test_daughter_divides_again(self):
        stack = movie(
            (1, range(2), ROWS, (4, 20)),
            (2, range(2, 4), ROWS, (4, 12)),
            (3, range(2, 6), ROWS, (12, 20)),
            (4, range(4, 6), ROWS, (4, 8)),
            (5, range(4, 6), ROWS, (8, 12)),
        )
        _, lineage = finalized(stack)
        assert lineage.divisions() == {1: (2, 3), 2: (4, 5)}

    def test_later_children_belong_to_the_rest_of_a_split_mother(self):
        stack = movie((1, range(6), ROWS, (4, 20)))
        stack[2:, slice(*ROWS), 16:20] = 2
        stack[4:, slice(*ROWS), 12:16] = 3
        labels, lineage = finalized(stack)
        rest = int(labels[2, 5, 5])
        assert lineage.divisions() == {
            1: tuple(sorted((rest, int(labels[2, 5, 17])))),
            rest: tuple(sorted((int(labels[4, 5, 5]), int(labels[4, 5, 13])))),
        }
        assert labels[4, 5, 17] == labels[2, 5, 17]

    @pytest.mark.parametrize(
        ("frames_ago", "found"), [(1, True), (2, True), (3, False)]
    )
    def test_parent_that_ended_some_frames_ago(self, frames_ago, found):
        birth = 3
        stack = movie(
            (1, range(birth - frames_ago + 1), ROWS, BOTH),
            (2, range(birth, 6), ROWS, LEFT),
            (3, range(birth, 6), ROWS, RIGHT),
        )
        _, lineage = finalized(
            stack, TrackSettings(shortest_track=1, division_search=2)
        )
        assert (lineage.divisions() == {1: (2, 3)}) is found

    def test_single_child_is_a_continuation(self):
        stack = movie((1, range(3), ROWS, LEFT), (2, range(3, 6), ROWS, (6, 12)))
        _, lineage = finalized(stack)
        assert rows_of(lineage) == [(1, 0, 2, 0), (2, 3, 5, 1)]
        assert lineage.divisions() == {}
        assert lineage.graph() == {}

    def test_displaced_daughters_are_reached_by_dilation(self):
        stack = movie(
            (1, range(3), (6, 10), (10, 14)),
            (2, range(3, 6), (6, 10), (5, 9)),
            (3, range(3, 6), (6, 10), (15, 19)),
        )
        for dilation, found in ((0, False), (3, False), (5, True)):
            track = TrackSettings(shortest_track=1, parent_dilation=dilation)
            assert bool(finalized(stack, track)[1].divisions()) is found

    def test_dilation_stops_at_the_edge(self):
        stack = movie(
            (1, range(3), (0, 6), (0, 6)),
            (2, range(3, 6), (0, 6), (0, 3)),
            (3, range(3, 6), (0, 6), (3, 6)),
            (4, range(3), (15, 20), (24, 30)),
            (5, range(3, 6), (15, 20), (24, 27)),
            (6, range(3, 6), (15, 20), (27, 30)),
        )
        _, lineage = finalized(stack, TrackSettings(parent_dilation=9))
        assert len(lineage.divisions()) == 2


class TestShortTracks:
    SHORT = (3, [2], (14, 18), (20, 26))

    def test_short_track_is_dropped(self):
        stack = movie((1, range(6), ROWS, LEFT), self.SHORT)
        labels, lineage = finalized(stack, TrackSettings(shortest_track=2))
        assert rows_of(lineage) == [(1, 0, 5, 0)]
        np.testing.assert_array_equal(labels, np.where(stack == 1, 1, 0))

    def test_short_track_with_a_parent_stays(self):
        stack = movie((1, range(5), ROWS, BOTH))
        stack[5, slice(*ROWS), slice(*LEFT)] = 2
        stack[5, slice(*ROWS), slice(*RIGHT)] = 3
        _, lineage = finalized(stack, TrackSettings(shortest_track=4))
        assert lineage.divisions() == {1: (2, 3)}

    def test_dropped_tracks_are_no_parents(self):
        stack = movie((2, [1, 2], ROWS, LEFT), (1, range(3, 5), ROWS, LEFT), n_frames=8)
        labels, lineage = finalized(stack, TrackSettings(shortest_track=3))
        assert not labels.any()
        assert lineage.tracks == ()

    @pytest.mark.parametrize("frame", [0, 5])
    def test_what_the_movie_cuts_off_stays(self, frame):
        stack = movie((1, range(6), ROWS, LEFT), (2, [frame], (14, 18), (20, 26)))
        labels, _ = finalized(stack, TrackSettings(shortest_track=3))
        np.testing.assert_array_equal(labels > 0, stack > 0)
        labels, _ = finalized(stack, TrackSettings(shortest_track=3), published=True)
        np.testing.assert_array_equal(labels > 0, stack == 1)

    @pytest.mark.parametrize("published", [True, False])
    def test_one_frame_movie_keeps_its_cells(self, published):
        stack = movie((4, [0], ROWS, LEFT), (2, [0], ROWS, (20, 24)), n_frames=1)
        labels, lineage = finalized(stack, TrackSettings(), published=published)
        np.testing.assert_array_equal(labels > 0, stack > 0)
        assert [(t.first, t.last, t.parent) for t in lineage.tracks] == [(0, 0, 0)] * 2

    def test_two_frame_movie(self):
        stack = movie((1, [0, 1], ROWS, LEFT), (2, [1], (14, 18), (20, 26)), n_frames=2)
        _, lineage = finalized(stack, TrackSettings(shortest_track=5))
        assert rows_of(lineage) == [(1, 0, 1, 0), (2, 1, 1, 0)]
        _, lineage = finalized(stack, TrackSettings(shortest_track=1))
        assert rows_of(lineage) == [(1, 0, 1, 0), (2, 1, 1, 0)]


class TestBorder:
    def test_cells_wholly_in_the_border_are_erased(self):
        stack = movie(
            (1, range(6), (0, 4), (5, 12)),
            (2, range(6), (2, 8), (20, 24)),
            (3, range(6), (12, 16), (27, 30)),
        )
        labels, lineage = finalized(stack, TrackSettings(border=4))
        assert rows_of(lineage) == [(1, 0, 5, 0)]
        np.testing.assert_array_equal(labels > 0, stack == 2)

    def test_rows_and_columns_may_differ(self):
        stack = movie((1, range(6), (0, 4), (10, 12)), (2, range(6), (10, 12), (0, 4)))
        labels, _ = finalized(stack, border=(4, 0))
        np.testing.assert_array_equal(labels > 0, stack == 2)
        labels, _ = finalized(stack, border=(0, 4))
        np.testing.assert_array_equal(labels > 0, stack == 1)

    @pytest.mark.parametrize("published", [True, False])
    def test_track_breaks_where_it_visits_the_border(self, published):
        stack = movie(
            (1, [0, 1, 2, 5, 6, 7], (8, 14), (4, 10)),
            (1, [3, 4], (8, 14), (0, 4)),
            n_frames=8,
        )
        track = TrackSettings(border=4, division_search=0)
        labels, lineage = finalized(stack, track, published=published)
        assert rows_of(lineage) == [(1, 0, 2, 0), (2, 5, 7, 0)]
        assert not labels[3:5].any()

    def test_border_wider_than_the_frame(self):
        stack = movie((1, range(6), ROWS, LEFT))
        labels, lineage = finalized(stack, TrackSettings(border=40))
        assert not labels.any()
        assert lineage.tracks == ()

    @pytest.mark.parametrize("published", [True, False])
    def test_foreground_that_fills_the_interior(self, published):
        stack = np.ones((3, *SHAPE), dtype=np.int32)
        labels, _ = finalized(stack, TrackSettings(border=3), published=published)
        assert (labels == 1).all()


class TestGaps:
    STACK = movie((1, [0, 1, 2, 5, 6, 8], ROWS, LEFT), n_frames=9)

    def test_are_split_and_the_pieces_continue_each_other(self):
        labels, lineage = finalized(self.STACK)
        assert rows_of(lineage) == [(1, 0, 2, 0), (2, 5, 6, 1), (3, 8, 8, 2)]
        np.testing.assert_array_equal(labels > 0, self.STACK > 0)
        assert lineage.divisions() == {}

    def test_stay_as_published(self):
        _, lineage = finalize(self.STACK, KEEP_ALL, published=True)
        assert rows_of(lineage) == [(1, 0, 8, 0)]

    def test_division_while_the_mother_has_a_gap(self):
        stack = movie((1, [0, 1, 2, 3, 6, 7], ROWS, BOTH), n_frames=8)
        stack[2:4, slice(*ROWS), slice(*RIGHT)] = 2
        labels, lineage = finalized(stack)
        assert lineage.divisions() == {1: (2, 3)}
        continued = int(labels[7, 5, 5])
        assert lineage.tracks[continued - 1].parent == labels[3, 5, 5]


class TestNumbering:
    def test_by_first_frame_then_rows_then_columns(self):
        stack = movie(
            (70_000, range(6), (10, 14), (2, 6)),
            (3, range(6), (2, 6), (20, 24)),
            (9, range(1, 6), (0, 2), (10, 13)),
            (1, range(6), (2, 6), (2, 6)),
        )
        labels, lineage = finalized(stack)
        assert [track.id for track in lineage.tracks] == [1, 2, 3, 4]
        assert labels[5, 3, 3] == 1
        assert labels[5, 3, 22] == 2
        assert labels[5, 12, 3] == 3
        assert labels[5, 0, 11] == 4

    def test_published_keeps_the_order_of_the_numbers(self):
        stack = movie((9, range(6), (2, 6), (2, 6)), (4, range(6), (10, 14), (2, 6)))
        labels, _ = finalized(stack, published=True)
        assert labels[0, 3, 3] == 2
        assert labels[0, 12, 3] == 1


@pytest.mark.parametrize("published", [True, False])
def test_nothing_found(published):
    stack = np.zeros((4, *SHAPE), dtype=np.int32)
    labels, lineage = finalized(stack, TrackSettings(border=2), published=published)
    assert labels.shape == stack.shape
    assert labels.dtype == np.int32
    assert not labels.any()
    assert lineage.tracks == ()


@pytest.mark.parametrize("published", [True, False])
def test_everything_foreground(published):
    stack = np.ones((4, *SHAPE), dtype=np.int64)
    stack[:, :, 15:] = 2
    labels, lineage = finalized(stack, TrackSettings(), published=published)
    np.testing.assert_array_equal(labels, stack)
    assert lineage.tracks == (Track(1, 0, 3), Track(2, 0, 3))


def test_many_cells():
    stack = np.zeros((3, 60, 60), dtype=np.int64)
    stack[:, ::2, ::2] = np.arange(1, 901).reshape(30, 30)
    stack[stack > 0] += 70_000
    labels, lineage = finalized(stack)
    assert len(lineage.tracks) == 900
    np.testing.assert_array_equal(labels, np.where(stack > 0, stack - 70_000, 0))


@pytest.mark.parametrize("published", [True, False])
def test_large_numbers_need_no_large_tables(published):
    few = movie((1, range(6), (2, 6), (2, 6)), (2, (0, 1, 4, 5), (10, 14), (2, 6)))
    many = np.where(few > 0, few * 20_000_000, 0).astype(np.int32)
    track = TrackSettings(shortest_track=2, border=1)
    expected, lineage = finalize(few, track, published=published)
    tracemalloc.start()
    try:
        labels, found = finalize(many, track, published=published)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(labels, expected)
    assert found == lineage
    assert peak < 4_000_000


def test_input_is_left_alone():
    stack = movie((3, range(6), ROWS, LEFT), (8, [4], (0, 3), (20, 24)))
    before = stack.copy()
    finalize(stack, TrackSettings(border=3))
    np.testing.assert_array_equal(stack, before)


@pytest.mark.parametrize(
    "stack",
    [
        np.zeros((0, 4, 5), dtype=int),
        np.zeros((4, 5), dtype=int),
        np.zeros((2, 4, 5)),
        np.full((2, 4, 5), -3),
    ],
)
def test_unusable_stacks_are_refused(stack):
    with pytest.raises(InputError):
        finalize(stack, KEEP_ALL)


@st.composite
def label_movies(draw):
    shape = draw(st.tuples(*(st.integers(1, n) for n in (6, 8, 8))))
    ids = st.sampled_from([0, 0, 1, 2, 3, 5, 70_000])
    return draw(hnp.arrays(np.int64, shape, elements=ids))


@st.composite
def blocky_movies(draw):
    """Movies of a few rectangles that move, appear, vanish, split and merge."""
    shape = (draw(st.integers(1, 8)), 12, 12)
    stack = np.zeros(shape, dtype=np.int64)
    for label in range(1, draw(st.integers(0, 7)) + 1):
        y, x = draw(st.tuples(st.integers(0, 10), st.integers(0, 10)))
        size = draw(st.integers(1, 6))
        for time in draw(st.sets(st.integers(0, shape[0] - 1))):
            step = draw(st.integers(0, 2))
            stack[time, y + step : y + step + size, x : x + size] = label
    return stack


movies = st.one_of(label_movies(), blocky_movies())
track_settings = st.builds(
    TrackSettings,
    shortest_track=st.integers(1, 4),
    border=st.integers(0, 3),
    division_search=st.integers(0, 4),
    parent_dilation=st.integers(0, 5),
)


@settings(max_examples=150, deadline=None)
@given(movies, track_settings)
def test_result_is_always_valid(stack, track):
    labels, lineage = finalize(stack, track)
    assert ctc_problems(labels, lineage) == []
    assert [t.id for t in lineage.tracks] == list(range(1, len(lineage.tracks) + 1))
    starts = [t.first for t in lineage.tracks]
    assert starts == sorted(starts)
    assert all(len(children) > 1 for children in lineage.divisions().values())


@settings(max_examples=100, deadline=None)
@given(movies, track_settings, st.randoms(use_true_random=False))
def test_numbers_of_the_input_do_not_matter(stack, track, random):
    ids = np.unique(stack[stack > 0])
    names = random.sample(range(1, 100_000), len(ids))
    renamed = np.zeros_like(stack)
    for label, name in zip(ids, names, strict=True):
        renamed[stack == label] = name
    labels, lineage = finalize(stack, track)
    again, lineage_again = finalize(renamed, track)
    np.testing.assert_array_equal(again, labels)
    assert lineage_again == lineage


@settings(max_examples=100, deadline=None)
@given(movies, st.integers(0, 4), st.booleans())
def test_no_label_is_lost_and_none_are_mixed(stack, search, published):
    track = TrackSettings(shortest_track=1, division_search=search)
    labels, _ = finalize(stack, track, published=published)
    np.testing.assert_array_equal(labels > 0, stack > 0)
    pairs = np.unique(np.stack([labels.ravel(), stack.ravel()]), axis=1)
    assert len(np.unique(pairs[0])) == pairs.shape[1]
    for frame, before in zip(labels, stack, strict=True):
        assert len(np.unique(frame)) == len(np.unique(before))


@settings(max_examples=60, deadline=None)
@given(movies, st.integers(1, 4))
def test_long_tracks_are_kept_whole(stack, shortest):
    labels, _ = finalize(stack, TrackSettings(shortest_track=shortest))
    for label in np.unique(stack[stack > 0]):
        times = np.flatnonzero((stack == label).any(axis=(1, 2)))
        if times[-1] - times[0] + 1 >= min(shortest, len(stack)):
            assert (labels[stack == label] > 0).all()
