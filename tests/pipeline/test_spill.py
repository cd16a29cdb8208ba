"""A cache that spills to a folder."""

import gc
import os

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


def test_what_a_killed_process_left_is_swept_up(tmp_path):
    gone = 2**22 + 1  # above any process number
    (tmp_path / f"fastershift-{gone}-abc").mkdir()
    (tmp_path / "fastershift-notes").mkdir()
    mine = tmp_path / f"fastershift-{os.getpid()}-abc"
    mine.mkdir()
    FolderCache(1, tmp_path, 10_000)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"fastershift-notes", mine.name} <= names
    assert f"fastershift-{gone}-abc" not in names


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
