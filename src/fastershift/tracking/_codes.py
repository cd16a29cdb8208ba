"""The vectors of foreground pixels, and the clusters of very many of them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fastershift.meanshift import Clustering

__all__ = ["Codes", "cluster_sample"]

# Vectors that are brought together at once.
_AT_ONCE = 2**20


class Codes:
    """One row per foreground pixel, in the order frame, row, column.

    Parameters
    ----------
    vectors : (F, C, Y, X) Tensor
        Float16 or wider; may lie on disk.
    foreground : (F, Y, X) bool Tensor
        Which pixels are meant.
    coordinate_weight : float
        Rows and columns times this weight are appended, unless it is 0.
    """

    def __init__(
        self, vectors: Tensor, foreground: Tensor, coordinate_weight: float
    ) -> None:
        self._vectors = vectors.movedim(1, -1)
        self._shape = foreground.shape
        self._weight = coordinate_weight
        self._pixels = foreground.flatten().nonzero()[:, 0]

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, rows: slice | Tensor) -> Tensor:
        """Return (n, d) vectors, float32 at least."""
        pixels = self._pixels[rows]
        if self._vectors.is_contiguous():
            flat = self._vectors.view(-1, self._vectors.shape[-1])
            codes = flat.index_select(0, pixels)
        else:
            codes = self._vectors[torch.unravel_index(pixels, self._shape)]
        codes = codes.to(torch.promote_types(codes.dtype, torch.float32))
        if not self._weight:
            return codes
        places = torch.unravel_index(pixels, self._shape)[1:]
        coordinates = torch.stack(places, dim=1).to(codes.dtype)
        return torch.cat([codes, self._weight * coordinates], dim=1)


def cluster_sample(
    codes: Codes,
    most: int,
    clustered: Callable[[Tensor], Clustering],
    generator: torch.Generator | None,
) -> Clustering:
    """Cluster a sample; all others join the nearest mode.

    Parameters
    ----------
    codes : Codes
        More than `most`.
    most : int
        Vectors to draw, with replacement; each is taken once.
    clustered : callable
        Clusters (n, d) vectors.
    generator : torch.Generator, optional
        For the draw; on the CPU.

    Returns
    -------
    Clustering
        Of all vectors.
    """
    rows = torch.randint(len(codes), (most,), generator=generator)
    drawn = torch.from_numpy(np.unique(rows.numpy()))
    sample = codes[drawn]
    drawn = drawn.to(sample.device)
    found = clustered(sample)
    labels = torch.full((len(codes),), -1, device=sample.device)
    if len(found.centers):
        centers = functional.normalize(found.centers.to(sample.dtype), dim=1).T
        for start in range(0, len(codes), _AT_ONCE):
            piece = slice(start, start + _AT_ONCE)
            labels[piece] = (codes[piece] @ centers).argmax(dim=1)
    labels[drawn] = found.labels
    sizes = torch.bincount(labels[labels >= 0], minlength=len(found.centers))
    return replace(found, labels=labels, sizes=sizes, seeds=drawn[found.seeds])
