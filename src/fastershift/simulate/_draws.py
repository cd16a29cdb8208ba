"""Random draws that the parts of a simulated microscope share."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

__all__ = ["Floats", "blobs", "log_uniform", "sample", "spots"]

Floats: TypeAlias = NDArray[np.floating[Any]]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def blobs(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Floats:
    """Draw a smooth random field of zero mean and unit spread that wraps around.

    A wide field is drawn on a coarse grid and enlarged, which looks the same.
    """
    step = max(1, int(sigma / 3))
    coarse = tuple(-(-side // step) for side in shape)
    noise = rng.standard_normal(coarse, dtype=np.float32)
    noise = ndi.gaussian_filter(noise, sigma / step, mode="wrap")
    if step > 1:
        zoomed = [(c * step) / c for c in coarse]
        noise = ndi.zoom(noise, zoomed, order=1, mode="grid-wrap", grid_mode=True)
    noise = noise[: shape[0], : shape[1]]
    return np.asarray((noise - noise.mean()) / (noise.std() + 1e-9))


def spots(
    rng: np.random.Generator, side: int, number: float, size: float, spread: float
) -> Floats:
    """Draw small bright discs of various size and strength on a field that wraps.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where draws come from.
    side : int
        Height and width of the field.
    number : float
        Expected number of spots in a square of ten by ten spot sizes.
    size : float
        Their sigma in pixels.
    spread : float
        How much their strength varies: sigma of its logarithm.
    """
    field = np.zeros((side, side), np.float32)
    for share in (0.7, 1.4):
        count = rng.poisson(number / 2 * (side / (10 * size)) ** 2)
        points = np.zeros((side, side), np.float32)
        where = rng.integers(0, side, (2, count))
        np.add.at(points, tuple(where), rng.lognormal(0, spread, count))
        sigma = share * size
        peak = 2 * np.pi * max(sigma, 0.5) ** 2
        field += peak * ndi.gaussian_filter(points, sigma, mode="wrap")
    return np.asarray(np.minimum(field, 3))


def sample(field: Floats, y: Floats, x: Floats) -> Floats:
    """Read a field that wraps at any places, between pixels, too."""
    return np.asarray(ndi.map_coordinates(field, (y, x), order=1, mode="grid-wrap"))
