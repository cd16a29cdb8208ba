"""Artificial movies of cells whose labels, tracks and lineage are known exactly."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from fastershift.errors import InputError

__all__ = ["Kind", "SimulatedMovie", "simulate_movie"]

Kind: TypeAlias = Literal["nuclei", "phase", "dic", "elongated"]
_Floats: TypeAlias = NDArray[np.floating[Any]]
_TEXTURE = 33  # side of a cell's own texture, which moves and turns with it


@dataclass(frozen=True)
class SimulatedMovie:
    """A movie and its exact truth.

    Attributes
    ----------
    frames : ndarray of uint16, shape (T, Y, X)
        What the microscope would show.
    labels : ndarray of int32, shape (T, Y, X)
        Track number of every pixel, 0 = background. The piece of a track in a frame is
        connected, and a track has no gaps.
    tracks : tuple of (id, first, last, parent)
        First and last frame counted from 0, both included; parent 0 = none. A parent
        ends before its children begin.
    """

    frames: NDArray[np.uint16]
    labels: NDArray[np.int32]
    tracks: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True)
class _Scene:
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


@dataclass
class _Cell:
    position: _Floats
    velocity: _Floats
    radius: float  # right after division
    elongation: float
    angle: float
    age: float
    cycle: float
    brightness: float
    waves: _Floats  # amplitude and phase of the outline's harmonics, (2, 4)
    texture: _Floats
    processes: _Floats  # angle, length in radii, bend; one row per process
    track: int = 0  # 0 while out of view
    parent: int = 0

    @property
    def condensation(self) -> float:
        """1 around a division, 0 in interphase."""
        return float(
            np.clip(max(1 - (self.cycle - self.age - 1) / 2, 1 - self.age / 2), 0, 1)
        )

    @property
    def size(self) -> float:
        """Radius now: the area doubles over a cycle."""
        return self.radius * float(np.sqrt(1 + min(self.age / self.cycle, 1)))


@dataclass
class _Frame:
    """The light of one frame before the camera; maps of shape (Y, X)."""

    labels: NDArray[np.int32]
    signal: _Floats  # brightness or thickness of the cells
    detail: _Floats  # their texture
    rounded: _Floats  # share of roundness (mitosis)


def _texture(rng: np.random.Generator) -> _Floats:
    """Zero-mean blotches of unit spread with a few round dark spots."""
    noise = rng.normal(size=(_TEXTURE, _TEXTURE))
    blotches = ndi.gaussian_filter(noise, rng.uniform(1.2, 3.0))
    blotches /= blotches.std()
    y, x = np.mgrid[-1.3 : 1.3 : _TEXTURE * 1j, -1.3 : 1.3 : _TEXTURE * 1j]
    for _ in range(rng.integers(0, 4)):
        cy, cx = rng.uniform(-0.6, 0.6, 2)
        width = rng.uniform(0.1, 0.22)
        blotches -= 2 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
    return np.asarray(blotches - blotches.mean())


def _new_cell(
    scene: _Scene, rng: np.random.Generator, position: _Floats, age: float | None = None
) -> _Cell:
    cycle = scene.cycle * rng.uniform(0.75, 1.35)
    amplitude = scene.roughness * rng.normal(size=4) / np.arange(2, 6)
    count = int(rng.integers(2, 5)) if scene.kind == "elongated" else 0
    start = rng.uniform(0, 2 * np.pi)
    angles = start + np.arange(count) * 2 * np.pi / max(count, 1)
    return _Cell(
        position=position,
        velocity=rng.normal(scale=scene.speed, size=2),
        radius=scene.radius / np.sqrt(1.5) * rng.uniform(0.8, 1.2),
        elongation=1 + abs(rng.normal(scale=scene.elongation)),
        angle=rng.uniform(0, np.pi),
        age=rng.uniform(0, cycle) if age is None else age,
        cycle=cycle,
        brightness=float(np.clip(rng.lognormal(-0.1, 0.45), 0.2, 3.0)),
        waves=np.stack([amplitude, rng.uniform(0, 2 * np.pi, 4)]),
        texture=_texture(rng),
        processes=np.stack(
            [
                angles + rng.normal(scale=0.4, size=count),
                rng.uniform(1.3, 3.5, count),
                rng.normal(scale=0.5, size=count),
            ],
            axis=1,
        ),
    )


def _repel(cells: list[_Cell], contact: float) -> None:
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


def _populate(scene: _Scene, rng: np.random.Generator, n_cells: int) -> list[_Cell]:
    """Place cells in the field of view and, at the same density, around it."""
    extent = np.array(scene.shape, float)
    margin = 3 * scene.radius
    ratio = np.prod(extent + 2 * margin) / np.prod(extent)
    clustering = rng.uniform(0, 0.6)
    places: list[_Floats] = []
    cells: list[_Cell] = []
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


def _divide(cell: _Cell, rng: np.random.Generator) -> list[_Cell]:
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
            texture=_texture(rng),
            processes=cell.processes * rng.uniform(0.7, 1.2, cell.processes.shape),
            track=0,
            parent=cell.track,
        )
        daughters.append(daughter)
    return daughters


def _advance(
    scene: _Scene, cells: list[_Cell], rng: np.random.Generator
) -> list[_Cell]:
    """Let a frame's time pass: growth, division, death, motion, change of shape."""
    following: list[_Cell] = []
    for cell in cells:
        if rng.random() < scene.death:
            continue
        cell.age += 1
        cell.parent = 0
        following += _divide(cell, rng) if cell.age >= cell.cycle else [cell]
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
    reach = np.array(scene.shape) + 5 * scene.radius
    return [
        c
        for c in following
        if np.all((-5 * scene.radius < c.position) & (c.position < reach))
    ]


def _process_level(cell: _Cell, size: float, y: _Floats, x: _Floats) -> _Floats:
    """Distance to the nearest process over its half width; below 1 is inside."""
    width = np.full(y.shape, np.nan)
    for angle, length, bend in cell.processes:
        reach = length * (1 - 0.8 * cell.condensation)
        along = np.linspace(0, 1, int(4 * reach * size) + 2)
        turn = cell.angle + angle + bend * along
        py = cell.position[0] + reach * size * along * np.sin(turn)
        px = cell.position[1] + reach * size * along * np.cos(turn)
        rows = np.round(py - y[0, 0]).astype(int)
        columns = np.round(px - x[0, 0]).astype(int)
        seen = (rows >= 0) & (rows < y.shape[0]) & (columns >= 0)
        seen &= columns < y.shape[1]
        half = np.maximum(0.28 * size * (1 - along) ** 0.7, 1.1)
        width[rows[seen], columns[seen]] = half[seen]
    if np.isnan(width).all():
        return np.full(y.shape, np.inf)
    distance, (row, column) = ndi.distance_transform_edt(
        np.isnan(width), return_indices=True
    )
    return np.asarray(distance / width[row, column])


def _outline(
    scene: _Scene, cell: _Cell
) -> tuple[tuple[slice, slice], _Floats, _Floats, _Floats] | None:
    """Window, level (below 1 is inside) and the cell's own two coordinates."""
    condensed = cell.condensation
    size, elongation = cell.size, cell.elongation
    if scene.kind == "nuclei":
        size *= 1 - 0.3 * condensed
        elongation += 0.8 * condensed
    else:
        size *= 1 - 0.15 * condensed
        elongation = 1 + (elongation - 1) * (1 - condensed)
    long, short = size * np.sqrt(elongation), size / np.sqrt(elongation)
    reach = long * 1.4
    if len(cell.processes):
        reach = max(reach, size * (cell.processes[:, 1].max() + 0.5))
    low = np.maximum(np.floor(cell.position - reach), 0).astype(int)
    high = np.minimum(np.ceil(cell.position + reach) + 1, scene.shape).astype(int)
    if np.any(high <= low):
        return None
    window = (slice(low[0], high[0]), slice(low[1], high[1]))
    y, x = np.mgrid[window].astype(float)
    dy, dx = y - cell.position[0], x - cell.position[1]
    u = (dx * np.cos(cell.angle) + dy * np.sin(cell.angle)) / long
    v = (dy * np.cos(cell.angle) - dx * np.sin(cell.angle)) / short
    turn = np.arctan2(v, u)
    bumps = np.ones_like(u)
    for order, (amplitude, phase) in enumerate(cell.waves.T, start=2):
        bumps += (1 - condensed) * amplitude * np.cos(order * turn + phase)
    level = np.hypot(u, v) / np.maximum(bumps, 0.4)
    if len(cell.processes):
        level = np.minimum(level, _process_level(cell, size, y, x))
    return window, level, u, v


def _largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces, count = ndi.label(mask)
    if count < 2:
        return mask
    return np.asarray(pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]))


def _expose(scene: _Scene, cells: list[_Cell], next_track: int) -> tuple[_Frame, int]:
    """Draw the cells in view; where they overlap, the nearer centre wins."""
    nearest = np.ones(scene.shape)
    owner = np.zeros(scene.shape, np.int32)
    outlines = []
    for number, cell in enumerate(cells, start=1):
        outline = _outline(scene, cell)
        if outline is None:
            cell.track = 0
            continue
        window, level, u, v = outline
        wins = level < nearest[window]
        nearest[window][wins] = level[wins]
        owner[window][wins] = number
        outlines.append((number, cell, window, level, u, v))
    frame = _Frame(
        np.zeros(scene.shape, np.int32), *(np.zeros(scene.shape) for _ in range(3))
    )
    least = max(12.0, 0.08 * np.pi * scene.radius**2)
    for number, cell, window, level, u, v in outlines:
        mask = _largest_piece(owner[window] == number)
        if mask.sum() < least:
            cell.track = 0
            continue
        if not cell.track:
            cell.track, next_track = next_track, next_track + 1
        frame.labels[window][mask] = cell.track
        _draw(frame, cell, window, mask, level, u, v)
    return frame, next_track


def _draw(
    frame: _Frame,
    cell: _Cell,
    window: tuple[slice, slice],
    mask: NDArray[np.bool_],
    level: _Floats,
    u: _Floats,
    v: _Floats,
) -> None:
    dome = np.sqrt(np.clip(1 - level**2, 0, 1))
    where = (np.stack([v, u]) / 1.3 + 1) * (_TEXTURE - 1) / 2
    texture = ndi.map_coordinates(cell.texture, where, order=1, mode="nearest")
    calm = 1 - cell.condensation
    frame.signal[window][mask] = ((0.55 + 0.45 * dome) * cell.brightness)[mask]
    frame.detail[window][mask] = (texture * dome * calm)[mask]
    frame.rounded[window][mask] = 1 - calm


def _blobs(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> _Floats:
    """Draw a smooth random field of zero mean and unit spread."""
    noise = ndi.gaussian_filter(rng.normal(size=shape), sigma, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std())


def _optics_nuclei(
    scene: _Scene, rng: np.random.Generator
) -> Callable[[_Frame], _Floats]:
    texture, background = rng.uniform(0.03, 0.22), rng.uniform(0.05, 0.35)
    haze, blur = rng.uniform(0, 0.2), rng.uniform(0.5, 1.6)
    bright, cloud = rng.uniform(0.6, 1.6), rng.uniform(0, 0.15) * background
    cloudiness = cloud * _blobs(rng, scene.shape, 2 * scene.radius)

    def image(frame: _Frame) -> _Floats:
        light = frame.signal * np.maximum(1 + texture * frame.detail, 0.3)
        light = light * (1 + bright * frame.rounded)
        out_of_focus = haze * ndi.gaussian_filter(light, scene.radius)
        sharp = ndi.gaussian_filter(light + background + cloudiness, blur)
        return np.asarray(sharp + out_of_focus)

    return image


def _optics_elongated(
    scene: _Scene, rng: np.random.Generator
) -> Callable[[_Frame], _Floats]:
    contrast, texture = rng.uniform(0.15, 0.7), rng.uniform(0.05, 0.3)
    blur = rng.uniform(0.6, 1.5)
    cloudiness = rng.uniform(0, 0.04) * _blobs(rng, scene.shape, scene.radius)

    def image(frame: _Frame) -> _Floats:
        inside = frame.labels > 0
        depth = ndi.distance_transform_edt(inside)
        body = np.minimum(depth / (0.6 * scene.radius), 1)
        light = frame.signal * (0.35 + 0.65 * body) * (1 + texture * frame.detail)
        light = light * (1 + 0.8 * frame.rounded)
        sharp = ndi.gaussian_filter(contrast * light, blur)
        return np.asarray(1 + cloudiness + sharp)

    return image


def _edges(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels of cells that touch something else, 4-connected."""
    least = ndi.grey_erosion(labels, footprint=ndi.generate_binary_structure(2, 1))
    most = ndi.grey_dilation(labels, footprint=ndi.generate_binary_structure(2, 1))
    return np.asarray((labels > 0) & ((least != labels) | (most != labels)))


def _optics_phase(
    scene: _Scene, rng: np.random.Generator
) -> Callable[[_Frame], _Floats]:
    dark, halo = rng.uniform(-0.1, 0.45), rng.uniform(0.3, 0.9)
    rim, texture = rng.uniform(0.1, 0.5), rng.uniform(0.04, 0.14)
    width, blur = scene.radius * rng.uniform(0.2, 0.45), rng.uniform(0.5, 1.0)
    bright = rng.uniform(0.3, 1.0)
    speckle = rng.uniform(0.01, 0.05) * _blobs(rng, scene.shape, rng.uniform(1, 3))

    def image(frame: _Frame) -> _Floats:
        inside = frame.labels > 0
        body = np.where(inside, np.sqrt(np.maximum(frame.signal, 0)), 0)
        spread = ndi.gaussian_filter(body, width + 1)
        light = 1 + speckle - dark * body + halo * np.where(inside, 0.4, 1) * spread
        light = light + texture * frame.detail - rim * _edges(frame.labels)
        light = light + bright * frame.rounded * inside
        return np.asarray(ndi.gaussian_filter(np.maximum(light, 0.05), blur))

    return image


def _optics_dic(scene: _Scene, rng: np.random.Generator) -> Callable[[_Frame], _Floats]:
    shear, relief = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.6)
    grain, texture = rng.uniform(0.01, 0.03), rng.uniform(0.1, 0.35)
    blur = rng.uniform(0.7, 1.3)
    floor = grain * _blobs(rng, scene.shape, 1.5)

    def image(frame: _Frame) -> _Floats:
        edge = ndi.distance_transform_edt((frame.labels > 0) & ~_edges(frame.labels))
        height = np.minimum(edge, 0.5 * scene.radius) ** 0.5
        height = height + texture * frame.detail * np.minimum(edge, 3) / 3
        height = height * (1 + 0.8 * frame.rounded)
        dy, dx = (ndi.gaussian_filter(height, blur, order=o) for o in ((1, 0), (0, 1)))
        slope = np.sin(shear) * dy + np.cos(shear) * dx
        return np.asarray(1 + floor + relief * np.tanh(1.5 * slope))

    return image


_OPTICS = {
    "nuclei": _optics_nuclei,
    "phase": _optics_phase,
    "dic": _optics_dic,
    "elongated": _optics_elongated,
}


def _camera(
    scene: _Scene, rng: np.random.Generator, noise: float
) -> Callable[[int, _Floats], NDArray[np.uint16]]:
    """Uneven light, fading, shot noise, read noise and the counts of a camera."""
    fluorescent = scene.kind in ("nuclei", "elongated")
    fading = rng.uniform(0, 0.02) if fluorescent else 0.0
    y, x = np.mgrid[-1 : 1 : scene.shape[0] * 1j, -1 : 1 : scene.shape[1] * 1j]
    tilt, bowl = rng.uniform(0, 2 * np.pi), rng.uniform(-0.15, 0.15)
    slope = rng.uniform(0, 0.2)
    lamp = 1 + slope * (y * np.sin(tilt) + x * np.cos(tilt)) - bowl * (y**2 + x**2)
    photons = np.exp(rng.uniform(np.log(60), np.log(1500))) * (1 if fluorescent else 3)
    read = rng.uniform(0.5, 4)
    gain, offset = np.exp(rng.uniform(-1, 2.5)), rng.uniform(0, 300)

    def expose(t: int, light: _Floats) -> NDArray[np.uint16]:
        expected = np.maximum(light * lamp * photons * np.exp(-fading * t), 0)
        shot = rng.poisson(expected) - expected
        electrons = expected + noise * (shot + read * rng.normal(size=light.shape))
        counts = np.clip(np.round(gain * electrons + offset), 0, 65535)
        return np.asarray(counts, np.uint16)

    return expose


def _scene(
    kind: Kind,
    shape: tuple[int, int],
    diameter: float,
    cell_cycle: float | None,
    death: float,
    rng: np.random.Generator,
) -> _Scene:
    elongation = {"nuclei": 0.3, "phase": 0.5, "dic": 0.35, "elongated": 0.9}[kind]
    roughness = {"nuclei": 0.1, "phase": 0.25, "dic": 0.35, "elongated": 0.3}[kind]
    return _Scene(
        kind=kind,
        shape=shape,
        radius=diameter / 2,
        cycle=rng.uniform(18, 45) if cell_cycle is None else cell_cycle,
        death=death,
        speed=diameter * rng.uniform(0.02, 0.12),
        persistence=rng.uniform(0.2, 0.9),
        contact=rng.uniform(0.8, 1.0),
        elongation=elongation * rng.uniform(0.5, 1.5),
        roughness=roughness * rng.uniform(0.5, 1.5),
    )


def _check(
    n_frames: int, shape: tuple[int, int], n_cells: int, diameter: float, kind: str
) -> None:
    if kind not in get_args(Kind):
        known = ", ".join(get_args(Kind))
        raise InputError(f"There is no kind of movie '{kind}'; choose one of {known}.")
    if n_frames < 1 or n_cells < 0 or len(shape) != 2 or min(shape) < 16:
        raise InputError(
            "A simulated movie needs at least one frame of 16 × 16 pixels and no "
            "negative number of cells."
        )
    if not 4 <= diameter <= 4 * min(shape):
        raise InputError(
            "The cell diameter must be at least 4 pixels and at most 4 frame widths."
        )


def simulate_movie(
    n_frames: int = 10,
    shape: tuple[int, int] = (256, 256),
    n_cells: int = 12,
    *,
    diameter: float = 22.0,
    kind: Kind = "nuclei",
    seed: int = 0,
    cell_cycle: float | None = None,
    death: float = 0.0,
    noise: float = 1.0,
) -> SimulatedMovie:
    """Make a movie of moving, growing and dividing cells together with its truth.

    How it looks (contrast, texture, blur, uneven light, fading, noise, how fast cells
    move, how much they crowd) is drawn anew for every seed::

        nuclei      ( o  O  8 )   bright grainy discs, some dim; a dividing one is small
                                  and bright, then two that move apart
        phase       ((o)(O)(o))   crowded dark bodies with a bright halo and speckle
        dic         ◐ ◐ ◐         large cells as a relief, lit from one side
        elongated   ~<O>~~        faint bodies with long thin processes

    Parameters
    ----------
    n_frames : int
        Number of frames, at least 1.
    shape : (int, int)
        Height and width of a frame in pixels, at least 16 each.
    n_cells : int
        About how many cells are in view in the first frame.
    diameter : float
        Typical diameter of a cell (of its body, for ``"elongated"``) in pixels, >= 4.
    kind : {"nuclei", "phase", "dic", "elongated"}
        What kind of microscopy it resembles.
    seed : int
        The same seed and arguments give the same movie.
    cell_cycle : float, optional
        Frames from division to division, drawn between 18 and 45 by default;
        ``float("inf")`` for no divisions.
    death : float
        Chance that a cell dies, per cell and frame.
    noise : float
        Strength of shot and read noise; 0 is a noiseless movie.

    Returns
    -------
    SimulatedMovie

    Raises
    ------
    InputError
        For an unknown kind or impossible sizes.

    Examples
    --------
    >>> movie = simulate_movie(n_frames=3, shape=(64, 64), n_cells=2, seed=1)
    >>> movie.frames.shape, movie.labels.dtype
    ((3, 64, 64), dtype('int32'))
    """
    _check(n_frames, shape, n_cells, diameter, kind)
    rng = np.random.default_rng(seed)
    scene = _scene(kind, shape, diameter, cell_cycle, death, rng)
    cells = _populate(scene, rng, n_cells)
    optics, camera = _OPTICS[kind](scene, rng), _camera(scene, rng, noise)
    spans: dict[int, tuple[int, int, int]] = {}
    frames, labels = [], []
    next_track = 1
    for t in range(n_frames):
        if t:
            cells = _advance(scene, cells, rng)
        exposed, next_track = _expose(scene, cells, next_track)
        for cell in cells:
            if cell.track:
                first, _, parent = spans.get(cell.track, (t, t, cell.parent))
                spans[cell.track] = (first, t, parent)
        frames.append(camera(t, optics(exposed)))
        labels.append(exposed.labels)
    return SimulatedMovie(
        frames=np.stack(frames),
        labels=np.stack(labels),
        tracks=tuple((track, *span) for track, span in sorted(spans.items())),
    )
