"""Frames to network input: smoothing, robust intensities, scale."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

__all__ = ["normalise_frame", "normalise_robustly", "resize_frame"]

# Share of the pixels left outside the nominal range at either end.
_TAIL = 0.0005

# A frame is looked at in about so many squares, each of at least so many pixels a side.
_SQUARES = 144
_LEAST_SIDE = 8

# Share of the pixels of a square that may lie beyond its range, and share of the
# squares that may lie beyond the range of the frame, at either end.
_PIXEL_TAIL = 0.002
_SQUARE_TAIL = 0.05

# Pixels so far apart are on the same side of the median more often than on different
# ones, by this share, where a frame shows more than noise.
_LAG = 4
_STRUCTURE = 0.2

# A pixel sticks out if it lies this many times the range of 98 % of the pixels beyond
# that range, and it is a hot or dead one if at most so many of the 3 x 3 pixels about
# it stick out.
_STICKING_OUT = 2.0
_RANGE_TAIL = 0.01
_FEW = 2

# How fast values beyond the range are compressed: the range is 2 wide.
_KNEE = 0.5


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
    values, usable = _finite(frame)
    if not usable.any():
        return np.full(values.shape, -1, np.float32), usable
    values = _smoothed(values, blur)
    low, high = _quantiles(values)
    if high <= low:
        return np.full(values.shape, -1, np.float32), np.zeros_like(usable)
    return ((values - (low + high) / 2) * (2 / (high - low))).astype(np.float32), usable


def normalise_robustly(
    frame: ArrayLike, blur: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Smooth a frame and map the intensities of most of its squares to [-1, 1].

    Hot and dead pixels, which stick out alone or in pairs, get the median of their
    surrounding before the frame is smoothed. Then it is parted into about 144 squares.
    The range reaches from the darkest to the brightest pixel (0.2 % of the pixels
    apart) of all squares but the one in twenty with the most extreme ones: a time
    stamp, a scale bar or dirt lies in few squares and does not move it. Where the other
    squares hold nothing but noise, cells are few, and the range is that of
    `normalise_frame`. Values x beyond the range are compressed to
    ``1 + 0.5 ln(1 + 2 (x - 1))``, and likewise at the lower end.

    Parameters
    ----------
    frame, blur
        As for `normalise_frame`.

    Returns
    -------
    normalised, usable
        As for `normalise_frame`.
    """
    values, usable = _finite(frame)
    if not usable.any():
        return np.full(values.shape, -1, np.float32), usable
    values = _smoothed(_without_hot_pixels(values), blur)
    low, high = _range_of_squares(values)
    if high <= low or _is_noise(values):
        low, high = _quantiles(values)
    if high <= low:
        return np.full(values.shape, -1, np.float32), np.zeros_like(usable)
    values = ((values - (low + high) / 2) * (2 / (high - low))).astype(np.float32)
    beyond = np.maximum(np.abs(values) - 1, 0)
    soft = np.clip(values, -1, 1) + np.sign(values) * _KNEE * np.log1p(beyond / _KNEE)
    return soft.astype(np.float32), usable


def _finite(frame: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the frame with the median where it is not finite, and where it is."""
    # Beyond the range of float32 a value becomes infinite, and is left out below.
    with np.errstate(over="ignore"):
        values = np.asarray(frame).astype(np.float32)
    usable = np.isfinite(values)
    if usable.any() and not usable.all():
        values = np.where(usable, values, np.median(values[usable]))
    return values, usable


def _smoothed(values: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    if blur <= 0:
        return values
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(
        values, blur, mode="nearest", truncate=4.0
    )
    return smooth


def _without_hot_pixels(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give pixels that stick out, alone or in pairs, the median around them."""
    low, high = _quantiles(values, _RANGE_TAIL)
    beyond = _STICKING_OUT * (high - low)
    out = (values > high + beyond) | (values < low - beyond)
    if not out.any():
        return values
    among = ndimage.convolve(out.astype(np.uint8), np.ones((3, 3)), mode="constant")
    rows, columns = np.nonzero(out & (among <= _FEW))
    padded = np.pad(values, 1, mode="edge")
    about = [padded[rows + i, columns + j] for i in range(3) for j in range(3)]
    mended = values.copy()
    mended[rows, columns] = np.median(about, axis=0)
    return mended


def _quantiles(values: NDArray[np.float32], tail: float = _TAIL) -> tuple[float, float]:
    """Find the range of all but a few pixels; of all where hardly any differs."""
    last = values.size - 1
    low_rank, high_rank = int(values.size * tail), int(values.size * (1 - tail))
    ranks = (low_rank, min(high_rank, last))
    low, high = np.partition(values, ranks, axis=None)[list(ranks)]
    if high <= low:
        low, high = values.min(), values.max()
    return low, high


def _is_noise(values: NDArray[np.float32]) -> bool:
    """Tell whether most pixels say nothing about those a few pixels away."""
    above = values > np.median(values)
    alike = [
        above[_LAG:] == above[:-_LAG],
        above[:, _LAG:] == above[:, :-_LAG],
    ]
    share = np.mean([one.mean() if one.size else 0.5 for one in alike])
    return bool(2 * share - 1 < _STRUCTURE)


def _range_of_squares(values: NDArray[np.float32]) -> tuple[float, float]:
    """Find the range of all but a few squares."""
    height, width = values.shape
    side = max(_LEAST_SIDE, round((values.size / _SQUARES) ** 0.5))
    padded = np.pad(values, ((0, -height % side), (0, -width % side)), mode="symmetric")
    squares = padded.reshape(len(padded) // side, side, -1, side).swapaxes(1, 2)
    flat = squares.reshape(-1, side * side)
    tail = int(flat.shape[1] * _PIXEL_TAIL)
    ends = np.partition(flat, (tail, flat.shape[1] - 1 - tail), axis=1)
    low = np.quantile(ends[:, tail], _SQUARE_TAIL)
    high = np.quantile(ends[:, -1 - tail], 1 - _SQUARE_TAIL)
    return float(low), float(high)


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
