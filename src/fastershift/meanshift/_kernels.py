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
    "STRETCH",
    "Blocks",
    "copy_rows",
    "count_windows",
    "fill_blocks",
    "find_nearest",
    "read_rows",
    "sum_windows",
]

#: (blocks, components, BLOCK) float32.
Blocks: TypeAlias = npt.NDArray[np.float32]
_Vectors: TypeAlias = npt.NDArray[np.float32]
_Rows: TypeAlias = npt.NDArray[np.int64]
_Sums: TypeAlias = npt.NDArray[np.float64]

# Vectors of a block: with 16 components a third of the fastest cache.
BLOCK = 256

# Blocks whose sums are added up on their own: the order of the additions, and with it
# the last bit, is the same however many threads share the work.
STRETCH = 64

# Squared lengths outside these bounds are at risk of under- or overflow.
_LEAST, _MOST = 1e-30, 1e30


@compiled
def fill_blocks(
    rows: _Vectors,
    blocks: Blocks,
    lengths: _Vectors,
    safe: npt.NDArray[np.bool_],
    first: int,
    last: int,
) -> None:
    """Write rows at length 1 into blocks, and their lengths.

    This is done for the stretches from `first` on and before `last`; `safe` tells of
    each whether all lengths are: neither zero, tiny, huge, nor NaN.
    """
    safe[first:last] = True
    size = STRETCH * BLOCK
    for row in range(first * size, min(last * size, rows.shape[0])):
        square = np.float32(0)
        for k in range(rows.shape[1]):
            square += rows[row, k] * rows[row, k]
        if not (_LEAST < square < _MOST):
            safe[row // size] = False
        length = np.sqrt(square)
        lengths[row] = length
        factor = np.float32(1) / length if length > 0 else np.float32(0)
        place = row % BLOCK
        block = row // BLOCK
        for k in range(rows.shape[1]):
            blocks[block, k, place] = rows[row, k] * factor


@compiled
def read_rows(blocks: Blocks, rows: _Rows) -> _Vectors:
    """Copy some of the vectors as rows."""
    found = np.empty((rows.size, blocks.shape[1]), np.float32)
    for i in range(rows.size):
        for k in range(blocks.shape[1]):
            found[i, k] = blocks[rows[i] // BLOCK, k, rows[i] % BLOCK]
    return found


@compiled
def copy_rows(blocks: Blocks, rows: _Rows, into: Blocks, start: int) -> None:
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
def _four_cosines(
    block: Blocks, directions: _Vectors, j: int, used: int, cosines: _Vectors
) -> None:
    """Multiply the vectors of a block with four directions, reading each once."""
    n_components = block.shape[0]
    for i in range(used):
        cosines[0, i] = 0
        cosines[1, i] = 0
        cosines[2, i] = 0
        cosines[3, i] = 0
    k = 0
    while k + 2 <= n_components:
        a, b = directions[j, k], directions[j, k + 1]
        c, d = directions[j + 1, k], directions[j + 1, k + 1]
        e, f = directions[j + 2, k], directions[j + 2, k + 1]
        g, h = directions[j + 3, k], directions[j + 3, k + 1]
        for i in range(used):
            x, y = block[k, i], block[k + 1, i]
            cosines[0, i] += a * x + b * y
            cosines[1, i] += c * x + d * y
            cosines[2, i] += e * x + f * y
            cosines[3, i] += g * x + h * y
        k += 2
    if k < n_components:
        a, b = directions[j, k], directions[j + 1, k]
        c, d = directions[j + 2, k], directions[j + 3, k]
        for i in range(used):
            x = block[k, i]
            cosines[0, i] += a * x
            cosines[1, i] += b * x
            cosines[2, i] += c * x
            cosines[3, i] += d * x


@compiled
def _weigh_window(
    weights: _Vectors, start: int, used: int, edge: np.float32, cosines: _Vectors
) -> int:
    """Put weights in the place of cosines, zero outside; count those inside."""
    count = 0
    for i in range(used):
        inside = cosines[i] >= edge
        count += inside
        cosines[i] = weights[start + i] if inside else np.float32(0)
    return count


@compiled
def _add_window(block: Blocks, used: int, weights: _Vectors, sums: _Sums) -> None:
    """Add the weighted vectors of a block."""
    for k in range(block.shape[0]):
        total = np.float32(0)
        for i in range(used):
            total += weights[i] * block[k, i]
        sums[k] += total


@compiled
def _add_four_windows(
    block: Blocks, used: int, weights: _Vectors, sums: _Sums, j: int
) -> None:
    """Add the weighted vectors of a block for four windows, reading each once."""
    for k in range(block.shape[0]):
        a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for i in range(used):
            x = block[k, i]
            a += weights[0, i] * x
            b += weights[1, i] * x
            c += weights[2, i] * x
            d += weights[3, i] * x
        sums[j, k] += a
        sums[j + 1, k] += b
        sums[j + 2, k] += c
        sums[j + 3, k] += d


@compiled
def sum_windows(
    blocks: Blocks,
    weights: _Vectors,
    n: int,
    directions: _Vectors,
    reach: float,
    sums: _Sums,
    first: int,
    last: int,
) -> None:
    """Add up the weighted vectors whose cosine with a direction is at least `reach`.

    This is done for the stretches from `first` on and before `last`; each has sums of
    its own (stretches, directions, components + 1), in the last column the number of
    vectors.
    """
    edge = np.float32(reach)
    cosines = np.empty((4, BLOCK), np.float32)
    sums[first:last] = 0
    for number in range(first * STRETCH, min(last * STRETCH, blocks.shape[0])):
        block, own, start = blocks[number], sums[number // STRETCH], number * BLOCK
        used = min(BLOCK, n - start)
        j = 0
        while j + 4 <= directions.shape[0]:
            _four_cosines(block, directions, j, used, cosines)
            found = 0
            for m in range(4):
                count = _weigh_window(weights, start, used, edge, cosines[m])
                own[j + m, -1] += count
                found += count
            if found:
                _add_four_windows(block, used, cosines, own, j)
            j += 4
        while j < directions.shape[0]:
            _cosines(block, directions[j], used, cosines[0])
            count = _weigh_window(weights, start, used, edge, cosines[0])
            if count:
                own[j, -1] += count
                _add_window(block, used, cosines[0], own[j])
            j += 1


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
def _keep_nearest(
    j: int, used: int, cosines: _Vectors, best: _Vectors, nearest: npt.NDArray[np.int32]
) -> None:
    for i in range(used):
        closer = cosines[i] > best[i]
        nearest[i] = j if closer else nearest[i]
        best[i] = cosines[i] if closer else best[i]


@compiled
def find_nearest(
    blocks: Blocks,
    n: int,
    directions: _Vectors,
    labels: npt.NDArray[Any],
    similarity: _Vectors,
    first: int,
    last: int,
) -> None:
    """Write the direction of highest cosine of every vector, the first among equals.

    This is done for the stretches from `first` on and before `last`.
    """
    cosines = np.empty((4, BLOCK), np.float32)
    best = np.empty(BLOCK, np.float32)
    nearest = np.empty(BLOCK, np.int32)
    for number in range(first * STRETCH, min(last * STRETCH, blocks.shape[0])):
        used = min(BLOCK, n - number * BLOCK)
        for i in range(used):
            best[i] = -np.inf
            nearest[i] = 0
        j = 0
        while j + 4 <= directions.shape[0]:
            _four_cosines(blocks[number], directions, j, used, cosines)
            for m in range(4):
                _keep_nearest(j + m, used, cosines[m], best, nearest)
            j += 4
        while j < directions.shape[0]:
            _cosines(blocks[number], directions[j], used, cosines[0])
            _keep_nearest(j, used, cosines[0], best, nearest)
            j += 1
        for i in range(used):
            labels[number * BLOCK + i] = nearest[i]
            similarity[number * BLOCK + i] = best[i]
