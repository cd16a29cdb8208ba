import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.tracking import Linker
from helpers.tracks import finalize, stack_of
from helpers.validity import ctc_problems

SHAPE = (20, 30)
SETTINGS = TrackSettings()


def frame(*regions, shape=SHAPE):
    """Label image of (label, rows, columns)."""
    labels = np.zeros(shape, dtype=np.int32)
    for label, rows, columns in regions:
        labels[slice(*rows), slice(*columns)] = label
    return labels


def link(frames, track=SETTINGS, published=False):
    """Link pairs of the given frames; both segmentations of a frame are the same."""
    linker = Linker(track, published=published)
    for first, second in itertools.pairwise(frames):
        linker.add(np.stack([first, second]))
    return linker


def test_same_cell_keeps_its_number_whatever_the_pair_calls_it():
    linker = Linker(SETTINGS)
    cell, other = ((4, 10), (4, 10)), ((4, 10), (15, 20))
    first = linker.add([frame((1, *cell), (2, *other)), frame((1, *cell), (2, *other))])
    assert first.shape == (2, *SHAPE)
    second = linker.add(
        [frame((7, *cell), (3, *other)), frame((3, (5, 11), (15, 20)), (7, *cell))]
    )
    assert second.shape == (1, *SHAPE)
    assert second.dtype == np.int32
    expected = frame((1, *cell), (2, (5, 11), (15, 20)))
    np.testing.assert_array_equal(second[0], expected)
    np.testing.assert_array_equal(stack_of(linker)[2], expected)
    assert len(linker) == 3


@pytest.mark.parametrize(
    ("columns", "published", "number"),
    [
        # 50 of 150, 40 of 160 (exactly a quarter) and 30 of 170 pixels are shared.
        ((5, 15), False, 1),
        ((5, 15), True, 1),
        ((6, 16), False, 1),
        ((6, 16), True, 2),
        ((7, 17), False, 2),
        ((7, 17), True, 2),
    ],
)
def test_overlap_decides_in_the_shared_frame(columns, published, number):
    known = frame((1, (0, 10), (0, 10)))
    again = frame((5, (0, 10), columns))
    linker = Linker(TrackSettings(merge_search=0), published=published)
    linker.add([known, known])
    new = frame((5, (14, 18), (20, 24)))
    assert linker.add([again, new])[0, 15, 22] == number


def test_of_equal_overlaps_the_larger_cells_are_linked_first():
    linker = Linker(SETTINGS)
    known = frame((1, (0, 4), (0, 1)), (2, (0, 4), (3, 6)))
    linker.add([known, known])
    # It shares 4 of 12 pixels with cell 1 and 6 of 18 with cell 2.
    again = frame((5, (0, 4), (0, 1)), (5, (0, 2), (3, 6)), (5, (0, 2), (1, 2)))
    labels = linker.add([again, again])[0]
    assert labels[0, 0] == 2


def test_largest_overlap_is_linked_first():
    linker = Linker(TrackSettings(linking_overlap=0.1))
    known = frame((1, (0, 10), (0, 10)), (2, (0, 10), (10, 14)))
    linker.add([known, known])
    again = frame((8, (0, 10), (0, 4)), (9, (0, 10), (4, 14)))
    # 9 shares 60 of 140 with cell 1 and 40 of 100 with cell 2; 8 lies in cell 1.
    labels = linker.add([again, again])[0]
    assert labels[0, 0] == 3
    assert labels[0, 5] == 1


def test_new_cells_get_new_numbers_in_the_order_of_the_pair():
    linker = Linker(SETTINGS)
    cell = (1, (0, 5), (0, 5))
    linker.add([frame(cell), frame(cell)])
    new = frame((3, (8, 12), (8, 12)), (2, (14, 18), (14, 18)), cell)
    labels = linker.add([frame(cell), new])[0]
    assert labels[15, 15] == 2
    assert labels[9, 9] == 3


def test_number_of_a_vanished_cell_is_not_used_again():
    one, two = (1, (0, 5), (0, 5)), (2, (10, 15), (10, 15))
    linker = Linker(SETTINGS)
    linker.add([frame(one, two), frame(one, two)])
    linker.add([frame(one, two), frame(one)])
    linker.add([frame(one), frame(one)])
    labels = linker.add([frame(one), frame(one, (2, (10, 15), (20, 25)))])[0]
    assert labels[12, 22] == 3


def test_cell_that_leaves_and_one_that_enters():
    frames = [frame((1, (5, 10), (2 * t, 2 * t + 6))) for t in range(4)]
    for time in (2, 3):
        frames[time] += frame((2, (12, 18), (22, 30)))
    stack = stack_of(link([*frames, frame((2, (12, 18), (22, 30)))]))
    assert [np.unique(labels).tolist() for labels in stack] == [
        [0, 1],
        [0, 1],
        [0, 1, 2],
        [0, 1, 2],
        [0, 2],
    ]


def split_and_rejoined(n_split, n_before=2):
    whole = frame((1, (4, 14), (4, 24)))
    parts = frame((1, (4, 14), (4, 18)), (2, (4, 14), (18, 24)))
    return [whole] * n_before + [parts] * n_split + [whole] * 2


@pytest.mark.parametrize("published", [True, False])
def test_part_that_rejoins_its_cell_becomes_that_cell(published):
    frames = split_and_rejoined(3)
    stack = stack_of(link(frames, published=published))
    np.testing.assert_array_equal(stack > 0, np.stack(frames) > 0)
    assert set(np.unique(stack)) == {0, 1}


@pytest.mark.parametrize("published", [True, False])
def test_old_parts_are_cells_of_their_own(published):
    settings = TrackSettings(merge_search=4)
    assert stack_of(link(split_and_rejoined(5), settings, published)).max() == 1
    assert stack_of(link(split_and_rejoined(6), settings, published)).max() == 2


@pytest.mark.parametrize("published", [True, False])
def test_part_present_from_the_first_frame_on(published):
    stack = stack_of(link(split_and_rejoined(3, n_before=0), published=published))
    assert set(np.unique(stack)) == {0, 1}


def test_several_parts_rejoin_at_once():
    whole = frame((1, (4, 14), (4, 24)))
    parts = frame((1, (4, 14), (4, 15)), (2, (4, 14), (15, 20)), (3, (4, 14), (20, 24)))
    stack = stack_of(link([whole, whole, parts, parts, whole]))
    np.testing.assert_array_equal(stack > 0, np.stack([whole] * 5) > 0)
    assert set(np.unique(stack)) == {0, 1}


def test_daughter_that_moves_under_its_sister_is_not_swallowed():
    mother = frame((1, (4, 10), (4, 16)))
    daughters = frame((1, (4, 10), (4, 13)), (2, (4, 10), (13, 16)))
    moved = frame((1, (4, 10), (8, 16)), (2, (4, 10), (16, 24)))
    frames = [mother, mother, daughters, moved, moved]
    assert np.unique(stack_of(link(frames))[3]).tolist() == [0, 1, 2]
    assert np.unique(stack_of(link(frames, published=True))[3]).tolist() == [0, 1]


def test_neighbour_that_dies_is_not_swallowed():
    both = frame((1, (4, 12), (4, 12)), (2, (4, 12), (12, 20)))
    before = frame((1, (4, 12), (4, 13)))
    after = frame((1, (4, 12), (4, 13)))
    frames = [before, before, both, both, after]
    assert set(np.unique(stack_of(link(frames))[2])) == {0, 1, 2}
    assert set(np.unique(stack_of(link(frames, published=True))[2])) == {0, 1}


def test_one_frame_movie():
    linker = Linker(SETTINGS)
    labels = frame((4, (2, 6), (2, 6)))
    np.testing.assert_array_equal(linker.add(labels[np.newaxis]), labels[np.newaxis])
    assert stack_of(linker).shape == (1, *SHAPE)


def test_everything_foreground():
    full = np.ones(SHAPE, dtype=np.int32)
    halves = full.copy()
    halves[:, 15:] = 2
    stack = stack_of(link([halves, halves, halves]))
    np.testing.assert_array_equal(stack, np.stack([halves] * 3))
    assert (stack_of(link([full, full, full])) == 1).all()


def test_nothing_foreground():
    nothing = frame()
    cell = frame((1, (2, 6), (2, 6)))
    assert not stack_of(link([nothing] * 3)).any()
    stack = stack_of(link([cell, cell, nothing, nothing, cell, cell]))
    assert np.unique(stack[4]).tolist() == [0, 2]


def test_large_numbers():
    labels = frame((70_000, (2, 6), (2, 6)), (2_000_000_000, (10, 14), (2, 6)))
    stack = stack_of(link([labels.astype(np.int64)] * 3))
    np.testing.assert_array_equal(stack, np.stack([labels] * 3))


def test_returned_labels_are_copies():
    labels = frame((1, (2, 6), (2, 6)))
    linker = Linker(SETTINGS)
    pair = np.stack([labels, labels])
    linker.add(pair)[:] = 9
    pair[:] = 8
    linker.add([labels, labels])[:] = 7
    np.testing.assert_array_equal(stack_of(linker), np.stack([labels] * 3))


@pytest.mark.parametrize(
    "pair",
    [
        np.zeros((2, 4, 5), dtype=int),
        np.zeros((1, *SHAPE), dtype=int),
        np.zeros((3, *SHAPE), dtype=int),
        np.zeros(SHAPE, dtype=int),
        np.zeros((2, *SHAPE), dtype=float),
        np.full((2, *SHAPE), -1),
        np.full((2, *SHAPE), 2**31),
    ],
)
def test_unusable_pairs_are_refused(pair):
    linker = link([frame(), frame()])
    with pytest.raises(InputError):
        linker.add(pair)
    assert len(linker) == 2


def test_first_pair_of_three_frames_is_refused():
    with pytest.raises(InputError, match="pair"):
        Linker(SETTINGS).add(np.zeros((3, *SHAPE), dtype=int))


pairs = st.lists(
    hnp.arrays(np.int64, (2, 5, 6), elements=st.integers(0, 6)), min_size=1, max_size=6
)


@settings(max_examples=80, deadline=None)
@given(pairs, st.booleans(), st.sampled_from([0, 1, 10]))
def test_any_pairs_give_a_stack_that_can_be_finalized(pairs, published, merge_search):
    track = TrackSettings(merge_search=merge_search)
    linker = Linker(track, published=published)
    for pair in pairs:
        linker.add(pair)
    stack = stack_of(linker)
    assert len(stack) == len(pairs) + 1
    second_frames = np.stack([pairs[0][0], *(pair[1] for pair in pairs)])
    np.testing.assert_array_equal(stack > 0, second_frames > 0)
    assert ctc_problems(*finalize(stack, track)) == []


@settings(max_examples=60, deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_numbering_of_a_later_pair_decides_nothing(pairs, random):
    """Only the order of numbers within a pair carries over, never the numbers."""
    plain, scaled = Linker(SETTINGS), Linker(SETTINGS)
    plain.add(pairs[0])
    scaled.add(pairs[0])
    for pair in pairs[1:]:
        factor = random.randint(1, 1000)
        np.testing.assert_array_equal(plain.add(pair), scaled.add(pair * factor))
