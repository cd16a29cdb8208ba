from math import ceil, erf, floor, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastershift.errors import InputError
from fastershift.labels import nearest_pixels, resize_labels
from helpers.movies import every_movie


def source_place(pixel, wanted, length, zoom):
    return (pixel - (wanted - 1) / 2) * (length / wanted / zoom) + (length - 1) / 2


def axis_weights(place, length):
    first = max(0, floor(place - 0.5))
    stop = min(length, ceil(place + 1.5))
    return [
        (i, (erf((i + 0.5 - place) / sqrt(2)) - erf((i - 0.5 - place) / sqrt(2))) / 2)
        for i in range(first, stop)
    ]


def directly(labels, shape, zoom=1.0):
    """The rule as it is stated, pixel by pixel."""
    result = np.zeros(shape, dtype=int)
    for pixel in np.ndindex(*shape):
        places = [
            source_place(p, wanted, length, zoom)
            for p, wanted, length in zip(pixel, shape, labels.shape, strict=True)
        ]
        if any(
            not -0.5 <= place <= length - 0.5
            for place, length in zip(places, labels.shape, strict=True)
        ):
            continue
        sums = {}
        most, winner = 0.0, 0
        for y, y_weight in axis_weights(places[0], labels.shape[0]):
            for x, x_weight in axis_weights(places[1], labels.shape[1]):
                label = labels[y, x]
                sums[label] = sums.get(label, 0.0) + y_weight * x_weight
                if sums[label] > most:
                    most, winner = sums[label], label
        result[pixel] = winner
    return result


def blobs(shape, n=6, seed=0):
    random = np.random.default_rng(seed)
    y, x = np.indices(shape)
    labels = np.zeros(shape, dtype=np.int32)
    for label in range(1, n + 1):
        centre = random.uniform(0, shape)
        radius = random.uniform(1, min(shape) / 4)
        labels[(y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2] = label
    return labels


@pytest.mark.parametrize("zoom", [1.0, 0.95, 0.5])
@pytest.mark.parametrize(
    "shape", [(16, 20), (32, 40), (37, 23), (9, 31), (7, 8), (1, 1), (16, 41)]
)
def test_published_rule(shape, zoom):
    labels = blobs((16, 20))
    resized = resize_labels(labels, shape, zoom=zoom, published=True)
    assert resized.dtype == np.int32
    np.testing.assert_array_equal(resized, directly(labels, shape, zoom))


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(
        np.int64,
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        elements=st.integers(0, 4),
    ),
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
    st.sampled_from([1.0, 0.95]),
)
def test_published_rule_for_any_labels(labels, shape, zoom):
    resized = resize_labels(labels, shape, zoom=zoom, published=True)
    np.testing.assert_array_equal(resized, directly(labels, shape, zoom))


def test_published_rule_smooths_at_the_same_size():
    labels = np.zeros((9, 9), dtype=np.int32)
    labels[4, 4] = 1
    assert not resize_labels(labels, (9, 9), published=True).any()


def test_same_size_returns_the_same_labels():
    labels = np.random.default_rng(0).integers(0, 100_000, (13, 17))
    resized = resize_labels(labels, (13, 17))
    np.testing.assert_array_equal(resized, labels)
    assert resized.dtype == np.int32
    resized[:] = 0
    assert labels.any()


@pytest.mark.parametrize("shape", [(32, 40), (37, 23), (80, 100)])
def test_default_is_the_published_rule_where_no_label_vanishes(shape):
    labels = blobs((16, 20), n=3, seed=1)
    published = resize_labels(labels, shape, published=True)
    assert set(np.unique(published)) == set(np.unique(labels))
    np.testing.assert_array_equal(resize_labels(labels, shape), published)


def test_borders_are_smooth():
    y, x = np.indices((20, 20))
    labels = ((y - 9.5) ** 2 + (x - 9.5) ** 2 < 60).astype(np.int32)
    big = resize_labels(labels, (120, 120))
    y, x = np.indices((120, 120))
    disc = (y - 59.5) ** 2 + (x - 59.5) ** 2 < 60 * 36
    nearest = np.kron(labels, np.ones((6, 6)))
    assert (big != disc).sum() < (nearest != disc).sum()


def test_vanishing_label_keeps_the_pixels_nearest_to_it():
    labels = np.zeros((8, 8), dtype=np.int32)
    labels[3, 5] = 9
    assert not resize_labels(labels, (16, 16), published=True).any()
    resized = resize_labels(labels, (16, 16))
    assert np.argwhere(resized == 9).tolist() == [[6, 10], [6, 11], [7, 10], [7, 11]]


def test_label_between_the_pixels_keeps_its_centre():
    labels = np.zeros((64, 64), dtype=np.int32)
    labels[10, 50] = 3
    labels[41, 17] = 4
    resized = resize_labels(labels, (8, 8))
    assert np.argwhere(resized == 3).tolist() == [[1, 6]]
    assert np.argwhere(resized == 4).tolist() == [[5, 2]]


def test_rescued_labels_do_not_displace_each_other():
    labels = np.arange(1, 17, dtype=np.int32).reshape(4, 4)
    labels = np.pad(labels, 20)
    resized = resize_labels(labels, (11, 11))
    assert set(np.unique(resized)) == set(range(17))


def test_more_labels_than_pixels():
    labels = np.arange(1, 101).reshape(10, 10)
    resized = resize_labels(labels, (2, 2))
    assert len(np.unique(resized)) == 4
    assert resized.all()


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(
        np.int64,
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements=st.sampled_from([0, 0, 0, 1, 2, 3, 70_000]),
    ),
    st.tuples(st.integers(2, 20), st.integers(2, 20)),
    st.sampled_from([1.0, 0.95]),
)
def test_no_label_is_lost(labels, shape, zoom):
    resized = resize_labels(labels, shape, zoom=zoom)
    found = set(np.unique(resized)) - {0}
    expected = set(np.unique(labels)) - {0}
    assert found <= expected
    rows, columns = (
        [
            -0.5 <= source_place(p, wanted, length, zoom) <= length - 0.5
            for p in range(wanted)
        ]
        for wanted, length in zip(shape, labels.shape, strict=True)
    )
    if sum(rows) * sum(columns) >= len(expected):
        assert found == expected


def test_zoom_leaves_the_rim_empty():
    resized = resize_labels(np.ones((256, 256), dtype=np.int32), (520, 520), zoom=0.95)
    rows = np.flatnonzero(resized.any(axis=1))
    assert (rows[0], rows[-1]) == (13, 506)
    assert (resized[13:507, 13:507] == 1).all()


@pytest.mark.parametrize("published", [True, False])
def test_nothing_and_everything(published):
    zeros = np.zeros((6, 7), dtype=np.int32)
    assert not resize_labels(zeros, (12, 9), published=published).any()
    assert (resize_labels(zeros + 5, (12, 9), published=published) == 5).all()


@pytest.mark.parametrize(
    ("labels", "shape"),
    [
        (np.zeros((0, 4), dtype=int), (3, 3)),
        (np.zeros((4, 4), dtype=int), (0, 3)),
        (np.zeros((2, 4, 4), dtype=int), (3, 3)),
        (np.zeros((4, 4)), (3, 3)),
    ],
)
def test_unusable_input_is_refused(labels, shape):
    with pytest.raises(InputError):
        resize_labels(labels, shape)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
    st.sampled_from([1.0, 0.95, 0.5]),
)
def test_the_pixel_under_a_pixel_is_the_nearest(source, shape, zoom):
    *pixels, covered = nearest_pixels(source, shape, zoom=zoom)
    seen = []
    for axis in range(2):
        places = np.array(
            [
                source_place(p, shape[axis], source[axis], zoom)
                for p in range(shape[axis])
            ]
        )
        away = np.abs(places[:, None] - np.arange(source[axis]))
        chosen = away[np.arange(shape[axis]), pixels[axis]]
        assert np.allclose(chosen, away.min(axis=1), atol=1e-9)
        seen.append((places >= -0.5) & (places <= source[axis] - 0.5))
    assert np.array_equal(covered, np.outer(*seen))


def test_the_same_size_lies_pixel_on_pixel():
    rows, columns, covered = nearest_pixels((5, 7), (5, 7))
    assert rows.tolist() == list(range(5))
    assert columns.tolist() == list(range(7))
    assert covered.all()


@every_movie
def test_cells_survive_a_change_of_size(movie):
    """Twice as large and back, every cell is still there, and lies where it lay."""
    for frame in movie.labels:
        shape = tuple(2 * n for n in frame.shape)
        back = resize_labels(resize_labels(frame, shape), frame.shape)
        assert np.array_equal(np.unique(back), np.unique(frame))
        assert ((back == frame) | (back == 0)).mean() > 0.95
