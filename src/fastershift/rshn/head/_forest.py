"""A forest of decision trees as arrays."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift._compiled import compiled_as_written

__all__ = ["Forest"]

_Integers = npt.NDArray[np.int32]
_Image = npt.NDArray[np.float32]

# Pixels that go through a tree one after the other: it stays in the fast memory.
_AT_ONCE = 512


class Forest(NamedTuple):
    """Trees that tell of a pixel which share of such pixels was of each class.

    The nodes of all trees lie one after the other, each before its branches.

    Attributes
    ----------
    roots : (T,) int32
        First node of each tree.
    feature : (N,) int32
        What a node asks for; -1 in a leaf.
    threshold : (N,) float32
        Pixels with at most this value take the branch `below`.
    below, above : (N,) int32
        The next node; 0 in a leaf.
    shares : (N, K) float32
        Share of each class in a leaf.
    """

    roots: _Integers
    feature: _Integers
    threshold: _Image
    below: _Integers
    above: _Integers
    shares: _Image

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], n_features: int) -> Self:
        """Take a forest from a file.

        Parameters
        ----------
        tensors : mapping of str to Tensor
            As `tensors` gave them.
        n_features : int
            Numbers that are told of a pixel.

        Returns
        -------
        Forest

        Raises
        ------
        ValueError
            When a part is missing, or when a pixel would not find a leaf.
        """
        if set(tensors) != set(cls._fields):
            raise ValueError("parts of the forest are missing")
        forest = cls(**{name: tensors[name].numpy() for name in cls._fields})
        count = len(forest.feature)
        if any(
            getattr(forest, name).shape != (count,) for name in cls._fields[1:5]
        ) or (forest.roots.ndim, forest.shares.ndim, len(forest.shares)) != (
            1,
            2,
            count,
        ):
            raise ValueError("parts of the forest do not fit each other")
        for name, value in zip(cls._fields, forest, strict=True):
            kind = np.float32 if name in {"threshold", "shares"} else np.int32
            if value.dtype != kind or not np.isfinite(value).all():
                raise ValueError(f"the forest holds wrong numbers ({name})")
        nodes = np.arange(count)
        inner = forest.feature >= 0
        onward = np.minimum(forest.below, forest.above)[inner] > nodes[inner]
        within = np.maximum(forest.below, forest.above)[inner] < count
        rooted = (forest.roots >= 0) & (forest.roots < count)
        if not (len(rooted) and rooted.all() and onward.all() and within.all()):
            raise ValueError("a branch of the forest leads nowhere")
        if forest.feature.max() >= n_features:
            raise ValueError("the forest asks for more than is told of a pixel")
        return forest

    @classmethod
    def join(cls, forests: Sequence[Self]) -> Self:
        """Put the trees of several forests into one."""
        sizes = [len(one.feature) for one in forests]
        parts = []
        for one, first in zip(forests, np.cumsum([0, *sizes[:-1]]), strict=True):
            onward = np.where(one.feature >= 0, first, 0).astype(np.int32)
            parts.append(
                one._replace(
                    roots=one.roots + np.int32(first),
                    below=one.below + onward,
                    above=one.above + onward,
                )
            )
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What is written to a file."""
        return {
            name: torch.from_numpy(np.ascontiguousarray(value))
            for name, value in self._asdict().items()
        }

    def tell(self, described: _Image) -> _Image:
        """Tell the classes of pixels.

        Parameters
        ----------
        described : (..., F) float32
            See `describe_pixels`.

        Returns
        -------
        (..., K) float32
            Share of each class, the mean of all trees.
        """
        rows = np.ascontiguousarray(described.reshape(-1, described.shape[-1]))
        told = np.zeros((len(rows), self.shares.shape[1]), np.float32)
        _walk(rows, *self, told)
        return told.reshape(*described.shape[:-1], -1)


@compiled_as_written
def _walk(
    rows: _Image,
    roots: _Integers,
    feature: _Integers,
    threshold: _Image,
    below: _Integers,
    above: _Integers,
    shares: _Image,
    told: _Image,
) -> None:
    for first in range(0, rows.shape[0], _AT_ONCE):
        last = min(first + _AT_ONCE, rows.shape[0])
        for root in roots:
            for row in range(first, last):
                node = root
                while feature[node] >= 0:
                    if rows[row, feature[node]] <= threshold[node]:
                        node = below[node]
                    else:
                        node = above[node]
                for kind in range(shares.shape[1]):
                    told[row, kind] += shares[node, kind]
    told /= len(roots)
