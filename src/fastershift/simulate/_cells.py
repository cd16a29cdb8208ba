"""The cells of a simulated movie: how they look, move, grow, divide and die."""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

__all__ = ["Cell", "Floats", "Kind", "Scene", "advance", "populate"]

Kind: TypeAlias = Literal["nuclei", "phase", "dic", "elongated"]
Floats: TypeAlias = NDArray[np.floating[Any]]
_TEXTURE = 65  # side of a cell's own texture, which moves and turns with it


@dataclass(frozen=True)
class Scene:
    """What is the same for all cells and frames of one movie."""

    kind: Kind
    shape: tuple[int, int]
    radius: float  # of a cell in the middle of its cycle, pixels
    cycle: float  # frames from division to division
    death: float  # chance per cell and frame
    speed: float  # pixels per frame
    persistence: float
    contact: float  # cells repel below this share of the sum of their radii
    elongation: float
    roughness: float
    grain: float  # width of the texture's blotches, share of its side
    processes: tuple[int, int]  # fewest and most thin processes per cell
    reach: tuple[float, float]  # their shortest and longest length, in radii
    mitosis: float  # frames a cell is round before and after a division


@dataclass
class Cell:
    position: Floats
    velocity: Floats
    radius: float  # right after division
    elongation: float
    angle: float
    age: float
    cycle: float
    brightness: float
    waves: Floats  # amplitude and phase of the outline's harmonics, (2, 4)
    texture: Floats
    processes: Floats  # angle, length in radii, bend; one row per process
    mitosis: float
    track: int = 0  # 0 while out of view
    parent: int = 0

    @property
    def condensation(self) -> float:
        """1 around a division, 0 in interphase."""
        before = 1 - (self.cycle - self.age - 1) / self.mitosis
        return float(np.clip(max(before, 1 - self.age / self.mitosis), 0, 1))

    @property
    def size(self) -> float:
        """Radius now: the area doubles over a cycle."""
        return self.radius * float(np.sqrt(1 + min(self.age / self.cycle, 1)))


def _texture(rng: np.random.Generator, grain: float) -> Floats:
    """Zero-mean blotches of unit spread, with a few dark or bright spots."""
    noise = rng.normal(size=(_TEXTURE, _TEXTURE))
    blotches = ndi.gaussian_filter(noise, grain * _TEXTURE)
    blotches /= blotches.std()
    y, x = np.mgrid[-1.3 : 1.3 : _TEXTURE * 1j, -1.3 : 1.3 : _TEXTURE * 1j]
    for _ in range(rng.integers(0, 5)):
        cy, cx = rng.uniform(-0.6, 0.6, 2)
        width = rng.uniform(0.08, 0.2)
        spot = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
        blotches += rng.choice([-2.5, 2.5]) * spot
    return np.asarray(blotches - blotches.mean())


def _new_cell(scene: Scene, rng: np.random.Generator, position: Floats) -> Cell:
    cycle = scene.cycle * rng.uniform(0.75, 1.35)
    amplitude = scene.roughness * rng.normal(size=4) / np.arange(1, 5)
    count = int(rng.integers(scene.processes[0], scene.processes[1] + 1))
    angles = np.arange(count) * 2 * np.pi / max(count, 1)
    return Cell(
        position=position,
        velocity=rng.normal(scale=scene.speed, size=2),
        radius=scene.radius / np.sqrt(1.5) * rng.uniform(0.8, 1.2),
        elongation=1 + abs(rng.normal(scale=scene.elongation)),
        angle=rng.uniform(0, np.pi),
        age=rng.uniform(0, min(cycle, 1e6)),
        cycle=cycle,
        brightness=float(np.clip(rng.lognormal(-0.1, 0.45), 0.2, 3.0)),
        waves=np.stack([amplitude, rng.uniform(0, 2 * np.pi, 4)]),
        texture=_texture(rng, scene.grain),
        processes=np.stack(
            [
                angles + rng.normal(scale=0.25, size=count),
                rng.uniform(*scene.reach, count),
                rng.normal(scale=0.5, size=count),
            ],
            axis=1,
        ),
        mitosis=scene.mitosis,
    )


def _repel(cells: list[Cell], contact: float) -> None:
    """Push apart, by half of their overlap, cells that lie too deep in each other."""
    if len(cells) < 2:
        return
    position = np.stack([cell.position for cell in cells])
    size = np.array([cell.size for cell in cells])
    offset = position[:, None] - position[None]
    distance = np.linalg.norm(offset, axis=2)
    np.fill_diagonal(distance, np.inf)
    overlap = np.maximum(contact * (size[:, None] + size[None]) - distance, 0)
    push = offset / np.maximum(distance, 1e-3)[..., None] * overlap[..., None] / 4
    for cell, shift in zip(cells, push.sum(axis=1), strict=True):
        cell.position = cell.position + shift


def populate(scene: Scene, rng: np.random.Generator, n_cells: int) -> list[Cell]:
    """Place cells in the field of view and, at the same density, around it."""
    extent = np.array(scene.shape, float)
    margin = 3 * scene.radius
    ratio = np.prod(extent + 2 * margin) / np.prod(extent)
    clustering = rng.uniform(0, 0.6)
    places: list[Floats] = []
    cells: list[Cell] = []
    inside = 0
    total = round(n_cells * float(ratio))
    while len(cells) < total:
        within = inside < n_cells
        for _ in range(30):
            place = rng.uniform(-margin, extent + margin)
            if places and rng.random() < clustering:
                turn = rng.uniform(0, 2 * np.pi)
                step = 1.9 * scene.radius * np.array([np.sin(turn), np.cos(turn)])
                place = places[rng.integers(len(places))] + step
            if within != bool(np.all((place >= 0) & (place < extent))):
                continue
            gaps = [float(np.linalg.norm(place - other)) for other in places]
            if min(gaps, default=np.inf) > 1.7 * scene.radius:
                break
        inside += within
        places.append(place)
        cells.append(_new_cell(scene, rng, place))
    for _ in range(10):
        _repel(cells, scene.contact)
    return cells


def _divide(scene: Scene, cell: Cell, rng: np.random.Generator) -> list[Cell]:
    """Two daughters on either side of the metaphase plate."""
    across = np.array([np.cos(cell.angle), -np.sin(cell.angle)])
    daughters = []
    for side in (-1, 1):
        daughter = replace(
            cell,
            position=cell.position + side * cell.radius * 0.75 * across,
            velocity=cell.velocity * 0.3 + side * cell.radius * 0.25 * across,
            radius=cell.radius * rng.uniform(0.92, 1.06),
            angle=cell.angle + rng.normal(scale=0.15),
            age=0.0,
            cycle=cell.cycle * rng.uniform(0.85, 1.2),
            brightness=cell.brightness * rng.uniform(0.85, 1.1),
            texture=_texture(rng, scene.grain),
            processes=cell.processes * rng.uniform(0.7, 1.2, cell.processes.shape),
            track=0,
            parent=cell.track,
        )
        daughters.append(daughter)
    return daughters


def advance(scene: Scene, cells: list[Cell], rng: np.random.Generator) -> list[Cell]:
    """Let a frame's time pass: growth, division, death, motion, change of shape."""
    following: list[Cell] = []
    for cell in cells:
        if rng.random() < scene.death:
            continue
        cell.age += 1
        cell.parent = 0
        following += _divide(scene, cell, rng) if cell.age >= cell.cycle else [cell]
    for cell in following:
        kick = rng.normal(scale=scene.speed, size=2)
        keep = scene.persistence
        cell.velocity = keep * cell.velocity + np.sqrt(1 - keep**2) * kick
        cell.position = cell.position + cell.velocity
        cell.angle += rng.normal(scale=0.06)
        cell.elongation = max(1.0, cell.elongation * rng.normal(1, 0.03))
        cell.brightness *= rng.normal(1, 0.03)
        cell.waves = cell.waves * rng.normal(1, 0.05, (2, 4))
        cell.processes = cell.processes * rng.normal(1, 0.06, cell.processes.shape)
    for _ in range(2):
        _repel(following, scene.contact)
    margin = 5 * scene.radius
    far = np.array(scene.shape) + margin
    return [
        cell
        for cell in following
        if np.all((cell.position > -margin) & (cell.position < far))
    ]
