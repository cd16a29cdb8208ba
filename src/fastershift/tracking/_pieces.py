"""Clusters taken apart: connected pieces, large ones looked at again, and cells."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import normalize

from fastershift.config import ClusterSettings
from fastershift.meanshift import cluster
from fastershift.tracking._connected import connect, count_pixels, renumber

__all__ = ["cells_of_pieces", "pieces_of_clusters", "split_large"]

_Labels: TypeAlias = npt.NDArray[np.int32]

# Pieces are looked at again from the size of the one that the median pixel lies in.
_QUANTILE = 0.5

# Share of the bandwidth at which they are.
_NARROWER = 0.3

# Least size of a part, as a share of that of the typical piece.
_LEAST = 0.25

# Vectors and seeds of one piece, and shifts: two modes are soon told apart.
_SAMPLE = 512
_SEEDS = 16
_SHIFTS = 30


def pieces_of_clusters(clusters: _Labels) -> _Labels:
    """Find the connected pieces of the clusters of a pair.

    Parameters
    ----------
    clusters : (F, Y, X) int32
        Modes of a pair; 0 is background.

    Returns
    -------
    (F, Y, X) int32
        Pieces numbered from 1, in the order of their clusters.
    """
    pieces: _Labels = np.empty(clusters.shape, dtype=np.int32)
    cluster_of = connect(clusters, pieces)
    ranks = np.empty_like(cluster_of)
    ranks[np.argsort(cluster_of, kind="stable")] = np.arange(cluster_of.size)
    renumber(pieces, ranks, pieces)
    return pieces


def cells_of_pieces(pieces: _Labels, smallest: int) -> _Labels:
    """Drop small pieces; the others are cells.

    Parameters
    ----------
    pieces : (F, Y, X) int32
        Pieces of a pair, numbered from 1.
    smallest : int
        Those with fewer pixels, summed over the frames, are dropped.

    Returns
    -------
    (F, Y, X) int32
        Cells 1 to M, in the order of the pieces.
    """
    sizes = count_pixels(pieces.ravel(), int(pieces.max(initial=0)))
    kept = np.flatnonzero(sizes >= smallest)
    kept = kept[kept > 0]
    numbers = np.zeros_like(sizes)
    numbers[kept] = np.arange(1, kept.size + 1)
    labels: _Labels = np.empty(pieces.shape, dtype=np.int32)
    renumber(pieces, numbers, labels)
    return labels


def split_large(pieces: _Labels, vectors: Tensor, settings: ClusterSettings) -> _Labels:
    """Cluster large pieces on their own with a smaller bandwidth, and split them.

    The bandwidth that keeps most cells whole joins some that touch. Those are larger
    than the others, and their embeddings lie around two modes. A piece no smaller
    than the typical one is clustered at 0.3 h; where that leaves two or more connected
    parts of at least a quarter of the typical size, these become pieces, and what is
    left between them joins the nearest. The publications know no such step.

    Parameters
    ----------
    pieces : (F, Y, X) int32
        From `pieces_of_clusters`.
    vectors : (F, C, Y, X) Tensor
        Embeddings of the pair.
    settings : ClusterSettings
        As the pair was clustered with; coordinates are left out.

    Returns
    -------
    (F, Y, X) int32
        Pieces, numbered anew from 1.
    """
    sizes = count_pixels(pieces.ravel(), int(pieces.max(initial=0)))
    sizes[0] = 0
    if not sizes.any():
        return pieces
    typical = _typical(sizes)
    least = max(1, round(_LEAST * typical))
    split: dict[int, tuple[Any, _Labels]] = {}
    boxes = ndimage.find_objects(pieces)
    for number in np.flatnonzero(sizes >= typical):
        box = boxes[number - 1]
        inside = pieces[box] == number
        parts = _parts(inside, vectors[box[0], :, *box[1:]], settings, least)
        if parts is not None:
            split[int(number)] = (box, parts)
    return _renumbered(pieces, len(sizes) - 1, split)


def _typical(sizes: npt.NDArray[np.int64]) -> float:
    """Size of the piece that the median pixel belongs to: specks do not count."""
    order = np.sort(sizes)
    return float(order[np.searchsorted(order.cumsum(), _QUANTILE * order.sum())])


def _parts(
    inside: npt.NDArray[np.bool_],
    vectors: Tensor,
    settings: ClusterSettings,
    least: int,
) -> _Labels | None:
    """Take a piece apart, its parts numbered from 1; None where it is one."""
    codes = vectors.movedim(1, -1)[torch.as_tensor(inside, device=vectors.device)]
    unit = normalize(codes.to(torch.float32), dim=1)
    bandwidth = _NARROWER * settings.bandwidth
    step = -(-len(unit) // _SAMPLE)
    sample = unit[::step]
    # Two modes are more than a bandwidth apart, and so are the halves that hold them.
    if _between_halves(sample) < bandwidth:
        return None
    found = cluster(
        sample,
        bandwidth=bandwidth,
        n_initial=_SEEDS,
        gamma=settings.gamma,
        reseed=False,
        min_cluster_size=max(1, least // step),
        max_iter=_SHIFTS,
        generator=torch.Generator().manual_seed(settings.random_seed),
    )
    if len(found.centers) < 2:
        return None
    nearest = (unit @ normalize(found.centers, dim=1).T).argmax(dim=1)
    modes = np.zeros(inside.shape, dtype=np.int32)
    modes[inside] = nearest.cpu().numpy() + 1
    connected = pieces_of_clusters(modes)
    parts = cells_of_pieces(connected, least)
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


def _between_halves(unit: Tensor) -> float:
    """Return the cosine distance of the means on both sides of the main axis."""
    rows = unit.cpu().numpy()
    centred = rows - rows.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    above = centred @ axis > 0
    if not above.any():
        return 0.0
    first, second = above @ rows, ~above @ rows
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return float(1 - first @ second / lengths)


def _renumbered(
    pieces: _Labels, count: int, split: dict[int, tuple[Any, _Labels]]
) -> _Labels:
    """Put parts in the place of their pieces, in the same order."""
    more = np.zeros(count + 1, dtype=np.int32)
    for number, (_, parts) in split.items():
        more[number] = parts.max() - 1
    first = np.arange(count + 1)
    first[1:] += more.cumsum()[:-1]
    result: _Labels = np.empty(pieces.shape, dtype=np.int32)
    renumber(pieces, first, result)
    for number, (box, parts) in split.items():
        result[box] += np.where(pieces[box] == number, np.maximum(parts - 1, 0), 0)
    return result
