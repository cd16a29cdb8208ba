"""What was computed before, as long as there is room for it."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

__all__ = ["RecentCache"]


class _Sized(Protocol):
    @property
    def nbytes(self) -> int:
        """Bytes it takes."""


_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value", bound=_Sized)


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
