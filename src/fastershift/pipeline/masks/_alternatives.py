"""Several segmentations of one movie, of which the best cells are taken."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from fastershift.pipeline.masks._source import GivenMasks, MaskSource
from fastershift.tracking import choose_cells

__all__ = ["AlternativeMasks"]

_Labels = npt.NDArray[np.int32]


class AlternativeMasks(MaskSource):
    """Of each frame those cells of all alternatives that agree best.

    A frame is chosen when it is asked for, from its masks and those of the frames
    beside it; no more than three frames are held.

    Parameters
    ----------
    alternatives : sequence of GivenMasks
        Of the same frames, in the order in which they are trusted.
    given : object
        What they were made of.
    empty : sequence of str
        Names of further ones that hold no cell.
    """

    def __init__(
        self, alternatives: Sequence[GivenMasks], given: Any, empty: Sequence[str] = ()
    ) -> None:
        self.given = given
        self._empty = tuple(empty)
        self.shape = alternatives[0].shape
        self._alternatives = tuple(alternatives)
        self._taken: dict[int, npt.NDArray[np.int64]] = {}
        # Three frames are looked at for one, and two are asked for at a time.
        self._cells = lru_cache(3)(self._read)
        self._chosen = lru_cache(2)(self._choose)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self._alternatives[0].n_frames

    @property
    def tracked(self) -> bool:
        """Whether the numbers are those of tracks: never those of several sources."""
        return False

    @property
    def diameter(self) -> float:
        """Median cell diameter in pixels, the middle one of the alternatives."""
        return round(float(np.median([one.diameter for one in self._alternatives])), 1)

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the user: how the masks are understood."""
        said = [f"{name} holds no cell." for name in self._empty]
        for one in self._alternatives:
            said += [f"{one.name}: {sentence}" for sentence in one.odd]
        return tuple(said)

    @property
    def taken(self) -> list[tuple[str, int]]:
        """Alternatives, and how many cells come from each, of all frames asked for."""
        none = np.zeros(len(self._alternatives), np.int64)
        counts = sum(self._taken.values(), none).tolist()
        names = [one.name for one in self._alternatives]
        return [*zip(names, counts, strict=True)] if len(names) > 1 else []

    def frame(self, t: int) -> _Labels:
        """Return the chosen cells of a frame, (Y, X) int32; each number is one cell."""
        return self._chosen(t)

    def forget(self) -> None:
        """Read and choose frames anew from here on: layers may have been painted."""
        self._cells.cache_clear()
        self._chosen.cache_clear()

    def frames_of_pair(self, frame: int) -> Iterator[Sequence[Tensor]]:
        """Yield the embeddings of its frames apart."""
        self.forget()
        yield from super().frames_of_pair(frame)

    def _read(self, t: int) -> tuple[_Labels, ...]:
        return tuple(one.frame(t) for one in self._alternatives)

    def _choose(self, t: int) -> _Labels:
        now = self._cells(t)
        if len(now) == 1:
            return now[0]
        beside = (u for u in (t - 1, t + 1) if 0 <= u < self.n_frames)
        chosen = choose_cells(now, *map(self._cells, beside))
        self._taken[t] = np.bincount(chosen.alternatives, minlength=len(now))
        return chosen.paint(now)
