"""Clusters to connected pieces, and the pieces that are cells."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.labels import connect, count_pixels, empty_labels, renumber

__all__ = ["cells_of_pieces", "pieces_of_clusters", "typical_size"]

_Labels: TypeAlias = npt.NDArray[np.int32]


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
    pieces = empty_labels(clusters.shape)
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
    labels = empty_labels(pieces.shape)
    renumber(pieces, numbers, labels)
    return labels


def typical_size(sizes: npt.NDArray[np.integer[Any]]) -> float:
    """Size of the piece that the median pixel belongs to: specks do not count.

    Rounded down to steps of a quarter of an octave, 19 %: cells that come and go at the
    edge of a frame seldom change it.
    """
    order = np.sort(sizes)
    median = order[np.searchsorted(order.cumsum(), order.sum() / 2)]
    return float(2 ** (np.floor(4 * np.log2(median)) / 4))
