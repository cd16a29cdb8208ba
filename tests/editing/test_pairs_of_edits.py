"""Edits that take each other back, and what the history says of them."""

import numpy as np
import pytest

from fastershift.editing import (
    Add,
    Delete,
    Editor,
    FillHoles,
    Grow,
    Link,
    Lock,
    MarkDivision,
    Merge,
    Paint,
    Region,
    RemoveDivision,
    Shrink,
    Split,
    Swap,
    Unlink,
    Unlock,
)
from fastershift.errors import InputError
from fastershift.tracking import Lineage, Track
from helpers.editing import check, spans
from helpers.movies import MOVIES, every_movie

TOUCH = MOVIES["two cells touch, then one leaves"]
DIVIDES = MOVIES["a cell divides"]
BACK = MOVIES["a cell comes back"]


def edited(movie, *edits):
    editor = Editor(movie.labels.copy(), movie.lineage)
    for edit in edits:
        editor.do(edit)
        check(editor)
    return editor


def is_as(editor, movie):
    np.testing.assert_array_equal(editor.labels, movie.labels)
    assert editor.lineage == movie.lineage


def cells_of(movie):
    for track in movie.lineage.tracks:
        for frame in range(track.first, track.last + 1):
            yield frame, track.id, Region.of(movie.labels[frame] == track.id)


@every_movie
def test_a_cell_deleted_and_added_again_is_the_same_cell(movie):
    ends = {(t.first, t.id) for t in movie.lineage.tracks}
    ends |= {(t.last, t.id) for t in movie.lineage.tracks}
    for frame, label, region in cells_of(movie):
        track = movie.lineage.tracks[label - 1]
        related = track.parent or any(t.parent == label for t in movie.lineage.tracks)
        if (frame, label) in ends and track.first < track.last and not related:
            is_as(
                edited(movie, Delete(frame, (label,)), Add(frame, region, label)), movie
            )


@every_movie
def test_two_cells_merged_and_split_again_are_the_same_cells(movie):
    for frame, label, region in cells_of(movie):
        for other, second, rest in cells_of(movie):
            track = movie.lineage.tracks[second - 1]
            if other != frame or label == second or frame != track.last:
                continue
            if track.first == track.last or spans(edited(movie))[second][2]:
                continue
            back = Split(frame, label, (region, rest), (label, second))
            is_as(edited(movie, Merge(frame, (label, second)), back), movie)


@every_movie
def test_a_cell_cut_off_and_linked_again_is_the_same_cell(movie):
    for frame, label, _ in cells_of(movie):
        track = movie.lineage.tracks[label - 1]
        if not track.first < frame:
            continue
        editor = edited(movie, Unlink(frame, label))
        made = max(spans(editor))
        assert spans(editor)[label] == (track.first, frame - 1, track.parent)
        assert spans(editor)[made] == (frame, track.last, 0)
        editor.do(Link(frame - 1, label, frame, made))
        is_as(editor, movie)


@pytest.mark.parametrize("scope", ["onwards", "frame", "until"])
def test_cells_swapped_twice_are_the_same_cells(scope):
    swap = Swap(1, 1, 2, scope, 2 if scope == "until" else None)
    editor = edited(TOUCH, swap)
    assert editor.labels[1, 2, 2] == 2
    assert editor.labels[0, 2, 2] == 1
    is_as(edited(TOUCH, swap, swap), TOUCH)


@pytest.mark.parametrize(
    ("scope", "until", "frames"),
    [("onwards", None, 4), ("frame", None, 1), ("until", 2, 2), ("until", 0, 2)],
)
def test_a_swap_extends_over_the_frames_that_were_asked_for(scope, until, frames):
    editor = edited(TOUCH, Swap(1, 1, 2, scope, until))
    changed = (editor.labels != TOUCH.labels).any(axis=(1, 2))
    assert changed.sum() == frames
    text = "from frame 1 on" if scope == "onwards" else f"in {frames} frames"
    assert editor.undo_text == f"Swapped 1 and 2 {text}."
    for label in (1, 2):
        assert label in editor.cells.locked[1]


def test_a_swap_needs_both_cells_in_all_its_frames():
    with pytest.raises(InputError, match="choose fewer"):
        edited(TOUCH, Swap(1, 1, 2, "until", 4))
    with pytest.raises(InputError, match="nothing to swap"):
        edited(TOUCH, Swap(1, 1, 2, "track"))


def test_a_division_removed_and_marked_again_is_the_same_division():
    editor = edited(DIVIDES, RemoveDivision(2, 1))
    assert spans(editor) == {1: (0, 1, 0), 2: (2, 3, 0), 3: (2, 3, 0)}
    assert editor.cells.locked == {1: {1}, 2: {2, 3}}
    is_as(edited(DIVIDES, RemoveDivision(2, 1), MarkDivision(2, 1, (2, 3))), DIVIDES)


def test_a_daughter_that_is_the_parent_goes_on_with_its_number():
    editor = edited(DIVIDES, RemoveDivision(2, 1, 3))
    assert spans(editor) == {1: (0, 3, 0), 2: (2, 3, 0)}
    assert (editor.labels[2:] == 1).sum() == (DIVIDES.labels[2:] == 3).sum()


def test_a_cell_that_comes_back_stays_the_child_of_what_it_was():
    editor = edited(BACK, RemoveDivision(3, 2, 3))
    assert spans(editor)[3] == (3, 4, 2)
    assert spans(edited(BACK, Unlink(3, 3)))[3] == (3, 4, 0)
    with pytest.raises(InputError, match="begins here already"):
        edited(BACK, Unlink(0, 2))


@pytest.mark.parametrize("frame", [2, 3])
def test_a_parent_that_is_linked_to_another_cell_has_no_daughters(frame):
    """Whether it goes on at once, or as a continuation after a gap."""
    labels = DIVIDES.labels.copy()
    labels[frame:, 4, 0] = 7
    editor = Editor(labels, Lineage((*DIVIDES.lineage.tracks, Track(7, frame, 3))))
    editor.do(Link(1, 1, frame, 7))
    assert [spans(editor)[daughter][2] for daughter in (2, 3)] == [0, 0]
    check(editor)
    if frame == 2:
        assert spans(editor)[1] == (0, 3, 0)
    else:
        assert spans(editor)[7] == (3, 3, 1)


def test_grown_and_shrunk_by_as_much_a_cell_away_from_the_border_is_the_same():
    labels = np.pad(MOVIES["one cell moves"].labels, ((0, 0), (2, 2), (2, 2)))
    editor = Editor(labels.copy(), Lineage((Track(1, 0, 3),)))
    editor.do(Grow(1, 1, 2, "track"))
    assert (editor.labels == 1).sum() == 4 * 7 * 7
    editor.do(Shrink(1, 1, 2, "track"))
    np.testing.assert_array_equal(editor.labels, labels)


def test_a_cell_at_the_border_shrinks_from_its_inner_sides_only():
    movie = MOVIES["one cell fills the frame"]
    is_as(edited(movie, Shrink(1, 1)), movie)


def test_only_background_in_a_cell_is_filled():
    movie = MOVIES["one cell fills the frame"]
    labels = np.pad(movie.labels, ((0, 0), (2, 2), (2, 2)), constant_values=1)
    labels[1, 2, 2], labels[1, 3, 4] = 0, 2
    tracks = (Track(1, 0, 2), Track(2, 1, 1))
    editor = Editor(labels, Lineage(tracks))
    editor.do(FillHoles(1, 1))
    assert (editor.labels[1, 2, 2], editor.labels[1, 3, 4]) == (1, 2)
    with pytest.raises(InputError, match="at least 1"):
        editor.do(Grow(1, 1, 0))


def test_locks_that_were_undone_are_gone():
    editor = edited(TOUCH, Lock(1, 1, "until", 3), Lock(2, 2))
    assert editor.cells.locked == {1: {1}, 2: {1, 2}, 3: {1}}
    editor.do(Unlock(2, 1, "cell"))
    assert editor.cells.locked == {1: {1}, 2: {2}, 3: {1}}
    editor.do(Unlock(2, 1, "track"))
    assert editor.cells.locked == {2: {2}}
    change = editor.do(Unlock())
    assert change.locks_changed
    assert change.frames == ()
    assert not editor.cells.locked


@pytest.mark.parametrize(
    ("edit", "text", "tracks", "frames"),
    [
        (Merge(2, (2, 1)), "Merged 2 and 1 in frame 2.", (2,), (2, 3, 4)),
        (Delete(1, (2,)), "Deleted 2 in frame 1.", (), (1, 2)),
        (
            Delete(1, (1, 2), "onwards"),
            "Deleted 1 and 2 in frames 1 to 4.",
            (),
            (1, 2, 3, 4),
        ),
        (Lock(2, 1), "Locked 1.", (1,), ()),
        (Unlink(2, 2), "Unlinked 2 from what was before frame 2.", (3,), (2,)),
        (Grow(4, 1), "Grew 1 in frame 4.", (1,), (4,)),
        (Shrink(4, 1), "Shrank 1 in frame 4.", (1,), (4,)),
        (
            Add(4, Region.of(np.ones((1, 1), bool), 0, 11)),
            "Added 3 in frame 4.",
            (3,),
            (4,),
        ),
        (Link(0, 2, 1, 1), "Linked 2 of frame 0 to 1 of frame 1.", (2,), (1, 2, 3, 4)),
    ],
)
def test_a_change_says_what_and_where(edit, text, tracks, frames):
    editor = Editor(TOUCH.labels.copy(), TOUCH.lineage)
    change = editor.do(edit)
    assert (change.text, change.frame) == (text, edit.frame)
    assert (change.tracks, change.frames) == (tracks, frames)
    back = editor.undo()
    assert back.text == f"Undone: {text}"
    assert (back.entry, back.frames) == (change.entry, frames)
    assert editor.redo().text == f"Redone: {text}"


def painted(before, after):
    """Paint one pixel of the background of frame 0, then erase it, as edits."""
    return Paint.of_pixels(0, ([0], [0]), before, after)


def test_a_stroke_and_its_erasure_say_so():
    editor = Editor(TOUCH.labels.copy(), TOUCH.lineage)
    assert editor.do(painted(0, 3)).text == "Painted 3 in frame 0."
    change = editor.do(painted(3, 0))
    assert (change.text, change.tracks) == ("Erased 3 in frame 0.", ())
    is_as(editor, TOUCH)
    assert editor.cells.voids == {0: [Region.of(np.ones((1, 1), bool))]}
    assert editor.do(painted(0, 0)).text == "Erased background in frame 0."
    with pytest.raises(InputError, match="Nothing was painted"):
        Paint.of_pixels(0, ([], []), 0, 1)


def test_history_is_a_line_with_a_place_in_it():
    editor = Editor(TOUCH.labels.copy(), TOUCH.lineage)
    assert (editor.undo(), editor.redo(), editor.revision) == (None, None, 0)
    first, second = (editor.do(Lock(frame, 1)).entry for frame in (0, 1))
    assert first != second
    editor.undo()
    assert [entry.number for entry in editor.history] == [first, second]
    assert (editor.position, editor.revision) == (1, 3)
    assert (editor.undo_text, editor.redo_text) == ("Locked 1.", "Locked 1.")
    third = editor.do(Lock(3, 1)).entry
    assert third not in (first, second)
    assert [entry.number for entry in editor.history] == [first, third]
    assert (editor.redo_text, editor.position, editor.revision) == ("", 2, 4)


def test_what_belongs_to_the_last_edit_shares_its_line():
    editor = Editor(TOUCH.labels.copy(), TOUCH.lineage)
    one = editor.do(Merge(2, (1, 2)))
    change = editor.extend(one.entry, Delete(3, (1,)))
    assert (change.entry, change.frames) == (one.entry, (3, 4))
    (entry,) = editor.history
    assert (entry.frame, entry.selected) == (2, (1,))
    assert entry.text == "Merged 1 and 2 in frame 2. Deleted 1 in frame 3."
    editor.undo()
    # What was taken back is not extended.
    editor.extend(one.entry, Lock(1, 1))
    assert [line.text for line in editor.history] == ["Locked 1."]


def test_a_record_of_another_movie_is_refused():
    record = edited(TOUCH, Lock(4, 1)).record()
    short = Lineage((Track(1, 0, 3), Track(2, 0, 2)))
    with pytest.raises(InputError, match="another movie"):
        Editor(TOUCH.labels[:4].copy(), short, record)
    again = Editor(TOUCH.labels.copy(), TOUCH.lineage, record)
    assert again.cells.locked == {4: {1}}
    assert again.record() == record
    # Numbers of entries go on where they ended.
    assert again.do(Lock(3, 1)).entry > again.history[0].number
