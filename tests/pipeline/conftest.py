"""Movies and embeddings whose cells are known."""

import numpy as np
import pytest

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
