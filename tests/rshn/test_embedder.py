"""Movies to embeddings: blocks, windows, scale, odd frames."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from fastershift._devices import choose_device
from fastershift.config import EmbedSettings
from fastershift.errors import InputError
from fastershift.rshn import Embedder
from helpers.agreement import EMBEDDING, assert_same_embedding

SHAPE = (41, 54)


@pytest.fixture(scope="module")
def movie():
    generator = np.random.default_rng(3)
    coarse = generator.normal(size=(11, 6, 8)).cumsum(axis=0)
    frames = np.kron(coarse, np.ones((7, 7)))[:, : SHAPE[0], : SHAPE[1]]
    return 1000 + 100 * (frames + 0.3 * generator.normal(size=frames.shape))


def embedder(model, shape=SHAPE, *, per_tile=False, **options):
    small = {"diameter": 20.0, "block": 4, "warmup": 2, "precision": "float32"}
    options = small | options
    return Embedder(model, EmbedSettings(**options), shape, "cpu", per_tile=per_tile)


def block(embed, frames, number):
    """Embeddings of a block by frame, without the pauses of the warm-up."""
    return dict(step for step in embed.embed_block(frames, number) if step is not None)


def axis(embedding):
    """Tell which pixels are the background axis exactly."""
    return (embedding[0] == 1) & (embedding[1:] == 0).all(dim=0)


def by_hand(model, frames):
    """Raw network over normalised frames of the size it was made for."""
    from fastershift.rshn import normalise_embedding, normalise_frame

    state, result = None, []
    for frame in frames:
        values, _ = normalise_frame(frame, 1.0)
        padded = np.pad(values, ((0, 3), (0, 2)), mode="edge")
        with torch.no_grad():
            _, second, state = model.network(
                torch.from_numpy(padded)[None, None, None], state
            )
        result.append(
            normalise_embedding(second[0, 0], dim=0)[:, : SHAPE[0], : SHAPE[1]]
        )
    return result


def test_a_block_is_warmed_up_and_reaches_one_frame_into_the_next(make_model, movie):
    model = make_model()
    embed = embedder(model)
    assert embed.network_shape == SHAPE
    assert embed.scale == 1
    assert embed.n_blocks(len(movie)) == 3
    assert [embed.block_of(pair) for pair in range(10)] == [0] * 4 + [1] * 4 + [2] * 2
    found = block(embed, movie, 1)
    assert list(found) == [4, 5, 6, 7, 8] == list(embed.block_frames(1, len(movie)))
    expected = by_hand(model, movie[2:9])[2:]
    for embedding, wanted in zip(found.values(), expected, strict=True):
        assert embedding.dtype == torch.float16
        assert embedding.shape == (6, *SHAPE)
        torch.testing.assert_close(embedding.float(), wanted, rtol=0, atol=6e-4)


def test_the_movie_is_mirrored_before_its_first_frame(make_model, movie):
    model = make_model()
    found = block(embedder(model), movie, 0)
    expected = by_hand(model, movie[[2, 1, 0]])[2]
    torch.testing.assert_close(found[0].float(), expected, rtol=0, atol=6e-4)


def test_a_frame_does_not_depend_on_what_was_embedded_before(
    make_model, embed_pairs, movie
):
    embed = embedder(make_model())
    whole = embed_pairs(embed, movie)
    assert [frame for frame, _ in whole] == list(range(10))
    for number in (2, 0, 1):
        for frame, embedding in block(embed, movie, number).items():
            if embed.block_frames(number, 11)[0] <= frame < 10:
                pair = whole[frame][1]
                if embed.block_of(frame) == number:
                    assert_same_embedding(pair[0], embedding)
            if frame and embed.block_of(frame - 1) == number:
                assert_same_embedding(whole[frame - 1][1][1], embedding)
    # Frame 8 ends block 1 and begins block 2, from another state.
    other_state = block(embed, movie, 1)[8] - block(embed, movie, 2)[8]
    assert other_state.abs().max() > 10 * EMBEDDING
    # The frames after a block have no part in it.
    altered = movie.copy()
    altered[9:] = 0
    for frame, embedding in block(embed, altered, 1).items():
        assert_same_embedding(embedding, block(embed, movie, 1)[frame])


@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 5, 8, 9, 11])
def test_movies_of_any_length(make_model, embed_pairs, movie, n_frames):
    frames = movie[:n_frames]
    embed = embedder(make_model())
    pairs = embed_pairs(embed, frames)
    assert [frame for frame, _ in pairs] == list(range(max(1, n_frames - 1)))
    expected = (1 if n_frames == 1 else 2, 6, *SHAPE)
    assert {tuple(pair.shape) for _, pair in pairs} == {expected}


def test_one_frame_is_repeated_to_warm_up(make_model, embed_pairs, movie):
    model = make_model()
    found = embed_pairs(embedder(model), movie[:1])[0][1][0]
    expected = by_hand(model, movie[[0, 0, 0]])[2]
    torch.testing.assert_close(found.float(), expected, rtol=0, atol=6e-4)


class Counted:
    """A movie that counts how often its frames are asked for."""

    def __init__(self, frames):
        self.frames = frames
        self.asked = []

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.frames[index]


def test_cost_and_laziness(make_model, embed_pairs, network_passes, movie):
    # Noise would be compared with the frames before.
    frames = Counted(gaussian_filter(movie[:9], (0, 3, 3)))
    embed = embedder(make_model())
    assert len(embed_pairs(embed, frames)) == 8
    assert len(network_passes) == len(frames.asked) == 8 * (4 + 2 + 1) / 4
    frames.asked.clear()
    steps = embed.embed_block(frames, 1)
    assert frames.asked == []
    assert next(steps) is None
    assert frames.asked == [2]
    assert next(steps) is None
    assert next(steps)[0] == 4
    assert frames.asked == [2, 3, 4]


def test_windows_restart_for_every_pair(make_model, embed_pairs, movie):
    model = make_model()
    embed = embedder(model, window=4)
    pairs = dict(embed_pairs(embed, movie[:7]))
    assert list(pairs) == list(range(6))
    assert embed.n_blocks(7) == 4
    assert [embed.block_of(pair) for pair in range(6)] == [0, 0, 0, 1, 2, 3]
    first = by_hand(model, movie[:4])
    for frame in range(3):
        for place in range(2):
            found = pairs[frame][place].float()
            torch.testing.assert_close(found, first[frame + place], rtol=0, atol=6e-4)
    for frame in range(3, 6):
        expected = by_hand(model, movie[frame - 2 : frame + 2])[2:]
        for place in range(2):
            found = pairs[frame][place].float()
            torch.testing.assert_close(found, expected[place], rtol=0, atol=6e-4)


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_a_window_longer_than_the_movie(make_model, embed_pairs, movie, n_frames):
    embed = embedder(make_model(), window=8)
    pairs = embed_pairs(embed, movie[:n_frames])
    assert [frame for frame, _ in pairs] == list(range(max(1, n_frames - 1)))


@given(
    n_frames=st.integers(1, 60),
    length=st.integers(1, 20),
    warmup=st.integers(0, 30),
    window=st.sampled_from([0, 0, 2, 3, 8]),
)
def test_every_pair_lies_in_its_block(n_frames, length, warmup, window):
    from fastershift.rshn._schedule import block_of, count_blocks, plan_block

    options = EmbedSettings(block=length, warmup=warmup, window=window)
    plans = [
        plan_block(number, n_frames, options)
        for number in range(count_blocks(n_frames, options))
    ]
    pairs = [
        (first, number)
        for number, plan in enumerate(plans)
        for first in plan.frames[:-1]
    ]
    assert pairs == [(pair, block_of(pair, options)) for pair in range(n_frames - 1)]
    for plan in plans:
        assert plan.frames
        assert all(0 <= frame < n_frames for frame in (*plan.warmup, *plan.frames))


def test_frames_are_scaled_to_the_diameter_of_the_model(make_model, movie):
    embed = embedder(make_model(), diameter=16.0)
    assert embed.network_shape == (51, 68)
    assert embed.scale == pytest.approx(20 / 16, rel=0.01)
    assert block(embed, movie, 0)[0].shape == (6, 51, 68)
    small = embedder(make_model(), diameter=1000.0)
    assert small.network_shape == (1, 1)
    assert block(small, movie, 0)[0].shape == (6, 1, 1)


def test_a_given_network_size(make_model, movie):
    embed = embedder(make_model(), diameter="auto", network_size=(30, 20), zoom=0.5)
    assert embed.network_shape == (20, 30)
    assert embed.scale == pytest.approx(2 * (20 * 30 / (41 * 54)) ** 0.5)
    assert block(embed, movie, 0)[0].shape == (6, 20, 30)


@pytest.mark.parametrize(
    "kind", ["uint8", "int16", ">u2", ">i4", "<f4", ">f8", "float16", "uint64", "bool"]
)
def test_dtypes_and_byte_orders(make_model, movie, kind):
    frames = np.clip((movie - movie.min()) / 8, 0, 255).astype(np.uint8)
    if kind == "bool":
        frames = (frames > frames.mean()).astype(np.uint8)
    embed = embedder(make_model())
    expected = block(embed, frames[:3], 0)
    found = block(embed, frames[:3].astype(kind), 0)
    for frame, embedding in expected.items():
        assert_same_embedding(found[frame], embedding)


def test_pixels_that_are_no_numbers_are_background(make_model, movie):
    frames = movie.copy()
    frames[0, 10:20, 5:25] = np.nan
    frames[0, 30, 30] = np.inf
    embed = embedder(make_model())
    found = block(embed, frames, 0)
    holes = torch.zeros(SHAPE, dtype=torch.bool)
    holes[10:20, 5:25] = True
    holes[30, 30] = True
    assert torch.equal(axis(found[0]), holes)
    assert not axis(found[1]).any()
    for embedding in found.values():
        length = embedding.float().square().sum(dim=0)
        torch.testing.assert_close(length, torch.ones(SHAPE), rtol=0, atol=3e-3)


def test_holes_are_scaled_with_the_frame(make_model, movie):
    frames = movie.copy()
    frames[0, 10:20, 5:25] = np.nan
    found = block(embedder(make_model(), diameter=10.0), frames, 0)[0]
    assert axis(found)[20:40, 10:50].all()
    assert axis(found).sum() == 20 * 40
    half = block(embedder(make_model(), diameter=40.0), frames, 0)[0]
    assert axis(half)[6:9, 4:11].all()
    assert axis(half).sum() <= 6 * 12


@pytest.mark.parametrize("value", [0, 7, np.nan, np.inf])
def test_a_frame_without_contrast_is_background(make_model, movie, value):
    frames = movie.copy()
    frames[1] = value
    found = block(embedder(make_model()), frames, 0)
    assert axis(found[1]).all()
    assert not axis(found[2]).any()


def test_overwhelming_values_do_not_spoil_the_embedding(make_model, movie):
    frames = movie.astype(np.float64)
    frames[0, 5, 5] = 1e38
    frames[1, 5, 5] = 1e300
    for embedding in block(embedder(make_model()), frames, 0).values():
        assert embedding.isfinite().all()


@given(height=st.integers(1, 40), width=st.integers(1, 40), per_tile=st.booleans())
@settings(max_examples=25, deadline=None)
def test_frames_of_any_size(make_model, embed_pairs, height, width, per_tile):
    frames = np.random.default_rng(0).normal(size=(2, height, width))
    embed = embedder(
        make_model(), (height, width), per_tile=per_tile, tile=16, tile_overlap=8
    )
    ((_, pair),) = embed_pairs(embed, frames)
    if per_tile:
        assert pair.shape[1] == len(embed.tiles)
        pair = pair[:, 0]
        assert pair.shape[2:] == (min(height, 16), min(width, 16))
    else:
        assert pair.shape[2:] == (height, width)
    length = pair.float().square().sum(dim=1)
    torch.testing.assert_close(length, torch.ones_like(length), rtol=0, atol=3e-3)


@pytest.mark.parametrize("per_tile", [False, True])
@pytest.mark.parametrize("tile", [0, 32])
def test_images_that_are_embedded_together_know_nothing_of_each_other(
    make_model, movie, tile, per_tile
):
    options = {"tile": tile, "tile_overlap": 8, "warmup": 0}
    embed = embedder(make_model(), per_tile=per_tile, **options)
    together = embed.embed_alone(movie[:3])
    for one, image in zip(together, movie[:3], strict=True):
        assert_same_embedding(one, block(embed, image[None], 0)[0])


def test_frames_that_cannot_be_used(make_model, embed_pairs, movie):
    embed = embedder(make_model())
    with pytest.raises(InputError, match=r"Frame 2 has the shape \(41, 53\)"):
        embed_pairs(embed, movie[:, :, 1:])
    with pytest.raises(InputError, match="one channel"):
        embed_pairs(embed, movie[:3, ..., None].repeat(3, axis=-1))
    with pytest.raises(InputError, match="complex128"):
        embed_pairs(embed, movie.astype(complex))
    with pytest.raises(InputError, match="no frames"):
        embed_pairs(embed, movie[:0])
    with pytest.raises(InputError, match="no block 9"):
        list(embed.embed_block(movie, 9))


def test_an_open_diameter_is_refused(make_model):
    with pytest.raises(InputError, match="diameter is not known"):
        embedder(make_model(), diameter="auto")


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    with pytest.raises(InputError, match="no device 'abacus'"):
        choose_device("abacus")
    with pytest.raises(InputError, match="not available"):
        choose_device("cuda:99")
