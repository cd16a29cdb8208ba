"""Of several segmentations of a frame, the cells that agree best are chosen."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastershift.tracking import choose_cells
from fastershift.tracking._alternatives import _heaviest

SIDE = 60


def frame_of(*boxes):
    """Number boxes (top, bottom, left, right) from 1."""
    labels = np.zeros((SIDE, SIDE), np.int32)
    for number, (top, bottom, left, right) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = number
    return labels


WHOLE = frame_of((10, 30, 10, 30))
HALVES = frame_of((10, 30, 10, 20), (10, 30, 20, 30))
PAIR = frame_of((10, 30, 10, 30), (10, 30, 30, 50))
MERGED = frame_of((10, 30, 10, 50))
NONE = frame_of()


def pieces_of(labels):
    """The cells of a frame, each as its pixels."""
    return {
        frozenset(np.flatnonzero(labels == one).tolist())
        for one in np.unique(labels)[1:]
    }


def choose(now, *others):
    return choose_cells(now, *others).paint(now)


def assert_same(found, expected):
    assert pieces_of(found) == pieces_of(expected)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(WHOLE, HALVES), (PAIR, MERGED), (WHOLE, NONE), (HALVES, WHOLE), (MERGED, PAIR)],
)
class TestOneFrameIsWrong:
    def test_frames_around_decide(self, right, wrong):
        around = [right, right]
        for now in ([right, wrong], [wrong, right]):
            assert_same(choose(now, around, around), right)

    def test_the_frame_before_alone_decides(self, right, wrong):
        assert_same(choose([wrong, right], [right, right]), right)

    def test_two_alternatives_outvote_one(self, right, wrong):
        for now in ([right, right, wrong], [wrong, right, right]):
            assert_same(choose(now), right)

    def test_two_that_are_right_outvote_one_that_is_always_wrong(self, right, wrong):
        now = [wrong, right, right]
        assert_same(choose(now, now, now), right)

    def test_the_stage_may_move(self, right, wrong):
        others = [((5 * n) % 40 + 3, 42 + 4 * (n // 8)) for n in range(16)]
        more = frame_of(*((r, r + 3, c, c + 3) for r, c in others))

        def beside(labels):
            return np.where(labels > 0, labels, (more + 9) * (more > 0))

        moved = np.roll(beside(right), (7, 0), (0, 1))
        now = [beside(wrong), beside(right)]
        assert_same(choose(now, [moved, moved]), beside(right))


def test_each_alternative_may_be_wrong_elsewhere():
    now = [
        frame_of((2, 12, 2, 12), (2, 12, 20, 40)),  # the second and third are merged
        frame_of((2, 7, 2, 12), (7, 12, 2, 12), (2, 12, 20, 30), (2, 12, 30, 40)),
    ]
    right = frame_of((2, 12, 2, 12), (2, 12, 20, 30), (2, 12, 30, 40))
    assert_same(choose(now, [right, right], [right, right]), right)


def test_what_agrees_with_nothing_is_left_out():
    speck = frame_of((10, 30, 10, 30), (50, 53, 50, 53))
    assert_same(choose([speck, WHOLE], [WHOLE, WHOLE], [WHOLE, WHOLE]), WHOLE)
    # It is a cell where it comes again.
    assert_same(choose([speck, WHOLE], [speck, WHOLE]), speck)


def test_one_blob_over_everything_does_not_outweigh_the_cells():
    cells = frame_of(*((r, r + 8, c, c + 8) for r in (2, 22, 42) for c in (2, 22, 42)))
    blob = frame_of((0, SIDE, 0, SIDE))
    for now in ([blob, cells], [blob, cells, cells]):
        assert_same(choose(now, now, now), cells)


def test_the_usual_size_decides_where_all_else_is_equal():
    """One of two always cuts a cell; all other cells are as large as the whole."""
    rest = ((10, 30, 35, 55), (35, 55, 10, 30), (35, 55, 35, 55))
    whole = frame_of((10, 30, 10, 30), *rest)
    cut = frame_of((10, 30, 10, 20), (10, 30, 20, 30), *rest)
    for now in ([cut, whole], [whole, cut]):
        assert_same(choose(now, now, now), whole)


def test_the_usual_size_decides_for_the_parts_as_well():
    rest = ((10, 30, 35, 45), (10, 30, 48, 58), (35, 55, 10, 20), (35, 55, 35, 45))
    halves = frame_of((10, 30, 10, 20), (10, 30, 20, 30), *rest)
    merged = frame_of((10, 30, 10, 30), *rest)
    for now in ([halves, merged], [merged, halves]):
        assert_same(choose(now, now, now), halves)


def test_of_equals_the_first_is_taken():
    first, second = frame_of((10, 30, 10, 30)), frame_of((10, 30, 12, 32))
    assert_same(choose([first, second]), first)
    assert_same(choose([second, first]), second)


def test_shared_pixels_go_to_the_heavier_mask():
    left, right = frame_of((10, 30, 10, 31)), frame_of((10, 30, 29, 50))
    known = frame_of((10, 30, 10, 31), (10, 30, 31, 50))
    found = choose([left, right], [known, known])
    assert len(pieces_of(found)) == 2
    assert pieces_of(left) < pieces_of(found)


def test_numbers_may_be_any():
    large = np.where(WHOLE > 0, np.int32(2**31 - 1), 0).astype(np.int32)
    assert_same(choose([large, HALVES], [WHOLE, WHOLE]), WHOLE)


def test_groups_of_masks_are_solved_exactly():
    """A chain of masks, each over both its neighbours: every second one is best."""
    chain = [frame_of((0, 10, 8 * n, 8 * n + 12)) for n in range(5)]
    ends = frame_of((0, 10, 0, 12), (0, 10, 16, 28), (0, 10, 32, 44))
    found = choose_cells(chain, [ends] * 5)
    assert sorted(found.alternatives.tolist()) == [0, 2, 4]


@given(st.integers(1, 9), st.data())
def test_the_choice_weighs_most_of_all_that_are_possible(size, data):
    weights = data.draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
    pairs = [*combinations(range(size), 2)]
    excluding = (
        data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    )
    edges = np.array(excluding, int).reshape(-1, 2).T
    found = set(_heaviest(np.array(weights, float), edges).tolist())
    assert all(weights[one] for one in found)
    assert not [pair for pair in excluding if found >= set(pair)]
    best = max(
        sum(weights[one] for one in range(size) if chosen >> one & 1)
        for chosen in range(2**size)
        if not any(chosen >> a & 1 and chosen >> b & 1 for a, b in excluding)
    )
    assert sum(weights[one] for one in found) == best


boxes = st.tuples(
    st.integers(0, SIDE - 6),
    st.integers(3, 25),
    st.integers(0, SIDE - 6),
    st.integers(3, 25),
).map(lambda box: (box[0], box[0] + box[1], box[2], box[2] + box[3]))
frames = st.lists(boxes, max_size=6).map(lambda found: frame_of(*found))


@given(st.lists(frames, min_size=2, max_size=4), st.data())
def test_a_chosen_mask_is_one_of_those_given_and_shares_little(now, data):
    before = data.draw(st.lists(frames, min_size=len(now), max_size=len(now)))
    chosen = choose_cells(now, before)
    taken = [
        now[n] == label
        for n, label in zip(chosen.alternatives, chosen.ids, strict=True)
    ]
    assert all(one.any() for one in taken)
    for n, one in enumerate(taken):
        for other in taken[:n]:
            smaller = min(one.sum(), other.sum())
            assert (one & other).sum() <= smaller / 4
    painted = chosen.paint(now)
    for number, one in enumerate(taken, start=1):
        assert one[painted == number].all()
    assert (painted > 0).sum() == np.any([*taken, np.zeros_like(WHOLE)], axis=0).sum()


@given(frames, frames)
def test_two_equal_alternatives_give_their_masks(now, before):
    assert_same(choose([now, now]), now)
    assert_same(choose([now, now], [before, before]), now)


@given(st.lists(frames, min_size=2, max_size=3))
def test_the_choice_is_the_same_every_time(now):
    np.testing.assert_array_equal(choose(now, now), choose(now, now))
