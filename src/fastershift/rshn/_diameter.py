"""A first guess of the cell diameter from the frames alone."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.transform import downscale_local_mean

from fastershift.errors import InputError
from fastershift.rshn._normalise import normalise_frame

__all__ = ["estimate_diameter"]

# Frames are averaged down to about this many pixels a side: coarse enough to be quick,
# fine enough for cells of a hundredth of the frame.
_SIDE = 400
_FINEST = 1.5

# Share of the pixels cut off at either end of the intensities: debris and hot pixels.
_TAIL = 0.005

# How far the median of a relief image lies from the middle of the range at most.
_RELIEF = 0.1
_STEP = 1.19

# A disc of diameter D answers strongest to a Laplacian of Gaussian of D / 2√2.
_DIAMETERS_PER_SCALE = 2 * math.sqrt(2)


def _energies(image: NDArray[np.float32], scales: list[float]) -> NDArray[np.float64]:
    """Mean squared answer to scale-normalised Laplacians of Gaussians."""
    return np.array(
        [
            np.square(
                ndimage.gaussian_laplace(image, scale, mode="nearest", truncate=3.0)
                * scale**2
            ).mean()
            for scale in scales
        ]
    )


def _one(frame: ArrayLike) -> float | None:
    """Estimate from one frame; None without contrast."""
    image, usable = normalise_frame(frame)
    if not usable.any():
        return None
    factor = max(1, round(max(image.shape) / _SIDE))
    low, high = np.quantile(image, (_TAIL, 1 - _TAIL))
    image = (np.clip(image, low, high) - low) / max(high - low, 1e-6)
    image = downscale_local_mean(image, (factor, factor))
    coarsest = max(min(image.shape) / 6, _FINEST * _STEP)
    count = 1 + math.ceil(math.log(coarsest / _FINEST, _STEP))
    scales = [_FINEST * _STEP**number for number in range(count)]
    energy = np.log(_energies(image.astype(np.float32), scales) + 1e-12)
    # Uneven light makes the energy rise towards the coarsest scale: only true peaks
    # count. Bright cells make the strongest; in relief images, where half of the pixels
    # are darker than grey, the edges do, and the cells the coarsest.
    peaks = [
        number
        for number in range(1, count - 1)
        if energy[number] >= energy[number - 1] and energy[number] > energy[number + 1]
    ]
    relief = abs(float(np.median(image)) - 0.5) < _RELIEF
    peaks = peaks or [int(energy.argmax())]
    best = peaks[-1] if relief else max(peaks, key=lambda number: energy[number])
    scale = scales[best]
    if 0 < best < count - 1:
        before, at, after = energy[best - 1 : best + 2]
        scale *= _STEP ** (0.5 * (before - after) / (before - 2 * at + after))
    return float(scale * _DIAMETERS_PER_SCALE * factor)


def estimate_diameter(frames: Iterable[ArrayLike]) -> float:
    """Guess the typical cell diameter.

    The scale at which a Laplacian of Gaussian answers strongest, the coarsest where
    there are several; the median over the frames.

    Parameters
    ----------
    frames : iterable of array_like
        Frames (Y, X); a few, spread over the movie, are enough.

    Returns
    -------
    float
        Diameter in pixels of the frames; to be checked by eye.

    Raises
    ------
    InputError
        When no frame has any contrast.
    """
    found = [one for one in map(_one, frames) if one is not None]
    if not found:
        raise InputError(
            "The cell diameter cannot be estimated, because no frame has any contrast; "
            "give it in pixels."
        )
    return float(np.median(found))
