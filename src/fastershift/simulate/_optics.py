"""From simulated cells to labels and to the light that reaches the camera."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from fastershift.simulate._cells import Cell, Floats, Scene

__all__ = ["OPTICS", "Frame", "camera", "expose"]


@dataclass
class Frame:
    """The light of one frame before the camera; maps of shape (Y, X)."""

    labels: NDArray[np.int32]
    signal: Floats  # brightness or thickness of the cells
    detail: Floats  # their texture
    rounded: Floats  # share of roundness (mitosis)


def _process_level(cell: Cell, size: float, y: Floats, x: Floats) -> Floats:
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
        half = np.maximum(0.45 * size * (1 - along) ** 0.8, 1.1)
        width[rows[seen], columns[seen]] = half[seen]
    if np.isnan(width).all():
        return np.full(y.shape, np.inf)
    distance, (row, column) = ndi.distance_transform_edt(
        np.isnan(width), return_indices=True
    )
    return np.asarray(distance / width[row, column])


def _outline(
    scene: Scene, cell: Cell
) -> tuple[tuple[slice, slice], Floats, Floats, Floats] | None:
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


def expose(scene: Scene, cells: list[Cell], next_track: int) -> tuple[Frame, int]:
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
    frame = Frame(
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
    frame: Frame,
    cell: Cell,
    window: tuple[slice, slice],
    mask: NDArray[np.bool_],
    level: Floats,
    u: Floats,
    v: Floats,
) -> None:
    dome = np.sqrt(np.clip(1 - level**2, 0, 1))
    where = (np.stack([v, u]) / 1.3 + 1) * (len(cell.texture) - 1) / 2
    texture = ndi.map_coordinates(cell.texture, where, order=1, mode="nearest")
    calm = 1 - cell.condensation
    frame.signal[window][mask] = ((0.55 + 0.45 * dome) * cell.brightness)[mask]
    frame.detail[window][mask] = (texture * dome * calm)[mask]
    frame.rounded[window][mask] = 1 - calm


def _blobs(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Floats:
    """Draw a smooth random field of zero mean and unit spread."""
    noise = ndi.gaussian_filter(rng.normal(size=shape), sigma, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std())


def _optics_nuclei(scene: Scene, rng: np.random.Generator) -> Callable[[Frame], Floats]:
    texture, background = rng.uniform(0.05, 0.3), rng.uniform(0.05, 0.35)
    haze, blur = rng.uniform(0, 0.2), rng.uniform(0.5, 1.6)
    bright, cloud = rng.uniform(0.6, 1.6), rng.uniform(0, 0.15) * background
    cloudiness = cloud * _blobs(rng, scene.shape, 2 * scene.radius)

    def image(frame: Frame) -> Floats:
        light = frame.signal * np.maximum(1 + texture * frame.detail, 0.3)
        light = light * (1 + bright * frame.rounded)
        out_of_focus = haze * ndi.gaussian_filter(light, scene.radius)
        sharp = ndi.gaussian_filter(light + background + cloudiness, blur)
        return np.asarray(sharp + out_of_focus)

    return image


def _optics_elongated(
    scene: Scene, rng: np.random.Generator
) -> Callable[[Frame], Floats]:
    contrast, texture = rng.uniform(0.15, 0.7), rng.uniform(0.05, 0.3)
    blur = rng.uniform(0.6, 1.5)
    cloudiness = rng.uniform(0, 0.04) * _blobs(rng, scene.shape, scene.radius)

    def image(frame: Frame) -> Floats:
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


def _optics_phase(scene: Scene, rng: np.random.Generator) -> Callable[[Frame], Floats]:
    dark, halo = rng.uniform(0.1, 0.45), rng.uniform(0.3, 0.9)
    if rng.random() < 0.4:  # a thick cell shines and has a dark surround
        dark, halo = -rng.uniform(0.5, 1.2), -rng.uniform(0.2, 0.5)
    rim, texture = rng.uniform(0.0, 0.4), rng.uniform(0.04, 0.14)
    width, blur = scene.radius * rng.uniform(0.2, 0.45), rng.uniform(0.5, 1.0)
    bright = rng.uniform(0.3, 1.0)
    speckle = rng.uniform(0.01, 0.04) * _blobs(rng, scene.shape, rng.uniform(1, 3))

    def image(frame: Frame) -> Floats:
        inside = frame.labels > 0
        depth = ndi.distance_transform_edt(inside & ~_edges(frame.labels))
        thick = np.minimum(depth / (0.7 * scene.radius), 1)
        body = np.where(inside, np.sqrt(np.maximum(frame.signal, 0)), 0)
        body = body * (1 - frame.rounded) * (0.5 + 0.5 * thick)
        spread = ndi.gaussian_filter(body + frame.rounded, width + 1)
        light = 1 + speckle - dark * body + halo * np.where(inside, 0.4, 1) * spread
        light = light + texture * frame.detail - rim * _edges(frame.labels)
        light = light + bright * frame.rounded * (0.4 + thick)
        return np.asarray(ndi.gaussian_filter(np.maximum(light, 0.05), blur))

    return image


def _optics_dic(scene: Scene, rng: np.random.Generator) -> Callable[[Frame], Floats]:
    shear, relief = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.8)
    floor = rng.uniform(0.005, 0.02) * _blobs(rng, scene.shape, 1.5)
    organelles, texture = rng.uniform(0.1, 0.5), rng.uniform(0.3, 1.0)
    blur, wall = rng.uniform(1.0, 1.6), rng.uniform(0.08, 0.25) * scene.radius

    def image(frame: Frame) -> Floats:
        edge = ndi.distance_transform_edt((frame.labels > 0) & ~_edges(frame.labels))
        height = 1 - np.exp(-edge / wall)
        rough = organelles * ndi.gaussian_filter(rng.normal(size=scene.shape), 1.0)
        height = height * (1 + rough + 0.1 * texture * frame.detail)
        height = height * (1 + frame.rounded) + 0.3 * np.minimum(frame.signal, 1)
        dy, dx = (ndi.gaussian_filter(height, blur, order=o) for o in ((1, 0), (0, 1)))
        slope = np.sin(shear) * dy + np.cos(shear) * dx
        return np.asarray(1 + floor + relief * np.tanh(3 * slope))

    return image


OPTICS = {
    "nuclei": _optics_nuclei,
    "phase": _optics_phase,
    "dic": _optics_dic,
    "elongated": _optics_elongated,
}


def camera(
    scene: Scene, rng: np.random.Generator, noise: float
) -> Callable[[int, Floats], NDArray[np.uint16]]:
    """Uneven light, fading, shot noise, read noise and the counts of a camera."""
    fluorescent = scene.kind in ("nuclei", "elongated")
    fading = rng.uniform(0, 0.02) if fluorescent else 0.0
    y, x = np.mgrid[-1 : 1 : scene.shape[0] * 1j, -1 : 1 : scene.shape[1] * 1j]
    tilt, bowl = rng.uniform(0, 2 * np.pi), rng.uniform(-0.15, 0.15)
    slope = rng.uniform(0, 0.2)
    lamp = 1 + slope * (y * np.sin(tilt) + x * np.cos(tilt)) - bowl * (y**2 + x**2)
    photons = np.exp(rng.uniform(np.log(60), np.log(1500))) * (1 if fluorescent else 3)
    read = rng.uniform(0.5, 4)
    # Counts for light of 1; the brightest cells stay below the camera's 65,535.
    level, offset = np.exp(rng.uniform(np.log(150), np.log(9000))), rng.uniform(0, 300)
    gain = level / photons

    def expose(t: int, light: Floats) -> NDArray[np.uint16]:
        expected = np.maximum(light * lamp * photons * np.exp(-fading * t), 0)
        shot = rng.poisson(expected) - expected
        electrons = expected + noise * (shot + read * rng.normal(size=light.shape))
        counts = np.clip(np.round(gain * electrons + offset), 0, 65535)
        return np.asarray(counts, np.uint16)

    return expose
