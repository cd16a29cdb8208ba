"""What a head sees of a pixel: what is around it, and what the network makes of it."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["REACH", "count_features", "describe_pixels"]

# Deviations of Gaussians in pixels of the network; a cell is about 24 across.
_SCALES: Final = (0.7, 1.4, 2.8, 5.6, 11.2)

# A Gaussian ends after so many deviations.
_WIDE: Final = 3.0

#: Pixels around it that what is told of a pixel depends on; two are for the slopes.
REACH: Final = round(_WIDE * _SCALES[-1]) + 3

# Of each scale: intensity, steepness, and the curvatures along and across.
_OF_A_SCALE = 4


def count_features(outputs: int) -> int:
    """Count what `describe_pixels` tells where a network says so much of a pixel."""
    return _OF_A_SCALE * len(_SCALES) + outputs


def describe_pixels(
    shown: npt.NDArray[np.float32], outputs: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Describe every pixel of a frame by what is around it.

    The frame is smoothed by Gaussians of several widths; of each, intensity, steepness
    and both principal curvatures are taken, none of which depends on directions.

    Parameters
    ----------
    shown : (Y, X) float32
        The frame as the network sees it.
    outputs : (Y, X, C) float32
        Outputs and last filters of the network.

    Returns
    -------
    (Y, X, F) float32
    """
    seen = np.empty((*shown.shape, count_features(outputs.shape[-1])), np.float32)
    for number, scale in enumerate(_SCALES):
        smooth = ndimage.gaussian_filter(shown, scale, mode="nearest", truncate=_WIDE)
        down, right = np.gradient(smooth)
        down_down, down_right = np.gradient(down)
        right_right = np.gradient(right, axis=1)
        middle = (down_down + right_right) / 2
        bend = np.hypot((down_down - right_right) / 2, down_right)
        start = _OF_A_SCALE * number
        seen[..., start] = smooth
        seen[..., start + 1] = scale * np.hypot(down, right)
        seen[..., start + 2] = scale**2 * (middle + bend)
        seen[..., start + 3] = scale**2 * (middle - bend)
    seen[..., _OF_A_SCALE * len(_SCALES) :] = outputs
    return seen
