"""A frame, its ground truth and the result in one picture."""

import numpy as np
from numpy.typing import NDArray
from skimage import color, segmentation

from fastershift.training._truth import UNKNOWN

__all__ = ["side_by_side"]

# Successive numbers get hues this share of the circle apart, so that they differ.
_GOLDEN = 0.618

# How strongly colours cover the frame, and how dark the unknown is.
_OPACITY = 0.45
_SHADE = 0.4


def side_by_side(
    frame: NDArray[np.generic], truth: NDArray[np.int32], found: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """Draw a frame, its truth and a result from left to right.

    Parameters
    ----------
    frame : ndarray
        (Y, X) intensities.
    truth : ndarray of int32
        (Y, X); cells, 0 background, -1 unknown, which is shaded.
    found : ndarray of int32
        (Y, X) cells.

    Returns
    -------
    ndarray of uint8
        (Y + 4, 3 X + 12, 3).
    """
    values = np.nan_to_num(frame.astype(np.float32))
    low, high = np.quantile(values, (0.001, 0.999))
    grey = np.clip((values - low) / max(float(high - low), 1e-9), 0, 1)
    image = np.repeat(grey[..., None], 3, axis=-1)
    shaded = np.where((truth == UNKNOWN)[..., None], image * _SHADE, image)
    panels = (image, _painted(shaded, np.maximum(truth, 0)), _painted(image, found))
    rim = ((2, 2), (2, 2), (0, 0))
    row = np.concatenate([np.pad(one, rim, constant_values=1) for one in panels], 1)
    picture: NDArray[np.uint8] = (row * 255).round().astype(np.uint8)
    return picture


def _painted(
    image: NDArray[np.float32], labels: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Colour and outline the cells."""
    cells = np.unique(labels[labels > 0])
    if not cells.size:
        return image.astype(np.float64)
    full = np.full(cells.size, 0.95)
    colours = color.hsv2rgb(np.stack([cells * _GOLDEN % 1, full, full], axis=-1))
    painted = color.label2rgb(
        labels, image, colors=colours, alpha=_OPACITY, bg_label=0, bg_color=None
    )
    outlined: NDArray[np.float64] = segmentation.mark_boundaries(
        painted, labels, color=(1, 1, 1)
    )
    return outlined
