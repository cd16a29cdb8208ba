"""Labels of the network's frame back on the pixels of the image."""

import numpy as np
import numpy.typing as npt
from scipy import special

from fastershift.errors import InputError
from fastershift.labels._regions import Labels, as_labels, label_areas, label_ids
from fastershift.labels._resample import TAPS, mark_borders, resample
from fastershift.labels._scratch import copy_labels, empty_labels

__all__ = ["nearest_pixels", "resize_labels"]

_Reals = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_Resized = npt.NDArray[np.int32]
_Flags = npt.NDArray[np.bool_]


def resize_labels(
    labels: npt.ArrayLike,
    shape: tuple[int, int],
    *,
    zoom: float = 1.0,
    published: bool = False,
) -> _Resized:
    """Resample labels to another size with smooth borders.

    Each pixel gets the label with most weight under a Gaussian of one source pixel
    (standard deviation) around its place in the source, cut off at one source pixel,
    as the published program does it.

    Parameters
    ----------
    labels : (y, x) int array
        Labels; 0 is background.
    shape : (int, int)
        Rows and columns wanted.
    zoom : float
        Share of the image that the labels cover, about its centre, 0 to 1.
    published : bool
        Smooth even where the size stays the same, and lose cells that vanish. Otherwise
        the same size returns the same labels, and cells that would vanish keep the
        pixels nearest to them.

    Returns
    -------
    (Y, X) int32
        Labels; 0 also in the rim that the source does not cover.

    Raises
    ------
    InputError
        When the labels are not a label image or a size is below 1.
    """
    source = as_labels(labels, 2)
    if min(*shape, *source.shape) < 1:
        raise InputError("Label images need one row and one column at least.")
    if not published and zoom == 1 and tuple(shape) == source.shape:
        return copy_labels(source)
    places = [
        _places(length, wanted, zoom)
        for length, wanted in zip(source.shape, shape, strict=True)
    ]
    resized = _smooth(source, places)
    if not published:
        _restore_lost(resized, source, places)
    return resized


def nearest_pixels(
    source_shape: tuple[int, int], shape: tuple[int, int], *, zoom: float = 1.0
) -> tuple[_Integers, _Integers, npt.NDArray[np.bool_]]:
    """Tell which pixel of the network's frame lies under each pixel of the image.

    Parameters
    ----------
    source_shape : (int, int)
        Rows and columns the network sees.
    shape : (int, int)
        Rows and columns of the image.
    zoom : float
        As for `resize_labels`.

    Returns
    -------
    rows, columns : (Y,), (X,) int64
        Of the network's frame.
    covered : (Y, X) bool
        Which pixels of the image the network has seen.
    """
    rows, columns = (
        _places(length, wanted, zoom)
        for length, wanted in zip(source_shape, shape, strict=True)
    )
    pixels, covered = _pixels_under([rows, columns], source_shape)
    return *pixels, np.logical_and.outer(*covered)


def _places(length: int, wanted: int, zoom: float) -> _Reals:
    """Return where the centres of the wanted pixels lie in the source."""
    centred = np.arange(wanted, dtype=np.float64) - (wanted - 1) / 2
    places: _Reals = centred * (length / wanted / zoom) + (length - 1) / 2
    return places


def _pixels_under(
    places: list[_Reals], shape: tuple[int, ...]
) -> tuple[tuple[_Integers, _Integers], tuple[_Flags, _Flags]]:
    """Return the source rows and columns at places, and which of them there are."""
    rows, columns = (
        np.clip(np.floor(place + 0.5).astype(np.int64), 0, length - 1)
        for place, length in zip(places, shape, strict=True)
    )
    has_row, has_column = (
        (place >= -0.5) & (place <= length - 0.5)
        for place, length in zip(places, shape, strict=True)
    )
    return (rows, columns), (has_row, has_column)


def _weights(places: _Reals, length: int) -> tuple[_Integers, _Reals]:
    """Return the (n, 3) source pixels under each place and their weights."""
    first = np.maximum(np.floor(places - 0.5), 0).astype(np.int64)
    stop = np.minimum(np.ceil(places + 1.5), length).astype(np.int64)
    pixels = first[:, np.newaxis] + np.arange(TAPS)
    distance = (pixels - places[:, np.newaxis]) / np.sqrt(2)
    half = 0.5 / np.sqrt(2)
    weights = (special.erf(distance + half) - special.erf(distance - half)) / 2
    weights[pixels >= stop[:, np.newaxis]] = 0
    return np.minimum(pixels, length - 1), weights


def _smooth(source: Labels, places: list[_Reals]) -> _Resized:
    """Return the label with most weight at each place, 0 beyond the source."""
    (rows, columns), covered = _pixels_under(places, source.shape)
    (row_taps, row_weights), (column_taps, column_weights) = (
        _weights(along, length)
        for along, length in zip(places, source.shape, strict=True)
    )
    resized = empty_labels((len(rows), len(columns)))
    resample(
        source,
        mark_borders(source),
        (rows, columns),
        covered,
        (row_taps, column_taps),
        (row_weights, column_weights),
        resized,
    )
    return resized


def _nearest(source: Labels, places: list[_Reals]) -> _Resized:
    """Return the source pixel under each place, 0 beyond the source."""
    pixels, covered = _pixels_under(places, source.shape)
    under = source[np.ix_(*pixels)].astype(np.int32)
    return np.where(np.logical_and.outer(*covered), under, 0)


def _restore_lost(resized: _Resized, source: Labels, places: list[_Reals]) -> None:
    """Give labels that vanished the pixels nearest to them, or one pixel at least."""
    lost = np.setdiff1d(label_ids(source), label_ids(resized))
    if not lost.size:
        return
    nearest = _nearest(source, places)
    restored = np.isin(nearest, lost)
    resized[restored] = nearest[restored]
    for label in np.setdiff1d(label_ids(source), label_ids(resized)).tolist():
        ids, areas = label_areas(resized)
        free = ~np.isin(resized, ids[areas == 1])
        if not free.any():
            return
        distances = [
            np.abs(place - centre)
            for place, centre in zip(
                places, np.argwhere(source == label).mean(axis=0), strict=True
            )
        ]
        distance = np.where(free, np.add.outer(*distances), np.inf)
        resized[np.unravel_index(distance.argmin(), resized.shape)] = label
