"""Where the embeddings of frame pairs come from: the network, or an array."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.errors import InputError
from fastershift.instances import PairVotes
from fastershift.pipeline._bad_frames import BridgedMovie
from fastershift.pipeline._cache import RecentCache
from fastershift.rshn import CODE_CHANNELS, Embedder, FrameSource

__all__ = [
    "EmbeddedPair",
    "EmbeddingCache",
    "EmbeddingSource",
    "FramesApart",
    "GivenEmbeddings",
    "NetworkEmbeddings",
    "NetworkSource",
]

#: Embeddings of single frames by owner, block and frame.
EmbeddingCache: TypeAlias = RecentCache[tuple[Hashable, int, int], Tensor]


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
    votes : PairVotes, optional
        What a network that votes says besides.
    """

    frame: int
    embeddings: Tensor
    seconds: float
    votes: PairVotes | None = None

    def to_cpu(self) -> "EmbeddedPair":
        """Bring it to the memory of the CPU."""
        votes = self.votes
        if votes is not None:
            votes = PairVotes(votes.channels.cpu(), votes.diameter)
        return replace(self, embeddings=self.embeddings.cpu(), votes=votes)


class EmbeddingSource(Protocol):
    """Anything that gives the embeddings of a movie pair by pair."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the embeddings."""

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the user: what was done otherwise than asked for, and why."""

    def pairs(
        self, first: int = 0, stop: int | None = None
    ) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs that start with the frames from `first` to before `stop`.

        They come in order, with None at further places to cancel; by default all.
        """

    def pair(self, frame: int) -> Iterator[EmbeddedPair | None]:
        """Yield the one pair that starts with a frame, after any number of None."""

    def frames_of_pair(self, frame: int) -> Iterator[Sequence[Tensor] | None]:
        """Yield the embeddings of its frames apart, after any number of None.

        For callers that need a few pixels only: nothing is copied where they are known.
        """

    def is_empty(self, frame: int) -> bool:
        """Tell whether a frame shows nothing, so that it has no cells."""


class _BlockPass:
    """The network on its way through a block; it can be left and taken up again."""

    def __init__(
        self, block: int, first: int, steps: Iterator[tuple[int, Tensor] | None]
    ) -> None:
        self._block = block
        self._next = first
        self._steps = steps
        self._failed = False

    def reaches(self, block: int, frame: int) -> bool:
        """Tell whether a frame still lies ahead."""
        return block == self._block and frame >= self._next and not self._failed

    def advance(self) -> tuple[int, Tensor] | None:
        """Take the next step: a frame and its embedding, or None."""
        try:
            step = next(self._steps)
        except BaseException:
            self._failed = True
            raise
        if step is not None:
            self._next = step[0] + 1
        return step


class NetworkSource:
    """What a network embeds of a movie, wherever the embeddings are kept.

    Parameters
    ----------
    embedder : Embedder
        The network with its scale and blocks.
    movie : sequence of (Y, X) frames
        Read one frame at a time.

    Attributes
    ----------
    seen : BridgedMovie
        The movie as the network sees it.
    """

    def __init__(self, embedder: Embedder, movie: FrameSource) -> None:
        self.embedder = embedder
        self.movie = movie
        self.seen = BridgedMovie(movie)

    def is_empty(self, frame: int) -> bool:
        """Tell whether the movie shows nothing there, see `BridgedMovie`."""
        return self.seen.is_empty(frame)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.movie)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the embeddings."""
        return self.embedder.network_shape

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the user: what was changed because memory was short."""
        return self.embedder.notices

    def as_pair(self, frame: int, kept: Tensor, seconds: float) -> EmbeddedPair:
        """Take what the embedder gave for a pair apart.

        Parameters
        ----------
        frame : int
            The first of its frames.
        kept : Tensor
            (F, C, Y, X), or (F, tiles, C, y, x).
        seconds : float
            See `EmbeddedPair`.

        Returns
        -------
        EmbeddedPair
        """
        if not self.embedder.votes:
            return EmbeddedPair(frame, kept, seconds)
        votes = PairVotes(kept[:, CODE_CHANNELS:], self.embedder.diameter)
        return EmbeddedPair(frame, kept[:, :CODE_CHANNELS], seconds, votes)

    def _last(self, stop: int | None) -> int:
        """Frame that the last of the pairs before `stop` starts with."""
        return max(0, (self.n_frames - 1 if stop is None else stop) - 1)

    def _blocks(self, first: int, last: int) -> range:
        """Blocks in which the pairs lie that start with these frames."""
        block_of = self.embedder.block_of
        return range(block_of(first), block_of(last) + 1)


class NetworkEmbeddings(NetworkSource):
    """Embeddings computed from frames, block by block, and kept in a cache.

    Parameters
    ----------
    embedder, movie
        As for `NetworkSource`.
    """

    def __init__(self, embedder: Embedder, movie: FrameSource) -> None:
        super().__init__(embedder, movie)
        self._cache: EmbeddingCache | None = None
        self._owner: Hashable = None
        self._pass: _BlockPass | None = None
        # The frames of the pair that was asked for last, and the pair in one piece.
        self._latest: tuple[Sequence[Tensor], Tensor] | None = None
        # A pass belongs to whoever takes its next step.
        self._lock = threading.Lock()

    def use_cache(self, cache: EmbeddingCache, owner: Hashable = None) -> None:
        """Look embeddings up here from now on, and keep new ones.

        Parameters
        ----------
        cache : EmbeddingCache
            May hold the embeddings of several owners.
        owner : hashable
            Everything that these embeddings depend on.
        """
        self._cache, self._owner = cache, owner

    def pairs(
        self, first: int = 0, stop: int | None = None
    ) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs that start with the frames from `first` to before `stop`.

        They come in order, with None at further places to cancel; by default all. The
        blocks they lie in are embedded from their beginnings.
        """
        last = self._last(stop)
        for block in self._blocks(first, last):
            for found in self._block(block):
                if found is None or first <= found.frame <= last:
                    yield found

    def pair(self, frame: int) -> Iterator[EmbeddedPair | None]:
        """Yield the one pair that starts with a frame, after any number of None."""
        started = time.perf_counter()
        known = self._known(frame)
        if known is None:
            yield from self._computed(frame)
        else:
            embeddings = self._together_once(known)
            yield self.as_pair(frame, embeddings, time.perf_counter() - started)

    def frames_of_pair(self, frame: int) -> Iterator[Sequence[Tensor] | None]:
        """Yield the embeddings of its frames apart, after any number of None."""
        known = self._known(frame)
        if known is not None:
            yield (
                [one[:CODE_CHANNELS] for one in known] if self.embedder.votes else known
            )
            return
        for found in self._computed(frame):
            yield None if found is None else found.embeddings.unbind()

    def _known(self, frame: int) -> Sequence[Tensor] | None:
        """Return the embeddings of a pair if the cache has both."""
        block = self.embedder.block_of(frame)
        both = (self._cached(block, t) for t in range(frame, frame + 2))
        known = [embedding for embedding in both if embedding is not None]
        return known if len(known) == 2 else None

    def _computed(self, frame: int) -> Iterator[EmbeddedPair | None]:
        """Go through the block of a pair as far as the pair."""
        for found in self._block(self.embedder.block_of(frame)):
            if found is None or found.frame == frame:
                yield found
            if found is not None and found.frame == frame:
                return

    def _together_once(self, frames: Sequence[Tensor]) -> Tensor:
        """Bring a pair together unless it was asked for last: previews ask often."""
        latest = self._latest
        if latest is None or any(
            now is not then for now, then in zip(frames, latest[0], strict=True)
        ):
            latest = self._latest = frames, _together(frames)
        return latest[1]

    def _block(self, block: int) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs of a block; frames in the cache are not computed again."""
        before: Tensor | None = None
        seconds = 0.0
        for t in self.embedder.block_frames(block, self.n_frames):
            started = time.perf_counter()
            embedding = self._cached(block, t)
            while embedding is None:
                with self._lock:
                    # Another thread may have come by this frame in the meantime.
                    embedding = self._cached(block, t)
                    if embedding is not None:
                        break
                    step = self._pass_to(block, t).advance()
                    if step is not None and self._cache is not None:
                        self._cache.put((self._owner, block, step[0]), step[1])
                if step is None:
                    seconds += time.perf_counter() - started
                    yield None
                    started = time.perf_counter()
                    continue
                if step[0] == t:
                    embedding = step[1]
            seconds += time.perf_counter() - started
            if before is not None:
                both = _together((before, embedding))
                yield self.as_pair(t - 1, both, seconds)
                seconds = 0.0
            elif self.n_frames == 1:
                yield self.as_pair(0, embedding[None], seconds)
            else:
                yield None
            before = embedding

    def _pass_to(self, block: int, frame: int) -> _BlockPass:
        """Go on with the last pass if it leads to a frame, or begin another one.

        The recurrent state of the frames before need not be computed again when the
        frames of a block are asked for one after the other.
        """
        if self._pass is None or not self._pass.reaches(block, frame):
            first = self.embedder.block_frames(block, self.n_frames).start
            steps = self.embedder.embed_block(self.seen, block)
            self._pass = _BlockPass(block, first, steps)
        return self._pass

    def _cached(self, block: int, frame: int) -> Tensor | None:
        if self._cache is None:
            return None
        return self._cache.get((self._owner, block, frame))


def _together(frames: Sequence[Tensor]) -> Tensor:
    """Stack embeddings (..., C, Y, X) of frames, on the device of the last one.

    In memory the numbers of a pixel stay side by side, as the network leaves them:
    `torch.stack` alone would spread them.
    """
    device = frames[-1].device
    rows = torch.stack([frame.to(device).movedim(-3, -1) for frame in frames])
    return rows.movedim(-1, -3)


class FramesApart(ABC):
    """A source that embeds each frame on its own, whatever came before."""

    @property
    @abstractmethod
    def n_frames(self) -> int:
        """Number of frames."""

    @abstractmethod
    def embedding(self, frame: int) -> Tensor:
        """Embed a frame, (C, Y, X)."""

    def is_empty(self, _frame: int) -> bool:
        """Take what is given as it is."""
        return False

    def pairs(
        self, first: int = 0, stop: int | None = None
    ) -> Iterator[EmbeddedPair | None]:
        """Yield the pairs that start with the frames from `first` to before `stop`."""
        for frame in range(first, max(1, self.n_frames - 1) if stop is None else stop):
            yield from self.pair(frame)

    def pair(self, frame: int) -> Iterator[EmbeddedPair | None]:
        """Yield the one pair that starts with a frame."""
        started = time.perf_counter()
        for frames in self.frames_of_pair(frame):
            both = torch.stack(list(frames))
            yield EmbeddedPair(frame, both, time.perf_counter() - started)

    def frames_of_pair(self, frame: int) -> Iterator[Sequence[Tensor]]:
        """Yield the embeddings of its frames apart."""
        stop = min(frame + 2, self.n_frames)
        yield [self.embedding(t) for t in range(frame, stop)]


class GivenEmbeddings(FramesApart):
    """Embeddings of any network, as an array.

    Parameters
    ----------
    array : array_like
        (T, C, Y, X) real numbers; read one frame at a time.
    region : (slice, slice), optional
        Rows and columns to take.

    Raises
    ------
    InputError
        When it does not have four axes, or fewer than two channels.
    """

    def __init__(self, array: Any, region: tuple[slice, slice] | None = None) -> None:
        self._region = region or (slice(None), slice(None))
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
        rows, columns = (
            len(range(int(side))[part])
            for side, part in zip(self._array.shape[2:], self._region, strict=True)
        )
        return rows, columns

    @property
    def notices(self) -> Sequence[str]:
        """Nothing is ever done otherwise."""
        return ()

    def embedding(self, frame: int) -> Tensor:
        """Embed a frame, (C, Y, X)."""
        return _as_tensor(np.asarray(self._array[frame])[:, *self._region])


def _as_tensor(frame: Any) -> Tensor:
    values: npt.NDArray[Any] = np.asarray(frame)
    if values.dtype.kind != "f" or values.dtype.itemsize > 8:
        values = values.astype(np.float32)
    return torch.from_numpy(
        np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    )
