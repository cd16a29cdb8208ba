"""What was computed before, as long as there is room for it in memory or a folder."""

import os
import re
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
import psutil
import torch
from torch import Tensor

from fastershift.io import machine_name

__all__ = ["FolderCache", "RecentCache"]


class _Sized(Protocol):
    @property
    def nbytes(self) -> int:
        """Bytes it takes."""


_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value", bound=_Sized)
#: Names of files in a folder of a cache.
_FILE = re.compile(r"\d+\.npy")


class RecentCache(Generic[_Key, _Value]):
    """Keeps values by key; the least recently used ones leave first.

    Parameters
    ----------
    limit : int
        Bytes it may hold; a single value is kept whatever its size.

    Attributes
    ----------
    limit : int
        The same.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        # Previews, views and runs look things up in threads of their own.
        self.lock = threading.RLock()
        self._size = 0
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: _Key) -> _Value | None:
        """Return the value of a key if it is there."""
        with self.lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key]

    def put(self, key: _Key, value: _Value) -> None:
        """Keep a value, making room for it."""
        with self.lock:
            if key in self._entries:
                self._size -= self._entries.pop(key).nbytes
            self._entries[key] = value
            self._size += value.nbytes
            while self._size > self.limit and len(self._entries) > 1:
                oldest, left = self._entries.popitem(last=False)
                self._size -= left.nbytes
                self.left(oldest, left)

    def left(self, key: _Key, value: _Value) -> None:
        """Handle a value that is evicted."""


class FolderCache(RecentCache[_Key, Tensor]):
    """Keeps tensors in memory, and those that have no room there in a folder.

    The files go when the cache goes; what a process that was killed has left is
    swept up by the next one of the same machine.

    Parameters
    ----------
    limit : int
        Bytes it may hold in memory.
    folder : Path
        Where files are kept, in a folder of their own; made if it is missing.
    folder_limit : int
        Bytes it may hold there.
    """

    def __init__(self, limit: int, folder: Path, folder_limit: int) -> None:
        super().__init__(limit)
        self._folder_limit = folder_limit
        self._files: OrderedDict[_Key, Path] = OrderedDict()
        self._written = 0
        self._sizes: dict[_Key, int] = {}
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        prefix = f"{_of_this_machine()}{os.getpid()}-"
        self._home = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        weakref.finalize(self, _remove, self._home)

    def get(self, key: _Key) -> Tensor | None:
        """Return the value of a key if it is in memory or in the folder."""
        with self.lock:
            value = super().get(key)
            if value is not None or key not in self._files:
                return value
            self._files.move_to_end(key)
            try:
                stored = np.load(self._files[key], allow_pickle=False)
            except (OSError, ValueError, EOFError):
                # The folder was emptied or damaged; it is computed again.
                del self._files[key], self._sizes[key]
                return None
            return torch.from_numpy(stored)

    def left(self, key: _Key, value: Tensor) -> None:
        """Write what leaves memory; the oldest files make room."""
        if key in self._files or value.nbytes > self._folder_limit:
            return
        self._written += 1
        path = self._home / f"{self._written}.npy"
        try:
            np.save(path, value.cpu().numpy(), allow_pickle=False)
        except OSError:
            # The disk is full: it is computed again when it is needed.
            path.unlink(missing_ok=True)
            return
        self._files[key] = path
        self._sizes[key] = value.nbytes
        while sum(self._sizes.values()) > self._folder_limit:
            oldest, file = self._files.popitem(last=False)
            del self._sizes[oldest]
            file.unlink(missing_ok=True)


def _of_this_machine() -> str:
    """Return how the names of folders of caches begin; others share the drive."""
    return f"fastershift-cache-{machine_name()}-"


def _sweep(folder: Path) -> None:
    """Remove what processes of this machine that are gone have left."""
    # As `tempfile.mkdtemp` ends a name.
    ours = re.compile(rf"{re.escape(_of_this_machine())}(\d+)-[a-z0-9_]{{8}}")
    for left in folder.iterdir():
        name = ours.fullmatch(left.name)
        if name and not psutil.pid_exists(int(name[1])):
            _remove(left)


def _remove(home: Path) -> None:
    """Remove a folder of a cache, unless it holds anything that no cache has made."""
    with suppress(OSError):
        files = list(home.iterdir())
        if all(_FILE.fullmatch(one.name) for one in files):
            for one in files:
                one.unlink()
            home.rmdir()
