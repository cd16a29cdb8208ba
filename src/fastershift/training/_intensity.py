"""How clips are varied, and their intensities."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Augmentation", "ratio", "uniform", "vary_intensity"]

# Dirt is at most this many times as bright as the brightest cells.
_BRIGHTER = 4.0


@dataclass(frozen=True)
class Augmentation:
    """How far clips are varied; every amount is the largest drawn.

    `drift` and `bend` move the cells of stills, in cell diameters from frame to frame.
    `blur`, `dirt`, `inversion`, `curve`, `relief` and `filtering` are shares of the
    clips. The last three show the same cells as another microscope might: tones in
    another order, outlines stronger or weaker than areas, and through a random filter.
    `grain` is the width in network pixels over which noise is smooth.
    """

    zoom: float = 1.4
    stretch: float = 1.12
    elastic: float = 3.0
    reverse: float = 0.5
    skip: float = 0.25
    gamma: float = 1.6
    contrast: float = 1.5
    offset: float = 0.3
    noise: float = 0.12
    grain: float = 0.0
    blur: float = 0.3
    softness: float = 1.2
    curve: float = 0.0
    relief: float = 0.0
    filtering: float = 0.0
    gradient: float = 0.25
    inversion: float = 0.03
    dirt: float = 0.1
    drift: float = 0.8
    bend: float = 0.35


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    """Draw a number between two others."""
    return float(torch.rand((), generator=generator)) * (high - low) + low


def ratio(generator: torch.Generator, largest: float) -> float:
    """Draw a factor between 1/largest and largest, evenly on a log scale."""
    return math.exp(uniform(generator, -1, 1) * math.log(largest))


def _with_dirt(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Show something that is not a cell and is brighter than all of them.

    It sets the range of its frame, and cells are dimmer for it, whether it lies within
    the clip or not.
    """
    sides = frames.shape[-2:]
    row, column = (uniform(generator, -side, 2 * side) for side in sides)
    radius = uniform(generator, 2, 8)
    rows, columns = (torch.arange(side, dtype=torch.float32) for side in sides)
    away = torch.hypot(rows[:, None] - row, columns - column)
    dimmer = (frames + 1) / uniform(generator, 1, _BRIGHTER) - 1
    return torch.maximum(dimmer, 2 * torch.sigmoid(3 * (radius - away)) - 1)


def _smooth(frames: Tensor, deviation: float) -> Tensor:
    """Convolve (T, 1, Y, X) with a Gaussian of so many pixels."""
    radius = math.ceil(3 * deviation)
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / deviation) ** 2)
    taps = taps / taps.sum()
    padded = functional.pad(frames, [radius] * 4, mode="replicate")
    rows = functional.conv2d(padded, taps.view(1, 1, -1, 1))
    return functional.conv2d(rows, taps.view(1, 1, 1, -1))


def _with_curve(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Map tones by a random curve through a few points, which may turn back."""
    low, high = frames.min(), frames.max()
    knots = torch.linspace(-1, 1, 5) + 0.35 * torch.randn(5, generator=generator)
    place = (frames - low) / (high - low).clamp(min=1e-3) * 4
    left = place.floor().clamp(0, 3)
    share = place - left
    index = left.long()
    return knots[index] * (1 - share) + knots[index + 1] * share


def _with_relief(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Make outlines stronger or weaker than areas, as halo and shade-off do."""
    coarse = _smooth(frames, math.exp(uniform(generator, 1, 2.5)))
    return frames + uniform(generator, -0.8, 1.2) * (frames - coarse)


def _filtered(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Mix in what a random filter makes of the frames."""
    side = (3, 5, 7)[int(torch.randint(3, (), generator=generator))]
    taps = torch.randn(1, 1, side, side, generator=generator) / side
    padded = functional.pad(frames, [side // 2] * 4, mode="replicate")
    seen = functional.conv2d(padded, taps)
    seen = (seen - seen.mean()) / seen.std().clamp(min=1e-3)
    share = uniform(generator, 0, 0.8)
    return share * (seen * frames.std() + frames.mean()) + (1 - share) * frames


def _noise(frames: Tensor, options: Augmentation, generator: torch.Generator) -> Tensor:
    """Draw noise of the size of the frames, mostly little."""
    amount = options.noise * uniform(generator, 0, 1) ** 2
    noise = torch.randn(frames.shape, generator=generator)
    grain = uniform(generator, 0, options.grain)
    if grain > 0.3:
        noise = _smooth(noise, grain)
        noise = noise / noise.std()
    return noise * amount


def vary_intensity(
    frames: Tensor, options: Augmentation, generator: torch.Generator
) -> Tensor:
    """Change brightness, contrast, sharpness and noise of a clip (T, 1, Y, X)."""
    low, high = frames.min(), frames.max()
    unit = (frames - low) / (high - low).clamp(min=1e-3)
    frames = unit ** ratio(generator, options.gamma) * (high - low) + low
    if uniform(generator, 0, 1) < options.curve:
        frames = _with_curve(frames, generator)
    if uniform(generator, 0, 1) < options.relief:
        frames = _with_relief(frames, generator)
    if uniform(generator, 0, 1) < options.filtering:
        frames = _filtered(frames, generator)
    if uniform(generator, 0, 1) < options.dirt:
        frames = _with_dirt(frames, generator)
    if uniform(generator, 0, 1) < options.inversion:
        frames = -frames
    frames = frames * ratio(generator, options.contrast)
    frames = frames + uniform(generator, -options.offset, options.offset)
    if uniform(generator, 0, 1) < 0.3:
        corners = torch.randn(1, 1, 2, 2, generator=generator) * options.gradient
        frames = frames + functional.interpolate(
            corners, frames.shape[-2:], mode="bilinear", align_corners=True
        )
    if uniform(generator, 0, 1) < options.blur:
        frames = _smooth(frames, uniform(generator, 0.4, options.softness))
    if uniform(generator, 0, 1) < 0.5:
        frames = frames + _noise(frames, options, generator)
    # Brightness flickers from frame to frame.
    flicker = torch.randn(len(frames), 1, 1, 1, generator=generator) * 0.04
    return frames + flicker
