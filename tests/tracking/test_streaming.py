"""Frames may come one by one, and few of them are held."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.tracking import Finalizer, Linker
from helpers.tracks import finalize, stack_of


def random_boxes(seed, shape, count=30):
    """Label movies in which cells appear, vanish, touch and jump about."""
    rng = np.random.default_rng(seed)
    stack = np.zeros(shape, dtype=np.int32)
    for _ in range(count):
        start = [int(rng.integers(0, side)) for side in shape]
        size = [int(rng.integers(1, 6)) for _ in shape]
        place = tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))
        stack[place] = rng.integers(1, 10)
    return stack


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3), st.booleans())
def test_frames_that_are_taken_early_are_the_final_ones(seed, search, published):
    pairs = random_boxes(seed, (8, 2, 12, 16), 60)
    track = TrackSettings(merge_search=search, linking_overlap=0.1)
    whole = Linker(track, published=published)
    few = Linker(track, published=published)
    taken = []
    for pair in pairs:
        assert np.array_equal(whole.add(pair), few.add(pair))
        taken += [frame.copy() for frame in few.release()]
        assert len(few) - len(taken) <= search + 3
    taken += few.release(settled=False)
    assert len(few) == len(whole) == len(taken)
    assert np.array_equal(np.stack(taken), stack_of(whole))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3), st.booleans())
def test_tracks_of_frames_seen_once(seed, border, published):
    stack = random_boxes(seed, (7, 20, 24))
    track = TrackSettings(border=border, parent_dilation=3, shortest_track=2)
    finalizer = Finalizer(track, published=published)
    for frame in stack:
        finalizer.add(frame)
    names, lineage = finalizer.finish()
    labels, expected = finalize(stack, track, published=published)
    assert lineage == expected
    for time, frame in enumerate(stack):
        assert np.array_equal(names.apply(time, frame), labels[time])


def test_no_frame():
    with pytest.raises(InputError, match="no frame"):
        Finalizer(TrackSettings()).finish()
