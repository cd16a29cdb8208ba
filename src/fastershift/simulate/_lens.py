"""Transmitted light: phase contrast, bright field, interference contrast, phase maps.

One model serves all: a plane wave passes the cells, exp(i phi - a), and a linear
filter, which is what tells the microscopes apart, makes the wave at the camera from it
(Born and Wolf, Principles of Optics, section 8.6; Murphy and Davidson, Fundamentals of
Light Microscopy, chapters 7 and 10). The camera sees its square.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy import ndimage as ndi

from fastershift.simulate._draws import Floats, log_uniform

__all__ = ["brightfield", "dic", "phase_contrast", "waves"]

Wave = Callable[[Floats, Floats], Floats]


def waves(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Spatial frequencies of an image of this shape, cycles per pixel."""
    y, x = (fft.fftfreq(side).astype(np.float32) for side in shape)
    return y[:, None], x[None]


def _imaged(transfer: NDArray[Any], blur: float) -> Wave:
    transfer = transfer.astype(np.complex64)

    def image(phase: Floats, loss: Floats) -> Floats:
        wave = np.exp(1j * phase.astype(np.float32) - loss).astype(np.complex64)
        seen = fft.ifft2(fft.fft2(wave) * transfer)
        light = seen.real**2 + seen.imag**2
        return np.asarray(ndi.gaussian_filter(light, blur))

    return image


def _pupil(rng: np.random.Generator, square: Floats) -> Floats:
    limit = log_uniform(rng, 0.12, 0.5)
    return np.exp(-((square / limit**2) ** 2) / 2)


def phase_contrast(
    shape: tuple[int, int], rng: np.random.Generator, diameter: float
) -> Wave:
    """Draw a phase-contrast microscope (Zernike).

    The ring in its objective delays or advances the light that passed straight on by a
    quarter of a wave and dims it. It also catches light that the cells bent only a
    little: hence the halo around a cell and the fading of its middle (shade-off).
    """
    y, x = waves(shape)
    square = y**2 + x**2
    halo = diameter * log_uniform(rng, 0.04, 0.8)
    share = rng.uniform(0.4, 1.0)
    ring = share * np.exp(-2 * np.pi**2 * halo**2 * square)
    ring += (1 - share) * np.exp(-2 * np.pi**2 * (4 * halo) ** 2 * square)
    dim = rng.uniform(0.35, 0.9)
    turned = np.exp(-0.5j * np.pi) if rng.random() < 0.85 else np.exp(0.5j * np.pi)
    focus = rng.normal(0, 0.15) * diameter
    transfer = (1 + (dim * turned - 1) * ring) / dim
    transfer = transfer * np.exp(-1j * np.pi * focus * square) * _pupil(rng, square)
    return _imaged(transfer, rng.uniform(0.3, 1.1))


def brightfield(
    shape: tuple[int, int], rng: np.random.Generator, diameter: float
) -> Wave:
    """Draw a bright-field microscope out of focus, above or below the cells."""
    y, x = waves(shape)
    square = y**2 + x**2
    focus = rng.choice([-1, 1]) * diameter * log_uniform(rng, 0.1, 1.6)
    # The lamp is no point: rings far from an edge wash out.
    coherent = diameter * rng.uniform(0.03, 0.12)
    washed = np.exp(-2 * np.pi**2 * coherent**2 * square)
    transfer = np.exp(-1j * np.pi * focus * square) * washed * _pupil(rng, square)
    return _imaged(transfer, rng.uniform(0.3, 1.1))


def dic(shape: tuple[int, int], rng: np.random.Generator, diameter: float) -> Wave:
    """Draw a microscope with differential interference contrast (Nomarski).

    Two images, a little apart, are taken from each other: slopes look lit from one
    side.
    """
    y, x = waves(shape)
    turn = rng.uniform(0, 2 * np.pi)
    apart = rng.uniform(0.7, 2.0)
    bias = rng.uniform(0.4, 1.4)
    lag = np.pi * apart * (y * np.sin(turn) + x * np.cos(turn)) + bias / 2
    transfer = np.sin(lag) / np.sin(bias / 2)
    square = y**2 + x**2
    return _imaged(transfer * _pupil(rng, square), rng.uniform(0.4, 1.2))
