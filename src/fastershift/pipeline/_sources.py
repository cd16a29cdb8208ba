"""Where the embeddings of frame pairs come from: the network, or an array."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.errors import InputError
from fastershift.rshn import Embedder, FrameSource

__all__ = [
    "EmbeddedPair",
    "EmbeddingCache",
    "EmbeddingSource",
    "GivenEmbeddings",
    "NetworkEmbeddings",
]

_Key: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class EmbeddedPair:
    """Embeddings of frames t and t + 1 from one recurrent state.

    Attributes
    ----------
    frame : int
        t, the first of the two.
    embeddings : Tensor
        (F, C, Y, X), or (F, tiles, C, y, x) where tiles are clustered on their own;
        F is 2, or 1 in a movie of one frame.
    seconds : float
        Time the network took for the frames that are new in this pair.
    """

    frame: int
    embeddings: Tensor
    seconds: float


class EmbeddingSource(Protocol):
    """Anything that gives the embeddings of a movie pair by pair."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the embeddings."""

    def pairs(
        self, first: int = 0, stop: int | None = None
    ) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs that start with the frames from `first` to before `stop`.

        They come in order, with None at further places to cancel; by default all.
        """

    def pair(self, frame: int) -> Iterator[EmbeddedPair | None]:
        """Yield the one pair that starts with a frame, after any number of None."""


class EmbeddingCache:
    """Embeddings of single frames, the least recently used ones leave first.

    Parameters
    ----------
    limit : int
        Bytes it may hold.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._entries: OrderedDict[_Key, Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: _Key) -> Tensor | None:
        """Return the embedding of (block, frame) if it is there."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key]

    def put(self, key: _Key, embedding: Tensor) -> None:
        """Keep the embedding of (block, frame), making room for it."""
        if key in self._entries:
            self._size -= self._entries.pop(key).nbytes
        self._entries[key] = embedding
        self._size += embedding.nbytes
        while self._size > self._limit and len(self._entries) > 1:
            self._size -= self._entries.popitem(last=False)[1].nbytes


class NetworkEmbeddings:
    """Embeddings computed from frames, block by block, and kept in a cache.

    Parameters
    ----------
    embedder : Embedder
        The network with its scale and blocks.
    movie : sequence of (Y, X) frames
        Read one frame at a time.
    """

    def __init__(self, embedder: Embedder, movie: FrameSource) -> None:
        self.embedder = embedder
        self._movie = movie
        self._cache: EmbeddingCache | None = None

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self._movie)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the embeddings."""
        return self.embedder.network_shape

    def use_cache(self, cache: EmbeddingCache) -> None:
        """Look embeddings up here from now on, and keep new ones."""
        self._cache = cache

    def pairs(
        self, first: int = 0, stop: int | None = None
    ) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs that start with the frames from `first` to before `stop`.

        They come in order, with None at further places to cancel; by default all. The
        blocks they lie in are embedded from their beginnings.
        """
        last = max(0, (self.n_frames - 1 if stop is None else stop) - 1)
        blocks = (self.embedder.block_of(frame) for frame in (first, last))
        for block in range(next(blocks), next(blocks) + 1):
            for found in self._block(block):
                if found is None or first <= found.frame <= last:
                    yield found

    def pair(self, frame: int) -> Iterator[EmbeddedPair | None]:
        """Yield the one pair that starts with a frame, after any number of None."""
        for found in self._block(self.embedder.block_of(frame)):
            if found is None or found.frame == frame:
                yield found
            if found is not None and found.frame == frame:
                return

    def _block(self, block: int) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs of a block; frames in the cache are not computed again."""
        frames = self.embedder.block_frames(block, self.n_frames)
        cached = {t: self._cached(block, t) for t in frames}
        computed = None
        before: Tensor | None = None
        seconds = 0.0
        for t in frames:
            embedding = cached[t]
            started = time.perf_counter()
            if embedding is None:
                computed = computed or self.embedder.embed_block(self._movie, block)
                for step in computed:
                    if step is None:
                        seconds += time.perf_counter() - started
                        yield None
                        started = time.perf_counter()
                        continue
                    if self._cache is not None:
                        self._cache.put((block, step[0]), step[1])
                    if step[0] == t:
                        embedding = step[1]
                        break
            assert embedding is not None  # noqa: S101 (a block embeds all its frames)
            seconds += time.perf_counter() - started
            if before is not None:
                yield EmbeddedPair(t - 1, torch.stack((before, embedding)), seconds)
                seconds = 0.0
            elif self.n_frames == 1:
                yield EmbeddedPair(0, embedding[None], seconds)
            else:
                yield None
            before = embedding

    def _cached(self, block: int, frame: int) -> Tensor | None:
        return None if self._cache is None else self._cache.get((block, frame))


class GivenEmbeddings:
    """Embeddings of any network, as an array.

    Parameters
    ----------
    array : array_like
        (T, C, Y, X) real numbers; read one frame at a time.

    Raises
    ------
    InputError
        When it does not have four axes, or fewer than two channels.
    """

    def __init__(self, array: Any) -> None:
        self._array = array if hasattr(array, "shape") else np.asarray(array)
        if len(self._array.shape) != 4 or self._array.shape[1] < 2:
            raise InputError(
                "Embeddings must have the axes (frame, channel, row, column) with two "
                f"channels or more; these have the shape {tuple(self._array.shape)}."
            )

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self._array.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the embeddings."""
        return int(self._array.shape[2]), int(self._array.shape[3])

    def pairs(
        self, first: int = 0, stop: int | None = None
    ) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs that start with the frames from `first` to before `stop`."""
        for frame in range(first, max(1, self.n_frames - 1) if stop is None else stop):
            yield from self.pair(frame)

    def pair(self, frame: int) -> Iterator[EmbeddedPair | None]:
        """Yield the one pair that starts with a frame."""
        started = time.perf_counter()
        stop = min(frame + 2, self.n_frames)
        tensors = [_as_tensor(self._array[t]) for t in range(frame, stop)]
        yield EmbeddedPair(frame, torch.stack(tensors), time.perf_counter() - started)


def _as_tensor(frame: Any) -> Tensor:
    values: npt.NDArray[Any] = np.asarray(frame)
    if values.dtype.kind != "f" or values.dtype.itemsize > 8:
        values = values.astype(np.float32)
    return torch.from_numpy(
        np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    )
