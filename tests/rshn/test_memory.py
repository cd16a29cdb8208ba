"""Memory: how much is taken, and what happens when it runs out."""

import numpy as np
import pytest
import torch

from fastershift.config import EmbedSettings
from fastershift.errors import FastershiftError
from fastershift.rshn import Embedder
from fastershift.rshn._streaming import Stream

SHORTAGES = [
    MemoryError(),
    RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
]


@pytest.fixture(scope="module")
def movie():
    return np.random.default_rng(6).normal(size=(5, 300, 300)).astype(np.float32)


def embedder(model, shape=(300, 300), **options):
    chosen = {"diameter": 20.0, "block": 4, "warmup": 1, "precision": "float32"}
    return Embedder(model, EmbedSettings(**chosen | options), shape, "cpu")


def fail_above(monkeypatch, limit, error):
    """Let the network run out of memory when it is given more pixels than that."""
    shapes, embed = [], Stream.embed

    def limited(self, images, chunk=0):
        shapes.append(tuple(images.shape))
        if images.numel() > limit:
            raise error
        return embed(self, images, chunk)

    monkeypatch.setattr(Stream, "embed", limited)
    return shapes


@pytest.mark.parametrize("error", SHORTAGES)
def test_a_shortage_that_lasts_is_a_sentence(make_model, movie, monkeypatch, error):
    fail_above(monkeypatch, 0, error)
    embed = embedder(make_model(levels=2))
    with pytest.raises(FastershiftError, match="too small for frames of this size"):
        list(embed.embed_block(movie, 0))


def test_other_errors_keep_their_words(make_model, movie, monkeypatch):
    fail_above(monkeypatch, 0, RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        list(embedder(make_model()).embed_block(movie, 0))


def test_fewer_tiles_are_computed_at_once(make_model, movie, monkeypatch):
    options = {"tile": 128, "tile_overlap": 56}
    model = make_model(levels=2)
    expected = list(embedder(model, **options).embed_block(movie, 0))
    shapes = fail_above(monkeypatch, 3 * 128**2, MemoryError())
    embed = embedder(model, **options)
    found = list(embed.embed_block(movie, 0))
    assert max(shape[0] for shape in shapes) > max(s[0] for s in shapes[-4:])
    assert [step and step[0] for step in found] == [None, 0, 1, 2, 3, 4]
    for one, other in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(one[1], other[1], rtol=0, atol=1e-3)
    assert embed.notices == []


def test_smaller_tiles_are_taken_and_told(make_model, movie, monkeypatch):
    model = make_model(levels=2)
    expected = list(embedder(model).embed_block(movie, 0))
    fail_above(monkeypatch, 200**2, MemoryError())
    embed = embedder(model, tile_overlap=56)
    found = list(embed.embed_block(movie, 0))
    for one, other in zip(found[1:], expected[1:], strict=True):
        assert one[0] == other[0]
        torch.testing.assert_close(one[1], other[1], rtol=0, atol=1e-3)
    assert embed.notices == [
        "Memory was short: frames are now embedded in tiles of 150 pixels."
    ]
    assert [step and step[0] for step in embed.embed_block(movie, 0)][1:] == [*range(5)]


def test_frames_that_were_given_are_not_given_again(make_model, movie, monkeypatch):
    """Memory runs short in the middle of a block: the rest of it follows."""
    model = make_model(levels=2)
    expected = list(embedder(model).embed_block(movie, 0))
    embed = embedder(model, tile_overlap=56)
    steps = embed.embed_block(movie, 0)
    found = [next(steps) for _ in range(3)]
    fail_above(monkeypatch, 200**2, MemoryError())
    found += list(steps)
    given = [step for step in found if step is not None]
    assert [frame for frame, _ in given] == [0, 1, 2, 3, 4]
    for one, other in zip(given, expected[1:], strict=True):
        torch.testing.assert_close(one[1], other[1], rtol=0, atol=1e-3)


def test_memory_grows_with_the_frame_and_the_tiles(make_model):
    model = make_model(filters=16, levels=5, channels=16)
    whole = embedder(model, (2048, 2048), tile=0).estimate_memory()
    quarter = embedder(model, (1024, 1024), tile=0).estimate_memory()
    tiled = embedder(model, (2048, 2048), tile=512, tile_overlap=128).estimate_memory()
    assert whole == pytest.approx(4 * quarter, rel=0.01)
    assert tiled < whole
