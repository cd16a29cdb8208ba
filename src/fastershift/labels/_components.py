"""Compiled passes over the pixels of a pair: connected pieces, contacts, sums."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift._compiled import compiled

__all__ = [
    "connect",
    "contacts",
    "count_pixels",
    "find_boxes",
    "mark_present",
    "measure_labels",
    "overlap_runs",
    "renumber",
    "sum_directions",
]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Numbers: TypeAlias = npt.NDArray[np.int64]

# Vectors shorter than this have no direction.
_TINY = 1e-12


@compiled
def _root(parents: _Labels, piece: int) -> int:
    while parents[piece] != piece:
        parents[piece] = parents[parents[piece]]
        piece = parents[piece]
    return piece


@compiled
def _join(parents: _Labels, first: int, second: int) -> int:
    """Make two pieces one, under the number that was given out first."""
    first, second = _root(parents, first), _root(parents, second)
    if second < first:
        first, second = second, first
    parents[second] = first
    return first


@compiled
def _join_at(
    clusters: _Labels,
    pieces: _Labels,
    parents: _Labels,
    own: int,
    place: tuple[int, int, int],
    found: int,
) -> int:
    """Join the piece found so far with the one at a place, if of the same cluster."""
    frame, row, column = place
    if not (0 <= row < clusters.shape[1] and 0 <= column < clusters.shape[2]):
        return found
    if clusters[frame, row, column] != own:
        return found
    other = pieces[frame, row, column]
    return _join(parents, found, other) if found else _root(parents, other)


@compiled
def _piece_before(
    clusters: _Labels, pieces: _Labels, parents: _Labels, place: tuple[int, int, int]
) -> int:
    """Join the pieces that a pixel touches among those before it; 0 without any."""
    frame, row, column = place
    own = clusters[frame, row, column]
    found = 0
    # Whatever touches the pixel above, or the one before it in time, is joined with
    # that one already.
    if row and clusters[frame, row - 1, column] == own:
        found = _root(parents, pieces[frame, row - 1, column])
    else:
        for up, left in ((0, -1), (-1, -1), (-1, 1)):
            beside = (frame, row + up, column + left)
            found = _join_at(clusters, pieces, parents, own, beside, found)
    if frame and clusters[frame - 1, row, column] == own:
        # Two pixels side by side on two of the same cluster: the first of them has
        # joined all four.
        joined = (
            found
            and column
            and clusters[frame, row, column - 1] == own
            and clusters[frame - 1, row, column - 1] == own
        )
        if not joined:
            before = (frame - 1, row, column)
            found = _join_at(clusters, pieces, parents, own, before, found)
    elif frame:
        for up, left in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            beside = (frame - 1, row + up, column + left)
            found = _join_at(clusters, pieces, parents, own, beside, found)
    return found


@compiled
def _count_runs(clusters: _Labels) -> int:
    """Count runs of equal pixels in rows: no more pieces than that can begin."""
    runs = 0
    for frame in range(clusters.shape[0]):
        for row in range(clusters.shape[1]):
            before = 0
            for column in range(clusters.shape[2]):
                here = clusters[frame, row, column]
                runs += here not in (0, before)
                before = here
    return runs


@compiled
def connect(clusters: _Labels, pieces: _Labels) -> _Numbers:
    """Write the connected pieces of equal clusters, numbered by their first pixel.

    Pixels touch at edges and corners within a frame, and through time where they lie on
    each other or beside each other in a row or column. That is what
    `skimage.measure.label` finds with connectivity 2; here the numbers come in the same
    pass, and as int32.

    Returns
    -------
    (n + 1,) int64
        Cluster of each piece; of the background 0.
    """
    parents = np.zeros(_count_runs(clusters) + 1, np.int32)
    n_parents = 1
    for frame in range(clusters.shape[0]):
        for row in range(clusters.shape[1]):
            for column in range(clusters.shape[2]):
                if clusters[frame, row, column] == 0:
                    pieces[frame, row, column] = 0
                    continue
                found = _piece_before(clusters, pieces, parents, (frame, row, column))
                if not found:
                    found = n_parents
                    parents[found] = found
                    n_parents += 1
                pieces[frame, row, column] = found
    numbers = np.zeros(n_parents, np.int32)
    n_pieces = 0
    for piece in range(1, n_parents):
        if parents[piece] == piece:
            n_pieces += 1
            numbers[piece] = n_pieces
        else:
            numbers[piece] = numbers[_root(parents, piece)]
    cluster_of = np.zeros(n_pieces + 1, np.int64)
    for frame in range(clusters.shape[0]):
        for row in range(clusters.shape[1]):
            for column in range(clusters.shape[2]):
                piece = numbers[pieces[frame, row, column]]
                pieces[frame, row, column] = piece
                cluster_of[piece] = clusters[frame, row, column]
    return cluster_of


@compiled
def count_pixels(labels: npt.NDArray[np.integer[Any]], largest: int) -> _Numbers:
    """Count the pixels (n,) of each label up to the largest."""
    counts = np.zeros(largest + 1, np.int64)
    for label in labels:
        counts[label] += 1
    return counts


@compiled
def mark_present(
    labels: npt.NDArray[np.integer[Any]], present: npt.NDArray[np.bool_]
) -> None:
    """Mark the labels (n,) that occur."""
    for label in labels:
        present[label] = True


@compiled
def find_boxes(labels: npt.NDArray[np.integer[Any]], boxes: _Numbers) -> None:
    """Write the first row, last row, first and last column of each label of a frame.

    `boxes` has a row for every label up to the largest; a last row of -1 stands for a
    label that does not occur.
    """
    boxes[:, 0], boxes[:, 2] = labels.shape
    boxes[:, 1] = boxes[:, 3] = -1
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            label = labels[row, column]
            if label == 0:
                continue
            box = boxes[label]
            if box[1] < 0:
                box[0] = row
            box[1] = row
            box[2] = min(box[2], column)
            box[3] = max(box[3], column)


@compiled
def overlap_runs(
    first: npt.NDArray[np.integer[Any]],
    second: npt.NDArray[np.integer[Any]],
    runs: _Labels,
) -> int:
    """Write pixels (n,) that follow each other with the same two labels as one run.

    A column of `runs` (3, capacity) holds both labels and the length. Where both are 0
    there is no run.

    Returns
    -------
    int
        How many runs there are; `runs` holds the first of them.
    """
    n_runs, length = 0, 0
    one, other = np.int64(0), np.int64(0)
    for i in range(first.size + 1):
        if i < first.size and first[i] == one and second[i] == other:
            length += 1
            continue
        if one != 0 or other != 0:
            if n_runs < runs.shape[1]:
                runs[0, n_runs], runs[1, n_runs] = one, other
                runs[2, n_runs] = length
            n_runs += 1
        if i < first.size:
            one, other, length = np.int64(first[i]), np.int64(second[i]), 1
    return n_runs


@compiled
def measure_labels(
    labels: npt.NDArray[np.integer[Any]], largest: int, border: tuple[int, int]
) -> tuple[_Numbers, _Numbers, npt.NDArray[np.bool_]]:
    """Measure the labels of a frame (Y, X) up to the largest.

    Returns
    -------
    areas, firsts : (n,) int64
        Pixels of each, and the first of them, counted row by row.
    inside : (n,) bool
        Which have a pixel outside of the border of so many rows and columns.
    """
    areas = np.zeros(largest + 1, np.int64)
    firsts = np.zeros(largest + 1, np.int64)
    inside = np.zeros(largest + 1, np.bool_)
    n_rows, n_columns = labels.shape
    for row in range(n_rows):
        row_inside = border[0] <= row < n_rows - border[0]
        for column in range(n_columns):
            label = labels[row, column]
            if label == 0:
                continue
            if areas[label] == 0:
                firsts[label] = row * n_columns + column
            areas[label] += 1
            if row_inside and border[1] <= column < n_columns - border[1]:
                inside[label] = True
    return areas, firsts, inside


@compiled
def renumber(
    labels: npt.NDArray[np.integer[Any]], numbers: _Numbers, result: _Labels
) -> None:
    """Write another number for each label; `result` may be `labels` itself."""
    for frame in range(labels.shape[0]):
        for row in range(labels.shape[1]):
            for column in range(labels.shape[2]):
                result[frame, row, column] = numbers[labels[frame, row, column]]


@compiled
def contacts(pieces: _Labels, found: _Numbers, count: int) -> int:
    """Write where pieces touch, as low * count + high, many of them several times.

    Pixels touch at edges and corners within a frame, and through time where they lie on
    each other. A contact that repeats the one just written is left out.

    Returns
    -------
    int
        How many there are; `found` holds the first of them.
    """
    n_found, last = 0, -1
    n_frames, n_rows, n_columns = pieces.shape
    for frame in range(n_frames):
        for row in range(n_rows):
            for column in range(n_columns):
                here = pieces[frame, row, column]
                if here == 0:
                    continue
                for after, down, right in (
                    (0, 0, 1),
                    (0, 1, -1),
                    (0, 1, 0),
                    (0, 1, 1),
                    (1, 0, 0),
                ):
                    then, below, beside = frame + after, row + down, column + right
                    if then >= n_frames or below >= n_rows:
                        continue
                    if beside < 0 or beside >= n_columns:
                        continue
                    there = pieces[then, below, beside]
                    if there == 0 or there == here:
                        continue
                    key = min(here, there) * count + max(here, there)
                    if key != last:
                        if n_found < found.size:
                            found[n_found] = key
                        n_found += 1
                        last = key
    return n_found


@compiled
def sum_directions(
    rows: npt.NDArray[np.float32],
    numbers: _Labels,
    wanted: npt.NDArray[np.bool_],
    sums: npt.NDArray[np.float64],
) -> None:
    """Add the direction of each row to the sum of its number, if that is wanted."""
    n_components = sums.shape[1]
    for i in range(numbers.size):
        number = numbers[i]
        if not wanted[number]:
            continue
        square = np.float32(0)
        for k in range(n_components):
            square += rows[i, k] * rows[i, k]
        factor = np.float32(1) / max(np.sqrt(square), np.float32(_TINY))
        for k in range(n_components):
            sums[number, k] += rows[i, k] * factor
