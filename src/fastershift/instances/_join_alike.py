"""Joins similar pieces that touch: the fusion of modes, done locally."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from fastershift.instances._codes import Together, rows_by_strip
from fastershift.labels import (
    Labels,
    contacts,
    empty_labels,
    renumber,
    sum_directions,
)

__all__ = ["join_alike"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Edges: TypeAlias = npt.NDArray[np.int64]

# Contacts of pieces that fit into the first array.
_CONTACTS = 2**16


def join_alike(
    pieces: _Labels,
    vectors: Tensor,
    bandwidth: float,
    together: Together | None = None,
) -> _Labels:
    """Join pieces that touch where their mean directions are within the bandwidth.

    Modes that end within one bandwidth of each other are one (Zhao et al. 2021). That
    rule looks at the whole frame, where one mode stands for cells in many places and
    lies between their embeddings; a cell between two such modes is cut in two although
    its parts are alike. Here the rule is applied once more, to the means of pieces that
    touch: the most similar first, each other's nearest at a time.

    Parameters
    ----------
    pieces : (F, Y, X) int32
        From `pieces_of_clusters`.
    vectors : (F, C, Y, X) Tensor
        Embeddings of the pair; may lie on disk.
    bandwidth : float
        h, a cosine distance.
    together : (pixels, vectors), optional
        The vectors once more, where they lie together in memory; all pieces must lie
        within the pixels. What follows the C components is not looked at.

    Returns
    -------
    (F, Y, X) int32
        Pieces in the same order, numbered anew from 1.
    """
    edges = _touching(pieces)
    if not len(edges):
        return pieces
    touches = np.zeros(int(pieces.max()) + 1, dtype=bool)
    touches[edges] = True
    sums = _sums(pieces, vectors, together, touches)
    piece = np.arange(len(sums), dtype=np.int32)
    while len(edges):
        near = _each_others_nearest(sums, edges, bandwidth)
        if not near.any():
            break
        joined = _components(edges[near], len(sums))
        total = np.zeros((joined.max() + 1, sums.shape[1]))
        np.add.at(total, joined, sums)
        edges = _unique(joined[edges[:, 0]], joined[edges[:, 1]], len(total))
        sums, piece = total, joined[piece]
    first = np.full(len(sums), len(piece))
    np.minimum.at(first, piece, np.arange(len(piece)))
    rank = np.empty(len(sums), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(sums))
    result = empty_labels(pieces.shape)
    renumber(pieces, rank[piece], result)
    return result


def _touching(pieces: _Labels) -> _Edges:
    """Find the pairs of pieces that touch, within a frame or through time."""
    count = int(pieces.max(initial=0)) + 1
    capacity = _CONTACTS
    while True:
        keys = np.empty(capacity, dtype=np.int64)
        n_contacts = contacts(pieces, keys, count)
        if n_contacts <= capacity:
            break
        capacity = n_contacts
    keys = np.unique(keys[:n_contacts])
    return np.column_stack([keys // count, keys % count])


def _unique(first: Labels, second: Labels, count: int) -> _Edges:
    """Return (n, 2) edges, each once, the smaller number first; no loops."""
    low = np.minimum(first, second).astype(np.int64)
    keys = np.unique((low * count + np.maximum(first, second))[first != second])
    return np.column_stack([keys // count, keys % count])


def _sums(
    pieces: _Labels,
    vectors: Tensor,
    together: Together | None,
    wanted: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """Add up the unit vectors of the pieces that are wanted; the others stay zero."""
    sums = np.zeros((len(wanted), vectors.shape[1]))
    strips = rows_by_strip(vectors, lambda strip: wanted[pieces[strip]], together)
    for strip, pixels, rows in strips:
        sum_directions(rows, pieces[strip][pixels], wanted, sums)
    return sums


def _each_others_nearest(
    sums: npt.NDArray[np.float64], edges: _Edges, bandwidth: float
) -> npt.NDArray[np.bool_]:
    """Tell which edges lie within the bandwidth and are the shortest of both ends."""
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    unit = sums / np.where(length > 0, length, 1)
    distance = 1 - np.einsum("ij,ij->i", unit[edges[:, 0]], unit[edges[:, 1]])
    least = np.full(len(sums), np.inf)
    for end in edges.T:
        np.minimum.at(least, end, distance)
    chosen: npt.NDArray[np.bool_] = distance <= least[edges].min(axis=1)
    chosen &= distance <= bandwidth
    return chosen


def _components(edges: _Edges, count: int) -> npt.NDArray[np.int32]:
    graph = sparse.coo_array(
        (np.ones(len(edges), dtype=bool), tuple(edges.T)), shape=(count, count)
    )
    joined: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return joined
