"""Clusters to connected pieces, and the pieces that are cells."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.labels import connect, count_pixels, empty_labels, renumber

__all__ = [
    "cell_numbers",
    "cells_of_pieces",
    "pieces_of_clusters",
    "typical_size",
    "weighted_median",
]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Chances: TypeAlias = npt.NDArray[np.float64]


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


def cells_of_pieces(
    pieces: _Labels,
    smallest: int,
    certainty: _Chances | None = None,
    least_certainty: float = 0.0,
) -> _Labels:
    """Drop small and uncertain pieces; the others are cells.

    Parameters
    ----------
    pieces : (F, Y, X) int32
        Pieces of a pair, numbered from 1.
    smallest : int
        Those with fewer pixels, summed over the frames, are dropped.
    certainty, least_certainty
        As for `cell_numbers`.

    Returns
    -------
    (F, Y, X) int32
        Cells 1 to M, in the order of the pieces.
    """
    sizes = count_pixels(pieces.ravel(), int(pieces.max(initial=0)))
    labels = empty_labels(pieces.shape)
    numbers = cell_numbers(sizes, smallest, certainty, least_certainty)
    renumber(pieces, numbers, labels)
    return labels


def cell_numbers(
    sizes: npt.NDArray[np.integer[Any]],
    smallest: int,
    certainty: _Chances | None = None,
    least_certainty: float = 0.0,
) -> npt.NDArray[np.int64]:
    """Tell which pieces are cells, and give them their numbers.

    Parameters
    ----------
    sizes : (n + 1,) int
        Pixels of each piece; the first is the background.
    smallest : int
        Pieces with fewer are not cells.
    certainty : (n + 1,) float64, optional
        How certain it is of each piece that it is a cell, where that is known.
    least_certainty : float
        Pieces that are less certain are not cells.

    Returns
    -------
    (n + 1,) int64
        From 1, in the order of the pieces; 0 for background and what is not a cell.
    """
    is_cell = sizes >= smallest
    if certainty is not None:
        is_cell &= certainty >= least_certainty
    is_cell[0] = False
    return np.where(is_cell, np.cumsum(is_cell), 0)


def typical_size(sizes: npt.NDArray[np.integer[Any]]) -> float:
    """Size of the piece that the median pixel belongs to: specks do not count.

    Rounded down to steps of a quarter of an octave, 19 %: cells that come and go at the
    edge of a frame seldom change it.
    """
    median = weighted_median(sizes, sizes)
    return float(2 ** (np.floor(4 * np.log2(median)) / 4))


def weighted_median(values: npt.NDArray[Any], weights: npt.NDArray[Any]) -> float:
    """Find the value up to which half of the weight lies; 0 where there is none.

    Parameters
    ----------
    values, weights : (n,) numbers
        Weights are not negative.

    Returns
    -------
    float
    """
    if not values.size:
        return 0.0
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])
