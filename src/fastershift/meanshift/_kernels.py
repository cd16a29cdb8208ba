"""Compiled loops over blocks of unit vectors, one block after the other in the cache.

A block holds `BLOCK` vectors, the same component of all of them side by side, so that
one instruction works on many vectors. Of the last block only a part may be used.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift._compiled import compiled

__all__ = [
    "BLOCK",
    "Blocks",
    "count_windows",
    "fill_blocks",
    "find_nearest",
    "read_rows",
    "sum_windows",
    "take_rows",
]

#: (blocks, components, BLOCK) float32.
Blocks: TypeAlias = npt.NDArray[np.float32]
_Vectors: TypeAlias = npt.NDArray[np.float32]
_Rows: TypeAlias = npt.NDArray[np.int64]

# Vectors of a block: with 16 components a third of the fastest cache.
BLOCK = 256

# Squared lengths outside these bounds are at risk of under- or overflow.
_LEAST, _MOST = 1e-30, 1e30


@compiled
def fill_blocks(rows: _Vectors, blocks: Blocks, lengths: _Vectors) -> bool:
    """Write rows at length 1 into blocks, and their lengths.

    Returns whether all lengths are safe: neither zero, tiny, huge, nor NaN.
    """
    safe = True
    for row in range(rows.shape[0]):
        square = np.float32(0)
        for k in range(rows.shape[1]):
            square += rows[row, k] * rows[row, k]
        if not (_LEAST < square < _MOST):
            safe = False
        length = np.sqrt(square)
        lengths[row] = length
        factor = np.float32(1) / length if length > 0 else np.float32(0)
        place = row % BLOCK
        block = row // BLOCK
        for k in range(rows.shape[1]):
            blocks[block, k, place] = rows[row, k] * factor
    return safe


@compiled
def read_rows(blocks: Blocks, rows: _Rows) -> _Vectors:
    """Copy some of the vectors as rows."""
    found = np.empty((rows.size, blocks.shape[1]), np.float32)
    for i in range(rows.size):
        for k in range(blocks.shape[1]):
            found[i, k] = blocks[rows[i] // BLOCK, k, rows[i] % BLOCK]
    return found


@compiled
def take_rows(blocks: Blocks, rows: _Rows, into: Blocks, start: int) -> None:
    """Copy some of the vectors into other blocks, from a place on."""
    for i in range(rows.size):
        place = start + i
        for k in range(blocks.shape[1]):
            value = blocks[rows[i] // BLOCK, k, rows[i] % BLOCK]
            into[place // BLOCK, k, place % BLOCK] = value


@compiled
def _cosines(block: Blocks, direction: _Vectors, used: int, cosines: _Vectors) -> None:
    """Multiply the vectors of a block with one direction."""
    n_components = block.shape[0]
    for i in range(used):
        cosines[i] = 0
    k = 0
    # Eight components at a time: the sums are read and written less often.
    while k + 8 <= n_components:
        a, b, c, d = direction[k], direction[k + 1], direction[k + 2], direction[k + 3]
        e, f, g, h = (
            direction[k + 4],
            direction[k + 5],
            direction[k + 6],
            direction[k + 7],
        )
        for i in range(used):
            cosines[i] += (
                a * block[k, i]
                + b * block[k + 1, i]
                + c * block[k + 2, i]
                + d * block[k + 3, i]
                + e * block[k + 4, i]
                + f * block[k + 5, i]
                + g * block[k + 6, i]
                + h * block[k + 7, i]
            )
        k += 8
    while k < n_components:
        a = direction[k]
        for i in range(used):
            cosines[i] += a * block[k, i]
        k += 1


@compiled
def sum_windows(
    blocks: Blocks,
    weights: _Vectors,
    n: int,
    directions: _Vectors,
    reach: float,
    sums: npt.NDArray[np.float64],
) -> None:
    """Add up the weighted vectors whose cosine with a direction is at least `reach`.

    The last column of `sums` (directions, components + 1) receives their number.
    """
    edge = np.float32(reach)
    cosines = np.empty(BLOCK, np.float32)
    sums[:] = 0
    for number in range(blocks.shape[0]):
        block = blocks[number]
        used = min(BLOCK, n - number * BLOCK)
        for j in range(directions.shape[0]):
            _cosines(block, directions[j], used, cosines)
            count = 0
            for i in range(used):
                inside = cosines[i] >= edge
                count += inside
                cosines[i] = weights[number * BLOCK + i] if inside else np.float32(0)
            if count:
                sums[j, -1] += count
                for k in range(block.shape[0]):
                    total = np.float32(0)
                    for i in range(used):
                        total += cosines[i] * block[k, i]
                    sums[j, k] += total


@compiled
def count_windows(
    blocks: Blocks, n: int, directions: _Vectors, reach: float
) -> _Vectors:
    """Count the vectors whose cosine with each direction is at least `reach`."""
    edge = np.float32(reach)
    cosines = np.empty(BLOCK, np.float32)
    counts = np.zeros(directions.shape[0], np.float32)
    for number in range(blocks.shape[0]):
        used = min(BLOCK, n - number * BLOCK)
        for j in range(directions.shape[0]):
            _cosines(blocks[number], directions[j], used, cosines)
            count = 0
            for i in range(used):
                count += cosines[i] >= edge
            counts[j] += count
    return counts


@compiled
def find_nearest(
    blocks: Blocks,
    n: int,
    directions: _Vectors,
    labels: npt.NDArray[Any],
    similarity: _Vectors,
) -> None:
    """Write the direction of highest cosine of every vector, the first among equals."""
    cosines = np.empty(BLOCK, np.float32)
    best = np.empty(BLOCK, np.float32)
    nearest = np.empty(BLOCK, np.int32)
    for number in range(blocks.shape[0]):
        used = min(BLOCK, n - number * BLOCK)
        for i in range(used):
            best[i] = -np.inf
            nearest[i] = 0
        for j in range(directions.shape[0]):
            _cosines(blocks[number], directions[j], used, cosines)
            for i in range(used):
                closer = cosines[i] > best[i]
                nearest[i] = j if closer else nearest[i]
                best[i] = cosines[i] if closer else best[i]
        for i in range(used):
            labels[number * BLOCK + i] = nearest[i]
            similarity[number * BLOCK + i] = best[i]
