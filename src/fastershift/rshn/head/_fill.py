"""Classes of pixels to what a network that votes says of them."""

import math
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

__all__ = ["PixelClass", "fill_votes"]

_Image = npt.NDArray[np.float32]
_Labels = npt.NDArray[np.int32]

# Deviation in pixels by which the shares of the inside are smoothed, and the least core
# of a cell as a share of the disc of the cell diameter.
_SMOOTH: Final = 1.0
_LEAST_CORE: Final = 0.02

# Pixels that are a cell with less probability never are.
_LEAST: Final = 0.1

# Logit of pixels of which a head is sure, and the logarithm of the expected error of
# its votes in cell diameters.
_SURE: Final = 8.0
_SPREAD: Final = -3.0

# Cells move less than so many diameters from frame to frame.
_FARTHEST: Final = 1.0


class PixelClass(IntEnum):
    """What a pixel is: no cell, the rim of a cell, or well inside of one."""

    BACKGROUND = 0
    OUTLINE = 1
    INSIDE = 2


def fill_votes(
    shares: _Image, outputs: _Image, level: float, diameter: float
) -> _Image:
    """Part a frame into basins, and let their pixels vote for its centre.

    What is inside with at least `level` and connected is the core of a cell. From the
    cores on, all pixels of cells are flooded, the surest first (watershed).

    Parameters
    ----------
    shares : (Y, X, 3) float32
        Share of each `PixelClass`.
    outputs : (Y, X, 8 or more) float32
        What the network says: the logit of being in a cell, then those of `Votes`. How
        far cells have moved, and which are new, is taken from there.
    level : float
        Of the inside, at which cores are parted.
    diameter : float
        Pixels of a cell diameter.

    Returns
    -------
    (Y, X, 8) float32
    """
    inside = ndimage.gaussian_filter(shares[..., PixelClass.INSIDE], _SMOOTH)
    cell = 1 - shares[..., PixelClass.BACKGROUND]
    cores, _ = ndimage.label(inside >= level)
    sizes = np.bincount(cores.ravel())
    large = sizes >= _LEAST_CORE * math.pi / 4 * diameter**2
    large[0] = False
    basins: _Labels = watershed(
        -inside, cores * large[cores], mask=cell > _LEAST
    ).astype(np.int32)
    filled = np.zeros((*basins.shape, 8), np.float32)
    odds = np.clip(cell, 1e-4, 1 - 1e-4)
    filled[..., 0] = np.where(basins > 0, np.log(odds / (1 - odds)), -_SURE)
    filled[..., 5] = outputs[..., 5]
    filled[..., 7] = _SPREAD
    moved = np.clip(outputs[..., 3:5] - outputs[..., 1:3], -_FARTHEST, _FARTHEST)
    for number, box in enumerate(ndimage.find_objects(basins), start=1):
        if box is None:
            continue
        own = basins[box] == number
        places = np.argwhere(own)
        way = (places.mean(axis=0) - places) / diameter
        there = filled[box]
        there[own, 1:3] = way
        there[own, 3:5] = way + np.median(moved[box][own], axis=0)
        depth = ndimage.distance_transform_edt(np.pad(own, 1)).max()
        there[own, 6] = math.log(max(1.0, 2 * depth - 1) / diameter)
    return filled
