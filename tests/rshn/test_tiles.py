"""Tiles: seamless in the default profile, kept apart in the published one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fastershift.config import EmbedSettings
from fastershift.pipeline import NetworkEmbeddings
from fastershift.rshn import Embedder
from fastershift.rshn._layout import overlapping_axis, seamless_axis


@pytest.fixture(scope="module")
def movie():
    return np.random.default_rng(5).normal(size=(3, 150, 187)).astype(np.float32)


def embed(model, frames, *, per_tile=False, **options):
    chosen = EmbedSettings(diameter=20.0, warmup=1, precision="float32", **options)
    one = Embedder(model, chosen, frames.shape[1:], "cpu", per_tile=per_tile)
    pairs = [p for p in NetworkEmbeddings(one, frames).pairs() if p is not None]
    return one, torch.stack([pair.embeddings for pair in pairs]).float()


@pytest.mark.parametrize("tile", [64, 100, 128])
def test_joined_tiles_equal_the_whole_frame(make_model, movie, tile):
    """Where half of the overlap exceeds the reach of the network."""
    model = make_model(levels=2)
    _, whole = embed(model, movie, tile=0)
    _, joined = embed(model, movie, tile=tile, tile_overlap=56)
    torch.testing.assert_close(joined, whole, rtol=0, atol=1e-3)


def test_too_little_overlap_shows(make_model, movie):
    """The comparison above can fail."""
    model = make_model(levels=2)
    _, whole = embed(model, movie, tile=0)
    _, joined = embed(model, movie, tile=32, tile_overlap=2)
    assert (joined - whole).abs().max() > 0.01


def test_tiles_kept_apart(make_model, movie):
    model = make_model()
    one, pairs = embed(model, movie, per_tile=True, tile=64, tile_overlap=32)
    starts = [0, 32, 64, 86]
    columns = [0, 32, 64, 96, 123]
    assert one.tiles == [(row, column) for column in columns for row in starts]
    assert pairs.shape == (2, 2, len(one.tiles), 6, 64, 64)


def test_tiles_have_states_of_their_own(make_model, movie):
    """A tile is embedded as if the frame were nothing but the tile."""
    from fastershift.rshn import normalise_embedding, normalise_frame

    model = make_model()
    one, pairs = embed(model, movie, per_tile=True, tile=64, tile_overlap=32, window=3)
    normalised = np.stack([normalise_frame(frame)[0] for frame in movie])
    for index in (0, 7, len(one.tiles) - 1):
        row, column = one.tiles[index]
        clip = torch.from_numpy(normalised[:, row : row + 64, column : column + 64])
        with torch.no_grad():
            _, second, _ = model.network(clip[:, None, None])
        unit = normalise_embedding(second[:, 0], dim=1)
        torch.testing.assert_close(pairs[0][:, index], unit[:2], rtol=0, atol=6e-4)
        torch.testing.assert_close(pairs[1][:, index], unit[1:], rtol=0, atol=6e-4)


def test_a_frame_smaller_than_a_tile_lies_in_its_middle(make_model, movie):
    from fastershift.rshn import normalise_embedding, normalise_frame

    model = make_model()
    frames = movie[:, :45, :187]
    options = {"tile": 64, "tile_overlap": 32, "window": 2}
    one, pairs = embed(model, frames, per_tile=True, **options)
    assert one.tiles == [(0, column) for column in (0, 32, 64, 96, 123)]
    values = np.pad(
        normalise_frame(frames[0])[0][:, 32:96], ((9, 10), (0, 0)), constant_values=-1
    )
    with torch.no_grad():
        _, second, _ = model.network(torch.from_numpy(values)[None, None, None])
    unit = normalise_embedding(second[0, 0], dim=0)[:, 9:54]
    torch.testing.assert_close(pairs[0][0, 1], unit, rtol=0, atol=6e-4)


def test_published_tiles():
    """256-pixel tiles with step 128, as the published sizes are cut."""
    starts = {
        size: [span.start for span in overlapping_axis(size, 256, 128, 64).spans]
        for size in (256, 384, 512, 700, 1100)
    }
    assert starts[256] == [0]
    assert starts[384] == [0, 128]
    assert starts[512] == [0, 128, 256]
    assert starts[700] == [0, 128, 256, 384, 444]
    assert starts[1100] == [0, 128, 256, 384, 512, 640, 768, 844]


@given(
    length=st.integers(1, 700),
    tile=st.integers(0, 300),
    share=st.floats(0, 0.99),
    levels=st.integers(1, 6),
)
def test_seamless_axis(length, tile, share, levels):
    stride, overlap = 1 << (levels - 1), int(tile * share)
    axis = seamless_axis(length, tile, overlap, stride)
    padded = length + axis.after
    assert axis.before == 0
    assert axis.after < stride
    owners = np.zeros(length, int)
    for span in axis.spans:
        assert span.start % stride == span.length % stride == 0
        assert 0 <= span.start <= span.start + span.length <= padded
        owners[span.kept] += 1
        assert axis.inside(span).start >= 0
        assert axis.inside(span).stop <= span.length
        if not tile:
            continue
        assert span.length <= max(tile, stride)
        # Half of the overlap lies between what is kept and every inner border.
        margin = min(overlap, span.length - stride) // 2
        if span.start and span.kept.start < length:
            assert span.kept.start - span.start >= margin
        if span.start + span.length < padded and span.kept.stop < length:
            assert span.start + span.length - span.kept.stop >= margin
    assert (owners == 1).all()


@given(
    length=st.integers(1, 700),
    tile=st.integers(0, 300),
    share=st.floats(0, 0.99),
    levels=st.integers(1, 6),
)
def test_overlapping_axis(length, tile, share, levels):
    stride = 1 << (levels - 1)
    axis = overlapping_axis(length, tile, int(tile * share), stride)
    covered = np.zeros(length, bool)
    for span in axis.spans:
        assert span.length % stride == 0
        covered[span.kept] = True
        kept = axis.inside(span)
        assert 0 <= kept.start < kept.stop <= span.length
    assert covered.all()
    starts = [span.start for span in axis.spans]
    assert starts == sorted(set(starts))
    if len(starts) == 1:
        assert abs(axis.before - axis.after) <= 1
