"""A real checkpoint that is small, and a place for others."""

import numpy as np
import pytest

from helpers.checkpoints import SMALL


@pytest.fixture(scope="session")
def small():
    with np.load(f"{SMALL}_values.npz") as file:
        return {key: file[key] for key in file.files}


@pytest.fixture
def prefix(tmp_path):
    return tmp_path / "checkpoint"
