"""Doubtful places: what is found, and what comes first."""

import numpy as np
import pytest
import torch

from fastershift.editing import Cells, FrameVectors, find_doubts
from fastershift.tracking import Lineage, Track
from helpers.editing import pairs_of
from helpers.movies import every_movie

PROBABILITIES = {1: 0.55, 2: 0.95}


@pytest.fixture
def cells():
    """Two still cells, far from each other and from the border."""
    labels = np.zeros((2, 24, 40), np.int32)
    labels[:, 8:16, 6:14] = 1
    labels[:, 8:16, 26:34] = 2
    return Cells(labels, Lineage((Track(1, 0, 1), Track(2, 0, 1))))


def vectors(labels):
    """Cells differ in all but the first channel, which is background."""
    embedding = np.zeros((3, *labels.shape), np.float32)
    embedding[0][labels == 0] = 1
    for label, probability in PROBABILITIES.items():
        embedding[0][labels == label] = np.sqrt(1 - probability)
        embedding[label][labels == label] = np.sqrt(probability)
    return FrameVectors(torch.from_numpy(embedding), labels.shape)


def doubts_of(cells):
    def pairs(frame):
        yield vectors(cells.labels[frame]), vectors(cells.labels[frame + 1])

    return list(find_doubts(cells, pairs))[-1]


def test_a_cell_of_which_the_model_is_unsure_comes_first(cells):
    cells.labels[1, 8:16, 26:30] = 0
    first, *others = doubts_of(cells)
    assert (first.kind, first.frame, first.tracks) == ("unsure", 0, (1,))
    assert "(55%)" in first.reason
    assert {(one.kind, one.tracks) for one in others} == {("area", (2,))}


def test_a_locked_cell_is_beyond_doubt(cells):
    cells.locked[0] = {1}
    assert not doubts_of(cells)


def test_without_a_direction_of_background_nobody_is_unsure(cells):
    frame = cells.labels[0]
    plain = FrameVectors(
        torch.ones(3, *frame.shape), frame.shape, background_axis=False
    )
    under = plain.under(cells.region(0, 1))
    assert plain.probability(under) == 1
    assert vectors(frame).probability(under[:0]) == 1


def blocks(*places, n_frames=3, shape=(24, 40)):
    """Cells (id, first, last, parent, row, column, side), each still."""
    labels = np.zeros((n_frames, *shape), np.int32)
    for label, first, last, _, row, column, side in places:
        labels[first : last + 1, row : row + side, column : column + side] = label
    return Cells(labels, Lineage(tuple(Track(*place[:4]) for place in places)))


def found(cells, pairs=None):
    """Kind, frame, cells and reason of every doubt, the worst first."""
    *shares, doubts = find_doubts(cells, pairs)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert [one.score for one in doubts] == sorted(
        (d.score for d in doubts), reverse=True
    )
    assert all(0 <= one.score <= 1 for one in doubts)
    assert len({one.key for one in doubts}) == len(doubts)
    return [(one.kind, one.frame, one.tracks, one.reason) for one in doubts]


@every_movie
def test_what_is_right_and_clear_is_not_doubtful(movie):
    cells = Cells(movie.labels.copy(), movie.lineage)
    assert not [
        one for one in found(cells, pairs_of(movie.labels)) if one[0] in BY_VECTORS
    ]


BY_VECTORS = {"unsure", "margin", "linking"}


@pytest.mark.parametrize(
    ("side", "doubtful"), [(10, False), (12, False), (13, True), (8, False), (7, True)]
)
def test_an_area_may_change_by_three_fifths(side, doubtful):
    cells = blocks((1, 0, 2, 0, 5, 5, 10))
    cells.labels[1:] = 0
    cells.labels[1:, 5 : 5 + side, 5 : 5 + side] = 1
    verb = "grows" if side > 10 else "shrinks"
    reason = f"Cell 1 {verb} from 100 to {side**2} pixels in one frame."
    assert found(cells) == ([("area", 1, (1,), reason)] if doubtful else [])


def test_the_more_an_area_changes_the_worse_it_is():
    cells = blocks((1, 0, 0, 0, 4, 4, 4), (2, 0, 0, 0, 4, 20, 4), n_frames=2)
    cells = Cells(cells.labels, Lineage((Track(1, 0, 1), Track(2, 0, 1))))
    cells.labels[1, 4:11, 4:12] = 1  # 3.5 times the area
    cells.labels[1, 4:12, 20:28] = 2  # 4 times
    first, second = list(find_doubts(cells))[-1]
    assert (first.tracks, second.tracks) == ((2,), (1,))
    # Four times is two doublings.
    assert first.score == pytest.approx(0.5 + 0.25 * 2 - 0.17)


@pytest.mark.parametrize(
    ("row", "column", "inside"),
    [(3, 5, True), (2, 5, False), (5, 2, False), (11, 5, True), (12, 5, False)],
)
def test_cells_come_and_go_at_the_border(row, column, inside):
    cells = blocks((1, 1, 1, 0, row, column, 10))
    kinds = {kind: reason for kind, _, _, reason in found(cells)}
    assert kinds == (
        {
            "begins": "Cell 1 appears away from the border, without a parent.",
            "ends": "Cell 1 ends away from the border, without daughters.",
        }
        if inside
        else {}
    )


def test_nothing_begins_in_the_first_frame_or_ends_in_the_last():
    assert found(blocks((1, 0, 2, 0, 5, 5, 10))) == []


def test_daughters_come_in_pairs():
    two = blocks((1, 0, 0, 0, 8, 8, 6), (2, 1, 2, 1, 8, 8, 5), (3, 1, 2, 1, 8, 20, 5))
    assert found(two) == []
    one = blocks((1, 0, 0, 0, 8, 8, 6), (2, 1, 2, 1, 8, 8, 5))
    reason = "Cell 2 is the only daughter of 1."
    assert found(one) == [("lone daughter", 1, (1, 2), reason)]


def test_a_bud_is_no_daughter():
    bud = 2, 1, 3, 1, 8, 20, 5
    assert found(blocks((1, 0, 3, 0, 8, 8, 6), bud, n_frames=4)) == []
    (doubt,) = found(blocks((1, 0, 2, 0, 8, 8, 6), bud, n_frames=4))
    assert doubt[:3] == ("ends", 2, (1,))
    again = 3, 3, 3, 1, 8, 8, 6
    (doubt,) = found(blocks((1, 0, 2, 0, 8, 8, 6), bud, again, n_frames=4))
    assert doubt[:3] == ("lone daughter", 3, (1, 3))


@pytest.mark.parametrize(("columns", "kind"), [(5, "merge"), (4, "ends")])
def test_a_cell_that_ends_under_half_of_another_one_may_be_merged(columns, kind):
    cells = blocks((1, 0, 1, 0, 5, 5, 10), (2, 0, 2, 0, 5, 15, 10))
    cells.labels[2, 5:15, 15 - columns : 15] = 2
    (doubt,) = found(cells)
    assert doubt[:2] == (kind, 1)
    # A cell that was not there before has not taken it in.
    new = Cells(cells.labels, Lineage((Track(1, 0, 1), Track(2, 2, 2))))
    new.labels[:2][new.labels[:2] == 2] = 0
    assert [doubt[0] for doubt in found(new)] == ["begins", "ends"]


def pairs_with(**frames):
    """Embeddings of drawn codes; frame t is frames["t"]."""

    def pairs(frame):
        embedding = [np.eye(4)[frames[f"frame{t}"]] for t in (frame, frame + 1)]
        yield tuple(
            FrameVectors(torch.from_numpy(one.transpose(2, 0, 1)), one.shape[:2])
            for one in embedding
        )

    return pairs


def test_a_cell_that_looks_like_its_neighbour_is_hard_to_tell_from_it():
    cells = blocks((1, 0, 1, 0, 8, 8, 6), (2, 0, 1, 0, 8, 16, 6), n_frames=2)
    alike = np.minimum(cells.labels[0], 1)
    reasons = found(cells, pairs_with(frame0=alike, frame1=cells.labels[1]))
    assert {one[:3] for one in reasons if one[0] == "margin"} == {
        ("margin", 0, (1,)),
        ("margin", 0, (2,)),
    }
    assert all("(margin 0.00)" in one[3] for one in reasons if one[0] == "margin")


def test_a_cell_that_looks_like_another_one_of_the_frame_before_is_linked_wrongly():
    cells = blocks((1, 0, 1, 0, 8, 8, 6), (2, 0, 1, 0, 8, 16, 6), n_frames=2)
    exchanged = np.where(cells.labels[1] > 0, 3 - cells.labels[1], 0)
    pairs = pairs_with(frame0=cells.labels[0], frame1=exchanged)
    reason = "Only 0% of cell {} look like the cell of that number in the frame before."
    assert found(cells, pairs) == [
        ("linking", 1, (label,), reason.format(label)) for label in (1, 2)
    ]
    cells.locked = {1: {1, 2}}
    assert found(cells, pairs) == []


def test_looking_can_be_stopped_wherever_embeddings_are_worked_out():
    cells = blocks((1, 0, 2, 0, 8, 8, 6))
    steps = list(find_doubts(cells, pairs_of(cells.labels)))
    # A stop for every pair of frames, and one for every frame.
    assert steps == [0, 1 / 3, 1 / 3, 2 / 3, 1, ()]
