"""Frames to network input: smoothing, robust intensities, scale."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

__all__ = ["normalise_frame", "resize_frame"]

# Share of the pixels left outside the nominal range at either end.
_TAIL = 0.0005


def normalise_frame(
    frame: ArrayLike, blur: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Smooth a frame and map its intensities to about [-1, 1].

    The 0.0005 and 0.9995 quantiles of the smoothed frame become -1 and 1; values beyond
    them are kept. Where both are equal, the extremes take their place.

    Parameters
    ----------
    frame : array_like
        (Y, X) intensities of any real dtype.
    blur : float
        Standard deviation of the Gaussian in pixels.

    Returns
    -------
    normalised : ndarray of float32
        (Y, X); all -1 for a frame without contrast.
    usable : ndarray of bool
        (Y, X); False where the frame is not finite, and everywhere in a frame without
        contrast: no cell can be there.

    References
    ----------
    .. [1] C. Payer et al., Medical Image Analysis 57, 2019, section 4.2.
    """
    # Beyond the range of float32 a value becomes infinite, and is left out below.
    with np.errstate(over="ignore"):
        values = np.asarray(frame).astype(np.float32)
    usable = np.isfinite(values)
    if not usable.any():
        return np.full(values.shape, -1, np.float32), usable
    if not usable.all():
        values = np.where(usable, values, np.median(values[usable]))
    if blur > 0:
        values = ndimage.gaussian_filter(values, blur, mode="nearest", truncate=4.0)
    last = values.size - 1
    low_rank, high_rank = int(values.size * _TAIL), int(values.size * (1 - _TAIL))
    ranks = (low_rank, min(high_rank, last))
    low, high = np.partition(values, ranks, axis=None)[list(ranks)]
    if high <= low:
        # Hardly any pixel differs from the others: these few span the range.
        low, high = values.min(), values.max()
        if high <= low:
            usable, high = np.zeros_like(usable), low + 1
    return ((values - (low + high) / 2) * (2 / (high - low))).astype(np.float32), usable


def resize_frame(
    frame: Tensor, shape: tuple[int, int], *, antialias: bool = True, zoom: float = 1.0
) -> Tensor:
    """Resample a frame bilinearly with aligned pixel edges.

    Parameters
    ----------
    frame : Tensor
        (Y, X) float.
    shape : tuple of int
        Height and width to resample to.
    antialias : bool
        Average over the pixels that fall together when the frame shrinks; the published
        method does not.
    zoom : float
        Share of the frame, about its centre, that fills the result.

    Returns
    -------
    Tensor
        (height, width) float.
    """
    if zoom != 1.0:
        corners = torch.tensor([[zoom, 0, 0], [0, zoom, 0]], dtype=frame.dtype)
        grid = functional.affine_grid(
            corners[None].to(frame.device), [1, 1, *shape], align_corners=False
        )
        return functional.grid_sample(
            frame[None, None], grid, padding_mode="border", align_corners=False
        )[0, 0]
    if tuple(frame.shape) == tuple(shape):
        return frame
    return functional.interpolate(
        frame[None, None],
        size=tuple(shape),
        mode="bilinear",
        align_corners=False,
        antialias=antialias,
    )[0, 0]
