"""Large pieces clustered again: where they hold two modes, they are two cells."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from fastershift.instances._codes import Together, as_rows
from fastershift.instances._pieces import (
    cells_of_pieces,
    pieces_of_clusters,
    typical_size,
)
from fastershift.instances._split_large_kernels import find_parts, sort_rows
from fastershift.labels import count_pixels, empty_labels, renumber

__all__ = ["split_large"]

_Labels: TypeAlias = npt.NDArray[np.int32]

# Share of the bandwidth at which they are.
_NARROWER = 0.3

# Least size of a part, as a share of that of the typical piece.
_LEAST = 0.25


def split_large(
    pieces: _Labels,
    vectors: Tensor,
    bandwidth: float,
    together: Together | None = None,
) -> _Labels:
    """Cluster large pieces on their own with a smaller bandwidth, and split them.

    The bandwidth that keeps most cells whole joins some that touch. Those are larger
    than the others, and their embeddings lie around two modes. A piece no smaller
    than the typical one is clustered at 0.3 h; where that leaves two or more connected
    parts of at least a quarter of the typical size, these become pieces, and what is
    left between them joins the nearest. The publications know no such step. Nothing is
    drawn at random: seeds are spread evenly over the piece.

    Parameters
    ----------
    pieces : (F, Y, X) int32
        From `pieces_of_clusters`.
    vectors : (F, C, Y, X) Tensor
        Embeddings of the pair; may lie on disk.
    bandwidth : float
        h, a cosine distance.
    together : (pixels, vectors), optional
        As for `join_alike`.

    Returns
    -------
    (F, Y, X) int32
        Pieces, numbered anew from 1.
    """
    sizes = count_pixels(pieces.ravel(), int(pieces.max(initial=0)))
    sizes[0] = 0
    if not sizes.any():
        return pieces
    typical = typical_size(sizes)
    least = max(1, round(_LEAST * typical))
    large = np.flatnonzero(sizes >= typical)
    narrower = _NARROWER * bandwidth
    boxes = ndimage.find_objects(pieces)
    if together is None:
        found = _modes_by_piece(pieces, vectors, large, boxes, narrower, least)
    else:
        found = _modes_together(
            pieces, together, vectors.shape[1], large, narrower, least
        )
    split: dict[int, tuple[Any, _Labels]] = {}
    for number, modes in found:
        box = boxes[number - 1]
        parts = _parts(pieces[box] == number, modes, least)
        if parts is not None:
            split[number] = (box, parts)
    return _renumbered(pieces, len(sizes) - 1, split)


def _modes_by_piece(
    pieces: _Labels,
    vectors: Tensor,
    large: npt.NDArray[np.int64],
    boxes: list[Any],
    bandwidth: float,
    least: int,
) -> Iterator[tuple[int, _Labels]]:
    """Yield the pieces of two or more modes, and the mode of each of their pixels."""
    for number in large.tolist():
        box = boxes[number - 1]
        inside = torch.as_tensor(pieces[box] == number, device=vectors.device)
        codes = vectors[box[0], :, *box[1:]].movedim(1, -1)[inside]
        rows = as_rows(codes)
        modes = np.zeros(len(rows), dtype=np.int32)
        starts = np.array([0, len(rows)])
        find_parts(rows, np.arange(len(rows)), starts, bandwidth, least, modes)
        if modes.any():
            yield number, modes


def _modes_together(
    pieces: _Labels,
    together: Together,
    n_components: int,
    large: npt.NDArray[np.int64],
    bandwidth: float,
    least: int,
) -> Iterator[tuple[int, _Labels]]:
    """Do what `_modes_by_piece` does where all vectors lie together."""
    pixels, points = together
    rows = as_rows(points)[:, :n_components]
    place = np.full(int(pieces.max()) + 1, -1)
    place[large] = np.arange(len(large))
    order, starts = sort_rows(pieces[pixels], place, len(large))
    modes = np.zeros(len(order), dtype=np.int32)
    find_parts(rows, order, starts, bandwidth, least, modes)
    for index, number in enumerate(large.tolist()):
        own = modes[starts[index] : starts[index + 1]]
        if own.any():
            yield number, own


def _parts(inside: npt.NDArray[np.bool_], modes: _Labels, least: int) -> _Labels | None:
    """Split a piece, its parts numbered from 1; None where it is a single one."""
    image = np.zeros(inside.shape, dtype=np.int32)
    image[inside] = modes
    parts = cells_of_pieces(pieces_of_clusters(image), least)
    if parts.max() < 2:
        return None
    # Through time only where a frame has no part at all.
    places = ndimage.distance_transform_edt(
        parts == 0,
        sampling=(sum(parts.shape), 1, 1),
        return_distances=False,
        return_indices=True,
    )
    joined: _Labels = np.where(inside, parts[tuple(places)], 0)
    return joined


def _renumbered(
    pieces: _Labels, count: int, split: dict[int, tuple[Any, _Labels]]
) -> _Labels:
    """Put parts in the place of their pieces, in the same order."""
    more = np.zeros(count + 1, dtype=np.int32)
    for number, (_, parts) in split.items():
        more[number] = parts.max() - 1
    first = np.arange(count + 1)
    first[1:] += more.cumsum()[:-1]
    result = empty_labels(pieces.shape)
    renumber(pieces, first, result)
    for number, (box, parts) in split.items():
        result[box] += np.where(pieces[box] == number, np.maximum(parts - 1, 0), 0)
    return result
