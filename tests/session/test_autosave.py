"""What is kept of corrections that were not saved, and who is offered it."""

import os
import time

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


def of_process(folder, number):
    """Let it look as if another process had written."""
    own = str(os.getpid())
    for one in (folder / "autosave").glob(f"{own}*"):
        one.rename(one.with_name(one.name.replace(own, str(number), 1)))


def end_of_process(folder):
    """Let it look as if the process that wrote had ended."""
    of_process(folder, 99999999)


def date(folder, written):
    """Let it look as if all had been written at a time."""
    for file in (folder / "autosave").glob("*/*"):
        os.utime(file, (written, written))


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
    of_process(tmp_path, other)
    assert autosaves.pending() == (), "the other process may have written it"
    date(tmp_path, began - 3600)
    assert [one.name for one in autosaves.pending()] == ["movie"]


def test_in_a_container_every_sitting_has_the_same_number(tmp_path, result):
    autosaves = Autosaves(tmp_path)
    autosaves.write(1, "movie", result)
    date(tmp_path, psutil.Process().create_time() - 3600)
    assert [one.name for one in autosaves.pending()] == ["movie"]


def test_a_sitting_on_another_machine_may_go_on(tmp_path, result, monkeypatch):
    autosaves = Autosaves(tmp_path)
    autosaves.write(1, "movie", result)
    end_of_process(tmp_path)
    assert autosaves.pending()
    monkeypatch.setattr("platform.node", lambda: "another")
    assert autosaves.pending() == ()
    date(tmp_path, time.time() - 25 * 3600)
    assert [one.name for one in autosaves.pending()] == ["movie"]


def test_autosaves_of_earlier_versions_are_offered(tmp_path, result):
    """Their folders name the process alone."""
    autosaves = Autosaves(tmp_path)
    autosaves.write(1, "movie", result)
    (own,) = (tmp_path / "autosave").iterdir()
    own.rename(own.with_name("99999999-1"))
    assert [one.name for one in autosaves.pending()] == ["movie"]


@pytest.mark.parametrize(
    "name", ["x" * 251, "細胞" * 42, "a.b" * 80], ids=["plain", "wide", "points"]
)
def test_long_names_are_shortened(tmp_path, result, name):
    autosaves = Autosaves(tmp_path)
    autosaves.write(1, name, result)
    end_of_process(tmp_path)
    (found,) = autosaves.pending()
    assert found.name[:40] == name[:40]
    assert found.read().corrections == result.corrections
