"""Local modes of a frame pair."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from fastershift.instances._codes import Together, rows_by_strip
from fastershift.instances._local_modes_kernels import (
    Atlas,
    atlas_of,
    fuse_modes,
    nearest_modes,
    reached,
    shift_places,
)
from fastershift.instances._pieces import pieces_of_clusters, typical_size
from fastershift.labels import connect, count_pixels, empty_labels

__all__ = ["local_pieces"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Flags: TypeAlias = npt.NDArray[np.bool_]
_Vectors: TypeAlias = npt.NDArray[np.float32]

# Samples across a cell. Their distance in pixels is a power of two, so that a frame
# that is cut elsewhere is sampled at the same places.
_ACROSS = 6

# Samples that a seed sees on each side of its place: two cells.
_REACH = 12

# Samples from one seed to the next, in the first round and where more are needed.
_SEEDS = 4, 2

# Share of the bandwidth within which modes in reach of each other are one.
_SAME = 0.5

# Bytes of the samples that are worked on at once.
_AT_ONCE = 2**26


def local_pieces(
    clusters: _Labels,
    vectors: Tensor,
    bandwidth: float,
    together: Together | None = None,
) -> _Labels:
    """Give every pixel to the most similar mode of its own neighbourhood.

    A few modes stand for the whole frame, so that a cell depends a little on all
    others. The network, however, only ever tells neighbours apart. Here mean-shift
    (Zhao et al. 2021, Eq 6) is done once more with seeds on a grid, and a seed only
    meets samples within two cells of where it is; its place moves with it. Modes within
    half the bandwidth of each other and two cells are one. Nothing is drawn at random,
    and nothing further away than that plays a part.

    Parameters
    ----------
    clusters : (F, Y, X) int32
        Modes of the whole frame; 0 is background. Their connected pieces tell how large
        cells are.
    vectors : (F, C, Y, X) Tensor
        Embeddings of the pair; may lie on disk.
    bandwidth : float
        h, a cosine distance.
    together : (pixels, vectors), optional
        As for `join_alike`.

    Returns
    -------
    (F, Y, X) int32
        Connected pieces, numbered from 1 by their first pixels.
    """
    diameter = _typical_diameter(clusters)
    if not diameter:
        return pieces_of_clusters(clusters)
    spacing = 2 ** max(0, round(np.log2(diameter / _ACROSS)))
    shape = -(-clusters.shape[1] // spacing), -(-clusters.shape[2] // spacing)
    atlas = _local_modes(clusters, vectors, bandwidth, spacing, shape)
    nearest = empty_labels(clusters.shape)
    strips = rows_by_strip(vectors, lambda strip: clusters[strip] > 0, together)
    for strip, pixels, rows in strips:
        top = strip[1].start
        nearest_modes(
            rows, pixels, clusters[strip], top, spacing, atlas, nearest[strip]
        )
    result = empty_labels(clusters.shape)
    connect(nearest, result)
    return result


def _typical_diameter(clusters: _Labels) -> float:
    """Diameter of the disc as large as the typical piece in a frame, 0 without any.

    Every second pixel of every second row tells it as well as all.
    """
    coarse = np.ascontiguousarray(clusters[:, ::2, ::2])
    pieces = empty_labels(coarse.shape)
    connect(coarse, pieces)
    sizes = count_pixels(pieces.ravel(), int(pieces.max(initial=0)))
    sizes[0] = 0
    if not sizes.any():
        return 0.0
    return float(np.sqrt(4 * typical_size(sizes) / len(clusters) * 4 / np.pi))


def _local_modes(
    clusters: _Labels,
    vectors: Tensor,
    bandwidth: float,
    spacing: int,
    shape: tuple[int, int],
) -> Atlas:
    """Find modes and their places, first on a wide grid of seeds."""
    modes = np.empty((0, vectors.shape[1]), dtype=np.float32)
    places = np.empty((0, 2), dtype=np.float32)
    support = np.empty(0, dtype=np.int64)
    for apart in _SEEDS:
        atlas = atlas_of(modes, places, _REACH, shape)
        found = [(modes, places, support)]
        for samples, inside, top, own in _bands(clusters, vectors, spacing, shape):
            seeds, at = _seeds(samples, inside, top, own, apart)
            missing = ~reached(seeds, at, atlas, bandwidth)
            seeds, at = seeds[missing], at[missing]
            within = np.zeros(len(seeds), dtype=np.int64)
            at[:, 0] -= top
            shift_places(samples, inside, bandwidth, _REACH, seeds, at, within)
            at[:, 0] += top
            found.append((seeds, at, within))
        modes, places, support = (
            np.concatenate(parts) for parts in zip(*found, strict=True)
        )
        kept = fuse_modes(modes, places, support, _SAME * bandwidth, _REACH, shape)
        modes, places, support = modes[kept], places[kept], support[kept]
    return atlas_of(modes, places, _REACH, shape)


def _bands(
    clusters: _Labels, vectors: Tensor, spacing: int, shape: tuple[int, int]
) -> Iterator[tuple[_Vectors, _Flags, int, slice]]:
    """Yield samples of some rows after the other.

    Yields
    ------
    samples : (F, y, X, C) float32
        Unit vectors of these rows and of those that their seeds can come to see.
    inside : (F, y, X) bool
        Whether they belong to a cluster.
    top : int
        Row of the first of them.
    own : slice
        Rows without those around them.
    """
    n_frames, n_components = vectors.shape[:2]
    height = _AT_ONCE // (4 * n_frames * n_components * shape[1])
    height = max(2 * _REACH, height // _SEEDS[0] * _SEEDS[0])
    for start in range(0, shape[0], height):
        own = slice(start, min(start + height, shape[0]))
        top, bottom = max(0, own.start - 2 * _REACH), own.stop + 2 * _REACH
        rows = slice(top * spacing, bottom * spacing, spacing)
        inside = clusters[:, rows, ::spacing] > 0
        samples = vectors[:, :, rows, ::spacing].movedim(1, -1)
        unit = torch.empty(samples.shape, dtype=torch.float32).copy_(samples)
        functional.normalize(unit, dim=-1, out=unit)
        yield unit.numpy(), inside, top, own


def _seeds(
    samples: _Vectors, inside: _Flags, top: int, own: slice, apart: int
) -> tuple[_Vectors, _Vectors]:
    """Take every n-th sample as a seed: its vector and its place."""
    chosen = np.zeros_like(inside)
    rows = slice(own.start - top, own.stop - top, apart)
    chosen[:, rows, ::apart] = inside[:, rows, ::apart]
    # Row by row, in whatever bands the rows come.
    row, column, frame = np.moveaxis(chosen, 0, -1).nonzero()
    places = np.column_stack([row + top, column]).astype(np.float32)
    return samples[frame, row, column], places
