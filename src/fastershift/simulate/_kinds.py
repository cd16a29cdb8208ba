"""How the cells of each kind are built, live and lie: wide ranges to draw from."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from fastershift.simulate._draws import Floats, log_uniform
from fastershift.simulate._outlines import draw
from fastershift.simulate._population import Cells, Life, advance, new_cells, relax
from fastershift.simulate._walls import Walls, draw_channels, draw_pillars

__all__ = ["Body", "draw_life", "draw_walls", "settle"]

Body: TypeAlias = Literal[
    "rods", "yeast", "adherent", "epithelium", "embryo", "clumps", "cells"
]
_Draw: TypeAlias = np.random.Generator


def _rods(rng: _Draw) -> dict[str, Any]:
    style = rng.choice(
        ["rods", "short", "curved", "chains", "filaments", "long"],
        p=[0.4, 0.1, 0.15, 0.1, 0.15, 0.1],
    )
    aspect = log_uniform(rng, 1.7, 5)
    made: dict[str, Any] = {
        "growth": "fission",
        "spread": rng.uniform(0.05, 0.3),
        "bend": rng.uniform(0.02, 0.3),
        "contact": rng.uniform(0.88, 1.04),
        "swell": rng.uniform(0.2, 0.9),
        "cohesion": rng.choice([0.0, rng.uniform(0.05, 0.3)], p=[0.2, 0.8]),
        "jitter": rng.uniform(0.05, 0.2),
        "speed": rng.choice([0.0, 0.01, 0.1]),
        "tint": rng.uniform(0.02, 0.2),
    }
    if style == "short":
        aspect = log_uniform(rng, 1.15, 1.7)
    elif style == "curved":
        made["bend"] = rng.uniform(0.3, 1.3)
    elif style == "chains":
        made |= {"jitter": 0.02, "cohesion": 0.0, "swell": 0.1}
        aspect = log_uniform(rng, 1.2, 4)
    elif style == "filaments":
        made["filaments"] = rng.uniform(0.05, 0.25)
    elif style == "long":
        aspect = log_uniform(rng, 5, 10)
        made |= {"bend": rng.uniform(0.1, 1.2), "swell": 0.6}
    longest = aspect * (4 if style == "filaments" else 1.5)
    return made | {"aspect": aspect, "nodes": int(np.clip(1.3 * longest, 6, 18))}


def _yeast(rng: _Draw) -> dict[str, Any]:
    return {
        "growth": "budding",
        "aspect": rng.uniform(1.0, 1.4),
        "spread": rng.uniform(0.04, 0.18),
        "wave": rng.uniform(0, 0.03),
        "contact": rng.uniform(0.9, 1.05),
        "swell": rng.uniform(0.2, 0.9),
        "cohesion": rng.uniform(0.0, 0.4),
        "speed": rng.choice([0.0, 0.01, 0.05]),
        "tint": rng.uniform(0.02, 0.25),
    }


def _adherent(rng: _Draw) -> dict[str, Any]:
    style = rng.choice(["spread", "spindle", "oval", "thin"], p=[0.4, 0.25, 0.2, 0.15])
    made: dict[str, Any] = {
        "aspect": rng.uniform(1.1, 1.8),
        "spread": rng.uniform(0.1, 0.3),
        "wave": rng.uniform(0.03, 0.12),
        "ruffle": rng.uniform(0, 0.8),
        "contact": rng.uniform(0.75, 1.0),
        "tint": rng.uniform(0.05, 0.5),
        "speed": log_uniform(rng, 0.01, 0.2),
        "mitosis": rng.uniform(0.5, 3),
        "shrink": rng.uniform(0.2, 0.45),
        "rate": 1 / log_uniform(rng, 20, 150),
    }
    if style == "spread":
        made |= {"arms": (2, 5), "reach": (1.2, 2.4), "girth": rng.uniform(0.5, 0.9)}
    elif style == "spindle":
        made |= {"arms": (2, 2), "reach": (1.3, 3.0), "girth": rng.uniform(0.5, 0.9)}
        made |= {"aspect": rng.uniform(1.3, 2.5)}
    elif style == "thin":
        made |= {"arms": (2, 4), "reach": (2.0, 4.5), "girth": rng.uniform(0.15, 0.4)}
    return made


def _epithelium(rng: _Draw) -> dict[str, Any]:
    return {
        "aspect": rng.uniform(1.0, 1.6),
        "spread": rng.uniform(0.05, 0.2),
        "wave": rng.uniform(0.0, 0.06),
        "contact": rng.uniform(0.8, 0.95),
        "tint": rng.uniform(0.0, 0.4),
        "speed": rng.uniform(0.0, 0.03),
        "mitosis": rng.uniform(1, 2),
        "spill": 1.5,
    }


def _embryo(rng: _Draw) -> dict[str, Any]:
    return {
        "aspect": rng.uniform(1.1, 1.6),
        "spread": rng.uniform(0.05, 0.25),
        "wave": rng.uniform(0.02, 0.08),
        "contact": rng.uniform(0.85, 1.1),
        "tint": rng.uniform(0.1, 0.5),
        "speed": rng.uniform(0.01, 0.1),
        "mitosis": rng.uniform(0.5, 2.5),
        "shrink": rng.uniform(0.1, 0.4),
        "plate": rng.uniform(0.1, 0.6),
        "rate": 1 / log_uniform(rng, 20, 120),
    }


def _clumps(rng: _Draw) -> dict[str, Any]:
    made = _embryo(rng)
    return made | {
        "aspect": log_uniform(rng, 1.1, 2.2),
        "spread": log_uniform(rng, 0.06, 0.5),
        "wave": rng.uniform(0.02, 0.16),
        "contact": rng.uniform(0.7, 1.1),
        "tint": log_uniform(rng, 0.1, 1.2),
    }


def _cells(rng: _Draw) -> dict[str, Any]:
    made = _adherent(rng) if rng.random() < 0.3 else {}
    return {
        "aspect": rng.uniform(1.1, 1.8),
        "spread": rng.uniform(0.1, 0.35),
        "wave": rng.uniform(0.03, 0.16),
        "contact": rng.uniform(0.75, 1.05),
        "tint": rng.uniform(0.1, 0.6),
        "speed": log_uniform(rng, 0.01, 0.15),
        "mitosis": rng.uniform(0.5, 2.5),
        "shrink": rng.uniform(0.0, 0.35),
        "ruffle": rng.uniform(0, 0.8),
        "rate": 1 / log_uniform(rng, 15, 100),
    } | made


_LIVES: dict[str, Callable[[_Draw], dict[str, Any]]] = {
    "rods": _rods,
    "yeast": _yeast,
    "adherent": _adherent,
    "epithelium": _epithelium,
    "embryo": _embryo,
    "clumps": _clumps,
    "cells": _cells,
}


def draw_life(
    kind: Body,
    rng: np.random.Generator,
    diameter: float,
    cell_cycle: float | None,
    speed: float | None,
) -> Life:
    """Draw what the cells of a scene have in common.

    Parameters
    ----------
    kind : str
        Kind of cells.
    rng : numpy.random.Generator
        Where draws come from.
    diameter : float
        Of the disc whose area the middle cell has, pixels.
    cell_cycle : float or None
        Frames from division to division; drawn where None.
    speed : float or None
        Typical step of a cell, diameters per frame; drawn where None.
    """
    usual: dict[str, Any] = {
        "growth": "mitosis",
        "wave": 0.0,
        "ruffle": 0.0,
        "shrink": 0.0,
        "plate": 0.0,
        "rate": 1 / log_uniform(rng, 10, 45),
        "bend": 0.0,
        "arms": (0, 0),
        "reach": (1.0, 1.0),
        "girth": 0.5,
        "mitosis": 1.0,
        "persistence": rng.uniform(0.2, 0.9),
        "swell": 0.0,
        "cohesion": 0.0,
        "filaments": 0.0,
        "nodes": 1,
        "jitter": 0.0,
        "radius": diameter / 2,
        "spill": 1.0,
    }
    made = usual | _LIVES[kind](rng)
    if cell_cycle is not None:
        made["rate"] = 1 / cell_cycle
    if speed is not None:
        made["speed"] = speed / np.sqrt(np.pi / 2)
    made["speed"] *= diameter
    life = Life(**made)
    if life.spill > 1:
        return life
    scale = diameter / _typical(life, rng)
    # Neighbours take room from each other, rods and yeast less than all others.
    crowded = 1.0 if life.growth != "mitosis" else 1.08
    return replace(life, radius=life.radius * scale * crowded)


def _typical(life: Life, rng: np.random.Generator) -> float:
    """Diameter of the disc of equal area: its median over some cells, each alone."""
    sample = new_cells(life, rng, np.zeros((24, 2)))
    side = int(8 * life.radius) + 16
    areas = []
    for i in range(len(sample)):
        cell = sample.take(np.array([i]))
        cell.position = np.full((1, 2), side / 2)
        areas.append(np.count_nonzero(draw(life, cell, (side, side), 0).owner))
    if np.median(areas):
        return float(np.sqrt(4 * np.median(areas) / np.pi))
    # Cells of a few pixels are not drawn; larger ones tell as well.
    return _typical(replace(life, radius=2 * life.radius), rng) / 2


def draw_walls(
    kind: Body, life: Life, rng: np.random.Generator, shape: tuple[int, int]
) -> Walls:
    """Draw traps for some of the yeast and channels for some of the rods."""
    if kind == "yeast" and rng.random() < 0.2:
        return draw_pillars(rng, shape, 2 * life.radius)
    if kind == "rods" and rng.random() < 0.12 and life.aspect < 5:
        return draw_channels(rng, shape, life.radius)
    return Walls()


def settle(
    kind: Body,
    life: Life,
    walls: Walls,
    rng: np.random.Generator,
    shape: tuple[int, int],
    n_cells: int,
) -> Cells:
    """Make the cells of the first frame, about `n_cells` of them in view."""
    extent = np.array(shape, float)
    if n_cells == 0:
        return new_cells(life, rng, np.zeros((0, 2)))
    if life.growth != "mitosis":
        return _colonies(life, walls, rng, extent, n_cells)
    places = (
        _grid(life, rng, extent, n_cells)
        if kind == "epithelium"
        else _scatter(life, rng, extent, n_cells)
    )
    cells = new_cells(life, rng, places)
    relax(life, cells, walls, 12)
    return cells


def _colonies(
    life: Life,
    walls: Walls,
    rng: np.random.Generator,
    extent: Floats,
    n_cells: int,
) -> Cells:
    """Let a few founders grow into colonies of `n_cells` cells together."""
    founders = max(1, round(n_cells / 2 ** rng.uniform(0, 7)))
    places = rng.uniform(0, 1, (founders, 2)) * extent
    if founders == 1:
        places = extent * rng.uniform(0.25, 0.75, (1, 2))
    channels = len(walls.channels)
    if channels:
        places = np.zeros((channels, 2))
        places[:, 0] = walls.closed + 2 * life.radius
        places[:, 1] = walls.channels[:, 0]
    elif len(walls.pillars):
        # Into the middle of each trap.
        places = walls.pillars[:, :2].reshape(-1, 2, 2).mean(axis=1)
    cells = new_cells(life, rng, places)
    if channels:
        cells.angle = np.pi / 2 + rng.normal(0, 0.1, channels)
        cells.length = np.minimum(cells.length, 3 * life.radius * life.aspect)
    for _ in range(120):
        if len(cells) >= n_cells:
            break
        cells = advance(life, cells, walls, rng, 0.1, 9, moving=False)
        if channels:
            cells = cells.take(cells.position[:, 0] < walls.mouth)
            if cells.position[:, 0].max() > 0.95 * min(walls.mouth, extent[0]):
                break
    relax(life, cells, walls, 10)
    return replace(cells, parent=np.zeros(len(cells), np.int64))


def _scatter(
    life: Life, rng: np.random.Generator, extent: Floats, n_cells: int
) -> Floats:
    """Places at random, some beside others, in the frame and around it."""
    margin = 3 * life.radius
    clustering = rng.choice([rng.uniform(0, 0.5), rng.uniform(0.5, 0.97)])
    total = round(n_cells * float(np.prod(extent + 2 * margin) / np.prod(extent)))
    near = 1.7 * life.radius
    places = np.zeros((0, 2))
    inside = 0
    for _ in range(total):
        within = inside < n_cells
        for _ in range(20):
            place = rng.uniform(-margin, extent + margin)
            if len(places) and rng.random() < clustering:
                turn = rng.uniform(0, 2 * np.pi)
                step = 1.1 * near * np.array([np.sin(turn), np.cos(turn)])
                place = places[rng.integers(len(places))] + step
            if within != bool(np.all((place >= 0) & (place < extent))):
                continue
            gaps = ((places - place) ** 2).sum(axis=1)
            if gaps.min(initial=np.inf) > near**2:
                break
        else:
            continue
        inside += bool(np.all((place >= 0) & (place < extent)))
        places = np.concatenate([places, place[None]])
    return places


def _grid(life: Life, rng: np.random.Generator, extent: Floats, n_cells: int) -> Floats:
    """Places of a sheet: side by side, as near as possible to one point."""
    step = 1.9 * life.radius
    margin = 3 * step
    y, x = np.meshgrid(
        np.arange(-margin, extent[0] + margin, step * 0.87),
        np.arange(-margin, extent[1] + margin, step),
        indexing="ij",
    )
    x = x + (np.arange(len(x)) % 2)[:, None] * step / 2
    places = np.stack([y.ravel(), x.ravel()], axis=1)
    places += rng.normal(0, 0.2 * step, places.shape)
    inside = np.all((places >= 0) & (places < extent), axis=1)
    if inside.sum() <= n_cells:
        return places
    centre = extent * rng.uniform(0, 1, 2)
    order = np.argsort(((places - centre) ** 2).sum(axis=1))
    last = np.flatnonzero(np.cumsum(inside[order]) >= n_cells)[0]
    return cast("Floats", places[order[: last + 1]])
