"""The vectors of foreground pixels, and the clusters of very many of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from fastershift.labels import Strip, label_room, strips
from fastershift.meanshift import Clustering

__all__ = ["Codes", "as_rows", "cluster_sample", "rows_at"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Flags: TypeAlias = npt.NDArray[np.bool_]
_Vectors: TypeAlias = npt.NDArray[np.float32]


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
        self._foreground = foreground
        self._weight = coordinate_weight
        self._count = int(foreground.count_nonzero())

    def __len__(self) -> int:
        return self._count

    def all(self) -> Tensor:
        """Return (n, d) vectors, float32 at least."""
        return self.at(self._foreground.flatten().nonzero()[:, 0])

    def at(self, pixels: Tensor) -> Tensor:
        """Return the vectors (n, d) of pixels, counted in the same order."""
        if self._vectors.is_contiguous():
            flat = self._vectors.view(-1, self._vectors.shape[-1])
            codes = flat.index_select(0, pixels)
        else:
            places = torch.unravel_index(pixels, self._foreground.shape)
            codes = self._vectors[places]
        codes = codes.to(torch.promote_types(codes.dtype, torch.float32))
        if not self._weight:
            return codes
        places = torch.unravel_index(pixels, self._foreground.shape)[1:]
        coordinates = torch.stack(places, dim=1).to(codes.dtype)
        return torch.cat([codes, self._weight * coordinates], dim=1)

    def draw(self, most: int, generator: torch.Generator | None) -> Tensor:
        """Draw foreground pixels with replacement; each is taken once, in order."""
        ranks = torch.randint(self._count, (most,), generator=generator)
        drawn = np.unique(ranks.numpy())
        lines = self._foreground.flatten(0, 1).cpu().numpy()
        ends = lines.sum(axis=1, dtype=np.int64).cumsum()
        starts = np.searchsorted(drawn, ends - np.diff(ends, prepend=0))
        stops = np.searchsorted(drawn, ends)
        pixels = np.empty(len(drawn), dtype=np.int64)
        for number in np.flatnonzero(stops > starts).tolist():
            own = slice(starts[number], stops[number])
            columns = np.flatnonzero(lines[number])
            first = ends[number] - len(columns)
            pixels[own] = number * lines.shape[1] + columns[drawn[own] - first]
        return torch.from_numpy(pixels).to(self._foreground.device)

    def by_strips(self) -> Iterator[tuple[Strip, Tensor]]:
        """Yield the vectors of some rows of a frame after the other."""
        n_columns = self._foreground.shape[2]
        for strip in strips(self._foreground.shape):
            frame, rows = strip
            first = (frame * self._foreground.shape[1] + rows.start) * n_columns
            inside = self._foreground[frame, rows].flatten().nonzero()[:, 0]
            yield strip, self.at(inside + first)


def as_rows(codes: Tensor) -> _Vectors:
    """Bring vectors (n, d) to where compiled code takes them: float32, row by row."""
    rows: _Vectors = codes.to(torch.float32).cpu().contiguous().numpy()
    return rows


def rows_at(vectors: Tensor, strip: Strip, pixels: _Flags) -> _Vectors:
    """Read the vectors (n, C) of some pixels of a strip.

    Parameters
    ----------
    vectors : (F, C, Y, X) Tensor
        May lie on disk.
    strip : (int, slice)
        From `strips`.
    pixels : (y, X) bool
        Which pixels of the strip.

    Returns
    -------
    (n, C) float32
    """
    frame, own = strip
    here = vectors[frame, :, own].movedim(0, -1)
    return as_rows(here[torch.from_numpy(pixels)])


def cluster_sample(
    codes: Codes,
    foreground: _Flags,
    most: int,
    clustered: Callable[[Tensor], Clustering],
    generator: torch.Generator | None,
) -> tuple[Clustering, Tensor, _Labels]:
    """Cluster a sample; all others join the nearest mode.

    Parameters
    ----------
    codes : Codes
        More than `most`.
    foreground : (F, Y, X) bool
        Their pixels.
    most : int
        Vectors to draw, with replacement; each is taken once.
    clustered : callable
        Clusters (n, d) vectors.
    generator : torch.Generator, optional
        For the draw; on the CPU.

    Returns
    -------
    clustering : Clustering
        Of the sample, but for its sizes, which count all vectors.
    drawn : (n,) int64 Tensor
        Pixels of the sample.
    clusters : (F, Y, X) int32
        Mode of each pixel plus 1; 0 is background.
    """
    drawn = codes.draw(most, generator)
    found = clustered(codes.at(drawn))
    clusters = label_room(foreground.shape)
    clusters[...] = 0
    n_modes = len(found.centers)
    sizes = torch.zeros(n_modes, dtype=torch.int64)
    if n_modes:
        centers = functional.normalize(found.centers.to(torch.float32), dim=1).T
        for (frame, rows), vectors in codes.by_strips():
            labels = (vectors.to(centers.dtype) @ centers).argmax(dim=1).cpu()
            sizes += torch.bincount(labels, minlength=n_modes)
            clusters[frame, rows][foreground[frame, rows]] = labels.numpy() + 1
    return replace(found, sizes=sizes.to(found.sizes.device)), drawn, clusters
