"""Compiled: modes of the places of a frame pair, and the pixels nearest to each."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift._compiled import compiled

__all__ = [
    "Atlas",
    "atlas_of",
    "fuse_modes",
    "nearest_modes",
    "reached",
    "shift_places",
]

_Vectors: TypeAlias = npt.NDArray[np.float32]
_Numbers: TypeAlias = npt.NDArray[np.int64]
_Flags: TypeAlias = npt.NDArray[np.bool_]
_Labels: TypeAlias = npt.NDArray[np.int32]

# Shifts of one seed; most converge after three or four.
_SHIFTS = 60

# A seed has converged when it moves less than this share of the bandwidth and, in
# samples, less than this far.
_TOLERANCE = 1e-2
_PLACE_TOLERANCE = 0.25

# The window follows when the place is more than so many samples from its middle.
_FOLLOWS = 2


class Atlas(NamedTuple):
    """Modes, sorted by the square of the frame in which they lie.

    Attributes
    ----------
    modes : ndarray
        (n, C) float32 unit vectors.
    places : ndarray
        (n, 2) float32 rows and columns, in samples.
    reach : int
        Rows and columns, on each side of a place, of the modes that count there. It is
        the side of the squares, too.
    down, across : int
        Squares in a column and in a row.
    starts : ndarray
        (down * across + 1,) int64, where the modes of each square begin in `members`.
    members : ndarray
        (n,) int64 modes.
    """

    modes: _Vectors
    places: _Vectors
    reach: int
    down: int
    across: int
    starts: _Numbers
    members: _Numbers


@compiled
def _gather(
    samples: _Vectors,
    inside: _Flags,
    first: tuple[int, int],
    centre: tuple[int, int],
    reach: int,
    near: _Vectors,
    rows: _Vectors,
    columns: _Vectors,
) -> int:
    """Copy the samples of a window of both frames, and where they lie from `first`.

    Returns
    -------
    int
        How many there are.
    """
    n_frames, n_rows, n_columns, n_components = samples.shape
    row, column = centre
    count = 0
    for frame in range(n_frames):
        for y in range(max(0, row - reach), min(n_rows, row + reach + 1)):
            for x in range(max(0, column - reach), min(n_columns, column + reach + 1)):
                if inside[frame, y, x]:
                    for k in range(n_components):
                        near[count, k] = samples[frame, y, x, k]
                    rows[count] = y - first[0]
                    columns[count] = x - first[1]
                    count += 1
    return count


@compiled
def _cosine(first: _Vectors, second: _Vectors) -> np.float32:
    total = np.float32(0)
    for k in range(second.size):
        total += first[k] * second[k]
    return total


@compiled
def _apart(first: tuple[int, int], second: tuple[int, int]) -> int:
    return max(abs(first[0] - second[0]), abs(first[1] - second[1]))


@compiled
def shift_places(
    samples: _Vectors,
    inside: _Flags,
    bandwidth: float,
    reach: int,
    modes: _Vectors,
    places: _Vectors,
    support: _Numbers,
) -> None:
    """Move seeds, in direction and in place, to the means of the samples near them.

    Parameters
    ----------
    samples : (F, Y, X, C) float32
        Unit vectors.
    inside : (F, Y, X) bool
        Which of them count.
    bandwidth : float
        h, a cosine distance.
    reach : int
        Rows and columns that a seed sees on each side of its place. It ends where it is
        when it has gone as far as that from where it began.
    modes : (n, C) float32
        Unit vectors to start from; moved in place.
    places : (n, 2) float32
        Rows and columns to start from, whole numbers; moved in place.
    support : (n,) int64
        Gets the samples in the window of each mode.
    """
    n_components = samples.shape[3]
    room = samples.shape[0] * (2 * reach + 1) ** 2
    near = np.empty((room, n_components), np.float32)
    rows, columns = np.empty(room, np.float32), np.empty(room, np.float32)
    mean = np.empty(n_components, np.float32)
    least = np.float32(1 - bandwidth)
    for seed in range(modes.shape[0]):
        mode = modes[seed]
        # Places are told from where the seed began, so that they are the same to the
        # last bit wherever that is.
        first = (round(places[seed, 0]), round(places[seed, 1]))
        seen = first
        count = _gather(samples, inside, first, seen, reach, near, rows, columns)
        place_row, place_column = np.float32(0), np.float32(0)
        for _ in range(_SHIFTS):
            centre = (first[0] + round(place_row), first[1] + round(place_column))
            if _apart(centre, seen) > _FOLLOWS:
                if _apart(centre, first) > reach:
                    break
                seen = centre
                count = _gather(
                    samples, inside, first, seen, reach, near, rows, columns
                )
            mean[:] = 0
            row, column = np.float32(0), np.float32(0)
            within = 0
            for i in range(count):
                if _cosine(near[i], mode) >= least:
                    within += 1
                    row += rows[i]
                    column += columns[i]
                    for k in range(n_components):
                        mean[k] += near[i, k]
            support[seed] = within
            length = np.sqrt(_cosine(mean, mean))
            if within == 0 or length == 0:
                break
            for k in range(n_components):
                mean[k] /= length
            row /= within
            column /= within
            still = (
                1 - _cosine(mean, mode) < _TOLERANCE * bandwidth
                and abs(row - place_row) < _PLACE_TOLERANCE
                and abs(column - place_column) < _PLACE_TOLERANCE
            )
            mode[:] = mean
            place_row, place_column = row, column
            if still:
                break
        places[seed, 0] = first[0] + place_row
        places[seed, 1] = first[1] + place_column


@compiled
def _near(places: _Vectors, index: int, row: float, column: float, reach: int) -> bool:
    return bool(
        abs(places[index, 0] - row) <= reach and abs(places[index, 1] - column) <= reach
    )


@compiled
def _squares(shape: tuple[int, int], reach: int) -> tuple[int, int]:
    """Count the squares in a column and in a row."""
    return shape[0] // reach + 1, shape[1] // reach + 1


@compiled
def _around(square: int, squares: int) -> range:
    """Count off a square and its neighbours, in one direction."""
    return range(max(0, square - 1), min(squares, square + 2))


@compiled
def fuse_modes(
    modes: _Vectors,
    places: _Vectors,
    support: _Numbers,
    distance: float,
    reach: int,
    shape: tuple[int, int],
) -> _Numbers:
    """Keep modes that lie within a distance of no better supported one in reach.

    Returns
    -------
    (k,) int64
        Rows of those kept, best supported first; modes without samples are dropped.
    """
    down, across = _squares(shape, reach)
    newest = np.full(down * across, -1, np.int64)
    older = np.full(modes.shape[0], -1, np.int64)
    kept = np.empty(modes.shape[0], np.int64)
    count = 0
    least = np.float32(1 - distance)
    for index in np.argsort(-support, kind="mergesort"):
        if support[index] == 0:
            continue
        row, column = places[index]
        top, left = int(row) // reach, int(column) // reach
        alone = True
        for y in _around(top, down):
            for x in _around(left, across):
                other = newest[y * across + x]
                while alone and other >= 0:
                    alone = not (
                        _near(places, other, row, column, reach)
                        and _cosine(modes[other], modes[index]) > least
                    )
                    other = older[other]
        if alone:
            square = top * across + left
            older[index] = newest[square]
            newest[square] = index
            kept[count] = index
            count += 1
    return kept[:count]


def atlas_of(
    modes: _Vectors, places: _Vectors, reach: int, shape: tuple[int, int]
) -> Atlas:
    """Sort modes by their places.

    Parameters
    ----------
    modes, places, reach
        As in `Atlas`.
    shape : (int, int)
        Rows and columns of the samples of a frame.

    Returns
    -------
    Atlas
    """
    down, across = _squares(shape, reach)
    top, left = places.T.astype(np.int64) // reach
    square = top * across + left
    members = np.argsort(square, kind="stable")
    starts = np.searchsorted(square[members], np.arange(down * across + 1))
    return Atlas(modes, places, reach, down, across, starts, members)


@compiled
def _modes_near(atlas: Atlas, row: int, column: int, found: _Numbers) -> int:
    """Write the modes in reach of a sample; count them."""
    count = 0
    for y in _around(row // atlas.reach, atlas.down):
        for x in _around(column // atlas.reach, atlas.across):
            square = y * atlas.across + x
            for member in range(atlas.starts[square], atlas.starts[square + 1]):
                index = atlas.members[member]
                if _near(atlas.places, index, row, column, atlas.reach):
                    found[count] = index
                    count += 1
    return count


@compiled
def _most_similar(
    vector: _Vectors, modes: _Vectors, some: _Numbers, count: int
) -> tuple[int, np.float32]:
    """Find the most similar of some modes, -1 if there is none."""
    best, found = np.float32(-np.inf), -1
    for i in range(count):
        cosine = _cosine(vector, modes[some[i]])
        if cosine > best:
            best, found = cosine, some[i]
    return found, best


@compiled
def reached(
    seeds: _Vectors, seed_places: _Vectors, atlas: Atlas, distance: float
) -> _Flags:
    """Tell which seeds have a mode within a distance and in reach.

    Returns
    -------
    (n,) bool
    """
    found = np.zeros(seeds.shape[0], np.bool_)
    some = np.empty(atlas.members.size, np.int64)
    least = np.float32(1 - distance)
    for seed in range(seeds.shape[0]):
        row, column = int(seed_places[seed, 0]), int(seed_places[seed, 1])
        count = _modes_near(atlas, row, column, some)
        _, cosine = _most_similar(seeds[seed], atlas.modes, some, count)
        found[seed] = cosine >= least
    return found


@compiled
def nearest_modes(
    rows: _Vectors,
    pixels: _Flags,
    clusters: _Labels,
    top: int,
    spacing: int,
    atlas: Atlas,
    result: _Labels,
) -> None:
    """Write the most similar mode in reach of each pixel of a strip, from 1.

    Parameters
    ----------
    rows : (n, C or more) float32
        Vectors of `pixels`, of any length.
    pixels : (Y, X) bool
        Pixels of the strip that have a vector.
    clusters : (Y, X) int32
        What they belong to so far. 0 stays 0; where no mode is in reach, pixels of a
        cluster stay together, numbered after the modes.
    top : int
        First row of the strip in the frame.
    spacing : int
        Pixels from one sample to the next; places are told in samples.
    atlas : Atlas
        The modes.
    result : (Y, X) int32
        Gets the numbers.
    """
    next_row = 0
    n_modes = atlas.members.size
    some = np.empty(n_modes, np.int64)
    count = 0
    for y in range(pixels.shape[0]):
        # Pixels that share a sample share the modes in reach.
        sample = -1
        for x in range(pixels.shape[1]):
            result[y, x] = 0
            if not pixels[y, x]:
                continue
            vector = rows[next_row]
            next_row += 1
            if clusters[y, x] == 0:
                continue
            if x // spacing != sample:
                sample = x // spacing
                count = _modes_near(atlas, (top + y) // spacing, sample, some)
            found, _ = _most_similar(vector, atlas.modes, some, count)
            result[y, x] = 1 + found if found >= 0 else n_modes + clusters[y, x]
