"""What is kept of corrections that were not saved, and who is offered it."""

import os

import numpy as np
import psutil
import pytest

from fastershift.errors import InputError
from fastershift.io import SavedResult
from fastershift.session import Autosaves


@pytest.fixture
def result():
    labels = np.zeros((2, 8, 9), np.int32)
    labels[:, 2:5, 3:6] = 1
    return SavedResult(
        labels,
        [(1, 0, 1, 0)],
        (30.0, 0.5, 0.5),
        ("second", "micrometer", "micrometer"),
        corrections={"history": [1, 2]},
    )


def end_of_process(folder):
    """Let it look as if the process that wrote had ended."""
    for one in (folder / "autosave").glob(f"{os.getpid()}-*"):
        one.rename(one.with_name(f"99999999-{one.name}"))


def test_it_comes_back_after_the_process_has_ended(tmp_path, result):
    autosaves = Autosaves(tmp_path)
    autosaves.write(7, "a/b: movie", result)
    assert autosaves.pending() == (), "this process still holds it"
    end_of_process(tmp_path)
    (found,) = autosaves.pending()
    assert found.name == "a_b_ movie"
    read = found.read()
    np.testing.assert_array_equal(read.labels, result.labels)
    assert read.tracks == result.tracks
    assert read.corrections == result.corrections
    np.testing.assert_allclose(read.scale, result.scale)
    assert read.settings is None
    autosaves.discard(found)
    assert autosaves.pending() == ()


def test_the_newest_comes_first_and_only_one_of_each_result(tmp_path, result):
    autosaves = Autosaves(tmp_path)
    autosaves.write(1, "old", result)
    autosaves.write(1, "old", result)
    autosaves.write(2, "new", result)
    os.utime(next((tmp_path / "autosave").glob("*-1/old.tif")), (1, 1))
    end_of_process(tmp_path)
    assert [one.name for one in autosaves.pending()] == ["new", "old"]


def test_what_is_saved_is_forgotten(tmp_path, result):
    autosaves = Autosaves(tmp_path)
    autosaves.write(1, "movie", result)
    autosaves.forget(1)
    autosaves.forget(2)
    end_of_process(tmp_path)
    assert autosaves.pending() == ()


def test_no_cache_folder_is_no_trouble(tmp_path):
    assert Autosaves(tmp_path / "nowhere").pending() == ()


def test_a_damaged_autosave_is_a_sentence(tmp_path, result):
    autosaves = Autosaves(tmp_path)
    autosaves.write(1, "movie", result)
    end_of_process(tmp_path)
    (found,) = autosaves.pending()
    found.path.write_bytes(b"no picture")
    with pytest.raises(InputError):
        found.read()


def test_a_process_that_was_given_the_number_of_an_ended_one(tmp_path, result):
    """It began after the corrections were written, so it cannot have written them."""
    autosaves = Autosaves(tmp_path)
    autosaves.write(1, "movie", result)
    other = os.getppid()
    began = psutil.Process(other).create_time()
    (tmp_path / "autosave" / f"{os.getpid()}-1").rename(
        tmp_path / "autosave" / f"{other}-1"
    )
    assert autosaves.pending() == (), "the other process may have written it"
    for file in (tmp_path / "autosave" / f"{other}-1").iterdir():
        os.utime(file, (began - 3600, began - 3600))
    assert [one.name for one in autosaves.pending()] == ["movie"]
