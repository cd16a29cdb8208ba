"""What lies in a field of view and is not a cell: specks, debris, fibres, remains."""

from dataclasses import dataclass

import numpy as np

from fastershift.simulate._draws import Floats, blobs, log_uniform
from fastershift.simulate._population import Life
from fastershift.simulate._walls import Walls

__all__ = ["Clutter"]

_ATLAS = 128


@dataclass
class _Lumps:
    """Small bodies; arrays of shape (M,) or (M, 2)."""

    position: Floats
    velocity: Floats
    radius: Floats
    strength: Floats  # thickness against that of a cell
    rough: Floats

    def joined(self, other: "_Lumps") -> "_Lumps":
        return _Lumps(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("position", "velocity", "radius", "strength", "rough")
            )
        )


class Clutter:
    """Draws how dirty a scene is, and draws its dirt frame by frame.

    Parameters
    ----------
    life : Life
        What the cells have in common.
    walls : Walls
        Structures of the scene.
    rng : numpy.random.Generator
        Where draws come from.
    shape : (int, int)
        Height and width of a frame.
    margin : int
        By how much the canvas is wider, on each side.
    """

    def __init__(
        self,
        life: Life,
        walls: Walls,
        rng: np.random.Generator,
        shape: tuple[int, int],
        margin: int,
    ) -> None:
        self._rng, self._shape, self._margin = rng, shape, margin
        self._unit = life.radius
        self._texture = blobs(rng, (_ATLAS, _ATLAS), max(0.8, 0.12 * life.radius))
        dirty = rng.random()
        area = shape[0] * shape[1] / (2 * life.radius) ** 2
        many = 0 if dirty < 0.35 else rng.poisson(min(0.3 * area, 60) * (dirty - 0.35))
        few = rng.poisson(0.8) if dirty > 0.6 else 0
        self._lumps = self._specks(many).joined(self._debris(few))
        canvas = (shape[0] + 2 * margin, shape[1] + 2 * margin)
        self._still = np.zeros(canvas, np.float32)
        if len(walls.pillars) or len(walls.channels):
            strong = rng.choice([-1, 1]) * log_uniform(rng, 0.2, 1.5)
            self._still += strong * walls.matter(shape, margin)
        if rng.random() < 0.12:
            for _ in range(rng.integers(1, 8)):
                self._fibre(canvas)

    def _specks(self, count: int) -> _Lumps:
        rng = self._rng
        small = max(0.06 * self._unit, 0.6)
        radius = small * np.exp(rng.uniform(0, 1.5, count))
        drifting = self._unit * rng.choice([0.0, 0.0, log_uniform(rng, 0.01, 1)])
        return _Lumps(
            position=rng.uniform(0, 1, (count, 2)) * self._shape,
            velocity=rng.normal(0, 1, (count, 2)) * drifting,
            radius=radius,
            strength=rng.choice([-1, 1, 1], count) * rng.lognormal(-0.7, 0.6, count),
            rough=rng.uniform(0, 0.3, count),
        )

    def _debris(self, count: int) -> _Lumps:
        rng = self._rng
        return _Lumps(
            position=rng.uniform(0, 1, (count, 2)) * self._shape,
            velocity=rng.normal(0, 0.02 * self._unit, (count, 2)),
            radius=self._unit * rng.uniform(0.25, 0.8, count),
            strength=rng.lognormal(0.2, 0.6, count),
            rough=rng.uniform(0.3, 1.2, count),
        )

    def bury(self, position: Floats, radius: Floats) -> None:
        """Leave the remains of dead cells at these places (N, 2)."""
        count = len(position)
        dead = self._debris(count)
        dead.position = np.array(position)
        dead.radius = radius * self._rng.uniform(0.35, 0.7, count)
        self._lumps = self._lumps.joined(dead)

    def _fibre(self, canvas: tuple[int, int]) -> None:
        """Draw a thin bent line: a stalk, a scratch, a thread of dirt."""
        rng = self._rng
        turn = rng.uniform(0, 2 * np.pi) + np.cumsum(
            rng.normal(0, log_uniform(rng, 0.005, 0.1), 400)
        )
        place = rng.uniform(0, 1, 2) * canvas
        length = int(rng.uniform(60, 400))
        line = place + np.cumsum(np.stack([np.sin(turn), np.cos(turn)], 1), 0)[:length]
        strength = log_uniform(rng, 0.05, 0.4)
        wide = 1 if self._unit < 8 else int(rng.integers(1, 3))
        for dy in range(wide):
            y, x = np.round(line + np.array([dy, 0])).astype(int).T
            seen = (y >= 0) & (y < canvas[0]) & (x >= 0) & (x < canvas[1])
            self._still[y[seen], x[seen]] = strength

    def frame(self, shift: Floats) -> Floats:
        """Draw the matter of one frame on the canvas (Y, X), and let time pass.

        Parameters
        ----------
        shift : ndarray of float, shape (2,)
            How far the stage has drifted, pixels.
        """
        drawn = np.roll(self._still, tuple(np.round(shift).astype(int)), (0, 1))
        lumps = self._lumps
        for i, place in enumerate(lumps.position + self._margin + shift):
            radius = lumps.radius[i]
            low = np.maximum(np.floor(place - radius), 0).astype(int)
            high = np.minimum(np.ceil(place + radius) + 1, drawn.shape).astype(int)
            if np.any(high <= low):
                continue
            window = slice(low[0], high[0]), slice(low[1], high[1])
            y, x = np.ogrid[window]
            far = ((y - place[0]) ** 2 + (x - place[1]) ** 2) / radius**2
            body = np.sqrt(np.maximum(1 - far, 0))
            if radius > 2:
                rows, columns = (y + 13 * i) % _ATLAS, (x + 29 * i) % _ATLAS
                body = body * (1 + lumps.rough[i] * self._texture[rows, columns])
            drawn[window] += (lumps.strength[i] * body).astype(np.float32)
        lumps.position = lumps.position + lumps.velocity
        return drawn
