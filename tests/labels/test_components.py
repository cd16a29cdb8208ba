"""Compiled passes over pixels, against scikit-image and numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import measure

from fastershift.labels._components import (
    connect,
    contacts,
    count_pixels,
    measure_labels,
    renumber,
    sum_directions,
)
from helpers.movies import every_movie

images = hnp.arrays(
    np.int32,
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    elements=st.integers(0, 3),
)


@settings(max_examples=200, deadline=None)
@given(images)
def test_pieces_are_those_of_scikit_image_in_the_order_of_their_first_pixels(clusters):
    pieces = np.empty_like(clusters)
    cluster_of = connect(clusters, pieces)
    expected = measure.label(clusters, background=0, connectivity=2)
    # Numbered anew: scikit-image orders narrow images in another way.
    numbers, first = np.unique(expected, return_index=True)
    order = numbers[np.argsort(first)]
    rank = np.zeros(numbers.max() + 1, dtype=int)
    rank[order[order > 0]] = np.arange(1, (order > 0).sum() + 1)
    assert np.array_equal(pieces, rank[expected])
    assert np.array_equal(cluster_of[pieces], clusters)


@settings(max_examples=50, deadline=None)
@given(images)
def test_pixels_are_counted_and_renumbered(labels):
    counts = count_pixels(labels.ravel(), 3)
    assert np.array_equal(counts, np.bincount(labels.ravel(), minlength=4))
    numbers = np.array([0, 7, 5, 6])
    result = np.empty_like(labels)
    renumber(labels, numbers, result)
    assert np.array_equal(result, numbers[labels])


@pytest.mark.parametrize("extra", [0, 2])
def test_directions_are_summed_where_they_are_wanted(extra):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 5 + extra)).astype(np.float32)
    rows[3, :5] = 0
    numbers = rng.integers(0, 6, 500).astype(np.int32)
    wanted = np.array([False, True, True, False, True, True])
    sums = np.zeros((6, 5))
    sum_directions(rows, numbers, wanted, sums)
    length = np.linalg.norm(rows[:, :5], axis=1, keepdims=True)
    unit = rows[:, :5] / np.where(length > 0, length, 1)
    for number in range(6):
        expected = unit[numbers == number].sum(axis=0) if wanted[number] else 0
        assert np.allclose(sums[number], expected, atol=1e-4)


@settings(max_examples=200, deadline=None)
@given(
    hnp.arrays(
        np.int32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.integers(0, 6),
    ),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_labels_are_measured_as_by_hand(labels, rows, columns):
    areas, firsts, inside = measure_labels(labels, 6, (rows, columns))
    height, width = labels.shape
    interior = labels[
        rows : max(rows, height - rows), columns : max(columns, width - columns)
    ]
    for label in range(1, 7):
        places = np.flatnonzero(labels == label)
        assert areas[label] == places.size
        assert not places.size or firsts[label] == places[0]
        assert inside[label] == (label in interior)
    assert not areas[0]


def touching(pieces):
    """Pairs of pieces that touch, pixel by pixel."""
    found = set()
    steps = ((0, 0, 1), (0, 1, -1), (0, 1, 0), (0, 1, 1), (1, 0, 0))
    for place in np.ndindex(pieces.shape):
        for step in steps:
            there = tuple(a + b for a, b in zip(place, step, strict=True))
            inside = all(0 <= a < n for a, n in zip(there, pieces.shape, strict=True))
            if inside and 0 not in (pieces[place], pieces[there]):
                found.add(tuple(sorted((int(pieces[place]), int(pieces[there])))))
    return {pair for pair in found if pair[0] != pair[1]}


@settings(max_examples=80, deadline=None)
@given(images, st.integers(0, 40))
def test_contacts_are_written_as_far_as_there_is_space(pieces, space):
    keys = np.full(space, -1, np.int64)
    count = contacts(pieces, keys, 10)
    written = keys[: min(count, space)]
    assert {(int(key) // 10, int(key) % 10) for key in written} <= touching(pieces)
    if count <= space:
        assert {(int(key) // 10, int(key) % 10) for key in written} == touching(pieces)
    assert (keys[count:] == -1).all()


@every_movie
def test_cells_of_a_movie_are_components_through_time(movie):
    """A cell that moves by less than itself is one component."""
    labels = movie.labels
    pieces = np.empty_like(labels)
    label_of = connect(labels, pieces)
    assert sorted(label_of[1:].tolist()) == [t.id for t in movie.lineage.tracks]
    assert np.array_equal(label_of[pieces], labels)
