"""What is kept of embeddings, beside a model of what should be."""

import tempfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fastershift.pipeline import FolderCache, RecentCache

keys = st.integers(0, 5)
sizes = st.integers(1, 9)
steps = st.lists(st.tuples(keys, st.one_of(st.none(), sizes)), max_size=30)


class Model:
    """What is in memory, oldest use first, and what has left it, in order."""

    def __init__(self, limit):
        self.limit, self.kept, self.left = limit, OrderedDict(), []

    def put(self, key, size):
        self.kept.pop(key, None)
        self.kept[key] = size
        while sum(self.kept.values()) > self.limit and len(self.kept) > 1:
            self.left.append(self.kept.popitem(last=False))

    def get(self, key):
        if key in self.kept:
            self.kept.move_to_end(key)
        return self.kept.get(key)


class Listening(RecentCache):
    """Remembers what leaves it."""

    def __init__(self, limit):
        super().__init__(limit)
        self.gone = []

    def left(self, key, value):
        self.gone.append((key, value.nbytes))


@given(st.integers(0, 20), steps)
def test_what_was_used_least_recently_leaves_first(limit, steps):
    cache, model = Listening(limit), Model(limit)
    for key, size in steps:
        if size is None:
            found = cache.get(key)
            assert (None if found is None else found.nbytes) == model.get(key)
        else:
            cache.put(key, np.zeros(size, np.uint8))
            model.put(key, size)
        assert len(cache) == len(model.kept)
    assert cache.gone == model.left


@given(st.lists(st.tuples(keys, st.booleans()), max_size=25))
def test_a_folder_gives_back_what_it_was_given(steps):
    """Each key has one value for ever, as embeddings have."""
    with tempfile.TemporaryDirectory() as folder:
        cache = FolderCache(30, Path(folder), 10**6)
        put = set()
        for key, writes in steps:
            value = torch.full((10,), key, dtype=torch.uint8)
            if writes:
                cache.put(key, value)
                put.add(key)
            found = cache.get(key)
            assert (found is not None) == (key in put)
            assert found is None or torch.equal(found, value)
        # Three values have room in memory; the others are files, once each.
        files = len(list(Path(folder).rglob("*.npy")))
        assert len(cache) == min(3, len(put))
        assert len(put) - 3 <= files <= len(put)


def test_a_file_that_was_read_again_stays_longest(tmp_path):
    cache = FolderCache(1, tmp_path, 20)
    for key in range(3):  # 2 stays in memory
        cache.put(key, torch.zeros(10, dtype=torch.uint8))
    assert cache.get(0) is not None
    cache.put(3, torch.zeros(10, dtype=torch.uint8))
    assert [cache.get(key) is not None for key in range(4)] == [True, False, True, True]


def test_what_is_larger_than_the_folder_may_be_is_not_written(tmp_path):
    cache = FolderCache(1, tmp_path, 9)
    cache.put(0, torch.zeros(10, dtype=torch.uint8))
    cache.put(1, torch.zeros(9, dtype=torch.uint8))
    cache.put(2, torch.zeros(1, dtype=torch.uint8))
    assert [cache.get(key) is not None for key in range(3)] == [False, True, True]


def test_a_full_disk_costs_time_and_nothing_else(tmp_path, monkeypatch):
    cache = FolderCache(1, tmp_path, 1000)

    def full(path, *_given, **_how):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    cache.put(0, torch.zeros(10))
    cache.put(1, torch.ones(10))
    assert cache.get(0) is None
    assert not list(tmp_path.rglob("*.npy"))
    assert torch.equal(cache.get(1), torch.ones(10))


@pytest.mark.parametrize("damage", [b"", b"no numbers"])
def test_a_damaged_file_is_computed_again(tmp_path, damage):
    cache = FolderCache(1, tmp_path, 1000)
    for key in range(2):
        cache.put(key, torch.full((10,), key))
    (file,) = tmp_path.rglob("*.npy")
    file.write_bytes(damage)
    assert cache.get(0) is None
    cache.put(0, torch.zeros(10))
    cache.put(2, torch.zeros(10))
    assert torch.equal(cache.get(0), torch.zeros(10))
