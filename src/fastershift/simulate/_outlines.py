"""From cells to the pixels they cover and to their own coordinates there."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from fastershift.simulate._draws import Floats
from fastershift.simulate._population import Cells, Life, rounded, spines

__all__ = ["View", "draw"]

_ANGLES = 256
_SMALLEST = 10  # pixels of a cell that counts as seen
_Window = tuple[slice, slice]


@dataclass
class View:
    """Which cell each pixel of a canvas shows, maps of shape (Y, X).

    Attributes
    ----------
    owner : ndarray of int32
        0 = none, i + 1 = cell number i. Each cell is connected.
    depth : ndarray of float32
        Distance to the cell's own outline, pixels; negative just outside.
    along, across : ndarray of float32
        The cell's own coordinates, pixels from its middle.
    """

    owner: NDArray[np.int32]
    depth: Floats
    along: Floats
    across: Floats


def _window(low: Floats, high: Floats, shape: tuple[int, int]) -> _Window | None:
    top = np.maximum(np.floor(low), 0).astype(int)
    end = np.minimum(np.ceil(high) + 1, shape).astype(int)
    if np.any(end <= top):
        return None
    return slice(top[0], end[0]), slice(top[1], end[1])


def _within(part: _Window, window: _Window) -> tuple[_Window, _Window]:
    """Cut a window to fit into another: counted from its corner, and from 0."""
    y, x = (
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(part, window, strict=True)
    )
    top, left = window[0].start, window[1].start
    local = slice(y.start - top, y.stop - top), slice(x.start - left, x.stop - left)
    return local, (y, x)


def _chain(
    points: Floats, widths: Floats, window: _Window
) -> tuple[Floats, Floats, Floats, Floats]:
    """Distance outside of a bent rod, its half width, and coordinates along it."""
    y, x = np.ogrid[window]
    y, x = y.astype(np.float32), x.astype(np.float32)
    best = np.full((y.size, x.size), np.inf, np.float32)
    along, across, half = (np.zeros_like(best) for _ in range(3))
    moves = np.diff(points, axis=0)
    steps = np.maximum(np.sqrt((moves**2).sum(axis=1)), 1e-6)
    starts = np.concatenate([[0], np.cumsum(steps)])
    middle = starts[-1] / 2
    for i, (move, step) in enumerate(zip(moves, steps, strict=True)):
        sy, sx = (np.float32(c) for c in move / step)
        dy, dx = y - np.float32(points[i, 0]), x - np.float32(points[i, 1])
        whole = dy * sy + dx * sx
        part = np.clip(whole, 0, np.float32(step))
        side = dy * sx - dx * sy
        end = whole - part
        distance = np.sqrt(side * side + end * end)
        wide = widths[i] + (widths[i + 1] - widths[i]) / step * part
        nearer = distance - wide < best
        np.copyto(best, distance - wide, where=nearer)
        np.copyto(half, wide, where=nearer)
        np.copyto(along, part + end + (starts[i] - middle), where=nearer)
        np.copyto(across, side, where=nearer)
    return best, half, along, across


def _radii(life: Life, cells: Cells) -> Floats:
    """Radius of each outline for every angle of its own axes, (N, 256)."""
    turn = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    ball = rounded(life, cells)
    ratio = 1 + (cells.length - 1) * (1 - ball) - life.plate * ball
    size = life.spill * cells.radius * (1 - life.shrink * ball)
    long, short = (size * np.sqrt(ratio))[:, None], (size / np.sqrt(ratio))[:, None]
    oval = long * short / np.hypot(short * np.cos(turn), long * np.sin(turn))
    orders = np.arange(2, 16)[:, None]
    wave = np.cos(orders * turn + cells.waves[:, 1, :, None])
    bumps = (cells.waves[:, 0, :, None] * wave).sum(axis=1) * (1 - ball)[:, None]
    return np.asarray(oval * np.clip(1 + bumps, 0.4, 1.8))


def _star(
    radii: Floats, angle: float, position: Floats, window: _Window
) -> tuple[Floats, Floats, Floats, Floats]:
    """Distance outside of a closed outline, its radius, and own coordinates."""
    y, x = np.ogrid[window]
    dy, dx = (y - position[0]).astype(np.float32), (x - position[1]).astype(np.float32)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = dx * cos + dy * sin, dy * cos - dx * sin
    place = (np.arctan2(v, u) * np.float32(_ANGLES / (2 * np.pi))) % _ANGLES
    below = place.astype(np.int32) % _ANGLES
    share = place - np.floor(place)
    radius = radii.astype(np.float32)
    following = np.roll(radius, -1)
    own = radius[below] * (1 - share) + following[below] * share
    slope = (following - np.roll(radius, 1)) * (_ANGLES / (4 * np.pi))
    steep = 1 / np.sqrt(1 + (slope / radius) ** 2)
    return (np.hypot(u, v) - own) * steep[below], own, u, v


def _arms(cells: Cells, i: int, calm: float) -> list[tuple[Floats, Floats]]:
    """Points along each process of cell `i`, and half widths there."""
    made = []
    along = np.linspace(0, 1, 6)
    for angle, reach, turn, girth in cells.arms[i]:
        if reach <= 0 or calm < 0.1:
            continue
        heading = cells.angle[i] + angle + turn * (along[1:] + along[:-1]) / 2
        step = reach * calm * cells.radius[i] / 5
        moves = step * np.stack([np.sin(heading), np.cos(heading)], axis=1)
        points = cells.position[i] + np.concatenate([np.zeros((1, 2)), moves.cumsum(0)])
        wide = cells.radius[i] * min(girth, 0.9)
        widths = wide * (1 - along) ** (0.6 + abs(turn))
        made.append((points, np.maximum(widths, 0.9)))
    return made


def _melt(level: Floats, outside: Floats, soft: float) -> None:
    """Lower a distance to that of a union with soft corners (a smooth minimum)."""
    share = np.clip(0.5 + 0.5 * (level - outside) / soft, 0, 1)
    level += share * (outside - level) - soft * share * (1 - share)


def _bodies(
    life: Life, cells: Cells, margin: int, shape: tuple[int, int]
) -> Iterator[tuple[int, _Window, tuple[Floats, Floats, Floats, Floats]]]:
    """Each cell in view: its window and its pixels there."""
    if life.growth == "fission":
        chains = spines(life, cells) + margin
        for i, points in enumerate(chains):
            reach = cells.radius[i] + 2
            window = _window(points.min(0) - reach, points.max(0) + reach, shape)
            if window is not None:
                widths = np.full(life.nodes, cells.radius[i])
                yield i, window, _chain(points, widths, window)
        return
    calm = 1 - rounded(life, cells)
    radii = _radii(life, cells)
    for i, place in enumerate(cells.position + margin):
        reach = radii[i].max() + 2
        low, high = place - reach, place + reach
        arms = [(p + margin, w) for p, w in _arms(cells, i, calm[i])]
        for points, widths in arms:
            low = np.minimum(low, points.min(0) - widths.max() - 2)
            high = np.maximum(high, points.max(0) + widths.max() + 2)
        window = _window(low, high, shape)
        if window is None:
            continue
        outside, half, u, v = _star(radii[i], cells.angle[i], place, window)
        if not arms:
            yield i, window, (outside, half, u, v)
            continue
        soft = 0.25 * float(cells.radius[i])
        for points, widths in arms:
            wide = widths.max() + soft + 2
            low, high = points.min(0) - wide, points.max(0) + wide
            part = _window(low, high, shape)
            if part is not None:
                local, part = _within(part, window)
                _melt(outside[local], _chain(points, widths, part)[0], soft)
        yield i, window, (outside, np.full_like(half, cells.radius[i]), u, v)


def draw(life: Life, cells: Cells, shape: tuple[int, int], margin: int) -> View:
    """Draw cells on a canvas; where they overlap, the one with the deeper inside wins.

    Parameters
    ----------
    life : Life
        What the cells have in common.
    cells : Cells
        All cells; their places count from the corner of the frame.
    shape : (int, int)
        Height and width of the frame.
    margin : int
        By how much the canvas is wider than the frame, on each side.
    """
    wide = (shape[0] + 2 * margin, shape[1] + 2 * margin)
    excess = np.full(wide, 0.6, np.float32)
    depth, along, across = (np.zeros(wide, np.float32) for _ in range(3))
    depth -= 2
    owner = np.zeros(wide, np.int32)
    extents: dict[int, _Window] = {}
    for i, window, (outside, half, u, v) in _bodies(life, cells, margin, wide):
        level = outside / half
        wins = level < excess[window]
        np.copyto(excess[window], level, where=wins)
        np.copyto(owner[window], i + 1, where=wins)
        np.copyto(depth[window], -outside, where=wins)
        np.copyto(along[window], u, where=wins)
        np.copyto(across[window], v, where=wins)
        extents[i] = window
    owner[depth <= 0] = 0
    view = View(owner, depth, along, across)
    inner = (slice(margin, margin + shape[0]), slice(margin, margin + shape[1]))
    for i, window in extents.items():
        _keep_largest(view, i + 1, window, inner)
    return view


def _keep_largest(view: View, number: int, window: _Window, inner: _Window) -> None:
    """Drop what is cut off from a cell, first on the canvas, then in the frame."""
    _drop(view, view.owner[window], number, window)
    ends = zip(window, inner, strict=True)
    y, x = (slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in ends)
    inside = (window[0].start >= inner[0].start, window[1].start >= inner[1].start)
    within = all(inside) and all(
        a.stop <= b.stop for a, b in zip(window, inner, strict=True)
    )
    if not within and y.stop > y.start and x.stop > x.start:
        _drop(view, view.owner[y, x], number, (y, x))


def _drop(view: View, owner: NDArray[np.int32], number: int, window: _Window) -> None:
    pieces, count = ndi.label(owner == number)
    if count == 0:
        return
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    gone = pieces > 0
    if sizes.max() >= _SMALLEST:
        gone &= pieces != np.argmax(sizes)
    if gone.any():
        owner[gone] = 0
        view.depth[window][gone] = -2
