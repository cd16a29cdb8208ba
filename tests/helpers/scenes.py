"""Cells of simulated scenes without any accident of their own."""

from dataclasses import replace

import numpy as np

from fastershift.simulate._cells import Cell, Scene
from fastershift.simulate._population import Cells, Life, new_cells

__all__ = ["DISC", "DISCS", "PLAIN", "RODS", "YEAST", "cells_at"]

#: Balls with a radius of 10 pixels that divide every 10 frames and never move.
PLAIN = Life(
    growth="mitosis",
    radius=10.0,
    aspect=1.0,
    spread=0.0,
    wave=0.0,
    ruffle=0.0,
    bend=0.0,
    arms=(0, 0),
    reach=(1.0, 1.0),
    girth=0.5,
    rate=0.1,
    mitosis=1.0,
    shrink=0.0,
    plate=0.0,
    speed=0.0,
    persistence=0.0,
    contact=1.0,
    swell=0.0,
    cohesion=0.0,
    filaments=0.0,
    jitter=0.0,
    nodes=1,
    tint=0.0,
    spill=1.0,
)
#: The plain kinds: discs with a radius of 10 pixels that do not move.
DISCS = Scene(
    kind="nuclei",
    shape=(90, 90),
    radius=10.0,
    cycle=100.0,
    death=0.0,
    speed=0.0,
    persistence=0.5,
    contact=0.9,
    elongation=0.0,
    roughness=0.0,
    grain=0.03,
    processes=(0, 0),
    reach=(1.2, 2.2),
    mitosis=2.0,
)
#: One of them, with a radius of 10 pixels long before and after its divisions.
DISC = Cell(
    position=np.array([40.0, 40.0]),
    velocity=np.zeros(2),
    radius=10 / np.sqrt(1.5),
    elongation=1.0,
    angle=0.0,
    age=50.0,
    cycle=100.0,
    brightness=1.0,
    waves=np.zeros((2, 4)),
    texture=np.zeros((65, 65)),
    processes=np.zeros((0, 3)),
    mitosis=2.0,
)
RODS = replace(PLAIN, growth="fission", radius=4.0, aspect=4.0, nodes=6)
YEAST = replace(PLAIN, growth="budding")


def cells_at(life: Life, *places: tuple[float, float], age: float = 0.5) -> Cells:
    """Cells of the same age and pace, without any accident of their own."""
    cells = new_cells(life, np.random.default_rng(0), np.array(places, float))
    n = len(cells)
    cells.age, cells.tempo, cells.limit = np.full(n, age), np.ones(n), np.ones(n)
    cells.angle = np.zeros(n)
    cells.radius, cells.full = np.full(n, life.radius), np.full(n, life.radius)
    if life.growth == "fission":
        cells.length = np.full(n, 2 * life.radius * life.aspect)
    return cells
