"""A copy of corrections that goes on while they are being made."""

import threading

import numpy as np
import pytest

from fastershift.editing import Delete, Lock, Swap
from fastershift.session import Corrections, take_snapshot
from helpers.movies import TWO_CELLS_TOUCH_THEN_ONE_LEAVES as TOUCH
from helpers.validity import ctc_problems


@pytest.fixture
def corrections():
    return Corrections(TOUCH.labels.copy(), TOUCH.lineage)


class Interrupted:
    """A lock that lets something else happen before some of the times it is taken."""

    def __init__(self, lock, happens, times):
        self.lock, self.happens, self.times = lock, happens, times
        self.taken = 0

    def __enter__(self):
        self.taken += 1
        if self.taken in self.times:
            # How often what happens takes it does not matter.
            happens, kept, self.times = self.happens, (self.taken, self.times), ()
            happens()
            self.taken, self.times = kept
        return self.lock.__enter__()

    def __exit__(self, *error):
        return self.lock.__exit__(*error)


def test_a_snapshot_is_a_copy_of_all_that_belongs_together(corrections):
    corrections.do(Swap(1, 1, 2))
    corrections.tick("a place")
    snapshot = take_snapshot(corrections)
    np.testing.assert_array_equal(snapshot.labels, corrections.labels)
    assert not np.shares_memory(snapshot.labels, corrections.labels)
    assert snapshot.lineage == corrections.lineage
    assert snapshot.revision == corrections.revision == 2
    record = corrections.record()
    corrections.do(Delete(0, (1,)))
    corrections.tick("another place")
    assert snapshot.record() == record


def wide_awake(corrections, times):
    """Corrections that are made while they are being copied, and what they gave."""
    states = {corrections.revision: corrections.labels.copy()}

    def edit():
        edits = (Delete(4, (1,)), Delete(3, (1,)), Lock(0, 1), Delete(0, (2,)))
        corrections.do(edits[len(states) - 1])
        states[corrections.revision] = corrections.labels.copy()

    guard = Interrupted(corrections.cells.guard, edit, times)
    corrections.cells.guard = guard
    return states


@pytest.mark.parametrize(
    ("times", "revision"),
    [
        ((), 0),
        ((3,), 1),  # while the first copy is made
        ((6,), 1),  # after its last frame
        ((3, 9), 2),
        # Three times in a row: now edits have to wait.
        ((3, 9, 15), 3),
    ],
)
def test_labels_and_tracks_fit_whatever_happens_meanwhile(corrections, times, revision):
    states = wide_awake(corrections, times)
    snapshot = take_snapshot(corrections)
    assert snapshot.revision == revision
    assert len(states) == 1 + len(times)
    np.testing.assert_array_equal(snapshot.labels, states[revision])
    assert ctc_problems(snapshot.labels, snapshot.lineage) == []


def test_a_snapshot_can_be_taken_in_another_thread(corrections):
    taken = []
    thread = threading.Thread(target=lambda: taken.append(take_snapshot(corrections)))
    thread.start()
    for _ in range(20):
        corrections.do(Swap(1, 1, 2))
    thread.join()
    assert ctc_problems(taken[0].labels, taken[0].lineage) == []
    # Swapped an even number of times, cells have the numbers they had.
    swapped = taken[0].revision % 2
    assert taken[0].labels[1, 2, 2] == 1 + swapped


class Watched:
    """A lock that lets others look whenever nobody holds it."""

    def __init__(self, lock, look):
        self.lock, self.look, self.depth = lock, look, 0

    def _look_if_free(self):
        if not self.depth:
            self.depth += 1
            self.look()
            self.depth -= 1

    def __enter__(self):
        self._look_if_free()
        self.depth += 1
        return self.lock.__enter__()

    def __exit__(self, *error):
        self.lock.__exit__(*error)
        self.depth -= 1
        self._look_if_free()


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.do(Delete(3, (1,))),
        lambda one: one.extend(2, Delete(3, (1,))),
        lambda one: one.extend(1, Delete(3, (1,))),
        lambda one: one.undo(),
        lambda one: (one.undo(), one.redo()),
        lambda one: one.tick("a place"),
    ],
    ids=["do", "extend", "extend anew", "undo", "redo", "tick"],
)
def test_a_snapshot_never_shows_half_of_a_change(corrections, change):
    """Labels, history and revision are those before a change, or those after it."""
    corrections.do(Delete(0, (2,)))
    corrections.do(Delete(4, (1,)))

    def state():
        one = take_snapshot(corrections)
        return one.revision, one.record(), one.lineage, one.labels.tolist()

    before, seen = state(), []
    lock = corrections.cells.guard
    corrections.cells.guard = Watched(lock, lambda: seen.append(state()))
    change(corrections)
    corrections.cells.guard = lock
    assert seen[0] == before
    assert seen[-1] == state()
    told = {revision: rest for revision, *rest in seen}
    assert all(told[revision] == rest for revision, *rest in seen)
    first, last = before[0], corrections.revision
    assert sorted(told) == list(range(first, last + 1))
