"""The network as it runs over a movie: what it computes, and in what memory."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fastershift.config import EmbedSettings
from fastershift.rshn import RSHN, Embedder
from fastershift.rshn import _strips as strips
from fastershift.rshn._precision import choose_precision
from fastershift.rshn._streaming import StreamingNetwork

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("sizes", "n_tiles", "shape", "at_once", "strip"),
    [
        ((8, 3, 6), 1, (64, 48), 1, 2**11),
        ((8, 3, 6), 5, (64, 48), 2, 2**11),
        ((8, 3, 6), 5, (64, 48), 4, 2**15),
        ((8, 5, 6), 3, (16, 32), 3, 2**21),
        ((4, 1, 6), 3, (37, 31), 3, 2**9),
        ((8, 3, 6, 1), 5, (64, 48), 2, 2**11),
        ((8, 4, 6, 2), 3, (32, 64), 3, 2**13),
        ((8, 3, 6, 2), 1, (64, 48), 1, 2**21),
        ((4, 4, 6, 1, 10), 3, (32, 64), 2, 2**13),
        ((4, 3, 6, 0, 10, 2), 3, (48, 64), 2, 2**13),
        ((4, 3, 6, 1, None, 3), 3, (48, 60), 2, 2**13),
    ],
)
def test_it_computes_what_the_network_computes(
    monkeypatch, sizes, n_tiles, shape, at_once, strip
):
    monkeypatch.setattr(strips, "_CPU_STRIP", strip)
    torch.manual_seed(2)
    network, clip = RSHN(*sizes), torch.randn(3, n_tiles, 1, *shape)
    with torch.no_grad():
        _, expected, _ = network(clip)
    stream = StreamingNetwork(network, CPU).start(n_tiles, shape, at_once)
    assert sum(chunk.stop - chunk.start for chunk in stream.chunks) == n_tiles
    for frames, wanted in zip(clip[:, :, 0], expected, strict=True):
        for number, chunk in enumerate(stream.chunks):
            found = stream.embed(frames[chunk], number).permute(0, 3, 1, 2)
            largest = wanted.abs().max().item()
            torch.testing.assert_close(
                found, wanted[chunk], rtol=0, atol=1e-5 * largest
            )


@pytest.mark.parametrize("block", [1, 2])
def test_what_the_outputs_are_made_of_follows_them(block):
    network, frame = RSHN(4, 3, 6, 0, None, block), torch.randn(1, 16, 24)
    streams = (
        StreamingNetwork(network, CPU, hidden=hidden).start(1, (16, 24), 1)
        for hidden in (False, True)
    )
    alone, with_hidden = (stream.embed(frame) for stream in streams)
    assert with_hidden.shape == (1, 16, 24, 6 + 4)
    torch.testing.assert_close(with_hidden[..., :6], alone)
    hidden = with_hidden[..., 6:]
    assert hidden.std() > 0
    # All pixels of a block are made of the same.
    corners = hidden[:, ::block, ::block]
    same = corners.repeat_interleave(block, 1).repeat_interleave(block, 2)
    torch.testing.assert_close(hidden, same, rtol=0, atol=0)
    weight = network.hourglasses[1].output.weight[:: block**2, :, 0, 0]
    bias = network.hourglasses[1].output.bias[:: block**2]
    torch.testing.assert_close(alone[:, ::block, ::block], corners @ weight.T + bias)


@pytest.mark.parametrize("recurrent_from", [1, 2])
def test_levels_without_recurrent_units_remember_nothing(recurrent_from):
    network = RSHN(4, 3, 6, recurrent_from)
    names = [name for name, _ in network.named_parameters() if "recurrent" in name]
    assert {int(name.split(".")[3]) for name in names} == set(range(recurrent_from, 3))
    _, _, state = network(torch.randn(2, 1, 1, 16, 24))
    sizes = [(16 >> level, 24 >> level) for level in range(recurrent_from, 3)]
    assert [tuple(one.shape[2:]) for one in state[0]] == sizes
    with pytest.raises(ValueError, match="must lie in 0 to 2"):
        RSHN(4, 3, 6, 3)


@pytest.mark.parametrize("recurrent_from", [0, 1, 2])
def test_a_clip_goes_on_from_a_state(recurrent_from):
    network, clip = RSHN(4, 3, 6, recurrent_from), torch.randn(5, 2, 1, 16, 16)
    with torch.no_grad():
        _, whole, _ = network(clip)
        _, _, state = network(clip[:2])
        _, rest, _ = network(clip[2:], state)
        _, fresh, _ = network(clip[2:])
    torch.testing.assert_close(rest, whole[2:], rtol=0, atol=1e-5)
    assert (fresh[0] - rest[0]).abs().max() > 1e-3, "a state of zeros is another one"


def test_bfloat16_comes_close(make_model):
    network, clip = make_model().network, torch.randn(4, 1, 1, 64, 64)
    with torch.no_grad():
        _, expected, _ = network(clip)
    stream = StreamingNetwork(network, CPU, torch.bfloat16).start(1, (64, 64), 1)
    for frame, wanted in zip(clip[:, :, 0], expected, strict=True):
        found = stream.embed(frame).float().permute(0, 3, 1, 2)
        cosine = torch.cosine_similarity(found, wanted, dim=1)
        assert cosine.mean() > 0.999


class _Sizes(TorchDispatchMode):
    """Note the bytes of every result that does not lie in an older tensor."""

    def __init__(self, known):
        super().__init__()
        self.known = known
        self.largest = 0
        self.waits = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.waits += "_local_scalar_dense" in str(function)
        for one in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(one, torch.Tensor):
                storage = one.untyped_storage()
                if storage.data_ptr() not in self.known:
                    self.largest = max(self.largest, storage.nbytes())
        return result


def test_nothing_of_the_size_of_the_frame_is_allocated_per_frame(monkeypatch):
    """Only strips are, and nobody waits for a number to come from the device."""
    monkeypatch.setattr(strips, "_CPU_STRIP", 2**16)
    filters, side = 8, 256
    stream = StreamingNetwork(RSHN(filters, 3, 6), CPU).start(1, (side, side), 1)
    frame = torch.randn(1, side, side)
    states = [one for unit in stream._states[0] for one in unit]
    lasting = [frame, stream._raw, *stream._wide, *stream._narrow, *states]
    known = {one.untyped_storage().data_ptr() for one in lasting}
    with _Sizes(known) as sizes:
        stream.embed(frame)
    whole = filters * side * side * 4
    assert sizes.waits == 0
    assert sizes.largest <= whole / 4


@pytest.mark.parametrize(("deep_filters", "block"), [(None, 1), (24, 1), (24, 2)])
@pytest.mark.parametrize("recurrent_from", [0, 1, 2])
def test_memory_is_what_was_said(recurrent_from, deep_filters, block):
    network = RSHN(8, 3, 6, recurrent_from, deep_filters, block)
    network = StreamingNetwork(network, CPU)
    side = 64 * block
    stream = network.start(4, (side, side), 2)
    held = {id(one): one for one in (stream._raw, stream._pixels)}.values()
    held = [*stream._wide, *stream._narrow, *held]
    states = [one for chunk in stream._states for unit in chunk for one in unit]
    scratch, lasting = (sum(one.nbytes for one in part) for part in (held, states))
    # Rims of zeros come on top.
    assert scratch == pytest.approx(network.scratch_bytes(2 * side**2), rel=0.15)
    said = network.state_bytes(4 * side**2)
    assert lasting == pytest.approx(said, rel=0.15 * 2**recurrent_from)


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_f": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_precision_follows_the_processor(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert choose_precision("auto", CPU) == expected
    assert choose_precision("float32", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16


def test_precision_where_torch_cannot_tell(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert choose_precision("auto", CPU) == torch.float32
    assert choose_precision("auto", torch.device("mps")) == torch.float32


def test_the_numbers_of_a_pixel_lie_side_by_side(make_model, embed_pairs):
    """Clustering reads all numbers of a pixel at once."""
    frames = torch.randn(3, 40, 40).numpy()
    settings = EmbedSettings(diameter=20.0, warmup=0)
    for _, pair in embed_pairs(Embedder(make_model(), settings, (40, 40)), frames):
        assert pair.movedim(1, -1).is_contiguous()
