"""Points as they are clustered: checked and measured once."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.errors import InputError

__all__ = ["Points", "Rows", "prepare", "spread_rows", "unit_rows"]

#: Numbers of some rows, on the host.
Rows: TypeAlias = npt.NDArray[np.int64]

# Squared lengths outside these bounds are at risk of under- or overflow.
_SAFE = 1e-30, 1e30

# Components whose squares are held at once.
_BLOCK = 2**18


def unit_rows(rows: Tensor) -> Tensor:
    """Divide rows by their length; rows of zeros stay zeros."""
    return torch.nn.functional.normalize(rows, dim=1, eps=torch.finfo(rows.dtype).tiny)


def spread_rows(n: int, most: int, generator: torch.Generator | None) -> Rows:
    """Draw one row of each of as many equal stretches; all where there are fewer.

    Successive rows are neighbouring pixels, so that such a draw follows the points more
    closely than an independent one. They come in order.
    """
    most = min(n, most)
    ends = np.arange(most + 1) * n // most
    place = torch.rand(most, dtype=torch.float64, generator=generator).numpy()
    rows: Rows = ends[:-1] + (place * np.diff(ends)).astype(np.int64)
    return rows


@dataclass(frozen=True)
class Points:
    """Vectors to compare and to average; nothing is copied that need not be.

    Attributes
    ----------
    vectors : Tensor
        (n, d) float32, compared with the seeds; of any length.
    lengths : Tensor or None
        (n,) float32 lengths of `vectors`; None if all are 1.
    averaged : Tensor
        (n, d) float32, averaged in a window.
    weights : Tensor or None
        (n,) float32 weights of `averaged` in a mean; None if all are 1.
    normalise : bool
        Whether means are projected back to unit length.
    """

    vectors: Tensor
    lengths: Tensor | None
    averaged: Tensor
    weights: Tensor | None
    normalise: bool

    def __len__(self) -> int:
        return len(self.vectors)

    def unit(self, rows: Tensor) -> Tensor:
        """Copy some of the vectors at length 1."""
        # Several times faster than an index in brackets.
        chosen = self.vectors.index_select(0, rows)
        if self.lengths is None:
            return chosen
        return chosen.div_(self.lengths.index_select(0, rows)[:, None])

    def starts(self, rows: Tensor) -> Tensor:
        """Copy some of the rows as positions of seeds."""
        return (
            self.unit(rows) if self.normalise else self.averaged.index_select(0, rows)
        )

    def take(self, rows: Tensor) -> "Points":
        """Copy some of the rows, compared at length 1."""
        unit = self.unit(rows)
        averaged = unit if self.normalise else self.averaged.index_select(0, rows)
        return Points(unit, None, averaged, None, self.normalise)

    def joined(self, other: "Points") -> "Points":
        """Append other points; both were taken from the same."""
        unit = torch.cat([self.vectors, other.vectors])
        averaged = torch.cat([self.averaged, other.averaged])
        return Points(unit, None, averaged, None, self.normalise)


def prepare(points: Tensor, *, unit_means: bool) -> tuple[Tensor | None, Points]:
    """Measure vectors, and leave out those that have no direction.

    Parameters
    ----------
    points : Tensor
        (n, d) floating-point.
    unit_means : bool
        Whether directions alone are averaged.

    Returns
    -------
    rows : Tensor or None
        (m,) int64 rows that are not zero; None if these are all.
    Points
        Those rows.

    Raises
    ------
    InputError
        For NaN or infinity.
    """
    narrow = points.to(torch.float32)
    squares = _squared_lengths(narrow)
    least, most = (float(bound) for bound in torch.aminmax(squares))
    if _SAFE[0] < least and most < _SAFE[1]:
        lengths = squares.sqrt_()
        weights = lengths.reciprocal() if unit_means else None
        return None, Points(narrow, lengths, narrow, weights, unit_means)
    largest = points.abs().amax(dim=1)
    if not bool(torch.isfinite(largest).all()):
        raise InputError("X holds NaN or infinity; leave those rows out.")
    rows = torch.nonzero(largest).flatten()
    wide = points[rows].to(torch.promote_types(points.dtype, torch.float32))
    unit = unit_rows(wide / largest[rows, None]).to(torch.float32)
    averaged = unit if unit_means else narrow[rows]
    return rows, Points(unit, None, averaged, None, unit_means)


def _squared_lengths(vectors: Tensor) -> Tensor:
    """Sum the squares of each row, block by block: squares of all would be a copy."""
    squares = vectors.new_empty(len(vectors))
    # A product with ones is several times faster than a sum over few columns.
    ones = vectors.new_ones(vectors.shape[1])
    length = max(1, _BLOCK // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), length):
        block = slice(start, start + length)
        torch.mv(vectors[block].square(), ones, out=squares[block])
    return squares
