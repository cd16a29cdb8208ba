"""Corrections that are followed through time by the embeddings of frame pairs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import segmentation

from fastershift.editing._carried import Carried
from fastershift.editing._cells import Cells
from fastershift.editing._region import Box, Mask, Region, joined_box
from fastershift.editing._vectors import FrameVectors, Vectors, mode_of
from fastershift.errors import InputError

__all__ = ["PairVectors", "propagate"]

#: Gives the embeddings of frames t and t + 1 from one recurrent state, after any number
#: of None, each a place to stop.
PairVectors: TypeAlias = Callable[
    [int], Iterator[tuple[FrameVectors, FrameVectors] | None]
]
_Labels = npt.NDArray[np.int32]
_Maps = npt.NDArray[np.floating]

_TOUCHING = np.ones((3, 3), bool)

# Pixels around the cells that are looked at, as a share of their larger side.
_MARGIN = 0.6
_LEAST_MARGIN = 10

# What a pixel loses in cosine for each cell diameter it lies outside of where the cell
# was: neighbours may share a direction, and no cell jumps.
_DISTANCE_COST = 0.5

# An automatic cell belongs to the correction when this share of it does.
_INSIDE = 0.5

# So does one that begins here, without a parent, when this share of it is claimed or
# lies where the corrected cell was: a correction cuts off what it takes away.
_INSIDE_BEGUN = 0.3

# Automatic cells are taken as they are when they make up this share of the correction.
_COVERED = 0.6

# Overlap (IoU) at which the automatic result agrees with a corrected cell.
_AGREES = 0.5

# A cell that agrees has at least this share of the former area, or it of its area.
_SAME_SIZE = 0.6

# A corrected cell below this share of its former size is lost.
_LOST = 0.2


@dataclass(frozen=True)
class _Found:
    """What the embedding says about one more frame."""

    regions: tuple[Region, ...]
    agreeing: tuple[int, ...]
    confidence: float
    problem: str = ""


def propagate(
    cells: Cells,
    pairs: PairVectors,
    frame: int,
    ids: Sequence[int],
    *,
    bandwidth: float,
    limit: float = 0.3,
    backwards: bool = False,
    until: int | None = None,
) -> Iterator[Carried | None]:
    """Carry corrected cells from frame to frame.

    In each following frame the mode of a corrected cell claims the pixels that are
    nearer to it than to the modes of the cells around. Automatic cells that lie in what
    is claimed are taken with their outline, merged or divided as the correction asks.
    It ends where the automatic result agrees again, where it divides a cell, where the
    confidence falls below the limit, or where a cell is lost.

    Nothing is changed here: what is yielded is to be made with `Editor.extend`.

    Parameters
    ----------
    cells : Cells
        Labels and tracks, the correction included.
    pairs : callable
        Embeddings of frames t and t + 1.
    frame : int
        Where the correction was made.
    ids : sequence of int
        The corrected cells of this frame.
    bandwidth : float
        Cosine distance h.
    limit : float
        Least confidence, 0 to 1: how far the embedding agrees (IoU) with the outline
        that would be written, times the root of the ratio of areas.
    backwards : bool
        Towards the first frame.
    until : int, optional
        Last frame to be corrected, included.

    Yields
    ------
    Carried or None
        None at places to stop; an edit for every frame; the last one says why it ends.

    Raises
    ------
    InputError
        When a cell is not there.
    """
    step = -1 if backwards else 1
    end = (0 if backwards else len(cells) - 1) if until is None else until
    total = max(0, (end - frame) * step)
    with cells.guard:
        for label in ids:
            if label not in cells.frame(frame):
                raise InputError(f"There is no cell {label} in frame {frame}.")
        regions = [cells.region(frame, label) for label in ids]
    for done in range(1, total + 1):
        now, then = frame + (done - 1) * step, frame + done * step
        vectors = None
        for vectors in pairs(min(now, then)):
            if vectors is None:
                yield None
        if vectors is None:
            raise InputError(f"There are no embeddings of frame {then}.")
        source, target = vectors[::step]
        with cells.guard:
            divided = _division(cells, ids, now, then)
            scene = _Scene.of(cells, now, then, ids, regions)
        found = _find(scene, source, target, bandwidth)

        def carried(
            stopped: str,
            regions: tuple[Region, ...] = (),
            joins: tuple[int, ...] = (),
            then: int = then,
            found: _Found = found,
            done: int = done,
        ) -> Carried:
            return Carried(
                then,
                tuple(ids),
                regions,
                joins,
                backwards,
                found.confidence,
                done,
                total,
                stopped,
            )

        if divided:
            yield carried(f"Stopped at frame {then}: {divided}")
            return
        if found.agreeing:
            yield carried(
                f"Stopped at frame {then}: the automatic result agrees.",
                joins=found.agreeing,
            )
            return
        if found.problem:
            yield carried(f"Stopped at frame {then}: {found.problem}")
            return
        if found.confidence < limit:
            yield carried(
                f"Stopped at frame {then}: the confidence of {found.confidence:.2f} is "
                f"below {limit:.2f}."
            )
            return
        regions = list(found.regions)
        last = done == total
        reached = "the movie ends" if until is None else "as you said"
        yield carried(
            f"Continued to frame {then}: {reached}." if last else "", found.regions
        )


def _division(cells: Cells, ids: Sequence[int], now: int, then: int) -> str:
    """Say where the automatic result divides a corrected cell."""
    for label in ids:
        track = cells.tracks.get(label)
        if track is None:
            continue
        if then > now:
            born = [
                child
                for child in cells.children(label)
                if cells.tracks[child].first == then
            ]
            if len(born) > 1:
                return f"the automatic result divides {label} there."
        elif track.first == now and len(cells.children(track.parent)) > 1:
            return f"{label} was born there."
    return ""


@dataclass(frozen=True)
class _Scene:
    """What is around corrected cells in two frames, at one moment.

    Attributes
    ----------
    box : (slice, slice)
        The window that is looked at.
    regions : tuple of Region
        The corrected cells in the frame they come from.
    own, others : tuple of (y, x) bool
        The corrected cells, and those around them, in the window of that frame.
    labels : (y, x) int32
        Automatic cells in the window of the other frame.
    areas : dict
        Pixels of all of each of these cells.
    begun : frozenset of int
        Those of these cells that are not in the frame the corrected ones come from,
        and have no relative there.
    locked : (y, x) bool
        Pixels that must not be taken.
    """

    box: Box
    regions: tuple[Region, ...]
    own: tuple[Mask, ...]
    others: tuple[Mask, ...]
    labels: _Labels
    areas: Mapping[int, int]
    begun: frozenset[int]
    locked: Mask

    @classmethod
    def of(
        cls,
        cells: Cells,
        now: int,
        then: int,
        ids: Sequence[int],
        regions: Sequence[Region],
    ) -> "_Scene":
        """Copy what is there now."""
        box = _window(regions, cells.labels.shape[1:])
        own = tuple(region.within(box) for region in regions)
        around = cells.labels[now][box].copy()
        around[np.any(own, axis=0) | np.isin(around, ids)] = 0
        others = tuple(around == one for one in np.unique(around).tolist() if one)
        labels = cells.labels[then][box].copy()
        found = np.unique(labels).tolist()
        known = cells.frame(then)
        areas = {label: known[label].area for label in found if label}
        begun = frozenset(one for one in areas if not _was_there(cells, one, now, then))
        locked = np.isin(labels, list(cells.locked.get(then, ())))
        return cls(box, tuple(regions), own, others, labels, areas, begun, locked)


def _was_there(cells: Cells, label: int, now: int, then: int) -> bool:
    """Tell whether a cell, its parent or its children are in the frame `now`."""
    if label in cells.frame(now):
        return True
    if then > now:
        parent = cells.tracks.get(cells.tracks[label].parent)
        return parent is not None and parent.last == now
    return any(cells.tracks[one].first == now for one in cells.children(label))


def _find(
    scene: _Scene, source: FrameVectors, target: FrameVectors, bandwidth: float
) -> _Found:
    """Look for corrected cells in the next frame."""
    box, own, others, count = scene.box, scene.own, scene.others, len(scene.own)
    modes = np.stack(
        [mode_of(source.under(region), bandwidth) for region in scene.regions]
        + [_mean_direction(source, mask, box) for mask in others]
    )
    scores = target.cosines(box, modes)
    near = scores[:count] >= 1 - 2 * bandwidth
    for number, mask in enumerate((*own, *others)):
        diameter = 2 * np.sqrt(np.count_nonzero(mask) / np.pi)
        distance = ndimage.distance_transform_edt(~mask)
        scores[number] -= _DISTANCE_COST * distance / diameter
    allowed = (target.foreground(box) | (scene.labels > 0)) & ~scene.locked
    winner = np.where(allowed, scores.argmax(axis=0), -1)
    claimed = [_connected((winner == n) & near[n], own[n]) for n in range(count)]
    if not all(mask.any() for mask in claimed):
        # What cannot be told apart by direction may still be by its place.
        claimed = [_connected(winner == n, own[n]) for n in range(count)]
    union = np.any(claimed, axis=0)
    if not union.any():
        return _Found((), (), 0.0, "the embedding shows no such cell.")
    involved = _involved(scene, union)
    agreeing = _agreeing(scene, claimed, involved)
    if agreeing:
        return _Found((), agreeing, 1.0)
    domain = _domain(scene.labels, union, involved)
    if np.count_nonzero(domain) < _INSIDE * np.count_nonzero(union):
        return _Found((), (), 0.0, "another cell is there.")
    parts = _shared_out(domain, scores[:count], claimed, own)
    confidence = 1.0
    for number, (mask, claim) in enumerate(zip(parts, claimed, strict=True)):
        areas = np.count_nonzero(mask), np.count_nonzero(own[number])
        if areas[0] < _LOST * areas[1]:
            return _Found((), (), 0.0, "a part of the cell is lost.")
        ratio = min(areas) / max(areas)
        # Pixels that are not near any mode count for the most similar cell.
        claim = claim | (mask & (winner == number))
        confidence = min(confidence, _iou(mask, claim) * np.sqrt(ratio))
    found = tuple(Region.of(mask, box[0].start, box[1].start) for mask in parts)
    return _Found(found, (), float(confidence))


def _window(regions: Sequence[Region], shape: Sequence[int]) -> Box:
    """Return the rectangle in which cells are looked for."""
    box = regions[0].box
    for region in regions:
        box = joined_box(box, region.box)
    side = max(max(region.height, region.width) for region in regions)
    margin = max(_LEAST_MARGIN, round(_MARGIN * side))
    rows, columns = (
        slice(max(one.start - margin, 0), min(one.stop + margin, length))
        for one, length in zip(box, shape, strict=True)
    )
    return rows, columns


def _mean_direction(source: FrameVectors, mask: Mask, box: Box) -> Vectors:
    region = Region.of(mask, box[0].start, box[1].start)
    mean: Vectors = source.under(region).mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-6)


def _connected(mask: Mask, before: Mask) -> Mask:
    """Keep the parts of a claim that touch where the cell was, or the largest one."""
    pieces, count = ndimage.label(mask, _TOUCHING)
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    touching = np.unique(pieces[before & mask])
    if not touching.size:
        return np.asarray(pieces == sizes.argmax())
    # Specks beside the main part are noise.
    kept = touching[sizes[touching] >= 0.1 * sizes[touching].max()]
    connected: Mask = np.isin(pieces, kept)
    return connected


def _involved(scene: _Scene, union: Mask) -> tuple[int, ...]:
    """Return the automatic cells that lie in what is claimed."""
    found: set[int] = set()
    before = np.any(scene.own, axis=0)
    for place, share, candidates in (
        (union, _INSIDE, scene.areas.keys()),
        (before, _INSIDE, scene.areas.keys()),
        (union | before, _INSIDE_BEGUN, scene.begun),
    ):
        inside = scene.labels[place & ~scene.locked]
        labels, counts = np.unique(inside, return_counts=True)
        found.update(
            label
            for label, count in zip(labels.tolist(), counts.tolist(), strict=True)
            if label in candidates and count >= share * scene.areas[label]
        )
    return tuple(sorted(found))


def _agreeing(
    scene: _Scene, claimed: Sequence[Mask], involved: Sequence[int]
) -> tuple[int, ...]:
    """Return the automatic cell that each corrected one is, when all are found."""
    if len(involved) != len(claimed):
        return ()
    found = []
    for claim, before in zip(claimed, scene.own, strict=True):
        shared = {
            label: int(np.sum(claim & (scene.labels == label))) for label in involved
        }
        best = max(involved, key=lambda label: shared[label])
        union = np.count_nonzero(claim) + scene.areas[best] - shared[best]
        areas = scene.areas[best], int(np.count_nonzero(before))
        if shared[best] < _AGREES * union or min(areas) < _SAME_SIZE * max(areas):
            return ()
        found.append(best)
    return tuple(found) if len(set(found)) == len(found) else ()


def _domain(labels: _Labels, union: Mask, involved: Sequence[int]) -> Mask:
    """Return the pixels that the corrected cells get together."""
    taken: Mask = np.isin(labels, involved)
    if np.count_nonzero(taken & union) >= _COVERED * np.count_nonzero(union):
        return taken
    domain: Mask = taken | (union & (labels == 0))
    return domain


def _shared_out(
    domain: Mask, scores: _Maps, claimed: Sequence[Mask], own: Sequence[Mask]
) -> list[Mask]:
    """Give every pixel of the domain to one of the corrected cells."""
    if len(scores) == 1:
        return [domain]
    nearest = np.where(domain, scores.argmax(axis=0) + 1, 0)
    cores = np.zeros(domain.shape, np.int32)
    for number, (claim, before) in enumerate(zip(claimed, own, strict=True), 1):
        core = _connected(nearest == number, claim if claim.any() else before)
        cores[core] = number
    parts = segmentation.watershed(np.zeros(domain.shape), cores, mask=domain)
    parts[domain & (parts == 0)] = 1
    return [np.asarray(parts == number) for number in range(1, len(scores) + 1)]


def _iou(first: Mask, second: Mask) -> float:
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 0.0
