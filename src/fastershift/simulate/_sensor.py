"""The camera of a simulated microscope, and what goes wrong in it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from fastershift.simulate._burnt_in import Stamp, blocky
from fastershift.simulate._draws import Floats, log_uniform

__all__ = ["draw_sensor"]


def draw_sensor(
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    fluorescent: bool,
    noise: float,
) -> Callable[[int, Floats, NDArray[np.int32]], NDArray[np.uint16]]:
    """Draw a camera with its lamp.

    Parameters
    ----------
    shape : (int, int)
        Height and width of a frame.
    rng : numpy.random.Generator
        Where draws come from, now and for each frame.
    fluorescent : bool
        Whether the cells shine themselves and fade.
    noise : float
        Strength of shot and read noise, 1 as drawn.

    Returns
    -------
    callable
        Makes counts from the number of the frame, its light and its labels.
    """
    lamp = _lamp(shape, rng)
    fading = rng.uniform(0, 0.03) if fluorescent else 0.0
    flicker = rng.choice([0.0, log_uniform(rng, 0.003, 0.08)])
    # Noise against the contrast of the cells.
    grainy = log_uniform(rng, 0.015, 0.35)
    read = rng.uniform(0, 1)
    smooth = rng.choice([0.0, rng.uniform(0.3, 0.9)], p=[0.7, 0.3])
    pattern = rng.choice([0.0, log_uniform(rng, 0.002, 0.02)])
    fixed = 1 + pattern * rng.standard_normal(shape, dtype=np.float32)
    bits = int(rng.choice([8, 12, 16], p=[0.4, 0.2, 0.4]))
    top = 2**bits - 1
    level = rng.uniform(0.15, 0.6) * top if not fluorescent else 0.0
    offset = rng.uniform(0, 0.05) * top
    scale: list[float] = []
    # Pixels that always tell the same: hot or dead ones.
    stuck = rng.poisson(12) if rng.random() < 0.15 else 0
    places = rng.integers(0, shape[0], stuck), rng.integers(0, shape[1], stuck)
    values = np.where(rng.random(stuck) < 0.8, rng.uniform(0.4, 1, stuck), 0) * top
    stamp = Stamp(rng) if rng.random() < 0.1 else None
    coarse = log_uniform(rng, 4, 40) if bits == 8 and rng.random() < 0.25 else 0.0
    unsharp = rng.choice([0.0, rng.uniform(0.3, 1.2)], p=[0.8, 0.2])

    def counts(t: int, light: Floats, labels: NDArray[np.int32]) -> NDArray[np.uint16]:
        if not scale:
            scale.extend(
                _exposure(light, labels > 0, grainy, level, top, fluorescent, rng)
            )
        photons = scale[1]
        if unsharp:
            # Focus is lost and found again.
            light = ndi.gaussian_filter(light, unsharp * rng.random())
        lit = light * lamp * fixed * np.exp(-fading * t)
        lit = lit * np.exp(flicker * rng.normal())
        expected = np.maximum(lit * photons, 0)
        grain = rng.standard_normal(shape, dtype=np.float32)
        grain *= np.sqrt(expected + read * photons)
        if smooth:
            # Shrunk, stretched or denoised pictures have smooth noise.
            grain = ndi.gaussian_filter(grain, smooth) * (1 + smooth)
        picture = (expected + noise * grain) / photons * scale[0] + offset
        picture[places] = values
        if stamp is not None:
            stamp.press(picture, t, top)
        if coarse:
            picture = blocky(picture, coarse)
        return np.asarray(np.clip(np.round(picture), 0, top), np.uint16)

    return counts


def _lamp(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Draw uneven light, and dust far out of focus: faint rings that never move."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    turn, slope = rng.uniform(0, 2 * np.pi), rng.choice([0.0, rng.uniform(0, 0.3)])
    bowl = rng.choice([0.0, rng.uniform(-0.1, 0.3)])
    lamp = 1 + slope * (y * np.sin(turn) + x * np.cos(turn)) - bowl * (y**2 + x**2)
    for _ in range(rng.poisson(2) if rng.random() < 0.3 else 0):
        place = rng.uniform(-1, 1, 2)
        radius, wide = log_uniform(rng, 0.03, 0.2), rng.uniform(0.006, 0.02)
        far = np.hypot(y - place[0], (x - place[1]) * shape[1] / shape[0])
        ring = np.exp(-(((far - radius) / wide) ** 2) / 2)
        disc = 0.5 / (1 + np.exp(np.clip((far - radius) / wide, -30, 30)))
        lamp = lamp * (1 + rng.normal(0, 0.06) * (ring + disc))
    return np.asarray(np.maximum(lamp, 0.1))


def _exposure(
    light: Floats,
    inside: NDArray[np.bool_],
    grainy: float,
    level: float,
    top: int,
    fluorescent: bool,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Set counts and photons for light of 1, once for a movie, by its first frame."""
    high = float(np.quantile(light[::2, ::2], 0.998))
    cells, empty = light[inside], light[~inside]
    if min(cells.size, empty.size) < 20:
        cells, empty = light, light
    contrast = abs(float(np.median(cells) - np.median(empty)))
    if not fluorescent:
        contrast = max(contrast, float(cells.std()))
    photons = float(np.median(cells)) / (grainy * max(contrast, 0.01)) ** 2
    if fluorescent:
        return rng.uniform(0.3, 1.2) * top / max(high, 1e-6), photons
    return min(level, 0.95 * top / max(high, 1.0)), photons
