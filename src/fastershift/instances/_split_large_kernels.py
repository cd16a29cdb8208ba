"""Compiled: the modes within single pieces, small sets of vectors each."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift._compiled import compiled

__all__ = ["find_parts", "sort_rows"]

_Vectors: TypeAlias = npt.NDArray[np.float32]
_Numbers: TypeAlias = npt.NDArray[np.int64]

# Vectors and seeds of one piece, and shifts: two modes are soon told apart.
_SAMPLE = 512
_SEEDS = 16
_SHIFTS = 30

# A seed that moves less than this share of the bandwidth has converged.
_TOLERANCE = 1e-3

# Vectors within this share of the bandwidth of a mode are no sign of another one: half
# way between two modes one bandwidth apart, the cosine distance is a quarter.
_NEAR = 0.25

_TINY = np.float32(1e-12)


@compiled
def sort_rows(
    pieces: npt.NDArray[np.int32], place: _Numbers, count: int
) -> tuple[_Numbers, _Numbers]:
    """Sort rows by the place of their piece; those of place -1 are left out.

    Returns
    -------
    order : (m,) int64
        Rows, in order within a place.
    starts : (count + 1,) int64
        Where the rows of each place begin.
    """
    starts = np.zeros(count + 1, np.int64)
    for piece in pieces:
        if place[piece] >= 0:
            starts[place[piece] + 1] += 1
    for index in range(count):
        starts[index + 1] += starts[index]
    order = np.empty(starts[count], np.int64)
    free = starts.copy()
    for row in range(pieces.size):
        index = place[pieces[row]]
        if index >= 0:
            order[free[index]] = row
            free[index] += 1
    return order, starts


@compiled
def _normalise(vector: _Vectors) -> None:
    square = np.float32(0)
    for k in range(vector.size):
        square += vector[k] * vector[k]
    factor = np.float32(1) / max(np.sqrt(square), _TINY)
    for k in range(vector.size):
        vector[k] *= factor


@compiled
def _cosine(first: _Vectors, second: _Vectors) -> np.float32:
    total = np.float32(0)
    for k in range(second.size):
        total += first[k] * second[k]
    return total


@compiled
def _count(sample: _Vectors, direction: _Vectors, distance: float) -> int:
    """Count the vectors within a cosine distance of a direction."""
    reach = np.float32(1 - distance)
    count = 0
    for i in range(sample.shape[0]):
        if _cosine(sample[i], direction) >= reach:
            count += 1
    return count


@compiled
def _shift_seed(sample: _Vectors, mode: _Vectors, bandwidth: float) -> None:
    """Move a seed to its mode."""
    reach = np.float32(1 - bandwidth)
    mean = np.empty_like(mode)
    for _ in range(_SHIFTS):
        mean[:] = 0
        for i in range(sample.shape[0]):
            if _cosine(sample[i], mode) >= reach:
                for k in range(mode.size):
                    mean[k] += sample[i, k]
        _normalise(mean)
        moved = 1 - _cosine(mean, mode)
        mode[:] = mean
        if moved < _TOLERANCE * bandwidth:
            break


@compiled
def _is_one(sample: _Vectors, bandwidth: float, least: int) -> bool:
    """Tell whether nearly all vectors lie around the mode that the middle one finds."""
    mode = sample[sample.shape[0] // 2].copy()
    _shift_seed(sample, mode, bandwidth)
    far = sample.shape[0] - _count(sample, mode, _NEAR * bandwidth)
    return bool(far < least)


@compiled
def _nearest(vector: _Vectors, modes: _Vectors, count: int) -> int:
    best, found = _cosine(vector, modes[0]), 0
    for j in range(1, count):
        cosine = _cosine(vector, modes[j])
        if cosine > best:
            best, found = cosine, j
    return found


@compiled
def _modes(sample: _Vectors, bandwidth: float, least: int) -> _Vectors:
    """Find the modes of evenly spread seeds that at least some vectors are nearest to.

    Of modes within the bandwidth of each other the one with more vectors in its window
    is kept.
    """
    n, n_components = sample.shape
    found = np.empty((_SEEDS, n_components), np.float32)
    support = np.empty(_SEEDS, np.int64)
    for seed in range(_SEEDS):
        found[seed] = sample[(2 * seed + 1) * n // (2 * _SEEDS)]
        _shift_seed(sample, found[seed], bandwidth)
        support[seed] = _count(sample, found[seed], bandwidth)
    modes = np.empty_like(found)
    count = 0
    reach = np.float32(1 - bandwidth)
    for seed in np.argsort(-support, kind="mergesort"):
        alone = True
        for j in range(count):
            if _cosine(found[seed], modes[j]) >= reach:
                alone = False
        if alone:
            modes[count] = found[seed]
            count += 1
    sizes = np.zeros(count, np.int64)
    for i in range(n):
        sizes[_nearest(sample[i], modes, count)] += 1
    kept = 0
    for j in range(count):
        if sizes[j] >= least:
            modes[kept] = modes[j]
            kept += 1
    return modes[:kept]


@compiled
def find_parts(
    rows: _Vectors,
    order: _Numbers,
    starts: _Numbers,
    bandwidth: float,
    least: int,
    parts: npt.NDArray[np.int32],
) -> None:
    """Write the mode of each vector of a piece, from 1, if it has two or more.

    Vectors of piece p are the rows ``order[starts[p] : starts[p + 1]]``; a mode has at
    least `least` of them, as far as a sample of the piece can tell. `parts` is 0 at
    first, and stays so where a piece has a single mode.
    """
    for piece in range(starts.size - 1):
        own = order[starts[piece] : starts[piece + 1]]
        step = -(-own.size // _SAMPLE)
        sample = np.empty((-(-own.size // step), rows.shape[1]), np.float32)
        for i in range(sample.shape[0]):
            sample[i] = rows[own[i * step]]
            _normalise(sample[i])
        enough = max(1, least // step)
        if _is_one(sample, bandwidth, enough):
            continue
        modes = _modes(sample, bandwidth, enough)
        if modes.shape[0] < 2:
            continue
        for i in range(own.size):
            found = _nearest(rows[own[i]], modes, modes.shape[0])
            parts[starts[piece] + i] = 1 + found
