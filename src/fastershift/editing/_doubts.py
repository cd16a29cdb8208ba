"""Doubtful places, the worst first, each with its reason."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from fastershift.editing._cells import Cell, Cells
from fastershift.editing._propagate import PairVectors
from fastershift.editing._region import Region
from fastershift.editing._vectors import FrameVectors, Vectors

__all__ = ["Doubt", "DoubtKind", "find_doubts"]

DoubtKind: TypeAlias = Literal[
    "unsure", "margin", "linking", "area", "begins", "ends", "lone daughter", "merge"
]

# Below this mean probability of its pixels a cell may not be one.
_UNSURE = 0.65

# Below this mean margin between the best and the second mode a cell is doubtful.
_MARGIN = 0.25

# Below this overlap with what the embedding makes of it, a link is doubtful.
_LINKING = 0.5

# Beyond this ratio of areas from frame to frame a cell is doubtful.
_AREA = 1.6

# A cell is at the border when its rectangle is within so many pixels of it.
_BORDER = 2

# A track merges into another one when that one covers this share of its last cell.
_COVERED = 0.5

# Pixels of a cell whose embedding is looked at.
_SAMPLE = 64

# Modes of this many of the nearest cells are compared.
_NEAREST = 8


@dataclass(frozen=True)
class Doubt:
    """A place to look at.

    Attributes
    ----------
    key : str
        The same whenever the same doubt is found again.
    frame : int
        Where it is.
    y, x : float
        Its centre in pixels of the frame.
    tracks : tuple of int
        Cells it is about.
    kind : str
        What is doubtful.
    reason : str
        One sentence.
    score : float
        How doubtful, 0 to 1.
    """

    key: str
    frame: int
    y: float
    x: float
    tracks: tuple[int, ...]
    kind: DoubtKind
    reason: str
    score: float


def find_doubts(
    cells: Cells, pairs: PairVectors | None = None
) -> Iterator[float | tuple[Doubt, ...]]:
    """Look for doubtful places.

    Parameters
    ----------
    cells : Cells
        Labels and tracks.
    pairs : callable, optional
        Embeddings of frames t and t + 1; without them only areas, tracks and divisions
        are looked at.

    Yields
    ------
    float or tuple of Doubt
        The share of the frames that were looked at, 0 to 1, each a place to stop; at
        last the doubts, the worst first. Locked cells are beyond doubt.
    """
    doubts: list[Doubt] = []
    count = len(cells)
    for frame in range(count):
        with cells.guard:
            doubts += _of_tracks(cells, frame)
        if pairs is not None and frame < count - 1:
            vectors = None
            for vectors in pairs(frame):
                if vectors is None:
                    yield frame / count
            if vectors is not None:
                with cells.guard:
                    here, there = _Scene.of(cells, frame), _Scene.of(cells, frame + 1)
                doubts += _of_embeddings(here, there, *vectors)
        yield (frame + 1) / count
    yield tuple(sorted(doubts, key=lambda one: (-one.score, one.frame, one.tracks)))


def _doubt(
    frame: int,
    cell: Cell,
    tracks: tuple[int, ...],
    kind: DoubtKind,
    reason: str,
    score: float,
) -> Doubt:
    key = f"{kind} {frame} {'+'.join(map(str, tracks))}"
    score = min(max(score, 0.0), 1.0)
    return Doubt(key, frame, cell.y, cell.x, tracks, kind, reason, score)


def _of_tracks(cells: Cells, frame: int) -> Iterator[Doubt]:
    """Find what is doubtful without looking at embeddings."""
    here = cells.frame(frame)
    locked = cells.locked.get(frame, set())
    before = cells.frame(frame - 1) if frame else {}
    for label, cell in here.items():
        if label in locked:
            continue
        track = cells.tracks[label]
        if label in before:
            ratio = cell.area / before[label].area
            if max(ratio, 1 / ratio) > _AREA:
                verb = "grows" if ratio > 1 else "shrinks"
                reason = (
                    f"Cell {label} {verb} from {before[label].area} to {cell.area} "
                    f"pixels in one frame."
                )
                score = 0.5 + 0.25 * abs(math.log2(ratio)) - 0.17
                yield _doubt(frame, cell, (label,), "area", reason, score)
        inside = not _at_border(cells, cell)
        if frame and track.first == frame:
            siblings = cells.successors(track.parent) if track.parent else ()
            if not track.parent and inside:
                reason = f"Cell {label} appears away from the border, without a parent."
                yield _doubt(frame, cell, (label,), "begins", reason, 0.7)
            elif siblings == (label,):
                reason = f"Cell {label} is the only daughter of {track.parent}."
                tracks = (track.parent, label)
                yield _doubt(frame, cell, tracks, "lone daughter", reason, 0.75)
        if frame < len(cells) - 1 and track.last == frame:
            yield from _endings(cells, frame, label, cell, inside)


def _endings(
    cells: Cells, frame: int, label: int, cell: Cell, inside: bool
) -> Iterator[Doubt]:
    """Find tracks that end without daughters, or in another cell."""
    if cells.successors(label):
        return
    mask = cells.labels[frame][cell.box] == label
    under = cells.labels[frame + 1][cell.box][mask]
    ids, counts = np.unique(under[under > 0], return_counts=True)
    for other, count in zip(ids.tolist(), counts.tolist(), strict=True):
        if count >= _COVERED * cell.area and other in cells.frame(frame):
            reason = f"Cell {label} ends under cell {other}; the two may be merged."
            yield _doubt(frame, cell, (label, other), "merge", reason, 0.9)
            return
    if inside:
        reason = f"Cell {label} ends away from the border, without daughters."
        yield _doubt(frame, cell, (label,), "ends", reason, 0.65)


def _at_border(cells: Cells, cell: Cell) -> bool:
    return any(
        side.start <= _BORDER or side.stop >= length - _BORDER
        for side, length in zip(cell.box, cells.labels.shape[1:], strict=True)
    )


@dataclass(frozen=True)
class _Scene:
    """The cells of a frame at one moment."""

    frame: int
    cells: Mapping[int, Cell]
    regions: Mapping[int, Region]
    locked: frozenset[int]

    @classmethod
    def of(cls, cells: Cells, frame: int) -> "_Scene":
        """Copy what is there now."""
        known = dict(cells.frame(frame))
        regions = {label: cells.region(frame, label) for label in known}
        return cls(frame, known, regions, frozenset(cells.locked.get(frame, ())))

    def sample(self, vectors: FrameVectors, label: int) -> Vectors:
        """Return unit vectors of some pixels of a cell, spread evenly."""
        under = vectors.under(self.regions[label])
        return under[:: max(1, len(under) // _SAMPLE)]


def _of_embeddings(
    here: _Scene, there: _Scene, now: FrameVectors, then: FrameVectors
) -> Iterator[Doubt]:
    """Find cells that hardly differ from a neighbour, and links that do not fit."""
    if not here.cells:
        return
    labels = list(here.cells)
    samples = [here.sample(now, label) for label in labels]
    modes = np.stack([_direction(sample) for sample in samples])
    centres = np.array([(here.cells[label].y, here.cells[label].x) for label in labels])
    for number, label in enumerate(labels):
        sure = now.probability(samples[number])
        if sure < _UNSURE and label not in here.locked:
            reason = f"It is not sure that cell {label} is one ({sure:.0%})."
            cell = here.cells[label]
            score = 1 - 0.05 * sure / _UNSURE
            yield _doubt(here.frame, cell, (label,), "unsure", reason, score)
        order = np.linalg.norm(centres - centres[number], axis=1).argsort()
        near = [n for n in order[: _NEAREST + 1].tolist() if n != number]
        if near and label not in here.locked:
            own = samples[number] @ modes[number]
            second = (samples[number] @ modes[near].T).max(axis=1)
            margin = float((own - second).mean())
            if margin < _MARGIN:
                reason = (
                    f"Cell {label} is hard to tell from a neighbour (margin "
                    f"{margin:.2f})."
                )
                score = 0.9 - 0.5 * max(margin, 0) / _MARGIN
                cell = here.cells[label]
                yield _doubt(here.frame, cell, (label,), "margin", reason, score)
        if label in there.cells and label not in there.locked:
            best = (there.sample(then, label) @ modes[[number, *near]].T).argmax(axis=1)
            share = float((best == 0).mean())
            if share < _LINKING:
                reason = (
                    f"Only {share:.0%} of cell {label} look like the cell of that "
                    "number in the frame before."
                )
                score = 0.95 - 0.5 * share / _LINKING
                cell = there.cells[label]
                yield _doubt(there.frame, cell, (label,), "linking", reason, score)


def _direction(sample: Vectors) -> Vectors:
    mean: Vectors = sample.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-6)
