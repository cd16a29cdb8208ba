"""Points as they are clustered: checked and measured once."""

from abc import ABC, abstractmethod
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["Points", "Rows", "Vectors", "spread_rows", "unit_vectors"]

#: Numbers of some rows, on the host.
Rows: TypeAlias = npt.NDArray[np.int64]
#: A few vectors, on the host.
Vectors: TypeAlias = npt.NDArray[np.float32]


def unit_vectors(vectors: Vectors) -> Vectors:
    """Divide rows by their length; rows of zeros stay zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    unit: Vectors = vectors / lengths.clip(np.finfo(np.float32).tiny)[:, None]
    return unit


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


class Points(ABC):
    """Vectors to compare and to average, where they lie.

    What goes in and comes out is small and lies on the host, but for the labels.

    Attributes
    ----------
    normalise : bool
        Whether means are projected back to unit length.
    device : torch.device
        Where the labels are wanted.
    """

    normalise: bool
    device: torch.device

    @abstractmethod
    def __len__(self) -> int:
        """Count the points."""

    @property
    @abstractmethod
    def n_components(self) -> int:
        """Length of a row."""

    @abstractmethod
    def unit(self, rows: Rows) -> Vectors:
        """Copy some of the vectors at length 1."""

    @abstractmethod
    def starts(self, rows: Rows) -> Vectors:
        """Copy some of the rows as positions of seeds."""

    @abstractmethod
    def rows(self, rows: Rows) -> Self:
        """Copy some of the points."""

    @abstractmethod
    def joined(self, other: Self) -> Self:
        """Append other points."""

    @abstractmethod
    def window_sums(
        self, directions: Vectors, bandwidth: float
    ) -> npt.NDArray[np.float64]:
        """Sum the points within the bandwidth of each direction.

        Parameters
        ----------
        directions : ndarray
            (k, d) unit vectors.
        bandwidth : float
            Cosine distance.

        Returns
        -------
        ndarray
            (k, d + 1) float64; the last column holds the number of points.
        """

    @abstractmethod
    def window_counts(self, directions: Vectors, bandwidth: float) -> Vectors:
        """Count the points within the bandwidth of each direction."""

    @abstractmethod
    def nearest(self, centers: Vectors) -> tuple[Tensor, Tensor]:
        """Find the nearest centre of every point by cosine.

        Parameters
        ----------
        centers : ndarray
            (k, d) of any length, k at least 1.

        Returns
        -------
        labels : Tensor
            (n,) int64, the lowest index among equals.
        similarity : Tensor
            (n,) float32 cosine with that centre.
        """
