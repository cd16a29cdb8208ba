"""The cells of a simulated scene as arrays, and what happens to them in time."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fastershift.simulate._draws import Floats
from fastershift.simulate._walls import Walls

__all__ = ["Cells", "Life", "advance", "new_cells", "relax", "rounded", "spines"]


@dataclass(frozen=True)
class Life:
    """What all cells of a scene have in common; lengths in pixels, times in frames."""

    growth: str  # "fission" of rods, "budding" of yeast, "mitosis" of all others
    radius: float  # half the width of a rod; mean radius of any other cell
    aspect: float  # length over width
    spread: float  # how much radii differ: sigma of their logarithm
    wave: float  # roughness of outlines, share of the radius
    ruffle: float  # how much of it is in fine waves: 0 smooth to 1
    bend: float  # how much spines bend, radians
    arms: tuple[int, int]  # fewest and most processes
    reach: tuple[float, float]  # their lengths, in radii
    girth: float  # their width at the base, share of the radius
    rate: float  # cell cycles per frame
    mitosis: float  # frames a cell is round before and after a division
    shrink: float  # how much smaller it looks then, share of the radius
    plate: float  # how flat it is then, 0 to 0.7
    speed: float  # pixels per frame
    persistence: float
    contact: float  # cells repel below this share of the sum of their radii
    swell: float  # how evenly a colony widens while its cells grow, 0 to 1
    cohesion: float  # share of the way to the middle of its colony that a cell is drawn
    filaments: float  # share of cells that skip divisions
    jitter: float  # how far daughters turn from the axis of a dividing rod, radians
    nodes: int  # points along a spine
    tint: float  # how much cells differ in brightness: sigma of its logarithm
    spill: float  # outlines are wider by this factor: 1, or more where cells fill gaps


@dataclass
class Cells:
    """All cells of a scene; arrays of shape (N, ...)."""

    position: Floats
    velocity: Floats
    angle: Floats
    radius: Floats
    length: Floats  # from end to end of a rod; ratio of axes of any other cell
    bend: Floats  # (N, 2): as a C and as an S, radians
    waves: Floats  # (N, 2, 14): amplitude and phase of the outline's harmonics
    arms: Floats  # (N, A, 4): angle, reach in radii (0 = none), turn, girth
    full: Floats  # radius of a yeast cell that is grown up
    age: Floats  # in cell cycles
    limit: Floats  # age at which it divides
    tempo: Floats
    shade: Floats  # own brightness
    focus: Floats  # distance from the focal plane, standard normal
    offset: Floats  # (N, 2): place in the texture
    clan: NDArray[np.int64]  # colony
    track: NDArray[np.int64]  # 0 while out of view
    parent: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.angle)

    def take(self, which: NDArray[Any]) -> "Cells":
        """Choose some of the cells, by a mask or by numbers."""
        return Cells(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    def joined(self, other: "Cells") -> "Cells":
        """All cells of both."""
        return Cells(
            **{
                f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
                for f in fields(self)
            }
        )


def new_cells(life: Life, rng: np.random.Generator, position: Floats) -> Cells:
    """Make grown cells of any age at the places `position` (N, 2)."""
    n = len(position)
    age = rng.uniform(0, 1, n)
    radius = life.radius * np.exp(rng.normal(0, life.spread, n))
    full = radius.copy()
    if life.growth == "fission":
        radius = life.radius * np.exp(rng.normal(0, life.spread / 3, n))
        length = 2 * radius * life.aspect * np.exp(rng.normal(0, life.spread, n))
        length = np.maximum(length * 2 ** (age - 0.5), 2.2 * radius)
    else:
        length = 1 + (life.aspect - 1) * np.abs(rng.normal(1, 0.5, n))
        if life.growth == "mitosis":
            radius = radius * 2 ** ((age - 0.5) / 2)
    most = max(life.arms[1], 1)
    count = rng.integers(life.arms[0], life.arms[1] + 1, n)
    arms = np.zeros((n, most, 4))
    arms[..., 0] = 2 * np.pi * np.arange(most) / np.maximum(count, 1)[:, None]
    arms[..., 0] += rng.normal(0, 0.3, (n, most))
    arms[..., 1] = rng.uniform(*life.reach, (n, most))
    arms[..., 2] = rng.normal(0, 0.4, (n, most))
    arms[..., 3] = life.girth * rng.uniform(0.6, 1.4, (n, most))
    arms[np.arange(most)[None] >= count[:, None], 1] = 0
    falls = 1.8 - life.ruffle
    amplitude = life.wave * rng.normal(size=(n, 14)) / np.arange(1, 15) ** falls
    return Cells(
        position=np.array(position, float).reshape(n, 2),
        velocity=rng.normal(0, life.speed, (n, 2)),
        angle=rng.uniform(0, 2 * np.pi, n),
        radius=radius,
        length=length,
        bend=rng.normal(0, life.bend, (n, 2)),
        waves=np.stack([amplitude, rng.uniform(0, 2 * np.pi, (n, 14))], axis=1),
        arms=arms,
        full=full,
        age=age,
        limit=_limits(life, rng, n),
        tempo=rng.uniform(0.75, 1.3, n),
        # Dimmer cells could not be seen, and would be false ground truth.
        shade=np.clip(np.exp(rng.normal(0, life.tint, n)), 0.12, 8),
        focus=rng.normal(size=n),
        offset=rng.uniform(0, 256, (n, 2)),
        clan=np.arange(n),
        track=np.zeros(n, np.int64),
        parent=np.zeros(n, np.int64),
    )


def _limits(life: Life, rng: np.random.Generator, n: int) -> Floats:
    limit = np.maximum(rng.normal(1, 0.06, n), 0.7)
    skipped = rng.random(n) < life.filaments
    return np.where(skipped, rng.uniform(1.5, 2.5, n), limit)


def rounded(life: Life, cells: Cells) -> Floats:
    """How round a cell is for its division: 1 around it, 0 in interphase."""
    pace = np.maximum(life.rate * cells.tempo, 1e-9)
    before = 1 - ((cells.limit - cells.age) / pace - 1) / life.mitosis
    after = 1 - cells.age / pace / life.mitosis
    return np.asarray(np.clip(np.maximum(before, after), 0, 1))


def spines(life: Life, cells: Cells) -> Floats:
    """Points along the axis of each cell, (N, nodes, 2)."""
    n = life.nodes
    if n == 1:
        return cells.position[:, None]
    along = np.linspace(-0.5, 0.5, n)
    between = (along[1:] + along[:-1]) / 2
    turn = cells.bend[:, :1] * between + cells.bend[:, 1:] * (
        np.cos(2 * np.pi * between) * 0.5
    )
    heading = cells.angle[:, None] + turn
    reach = cells.length - 2 * cells.radius if life.growth == "fission" else 0
    step = np.maximum(reach, 0)[:, None, None] / (n - 1)
    moves = step * np.stack([np.sin(heading), np.cos(heading)], axis=-1)
    points = np.concatenate(
        [np.zeros((len(cells), 1, 2)), np.cumsum(moves, axis=1)], axis=1
    )
    centred = points - points.mean(axis=1, keepdims=True)
    return np.asarray(centred + cells.position[:, None])


def relax(life: Life, cells: Cells, walls: Walls, rounds: int) -> None:
    """Let cells that lie too deep in each other push each other apart and turn."""
    n, k = len(cells), life.nodes
    for _ in range(rounds if n else 0):
        points = spines(life, cells)
        force = _contacts(life, cells, points.reshape(-1, 2)).reshape(n, k, 2)
        force = force + walls.push(points, cells.radius, cells.clan)
        touched = (np.abs(force).sum(axis=2) > 0).sum(axis=1)
        if not touched.any():
            return
        shift = force.sum(axis=1) / np.maximum(touched, min(2, k))[:, None]
        limit = 0.5 * cells.radius[:, None]
        cells.position = cells.position + np.clip(shift, -limit, limit)
        if k == 1:
            continue
        arm = points - cells.position[:, None]
        torque = (arm[..., 1] * force[..., 0] - arm[..., 0] * force[..., 1]).sum(1)
        turn = torque / ((arm**2).sum(axis=(1, 2)) + cells.radius**2)
        cells.angle = cells.angle + np.clip(1.5 * turn, -0.2, 0.2)


def _contacts(life: Life, cells: Cells, points: Floats) -> Floats:
    """Shift of each point of all spines, (N * nodes, 2), away from other cells."""
    n, k = len(cells), life.nodes
    radius = np.repeat(cells.radius, k)
    far = 2 * life.contact * cells.radius.max()
    pairs = cKDTree(points).query_pairs(far, output_type="ndarray")
    one, two = pairs[pairs[:, 0] // k != pairs[:, 1] // k].T
    offset = points[one] - points[two]
    distance = np.sqrt((offset**2).sum(axis=1)) + 1e-6
    depth = np.maximum(life.contact * (radius[one] + radius[two]) - distance, 0)
    push = offset * (0.5 * depth / distance)[:, None]
    return np.stack(
        [
            np.bincount(one, push[:, i], n * k) - np.bincount(two, push[:, i], n * k)
            for i in (0, 1)
        ],
        axis=-1,
    )


def _split(life: Life, cells: Cells, rng: np.random.Generator) -> Cells:
    """Both daughters of each of these cells."""
    n = len(cells)
    axis = np.stack([np.sin(cells.angle), np.cos(cells.angle)], axis=1)
    daughters: list[Cells] = []
    apart: Floats
    share = np.clip(rng.normal(0.5, 0.03, n), 0.4, 0.6)
    for side in (-1, 1):
        own = share if side < 0 else 1 - share
        made = replace(
            cells,
            age=np.maximum(rng.normal(0, 0.02, n), 0),
            limit=_limits(life, rng, n),
            tempo=np.clip(cells.tempo * rng.uniform(0.9, 1.1, n), 0.6, 1.5),
            shade=cells.shade * np.exp(rng.normal(0, 0.08, n)),
            offset=rng.uniform(0, 256, (n, 2)),
            parent=cells.track.copy(),
            track=np.zeros(n, np.int64),
        )
        if life.growth == "fission":
            made.length = np.maximum(cells.length * own, 2.05 * cells.radius)
            apart = (cells.length - made.length) / 2
            made.angle = cells.angle + side * cells.bend[:, 0] / 4
            made.angle += rng.normal(0, life.jitter, n)
            made.bend = cells.bend * 0.5 + rng.normal(0, 0.3 * life.bend, (n, 2))
        elif life.growth == "budding":
            turn = cells.angle + rng.normal(0, 0.7, n) + np.pi * rng.integers(0, 2, n)
            axis = np.stack([np.sin(turn), np.cos(turn)], axis=1)
            if side < 0:
                apart = np.zeros(n)
                made.offset = cells.offset
            else:
                small = rng.uniform(0.3, 0.5, n)
                made.full = life.radius * np.exp(rng.normal(0, life.spread, n))
                made.radius = cells.radius * small
                made.age = -rng.uniform(0.2, 0.6, n)
                made.angle = turn
                apart = cells.radius * (1 + 0.75 * small)
        else:
            made.radius = cells.radius * np.sqrt(own)
            apart = 0.75 * made.radius
            made.velocity = 0.3 * cells.velocity + (
                side * 0.2 * cells.radius[:, None] * axis
            )
            made.arms = cells.arms * rng.uniform(0.7, 1.3, cells.arms.shape)
            made.angle = cells.angle + rng.normal(0, 0.3, n)
        made.position = cells.position + side * apart[:, None] * axis
        daughters.append(made)
    return daughters[0].joined(daughters[1])


def _grow(life: Life, cells: Cells, step: Floats) -> None:
    if life.growth == "fission":
        cells.length = cells.length * 2**step
    elif life.growth == "budding":
        cells.radius = cells.radius + (cells.full - cells.radius) * (
            1 - np.exp(-3 * step)
        )
    else:
        cells.radius = cells.radius * 2 ** (step / 2)


def _widen(life: Life, cells: Cells, rate: float) -> None:
    """Move the cells of a colony away from its middle while they grow."""
    size = np.bincount(cells.clan)
    middle = (
        np.stack(
            [np.bincount(cells.clan, cells.position[:, i]) for i in (0, 1)], axis=-1
        )
        / np.maximum(size, 1)[:, None]
    )
    many = size[cells.clan] > 3
    away = (cells.position - middle[cells.clan]) * many[:, None]
    growth = life.swell * (2 ** (rate / 2) - 1)
    cells.position = cells.position + away * (growth - life.cohesion * rate)


def advance(
    life: Life,
    cells: Cells,
    walls: Walls,
    rng: np.random.Generator,
    rate: float,
    rounds: int,
    *,
    moving: bool = True,
) -> Cells:
    """Let time pass: growth, division, motion and contact.

    Parameters
    ----------
    life : Life
        What the cells have in common.
    cells : Cells
        The cells before; their arrays are replaced, not written to.
    walls : Walls
        What cells cannot enter.
    rng : numpy.random.Generator
        Where draws come from.
    rate : float
        Cell cycles that pass.
    rounds : int
        How often cells push each other apart.
    moving : bool
        Whether they move and change their shape, too.
    """
    cells = replace(cells, parent=np.zeros(len(cells), np.int64))
    step = rate * cells.tempo
    cells.age = cells.age + step
    _grow(life, cells, step)
    if rate:
        _widen(life, cells, rate)
        ready = cells.age >= cells.limit
        if ready.any():
            cells = cells.take(~ready).joined(_split(life, cells.take(ready), rng))
    if moving:
        n = len(cells)
        keep = life.persistence
        kick = rng.normal(0, life.speed, (n, 2))
        cells.velocity = keep * cells.velocity + np.sqrt(1 - keep**2) * kick
        cells.position = cells.position + cells.velocity
        cells.angle = cells.angle + rng.normal(0, 0.03, n)
        cells.bend = cells.bend + rng.normal(0, 0.1 * life.bend, (n, 2))
        cells.waves = cells.waves * rng.normal(1, 0.05, cells.waves.shape)
        cells.arms = cells.arms * rng.normal(1, 0.05, cells.arms.shape)
        cells.shade = cells.shade * np.exp(rng.normal(0, 0.03, n))
        cells.focus = 0.97 * cells.focus + 0.24 * rng.normal(size=n)
    relax(life, cells, walls, rounds)
    return cells
