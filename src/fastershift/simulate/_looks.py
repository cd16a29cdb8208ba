"""From the matter of cells to the light of a frame: what each microscope shows."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from scipy import ndimage as ndi

from fastershift.simulate import _lens
from fastershift.simulate._draws import Floats, blobs, log_uniform
from fastershift.simulate._interiors import Relief
from fastershift.simulate._population import Life

__all__ = ["Look", "Optics", "choose_optics", "draw_look"]

Look: TypeAlias = Callable[[Relief], Floats]
Optics: TypeAlias = Literal[
    "usual", "any", "phase", "brightfield", "dic", "fluorescence", "quantitative"
]
_USUAL: dict[str, dict[str, float]] = {
    "rods": {"phase": 0.65, "fluorescence": 0.2, "brightfield": 0.15},
    "yeast": {"brightfield": 0.5, "phase": 0.4, "dic": 0.05, "fluorescence": 0.05},
    "adherent": {"phase": 0.7, "dic": 0.2, "quantitative": 0.05, "fluorescence": 0.05},
    "epithelium": {"fluorescence": 0.7, "phase": 0.25, "dic": 0.05},
    "embryo": {"fluorescence": 1.0},
    "clumps": {"fluorescence": 1.0},
    "cells": {"fluorescence": 0.5, "quantitative": 0.5},
}


def choose_optics(kind: str, asked: str, rng: np.random.Generator) -> str:
    """Draw a microscope: of those usual for a kind, or of all."""
    if asked == "usual":
        shares = _USUAL[kind]
        return str(rng.choice(list(shares), p=list(shares.values())))
    if asked == "any":
        known = ["phase", "brightfield", "dic", "fluorescence", "quantitative"]
        return str(rng.choice(known))
    return asked


def draw_look(
    kind: str, optics: str, life: Life, rng: np.random.Generator, shape: tuple[int, int]
) -> Look:
    """Draw how a scene looks.

    Parameters
    ----------
    kind : str
        Kind of cells.
    optics : str
        Kind of microscope.
    life : Life
        What the cells have in common.
    rng : numpy.random.Generator
        Where draws come from.
    shape : (int, int)
        Height and width of the canvas.

    Returns
    -------
    callable
        Makes the light of a frame, (Y, X), from a `Relief`. Empty background is 1 in
        transmitted light.
    """
    if optics == "fluorescence":
        return _fluorescence(kind, life, rng, shape)
    matter = _matter(kind, life, rng, shape, optics)
    if optics == "quantitative":
        return _quantitative(matter, rng, shape)
    lens = {
        "phase": _lens.phase_contrast,
        "brightfield": _lens.brightfield,
        "dic": _lens.dic,
    }[optics](shape, rng, 2 * life.radius)

    def look(relief: Relief) -> Floats:
        return lens(*matter(relief))

    return look


def _matter(
    kind: str,
    life: Life,
    rng: np.random.Generator,
    shape: tuple[int, int],
    optics: str,
) -> Callable[[Relief], tuple[Floats, Floats]]:
    """Draw how cells delay and weaken light."""
    solid = life.growth != "mitosis"
    # Light delayed by more than a quarter of a wave makes dark cells bright again.
    flat, full = ((0.4, 3.0), (0.4, 3.0)) if solid else ((0.15, 0.9), (0.9, 5.0))
    delay = log_uniform(rng, *(full if rng.random() < 0.3 else flat))
    if optics in ("dic", "brightfield"):
        delay *= rng.uniform(1, 2.5)
    varied = rng.uniform(0, 1)
    texture = log_uniform(rng, 0.02, 0.25)
    nucleus = rng.normal(0, 0.25 if kind == "yeast" else 0.12)
    grains = rng.choice([-1, 1, 1]) * log_uniform(rng, 0.02, 0.8)
    wall, width = rng.normal(0, 0.15), rng.uniform(0.7, 1.5)
    # What cells scatter out of the objective is lost; most of it in bright field.
    most = 0.25 if optics == "brightfield" else 0.05
    loss = rng.choice([0.0, rng.uniform(0, most)])
    dirt = rng.uniform(0.3, 2)
    rough = delay * log_uniform(rng, 0.003, 0.12)
    floor = rough * blobs(rng, shape, log_uniform(rng, 0.7, 6))
    uneven = delay * rng.uniform(0, 0.15) * blobs(rng, shape, 1.5 * life.radius)

    def matter(relief: Relief) -> tuple[Floats, Floats]:
        own = 1 + varied * (relief.shade - 1)
        body = relief.height * np.where(relief.inside > 0, own, 0)
        body = body * (1 + texture * relief.texture + nucleus * relief.nucleus)
        body = body + relief.inside * grains * relief.grains
        body = body + relief.inside * wall * np.exp(-((relief.rim / width) ** 2))
        body = body + dirt * relief.clutter
        return delay * body + floor + uneven, loss * relief.height

    return matter


def _quantitative(
    matter: Callable[[Relief], tuple[Floats, Floats]],
    rng: np.random.Generator,
    shape: tuple[int, int],
) -> Look:
    blur = rng.uniform(0.6, 2.0)
    cloud = rng.uniform(0, 0.05) * blobs(rng, shape, log_uniform(rng, 8, 60))
    base = rng.uniform(0.1, 0.6)

    def look(relief: Relief) -> Floats:
        phase, _ = matter(relief)
        seen = ndi.gaussian_filter(phase, blur) + cloud
        return np.asarray(base + np.maximum(seen, -0.9 * base))

    return look


def _stain(
    kind: str, life: Life, rng: np.random.Generator
) -> Callable[[Relief], Floats]:
    """Draw what shines: nuclei, whole cells or their membranes."""
    texture, grains = rng.uniform(0.02, 0.35), rng.choice([0.0, rng.uniform(0, 0.8)])
    flat = rng.uniform(0, 1)
    width = max(0.8, life.radius * rng.uniform(0.03, 0.12))
    if kind in ("embryo", "clumps"):
        hole, bright = rng.choice([0.0, rng.uniform(0.1, 0.7)]), rng.uniform(0.3, 1.5)
        sign = rng.choice([-0.6, 1.0])

        def nuclei(relief: Relief) -> Floats:
            full = flat + (1 - flat) * np.minimum(relief.height, 1.5)
            full = full * (1 + texture * relief.texture + sign * grains * relief.grains)
            full = full * (1 + bright * relief.round)
            full = np.maximum(full * (1 - hole * relief.nucleus), 0.05)
            return np.asarray(full * relief.shade)

        return nuclei
    membrane = rng.random() < {"epithelium": 0.75}.get(kind, 0.15)
    nucleus = rng.normal(0, 0.4) if kind != "rods" else rng.choice([0, 0.5, 1, 3])
    share = rng.uniform(0.02, 0.4) if membrane else 1.0

    def cells(relief: Relief) -> Floats:
        full = flat + (1 - flat) * np.minimum(relief.height, 2.5)
        full = full * (1 + texture * relief.texture + grains * relief.grains)
        full = np.maximum(full * (1 + nucleus * relief.nucleus), 0)
        if membrane:
            line = relief.inside * np.exp(-((relief.rim / width) ** 2) / 2)
            full = share * full + line
        return np.asarray(full * relief.shade)

    return cells


def _fluorescence(
    kind: str, life: Life, rng: np.random.Generator, shape: tuple[int, int]
) -> Look:
    stain = _stain(kind, life, rng)
    dense = kind == "embryo"
    background = log_uniform(rng, 0.02, 0.6)
    sharp = rng.uniform(0.5, 1.3) + life.radius * rng.choice([0, rng.uniform(0, 0.1)])
    wide = life.radius * rng.uniform(0.3, 1.5)
    haze = rng.uniform(0.1, 0.6) if dense else rng.choice([0, rng.uniform(0, 0.35)])
    depth = rng.uniform(0, 0.2 if dense else 0.12) * (dense or rng.random() < 0.5)
    cloud = rng.uniform(0, 0.5) * background * blobs(rng, shape, 2 * life.radius)
    # Cells that lie far above or below: shapeless light without truth.
    ghosts = blobs(rng, shape, life.radius * rng.uniform(0.5, 1.2))
    dirt = rng.choice([0.0, log_uniform(rng, 0.1, 3)])
    ghosts = np.maximum(ghosts - rng.uniform(0, 1.5), 0) * rng.uniform(0, 0.35) * dense

    def look(relief: Relief) -> Floats:
        light = stain(relief) + dirt * np.maximum(relief.clutter, 0)
        if depth:
            shift = np.minimum(np.abs(relief.focus), 2)
            near, far = light * (shift < 0.8), light * (shift >= 0.8)
            blurred = ndi.gaussian_filter(near, sharp)
            blurred += ndi.gaussian_filter(far, sharp + 2 * depth * life.radius)
        else:
            blurred = ndi.gaussian_filter(light, sharp)
        out = (1 - haze) * blurred + haze * ndi.gaussian_filter(light, wide)
        return np.asarray(np.maximum(out + background + cloud + ghosts, 0))

    return look
