"""Where embeddings of pairs come from, and how often the network is asked."""

import numpy as np
import pytest
import torch

from fastershift.errors import InputError
from fastershift.pipeline import EmbeddingCache, GivenEmbeddings, NetworkEmbeddings


class FakeEmbedder:
    """Blocks of two pairs; the embedding of a frame tells its block and its number."""

    votes = False
    notices = ("told",)
    network_shape = (3, 4)

    def __init__(self):
        self.begun, self.embedded = [], []
        self.fails_at = None

    def block_of(self, pair):
        return pair // 2

    def block_frames(self, block, n_frames):
        return range(2 * block, min(2 * block + 3, n_frames))

    def embed_block(self, frames, block):
        self.begun.append(block)
        yield None  # the warm-up
        for t in self.block_frames(block, len(frames)):
            if t == self.fails_at:
                raise MemoryError
            self.embedded.append(t)
            yield t, torch.full((2, 3, 4), 10.0 * block + t)


def network(n_frames=6, *, cached=True):
    source = NetworkEmbeddings(FakeEmbedder(), [None] * n_frames)
    if cached:
        source.use_cache(EmbeddingCache(10**6), "owner")
    return source, source.embedder


def found(steps):
    return [step for step in steps if step is not None]


def values(pair):
    """One number for each frame of a pair."""
    assert pair.embeddings.shape[1:] == (2, 3, 4)
    return pair.embeddings[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("cached", [False, True])
def test_all_pairs_come_in_order_each_from_one_block(cached):
    source, embedder = network(cached=cached)
    pairs = found(source.pairs())
    assert [pair.frame for pair in pairs] == [0, 1, 2, 3, 4]
    assert [values(pair) for pair in pairs] == [
        [0, 1], [1, 2], [12, 13], [13, 14], [24, 25],
    ]  # fmt: skip
    assert embedder.begun == [0, 1, 2]
    assert all(pair.seconds >= 0 for pair in pairs)
    assert (source.n_frames, source.shape, source.notices) == (6, (3, 4), ("told",))


@pytest.mark.parametrize(
    ("first", "stop", "frames"), [(1, 3, [1, 2]), (3, 4, [3]), (2, None, [2, 3, 4])]
)
def test_some_pairs_need_their_blocks_alone(first, stop, frames):
    source, embedder = network()
    pairs = found(source.pairs(first, stop))
    assert [pair.frame for pair in pairs] == frames
    assert embedder.begun == sorted({frame // 2 for frame in frames})


def test_a_movie_of_one_frame_is_a_pair_of_one():
    source, _ = network(1)
    (pair,) = found(source.pairs())
    assert (pair.frame, values(pair)) == (0, [0])


def test_a_pair_needs_its_block_up_to_itself_and_nothing_twice():
    source, embedder = network()
    assert values(found(source.pair(0))[0]) == [0, 1]
    assert embedder.embedded == [0, 1]
    # The pass goes on where it was left.
    assert values(found(source.pair(1))[0]) == [1, 2]
    assert (embedder.embedded, embedder.begun) == ([0, 1, 2], [0])
    (again,) = source.pair(0)
    assert values(again) == [0, 1]
    assert embedder.embedded == [0, 1, 2]


def test_a_pass_that_was_left_is_taken_up():
    source, embedder = network()
    steps = source.pair(1)
    assert next(steps) is None
    steps.close()
    found(source.pair(1))
    assert (embedder.embedded, embedder.begun) == ([0, 1, 2], [0])


def test_a_pass_that_failed_is_not_taken_up():
    source, embedder = network()
    embedder.fails_at = 1
    with pytest.raises(MemoryError):
        found(source.pair(0))
    embedder.fails_at = None
    assert values(found(source.pair(0))[0]) == [0, 1]
    assert embedder.begun == [0, 0]


def test_without_a_cache_every_pair_is_computed():
    source, embedder = network(cached=False)
    for _ in range(2):
        found(source.pair(0))
    assert embedder.embedded == [0, 1, 0, 1]


def test_what_belongs_to_another_owner_is_not_used():
    source, embedder = network()
    found(source.pair(0))
    other = NetworkEmbeddings(embedder, source.movie)
    other.use_cache(source._cache, "another")
    found(other.pair(0))
    assert embedder.embedded == [0, 1, 0, 1]


def test_frames_apart_are_those_of_the_pair():
    source, _ = network()
    for _ in range(2):  # computed, then known
        (frames,) = found(source.frames_of_pair(2))
        assert [frame[0, 0, 0].item() for frame in frames] == [12, 13]


def test_a_pair_that_is_asked_for_again_is_put_together_once():
    source, _ = network()
    found(source.pair(0))
    first, second = (found(source.pair(0))[0].embeddings for _ in range(2))
    assert first is second
    found(source.pair(1))
    (other,) = source.pair(1)
    assert values(other) == [1, 2]


ARRAY = np.random.default_rng(0).normal(size=(4, 3, 6, 8)).astype(np.float32)


def test_given_embeddings_are_those_of_two_frames():
    source = GivenEmbeddings(ARRAY)
    assert (source.n_frames, source.shape, source.notices) == (4, (6, 8), ())
    pairs = list(source.pairs())
    assert [pair.frame for pair in pairs] == [0, 1, 2]
    for pair in pairs:
        expected = ARRAY[pair.frame : pair.frame + 2]
        np.testing.assert_array_equal(pair.embeddings.numpy(), expected)
    assert [pair.frame for pair in source.pairs(1, 2)] == [1]
    (single,) = GivenEmbeddings(ARRAY[:1]).pairs()
    assert single.embeddings.shape == (1, 3, 6, 8)


def test_a_region_of_given_embeddings_is_a_part_of_them():
    region = slice(1, 5), slice(2, None)
    source = GivenEmbeddings(ARRAY, region)
    assert source.shape == (4, 6)
    (pair,) = source.pair(2)
    np.testing.assert_array_equal(pair.embeddings.numpy(), ARRAY[2:4, :, 1:5, 2:])


@pytest.mark.parametrize("dtype", ["float16", "float64", ">f4", "int16", "bool", "f4"])
def test_given_embeddings_may_be_of_any_type(dtype):
    array = (4 * ARRAY).round().astype(dtype)
    (pair,) = GivenEmbeddings(array).pair(0)
    assert pair.embeddings.is_floating_point()
    np.testing.assert_array_equal(pair.embeddings.double().numpy(), array[:2])


def test_given_embeddings_may_be_lists():
    (pair,) = GivenEmbeddings(ARRAY.tolist()).pair(0)
    np.testing.assert_allclose(pair.embeddings.numpy(), ARRAY[:2])


@pytest.mark.parametrize("shape", [(4, 6, 8), (4, 1, 6, 8), (1, 4, 3, 6, 8)])
def test_embeddings_with_other_axes_are_a_sentence(shape):
    with pytest.raises(InputError, match=r"axes .*these have the shape"):
        GivenEmbeddings(np.zeros(shape))
