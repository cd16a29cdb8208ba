"""Fixtures shared by all tests."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

from fastershift.rshn import RSHN, ModelCard, save_model
from fastershift.simulate import simulate_movie

# No test measures time.
settings.register_profile("fastershift", deadline=None)
settings.load_profile("fastershift")

_SHARED = Path(
    os.environ.get("FASTERSHIFT_SHARED", Path(__file__).parents[2] / "shared")
)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real movies and reference numbers beside the checkout."""
    if not _SHARED.is_dir():
        pytest.skip(f"real movies and reference numbers are not at {_SHARED}")
    return _SHARED


@pytest.fixture(scope="session")
def oracle(shared: Path) -> Path:
    """Folder with reference numbers of the original TensorFlow code."""
    return shared / "oracle"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of a small untrained network whose output is lively, and always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        network = RSHN(4, 2, 4)
        for name, value in network.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(value, std=0.3)
    card = ModelCard(
        name="tiny",
        filters=4,
        levels=2,
        channels=4,
        diameter=8.0,
        settings={"cluster": {"bandwidth": 0.04}, "track": {"smallest_cell": 0.1}},
    )
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(network, card, path)
    return path


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
