"""Pieces that touch and are alike are joined; all others stay as they are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.nn.functional import normalize

from fastershift.config import ClusterSettings, resolve_settings
from fastershift.instances import _join_alike as alike
from fastershift.instances._join_alike import join_alike
from fastershift.instances._pieces import pieces_of_clusters
from helpers.movies import find_cells

SIDE = 48
BANDWIDTH = 0.1


def angle(distance):
    """The angle between two vectors at a cosine distance."""
    return np.arccos(1 - distance)


def direction(turn):
    return np.array([0, np.cos(turn), np.sin(turn)])


def square(row, column, side=10):
    mask = np.zeros((SIDE, SIDE), bool)
    mask[row : row + side, column : column + side] = True
    return mask


def scene(*cells):
    """Embeddings of a pair whose cells have one direction each; no noise."""
    vectors = np.zeros((2, SIDE, SIDE, 3))
    vectors[..., 0] = 1
    for mask, turn in cells:
        vectors[:, mask] = direction(turn)
    return torch.as_tensor(np.moveaxis(vectors, -1, 1), dtype=torch.float32)


def instances(vectors, join):
    return find_cells(vectors, ClusterSettings(bandwidth=BANDWIDTH, join_alike=join))


def test_a_cell_between_two_modes_stays_whole():
    # Many pixels at 0 and at 2.6 h hold the modes there; the halves of the cell in the
    # middle lie 0.3 h apart, each nearer to another mode.
    away, half = angle(2.6 * BANDWIDTH), angle(0.3 * BANDWIDTH) / 2
    vectors = scene(
        (square(0, 0, 20), 0.0),
        (square(0, 28, 20), away),
        (square(30, 10, 10), away / 2 - half),
        (square(30, 20, 10), away / 2 + half),
    )
    cut, whole = instances(vectors, False), instances(vectors, True)
    left, right = (0, 35, 15), (0, 35, 25)
    assert cut.labels[left] != cut.labels[right]
    assert whole.labels[left] == whole.labels[right]
    assert whole.labels.max() == cut.labels.max() - 1
    # The clusters are what the modes say, joined or not.
    assert np.array_equal(whole.clusters, cut.clusters)


def test_two_cells_beyond_the_bandwidth_stay_two():
    apart = angle(1.5 * BANDWIDTH)
    vectors = scene((square(10, 10), 0.0), (square(10, 20), apart))
    assert instances(vectors, True).labels.max() == 2


def test_alike_cells_that_do_not_touch_stay_two():
    vectors = scene((square(10, 10), 0.0), (square(10, 21), 0.0))
    assert instances(vectors, True).labels.max() == 2


def test_a_piece_joins_the_neighbour_it_is_most_like():
    # The one in the middle is within the bandwidth of both, and both are beyond it.
    turns = [0.0, angle(0.5 * BANDWIDTH), angle(0.5 * BANDWIDTH) + angle(0.6 * 0.1)]
    vectors = scene(*((square(10, 10 * i), turn) for i, turn in enumerate(turns)))
    pieces = np.zeros((2, SIDE, SIDE), np.int32)
    for number in range(3):
        pieces[:, square(10, 10 * number)] = number + 1
    joined = join_alike(pieces, vectors, BANDWIDTH)
    assert joined[0, 15, [5, 15, 25]].tolist() == [1, 1, 2]


def test_pieces_touch_through_time():
    pieces = np.zeros((2, SIDE, SIDE), np.int32)
    pieces[0, square(10, 10)] = 1
    pieces[1, square(12, 12)] = 2
    vectors = scene((square(8, 8, 16), 0.3))
    joined = join_alike(pieces, vectors, BANDWIDTH)
    assert np.array_equal(joined, (pieces > 0).astype(np.int32))


def test_an_empty_pair_stays_empty():
    pieces = np.zeros((2, SIDE, SIDE), np.int32)
    assert not join_alike(pieces, scene(), BANDWIDTH).any()


def means(pieces, vectors):
    unit = normalize(vectors, dim=1).movedim(1, -1).numpy().astype(float)
    numbers = range(1, pieces.max() + 1)
    total = np.array([unit[pieces == number].sum(0) for number in numbers])
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def contacts(pieces):
    """Pairs of touching pieces, found pixel by pixel."""
    found = set()
    frames, rows, columns = pieces.shape
    steps = [(0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, -1), (1, 0, 0)]
    for t, y, x in np.ndindex(pieces.shape):
        for dt, dy, dx in steps:
            there = t + dt, y + dy, x + dx
            if there[0] < frames and there[1] < rows and 0 <= there[2] < columns:
                pair = pieces[t, y, x], pieces[there]
                if 0 not in pair and pair[0] != pair[1]:
                    found.add((min(pair), max(pair)))
    return found


some_clusters = hnp.arrays(
    np.int32, st.tuples(st.integers(1, 2), st.just(9), st.just(7)),
    elements=st.integers(0, 4),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(some_clusters, st.integers(0, 2**31 - 1), st.sampled_from([0.05, 0.3, 0.8]))
def test_in_the_end_no_two_that_touch_are_alike(clusters, seed, bandwidth):
    pieces = pieces_of_clusters(clusters)
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(len(clusters), 3, 9, 7, generator=generator)
    # A common direction, so that there are pieces on both sides of the bandwidth.
    vectors[:, 0] += 1
    joined = join_alike(pieces, vectors, bandwidth)

    assert np.array_equal(joined > 0, pieces > 0)
    numbers = np.unique(joined[joined > 0])
    assert np.array_equal(numbers, np.arange(1, len(numbers) + 1))
    # Whole pieces are joined, and the first of each decides the order.
    firsts = [pieces[joined == number].min() for number in numbers]
    assert firsts == sorted(firsts)
    for number in range(1, pieces.max(initial=0) + 1):
        assert len(np.unique(joined[pieces == number])) == 1
    if len(numbers):
        mean = means(joined, vectors)
        for first, second in contacts(joined):
            assert 1 - mean[first - 1] @ mean[second - 1] > bandwidth - 1e-6


@settings(max_examples=25, deadline=None)
@given(some_clusters, st.integers(1, 4))
def test_every_contact_is_seen_whatever_the_room_for_them(clusters, room):
    pieces = pieces_of_clusters(clusters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "_CONTACTS", room)
        found = {tuple(edge) for edge in alike._touching(pieces).tolist()}
    assert found == contacts(pieces)


def test_the_published_method_joins_nothing():
    assert resolve_settings().cluster.join_alike
    assert not resolve_settings(user={"profile": "published"}).cluster.join_alike
