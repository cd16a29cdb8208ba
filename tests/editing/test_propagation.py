"""Corrections that are followed: what they do to one more frame, and when they end."""

import numpy as np
import pytest

from fastershift.editing import Carried, Editor, Region, propagate
from fastershift.errors import InputError
from fastershift.tracking import Lineage, Track
from helpers.editing import check, pairs_of, spans, vectors_of
from helpers.movies import MOVIES, drawn, every_movie, movie

OPTIONS = {"bandwidth": 0.2}


def follow(editor, truth, frame, ids, entry=None, **options):
    """Carry cells on, and return the edits; all of them are made."""
    steps = propagate(editor.cells, pairs_of(truth), frame, ids, **OPTIONS | options)
    made = [step for step in steps if step is not None]
    for step in made:
        editor.extend(entry or 0, step)
    return made


def start(labels, *tracks):
    labels = drawn(labels) if isinstance(labels, str) else labels.copy()
    return Editor(labels, Lineage(tuple(Track(*track) for track in tracks)))


# Two cells that move to the right.
PAIR = movie(
    """
    .............. .............. .............. ..............
    .1111......... ..1111........ ...1111....... ....1111......
    .1111......... ..1111........ ...1111....... ....1111......
    .2222......... ..2222........ ...2222....... ....2222......
    .2222......... ..2222........ ...2222....... ....2222......
    .............. .............. .............. ..............
    """,
    (1, 0, 3),
    (2, 0, 3),
)
BACK = {"backwards": True}


@every_movie
@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_right_already_is_left_as_it_is(movie, backwards):
    for track in movie.lineage.tracks:
        editor = Editor(movie.labels.copy(), movie.lineage)
        frame = track.last if backwards else track.first
        steps = follow(editor, movie.labels, frame, [track.id], backwards=backwards)
        if track.first < track.last:
            assert steps[0].stopped.endswith("the automatic result agrees.")
        np.testing.assert_array_equal(editor.labels, movie.labels)
        assert spans(editor) == {
            t.id: (t.first, t.last, t.parent) for t in movie.lineage.tracks
        }


@pytest.mark.parametrize("backwards", [False, True])
def test_a_cell_that_is_nowhere_else_is_followed_to_the_end(backwards):
    truth, there = PAIR.labels, 3 if backwards else 0
    labels = np.where(truth == 2, 0, truth)
    labels[there] = truth[there]
    editor = start(labels, (1, 0, 3), (2, there, there))
    steps = follow(editor, truth, there, [2], backwards=backwards)
    np.testing.assert_array_equal(editor.labels, truth)
    assert spans(editor)[2] == (0, 3, 0)
    assert [step.frame for step in steps] == ([2, 1, 0] if backwards else [1, 2, 3])
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    end = 0 if backwards else 3
    assert steps[-1].stopped == f"Continued to frame {end}: the movie ends."
    assert {step.stopped for step in steps[:-1]} == {""}
    assert all(2 in editor.cells.locked[step.frame] for step in steps)
    assert 1 not in editor.cells.locked.get(1, ())
    check(editor)


@pytest.mark.parametrize("backwards", [False, True])
def test_two_cells_that_were_one_are_told_apart_in_every_frame(backwards):
    truth, there = PAIR.labels, 3 if backwards else 0
    labels = np.where(truth > 0, 1, 0).astype(np.int32)
    labels[there] = truth[there]
    editor = start(labels, (1, 0, 3), (2, there, there))
    follow(editor, truth, there, [1, 2], backwards=backwards)
    np.testing.assert_array_equal(editor.labels, truth)
    check(editor)


def test_it_goes_to_the_frame_that_was_asked_for():
    labels = np.where(PAIR.labels == 2, 0, PAIR.labels)
    labels[0] = PAIR.labels[0]
    editor = start(labels, (1, 0, 3), (2, 0, 0))
    steps = follow(editor, PAIR.labels, 0, [2], until=2)
    assert steps[-1].stopped == "Continued to frame 2: as you said."
    assert spans(editor)[2] == (0, 2, 0)
    # A frame on the other side asks for nothing.
    assert follow(editor, PAIR.labels, 2, [2], until=1) == []
    assert follow(editor, PAIR.labels, 0, [2], until=1, backwards=True) == []


@pytest.mark.parametrize("backwards", [False, True])
def test_no_cell_is_written_into_a_frame_that_shows_nothing(backwards):
    """The embedding of such a frame is that of one beside it."""
    begin, empty, spanned = (3, 1, (2, 3, 0)) if backwards else (0, 2, (0, 1, 0))
    labels = np.where(PAIR.labels == 2, 0, PAIR.labels)
    labels[begin] = PAIR.labels[begin]
    labels[empty] = 0
    editor = start(labels, (1, 0, 3), (2, begin, begin))

    def pairs(first):
        frames = range(first, first + 2)
        yield tuple(vectors_of(PAIR.labels[t], empty=t == empty) for t in frames)

    steps = propagate(editor.cells, pairs, begin, [2], backwards=backwards, **OPTIONS)
    made = [step for step in steps if step is not None and editor.extend(0, step)]
    assert made[-1].stopped == f"Stopped at frame {empty}: this frame shows nothing."
    assert not editor.labels[empty].any()
    assert spans(editor)[2] == spanned


def test_where_the_embedding_shows_no_such_cell_it_ends():
    truth = PAIR.labels.copy()
    truth[2:][truth[2:] == 2] = 0
    labels = np.where(PAIR.labels == 2, 0, PAIR.labels)
    labels[0] = PAIR.labels[0]
    editor = start(labels, (1, 0, 3), (2, 0, 0))
    steps = follow(editor, truth, 0, [2])
    assert steps[-1].stopped == "Stopped at frame 2: the embedding shows no such cell."
    assert steps[-1].confidence == 0
    assert spans(editor)[2] == (0, 1, 0)
    check(editor)


def test_where_little_of_a_cell_is_left_it_is_lost():
    truth = PAIR.labels.copy()
    truth[1][truth[1] == 2] = 0
    truth[1, 3, 2] = 2
    labels = np.where(PAIR.labels == 2, 0, PAIR.labels)
    labels[0] = PAIR.labels[0]
    editor = start(labels, (1, 0, 3), (2, 0, 0))
    (step,) = follow(editor, truth, 0, [2])
    assert step.stopped == "Stopped at frame 1: a part of the cell is lost."
    assert spans(editor)[2] == (0, 0, 0)


def test_another_locked_cell_is_in_the_way():
    labels = PAIR.labels.copy()
    labels[1][labels[1] == 2] = 3
    labels[2:][labels[2:] == 2] = 0
    editor = start(labels, (1, 0, 3), (2, 0, 0), (3, 1, 1))
    editor.cells.locked = {1: {3}}
    (step,) = follow(editor, PAIR.labels, 0, [2])
    assert step.stopped == "Stopped at frame 1: the cells there are locked."
    assert (editor.labels[1] == 3).sum() == 8
    assert spans(editor)[2] == (0, 0, 0)


def test_what_belongs_to_a_larger_cell_is_not_taken_from_it():
    # In frame 1 the place of cell 2 is a third of a cell that was there before.
    truth = PAIR.labels.copy()
    labels = np.where(truth == 2, 0, truth)
    labels[0] = truth[0]
    labels[0, 3:5, 8:12] = labels[1, 3:5, 2:14] = 5
    editor = start(labels, (1, 0, 3), (2, 0, 0), (5, 0, 1))
    (step,) = follow(editor, truth, 0, [2])
    assert step.stopped == "Stopped at frame 1: another cell is there."
    assert (editor.labels[1] == 5).sum() == 24


def test_a_cell_whose_number_another_one_has_keeps_it():
    # What is called 2 from frame 1 on is the upper cell; the lower one is not there.
    truth = PAIR.labels
    labels = truth.copy()
    labels[1:] = np.where(truth[1:] == 1, 2, 0)
    editor = start(labels, (1, 0, 0), (2, 0, 3))
    follow(editor, truth, 0, [2])
    lower = truth == 2
    assert (editor.labels[lower] == 2).all()
    upper = editor.labels[1:][truth[1:] == 1]
    assert len(np.unique(upper)) == 1
    assert upper[0] not in (0, 2)
    check(editor)


def test_where_the_result_divides_a_cell_it_ends():
    truth = MOVIES["a cell divides"]
    labels = truth.labels.copy()
    editor = Editor(labels, truth.lineage)
    (step,) = (s for s in follow(editor, truth.labels, 1, [1]))
    assert step.stopped == "Stopped at frame 2: the automatic result divides 1 there."
    assert (step.regions, step.joins) == ((), ())
    (step,) = follow(editor, truth.labels, 2, [3], backwards=True)
    assert step.stopped == "Stopped at frame 1: 3 was born there."
    np.testing.assert_array_equal(editor.labels, truth.labels)
    assert editor.lineage == truth.lineage


def test_a_mother_with_two_buds_does_not_divide_and_a_bud_is_born():
    truth = movie(
        """
        ...1111... ...1111... ...1111...
        ...1111... ...1111... ...1111...
        .......... .22....33. .22....33.
        .......... .22....33. .22....33.
        """,
        (1, 0, 2),
        (2, 1, 2, 1),
        (3, 1, 2, 1),
    )
    editor = Editor(truth.labels.copy(), truth.lineage)
    (step,) = follow(editor, truth.labels, 0, [1])
    assert step.stopped == "Stopped at frame 1: the automatic result agrees."
    one = Lineage(truth.lineage.tracks[:2])
    editor = Editor(np.where(truth.labels == 3, 0, truth.labels), one)
    (step,) = follow(editor, editor.labels, 1, [2], backwards=True)
    assert step.stopped == "Stopped at frame 0: 2 was born there."
    assert editor.lineage == one


def test_the_corrected_cell_goes_on_as_the_one_that_agrees():
    """Its number passes to the track that the automatic result has there."""
    labels = PAIR.labels.copy()
    labels[2:][labels[2:] == 2] = 7
    tracks = (1, 0, 3), (2, 0, 1), (7, 2, 3)
    editor = start(labels, *tracks)
    (step,) = follow(editor, PAIR.labels, 1, [2])
    assert (step.frame, step.joins) == (2, (7,))
    np.testing.assert_array_equal(editor.labels, PAIR.labels)
    editor = start(labels, *tracks)
    (step,) = follow(editor, PAIR.labels, 2, [7], backwards=True)
    assert (step.frame, step.joins) == (1, (2,))
    np.testing.assert_array_equal(editor.labels, PAIR.labels)
    check(editor)


@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_left_of_a_track_beyond_a_gap_is_another_cell(backwards):
    """Cell 2 is called 7 in one frame, and 2 again beyond it where nothing is."""
    gap, beyond = (1, 0) if backwards else (2, 3)
    labels = PAIR.labels.copy()
    labels[gap][labels[gap] == 2] = 7
    before = labels.copy()
    editor = start(labels, (1, 0, 3), (2, 0, 3), (7, gap, gap))
    (step,) = follow(editor, PAIR.labels, 3 - gap, [2], backwards=backwards)
    assert (step.frame, step.joins) == (gap, (7,))
    joined, rest = (np.unique(editor.labels[t, 3:5]).tolist() for t in (gap, beyond))
    assert joined == np.unique(editor.labels[3 - gap, 3:5]).tolist()
    assert joined != rest
    check(editor)
    editor.undo()
    np.testing.assert_array_equal(editor.labels, before)


def test_numbers_that_were_exchanged_are_exchanged_back():
    labels = PAIR.labels.copy()
    labels[2:] = np.where(labels[2:] > 0, 3 - labels[2:], 0)
    editor = start(labels, (1, 0, 3), (2, 0, 3))
    (step,) = follow(editor, PAIR.labels, 1, [1, 2])
    assert step.joins == (2, 1)
    np.testing.assert_array_equal(editor.labels, PAIR.labels)
    check(editor)


def test_backwards_they_are_exchanged_in_the_frames_before():
    labels = PAIR.labels.copy()
    labels[2:] = np.where(labels[2:] > 0, 3 - labels[2:], 0)
    editor = start(labels, (1, 0, 3), (2, 0, 3))
    follow(editor, PAIR.labels, 2, [2, 1], backwards=True)
    first = editor.labels[0]
    for frame in (1, 2, 3):
        for label in np.unique(first[first > 0]).tolist():
            (true,) = np.unique(PAIR.labels[0][first == label])
            now = editor.labels[frame][PAIR.labels[frame] == true]
            assert (now == label).all()
    check(editor)


def test_least_confidence_decides_where_it_ends():
    truth = PAIR.labels.copy()
    truth[1, 3:5, 4:] = np.where(truth[1, 3:5, 4:] == 2, 0, truth[1, 3:5, 4:])
    labels = np.where(PAIR.labels == 2, 0, PAIR.labels)
    labels[0] = PAIR.labels[0]
    first = start(labels, (1, 0, 3), (2, 0, 0))
    confidence = follow(first, truth, 0, [2], until=1)[0].confidence
    # Half of the cell is left, all of which the embedding sees.
    assert confidence == pytest.approx(0.5**0.5, abs=0.02)
    for limit, frames in ((confidence, 1), (confidence + 1e-6, 0)):
        editor = start(labels, (1, 0, 3), (2, 0, 0))
        (step,) = follow(editor, truth, 0, [2], until=1, limit=limit)
        assert spans(editor)[2] == (0, frames, 0)
    assert step.stopped.endswith(f"is below {limit:.2f}.")


def test_an_outline_that_the_embedding_does_not_see_lowers_the_confidence():
    # What is called 3 in frame 1 covers both cells, half of it is not cell 2.
    labels = PAIR.labels.copy()
    labels[1] = np.where(labels[1] > 0, 3, 0)
    labels[2:] = 0
    editor = start(labels, (1, 0, 0), (2, 0, 0), (3, 1, 1))
    (step,) = follow(editor, PAIR.labels, 0, [2], until=1)
    # Half of the outline agrees, and it is twice as large as the cell was.
    assert step.confidence == pytest.approx(0.5 * 0.5**0.5, abs=0.01)


def test_a_cell_that_is_not_there_cannot_be_followed():
    editor = Editor(PAIR.labels.copy(), PAIR.lineage)
    with pytest.raises(InputError, match="no cell 9 in frame 1"):
        follow(editor, PAIR.labels, 1, [9])
    with pytest.raises(InputError, match="no embeddings of frame 2"):
        list(propagate(editor.cells, lambda frame: iter([None]), 1, [1], **OPTIONS))


def test_what_was_worked_out_is_not_made_once_its_cell_is_gone():
    editor = Editor(PAIR.labels.copy(), PAIR.lineage)
    region = Region.of(np.ones((2, 2), bool))
    with pytest.raises(InputError, match="no longer in frame 1"):
        editor.do(Carried(2, (8,), (region,)))
    with pytest.raises(InputError, match="no longer in frame 3"):
        editor.do(Carried(2, (8,), joins=(1,), backwards=True))
    np.testing.assert_array_equal(editor.labels, PAIR.labels)


@pytest.mark.parametrize(
    ("frame", "label", "after"),
    [
        # The parent goes on into the frame in which its daughters begin.
        (2, 1, {1: (0, 2, 0), 2: (2, 3, 0), 3: (2, 3, 0)}),
        # A daughter begins in the last frame of its parent; its sister stays one.
        (1, 2, {1: (0, 0, 0), 2: (1, 3, 0), 3: (2, 3, 1)}),
    ],
)
def test_relatives_that_would_overlap_are_let_go(frame, label, after):
    truth = MOVIES["a cell divides"]
    editor = Editor(truth.labels.copy(), truth.lineage)
    region = Region.of(np.ones((3, 6), bool), 1, 3)
    if label == 1:
        region = Region.of(np.ones((3, 2), bool), 1, 5)  # daughters keep some pixels
    editor.do(Carried(frame, (label,), (region,), backwards=label == 2))
    assert (editor.labels[frame][region.box] == label).all()
    assert spans(editor) == after
    check(editor)
