"""Pieces of clusters: numbered, split where they are two cells, and made cells."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from fastershift.config import ClusterSettings
from fastershift.instances import cells_of_pieces
from fastershift.instances._pieces import pieces_of_clusters, typical_size
from fastershift.instances._split_large import split_large
from helpers.agreement import assert_same_cells
from helpers.movies import find_cells

SIDE = 64


def disc(row, column, radius):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.hypot(rows - row, columns - column) < radius


def direction(angle):
    """A unit vector in the plane of the cells."""
    return np.array([0, np.cos(angle), np.sin(angle)])


def scene(*cells, noise=0.02, seed=0):
    """Embeddings of a pair, background along the first axis, and the truth."""
    truth = np.zeros((2, SIDE, SIDE), int)
    vectors = np.zeros((2, SIDE, SIDE, 3))
    vectors[..., 0] = 1
    for number, (mask, angle) in enumerate(cells, 1):
        truth[:, mask] = number
        vectors[:, mask] = direction(angle)
    rng = np.random.default_rng(seed)
    vectors += noise * rng.standard_normal(vectors.shape)
    return torch.as_tensor(np.moveaxis(vectors, -1, 1), dtype=torch.float16), truth


# Cosine distance 0.18: within one bandwidth of 0.3, beyond 0.3 of it.
NEAR = np.arccos(1 - 0.18)

SMALL = [(disc(52, column, 6), 1.5 * column) for column in (8, 24, 40, 56)]
TOUCHING = [(disc(22, 20, 9), 0.0), (disc(22, 36, 9), NEAR)]


def instances(vectors, **cluster):
    settings = ClusterSettings(bandwidth=0.3, **cluster)
    return find_cells(vectors, settings, smallest_cell=10)


def test_two_cells_that_share_a_mode_are_split():
    vectors, truth = scene(*TOUCHING, *SMALL)
    joined = instances(vectors)
    assert len({*joined.labels[truth == 1], *joined.labels[truth == 2]}) == 1
    found = instances(vectors, split_large=True)
    assert np.array_equal(found.clusters, joined.clusters)
    assert found.labels.max() == joined.labels.max() + 1
    for cell in range(1, truth.max() + 1):
        inside = found.labels[truth == cell]
        number = np.bincount(inside).argmax()
        assert np.mean(inside == number) > 0.97
        assert np.mean(truth[found.labels == number] == cell) > 0.97


def test_a_lone_pair_is_split_too():
    vectors, _ = scene(*TOUCHING)
    assert instances(vectors).labels.max() == 1
    assert instances(vectors, split_large=True).labels.max() == 2


def test_a_large_cell_of_one_mode_stays_whole():
    vectors, _ = scene((disc(22, 30, 18), 0.0), *SMALL)
    whole = instances(vectors).labels
    assert np.array_equal(instances(vectors, split_large=True).labels, whole)


def test_a_small_part_does_not_become_a_cell():
    vectors, _ = scene((disc(22, 30, 14), 0.0), (disc(22, 44, 2), NEAR), *SMALL)
    whole = instances(vectors).labels
    assert np.array_equal(instances(vectors, split_large=True).labels, whole)


def test_what_lies_between_two_parts_joins_the_nearest():
    vectors, truth = scene(*TOUCHING, *SMALL)
    # Pixels between the two modes, as outlines have them.
    seam = ndimage.binary_dilation(truth[0] == 1) & (truth[0] == 2)
    for frame in range(2):
        vectors[frame, :, torch.as_tensor(seam)] = torch.as_tensor(
            direction(NEAR / 2), dtype=vectors.dtype
        )[:, None]
    found = instances(vectors, split_large=True)
    pair = np.isin(truth, (1, 2))
    assert len(np.unique(found.labels[pair])) == 2
    assert (found.labels[pair] > 0).all()


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(np.int32, (2, 12, 14), elements=st.integers(0, 3)),
    st.integers(0, 2**31 - 1),
)
def test_splitting_only_takes_pieces_apart(clusters, seed):
    pieces = pieces_of_clusters(clusters)
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(2, 4, 12, 14, generator=generator)
    split = split_large(pieces, vectors, 0.5)
    # The same where vectors lie together, with more pixels and components than needed.
    pixels = pieces > 0
    pixels[0] = True
    rows = vectors.movedim(1, -1)[torch.as_tensor(pixels)]
    points = torch.cat([rows, torch.full((len(rows), 2), 7.0)], dim=1)
    again = split_large(pieces, vectors, 0.5, (pixels, points))
    # Three of 336 pixels: one of a pair with all its neighbours.
    assert_same_cells(again, split, but_for=0.01)
    assert np.array_equal(split > 0, pieces > 0)
    numbers = np.unique(split[split > 0])
    assert np.array_equal(numbers, np.arange(1, len(numbers) + 1))
    # Every part belongs to one piece, and parts come in the order of the pieces.
    owners = [np.unique(pieces[split == number]) for number in numbers]
    assert all(len(owner) == 1 for owner in owners)
    assert owners == sorted(owners, key=lambda owner: owner[0])


def test_a_split_depends_on_nothing_far_away():
    vectors, truth = scene(*TOUCHING, *SMALL)
    pieces = np.where(truth > 1, truth - 1, truth).astype(np.int32)
    split = split_large(pieces, vectors, 0.3)
    # The same cells, elsewhere in the frame and in another order.
    moved = np.roll(pieces, (7, 0), (1, 2))
    numbers = np.array([0, 5, 4, 3, 2, 1], np.int32)
    elsewhere = split_large(numbers[moved], vectors.roll(7, 2), 0.3)
    assert split.max() == pieces.max() + 1
    pairs = np.unique(
        np.stack([np.roll(split, 7, 1), elsewhere]).reshape(2, -1), axis=1
    )
    assert pairs.shape[1] == split.max() + 1, "each part is a part again"


def test_pieces_come_in_the_order_of_their_clusters():
    clusters = np.zeros((1, 6, 6), np.int32)
    clusters[0, 0, 0], clusters[0, 0, 5], clusters[0, 5, 0] = 2, 1, 2
    pieces = pieces_of_clusters(clusters)
    assert [pieces[0, 0, 5], pieces[0, 0, 0], pieces[0, 5, 0]] == [1, 2, 3]


@pytest.mark.parametrize(("smallest", "expected"), [(1, 2), (3, 1), (9, 0)])
def test_small_pieces_are_no_cells(smallest, expected):
    pieces = np.zeros((2, 4, 4), np.int32)
    pieces[:, 0, :2], pieces[0, 3, 3] = 1, 2
    cells = cells_of_pieces(pieces, smallest)
    assert cells.max() == expected
    assert cells.dtype == np.int32


@pytest.mark.parametrize(
    ("sizes", "typical"),
    [
        # Half of all pixels lie in pieces of at most this size.
        ([16] * 5 + [64], 16),
        ([1] * 30 + [64], 64),
        ([64], 64),
        ([1, 1, 1], 1),
    ],
)
def test_the_typical_size_is_that_of_the_middle_pixel(sizes, typical):
    assert typical_size(np.array(sizes)) == typical


def test_the_typical_size_goes_down_to_a_quarter_of_an_octave():
    steps = {typical_size(np.array([size])) for size in range(64, 129)}
    assert sorted(steps) == pytest.approx([64 * 2 ** (n / 4) for n in range(5)])
    for size in range(64, 129):
        assert 0.84 * size < typical_size(np.array([size])) <= size
