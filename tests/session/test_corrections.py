"""Corrections of a session: clicks, propagation, doubtful places, a new run."""

import json

import numpy as np
import pytest

from fastershift.editing import Delete, Lock, Merge
from fastershift.errors import InputError
from fastershift.pipeline import plan_run
from fastershift.session import Corrections
from fastershift.tracking import Lineage, Track
from helpers.validity import ctc_problems

SHAPE = (48, 64)
N_FRAMES = 8
# Rows and columns of three cells in frame 0; the first two touch, all move right.
PLACES = {1: (8, 6), 2: (8, 18), 3: (28, 8)}


def truth():
    labels = np.zeros((N_FRAMES, *SHAPE), np.int32)
    for label, (y, x) in PLACES.items():
        for t in range(N_FRAMES):
            labels[t, y : y + 12, x + 2 * t : x + 2 * t + 12] = label
    return labels


def lineage_of(labels):
    ids = np.unique(labels[labels > 0]).tolist()
    frames = {one: np.flatnonzero((labels == one).any(axis=(1, 2))) for one in ids}
    return Lineage(tuple(Track(i, int(f[0]), int(f[-1])) for i, f in frames.items()))


@pytest.fixture(scope="module")
def plan():
    """Embeddings that tell the true cells apart; background along the first axis."""
    rng = np.random.default_rng(3)
    embeddings = np.eye(4, dtype=np.float32)[truth()].transpose(0, 3, 1, 2)
    noise = 0.1 * rng.standard_normal(embeddings.shape)
    return plan_run(None, embeddings=(embeddings + noise).astype(np.float32))


def last(steps):
    return [step for step in steps if step is not None][-1]


def follow(corrections, change, frame, **options):
    steps = []
    for step in corrections.propagate(frame, change.tracks, **options):
        if step is not None:
            corrections.extend(change.entry, step)
            steps.append(step)
    return steps


def is_valid(corrections):
    assert ctc_problems(corrections.labels, corrections.lineage) == []


def test_cells_made_one_are_split_and_followed(plan):
    labels = truth()
    wrong = labels.copy()
    wrong[2:6][wrong[2:6] == 2] = 1
    wrong[6:][wrong[6:] == 2] = 4
    tracks = (Track(1, 0, 7), Track(2, 0, 1), Track(3, 0, 7), Track(4, 6, 7, 2))
    before = wrong.copy()
    corrections = Corrections(wrong, Lineage(tracks), plan=plan)
    edit = last(corrections.split(2, 1, [(12, 26), (12, 14)]))
    change = corrections.do(edit)
    steps = follow(corrections, change, 2)
    assert steps[-1].stopped == "Stopped at frame 6: the automatic result agrees."
    np.testing.assert_array_equal(corrections.labels, labels)
    assert {t.id: (t.first, t.last) for t in corrections.lineage.tracks} == {
        1: (0, 7),
        2: (0, 7),
        3: (0, 7),
    }
    is_valid(corrections)
    corrections.undo()
    np.testing.assert_array_equal(corrections.labels, before)
    assert corrections.lineage == Lineage(tracks)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_cell_in_two_pieces_is_merged_and_followed(plan, backwards):
    labels = truth()
    wrong = labels.copy()
    half = np.zeros(SHAPE, bool)
    half[:14] = True
    span = slice(0, 5) if backwards else slice(3, 8)
    wrong[span][(wrong[span] == 2) & half] = 4
    corrections = Corrections(wrong, lineage_of(wrong), plan=plan)
    frame = 4 if backwards else 3
    change = corrections.do(Merge(frame, (2, 4)))
    follow(corrections, change, frame, backwards=backwards)
    np.testing.assert_array_equal(corrections.labels, labels)
    assert len(corrections.lineage.tracks) == 3
    is_valid(corrections)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_cell_left_out_is_added_and_followed(plan, backwards):
    labels = truth()
    wrong = labels.copy()
    wrong[2:6][wrong[2:6] == 3] = 0
    wrong[6:][wrong[6:] == 3] = 4
    corrections = Corrections(wrong, lineage_of(wrong), plan=plan)
    frame = 5 if backwards else 2
    change = corrections.do(last(corrections.add(frame, (34, 8 + 2 * frame + 6))))
    steps = follow(corrections, change, frame, backwards=backwards)
    assert "agrees" in steps[-1].stopped
    assert (corrections.labels[2:6] > 0).sum() > 0.97 * (labels[2:6] > 0).sum()
    # Going on, the cell keeps its number; going back, the earlier one is kept.
    ids = {int(corrections.labels[t, 34, 8 + 2 * t + 6]) for t in range(N_FRAMES)}
    assert ids == {3}
    is_valid(corrections)


def test_a_click_just_beside_a_cell_counts_for_it(plan):
    wrong = truth()
    wrong[2:][wrong[2:] == 3] = 0
    corrections = Corrections(wrong, lineage_of(wrong), plan=plan)
    found, beside = (last(corrections.add(2, (34, x))) for x in (18, 10))
    assert beside == found
    with pytest.raises(InputError, match="background"):
        last(corrections.add(2, (34, 6)))


def test_it_goes_as_far_as_asked(plan):
    wrong = truth()
    wrong[2:][wrong[2:] == 3] = 0
    corrections = Corrections(wrong, lineage_of(wrong), plan=plan)
    change = corrections.do(last(corrections.add(2, (34, 18))))
    steps = follow(corrections, change, 2, until=4)
    assert [step.frame for step in steps] == [3, 4]
    assert steps[-1].stopped == "Continued to frame 4: as you said."
    assert not corrections.labels[5, 34, 26]


def test_it_stops_at_a_frame_that_shows_nothing(plan, monkeypatch):
    monkeypatch.setattr(type(plan.source), "is_empty", lambda _, frame: frame == 4)
    labels = truth()
    labels[3:][labels[3:] == 3] = 0
    corrections = Corrections(labels, lineage_of(labels), plan=plan)
    change = corrections.do(Lock(2, 3))
    *_, final = follow(corrections, change, 2)
    assert final.stopped == "Stopped at frame 4: this frame shows nothing."
    assert set(np.flatnonzero((labels == 3).any(axis=(1, 2)))) == {0, 1, 2, 3}
    is_valid(corrections)


def test_it_stops_below_the_limit_and_says_so(plan):
    wrong = truth()
    wrong[2:][wrong[2:] == 3] = 0
    corrections = Corrections(wrong, lineage_of(wrong), plan=plan)
    change = corrections.do(last(corrections.add(2, (34, 18))))
    steps = follow(corrections, change, 2, limit=1.01)
    assert len(steps) == 1
    assert "below 1.01" in steps[0].stopped


def test_locked_cells_stop_it(plan):
    labels = truth()
    wrong = labels.copy()
    wrong[2:6][wrong[2:6] == 2] = 1
    wrong[6:][wrong[6:] == 2] = 4
    tracks = (Track(1, 0, 7), Track(2, 0, 1), Track(3, 0, 7), Track(4, 6, 7, 2))
    corrections = Corrections(wrong, Lineage(tracks), plan=plan)
    corrections.do(Lock(4, 1))
    before = corrections.cells.region(4, 1)
    change = corrections.do(last(corrections.split(2, 1, [(12, 26), (12, 14)])))
    steps = follow(corrections, change, 2)
    assert steps[-1].frame == 4
    assert corrections.labels[4][before.box][before.mask].min() > 0
    assert len(np.unique(corrections.labels[4][before.box][before.mask])) == 1
    is_valid(corrections)


def test_without_embeddings_cells_are_split_by_shape():
    labels = truth()
    labels[labels == 2] = 1
    corrections = Corrections(labels, lineage_of(labels))
    change = corrections.do(last(corrections.split(0, 1, [(13, 11), (13, 24)])))
    first, second = change.tracks
    assert corrections.labels[0, 13, 8] == first != second
    assert corrections.labels[0, 13, 27] == second
    with pytest.raises(InputError, match="image layer"):
        last(corrections.add(0, (40, 50)))


@pytest.mark.parametrize("point", [(12, 10), (2, 60), (99, 0)])
def test_clicks_beside_a_cell_are_sentences(plan, point):
    labels = truth()
    corrections = Corrections(labels, lineage_of(labels), plan=plan)
    with pytest.raises(InputError):
        last(corrections.add(0, point))
    with pytest.raises(InputError):
        last(corrections.split(0, 1, [point, (1, 1)]))


def test_doubtful_places_and_ticks_survive(plan):
    wrong = truth()
    wrong[3:][wrong[3:] == 3] = 0  # a track that ends in the middle
    wrong[4:][wrong[4:] == 2] = 1  # two cells in one
    corrections = Corrections(wrong, lineage_of(wrong), plan=plan)
    *shares, doubts = corrections.find_doubts()
    assert shares[-1] == 1
    assert corrections.doubts == doubts
    kinds = {doubt.kind for doubt in doubts}
    assert {"ends", "area", "merge"} <= kinds
    assert list(doubts) == sorted(doubts, key=lambda one: -one.score)
    corrections.tick(doubts[0].key)
    assert corrections.progress == (1, len(doubts))
    record = json.loads(json.dumps(corrections.record()))
    again = Corrections(wrong.copy(), corrections.lineage, record=record)
    assert again.progress == corrections.progress
    assert again.doubts == doubts
    corrections.do(Delete(doubts[0].frame, (doubts[0].tracks[0],), "track"))
    list(corrections.find_doubts())
    assert corrections.progress[0] == 1
    corrections.tick(doubts[0].key, done=False)
    assert corrections.progress[0] == 0


def test_labels_of_another_movie_are_refused(plan):
    labels = truth()[:, :-1].copy()
    with pytest.raises(InputError, match="another movie"):
        Corrections(labels, lineage_of(labels), plan=plan)
