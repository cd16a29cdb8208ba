"""What is counted about labels, against plain numpy, for few and for huge labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastershift.errors import InputError
from fastershift.labels import (
    as_labels,
    coded,
    compact,
    label_areas,
    label_boxes,
    label_ids,
    overlaps,
    relabel,
)
from helpers.movies import TWO_CELLS_TOUCH_THEN_ONE_LEAVES, drawn, every_movie

#: A table up to the largest label is made for the first, and not for the second.
FEW, HUGE = 65_536, 65_537

images = hnp.arrays(
    st.sampled_from([np.int32, np.int64, np.uint16]),
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.sampled_from([0, 0, 1, 2, 5]),
)


def huge(image):
    """The same image with labels of which no table would be made."""
    return np.where(image > 0, HUGE * image.astype(np.int64), 0)


@every_movie
def test_labels_and_areas_of_frames(movie):
    for time, frame in enumerate(movie.labels):
        alive = [t.id for t in movie.lineage.tracks if t.first <= time <= t.last]
        assert label_ids(frame).tolist() == [0, *alive]
        ids, areas = label_areas(frame)
        assert ids.tolist() == alive
        assert areas.tolist() == [(frame == label).sum() for label in alive]


@settings(max_examples=60, deadline=None)
@given(images, st.booleans())
def test_labels_that_occur(image, large):
    image = huge(image) if large else image
    expected = np.union1d([0], image)
    assert label_ids(image).tolist() == expected.tolist()
    ids, codes = compact(image)
    assert ids.tolist() == expected.tolist()
    assert np.array_equal(ids[codes], image)
    ids, codes = coded(image)
    assert np.array_equal(ids[codes], image)
    assert len(ids) <= max(2 * image.size, FEW) + 1
    assert ids.tolist() == sorted(set(ids.tolist()))


def test_up_to_which_label_a_table_is_made():
    image = np.array([[0, FEW]])
    assert coded(image)[1] is image
    assert coded(image + 1)[0].tolist() == [0, 1, HUGE]
    # In a large image the table may be twice as large as the image.
    wide = np.zeros((300, 300), np.int64)
    wide[0, 0] = 2 * wide.size
    assert coded(wide)[1] is wide
    wide[0, 0] += 1
    assert coded(wide)[0].tolist() == [0, 180_001]


@settings(max_examples=60, deadline=None)
@given(images, st.booleans())
def test_boxes_hold_their_label_and_no_row_more(image, large):
    image = huge(image) if large else image
    boxes = label_boxes(image)
    assert sorted(boxes) == label_ids(image)[1:].tolist()
    for label, box in boxes.items():
        inside = image[box] == label
        assert inside.sum() == (image == label).sum()
        for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert edge.any()


def test_boxes_of_two_cells():
    frame = TWO_CELLS_TOUCH_THEN_ONE_LEAVES.labels[0]
    assert label_boxes(frame) == {
        1: (slice(1, 4), slice(1, 4)),
        2: (slice(1, 4), slice(8, 11)),
    }


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.int32, (2, 6, 7), elements=st.sampled_from([0, 1, 2, 3, 70_000])),
    st.booleans(),
)
def test_overlaps_are_counted(pair, flat):
    first, second = pair
    if flat:
        second = np.where(first > 0, second, 0)
    found = list(zip(*(part.tolist() for part in overlaps(first, second)), strict=True))
    expected = {}
    for one, other in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True):
        if one and other:
            expected[one, other] = expected.get((one, other), 0) + 1
    assert found == [(*key, count) for key, count in sorted(expected.items())]


@pytest.mark.parametrize("size", [(0, 4), (3, 3), (4, 3)])
def test_images_of_another_size_do_not_overlap(size):
    with pytest.raises(InputError, match="cannot lie on each other"):
        overlaps(np.ones((3, 4), np.int32), np.ones(size, np.int32))


def test_more_runs_than_the_first_table_holds():
    """A chequered frame has one run for every pixel of a cell."""
    side = 64
    chequered = (np.indices((side, side)).sum(axis=0) % 2).astype(np.int32)
    ones = np.ones_like(chequered)
    assert [part.tolist() for part in overlaps(chequered, ones)] == [
        [1],
        [1],
        [side * side // 2],
    ]


@settings(max_examples=60, deadline=None)
@given(images, st.booleans(), st.permutations([3, 4, 70_000]))
def test_named_labels_are_replaced_and_the_others_stay(image, large, new):
    image = huge(image) if large else image
    factor = HUGE if large else 1
    old = [factor, 5 * factor, 99]
    table = dict(zip(old, new, strict=True))
    result = relabel(image, old, new)
    assert result.dtype == np.int32
    expected = [table.get(label, label) for label in image.ravel().tolist()]
    assert result.ravel().tolist() == expected
    assert result.shape == image.shape


def test_two_labels_may_change_places():
    frame = drawn("12.\n21.")[0]
    assert relabel(frame, [1, 2], [2, 1]).tolist() == [[2, 1, 0], [1, 2, 0]]
    assert relabel(frame, [], []).tolist() == frame.tolist()


class TestAsLabels:
    @pytest.mark.parametrize("kind", [bool, np.uint8, np.uint16, ">i4", np.int64])
    def test_whole_numbers_of_any_type_are_labels(self, kind):
        image = np.array([[0, 1], [1, 0]]).astype(kind)
        labels = as_labels(image, 2)
        assert np.issubdtype(labels.dtype, np.integer)
        assert np.array_equal(labels, image)

    def test_lists_and_empty_images_are_labels(self):
        assert as_labels([[0, 3]], 2).tolist() == [[0, 3]]
        assert as_labels(np.zeros((0, 4), int), 2).shape == (0, 4)
        assert as_labels([[2**31 - 1]], 2).tolist() == [[2**31 - 1]]

    @pytest.mark.parametrize(
        ("image", "sentence"),
        [
            (np.zeros((2, 3)), "whole numbers with 2 axes; these are float64 with 2"),
            (np.zeros((2, 3, 4), int), "with 2 axes; these are int64 with 3"),
            ([[0, -1]], "between 0, the background, and 2147483647"),
            ([[0, 2**31]], "renumber them"),
        ],
    )
    def test_anything_else_is_refused_in_one_sentence(self, image, sentence):
        with pytest.raises(InputError, match=sentence):
            as_labels(image, 2)
