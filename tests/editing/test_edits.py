"""Edits of labels and lineage: what each does, and that all of it can be undone."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastershift.editing import (
    Add,
    Carried,
    Delete,
    DeleteMany,
    Editor,
    FillGaps,
    FillHoles,
    Grow,
    Link,
    Lock,
    MarkDivision,
    Merge,
    Paint,
    PaintMany,
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
from helpers.validity import ctc_problems


def movie():
    """Six frames: 1 divides into 2 and 3 after frame 2, 4 is always there, 5 early."""
    labels = np.zeros((6, 24, 30), np.int32)
    labels[:3, 2:10, 2:10] = 1
    labels[3:, 2:6, 2:10] = 2
    labels[3:, 6:10, 2:10] = 3
    labels[:, 14:20, 4:12] = 4
    labels[:3, 14:20, 12:20] = 5
    tracks = (
        Track(1, 0, 2),
        Track(2, 3, 5, 1),
        Track(3, 3, 5, 1),
        Track(4, 0, 5),
        Track(5, 0, 2),
    )
    return labels, Lineage(tracks)


@pytest.fixture
def editor():
    return Editor(*movie())


def half(top=14, left=4, height=6, width=4):
    return Region(
        top, left, height, width, Region.of(np.ones((height, width), bool)).bits
    )


def test_merge_takes_the_first_number(editor):
    change = editor.do(Merge(1, (4, 5)))
    assert (editor.labels[1, 14:20, 4:20] == 4).all()
    assert change.frames == (1, 2)
    assert change.tracks == (4,)
    assert spans(editor)[5] == (0, 0, 0)
    assert spans(editor)[6] == (2, 2, 5)
    check(editor)


def test_split_gives_new_numbers(editor):
    change = editor.do(Split(1, 4, (half(), half(left=8))))
    assert change.tracks == (4, 6)
    assert spans(editor)[6] == (1, 1, 0)
    assert (editor.labels[1, 14:20, 8:12] == 6).all()
    check(editor)


def test_part_goes_on_with_a_track_that_has_just_ended(editor):
    change = editor.do(Split(3, 4, (half(left=8), half()), (5, 4)))
    assert change.tracks == (5, 4)
    assert spans(editor)[5] == (0, 3, 0)
    check(editor)


def test_delete_in_the_middle_leaves_a_continuation(editor):
    editor.do(Delete(2, (4,)))
    assert spans(editor)[4] == (0, 1, 0)
    assert spans(editor)[6] == (3, 5, 4)
    check(editor)


@pytest.mark.parametrize(
    ("scope", "until", "left"),
    [("onwards", None, {0, 1}), ("track", None, set()), ("until", 0, {3, 4, 5})],
)
def test_delete_over_frames(editor, scope, until, left):
    editor.do(Delete(2, (4,), scope, until))
    assert set(np.flatnonzero(editor.labels[:, 15, 5] > 0)) == left
    check(editor)


def with_gaps():
    """A square walks and grows; it is missing in frames 1, 2 and 4."""
    labels = np.zeros((6, 30, 40), np.int32)
    for frame, (top, side) in {0: (3, 6), 3: (9, 9), 5: (13, 9)}.items():
        labels[frame, top : top + side, 10 : 10 + side] = 1
    labels[3:, :, 10:20][labels[3:, :, 10:20] > 0] = 2
    labels[5][labels[5] > 0] = 3
    labels[:, 25:, 30:] = 4
    tracks = (Track(1, 0, 0), Track(2, 3, 3, 1), Track(3, 5, 5, 2), Track(4, 0, 5))
    return Editor(labels, Lineage(tracks))


@pytest.mark.parametrize(("frame", "clicked"), [(0, 1), (3, 2), (5, 3)])
def test_gaps_are_filled_by_shapes_between_and_the_track_is_one(frame, clicked):
    editor = with_gaps()
    change = editor.do(FillGaps(frame, clicked))
    assert spans(editor) == {1: (0, 5, 0), 4: (0, 5, 0)}
    assert change.tracks == (1,)
    assert editor.cells.filled == {1: {1}, 2: {1}, 4: {1}}
    areas = [editor.cells.frame(t)[1].area for t in range(6)]
    assert areas == sorted(areas)
    assert areas[0] < areas[2] < areas[3]
    middles = [editor.cells.frame(t)[1].y for t in range(6)]
    np.testing.assert_allclose(np.diff(middles), 2.5, atol=0.8)
    check(editor)


def test_filled_gaps_can_be_undone_saved_and_made_again():
    editor, before = with_gaps(), with_gaps()
    editor.do(FillGaps(0, 1))
    record = json.loads(json.dumps(editor.record()))
    assert record["filled"] == [[1, [1]], [2, [1]], [4, [1]]]
    opened = Editor(editor.labels.copy(), editor.lineage, record)
    assert opened.cells.filled == editor.cells.filled
    for one in (editor, opened):
        one.undo()
        np.testing.assert_array_equal(one.labels, before.labels)
        assert one.lineage == before.lineage
        assert one.cells.filled == one.cells.locked == {}
        one.redo()
        assert one.cells.filled == {1: {1}, 2: {1}, 4: {1}}
        check(one)


def test_a_filled_cell_that_is_deleted_or_renamed_is_known_by_its_track():
    editor = with_gaps()
    editor.do(FillGaps(0, 1))
    editor.do(Delete(1, (1,)))
    rest = next(one for one in spans(editor) if one not in (1, 4))
    assert editor.cells.filled == {2: {rest}, 4: {rest}}
    check(editor)


def test_a_gap_is_filled_on_free_background_alone():
    editor = with_gaps()
    editor.labels[2, 9:16, 10:13] = 4
    editor = Editor(editor.labels, editor.lineage)
    editor.do(FillGaps(0, 1))
    assert (editor.labels[2, 9:16, 10:13] == 4).all()
    covered = with_gaps()
    covered.labels[2, :20, :30] = 4
    covered = Editor(covered.labels, covered.lineage)
    labels = covered.labels.copy()
    with pytest.raises(InputError, match=r"Other cells lie where cell 1 .* frame 2"):
        covered.do(FillGaps(0, 1))
    np.testing.assert_array_equal(covered.labels, labels)
    assert spans(covered) == spans(with_gaps())


def with_gaps_inside():
    """As other programs track: cell 1 is missing in frames 1 and 4, cell 2 never."""
    labels = np.zeros((7, 24, 30), np.int32)
    labels[[0, 2, 3, 5, 6], 2:10, 2:10] = 1
    labels[:, 14:20, 4:12] = 2
    return Editor(labels, Lineage((Track(1, 0, 6), Track(2, 0, 6))))


def within(frame, label, top):
    """Paint a square of background in a frame."""
    rows, columns = np.mgrid[top : top + 3, 20:23].reshape(2, -1)
    return Paint.of_pixels(frame, (rows, columns), 0, label)


@pytest.mark.parametrize(
    ("edit", "tracks"),
    [
        (Delete(0, (1,)), {1: (2, 6, 0)}),
        (Delete(6, (1,)), {1: (0, 5, 0)}),
        (Delete(3, (1,)), {1: (0, 2, 0), 3: (5, 6, 1)}),
        (Delete(2, (1,), "onwards"), {1: (0, 0, 0)}),
        (Delete(2, (1,), "track"), {}),
        (Delete(3, (1,), "until", 1), {1: (0, 0, 0), 3: (5, 6, 1)}),
        (DeleteMany(0, ((0, 1), (2, 1))), {1: (3, 6, 0)}),
        (DeleteMany(0, ((0, 1), (5, 1), (6, 1))), {1: (2, 3, 0)}),
        (Grow(2, 1, 1, "onwards"), {1: (0, 6, 0)}),
        (Shrink(2, 1, 1, "track"), {1: (0, 6, 0)}),
        (FillHoles(2, 1, 1, "until", 5), {1: (0, 6, 0)}),
        (Lock(2, 1, "track"), {1: (0, 6, 0)}),
        (within(4, 1, 3), {1: (0, 6, 0)}),
        (Unlink(5, 1), {1: (0, 3, 0), 3: (5, 6, 0)}),
        (Link(3, 1, 4, 2), {1: (0, 6, 0), 2: (0, 3, 0), 3: (5, 6, 0)}),
        (Swap(3, 1, 2, "until", 5), {1: (0, 6, 0)}),
        (
            MarkDivision(5, 1, (1, 2)),
            {1: (0, 3, 0), 2: (0, 4, 0), 3: (5, 6, 1), 4: (5, 6, 1)},
        ),
    ],
)
def test_gaps_within_a_track_are_stepped_over(edit, tracks):
    editor, before = with_gaps_inside(), with_gaps_inside()
    editor.do(edit)
    found = spans(editor)
    assert found == {2: (0, 6, 0)} | tracks
    for label, (first, last, _) in found.items():
        seen = np.flatnonzero((editor.labels == label).any((1, 2)))
        assert (first, last) == (seen[0], seen[-1])
    assert set(np.unique(editor.labels)) - {0} == set(found)
    for frame, ids in editor.cells.locked.items():
        assert ids <= editor.cells.frame(frame).keys()
    editor.undo()
    np.testing.assert_array_equal(editor.labels, before.labels)
    assert spans(editor) == spans(before)
    assert not editor.cells.locked


def test_a_swap_does_not_end_in_a_gap():
    """Or a track could be left without a cell in its last frame."""
    labels = with_gaps_inside().labels
    labels[5:][labels[5:] == 2] = 0
    editor = Editor(labels.copy(), Lineage((Track(1, 0, 6), Track(2, 0, 4))))
    for frame, until in ((3, 4), (2, 1)):
        with pytest.raises(InputError, match="choose fewer"):
            editor.do(Swap(frame, 1, 2, "until", until))
    assert (editor.labels == labels).all()
    editor.do(Swap(3, 1, 2, "until", 2))
    assert spans(editor) == {1: (0, 6, 0), 2: (0, 4, 0)}


def test_a_cell_without_a_gap_has_none_to_fill(editor):
    with pytest.raises(InputError, match="no gap to fill"):
        editor.do(FillGaps(1, 4))
    with pytest.raises(InputError, match="no gap to fill"):
        editor.do(FillGaps(1, 1))


def test_delete_of_a_parent_frees_its_children(editor):
    editor.do(Delete(0, (1,), "track"))
    assert spans(editor)[2] == (3, 5, 0)
    check(editor)


def test_add_takes_only_background(editor):
    change = editor.do(Add(4, half(left=10)))
    assert change.tracks == (6,)
    assert (editor.labels[4, 14:20, 10:12] == 4).all()
    assert (editor.labels[4, 14:20, 12:14] == 6).all()
    check(editor)


def test_add_goes_on_with_a_track(editor):
    editor.do(Add(3, half(left=12), 5))
    assert spans(editor)[5] == (0, 3, 0)
    check(editor)


def test_parent_is_not_extended_into_its_children(editor):
    change = editor.do(Add(3, half(left=20), 1))
    assert change.tracks == (6,)
    assert spans(editor)[1] == (0, 2, 0)
    check(editor)


def test_outline(editor):
    editor.do(Grow(0, 4, 2))
    assert (editor.labels[0, 12:22, 2:12] == 4).all()
    assert (editor.labels[0, 14:20, 12:20] == 5).all()
    editor.do(Shrink(0, 5, 1, "track"))
    assert (editor.labels[:3, 15:19, 13:19] == 5).all()
    assert not (editor.labels[:3, 14] == 5).any()
    editor.labels[0, 3:5, 3:5] = 0
    editor = Editor(editor.labels, editor.lineage)
    editor.do(FillHoles(0, 1))
    assert (editor.labels[0, 2:10, 2:10] == 1).all()
    check(editor)


def test_link_and_unlink(editor):
    editor.do(Link(2, 5, 3, 4))
    assert spans(editor)[5] == (0, 5, 0)
    assert spans(editor)[4] == (0, 2, 0)
    check(editor)
    change = editor.do(Unlink(2, 5))
    assert spans(editor)[5] == (0, 1, 0)
    assert spans(editor)[change.tracks[0]] == (2, 5, 0)
    check(editor)


def test_link_over_a_gap_is_a_continuation(editor):
    change = editor.do(Link(5, 4, 1, 5))
    assert spans(editor)[change.tracks[0]] == (5, 5, 5)
    check(editor)


def test_swap_takes_descendants_along(editor):
    editor.do(Swap(1, 1, 4))
    assert spans(editor)[1] == (0, 5, 0)
    assert spans(editor)[4] == (0, 2, 0)
    assert spans(editor)[2] == (3, 5, 4)
    assert editor.labels[1, 2, 2] == 4
    check(editor)


def test_divisions(editor):
    editor.do(MarkDivision(2, 4, (4, 5)))
    daughters = editor.lineage.children(4)
    assert len(daughters) == 2
    assert {spans(editor)[d][0] for d in daughters} == {2}
    check(editor)
    editor.do(RemoveDivision(3, 1, 2))
    assert spans(editor)[1] == (0, 5, 0)
    assert spans(editor)[3] == (3, 5, 0)
    check(editor)


def division(*tracks):
    """Cells side by side, one column each, in the frames of their tracks."""
    labels = np.zeros((8, 4, 4 * len(tracks)), np.int32)
    for number, track in enumerate(tracks):
        labels[track.first : track.last + 1, 1:3, 4 * number : 4 * number + 3] = (
            track.id
        )
    return Editor(labels, Lineage(tracks))


def test_daughters_of_a_parent_that_has_ended_keep_all_their_frames():
    editor = division(Track(1, 0, 2), Track(2, 3, 7), Track(3, 4, 7))
    change = editor.do(MarkDivision(6, 1, (2, 3)))
    assert spans(editor) == {1: (0, 2, 0), 2: (3, 7, 1), 3: (4, 7, 1)}
    assert change.text == "Marked the division of 1 in frame 3."
    assert editor.cells.locked == {2: {1}, 3: {2}, 4: {3}}
    check(editor)


def test_what_a_daughter_was_beside_its_parent_is_another_cell():
    editor = division(Track(1, 0, 2), Track(2, 1, 7), Track(3, 4, 7))
    editor.do(MarkDivision(6, 1, (2, 3)))
    assert spans(editor) == {1: (0, 2, 0), 2: (1, 2, 0), 3: (4, 7, 1), 4: (3, 7, 1)}
    check(editor)


def test_a_mother_that_lives_on_is_swapped_with_her_bud():
    tracks = Track(1, 0, 7), Track(2, 3, 7, 1), Track(3, 4, 7, 2), Track(4, 6, 7, 2)
    editor = division(*tracks)
    editor.do(Swap(5, 1, 2))
    assert spans(editor) == {
        1: (0, 7, 0),
        2: (3, 7, 1),
        3: (4, 7, 2),
        4: (6, 7, 1),
    }
    assert editor.labels[4:6, 1, [0, 4]].tolist() == [[1, 2], [2, 1]]
    editor.undo()
    assert editor.lineage.tracks == tracks


BUDS = Track(2, 2, 7, 1), Track(3, 5, 7, 1), Track(4, 6, 7, 1)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Unlink(5, 1), {1: (0, 4, 0), 2: 1, 3: 1, 4: 5, 5: (5, 7, 0)}),
        (Delete(4, (1,)), {1: (0, 3, 0), 2: 1, 3: 1, 4: 5, 5: (5, 7, 1)}),
        (Delete(4, (1,), "until", 0), {1: (5, 7, 0), 2: 0, 3: 0, 4: 1}),
        (Delete(4, (1,), "onwards"), {1: (0, 3, 0), 2: 1, 3: 0, 4: 0}),
        (Delete(4, (1,), "track"), {2: 0, 3: 0, 4: 0}),
    ],
)
def test_a_bud_descends_from_a_track_that_is_there_before_it(edit, expected):
    editor = division(mother := Track(1, 0, 7), *BUDS)
    editor.do(edit)
    found = spans(editor)
    for bud in BUDS:
        assert found[bud.id] == (bud.first, bud.last, expected.pop(bud.id))
        del found[bud.id]
    assert found == expected
    editor.undo()
    assert editor.lineage.tracks == (mother, *BUDS)


@pytest.mark.parametrize(("last", "frame"), [(7, 5), (4, 5)])
def test_a_mother_that_is_followed_keeps_her_buds(last, frame):
    editor = division(Track(1, 0, last), Track(2, 2, 7, 1))
    editor.do(Carried(frame, (1,), (half(1, 0, 2, 3),)))
    assert spans(editor) == {1: (0, max(last, frame), 0), 2: (2, 7, 1)}


def test_a_mother_that_is_cut_and_linked_again_keeps_her_buds():
    editor = division(*(tracks := (Track(1, 0, 7), Track(2, 2, 7, 1), *BUDS[2:])))
    editor.do(Unlink(5, 1))
    editor.do(Link(4, 1, 5, 5))
    assert editor.lineage.tracks == tracks


#: A mother with two buds, of which a division is told later.
DIVIDED = (
    *(Track(1, 0, 4), Track(2, 1, 7, 1), Track(3, 4, 7, 1)),
    *(Track(4, 5, 7, 1), Track(5, 5, 7, 1)),
)


@pytest.mark.parametrize(
    ("continues", "expected"),
    [
        (0, {1: (0, 4, 0), 2: 1, 3: 1, 4: 0, 5: 0}),
        (4, {1: (0, 7, 0), 2: 1, 3: 1, 5: 0}),
        (2, {1: (0, 4, 0), 2: 0, 3: 1, 4: 1, 5: 1}),
    ],
)
def test_a_mother_whose_division_is_removed_keeps_her_other_buds(continues, expected):
    editor = division(*DIVIDED)
    editor.do(RemoveDivision(5, 1, continues))
    parents = {label: span[2] for label, span in spans(editor).items()}
    mother = expected.pop(1)
    assert spans(editor)[1] == mother
    assert parents == {1: 0} | expected
    editor.undo()
    assert editor.lineage.tracks == DIVIDED


@pytest.mark.parametrize(
    ("continues", "parents"), [(0, {2: 0, 3: 0}), (3, {2: 1, 3: 0})]
)
def test_buds_alone_are_taken_from_their_mother_all_or_the_one(continues, parents):
    editor = division(Track(1, 0, 7), *DIVIDED[1:3])
    editor.do(RemoveDivision(5, 1, continues))
    assert {label: span[2] for label, span in spans(editor).items()} == {1: 0} | parents


@pytest.mark.parametrize(("frame", "clicked"), [(3, 1), (6, 3)])
def test_gaps_of_a_mother_with_a_bud_are_filled(frame, clicked):
    tracks = Track(1, 0, 3), Track(3, 6, 7, 1), Track(2, 2, 7, 1)
    editor = division(*tracks)
    change = editor.do(FillGaps(frame, clicked))
    assert change.text == "Put 1 into 2 frames."
    assert spans(editor) == {1: (0, 7, 0), 2: (2, 7, 1)}
    assert editor.cells.filled == {4: {1}, 5: {1}}
    editor.undo()
    assert set(editor.lineage.tracks) == set(tracks)


def test_a_mother_with_a_bud_goes_on_after_a_gap():
    editor = division(Track(1, 0, 3), Track(2, 2, 7, 1))
    change = editor.do(Add(5, half(1, 0, 2, 3), 1))
    assert change.tracks == (3,)
    assert spans(editor) == {1: (0, 3, 0), 2: (2, 7, 1), 3: (5, 5, 1)}


#: The last parent is not among the tracks, as in a part of a larger movie.
ORPHANS = Track(1, 1, 3), Track(2, 2, 6, 9)


@pytest.mark.parametrize(
    ("edit", "new"),
    [
        (Unlink(2, 1), {10: (2, 3, 0)}),
        (Unlink(2, 2), {2: (2, 6, 0)}),
        (Delete(4, (2,)), {2: (2, 3, 9), 10: (5, 6, 2)}),
        (Swap(3, 1, 2), {1: (1, 6, 0), 2: (2, 3, 9)}),
        (RemoveDivision(0, 9), None),
        (MarkDivision(2, 9, (1, 2)), None),
        (FillGaps(2, 2), None),
        (Carried(1, (2,), (half(1, 5, 1, 1),), backwards=True), {2: (1, 6, 9)}),
        (Carried(7, (2,), (half(1, 5, 1, 1),)), {2: (2, 7, 9)}),
    ],
)
def test_a_parent_that_is_not_there_is_none_and_no_track_gets_its_number(edit, new):
    editor = division(*ORPHANS)
    if new is None:
        with pytest.raises(InputError):
            editor.do(edit)
        new = {}
    else:
        editor.do(edit)
    before = {track.id: (track.first, track.last, track.parent) for track in ORPHANS}
    if 10 in new and 10 not in editor.cells.children(2):
        before[1] = (1, 1, 0)
    assert spans(editor) == before | new


def test_parent_that_goes_on_ends_where_the_other_daughter_appears():
    editor = division(Track(1, 0, 7), Track(2, 3, 7))
    editor.do(MarkDivision(6, 1, (1, 2), seen=1))
    assert spans(editor) == {1: (0, 2, 0), 2: (3, 7, 1), 3: (3, 7, 1)}
    check(editor)


@pytest.mark.parametrize("seen", [None, 4, 7])
def test_a_division_is_after_the_frame_in_which_its_parent_was_whole(seen):
    editor = division(Track(1, 0, 7), Track(2, 3, 7))
    editor.do(MarkDivision(5, 1, (1, 2), seen))
    assert spans(editor) == {1: (0, 4, 0), 2: (3, 4, 0), 3: (5, 7, 1), 4: (5, 7, 1)}
    check(editor)


def test_painted_pixels_are_captured(editor):
    before = editor.labels.copy()
    pixels = np.nonzero(editor.labels[2] == 4)
    editor.labels[2][pixels] = 0  # as a brush does it, before anyone is told
    editor.do(Paint.of_pixels(2, pixels, 4, 0))
    assert spans(editor)[4] == (0, 1, 0)
    check(editor)
    editor.labels[4, 0, 20:25] = 9
    change = editor.do(Paint.of_pixels(4, ([0] * 5, range(20, 25)), 0, 9))
    assert change.tracks == (9,)
    assert spans(editor)[9] == (4, 4, 0)
    check(editor)
    editor.undo()
    editor.undo()
    np.testing.assert_array_equal(editor.labels, before)


@pytest.mark.parametrize(
    ("rows_", "columns", "before", "after"),
    [
        ([21, 21, 21], [1, 2, 1], [0, 0, 9], 9),
        ([15, 15, 15], [5, 6, 5], [4, 4, 0], 0),
        ([15, 15, 15, 15], [5, 6, 5, 6], [4, 4, 9, 0], [9, 0, 8, 7]),
        ([15, 15], [5, 5], [4, 0], [0, 4]),
    ],
)
def test_a_pixel_painted_twice_had_its_first_label(
    editor, rows_, columns, before, after
):
    labels = editor.labels.copy()
    values = np.broadcast_to(after, len(rows_))
    for row, column, value in zip(rows_, columns, values, strict=True):
        editor.labels[2, row, column] = value
    painted = editor.labels.copy()
    editor.do(Paint.of_pixels(2, (rows_, columns), before, after))
    np.testing.assert_array_equal(editor.labels, painted)
    check(editor)
    editor.undo()
    np.testing.assert_array_equal(editor.labels, labels)
    check(editor)


@pytest.mark.parametrize("value", [-1, -3, 20_000_000, 2**31 - 1])
def test_numbers_that_no_cell_can_have_are_not_painted(editor, value):
    labels = editor.labels.copy()
    # As the brush does, partly over a cell.
    painted = ([15, 15], [5, 25])
    editor.labels[2][painted] = value
    with pytest.raises(InputError, match="numbers from 1 to 10,000,000: choose one"):
        editor.do(PaintMany(2, (Paint.of_pixels(2, painted, [4, 0], value),)))
    np.testing.assert_array_equal(editor.labels, labels)
    check(editor)


def test_a_stroke_may_be_looked_at_before_it_is_an_edit(editor):
    """Cells are found in other threads, too, also between painting and the edit."""
    labels = editor.labels.copy()
    for column in (20, 21, 22):
        editor.labels[4, 15, column] = 9
        editor.cells.frame(4)
    editor.labels[4, 14:20, 4:8] = 0
    pixels = np.nonzero(editor.labels[4] != labels[4])
    editor.do(Paint.of_pixels(4, pixels, labels[4][pixels], editor.labels[4][pixels]))
    assert spans(editor)[9] == (4, 4, 0)
    check(editor)
    editor.undo()
    np.testing.assert_array_equal(editor.labels, labels)
    check(editor)


def test_a_stroke_before_tracks_are_known_changes_the_tracks_before_it():
    labels, lineage = movie()
    editor = Editor(labels.copy(), lambda spans: lineage_of(spans, lineage))
    # A new cell partly over another, and one that is erased altogether.
    editor.labels[2, 14:20, 20:24] = 9
    editor.labels[2][editor.labels[2] == 4] = 0
    editor.labels[2, 15, 5] = 9
    pixels = np.nonzero(editor.labels[2] != labels[2])
    change = editor.do(
        Paint.of_pixels(2, pixels, labels[2][pixels], editor.labels[2][pixels])
    )
    assert change.tracks == (9,)
    assert spans(editor)[9] == (2, 2, 0)
    assert spans(editor)[4] == (0, 1, 0)
    check(editor)
    editor.undo()
    assert editor.lineage == lineage
    np.testing.assert_array_equal(editor.labels, labels)
    check(editor)


def lineage_of(spans, known):
    """Take the parents that are known, and the frames that the labels tell."""
    parents = {track.id: track.parent for track in known.tracks}
    return Lineage(
        tuple(Track(one, *spans[one], parents.get(one, 0)) for one in sorted(spans))
    )


@pytest.mark.parametrize("painted", [True, False])
@pytest.mark.parametrize(
    ("values", "after"),
    [
        # Erased in frames 1 to 3: it goes on as another.
        ({1: 0, 2: 0, 3: 0}, {4: (0, 0, 0), 6: (4, 5, 4)}),
        # A number that cannot begin there is another one, the same in all frames.
        ({1: 2, 2: 2}, {4: (0, 0, 0), 6: (1, 2, 0), 7: (3, 5, 4)}),
        # A part of what goes on is painted as it was called.
        ({1: 0, 2: 4, 3: 0}, {4: (0, 0, 0), 6: (2, 2, 4), 7: (4, 5, 6)}),
    ],
)
def test_a_stroke_through_several_frames(editor, painted, values, after):
    labels, lineage = movie()
    strokes = []
    for frame, value in values.items():
        pixels = np.nonzero(labels[frame] == 4)
        strokes.append(Paint.of_pixels(frame, pixels, 4, value))
        if value == 4:
            pixels = [20], [25]
            strokes[-1] = Paint.of_pixels(frame, pixels, 0, value)
        if painted:
            editor.labels[frame][pixels] = value
    editor.do(PaintMany(2, tuple(strokes)))
    now = spans(editor)
    assert {one: now.get(one) for one in after} == after
    assert len(editor.history) == 1
    check(editor)
    editor.undo()
    np.testing.assert_array_equal(editor.labels, labels)
    assert editor.lineage == lineage
    check(editor)
    editor.redo()
    assert spans(editor) == now
    check(editor)


def test_locks_follow_their_cells(editor):
    editor.do(Lock(0, 4, "track"))
    editor.do(Swap(1, 1, 4))
    assert editor.cells.locked[4] == {1}
    editor.do(Unlock(0, 1, "track"))
    assert set(editor.cells.locked) == {0, 1}
    editor.do(Delete(0, (5,)))
    editor.do(Unlock())
    assert not editor.cells.locked
    assert not editor.cells.voids
    editor.undo()
    assert editor.cells.voids


@pytest.mark.parametrize(
    "edit",
    [
        Merge(0, (4,)),
        Merge(0, (4, 77)),
        Merge(9, (4, 5)),
        Split(0, 4, (half(),)),
        Split(0, 4, (half(), half())),
        Split(0, 4, (half(), half(left=8)), (4, 5)),
        Split(0, 4, (half(), half(left=9))),
        Delete(0, ()),
        Delete(0, (4,), "until"),
        Add(0, half()),
        Add(0, half(left=20), 4),
        Shrink(0, 5, 4),
        Link(0, 4, 0, 5),
        Link(0, 4, 2, 4),
        Unlink(0, 4),
        Swap(0, 4, 4),
        Swap(0, 4, 5),
        MarkDivision(0, 4, (4, 5)),
        MarkDivision(1, 4, (5,)),
        RemoveDivision(0, 4),
        RemoveDivision(0, 1, 4),
        Lock(0, 3),
    ],
)
def test_what_cannot_be_done_changes_nothing(editor, edit):
    labels, lineage = movie()
    with pytest.raises(InputError):
        editor.do(edit)
    np.testing.assert_array_equal(editor.labels, labels)
    assert editor.lineage == lineage
    assert editor.undo_text == ""
    check(editor)


def test_an_extended_entry_is_taken_back_at_once(editor):
    labels, lineage = movie()
    change = editor.do(Delete(0, (5,)))
    editor.extend(change.entry, Delete(1, (5,)))
    assert len(editor.history) == 1
    editor.undo()
    np.testing.assert_array_equal(editor.labels, labels)
    assert editor.lineage == lineage
    editor.redo()
    editor.do(Delete(0, (1,)))
    editor.extend(change.entry, Delete(2, (5,)))
    assert len(editor.history) == 3


def test_record_survives_json(editor):
    editor.do(Merge(1, (4, 5)))
    editor.do(Delete(0, (1,)))
    editor.undo()
    record = json.loads(json.dumps(editor.record()))
    again = Editor(editor.labels.copy(), editor.lineage, record)
    assert again.redo_text == editor.redo_text
    for one in (again, editor):
        one.redo()
        one.undo()
        one.undo()
    labels, lineage = movie()
    np.testing.assert_array_equal(again.labels, labels)
    assert again.lineage == lineage


def test_cells_of_a_filter_are_deleted_and_brought_back_at_once(editor):
    labels, lineage = movie()
    cells = ((0, 5), (1, 5), (2, 5), (3, 4), (1, 1), (0, 1))
    change = editor.do(DeleteMany(2, cells))
    assert change.text == "Deleted 6 cells of 3 tracks in frames 0 to 3."
    gone = np.zeros(labels.shape, bool)
    for frame, label in cells:
        gone[frame] |= labels[frame] == label
    np.testing.assert_array_equal(editor.labels > 0, (labels > 0) & ~gone)
    after = spans(editor)
    assert after[1] == (2, 2, 0)
    assert after[4] == (0, 2, 0)
    assert sorted(after.values()) == [
        (0, 2, 0),
        (2, 2, 0),
        (3, 5, 1),
        (3, 5, 1),
        (4, 5, 4),  # goes on after the gap
    ]
    assert after[2] == (3, 5, 1)
    check(editor)
    editor.undo()
    np.testing.assert_array_equal(editor.labels, labels)
    assert editor.lineage == lineage


def test_a_filter_that_finds_nothing_or_a_cell_that_is_gone_changes_nothing(editor):
    with pytest.raises(InputError, match="no cells to delete"):
        editor.do(DeleteMany(0, ()))
    with pytest.raises(InputError, match="no cell 5 in frame 4"):
        editor.do(DeleteMany(0, ((0, 5), (4, 5))))
    np.testing.assert_array_equal(editor.labels, movie()[0])
    assert editor.undo_text == ""


@pytest.mark.parametrize(
    "damage", [{"version": 99}, {"history": [{}]}, {"locks": [[99, [1]]]}]
)
def test_damaged_record_is_a_sentence(editor, damage):
    with pytest.raises(InputError, match="saved corrections"):
        Editor(*movie(), editor.record() | damage)


def test_read_only_labels_are_refused():
    labels, lineage = movie()
    labels.flags.writeable = False
    with pytest.raises(InputError):
        Editor(labels, lineage)


numbers = st.integers(0, 12)
frames = st.integers(0, 5)
scopes = st.sampled_from(["frame", "onwards", "until", "track"])
limits = st.one_of(st.none(), frames)
boxes = st.builds(
    half, st.integers(0, 18), st.integers(0, 24), st.integers(1, 6), st.integers(1, 6)
)
edits = st.one_of(
    st.builds(Merge, frames, st.lists(numbers, min_size=2, max_size=3).map(tuple)),
    st.tuples(st.just("split"), frames, numbers, st.integers(1, 9)),
    st.builds(Delete, frames, st.tuples(numbers), scopes, limits),
    st.builds(DeleteMany, frames, st.lists(st.tuples(frames, numbers)).map(tuple)),
    st.builds(Add, frames, boxes, numbers),
    st.builds(Grow, frames, numbers, st.integers(1, 2), scopes, limits),
    st.builds(Shrink, frames, numbers, st.just(1), scopes, limits),
    st.builds(FillHoles, frames, numbers),
    st.builds(
        lambda t, box, before: Paint(t, ((0, box),), ((before, box),)),
        frames,
        boxes,
        numbers,
    ).map(lambda paint: ("paint", paint)),
    st.builds(Link, frames, numbers, frames, numbers),
    st.builds(Unlink, frames, numbers),
    st.builds(Swap, frames, numbers, numbers, scopes, limits),
    st.builds(MarkDivision, frames, numbers, st.tuples(numbers, numbers), limits),
    st.builds(RemoveDivision, frames, numbers, numbers),
    st.builds(FillGaps, frames, numbers),
    st.builds(Lock, frames, numbers, scopes, limits),
    st.builds(Unlock, frames, numbers, st.sampled_from(["cell", "track", "all"])),
)


def realised(editor, edit):
    """Turn what depends on the pixels that are there now into an edit."""
    if not isinstance(edit, tuple):
        return edit
    if edit[0] == "paint":
        paint = edit[1]
        ((value, region),) = paint.after
        pixels = np.nonzero(region.within((slice(0, 24), slice(0, 30))))
        before = editor.labels[paint.frame][pixels].copy()
        editor.labels[paint.frame][pixels] = value
        return Paint.of_pixels(paint.frame, pixels, before, value)
    _, frame, label, column = edit
    mask = editor.labels[frame] == label
    cut = np.zeros(mask.shape, bool)
    cut[:, : 2 + column] = True
    if not (mask & cut).any() or not (mask & ~cut).any():
        return Merge(frame, ())
    return Split(frame, label, (Region.of(mask & cut), Region.of(mask & ~cut)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(edits, min_size=1, max_size=12))
def test_any_sequence_of_edits_is_valid_and_can_be_undone(sequence):
    labels, lineage = movie()
    editor = Editor(labels.copy(), lineage)
    done = 0
    for edit in sequence:
        former, tracks = editor.labels.copy(), editor.lineage
        try:
            change = editor.do(realised(editor, edit))
        except InputError:
            continue
        done += 1
        assert ctc_problems(editor.labels, editor.lineage) == []
        assert change.lineage_changed or editor.lineage == tracks
        changed = editor.labels != former
        for frame, box in change.boxes.items():
            changed[frame][box] = False
        assert not changed.any()
    check(editor)
    edited, tracks, record = editor.labels.copy(), editor.lineage, editor.record()
    for _ in range(done):
        assert editor.undo() is not None
    assert editor.undo() is None
    np.testing.assert_array_equal(editor.labels, labels)
    assert editor.lineage == lineage
    assert not editor.cells.locked
    assert not editor.cells.filled
    assert not editor.cells.voids
    for _ in range(done):
        assert editor.redo() is not None
    assert editor.redo() is None
    np.testing.assert_array_equal(editor.labels, edited)
    assert editor.lineage == tracks
    assert editor.record() == record
    check(editor)
