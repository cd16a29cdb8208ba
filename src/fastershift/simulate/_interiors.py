"""What is inside of simulated cells: thickness, nuclei, vacuoles, grains, texture."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from fastershift.simulate._draws import Floats, blobs, log_uniform, sample, spots
from fastershift.simulate._outlines import View
from fastershift.simulate._population import Cells, Life, rounded

__all__ = ["Relief", "interiors"]

_ATLAS = 256


@dataclass
class Relief:
    """The matter of the cells in one frame; maps of shape (Y, X) over the canvas.

    Attributes
    ----------
    inside : ndarray of bool
        Where there is a cell.
    height : ndarray of float32
        Thickness: about 1 in the middle of a flat cell, more in a round one.
    shade : ndarray of float32
        Brightness of the whole cell, about 1.
    texture : ndarray of float32
        Zero mean, about unit spread.
    grains : ndarray of float32
        Small round bodies, 0 to 3.
    nucleus : ndarray of float32
        0 outside to 1 inside of nuclei (nucleoids of bacteria, vacuoles of yeast).
    rim : ndarray of float32
        Distance to the edge of the cell or to a neighbour, pixels.
    round : ndarray of float32
        1 in cells about to divide, 0 in others.
    focus : ndarray of float32
        The cell's distance from the focal plane, standard normal.
    clutter : ndarray of float32
        Thickness of what is not a cell.
    """

    inside: Floats
    height: Floats
    shade: Floats
    texture: Floats
    grains: Floats
    nucleus: Floats
    rim: Floats
    round: Floats
    focus: Floats
    clutter: Floats


@dataclass(frozen=True)
class _Build:
    """How cells of a scene are built; shares of the radius unless said otherwise."""

    slope: float  # from the edge to full thickness
    power: float  # of the profile: small is flat with steep walls
    cleft: float  # depth of the furrow between neighbours, 0 to 1
    furrow: float  # its width, pixels
    bump: float  # how much thicker the middle is
    ball: float  # thickness of a rounded cell
    core: float  # radius of nuclei, length of nucleoids
    aside: float  # how far they lie from the middle
    lobes: int  # nucleoids of a rod
    inner: float  # where grains begin to fade
    volume: float  # how much thicker small cells are: 0 not, 2 as if all had one volume
    nucleoli: int  # dense bodies in a nucleus


def _build(life: Life, rng: np.random.Generator, *, nuclear: bool) -> _Build:
    solid = life.growth != "mitosis"
    return _Build(
        slope=1.0 if solid else log_uniform(rng, 0.06, 0.8),
        power=rng.uniform(0.2, 0.8),
        cleft=rng.uniform(0, 0.9) if solid else rng.uniform(0.0, 0.6),
        furrow=rng.uniform(0.6, 1.5),
        bump=0.0 if solid else rng.uniform(0, 1.5),
        ball=log_uniform(rng, 1.5, 8),
        core=rng.uniform(0.12, 0.35) if nuclear else rng.uniform(0.3, 0.6),
        aside=rng.uniform(0.0, 0.35) if nuclear or solid else 0.1,
        lobes=int(rng.integers(1, 3)),
        inner=rng.uniform(0.3, 1.2),
        volume=0.0 if solid else rng.uniform(0, 2),
        nucleoli=0 if solid else int(rng.integers(0, 4)),
    )


def interiors(
    life: Life, rng: np.random.Generator, *, nuclear: bool
) -> Callable[[View, Cells, Floats], Relief]:
    """Draw how the cells of a scene are built, and return what builds a frame.

    Parameters
    ----------
    life : Life
        What the cells have in common.
    rng : numpy.random.Generator
        Where draws come from.
    nuclear : bool
        Whether the bodies are nuclei: what lies in them then is a nucleolus.
    """
    build = _build(life, rng, nuclear=nuclear)
    unit = max(life.radius, 3.0)
    grain = blobs(rng, (_ATLAS, _ATLAS), max(0.8, unit * log_uniform(rng, 0.04, 0.3)))
    if rng.random() < 0.5:
        fine = blobs(rng, (_ATLAS, _ATLAS), max(0.7, 0.04 * unit))
        grain = 0.8 * grain + 0.6 * fine
    dots = spots(
        rng,
        _ATLAS,
        log_uniform(rng, 0.3, 6),
        max(0.7, unit * rng.uniform(0.03, 0.09)),
        rng.uniform(0.2, 0.8),
    )

    def frame(view: View, cells: Cells, clutter: Floats) -> Relief:
        return _relief(life, build, view, cells, (grain, dots), clutter)

    return frame


def _core(
    build: _Build,
    life: Life,
    cells: Cells,
    i: NDArray[np.int32],
    u: Floats,
    v: Floats,
) -> Floats:
    """Share of nucleus of each pixel of the cells `i`."""
    radius = cells.radius[i].astype(np.float32)
    if life.growth == "fission":
        long = np.maximum(cells.length[i] / 2 - 0.35 * radius, radius)
        units = cells.length[i] / life.aspect / 2 / radius
        lobes = build.lobes * np.maximum(np.round(units), 1)
        ripple = 0.25 * np.sin(3 * u / radius + cells.offset[i, 0])
        wave = 0.5 - 0.5 * np.cos(2 * np.pi * lobes * (u / long + 1) / 2 + ripple)
        wave = np.clip(wave * 1.6, 0, 1) * (np.abs(u) < long)
        thin = np.exp(-0.75 * (v / (0.55 * radius)) ** 2)
        return np.asarray(wave * thin, np.float32)
    turn = cells.offset[i, 0]
    y, x = (build.aside * radius * f(turn) for f in (np.sin, np.cos))
    size = build.core * radius * (0.85 + 0.3 * ((cells.offset[i, 1] * 7) % 1))
    far = np.hypot(u - x, v - y)
    return np.asarray(np.clip(0.5 + (size - far) / 1.6, 0, 1), np.float32)


def _rim(view: View) -> Floats:
    """Distance to the nearest pixel that borders on another cell."""
    owner = view.owner
    border = np.zeros(owner.shape, bool)
    for axis in (0, 1):
        one = owner[1:] if axis == 0 else owner[:, 1:]
        two = owner[:-1] if axis == 0 else owner[:, :-1]
        differ = (one != two) & (one > 0) & (two > 0)
        if axis == 0:
            border[1:] |= differ
            border[:-1] |= differ
        else:
            border[:, 1:] |= differ
            border[:, :-1] |= differ
    if not border.any():
        return np.full(owner.shape, 1e3, np.float32)
    return np.asarray(ndi.distance_transform_edt(~border), np.float32)


def _relief(
    life: Life,
    build: _Build,
    view: View,
    cells: Cells,
    textures: tuple[Floats, Floats],
    clutter: Floats,
) -> Relief:
    where = np.nonzero(view.owner)
    i = view.owner[where] - 1
    u, v, depth = view.along[where], view.across[where], view.depth[where]
    ball = rounded(life, cells)
    size = life.spill * cells.radius * (1 - life.shrink * ball)
    radius = size[i].astype(np.float32)
    contact = _rim(view)[where]
    if life.spill > 1:
        depth = np.minimum(depth, contact + 0.5)
    ball = ball[i].astype(np.float32)
    if life.growth != "mitosis":
        ball = 0 * ball
    x = np.clip(depth / (build.slope * radius), 0, 1)
    height = (1 - (1 - x) ** 2) ** np.float32(build.power)
    far = (u * u + v * v) / (0.5 * radius) ** 2
    height += build.bump * np.exp(-far) * x
    deep = np.clip(depth / (0.9 * radius), 0, 1)
    height *= (life.radius / cells.radius[i]) ** build.volume
    height = (1 - ball) * height + ball * build.ball * np.sqrt(1 - (1 - deep) ** 2)
    height *= 1 - build.cleft * np.exp(-((contact / build.furrow) ** 2) / 2)
    y0, x0 = cells.offset[i, 0], cells.offset[i, 1]
    texture = sample(textures[0], v + y0, u + x0)
    grains = sample(textures[1], v + y0, u + x0)
    fade = np.exp(-(((far / 4) / build.inner**2) ** 2)) * np.clip(
        depth / 1.5 - 0.5, 0, 1
    )
    calm = 1 - ball
    nucleus = _core(build, life, cells, i, u, v) * calm
    for n in range(build.nucleoli):
        turn = cells.offset[i, 1] + 2.4 * n
        away = 0.55 * build.core * radius
        near = (u - away * np.cos(turn)) ** 2 + (v - away * np.sin(turn)) ** 2
        spot = np.exp(-near / (2 * np.maximum(0.16 * build.core * radius, 0.7) ** 2))
        fade = np.maximum(fade, spot)
        grains = grains + 2 * spot * nucleus

    def spread(values: Floats) -> Floats:
        field = np.zeros(view.owner.shape, np.float32)
        field[where] = values
        return field

    return Relief(
        inside=(view.owner > 0).astype(np.float32),
        height=spread(height),
        shade=spread(cells.shade[i]),
        texture=spread(texture * calm),
        grains=spread(grains * fade),
        nucleus=spread(nucleus),
        rim=spread(np.minimum(depth, contact)),
        round=spread(ball),
        focus=spread(cells.focus[i]),
        clutter=clutter,
    )
