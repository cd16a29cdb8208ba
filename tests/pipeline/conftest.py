"""Movies and embeddings whose cells are known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fastershift.rshn import RSHN, ModelCard, save_model
from fastershift.simulate import simulate_movie


def embed_labels(labels, channels=12, noise=0.05, seed=0):
    """Give every track a unit vector of its own, and background the first axis."""
    rng = np.random.default_rng(seed)
    axes = np.eye(channels)
    codes = np.where(labels == 0, 0, 1 + (labels - 1) % (channels - 1))
    vectors = axes[codes] + rng.normal(0, noise, (*labels.shape, channels))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.moveaxis(vectors, -1, 1).astype(np.float32)


@pytest.fixture(scope="session")
def simulated():
    return simulate_movie(5, (72, 80), 6, diameter=16, seed=3, cell_cycle=float("inf"))


@pytest.fixture(scope="session")
def embeddings(simulated):
    return embed_labels(simulated.labels)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """An untrained network: what it finds means nothing, but it is always the same."""
    torch.manual_seed(0)
    network = RSHN(2, 2, 4)
    # Turned away from the background axis, so that there is something to cluster.
    network.hourglasses[1].output.bias.data = torch.tensor([0.0, 1.0, -1.0, 0.5])
    card = ModelCard(
        name="tiny",
        filters=2,
        levels=2,
        channels=4,
        diameter=8.0,
        settings={"cluster": {"bandwidth": 0.4}, "track": {"smallest_cell": 0.3}},
    )
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(network, card, path)
    return path
