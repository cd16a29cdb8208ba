"""Points in the memory of the host, compared by compiled loops."""

from collections import deque
from collections.abc import Callable
from itertools import pairwise
from threading import Thread
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.meanshift._iteration import least_cosine
from fastershift.meanshift._kernels import (
    BLOCK,
    STRETCH,
    Blocks,
    copy_rows,
    count_windows,
    fill_blocks,
    find_nearest,
    read_rows,
    sum_windows,
)
from fastershift.meanshift._points import Points, Rows, Vectors, unit_vectors

__all__ = ["HostPoints"]


def _empty_blocks(n: int, n_components: int) -> Blocks:
    return np.zeros((-(-n // BLOCK), n_components, BLOCK), dtype=np.float32)


# Parts that each thread takes one after the other: one that another program keeps from
# its core leaves what remains to the others.
_PARTS = 4


def _in_threads(work: Callable[[int, int], None], stretches: int) -> None:
    """Work on all stretches, in as many threads as torch uses."""
    threads = max(1, min(torch.get_num_threads(), stretches))
    parts = 1 if threads == 1 else min(stretches, _PARTS * threads)
    ends = [part * stretches // parts for part in range(parts + 1)]
    waiting = deque(pairwise(ends))

    def take() -> None:
        while True:
            try:
                # Safe between threads, other than asking whether something waits.
                part = waiting.popleft()
            except IndexError:
                return
            work(*part)

    others = [Thread(target=take) for _ in range(1, threads)]
    for thread in others:
        thread.start()
    take()
    for thread in others:
        thread.join()


class HostPoints(Points):
    """Vectors at length 1, in blocks that stay in the cache.

    Parameters
    ----------
    blocks : ndarray
        (blocks, d, BLOCK) float32.
    weights : ndarray
        (n,) float32 weight of each vector in a sum.
    normalise : bool
        Whether means are projected back to unit length.
    """

    device = torch.device("cpu")

    def __init__(self, blocks: Blocks, weights: Vectors, normalise: bool) -> None:
        self.blocks = blocks
        self.weights = weights
        self.normalise = normalise

    @classmethod
    def measured(cls, rows: Vectors, *, unit_means: bool) -> Self | None:
        """Measure rows.

        Parameters
        ----------
        rows : ndarray
            (n, d) float32.
        unit_means : bool
            Whether directions alone are averaged; else rows as they are.

        Returns
        -------
        HostPoints or None
            None where a row is zero, NaN, infinite, or its length at risk of under- or
            overflow.
        """
        blocks = _empty_blocks(*rows.shape)
        lengths = np.empty(len(rows), dtype=np.float32)
        stretches = -(-len(blocks) // STRETCH)
        safe = np.empty(stretches, dtype=np.bool_)
        together = np.ascontiguousarray(rows)

        def work(first: int, last: int) -> None:
            fill_blocks(together, blocks, lengths, safe, first, last)

        _in_threads(work, stretches)
        if not safe.all():
            return None
        weights = np.ones_like(lengths) if unit_means else lengths
        return cls(blocks, weights, unit_means)

    @classmethod
    def of_unit(cls, rows: Vectors, lengths: Vectors | None) -> Self:
        """Store rows of length 1, and the lengths they had where these count."""
        made = cls.measured(rows, unit_means=True)
        assert made is not None  # noqa: S101 (rows of length 1 are safe)
        if lengths is not None:
            made.weights, made.normalise = lengths, False
        return made

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def n_components(self) -> int:
        return int(self.blocks.shape[1])

    def unit(self, rows: Rows) -> Vectors:
        return read_rows(self.blocks, rows)

    def starts(self, rows: Rows) -> Vectors:
        unit = self.unit(rows)
        return unit if self.normalise else unit * self.weights[rows, None]

    def rows(self, rows: Rows) -> Self:
        blocks = _empty_blocks(len(rows), self.n_components)
        copy_rows(self.blocks, rows, blocks, 0)
        return type(self)(blocks, self.weights[rows], self.normalise)

    def joined(self, other: Self) -> Self:
        n, more = len(self), len(other)
        blocks = _empty_blocks(n + more, self.n_components)
        blocks[: len(self.blocks)] = self.blocks
        copy_rows(other.blocks, np.arange(more), blocks, n)
        weights = np.concatenate([self.weights, other.weights])
        return type(self)(blocks, weights, self.normalise)

    def window_sums(
        self, directions: Vectors, bandwidth: float
    ) -> npt.NDArray[np.float64]:
        stretches = -(-len(self.blocks) // STRETCH)
        sums = np.empty((stretches, len(directions), self.n_components + 1))
        reach = least_cosine(bandwidth)

        def work(first: int, last: int) -> None:
            sum_windows(
                self.blocks,
                self.weights,
                len(self),
                directions,
                reach,
                sums,
                first,
                last,
            )

        _in_threads(work, stretches)
        total: npt.NDArray[np.float64] = sums.sum(axis=0)
        return total

    def window_counts(self, directions: Vectors, bandwidth: float) -> Vectors:
        reach = least_cosine(bandwidth)
        return count_windows(self.blocks, len(self), directions, reach)

    def nearest(self, centers: Vectors) -> tuple[Tensor, Tensor]:
        labels = np.empty(len(self), dtype=np.int64)
        similarity = np.empty(len(self), dtype=np.float32)
        unit = unit_vectors(centers)

        def work(first: int, last: int) -> None:
            find_nearest(self.blocks, len(self), unit, labels, similarity, first, last)

        _in_threads(work, -(-len(self.blocks) // STRETCH))
        return torch.from_numpy(labels), torch.from_numpy(similarity)
