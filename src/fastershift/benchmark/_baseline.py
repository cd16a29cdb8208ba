"""A simple baseline: threshold, watershed, overlap."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

__all__ = ["otsu_watershed", "simple_baseline"]

# Smallest cell as a share of a disc of the typical diameter, as in our own profile.
_SMALLEST = 0.2


def otsu_watershed(frame: NDArray[np.generic], diameter: float) -> NDArray[np.int32]:
    """Threshold a frame by Otsu and cut blobs by a watershed of their depth.

    Parameters
    ----------
    frame : (Y, X) ndarray
        Any real dtype; cells are bright.
    diameter : float
        Typical cell diameter in pixels.

    Returns
    -------
    (Y, X) int32
        Cells, numbered from 1.
    """
    smooth = ndimage.gaussian_filter(frame.astype(np.float32), max(1.0, diameter / 20))
    cells = np.zeros(frame.shape, np.int32)
    if smooth.min() == smooth.max():
        return cells
    foreground = smooth > threshold_otsu(smooth)
    depth = ndimage.gaussian_filter(
        ndimage.distance_transform_edt(foreground), max(1.0, diameter / 20)
    )
    peaks = peak_local_max(
        depth,
        min_distance=max(1, round(diameter / 3)),
        labels=foreground.astype(np.int32),
        exclude_border=False,
    )
    markers = np.zeros(frame.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    found = watershed(-depth, markers, mask=foreground)
    sizes = np.bincount(found.ravel())
    large = sizes >= _SMALLEST * np.pi / 4 * diameter**2
    large[0] = False
    numbers = np.cumsum(large) * large
    cells[:] = numbers[found]
    return cells


def _link(
    before: NDArray[np.int32], cells: NDArray[np.int32], unused: int
) -> tuple[NDArray[np.int32], int]:
    """Give cells the number of the one before that they share most pixels with."""
    count, known = int(cells.max()) + 1, int(before.max()) + 1
    shared = np.zeros((count, known), np.int64)
    np.add.at(shared, (cells.ravel(), before.ravel()), 1)
    shared[0], shared[:, 0] = 0, 0
    numbers = np.zeros(count, np.int32)
    for cell, former in sorted(
        np.argwhere(shared), key=lambda pair: -shared[pair[0], pair[1]]
    ):
        if not numbers[cell] and former not in numbers:
            numbers[cell] = former
    for cell in range(1, count):
        if not numbers[cell]:
            numbers[cell] = unused
            unused += 1
    return numbers[cells], unused


def simple_baseline(
    movie: Sequence[NDArray[np.generic]], diameter: float
) -> NDArray[np.int32]:
    """Segment by Otsu's threshold and a watershed, link by the largest overlap.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        Any real dtype.
    diameter : float
        Typical cell diameter in pixels: how far apart cells are.

    Returns
    -------
    (T, Y, X) int32
        Tracked labels without divisions.
    """
    labels: list[NDArray[np.int32]] = []
    unused = 1
    for t in range(len(movie)):
        cells = otsu_watershed(np.asarray(movie[t]), diameter)
        before = labels[-1] if labels else np.zeros_like(cells)
        cells, unused = _link(before, cells, unused)
        labels.append(cells)
    return np.stack(labels)
