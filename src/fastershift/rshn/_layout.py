"""How a frame is scaled, padded and cut into the tiles that the network sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TypeAlias

import torch
from torch import Tensor

from fastershift.config import EmbedSettings
from fastershift.errors import InputError
from fastershift.rshn._weights import Model

__all__ = [
    "Axis",
    "Span",
    "Tile",
    "Tiling",
    "network_shape",
    "overlapping_axis",
    "seamless_axis",
]

# Frames of small cells are smoothed less, as in training: a fixed blur would wash
# cells of a few pixels away.
_DIAMETERS_PER_BLUR = 20


@dataclass(frozen=True)
class Span:
    """A tile along one axis.

    Attributes
    ----------
    start, length : int
        Where it lies in the padded frame.
    kept : slice
        Which pixels of the frame, without padding, are taken from it.
    """

    start: int
    length: int
    kept: slice


@dataclass(frozen=True)
class Axis:
    """Padding before and after a frame along one axis, and its tiles."""

    before: int
    after: int
    spans: tuple[Span, ...]

    def read(self, span: Span) -> slice:
        """Tell which pixels of the padded frame a tile reads."""
        return slice(span.start, span.start + span.length)

    def inside(self, span: Span) -> slice:
        """Tell which pixels of a tile are kept."""
        shift = self.before - span.start
        return slice(span.kept.start + shift, span.kept.stop + shift)


#: Where a tile lies along the rows and along the columns.
Tile: TypeAlias = tuple[Span, Span]


@dataclass(frozen=True)
class Tiling:
    """Padding of a frame, and its tiles."""

    rows: Axis
    columns: Axis

    @property
    def tiles(self) -> list[Tile]:
        """All tiles; rows vary fastest."""
        across = product(self.columns.spans, self.rows.spans)
        return [(row, column) for column, row in across]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of every tile."""
        return self.rows.spans[0].length, self.columns.spans[0].length

    @property
    def kept(self) -> tuple[int, int]:
        """Rows and columns that are kept of the first tile."""
        row, column = self.tiles[0]
        first = row.kept, column.kept
        return first[0].stop - first[0].start, first[1].stop - first[1].start

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Columns before and after a frame, then rows, as torch pads."""
        rows, columns = self.rows, self.columns
        return columns.before, columns.after, rows.before, rows.after

    @property
    def pixels(self) -> int:
        """Count the pixels of all tiles."""
        return len(self.tiles) * math.prod(self.shape)

    @property
    def corners(self) -> list[tuple[int, int]]:
        """Row and column of the frame at which what is kept of each tile begins."""
        return [(row.kept.start, column.kept.start) for row, column in self.tiles]

    def read(self, padded: Tensor, tile: Tile) -> Tensor:
        """Take from a padded frame (Y, X) what a tile sees of it."""
        row, column = tile
        return padded[self.rows.read(row), self.columns.read(column)]

    def read_all(self, padded: Tensor, tiles: Sequence[Tile]) -> Tensor:
        """Take what some tiles see, (B, y, x)."""
        return torch.stack([self.read(padded, tile) for tile in tiles])

    def inside(self, told: Tensor, tile: Tile) -> Tensor:
        """Take from what was told of a tile (y, x, C) what is kept."""
        row, column = tile
        return told[self.rows.inside(row), self.columns.inside(column)]


def _multiple(length: int, stride: int) -> int:
    return -(-length // stride) * stride


def _starts(length: int, tile: int, step: int) -> list[int]:
    """Start tiles at every step; the last ends where the frame ends."""
    return [*range(0, length - tile, step), length - tile]


def seamless_axis(length: int, tile: int, overlap: int, stride: int) -> Axis:
    """Cut an axis so that every pixel comes from one tile, far from its inner borders.

    Parameters
    ----------
    length : int
        Pixels of the frame.
    tile, overlap : int
        Longest tile, and how far neighbours overlap at least; half of the overlap is
        discarded at every inner border. With a tile of 0 nothing is cut.
    stride : int
        Tiles start, and end, at multiples of it: the network pools pixels in the same
        groups wherever the tile lies.

    Returns
    -------
    Axis
    """
    padded = _multiple(length, stride)
    size = max(stride, tile // stride * stride) if tile else padded
    size = min(size, padded)
    step = max(stride, (size - overlap) // stride * stride)
    starts = _starts(padded, size, step)
    # As many tiles as are needed, but none larger than they must be.
    n_tiles = len(starts)
    even = _multiple(-(-(padded + (n_tiles - 1) * overlap) // n_tiles), stride)
    if stride < even < size and even - overlap >= stride:
        evenly = _starts(padded, even, (even - overlap) // stride * stride)
        if len(evenly) == n_tiles:
            size, starts = even, evenly
    cuts = [0, *((one + size + other) // 2 for one, other in pairwise(starts)), length]
    cuts = [min(cut, length) for cut in cuts]
    spans = [
        Span(start, size, slice(*cut))
        for start, cut in zip(starts, pairwise(cuts), strict=True)
    ]
    return Axis(0, padded - length, tuple(spans))


def overlapping_axis(length: int, tile: int, overlap: int, stride: int) -> Axis:
    """Cut an axis into tiles that are kept whole (Payer et al. 2019).

    Parameters are as in `seamless_axis`. A frame shorter than a tile lies
    in its middle.
    """
    size = max(stride, tile // stride * stride) if tile else _multiple(length, stride)
    if length <= size:
        before = (size - length) // 2
        span = Span(0, size, slice(0, length))
        return Axis(before, size - length - before, (span,))
    starts = _starts(length, size, max(1, size - overlap))
    spans = tuple(Span(start, size, slice(start, start + size)) for start in starts)
    return Axis(0, 0, spans)


def network_shape(
    model: Model, settings: EmbedSettings, frame_shape: tuple[int, int]
) -> tuple[tuple[int, int], float]:
    """Return rows and columns of the network input, and the blur in frame pixels."""
    if settings.network_size is not None:
        width, height = settings.network_size
        return (height, width), settings.blur
    if settings.diameter == "auto":
        raise InputError(
            "The cell diameter is not known yet; give it in pixels or estimate it."
        )
    scale = model.card.diameter / settings.diameter
    height, width = (max(1, round(side * scale)) for side in frame_shape)
    return (height, width), min(settings.blur, settings.diameter / _DIAMETERS_PER_BLUR)
