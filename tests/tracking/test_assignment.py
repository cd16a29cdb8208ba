"""Links are chosen so that they cost least together."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastershift.config import TrackSettings
from fastershift.tracking import MaskFrame, MaskLinker, _assignment
from fastershift.tracking._assignment import assign
from fastershift.tracking._costs import Candidates, spacing


@st.composite
def problems(draw):
    """Draw a few ends and cells, links between some, and second daughters."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_ends, n_cells = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    pairs = np.array(list(product(range(n_ends), range(n_cells))), np.int64)
    pairs = pairs.reshape(-1, 2)[rng.random(len(pairs)) < draw(st.floats(0, 1))]

    def candidates(some, low, high):
        costs = rng.uniform(low, high, len(some))
        return Candidates(*some.T, costs, np.zeros(len(some)))

    seconds = pairs[rng.random(len(pairs)) < 0.5]
    return (
        candidates(pairs, 0, 3),
        candidates(seconds, -2, 1),
        rng.uniform(0.5, 1.5, n_ends),
        rng.uniform(0.5, 1.5, n_cells),
    )


def least(links, seconds, ending, beginning):
    """Try everything: each row of an end takes a cell that is free, or nothing."""
    n_ends = len(ending)
    rows = [{-1: ending[end]} for end in range(n_ends)] + [{-1: 0.0}] * n_ends
    rows = [dict(row) for row in rows]
    for end, cell, cost in zip(links.ends, links.cells, links.costs, strict=True):
        rows[end][int(cell)] = cost - beginning[cell]
    for end, cell, cost in zip(seconds.ends, seconds.cells, seconds.costs, strict=True):
        rows[n_ends + end][int(cell)] = cost
    best = 0.0 if not rows else np.inf
    for choice in product(*rows):
        taken = [cell for cell in choice if cell >= 0]
        if len(set(taken)) == len(taken):
            total = sum(row[cell] for row, cell in zip(rows, choice, strict=True))
            best = min(best, total)
    return best, rows


@pytest.mark.parametrize("together", [1, 512])
@given(problem=problems())
def test_no_other_choice_costs_less(together, problem):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_assignment, "_TOGETHER", together)
        first, second = assign(*problem)
    taken = np.concatenate([first[first >= 0], second[second >= 0]])
    assert len(set(taken.tolist())) == len(taken)
    best, rows = least(*problem)
    total, n_ends = 0.0, len(first)
    for end, (one, two) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        # Which of two daughters is the first is not told, nor where one stands alone.
        total += min(
            rows[end].get(a, np.inf) + rows[n_ends + end].get(b, np.inf)
            for a, b in ((one, two), (two, one))
        )
    assert total == pytest.approx(best)


def test_daughters_come_in_the_order_of_their_cells():
    both = np.array([0, 0]), np.array([0, 1])
    links = Candidates(*both, np.array([2.0, 0.1]), np.zeros(2))
    seconds = Candidates(*both, np.array([-1.0, 0.5]), np.zeros(2))
    first, second = assign(links, seconds, np.ones(1), np.ones(2))
    assert (first.tolist(), second.tolist()) == ([0], [1])


def spots(*places):
    frame = np.zeros((40, 40), np.int32)
    for number, (row, column) in enumerate(places, start=1):
        frame[row : row + 5, column : column + 5] = number
    return frame


def test_frames_may_be_linked_again_at_other_costs():
    places = [[(5, 5 + 4 * t), (30, 30 - t)] for t in range(4)]
    frames = [MaskFrame(spots(*one)) for one in places]

    def tracks(**costs):
        linker = MaskLinker(TrackSettings(**costs))
        return [linker.link(frame).tolist() for frame in frames]

    whole = tracks()
    assert whole == [[1, 2]] * 4
    assert tracks(farthest_move=0.3) != whole
    assert tracks() == whole


def test_what_two_frames_share_is_told_in_pixels_that_the_stage_moved():
    before, after = MaskFrame(spots((5, 5))), MaskFrame(spots((8, 5)))
    old, new, share = after.shared(before, np.zeros(2))
    assert (old.tolist(), new.tolist()) == ([0], [0])
    assert share.tolist() == [10 / 40]
    assert after.shared(before, np.array([3.2, -0.4]))[2].tolist() == [1.0]
    assert not len(after.shared(before, np.array([20.0, 0.0]))[0])


def test_places_of_one_cell_have_no_spacing():
    assert spacing(MaskFrame(spots((5, 5))).cells.places).tolist() == [np.inf]
    two = MaskFrame(spots((5, 5), (5, 15))).cells
    assert spacing(two.places).tolist() == [10.0, 10.0]
