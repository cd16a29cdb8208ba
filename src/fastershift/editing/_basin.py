"""Cells from clicks: the basin of a seed, and a cell split between seeds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import segmentation

from fastershift.editing._cells import Cells
from fastershift.editing._region import Box, Mask, Region, padded_box
from fastershift.editing._vectors import FrameVectors, mode_of
from fastershift.errors import InputError

__all__ = ["basin", "parts_by_clicks", "reach_of"]

_TOUCHING = np.ones((3, 3), bool)

# Reach of a basin around the click, in typical cell diameters and at least in pixels.
_DIAMETERS = 2.5
_LEAST_REACH = 24

# A click beside what the embedding takes for a cell counts for it within this share of
# the reach, a quarter of a typical diameter.
_BESIDE = 0.1

# Modes nearer to each other than this share of the bandwidth are one and the same.
_SAME_MODE = 0.5

# A part below this share of the cell means that the embedding sees a single cell.
_LEAST_SHARE = 0.05


def reach_of(cells: Cells, frame: int) -> int:
    """Return how far from a click a cell may extend, in pixels."""
    areas = [cell.area for cell in cells.frame(frame).values()]
    diameter = 2 * np.sqrt(np.median(areas) / np.pi) if areas else 0
    return max(_LEAST_REACH, round(_DIAMETERS * diameter))


def box_around(point: tuple[int, int], reach: int, shape: Sequence[int]) -> Box:
    """Return the rectangle within some pixels of a point, cut at the frame."""
    row, column = point
    return padded_box((slice(row, row + 1), slice(column, column + 1)), reach, shape)


def basin(
    vectors: FrameVectors,
    labels: npt.NDArray[np.int32],
    point: tuple[int, int],
    *,
    bandwidth: float,
    reach: int,
) -> Region:
    """Find the cell under a click.

    The vector under the click is shifted to its mode; the basin is what lies within
    the bandwidth of the mode, in the foreground, outside all cells, and is connected
    with the click. Where a cell is thin or faint, a click just beside it counts.

    Parameters
    ----------
    vectors : FrameVectors
        Embedding of the frame.
    labels : (Y, X) int32
        Cells of the frame.
    point : (int, int)
        Row and column of the click.
    bandwidth : float
        Cosine distance h; a larger one gives a larger cell.
    reach : int
        Pixels around the click that are looked at.

    Returns
    -------
    Region

    Raises
    ------
    InputError
        When the click is outside the frame or in a cell, or the embedding sees
        background there.
    """
    if not all(0 <= p < n for p, n in zip(point, labels.shape, strict=True)):
        raise InputError("Click inside the frame.")
    if labels[point]:
        raise InputError(
            f"Cell {labels[point]} is here already; split it, or click beside it."
        )
    box = box_around(point, reach, labels.shape)
    free = vectors.foreground(box) & (labels[box] == 0)
    here = (point[0] - box[0].start, point[1] - box[1].start)
    beside = _BESIDE * reach
    start = _nearest(free, here, beside)
    if start is None:
        raise InputError(
            "The embedding sees background here; click nearer to the middle of the "
            "cell, or paint it."
        )
    window = Region.of(free, box[0].start, box[1].start)
    seed = vectors.at(start[0] + box[0].start, start[1] + box[1].start)
    mode = mode_of(vectors.under(window), bandwidth, seed)
    near = vectors.cosines(box, mode[None])[0] >= 1 - bandwidth
    parts, _ = ndimage.label(near & free, _TOUCHING)
    found = _nearest(parts > 0, start, beside)
    if found is None:
        raise InputError(
            "The pixel under the click does not belong to a separate "
            "cell; click nearer to the middle of the cell, or increase "
            "h."
        )
    filled = ndimage.binary_fill_holes(parts == parts[found])
    return Region.of(filled & (labels[box] == 0), box[0].start, box[1].start)


def _nearest(mask: Mask, point: tuple[int, int], most: float) -> tuple[int, int] | None:
    """Return the pixel of a mask nearest to a point; None if all are further away."""
    if not mask.any():
        return None
    places = np.argwhere(mask)
    away = np.hypot(*(places - point).T)
    nearest = int(away.argmin())
    if away[nearest] > most:
        return None
    return int(places[nearest, 0]), int(places[nearest, 1])


def parts_by_clicks(
    vectors: FrameVectors | None,
    cell: Region,
    points: Sequence[tuple[int, int]],
    *,
    bandwidth: float,
) -> tuple[Region, ...]:
    """Take a cell apart, one part for each click.

    Each click is a seed of Mean-shift among the pixels of the cell, and every pixel
    goes to the nearer mode. Where the embedding cannot tell the parts apart, they are
    found by a watershed from the clicks.

    Parameters
    ----------
    vectors : FrameVectors or None
        Embedding of the frame, if there is one.
    cell : Region
        The cell.
    points : sequence of (int, int)
        Row and column of two clicks or more in the cell.
    bandwidth : float
        Cosine distance h.

    Returns
    -------
    tuple of Region
        They cover the cell, in the order of the clicks.

    Raises
    ------
    InputError
        For fewer than two different clicks, or one outside the cell.
    """
    if len(set(points)) < 2:
        raise InputError("Click into two parts of the cell or more to split it.")
    mask = cell.mask
    markers = np.zeros(mask.shape, np.int32)
    for number, (y, x) in enumerate(dict.fromkeys(points), 1):
        here = y - cell.top, x - cell.left
        inside = all(0 <= p < n for p, n in zip(here, mask.shape, strict=True))
        if not inside or not mask[here]:
            raise InputError("Click into the cell that is to be split.")
        markers[here] = number
    parts = None
    if vectors is not None:
        parts = _by_modes(vectors, cell, mask, markers, bandwidth)
    if parts is None:
        depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        parts = segmentation.watershed(-depth, markers, mask=mask)
        # What the watershed cannot reach touches no click.
        parts[mask & (parts == 0)] = 1
    return tuple(
        Region.of(parts == number, cell.top, cell.left)
        for number in range(1, markers.max() + 1)
    )


def _by_modes(
    vectors: FrameVectors,
    cell: Region,
    mask: Mask,
    markers: npt.NDArray[np.int32],
    bandwidth: float,
) -> npt.NDArray[np.int32] | None:
    """Assign pixels to the nearer mode; None when the modes are not apart."""
    under = vectors.under(cell)
    if not under.any():
        return None
    seeds = [
        tuple(int(place) for place in np.argwhere(markers == number)[0])
        for number in range(1, markers.max() + 1)
    ]
    modes = np.stack(
        [
            mode_of(under, bandwidth, vectors.at(y + cell.top, x + cell.left))
            for y, x in seeds
        ]
    )
    apart = 1 - modes @ modes.T
    if apart[np.triu_indices(len(modes), 1)].min() < _SAME_MODE * bandwidth:
        return None
    nearest = np.where(mask, vectors.cosines(cell.box, modes).argmax(axis=0) + 1, 0)
    cores = np.zeros(mask.shape, np.int32)
    for number, seed in enumerate(seeds, 1):
        pieces, _ = ndimage.label(nearest == number, _TOUCHING)
        if not pieces[seed]:
            return None
        cores[pieces == pieces[seed]] = number
    if np.bincount(cores[mask], minlength=len(modes) + 1)[1:].min() < (
        _LEAST_SHARE * mask.sum()
    ):
        return None
    # Scattered pixels go with the part they touch.
    parts = segmentation.watershed(np.zeros(mask.shape), cores, mask=mask)
    parts[mask & (parts == 0)] = 1
    return np.asarray(parts, np.int32)
