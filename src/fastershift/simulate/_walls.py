"""What cells cannot enter: pillars of traps and the walls of narrow channels."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fastershift.simulate._draws import Floats

__all__ = ["Walls", "draw_channels", "draw_pillars"]


def _none(columns: int) -> Floats:
    return np.zeros((0, columns))


@dataclass(frozen=True)
class Walls:
    """Structures of a scene, in pixels of the frame.

    Attributes
    ----------
    pillars : ndarray of float, shape (M, 5)
        Row, column, half axes along and across, angle.
    channels : ndarray of float, shape (C, 2)
        Middle column and half width; cells of colony `i` stay in channel i modulo C.
    closed, mouth : float
        Rows between which channels run; below the mouth all is open.
    """

    pillars: Floats = field(default_factory=lambda: _none(5))
    channels: Floats = field(default_factory=lambda: _none(2))
    closed: float = 0.0
    mouth: float = 0.0

    def push(self, points: Floats, radius: Floats, clan: NDArray[np.int64]) -> Floats:
        """Shift discs out of walls: points (N, K, 2), radius and clan (N,)."""
        shift = np.zeros_like(points)
        wide = radius[:, None]
        for y, x, long, short, _ in self.pillars:
            offset = points - (y, x)
            far = np.sqrt((offset**2).sum(axis=-1)) + 1e-6
            deep = np.maximum((long + short) / 2 + wide - far, 0)
            shift += offset * (deep / far)[..., None]
        if len(self.channels):
            middle, half = self.channels[clan % len(self.channels)].T
            room = np.maximum(half - radius, 0)[:, None]
            aside = points[..., 1] - middle[:, None]
            within = points[..., 0] < self.mouth
            shift[..., 1] += (np.clip(aside, -room, room) - aside) * within
            shift[..., 0] += np.maximum(self.closed + wide - points[..., 0], 0)
        return shift

    def matter(self, shape: tuple[int, int], margin: int) -> Floats:
        """Draw where the walls are, 0 to 1, on a canvas wider than the frame."""
        height, width = (side + 2 * margin for side in shape)
        y, x = np.ogrid[-margin : height - margin, -margin : width - margin]
        drawn = np.zeros((height, width), np.float32)
        for row, column, long, short, angle in self.pillars:
            along = (y - row) * np.sin(angle) + (x - column) * np.cos(angle)
            across = (y - row) * np.cos(angle) - (x - column) * np.sin(angle)
            level = np.hypot(along / long, across / short)
            drawn = np.maximum(drawn, np.clip((1 - level) * short + 0.5, 0, 1))
        if len(self.channels):
            inside = np.zeros((height, width), np.float32)
            for middle, half in self.channels:
                near = np.clip(half - np.abs(x - middle) + 0.5, 0, 1)
                below = np.clip(y - self.closed + 0.5, 0, 1)
                inside = np.maximum(inside, near * below)
            inside = np.maximum(inside, np.clip(y - self.mouth + 0.5, 0, 1))
            drawn = np.maximum(drawn, 1 - inside)
        return drawn


def draw_pillars(
    rng: np.random.Generator, shape: tuple[int, int], diameter: float
) -> Walls:
    """Draw traps: pairs of oval pillars a little more than a cell apart."""
    spacing = diameter * rng.uniform(4, 9)
    half = diameter * rng.uniform(0.35, 0.7)
    gap = half + diameter * rng.uniform(0.5, 0.8)
    angle, tilt = rng.uniform(0, np.pi), rng.normal(0, 0.5)
    ratio = rng.uniform(1, 1.5)
    start = rng.uniform(0.2, 0.8, 2) * spacing
    step = np.array([np.sin(angle), np.cos(angle)])
    pillars = [
        (*(np.array([y, x]) + side * gap * step), half * ratio, half, angle + tilt)
        for y in np.arange(start[0], shape[0], spacing)
        for x in np.arange(start[1], shape[1], spacing)
        for side in (-1, 1)
    ]
    return Walls(pillars=np.array(pillars).reshape(-1, 5))


def draw_channels(
    rng: np.random.Generator, shape: tuple[int, int], radius: float
) -> Walls:
    """Draw a mother machine: channels side by side, closed above, open below."""
    half = radius * rng.uniform(1.02, 1.5)
    spacing = 2 * half * rng.uniform(1.6, 5)
    middles = np.arange(rng.uniform(half, spacing), shape[1], spacing)
    if not len(middles):
        middles = np.array([shape[1] / 2])
    return Walls(
        channels=np.stack([middles, np.full(len(middles), half)], axis=1),
        closed=rng.uniform(-0.1, 0.15) * shape[0],
        mouth=rng.uniform(0.7, 1.2) * shape[0],
    )
