"""Movies that a tiny network can go through in a moment."""

import numpy as np
import pytest

from fastershift.rshn import RSHN, ModelCard, save_model
from fastershift.simulate import simulate_movie

SETTINGS = {"embed": {"diameter": 16.0, "block": 2, "warmup": 1}}


@pytest.fixture(scope="session")
def simulated():
    return simulate_movie(9, (56, 64), 5, diameter=16, seed=3, cell_cycle=6)


@pytest.fixture(scope="session")
def settings(tiny_model):
    embed = {**SETTINGS["embed"], "model": str(tiny_model)}
    return {"embed": embed}


@pytest.fixture
def movie_file(tmp_path, simulated):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "movie.zarr"
    array = zarr.create_array(
        path, shape=simulated.frames.shape, chunks=(1, 56, 64), dtype="u2"
    )
    array[:] = np.asarray(simulated.frames)
    return path


@pytest.fixture
def make_model_of(tmp_path):
    """Save an untrained network with some number of channels."""

    def make(channels):
        network = RSHN(4, 5, channels)
        card = ModelCard(
            name="any", filters=4, levels=5, channels=channels, diameter=24.0
        )
        save_model(network, card, tmp_path / "any.safetensors")
        return tmp_path / "any.safetensors"

    return make
