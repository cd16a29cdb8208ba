"""Compiled loops that give pixels of one raster the labels of another."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift._compiled import compiled_as_written

__all__ = ["TAPS", "mark_borders", "resample"]

#: Source pixels under the Gaussian along one axis.
TAPS = 3

_Labels: TypeAlias = npt.NDArray[np.integer[Any]]
_Integers: TypeAlias = npt.NDArray[np.int64]
_Reals: TypeAlias = npt.NDArray[np.float64]
_Flags: TypeAlias = npt.NDArray[np.bool_]


@compiled_as_written
def mark_borders(source: _Labels) -> _Flags:
    """Tell which pixels have a neighbour of another label, corners included."""
    n_rows, n_columns = source.shape
    differs = np.zeros((n_rows, n_columns), np.bool_)
    for row in range(n_rows):
        for column in range(n_columns):
            here = source[row, column]
            # Each pair of neighbours is looked at once, from one of its ends.
            for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
                other, beside = row + down, column + right
                within = other < n_rows and 0 <= beside < n_columns
                if within and source[other, beside] != here:
                    differs[row, column] = True
                    differs[other, beside] = True
    return differs


@compiled_as_written
def _heaviest(
    source: _Labels,
    rows: _Integers,
    columns: _Integers,
    row_weights: _Reals,
    column_weights: _Reals,
    labels: npt.NDArray[np.int32],
    totals: _Reals,
) -> int:
    """Return the label with most weight of a few pixels; the first to reach it wins.

    Ties are frequent, so that the order of the sums counts.
    `labels` and `totals` have space for as many labels as there are pixels.
    """
    n_labels = 0
    winner, most = 0, 0.0
    for i in range(TAPS):
        for j in range(TAPS):
            label = source[rows[i], columns[j]]
            place = 0
            while place < n_labels and labels[place] != label:
                place += 1
            if place == n_labels:
                labels[place] = label
                totals[place] = 0
                n_labels += 1
            totals[place] += row_weights[i] * column_weights[j]
            if totals[place] > most:
                most = totals[place]
                winner = label
    return winner


@compiled_as_written
def resample(
    source: _Labels,
    borders: _Flags,
    pixels: tuple[_Integers, _Integers],
    covered: tuple[_Flags, _Flags],
    taps: tuple[_Integers, _Integers],
    weights: tuple[_Reals, _Reals],
    resized: npt.NDArray[np.int32],
) -> None:
    """Write the label under each pixel, at borders the one with most weight around it.

    Parameters
    ----------
    source : (y, x) int array
        Labels.
    borders : (y, x) bool
        Where the pixels under the Gaussian hold more than one label.
    pixels : two (n,) int64
        Source row of each row wanted, and column of each column.
    covered : two (n,) bool
        Whether there is such a row or column.
    taps, weights : two (n, TAPS)
        Rows and columns under the Gaussian, and what they count.
    resized : (Y, X) int32
        Written.
    """
    labels = np.empty(TAPS * TAPS, np.int32)
    totals = np.empty(TAPS * TAPS, np.float64)
    for y in range(resized.shape[0]):
        row = pixels[0][y]
        for x in range(resized.shape[1]):
            column = pixels[1][x]
            if not (covered[0][y] and covered[1][x]):
                resized[y, x] = 0
            elif borders[row, column]:
                resized[y, x] = _heaviest(
                    source,
                    taps[0][y],
                    taps[1][x],
                    weights[0][y],
                    weights[1][x],
                    labels,
                    totals,
                )
            else:
                resized[y, x] = source[row, column]
