"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

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
