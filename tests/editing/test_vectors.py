"""Embeddings under the pixels of the image, whatever their size and place."""

import numpy as np
import pytest
import torch

from fastershift.editing import FrameVectors, Region
from fastershift.editing._vectors import mode_of
from fastershift.errors import InputError

# Two by four vectors: background left, a cell right; its lower half is another one.
CODES = np.array([[0, 0, 1, 1], [0, 0, 2, 2]])
ALL = slice(0, 4), slice(0, 8)


def flat(codes=CODES):
    """(C, y, x) embedding without noise; its vectors are 3 long."""
    return torch.from_numpy(3 * np.eye(3, dtype=np.float32)[codes].transpose(2, 0, 1))


def codes_under(vectors, height, width):
    whole = Region.of(np.ones((height, width), bool))
    under = vectors.under(whole)
    assert np.allclose(np.linalg.norm(under, axis=1), 1)
    return under.argmax(axis=1).reshape(height, width)


def test_each_vector_lies_under_its_share_of_the_image():
    vectors = FrameVectors(flat(), (4, 8))
    expected = CODES.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(codes_under(vectors, 4, 8), expected)
    np.testing.assert_array_equal(vectors.at(3, 7), [0, 0, 1])
    np.testing.assert_array_equal(vectors.at(0, 0), [1, 0, 0])


def test_an_embedding_of_the_middle_lies_under_the_middle():
    vectors = FrameVectors(flat(), (4, 8), zoom=0.5)
    expected = np.pad(CODES, ((1, 1), (2, 2)), mode="edge")
    np.testing.assert_array_equal(codes_under(vectors, 4, 8), expected)


def test_cosines_are_interpolated_between_vectors():
    vectors = FrameVectors(flat(), (2, 8))
    found = vectors.cosines((slice(0, 1), slice(0, 8)), np.eye(3, dtype=np.float32)[:2])
    assert found.shape == (2, 1, 8)
    np.testing.assert_allclose(found[0, 0], [1, 1, 1, 0.75, 0.25, 0, 0, 0])
    np.testing.assert_allclose(found[1, 0], [0, 0, 0, 0.25, 0.75, 1, 1, 1])


def test_part_of_the_image_is_compared_as_the_whole_is():
    vectors = FrameVectors(flat(), (4, 8))
    modes = np.eye(3, dtype=np.float32)
    part = slice(1, 4), slice(2, 7)
    np.testing.assert_allclose(
        vectors.cosines(part, modes), vectors.cosines(ALL, modes)[:, 1:4, 2:7]
    )
    np.testing.assert_array_equal(
        vectors.foreground(part), vectors.foreground(ALL)[1:4, 2:7]
    )


def test_foreground_points_away_from_the_first_axis():
    vectors = FrameVectors(flat(), (4, 8))
    np.testing.assert_array_equal(
        vectors.foreground(ALL), [[False] * 4 + [True] * 4] * 4
    )
    # Between a vector of background and one of a cell the squared cosine is 3/4, 1/4.
    strict = FrameVectors(flat(), (4, 8), threshold=0.25)
    generous = FrameVectors(flat(), (4, 8), threshold=0.76)
    np.testing.assert_array_equal(strict.foreground(ALL)[0], [False] * 5 + [True] * 3)
    np.testing.assert_array_equal(generous.foreground(ALL)[0], [False] * 3 + [True] * 5)


def test_without_a_direction_of_background_all_is_foreground():
    vectors = FrameVectors(flat(), (4, 8), background_axis=False)
    assert vectors.foreground(ALL).all()


@pytest.mark.parametrize("background_axis", [True, False])
@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_a_vector_that_says_nothing_is_background(value, background_axis):
    embedding = flat(np.full((2, 4), 1))
    embedding[:, 0, 0] = value
    vectors = FrameVectors(embedding, (2, 4), background_axis=background_axis)
    found = vectors.foreground((slice(0, 2), slice(0, 4)))
    np.testing.assert_array_equal(found.ravel(), [False] + [True] * 7)
    assert not vectors.at(0, 0).any()


def test_probability_is_the_share_that_does_not_point_at_background():
    vectors = FrameVectors(flat(), (2, 4))
    left, right = (
        vectors.under(Region.of(np.ones((2, 2), bool), 0, column)) for column in (0, 2)
    )
    assert vectors.probability(left) == 0
    assert vectors.probability(right) == 1
    assert vectors.probability(np.concatenate([left, right])) == 0.5


def test_separate_tiles_cannot_be_followed():
    with pytest.raises(InputError, match="Tiles"):
        FrameVectors(flat()[None], (4, 8))


def directions(*counts):
    """So many unit vectors around each axis."""
    axes = np.repeat(np.arange(len(counts)), counts)
    noisy = np.eye(3)[axes] + np.random.default_rng(0).normal(0, 0.02, (len(axes), 3))
    return (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)


def test_a_mode_is_that_of_the_seed_or_of_most_vectors():
    vectors = directions(20, 12)
    for seed, axis in ((None, 0), (np.array([0, 1, 0], np.float32), 1)):
        mode = mode_of(vectors, 0.1, seed)
        assert np.linalg.norm(mode) == pytest.approx(1)
        mean = vectors[vectors.argmax(axis=1) == axis].mean(axis=0)
        assert mode @ mean / np.linalg.norm(mean) > 1 - 1e-4


def test_vectors_that_say_nothing_do_not_move_a_mode():
    vectors = directions(20)
    padded = np.concatenate([np.zeros((30, 3), np.float32), vectors])
    np.testing.assert_allclose(mode_of(padded, 0.1), mode_of(vectors, 0.1), atol=1e-6)
    with pytest.raises(InputError, match="no embedding here"):
        mode_of(padded[:30], 0.1)
