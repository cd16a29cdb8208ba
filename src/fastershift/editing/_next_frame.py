"""One frame further: where corrected cells are in it, by its embedding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import segmentation

from fastershift.editing._cells import Cells
from fastershift.editing._region import Box, Mask, Region, joined_box, padded_box
from fastershift.editing._vectors import FrameVectors, Vectors, mode_of

__all__ = ["FoundCells", "Scene", "find_in_next_frame"]

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
class FoundCells:
    """What the embedding says about one more frame.

    Attributes
    ----------
    regions : tuple of Region
        The corrected cells; none where there is a problem, or the result agrees.
    agreeing : tuple of int
        The automatic cell that each of them is, when the result agrees.
    confidence : float
        How sure it is, 0 to 1.
    problem : str
        Why they were not found, the end of a sentence.
    """

    regions: tuple[Region, ...]
    agreeing: tuple[int, ...]
    confidence: float
    problem: str = ""


@dataclass(frozen=True)
class Scene:
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
    ) -> "Scene":
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
        return cells.tracks[label].parent in cells.frame(now)
    return any(cells.tracks[one].first == now for one in cells.children(label))


def find_in_next_frame(
    scene: Scene, source: FrameVectors, target: FrameVectors, bandwidth: float
) -> FoundCells:
    """Look for corrected cells in the next frame.

    Parameters
    ----------
    scene : Scene
        What is around them in both frames.
    source, target : FrameVectors
        Embeddings of the frame they come from, and of the next one.
    bandwidth : float
        Cosine distance h.

    Returns
    -------
    FoundCells
    """
    if target.empty:
        return FoundCells((), (), 0.0, "this frame shows nothing.")
    box, own, others, count = scene.box, scene.own, scene.others, len(scene.own)
    before = np.any(own, axis=0)
    if np.count_nonzero(before & scene.locked) >= _INSIDE * np.count_nonzero(before):
        return FoundCells((), (), 0.0, "the cells there are locked.")
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
        return FoundCells((), (), 0.0, "the embedding shows no such cell.")
    involved = _involved(scene, union)
    agreeing = _agreeing(scene, claimed, involved)
    if agreeing:
        return FoundCells((), agreeing, 1.0)
    domain = _domain(scene.labels, union, involved)
    if np.count_nonzero(domain) < _INSIDE * np.count_nonzero(union):
        return FoundCells((), (), 0.0, "another cell is there.")
    parts = _shared_out(domain, scores[:count], claimed, own)
    confidence = 1.0
    for number, (mask, claim) in enumerate(zip(parts, claimed, strict=True)):
        areas = np.count_nonzero(mask), np.count_nonzero(own[number])
        if areas[0] < _LOST * areas[1]:
            return FoundCells((), (), 0.0, "a part of the cell is lost.")
        ratio = min(areas) / max(areas)
        # Pixels that are not near any mode count for the most similar cell.
        claim = claim | (mask & (winner == number))
        confidence = min(confidence, _iou(mask, claim) * np.sqrt(ratio))
    found = tuple(Region.of(mask, box[0].start, box[1].start) for mask in parts)
    return FoundCells(found, (), float(confidence))


def _window(regions: Sequence[Region], shape: Sequence[int]) -> Box:
    """Return the rectangle in which cells are looked for."""
    box = regions[0].box
    for region in regions:
        box = joined_box(box, region.box)
    side = max(max(region.height, region.width) for region in regions)
    margin = max(_LEAST_MARGIN, round(_MARGIN * side))
    return padded_box(box, margin, shape)


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


def _involved(scene: Scene, union: Mask) -> tuple[int, ...]:
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
    scene: Scene, claimed: Sequence[Mask], involved: Sequence[int]
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
