"""Scenes of a microscope: any kind of cell under any optics and camera."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from fastershift.simulate._clutter import Clutter
from fastershift.simulate._draws import Floats, log_uniform
from fastershift.simulate._interiors import interiors
from fastershift.simulate._kinds import Body, draw_life, draw_walls, settle
from fastershift.simulate._looks import Optics, choose_optics, draw_look
from fastershift.simulate._outlines import View, draw
from fastershift.simulate._population import Cells, Life, advance
from fastershift.simulate._sensor import draw_sensor

__all__ = ["Microscope", "draw_exposure"]

Spans = dict[int, tuple[int, int, int]]
Exposure: TypeAlias = Callable[[int, View, Cells, Floats], NDArray[np.uint16]]


def draw_exposure(
    kind: Body,
    optics: Optics,
    life: Life,
    streams: tuple[np.random.Generator, np.random.Generator],
    shape: tuple[int, int],
    margin: int,
    noise: float,
) -> Exposure:
    """Draw what is inside of cells, a microscope and a camera.

    Parameters
    ----------
    kind, optics, shape, noise
        As in `simulate_movie`.
    life : Life
        What the cells have in common.
    streams : (numpy.random.Generator, numpy.random.Generator)
        Where draws come from: of cells and microscope, and of the camera.
    margin : int
        By how much the canvas is wider than a frame, on each side.

    Returns
    -------
    callable
        Makes the counts (Y, X) of a frame from its number, and from the view, the cells
        and the clutter of the canvas.
    """
    looks, records = streams
    used = choose_optics(kind, optics, looks)
    interior = interiors(life, looks, nuclear=kind in ("embryo", "clumps"))
    canvas = (shape[0] + 2 * margin, shape[1] + 2 * margin)
    look = draw_look(kind, used, life, looks, canvas)
    record = draw_sensor(
        shape,
        records,
        fluorescent=used in ("fluorescence", "quantitative"),
        noise=noise,
    )
    inner = (slice(margin, -margin),) * 2

    def expose(t: int, view: View, cells: Cells, clutter: Floats) -> NDArray[np.uint16]:
        light = look(interior(view, cells, clutter))
        return record(t, light[inner], view.owner[inner])

    return expose


class Microscope:
    """A scene that is made frame by frame.

    Cells, optics and camera have random streams of their own: another microscope sees
    the same cells.

    Parameters
    ----------
    kind, shape, n_cells, diameter, seed, cell_cycle, death, noise, optics,
    speed
        As in `simulate_movie`.
    spans : dict
        Where first frame, last frame and parent of each track are written.
    """

    def __init__(
        self,
        kind: Body,
        shape: tuple[int, int],
        n_cells: int,
        *,
        diameter: float,
        seed: int,
        cell_cycle: float | None,
        death: float,
        noise: float,
        optics: Optics,
        speed: float | None,
        spans: Spans,
    ) -> None:
        # Kinds differ in all draws, though the seed is the same.
        streams = np.random.default_rng([seed, get_args(Body).index(kind)])
        lives, looks, records, dirt = streams.spawn(4)
        self._shape, self._spans, self._death = shape, spans, death
        self._margin = int(np.clip(diameter, 16, 48))
        self._life = draw_life(kind, lives, diameter, cell_cycle, speed)
        self._walls = draw_walls(kind, self._life, lives, shape)
        self._cells = settle(kind, self._life, self._walls, lives, shape, n_cells)
        self._drift = 0.0
        if lives.random() < 0.3:
            self._drift = diameter * log_uniform(lives, 0.005, 0.15)
        self._shift = np.zeros(2)
        self._rng = lives
        self._clutter = Clutter(self._life, self._walls, dirt, shape, self._margin)
        self._expose = draw_exposure(
            kind, optics, self._life, (looks, records), shape, self._margin, noise
        )
        self._next = 1

    def frame(self, t: int) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
        """Make frame `t`, in turn: counts (Y, X) and labels (Y, X)."""
        if t:
            self._live()
        cells = replace(self._cells, position=self._cells.position + self._shift)
        view = draw(self._life, cells, self._shape, self._margin)
        labels = self._track(t, view, self._cells)
        return self._expose(t, view, cells, self._clutter.frame(self._shift)), labels

    def _live(self) -> None:
        """Let the time between two frames pass; the stage drifts, too."""
        life, cells = self._life, self._cells
        if self._death:
            dying = self._rng.random(len(cells)) < self._death
            dead = cells.take(dying)
            self._clutter.bury(dead.position, dead.radius)
            cells = cells.take(~dying)
        cells = advance(life, cells, self._walls, self._rng, life.rate, 4)
        around = 6 * life.radius + cells.length.max(initial=0) + self._margin
        place = cells.position
        near = (place > -around) & (place < np.array(self._shape) + around)
        self._cells = cells.take(near.all(axis=1))
        self._shift = self._shift + self._rng.normal(0, self._drift, 2)

    def _track(self, t: int, view: View, cells: Cells) -> NDArray[np.int32]:
        m = self._margin
        owner = view.owner[m:-m, m:-m]
        seen = np.bincount(owner.ravel(), minlength=len(cells) + 1)[1:] > 0
        cells.track = np.where(seen, cells.track, 0)
        new = seen & (cells.track == 0)
        cells.track[new] = self._next + np.arange(new.sum())
        self._next += int(new.sum())
        for track, parent in zip(cells.track[seen], cells.parent[seen], strict=True):
            first, _, known = self._spans.get(int(track), (t, t, int(parent)))
            self._spans[int(track)] = (first, t, known)
        return np.concatenate([[0], cells.track]).astype(np.int32)[owner]
