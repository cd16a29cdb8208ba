"""Cells of frames whose pixels vote for the centre of their cell."""

from collections import defaultdict
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from torch import Tensor

from fastershift._compiled import compiled
from fastershift.labels import connect, count_pixels, label_room, overlaps, renumber
from fastershift.rshn import Votes, window_radius

__all__ = ["Basins", "PairVotes", "find_basins", "pair_pieces"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Flags: TypeAlias = npt.NDArray[np.bool_]
_Numbers: TypeAlias = npt.NDArray[np.int64]
_Image: TypeAlias = npt.NDArray[np.float32]

# Two modes are one where the density between them is at least this share of the lower
# of both.
_SADDLE = 0.7

# With this share two equally strong centres are joined when they lie closer than so
# many deviations of the kernel: the window that people set is as wide as that.
_DEVIATIONS = 2.87

# Cells narrower than the first share of a diameter get a kernel as much narrower, but
# not beyond the smallest of these scales.
_ROUND = 0.8
_SCALES = (0.5, 0.7, 1.0)

# Votes per pixel below which there is no density.
_EMPTY = 1e-3

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


class Basins(NamedTuple):
    """Where the voted centres of a frame come together.

    Attributes
    ----------
    of_place : ndarray
        (Y, X) int32; the basin of every voted place, from 1; 0 where nobody votes.
    of_pixel : ndarray
        (Y, X) int32; the basin for which every pixel votes; 0 is background.
    """

    of_place: _Labels
    of_pixel: _Labels


def _places(way: npt.NDArray[np.float16], diameter: float) -> tuple[_Numbers, _Numbers]:
    """Round (2, Y, X) ways in diameters to pixels (Y, X) of the frame."""
    shape = way.shape[1:]
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    columns = np.arange(shape[1], dtype=np.float32)
    return tuple(
        np.clip(np.rint(axis + diameter * part), 0, side - 1).astype(np.int64)
        for axis, part, side in zip((rows, columns), way, shape, strict=True)
    )


def find_basins(
    votes: Tensor, foreground: _Flags, bandwidth: float, diameter: float
) -> Basins:
    """Find the modes of the voted centres of a frame, and who votes for each.

    Every vote is a Gaussian at the voted place, narrower for narrow cells, as wide as
    the window otherwise: mean-shift with a kernel of its own for every sample
    (Comaniciu et al. 2001). All places from which mean-shift would climb to one mode
    are a basin; basins between which the density hardly falls are one. Nothing further
    away than a few windows plays a part, and nothing is drawn at random.

    Parameters
    ----------
    votes : (7, Y, X) Tensor
        As `Votes.of` takes them.
    foreground : (Y, X) bool
        Pixels that vote.
    bandwidth : float
        h, a cosine distance; see `window_radius`.
    diameter : float
        Pixels of a cell diameter.

    Returns
    -------
    Basins

    References
    ----------
    .. [1] D. Comaniciu, V. Ramesh, P. Meer, "The variable bandwidth mean shift and
       data-driven scale selection", ICCV 2001.
    """
    maps = Votes.of(votes)
    rows, columns = _places(maps.own.cpu().numpy(), diameter)
    width = np.exp(maps.width.float().cpu().numpy()[foreground])
    rows, columns = rows[foreground], columns[foreground]
    deviation = window_radius(bandwidth) * diameter / _DEVIATIONS
    density = _density(rows, columns, width, foreground.shape, deviation)
    order = np.flatnonzero(density > _EMPTY)
    order = order[np.argsort(-density.ravel()[order], kind="stable")]
    of_place = np.zeros(density.shape, dtype=np.int32)
    _flood(density, order, _SADDLE, of_place.reshape(-1))
    of_pixel = np.zeros_like(of_place)
    of_pixel[foreground] = of_place[rows, columns]
    return Basins(of_place, of_pixel)


def _density(
    rows: _Numbers,
    columns: _Numbers,
    width: npt.NDArray[np.floating],
    shape: tuple[int, ...],
    deviation: float,
) -> _Image:
    """Add up the kernels of all votes."""
    nearest = np.abs(width[:, None] / _ROUND - np.array(_SCALES)).argmin(axis=1)
    total = np.zeros(shape, dtype=np.float32)
    for number, scale in enumerate(_SCALES):
        own = nearest == number
        if own.any():
            places = rows[own] * shape[1] + columns[own]
            counts = np.bincount(places, minlength=total.size).reshape(shape)
            total += ndimage.gaussian_filter(
                counts.astype(np.float32), scale * deviation, mode="constant"
            )
    return total


@compiled
def _top(tops: _Numbers, place: int) -> int:
    while tops[place] != place:
        tops[place] = tops[tops[place]]
        place = tops[place]
    return place


@compiled
def _flood(density: _Image, order: _Numbers, saddle: float, basins: _Labels) -> None:
    """Go down from all modes at once, and join basins that meet high up.

    Parameters
    ----------
    density : (Y, X) float32
        Density of votes.
    order : (n,) int64
        Places with votes, densest first.
    saddle : float
        Share of the lower of two modes above which they are one.
    basins : (Y * X,) int32
        Gets the number of the basin of each place, from 1.
    """
    height, width = density.shape
    flat = density.ravel()
    tops = np.full(flat.size, -1, np.int64)
    for place in order:
        y, x = place // width, place % width
        own = -1
        for row in range(max(0, y - 1), min(height, y + 2)):
            for column in range(max(0, x - 1), min(width, x + 2)):
                other = row * width + column
                if tops[other] < 0:
                    continue
                other = _top(tops, other)
                if own < 0 or other == own:
                    own = other
                    continue
                high, low = (own, other) if flat[own] >= flat[other] else (other, own)
                if flat[place] >= saddle * flat[low]:
                    tops[low] = high
                own = high
        tops[place] = place if own < 0 else own
    count = 0
    for place in order:
        top = _top(tops, place)
        if basins[top] == 0:
            count += 1
            basins[top] = count
        basins[place] = basins[top]


def _voted_pieces(basins: Basins) -> _Labels:
    """Find the connected pieces of what votes for one centre each.

    Parameters
    ----------
    basins : Basins
        Of a frame.

    Returns
    -------
    (Y, X) int32
        Pieces from 1; 0 is background.
    """
    pieces = label_room((1, *basins.of_pixel.shape))
    connect(basins.of_pixel[np.newaxis], pieces)
    found: _Labels = pieces[0]
    return found


def pair_pieces(votes: PairVotes, foreground: _Flags, bandwidth: float) -> _Labels:
    """Part each frame of a pair by its votes, and link the second to the first.

    Each frame is parted by the votes for centres in that frame. A piece of the second
    frame carries the number of the piece of the first for which its pixels vote as
    their predecessor, and which it overlaps: the sum of the share of its pixels that
    vote for it and of twice the overlap (IoU) decides, best first. A piece of the first
    frame has one successor; further daughters get numbers of their own.

    Parameters
    ----------
    votes : PairVotes
        Of the frames.
    foreground : (F, Y, X) bool
        Pixels of cells.
    bandwidth : float
        h, a cosine distance.

    Returns
    -------
    (F, Y, X) int32
        Pieces from 1, the same number for the same cell; 0 is background.
    """
    basins = [
        find_basins(channels, inside, bandwidth, votes.diameter)
        for channels, inside in zip(votes.channels, foreground, strict=True)
    ]
    frames = [_voted_pieces(one) for one in basins]
    result = label_room(foreground.shape)
    result[0] = frames[0]
    if len(frames) == 1:
        return result
    pointed = _pointed_at(votes, foreground[1], basins[0], frames[0])
    numbers = _successors(frames[0], frames[1], pointed)
    renumber(frames[1][np.newaxis], numbers, result[1:])
    return result


def _pointed_at(
    votes: PairVotes, inside: _Flags, basins: Basins, pieces: _Labels
) -> _Labels:
    """Tell for each pixel of the second frame the piece of the first it comes from."""
    of_basin = np.zeros(int(basins.of_place.max(initial=0)) + 1, dtype=np.int32)
    sizes = count_pixels(pieces.ravel(), int(pieces.max(initial=0)))
    seen, first = np.unique(pieces, return_index=True)
    numbers = seen[seen > 0]
    owners = basins.of_pixel.ravel()[first[seen > 0]]
    # Of several pieces of a basin the largest comes last, and stays.
    order = np.argsort(sizes[numbers], kind="stable")
    of_basin[owners[order]] = numbers[order]
    previous = Votes.of(votes.channels[1]).previous.cpu().numpy()
    rows, columns = _places(previous, votes.diameter)
    found = of_basin[basins.of_place[rows, columns]]
    return np.where(inside, found, 0)


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
