"""The vectors of the foreground pixels of a frame pair."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.config import ClusterSettings, TrackSettings
from fastershift.errors import InputError
from fastershift.instances._foreground import Background, as_tensor, foreground_pixels
from fastershift.labels import Strip, strips

__all__ = [
    "Codes",
    "PairCodes",
    "Together",
    "as_rows",
    "pair_codes",
    "rows_at",
    "rows_by_strip",
]

_Flags: TypeAlias = npt.NDArray[np.bool_]
_Vectors: TypeAlias = npt.NDArray[np.float32]

#: Pixels (F, Y, X) and their vectors (n, C or more), in the order of the pixels, where
#: all of them lie together in memory.
Together: TypeAlias = tuple[_Flags, Tensor]

# Vectors of a pair that are clustered; where there are more, a sample stands for them.
_MOST = 2**21


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

    @property
    def are_many(self) -> bool:
        """Whether they are more than are clustered, 2²¹."""
        return self._count > _MOST

    def draw(self, generator: torch.Generator | None) -> Tensor:
        """Draw 2²¹ foreground pixels with replacement; each once, in order."""
        ranks = torch.randint(self._count, (_MOST,), generator=generator)
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


@dataclass(frozen=True)
class PairCodes:
    """What is clustered of a frame pair.

    Attributes
    ----------
    vectors : (F, C, Y, X) Tensor
        Embeddings; may lie on disk.
    background : {"axis", "largest", "mask", "none"}
        What is background.
    foreground : (F, Y, X) bool
        Pixels that are clustered.
    codes : Codes
        Their vectors.
    points : (n, d) Tensor or None
        All of them at once; None where there are too many.
    """

    vectors: Tensor
    background: Background
    foreground: _Flags
    codes: Codes
    points: Tensor | None

    @property
    def together(self) -> Together | None:
        """Pixels and vectors, where these lie together."""
        return None if self.points is None else (self.foreground, self.points)

    @property
    def nbytes(self) -> int:
        """Memory it takes beside the embeddings, about."""
        points = 0 if self.points is None else self.points.nbytes
        return self.foreground.nbytes + points


def pair_codes(
    embeddings: npt.ArrayLike | Tensor,
    cluster_settings: ClusterSettings,
    track_settings: TrackSettings,
    *,
    background: Background = "axis",
    mask: npt.ArrayLike | None = None,
) -> PairCodes:
    """Bring the vectors of the foreground of a frame pair together.

    Parameters
    ----------
    embeddings : (F, C, Y, X) array or Tensor
        Of two consecutive frames, or of a single one; float16 or wider, on any device.
    cluster_settings : ClusterSettings
        `coordinate_weight` is used: rows and columns of the array times this weight are
        appended to the vectors, unless it is 0.
    track_settings : TrackSettings
        `foreground` is used.
    background : {"axis", "largest", "mask", "none"}
        What is background: pixels along the first axis of the embedding, the largest
        cluster, those outside `mask`, or nothing. Pixels that hold NaN, an infinity or
        a zero vector always are.
    mask : (F, Y, X) or (Y, X) array, optional
        Not zero where there are cells; needed for ``background="mask"``.

    Returns
    -------
    PairCodes

    Raises
    ------
    InputError
        For embeddings or a mask of the wrong shape, and for a mask that is missing.
    """
    vectors = as_tensor(embeddings)
    if vectors.ndim != 4 or vectors.shape[0] not in (1, 2) or not vectors.shape[1]:
        raise InputError(
            "Embeddings of a frame pair must have the axes (frame, channel, row, "
            f"column) with one or two frames; these have {tuple(vectors.shape)}."
        )
    foreground = foreground_pixels(
        vectors, track_settings.foreground, background=background, mask=mask
    )
    codes = Codes(vectors, foreground, cluster_settings.coordinate_weight)
    points = None if codes.are_many else codes.all()
    return PairCodes(vectors, background, foreground.cpu().numpy(), codes, points)


def as_rows(codes: Tensor) -> _Vectors:
    """Convert vectors (n, d) to what compiled code reads: float32, row by row."""
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


def rows_by_strip(
    vectors: Tensor,
    wanted: Callable[[Strip], _Flags],
    together: Together | None,
) -> Iterator[tuple[Strip, _Flags, _Vectors]]:
    """Yield the vectors of a frame pair strip by strip.

    Parameters
    ----------
    vectors : (F, C, Y, X) Tensor
        May lie on disk.
    wanted : callable
        Tells which pixels (y, X) of a strip are needed.
    together : (pixels, vectors) or None
        Where vectors lie together, those of all their pixels are yielded, because
        choosing some would copy them; all pixels that are needed must be among them.

    Yields
    ------
    strip : (int, slice)
        Frame and rows.
    pixels : (y, X) bool
        Those whose vectors follow.
    rows : (n, C or more) float32
        Their vectors.
    """
    if together is None:
        for strip in strips(vectors[:, 0].shape):
            pixels = wanted(strip)
            yield strip, pixels, rows_at(vectors, strip, pixels)
        return
    inside, points = together
    rows = as_rows(points)
    first = 0
    for strip in strips(inside.shape):
        pixels = inside[strip]
        last = first + int(np.count_nonzero(pixels))
        yield strip, pixels, rows[first:last]
        first = last
