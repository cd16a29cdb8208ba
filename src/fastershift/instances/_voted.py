"""Cells of a pair of frames whose pixels vote for the centre of their cell."""

import time
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from fastershift._compiled import compiled
from fastershift.config import ClusterSettings
from fastershift.instances._basins import Basins, find_basins
from fastershift.instances._certainty import cell_certainty
from fastershift.instances._find import PairInstances
from fastershift.instances._pieces import cell_numbers
from fastershift.instances._voters import PairVoters, Voters
from fastershift.labels import PaintedLabels, count_pixels, empty_labels, overlaps
from fastershift.meanshift import Clustering, SeedPolicy

__all__ = ["find_voted_instances"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Numbers: TypeAlias = npt.NDArray[np.int64]
_Lengths: TypeAlias = npt.NDArray[np.float32]

# How much the overlap (IoU) of two pieces weighs beside the share of the later one
# that votes for the earlier, and what both must reach for a link.
_OVERLAP = 2.0
_LEAST_SCORE = 0.3


def find_voted_instances(
    voters: PairVoters,
    cluster_settings: ClusterSettings,
    *,
    smallest_cell: int,
    least_certainty: float = 0.0,
) -> PairInstances:
    """Part the frames of a pair into cells by votes, and link them.

    Each frame is parted by the modes of its voted centres, see `find_basins`: every
    voted place is a seed of mean-shift, so that no number of seeds has to be chosen.
    All but the density of votes is done for pixels of cells alone.

    Parameters
    ----------
    voters : PairVoters
        As `pair_voters` reads them.
    cluster_settings : ClusterSettings
        `bandwidth` is used.
    smallest_cell : int
        Cells with fewer pixels, summed over the frames, are dropped.
    least_certainty : float
        Cells that are less certain in both frames, see `cell_certainty`, are dropped,
        too.

    Returns
    -------
    PairInstances
        One cluster is a mode of a frame; its seed is the pixel nearest to the mode.
    """
    started = time.perf_counter()
    basins = [
        find_basins(one, cluster_settings.bandwidth, voters.diameter)
        for one in voters.frames
    ]
    pieces = _linked_pieces(voters, basins)
    sizes = count_pixels(np.concatenate(pieces), _largest(pieces))
    certainty = _certainty(voters, pieces)
    numbers = cell_numbers(sizes, smallest_cell, certainty, least_certainty)
    cells = numbers.astype(np.int32)
    clustering, clusters = _as_clustering(voters, basins, started)
    shape = voters.frames[0].shape
    painted = partial(PaintedLabels, shape, [one.pixels for one in voters.frames])
    n_pixels = len(pieces) * shape[0] * shape[1]
    return PairInstances(
        labels=painted([cells[one] for one in pieces]),
        clusters=painted(clusters),
        pieces=painted(pieces),
        clustering=clustering,
        seed_positions=_positions(voters, clustering.seeds.numpy()),
        sizes=clustering.sizes.numpy(),
        foreground=len(clustering.labels) / n_pixels if n_pixels else 0.0,
        certainty=certainty,
    )


def _certainty(voters: PairVoters, pieces: list[_Labels]) -> npt.NDArray[np.float64]:
    """Tell how certain each piece is in the frame in which it is more so.

    A cell that is unclear for a frame keeps its track.
    """
    best = np.zeros(_largest(pieces) + 1)
    for one, numbers in zip(voters.frames, pieces, strict=True):
        certainty = cell_certainty(one, numbers, voters.diameter)
        best[: certainty.size] = np.maximum(best[: certainty.size], certainty)
    return best


def _largest(numbers: list[_Labels]) -> int:
    return max(int(one.max(initial=0)) for one in numbers)


def _positions(voters: PairVoters, pixels: _Numbers) -> _Numbers:
    """Tell frame, row and column of some pixels of the cells of all frames."""
    counts = [one.pixels.size for one in voters.frames]
    frame = np.repeat(np.arange(len(counts)), counts)[pixels]
    place = np.concatenate([one.pixels for one in voters.frames])[pixels]
    rows, columns = np.divmod(place.astype(np.int64), voters.frames[0].shape[1])
    return np.column_stack([frame, rows, columns])


def _as_clustering(
    voters: PairVoters, basins: list[Basins], started: float
) -> tuple[Clustering, list[_Labels]]:
    """Tell of modes of votes what is told of those of Faster Mean-shift.

    Also tell the cluster of each pixel of the cells, from 1, the largest first.
    """
    counts = [_largest([one.of_pixel]) for one in basins]
    n_modes = sum(counts)
    first = np.cumsum([0, *counts[:-1]])
    mode = np.concatenate(
        [one.of_pixel + n - 1 for one, n in zip(basins, first, strict=True)]
    ).astype(np.int64)
    # The seed of a mode is the pixel that votes for a place next to itself.
    length = np.concatenate([one.length for one in voters.frames])
    seeds = _first_of_least(mode, length, n_modes)
    sizes = np.bincount(mode, minlength=n_modes)
    codes = torch.cat(voters.codes)[torch.from_numpy(seeds)]
    centers = functional.normalize(codes.float(), dim=1)
    ranking = np.argsort(-sizes, kind="stable")
    rank = np.empty_like(ranking)
    rank[ranking] = np.arange(n_modes)
    labels = rank[mode]
    ends = np.cumsum([one.pixels.size for one in voters.frames])[:-1]
    clusters = np.split((labels + 1).astype(np.int32), ends)
    clustering = Clustering(
        labels=torch.from_numpy(labels),
        centers=centers[torch.from_numpy(ranking)],
        sizes=torch.from_numpy(sizes[ranking]),
        n_seeds=n_modes,
        n_min=float(n_modes),
        n_rounds=1,
        n_iter=1,
        converged_fraction=1.0,
        stopped_by="all points",
        policy=SeedPolicy(max(1, n_modes)),
        seconds=time.perf_counter() - started,
        seeds=torch.from_numpy(seeds[ranking]),
        seed_modes=torch.arange(n_modes),
    )
    return clustering, clusters


@compiled
def _first_of_least(mode: _Numbers, length: _Lengths, n_modes: int) -> _Numbers:
    """Find for each mode the first of its pixels with the shortest vote."""
    found = np.full(n_modes, -1, np.int64)
    for pixel in range(mode.size):
        best = found[mode[pixel]]
        if best < 0 or length[pixel] < length[best]:
            found[mode[pixel]] = pixel
    return found


def _linked_pieces(voters: PairVoters, basins: list[Basins]) -> list[_Labels]:
    """Tell the piece of each pixel, the same number for the same cell in both frames.

    A piece of the second frame carries the number of the piece of the first for which
    its pixels vote as their predecessor, and which it overlaps: the sum of the share of
    its pixels that vote for it and of twice the overlap (IoU) decides, best first. A
    piece of the first frame has one successor; further daughters get numbers of their
    own.
    """
    pieces = [
        _largest_pieces(frame, one.of_pixel)
        for frame, one in zip(voters.frames, basins, strict=True)
    ]
    if len(pieces) == 1:
        return pieces
    first, second = voters.frames
    before = empty_labels(first.shape).reshape(-1)
    before[first.pixels] = pieces[0]
    pointed = basins[0].of_places(second.previous)
    numbers = _successors(pieces[0], pieces[1], before[second.pixels], pointed)
    return [pieces[0], numbers[pieces[1]]]


def _largest_pieces(voters: Voters, basin: _Labels) -> _Labels:
    """Keep the largest connected piece of what votes for each centre.

    The others are slivers of what lies around the cell: they vote for it, but are
    parted from it by a neighbour.

    Parameters
    ----------
    voters : Voters
        Pixels of a frame.
    basin : (n,) int32
        The basin that each votes for.

    Returns
    -------
    (n,) int32
        The same, 0 for slivers.
    """
    root = _connect(voters.pixels, basin, voters.shape[1])
    return _of_largest(root, basin, _largest([basin]))


@compiled
def _of_largest(root: _Labels, basin: _Labels, n_basins: int) -> _Labels:
    """Keep the basins of the largest pieces; of equal ones the lowest in the frame."""
    sizes = np.zeros(root.size, np.int32)
    for one in root:
        sizes[one] += 1
    largest = np.full(n_basins + 1, -1, np.int32)
    for one in range(root.size):
        if root[one] == one:
            known = largest[basin[one]]
            if known < 0 or sizes[one] >= sizes[known]:
                largest[basin[one]] = one
    kept = np.zeros_like(basin)
    for i in range(root.size):
        if root[i] == largest[basin[i]]:
            kept[i] = basin[i]
    return kept


@compiled
def _root(parents: _Labels, pixel: int) -> int:
    while parents[pixel] != pixel:
        parents[pixel] = parents[parents[pixel]]
        pixel = parents[pixel]
    return pixel


@compiled
def _connect(pixels: _Labels, basin: _Labels, width: int) -> _Labels:
    """Find the connected pieces of equal basins; pixels touch at edges and corners.

    Returns
    -------
    (n,) int32
        For each pixel the first one of its piece.
    """
    # Where the pixels of the last two rows are in the list, from 1. Rows are a column
    # wider at either end, so that every pixel has neighbours.
    at = np.zeros((2, width + 2), np.int32)
    parents = np.arange(pixels.size).astype(np.int32)
    # Rows are counted instead of divided for: a division takes longer than the rest.
    start, here = -width, 1
    for i in range(pixels.size):
        while pixels[i] >= start + width:
            start, here = start + width, 1 - here
            at[here] = 0
        x = pixels[i] - start + 1
        at[here, x] = i + 1
        beside = at[1 - here, x] - 1
        if beside >= 0 and basin[beside] == basin[i]:
            # The other neighbours touch this one, and are joined with it already.
            parents[i] = parents[beside]
            continue
        for beside in (at[here, x - 1] - 1, at[1 - here, x - 1] - 1):
            if beside >= 0 and basin[beside] == basin[i]:
                parents[i] = parents[beside]
                break
        beside = at[1 - here, x + 1] - 1
        if beside >= 0 and basin[beside] == basin[i]:
            one, other = _root(parents, beside), _root(parents, i)
            parents[max(one, other)] = min(one, other)
    # The first pixel of a piece comes before all others.
    for i in range(pixels.size):
        parents[i] = parents[parents[i]]
    return parents


def _successors(
    first: _Labels, second: _Labels, before: _Labels, pointed: _Labels
) -> _Labels:
    """Give the pieces of the second frame the numbers of those they come from.

    Parameters
    ----------
    first : (m,) int32
        Pieces of the pixels of the first frame.
    second, before, pointed : (n,) int32
        For the pixels of the second frame: their piece, the piece of the first frame in
        the same place, and the one they vote for.

    Returns
    -------
    int32 array
        A number for every piece; of 0 it is 0.
    """
    n_first, n_second = _largest([first]), _largest([second])
    areas = count_pixels(first, n_first), count_pixels(second, n_second)
    new, old, count = overlaps(second, pointed)
    votes = count / areas[1][new]
    beside, under, shared = overlaps(second, before)
    overlap = shared / (areas[1][beside] + areas[0][under] - shared)
    # Sums over all pairs of pieces that have to do with each other.
    pairs = np.concatenate([new, beside]) * (n_first + 1) + np.concatenate([old, under])
    known, which = np.unique(pairs, return_inverse=True)
    score = np.bincount(which, np.concatenate([votes, _OVERLAP * overlap]), known.size)
    numbers = np.zeros(n_second + 1, dtype=np.int32)
    taken: set[int] = set()
    for best in np.argsort(-score, kind="stable")[: (score >= _LEAST_SCORE).sum()]:
        later, earlier = divmod(int(known[best]), n_first + 1)
        if not numbers[later] and earlier not in taken:
            numbers[later] = earlier
            taken.add(earlier)
    alone = np.flatnonzero(numbers[1:] == 0) + 1
    numbers[alone] = n_first + 1 + np.arange(alone.size)
    return numbers
