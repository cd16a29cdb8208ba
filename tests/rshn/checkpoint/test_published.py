"""The network with published weights against numbers of the original code."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from fastershift.errors import InputError
from fastershift.rshn import network_from_published, normalise_embedding
from helpers.checkpoints import generated

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def small():
    with np.load(DATA / "rshn_small.npz") as file:
        return {key: file[key] for key in file.files}


def weights_of(small):
    return {key[2:]: value for key, value in small.items() if key.startswith("w/")}


def clip(frames):
    """(T, Y, X, 1) array to the (T, 1, 1, Y, X) the network reads."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2)[:, None]


def run(network, frames):
    """Embed frame by frame; return both outputs (T, Y, X, C) and all states."""
    outputs, states, state = ([], []), [], None
    with torch.no_grad():
        for frame in clip(frames):
            *both, state = network(frame[None], state)
            states.append(state)
            for kept, output in zip(outputs, both, strict=True):
                kept.append(output[0, 0].permute(1, 2, 0))
    return torch.stack(outputs[0]), torch.stack(outputs[1]), states


def assert_close(value, expected, tolerance):
    np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance)


def test_small_network(small):
    network = network_from_published(weights_of(small))
    assert (network.filters, network.levels, network.channels) == (8, 3, 16)
    first, second, states = run(network, small["frames"])
    for key, output in (("e0", first), ("e1", second)):
        assert_close(output, small[key], 1e-5)
        assert_close(normalise_embedding(output, dim=-1), small[f"{key}_norm"], 1e-5)
    for frame, state in enumerate(states):
        for unit, levels in enumerate(state):
            for level, value in enumerate(levels):
                expected = small[f"state_frame{frame}_unet{unit}_level{level}"]
                assert_close(value[0].permute(1, 2, 0), expected, 1e-5)


def test_a_clip_at_once_equals_frame_by_frame(small):
    network = network_from_published(weights_of(small))
    with torch.no_grad():
        first, second, _ = network(clip(small["frames"]))
    assert_close(first[:, 0].permute(0, 2, 3, 1), small["e0"], 1e-5)
    assert_close(second[:, 0].permute(0, 2, 3, 1), small["e1"], 1e-5)


def test_weak_embeddings_stay_weak_between_the_hourglasses(small):
    weights = weights_of(small)
    for part in ("kernel", "bias"):
        name = f"net/rnn/unet_0_cell/output/{part}"
        weights[name] = weights[name] * small["epscase_scale"]
    first, second, _ = run(network_from_published(weights), small["frames"][:1])
    assert_close(first[0], small["epscase_e0"], 1e-5)
    assert_close(second[0], small["epscase_e1"], 1e-5)


def test_small_weights_follow_the_recipe(small):
    weights = weights_of(small)
    crcs = dict(zip(small["weight_names"], small["weight_crc32"], strict=True))
    assert set(crcs) == set(weights)
    for name, value in weights.items():
        assert zlib.crc32(value.tobytes()) == crcs[name]
        np.testing.assert_array_equal(value, generated(name, value.shape))


def test_published_size(oracle):
    with np.load(oracle / "rshn_full.npz") as file:
        full = {key: file[key] for key in file.files}
    weights = {}
    for index, name in enumerate(full["weight_names"].tolist()):
        shape = tuple(side for side in full["weight_shapes"][index].tolist() if side)
        weights[name] = generated(name, shape)
        assert zlib.crc32(weights[name].tobytes()) == full["weight_crc32"][index]
    network = network_from_published(weights)
    assert (network.filters, network.levels, network.channels) == (64, 7, 16)
    assert sum(one.numel() for one in network.parameters()) == 4_136_608
    first, second, states = run(network, full["frames"])
    for frame in (0, 2):
        assert_close(first[frame], full[f"e0_frame{frame}"], 5e-5)
    for frame in range(3):
        assert_close(second[frame], full[f"e1_frame{frame}"], 5e-5)
    for key, output in (("e0", first), ("e1", second)):
        unit = normalise_embedding(output, dim=-1)[:, ::4, ::4]
        assert_close(unit, full[f"{key}_norm_sub4"], 5e-5)
    for frame, state in enumerate(states):
        values = [level[0].numpy() for unit in state for level in unit]
        means, deviations = zip(
            *((one.mean(), one.std()) for one in values), strict=True
        )
        assert_close(means, full[f"state_mean_frame{frame}"], 5e-5)
        assert_close(deviations, full[f"state_std_frame{frame}"], 5e-5)
    for unit in range(2):
        for level in (4, 5, 6):
            expected = full[f"state_frame2_unet{unit}_level{level}"]
            assert_close(states[2][unit][level][0].permute(1, 2, 0), expected, 5e-5)


def test_every_weight_is_used_exactly_once(small):
    weights = weights_of(small)
    name = "net/rnn/unet_1_cell/parallel/level2/gru0/gates/u/bias"
    with pytest.raises(InputError, match=f"lacks the weights '{name}'"):
        network_from_published({k: v for k, v in weights.items() if k != name})
    with pytest.raises(InputError, match="does not have, such as 'beta1_power'"):
        network_from_published(weights | {"beta1_power": np.float32(0)})
    with pytest.raises(InputError, match=r"shape \(9,\) instead of \(8,\)"):
        network_from_published(weights | {name: np.zeros(9, np.float32)})


@pytest.mark.parametrize("weights", [{}, {"conv1": np.zeros(3)}])
def test_another_checkpoint_is_refused(weights):
    with pytest.raises(InputError, match="not a recurrent stacked hourglass network"):
        network_from_published(weights)
