"""Cells of a pair of frames whose pixels vote for the centre of their cell."""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from fastershift._compiled import compiled
from fastershift.config import ClusterSettings, TrackSettings
from fastershift.instances._basins import Basins, find_basins, voted_places
from fastershift.instances._find import PairInstances
from fastershift.instances._foreground import foreground_mask
from fastershift.instances._pieces import cells_of_pieces
from fastershift.labels import connect, count_pixels, empty_labels, overlaps, renumber
from fastershift.meanshift import Clustering, SeedPolicy
from fastershift.rshn import Votes

__all__ = ["PairVotes", "find_voted_instances", "pair_pieces"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Numbers: TypeAlias = npt.NDArray[np.int64]
_Lengths: TypeAlias = npt.NDArray[np.float32]

# How much the overlap (IoU) of two pieces weighs beside the share of the later one
# that votes for the earlier, and what both must reach for a link.
_OVERLAP = 2.0
_LEAST_SCORE = 0.3


class PairVotes(NamedTuple):
    """What a network that votes says of a pair of frames.

    Attributes
    ----------
    channels : Tensor
        (F, 7, Y, X) as `Votes.of` takes them; may lie on disk.
    diameter : float
        Typical cell diameter in pixels of the network.
    """

    channels: Tensor
    diameter: float


def find_voted_instances(
    embeddings: Tensor,
    votes: PairVotes,
    cluster_settings: ClusterSettings,
    track_settings: TrackSettings,
    *,
    smallest_cell: int,
) -> PairInstances:
    """Part the frames of a pair into cells by votes, and link them.

    Each frame is parted by the modes of its voted centres, see `find_basins`: every
    voted place is a seed of mean-shift, so that no number of seeds has to be chosen.

    Parameters
    ----------
    embeddings : (F, 5, Y, X) Tensor
        Codes of the votes.
    votes : PairVotes
        The votes themselves.
    cluster_settings : ClusterSettings
        `bandwidth` and `coverage` are used.
    track_settings : TrackSettings
        `foreground` is used.
    smallest_cell : int
        Cells with fewer pixels, summed over the frames, are dropped.

    Returns
    -------
    PairInstances
        One cluster is a mode of a frame; its seed is the pixel nearest to the mode.
    """
    started = time.perf_counter()
    pixels = foreground_mask(embeddings, track_settings.foreground).cpu().numpy()
    basins = [
        find_basins(channels, inside, cluster_settings.bandwidth, votes.diameter)
        for channels, inside in zip(votes.channels, pixels, strict=True)
    ]
    pieces = pair_pieces(votes, basins)
    clusters = empty_labels(pixels.shape)
    n_modes = 0
    for number, one in enumerate(basins):
        clusters[number] = np.where(one.of_pixel > 0, one.of_pixel + n_modes, 0)
        n_modes += int(one.of_pixel.max(initial=0))
    clustering = _as_clustering(
        embeddings, votes, clusters, n_modes, cluster_settings.coverage, started
    )
    seeds = np.flatnonzero(pixels)[clustering.seeds.numpy()]
    return PairInstances(
        labels=cells_of_pieces(pieces, smallest_cell),
        clusters=clusters,
        pieces=pieces,
        clustering=clustering,
        seed_positions=np.column_stack(np.unravel_index(seeds, pixels.shape)),
        sizes=clustering.sizes.numpy(),
        foreground=float(pixels.mean()) if pixels.size else 0.0,
    )


def _as_clustering(
    embeddings: Tensor,
    votes: PairVotes,
    clusters: _Labels,
    n_modes: int,
    coverage: float,
    started: float,
) -> Clustering:
    """Tell of modes of votes what is told of those of Faster Mean-shift."""
    inside = clusters > 0
    mode = clusters[inside].astype(np.int64) - 1
    # The seed of a mode is the pixel that votes for a place next to itself.
    length = Votes.of(votes.channels).own.float().norm(dim=1).cpu().numpy()[inside]
    seeds = _first_of_least(mode, length, n_modes)
    sizes = np.bincount(mode, minlength=n_modes)
    codes = embeddings.movedim(1, -1)[torch.from_numpy(inside)].cpu()
    centers = functional.normalize(codes[torch.from_numpy(seeds)].float(), dim=1)
    ranking = np.argsort(-sizes, kind="stable")
    rank = np.empty_like(ranking)
    rank[ranking] = np.arange(n_modes)
    renumber(clusters, np.concatenate([[0], 1 + rank]), clusters)
    policy = SeedPolicy(max(1, n_modes)).observed(n_modes, 1.0, coverage)
    return Clustering(
        labels=torch.from_numpy(rank[mode]),
        centers=centers[torch.from_numpy(ranking)],
        sizes=torch.from_numpy(sizes[ranking]),
        n_seeds=n_modes,
        n_min=policy.n_min if n_modes else 0.0,
        n_rounds=1,
        n_iter=1,
        converged_fraction=1.0,
        stopped_by="all points",
        policy=policy,
        seconds=time.perf_counter() - started,
        seeds=torch.from_numpy(seeds[ranking]),
        seed_modes=torch.arange(n_modes),
    )


@compiled
def _first_of_least(mode: _Numbers, length: _Lengths, n_modes: int) -> _Numbers:
    """Find for each mode the first of its pixels with the shortest vote."""
    found = np.full(n_modes, -1, np.int64)
    for pixel in range(mode.size):
        best = found[mode[pixel]]
        if best < 0 or length[pixel] < length[best]:
            found[mode[pixel]] = pixel
    return found


def _voted_pieces(basins: Basins) -> _Labels:
    """Find the largest connected piece of what votes for each centre.

    The others are slivers of what lies around the cell: they vote for it, but are
    parted from it by a neighbour.

    Parameters
    ----------
    basins : Basins
        Of a frame.

    Returns
    -------
    (Y, X) int32
        Pieces with the numbers of their basins; 0 is background.
    """
    pieces = empty_labels((1, *basins.of_pixel.shape))
    basin_of = connect(basins.of_pixel[np.newaxis], pieces)
    sizes = count_pixels(pieces.ravel(), basin_of.size - 1)
    order = np.argsort(sizes, kind="stable")
    largest = np.zeros(int(basin_of.max(initial=0)) + 1, dtype=np.int64)
    largest[basin_of[order]] = order
    kept = np.zeros_like(basin_of)
    kept[largest[1:]] = np.arange(1, largest.size)
    kept[0] = 0
    renumber(pieces, kept, pieces)
    found: _Labels = pieces[0]
    return found


def pair_pieces(votes: PairVotes, basins: Sequence[Basins]) -> _Labels:
    """Link the pieces of the second frame of a pair to those of the first.

    A piece of the second
    frame carries the number of the piece of the first for which its pixels vote as
    their predecessor, and which it overlaps: the sum of the share of its pixels that
    vote for it and of twice the overlap (IoU) decides, best first. A piece of the first
    frame has one successor; further daughters get numbers of their own.

    Parameters
    ----------
    votes : PairVotes
        Of the frames.
    basins : sequence of Basins
        One for each frame.

    Returns
    -------
    (F, Y, X) int32
        Pieces from 1, the same number for the same cell; 0 is background.
    """
    frames = [_voted_pieces(one) for one in basins]
    result = empty_labels((len(frames), *frames[0].shape))
    result[0] = frames[0]
    if len(frames) == 1:
        return result
    pointed = _pointed_at(votes, frames, basins[0])
    numbers = _successors(frames[0], frames[1], pointed)
    renumber(frames[1][np.newaxis], numbers, result[1:])
    return result


def _pointed_at(votes: PairVotes, frames: Sequence[_Labels], basins: Basins) -> _Labels:
    """Tell for each pixel of the second frame the piece of the first it comes from."""
    previous = Votes.of(votes.channels[1]).previous.cpu().numpy()
    voting = frames[1] > 0
    pointed = empty_labels(voting.shape)
    pointed[:] = 0
    rows, columns = voted_places(previous, votes.diameter, voting)
    pointed[voting] = basins.of_place[rows, columns]
    return pointed


def _successors(first: _Labels, second: _Labels, pointed: _Labels) -> _Numbers:
    """Give the pieces of the second frame the numbers of those they come from."""
    n_first, n_second = int(first.max(initial=0)), int(second.max(initial=0))
    areas = count_pixels(first.ravel(), n_first), count_pixels(second.ravel(), n_second)
    # Sums over all pairs of pieces that have to do with each other.
    score: dict[tuple[int, int], float] = defaultdict(float)
    for new, old, count in zip(*overlaps(second, pointed), strict=True):
        score[int(new), int(old)] += float(count / areas[1][new])
    for new, old, count in zip(*overlaps(second, first), strict=True):
        union = areas[1][new] + areas[0][old] - count
        score[int(new), int(old)] += _OVERLAP * float(count / union)
    numbers = np.zeros(n_second + 1, dtype=np.int64)
    taken: set[int] = set()
    for (new, old), value in sorted(score.items(), key=lambda one: (-one[1], one[0])):
        if value >= _LEAST_SCORE and not numbers[new] and old not in taken:
            numbers[new] = old
            taken.add(old)
    alone = np.flatnonzero(numbers[1:] == 0) + 1
    numbers[alone] = n_first + 1 + np.arange(alone.size)
    return numbers
