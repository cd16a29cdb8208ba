"""A cache that spills to a folder."""

import gc
import os
import shutil

import pytest
import torch

from fastershift.errors import InputError
from fastershift.pipeline import FolderCache
from fastershift.session import CachePlace, Session, SessionInput


def tensor(value: float) -> torch.Tensor:
    return torch.full((4, 8), value, dtype=torch.float16)


def test_what_leaves_memory_comes_back_from_the_folder(tmp_path):
    cache: FolderCache[int] = FolderCache(2 * tensor(0).nbytes, tmp_path, 10_000)
    for key in range(5):
        cache.put(key, tensor(key))
    assert len(cache) == 2
    for key in range(5):
        assert torch.equal(cache.get(key), tensor(key))
    assert cache.get(7) is None


def test_the_folder_holds_no_more_than_it_may(tmp_path):
    cache: FolderCache[int] = FolderCache(1, tmp_path, 3 * tensor(0).nbytes)
    for key in range(10):
        cache.put(key, tensor(key))
    found = [key for key in range(10) if cache.get(key) is not None]
    assert found == [6, 7, 8, 9], "three in the folder, the newest in memory"
    assert len(list(tmp_path.rglob("*.npy"))) == 3


def test_the_files_go_with_the_cache(tmp_path):
    cache: FolderCache[int] = FolderCache(1, tmp_path, 10_000)
    cache.put(0, tensor(0))
    cache.put(1, tensor(1))
    assert list(tmp_path.iterdir())
    del cache
    gc.collect()
    assert not list(tmp_path.iterdir())


#: Above any process number.
GONE = 2**22 + 1


@pytest.fixture
def left(tmp_path):
    """The folder of a cache that goes on, and its like of a process that is gone."""
    cache: FolderCache[int] = FolderCache(1, tmp_path, 10_000)
    for key in range(2):
        cache.put(key, tensor(key))
    (goes_on,) = tmp_path.iterdir()
    gone = goes_on.with_name(goes_on.name.replace(f"-{os.getpid()}-", f"-{GONE}-"))
    shutil.copytree(goes_on, gone)
    yield goes_on, gone
    del cache


def test_what_a_killed_process_left_is_swept_up(tmp_path, left):
    goes_on, _ = left
    FolderCache(1, tmp_path, 10_000)
    assert list(tmp_path.iterdir()) == [goes_on]
    assert list(goes_on.iterdir())


def test_a_cache_of_another_machine_is_left_alone(tmp_path, left, monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "another")
    FolderCache(1, tmp_path, 10_000)
    assert set(tmp_path.iterdir()) == set(left)


def test_folders_of_the_user_are_never_swept_up(tmp_path, left):
    _, gone = left
    (gone / "notes.txt").write_text("mine")
    mine = tmp_path / f"fastershift-{GONE}-06-01"
    mine.mkdir()
    (mine / "1.npy").write_bytes(b"mine")
    FolderCache(1, tmp_path, 10_000)
    assert (mine / "1.npy").exists()
    assert (gone / "notes.txt").exists()
    assert (gone / "1.npy").exists()


def test_an_emptied_folder_is_no_error(tmp_path):
    cache: FolderCache[int] = FolderCache(1, tmp_path, 10_000)
    cache.put(0, tensor(0))
    cache.put(1, tensor(1))
    for file in tmp_path.rglob("*.npy"):
        file.unlink()
    assert cache.get(0) is None
    assert cache.get(1) is not None


def test_a_session_with_a_folder_gives_the_same(tmp_path, simulated, tiny_model):
    settings = {"embed": {"model": str(tiny_model), "diameter": 12.0}}
    results = []
    for place in (CachePlace(), CachePlace(tmp_path / "cache", 10_000_000)):
        session = Session()
        session.cache_place = place
        session.open(SessionInput(simulated.frames))
        for _ in range(2):
            job = session.start(settings, device="cpu")
            for _event in job.events():
                pass
            results.append(job.labels)
    for labels in results[1:]:
        assert (labels == results[0]).all()
    assert (tmp_path / "cache").is_dir()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, simulated):
    (tmp_path / "file").write_text("")
    session = Session()
    session.cache_place = CachePlace(tmp_path / "file" / "cache")
    with pytest.raises(InputError, match=r"cannot be kept in .* another cache folder"):
        session.open(SessionInput(simulated.frames))
