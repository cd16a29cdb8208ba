"""A new run around what was corrected."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastershift.editing import (
    Delete,
    Editor,
    FillGaps,
    Link,
    Lock,
    Merge,
    Rerun,
    Unlink,
    Unlock,
)
from fastershift.errors import InputError
from fastershift.tracking import Lineage, Track
from helpers.validity import ctc_problems


def blocks(*tracks, n_frames=5, shape=(20, 40)):
    """Make a movie of rectangles: (id, first, last, parent, row, column)."""
    labels = np.zeros((n_frames, *shape), np.int32)
    for label, first, last, _, row, column in tracks:
        labels[first : last + 1, row : row + 6, column : column + 6] = label
    return labels, Lineage(tuple(Track(*track[:4]) for track in tracks))


OLD = ((1, 0, 4, 0, 2, 2), (2, 0, 4, 0, 2, 10), (3, 0, 1, 0, 12, 2))
NEW = (
    (1, 0, 4, 0, 2, 10),
    (2, 0, 4, 0, 2, 2),
    (3, 0, 4, 0, 12, 20),
    (4, 2, 4, 0, 12, 2),
)


@pytest.fixture
def editor():
    return Editor(*blocks(*OLD))


def spans(editor):
    return {t.id: (t.first, t.last, t.parent) for t in editor.lineage.tracks}


def test_without_locks_the_new_run_is_all(editor):
    labels, lineage = blocks(*NEW)
    editor.do(Rerun(labels, lineage))
    assert ctc_problems(editor.labels, editor.lineage) == []
    assert ((editor.labels > 0) == (labels > 0)).all()
    assert len(editor.lineage.tracks) == 4
    editor.undo()
    np.testing.assert_array_equal(editor.labels, blocks(*OLD)[0])
    assert editor.lineage == blocks(*OLD)[1]


def test_locked_cells_keep_pixels_numbers_and_identity(editor):
    editor.do(Merge(2, (1, 2)))
    labels, lineage = blocks(*NEW)
    before = editor.cells.region(2, 1)
    editor.do(Rerun(labels, lineage))
    assert ctc_problems(editor.labels, editor.lineage) == []
    assert editor.cells.region(2, 1) == before
    assert editor.cells.locked == {2: {1}}
    # One of the two new tracks goes on through the locked cell.
    assert spans(editor)[1] == (0, 4, 0)


def test_a_cell_that_was_put_in_stays_known_while_it_is_locked(editor):
    editor.do(Delete(2, (1,)))
    editor.do(FillGaps(1, 1))
    assert editor.cells.filled == {2: {1}}
    editor.do(Rerun(*blocks(*NEW)))
    assert editor.cells.filled == {2: {1}}
    editor.do(Unlock())
    editor.do(Rerun(*blocks(*NEW)))
    assert editor.cells.filled == {}
    editor.undo()
    assert editor.cells.filled == {2: {1}}


def test_working_it_out_changes_nothing_and_making_it_is_the_same(editor):
    editor.do(Merge(2, (1, 2)))
    labels, lineage, position = editor.labels.copy(), editor.lineage, editor.position
    prepared = Rerun(*blocks(*NEW)).prepared(editor.cells)
    np.testing.assert_array_equal(editor.labels, labels)
    assert (editor.lineage, editor.position) == (lineage, position)
    other = Editor(*blocks(*OLD))
    other.do(Merge(2, (1, 2)))
    other.do(Rerun(*blocks(*NEW)))
    editor.do(prepared)
    np.testing.assert_array_equal(editor.labels, other.labels)
    assert editor.lineage == other.lineage
    editor.undo()
    np.testing.assert_array_equal(editor.labels, labels)
    assert editor.lineage == lineage


@pytest.mark.parametrize("locks", [((1, 1), (2, 2)), ((0, 1), (2, 2))])
def test_a_locked_bud_keeps_its_locked_mother(locks):
    tracks = (1, 0, 4, 0, 2, 2), (2, 2, 4, 1, 2, 10)
    editor = Editor(*blocks(*tracks))
    for frame, label in locks:
        editor.do(Lock(frame, label))
    labels, lineage = blocks(*tracks)
    alone = Lineage(tuple(Track(t.id, t.first, t.last) for t in lineage.tracks))
    editor.do(Rerun(labels, alone))
    # Where the mother is not locked before it appears, the new run decides.
    known = (1, 1) in locks
    assert spans(editor) == {1: (0, 4, 0), 2: (2, 4, int(known))}


def test_deleted_cells_do_not_come_back(editor):
    editor.do(Delete(0, (3,), "track"))
    editor.do(Rerun(*blocks(*OLD)))
    assert not (editor.labels[:, 12:18, 2:8]).any()
    assert ctc_problems(editor.labels, editor.lineage) == []


def test_cells_keep_the_numbers_of_the_new_run():
    rows = ((7, 0, 4, 0, 2, 2), (2, 0, 4, 0, 2, 10), (9, 1, 4, 0, 12, 2))
    editor = Editor(*blocks(*rows))
    editor.do(Delete(2, (7,)))
    labels = editor.labels.copy()
    editor.do(Rerun(labels.copy(), editor.lineage))
    np.testing.assert_array_equal(editor.labels, labels)

    # A locked cell keeps its own: another one that has it gets a new one.
    editor.do(Lock(1, 2, "onwards"))
    moved, lineage = blocks((2, 0, 4, 0, 2, 22), (9, 1, 4, 0, 12, 2))
    editor.do(Rerun(moved, lineage))
    assert set(np.unique(editor.labels[4])) == {0, 1, 2, 9}
    assert ctc_problems(editor.labels, editor.lineage) == []


def test_links_and_cuts_between_locked_cells_stay(editor):
    editor.do(Unlink(2, 1))
    editor.do(Link(1, 3, 2, 2))
    editor.do(Rerun(*blocks(*OLD)))
    assert ctc_problems(editor.labels, editor.lineage) == []
    assert editor.labels[1, 3, 3] != editor.labels[2, 3, 3]
    assert editor.labels[1, 13, 3] == editor.labels[2, 3, 11]


@pytest.mark.parametrize("locked", [1, 2, 3])
def test_a_new_track_goes_on_through_a_locked_cell(locked):
    """Whatever the number of either is."""
    place = {1: (2, 2), 2: (2, 10), 3: (12, 2)}[locked]
    editor = Editor(*blocks((locked, 0, 4, 0, *place)))
    editor.do(Lock(2, locked))
    editor.do(Rerun(*blocks((1, 0, 4, 0, *place), (2, 0, 4, 0, 12, 30))))
    assert spans(editor)[locked] == (0, 4, 0)
    assert len(spans(editor)) == 2


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_two_locked_cells_that_were_apart_stay_apart(first, second):
    editor = Editor(*blocks((first, 0, 1, 0, 2, 2), (second, 3, 4, 0, 2, 2)))
    editor.do(Lock(1, first))
    editor.do(Lock(3, second))
    # For the new run they are one cell.
    editor.do(Rerun(*blocks((5, 0, 4, 0, 2, 2))))
    assert spans(editor) == {first: (0, 2, 0), second: (3, 4, 0)}


def test_a_new_cell_is_the_locked_one_it_lies_on_most():
    # The new cell has one column in common with 1, and five with 2.
    old = (1, 2, 2, 0, 2, 2), (2, 2, 2, 0, 2, 8)
    editor = Editor(*blocks(*old))
    for label in (1, 2):
        editor.do(Lock(2, label))
    editor.do(Rerun(*blocks((5, 0, 4, 0, 2, 7))))
    assert spans(editor) == {1: (2, 2, 0), 2: (0, 4, 0)}
    for label in (1, 2):
        assert (editor.labels[2] == label).sum() == 36


@pytest.mark.parametrize(("shift", "stays"), [(2, False), (4, True)])
def test_a_new_cell_beside_a_locked_one_stays_where_most_of_it_is_free(shift, stays):
    editor = Editor(*blocks((1, 0, 4, 0, 2, 2)))
    editor.do(Lock(2, 1))
    editor.do(Rerun(*blocks((1, 0, 4, 0, 2, 2 + shift))))
    assert (editor.labels[2] == 1).sum() == 36
    beside = editor.labels[2, 2:8, 8 : 8 + shift]
    assert beside.all() == stays == beside.any()
    # Where it is another cell, its track goes on beside the locked one.
    assert len(spans(editor)) == 1 + stays


def test_of_a_new_cell_that_is_cut_apart_the_larger_piece_stays():
    labels, lineage = blocks((1, 0, 4, 0, 2, 2))
    labels[:, 2:8, 2:20] = 1
    editor = Editor(*blocks((1, 2, 2, 0, 2, 10)))
    editor.do(Lock(2, 1))
    editor.do(Rerun(labels, lineage))
    (new,) = np.unique(editor.labels[2, 2:8, 2:10])
    assert new > 0
    assert not editor.labels[2, 2:8, 16:20].any()


def test_what_was_parent_and_daughter_stays_so_where_both_are_locked():
    tracks = (1, 0, 1, 0, 2, 2), (2, 2, 4, 1, 2, 2), (3, 2, 4, 1, 2, 10)
    editor = Editor(*blocks(*tracks))
    editor.do(Lock(1, 1))
    for daughter in (2, 3):
        editor.do(Lock(2, daughter))
    # The new run sees no division.
    editor.do(Rerun(*blocks((1, 0, 4, 0, 2, 2), (2, 2, 4, 0, 2, 10))))
    assert spans(editor) == {1: (0, 1, 0), 2: (2, 4, 1), 3: (2, 4, 1)}


def test_parents_that_are_not_there_are_none():
    """In the corrected result, and in the new one."""
    editor = Editor(*blocks((1, 1, 4, 8, 2, 2)))
    editor.do(Lock(1, 1, "track"))
    editor.do(Rerun(*blocks((3, 1, 4, 9, 2, 2), (4, 2, 4, 9, 12, 20))))
    assert spans(editor) == {1: (1, 4, 0), 4: (2, 4, 0)}


def test_divisions_of_the_new_run_are_kept():
    editor = Editor(*blocks((1, 0, 4, 0, 2, 2)))
    tracks = (1, 0, 1, 0, 12, 2), (2, 2, 4, 1, 12, 2), (3, 2, 4, 1, 12, 10)
    editor.do(Rerun(*blocks(*tracks)))
    assert sorted(spans(editor).values()) == [(0, 1, 0), (2, 4, 1), (2, 4, 1)]


def test_a_cell_that_was_seen_again_after_a_gap_stays_the_same_cell():
    editor = Editor(*blocks((1, 0, 4, 0, 2, 2)))
    for frame in (0, 4):
        editor.do(Lock(frame, 1))
    # The new run does not find it in between.
    editor.do(Rerun(*blocks((9, 0, 4, 0, 12, 20))))
    rows = spans(editor)
    again = editor.labels[4, 3, 3]
    assert rows[1] == (0, 0, 0)
    assert rows[again] == (4, 4, 1)


@pytest.mark.parametrize("locked", [(), (1,), (1, 3), (2,)])
def test_a_track_goes_on_across_a_frame_that_shows_nothing(locked):
    """Locked cells beside the gap, or away from it, change nothing about that."""
    labels, lineage = blocks((1, 0, 4, 0, 2, 2), (2, 0, 4, 0, 12, 20))
    labels[2] = 0
    editor = Editor(labels, lineage)
    before = labels.copy()
    for frame in locked:
        editor.do(Lock(frame, 1) if frame != 2 else Lock(1, 2))
    editor.do(Rerun(before, lineage))
    assert sorted(spans(editor).values()) == [(0, 4, 0), (0, 4, 0)]
    for frame in (1, 3, 4):
        np.testing.assert_array_equal(editor.labels[frame], editor.labels[0])
    assert not editor.labels[2].any()


def test_a_cell_that_is_found_where_a_locked_one_had_a_gap_belongs_to_it():
    labels, lineage = blocks((1, 0, 4, 0, 2, 2))
    labels[2] = 0
    editor = Editor(labels, lineage)
    editor.do(Lock(1, 1, "until", 3))
    editor.do(Rerun(*blocks((7, 0, 4, 0, 2, 2))))
    assert spans(editor) == {1: (0, 4, 0)}
    assert (editor.labels[:, 3, 3] == 1).all()


def test_another_movie_is_refused(editor):
    with pytest.raises(InputError, match="another movie"):
        editor.do(Rerun(*blocks(*NEW, n_frames=6)))


rectangles = st.tuples(
    st.integers(0, 3), st.integers(1, 5), st.integers(0, 14), st.integers(0, 34)
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(rectangles, min_size=1, max_size=5),
    st.lists(rectangles, min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), max_size=6),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), max_size=2),
)
def test_any_two_runs_fit_together(old, new, locks, deleted):
    def movie(rectangles):
        painted = np.zeros((5, 20, 40), np.int32)
        for label, (first, length, row, column) in enumerate(rectangles, 1):
            painted[first : first + length, row : row + 6, column : column + 6] = label
        labels, tracks = np.zeros_like(painted), {}
        for label in range(1, len(rectangles) + 1):
            number, before = 0, -2
            for frame in np.flatnonzero((painted == label).any(axis=(1, 2))).tolist():
                number = number if before == frame - 1 else len(tracks) + 1
                first = tracks[number].first if number in tracks else frame
                tracks[number] = Track(number, first, frame)
                labels[frame][painted[frame] == label] = number
                before = frame
        return labels, Lineage(tuple(tracks.values()))

    editor = Editor(*movie(old))
    for edit in (
        *(Lock(*one, "onwards") for one in locks),
        *(Delete(frame, (label,)) for frame, label in deleted),
    ):
        try:
            editor.do(edit)
        except InputError:
            continue
    labels, lineage = editor.labels.copy(), editor.lineage
    locked = {t: set(ids) for t, ids in editor.cells.locked.items()}
    kept = {
        (frame, label): editor.cells.region(frame, label)
        for frame, ids in locked.items()
        for label in ids
    }
    editor.do(Rerun(*movie(new)))
    assert ctc_problems(editor.labels, editor.lineage) == []
    for (frame, _), region in kept.items():
        (name,) = set(editor.labels[frame][region.box][region.mask].tolist())
        assert editor.cells.region(frame, name) == region
        assert name in editor.cells.locked[frame]
    editor.undo()
    np.testing.assert_array_equal(editor.labels, labels)
    assert editor.lineage == lineage
    assert editor.cells.locked == locked
