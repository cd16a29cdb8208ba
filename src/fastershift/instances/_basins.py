"""Where the voted centres of a frame come together."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor

from fastershift._compiled import compiled
from fastershift.rshn import Votes, window_radius

__all__ = ["Basins", "find_basins", "voted_places"]

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

# Cells narrower than this share of a diameter get a kernel as much narrower, down to
# the other share; a vote that may be off gets one that is wider by this share of its
# error.
_ROUND, _NARROWEST = 0.8, 0.5
_ERROR = 0.5

# Kernels are blurred at these scales, each vote at the nearest.
_SCALES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.5)

# Kernels end after so many deviations.
_REACH = 4.0

# There is no density below this share of the top of a single vote, so that every place
# that is voted for belongs to a basin.
_EMPTY = 0.03


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


def voted_places(
    way: npt.NDArray[np.float16], diameter: float, voting: _Flags
) -> tuple[_Numbers, _Numbers]:
    """Find the pixels of a frame that some of its pixels vote for.

    Parameters
    ----------
    way : (2, Y, X) float16
        Rows and columns from each pixel to the place, in cell diameters.
    diameter : float
        Pixels of a cell diameter.
    voting : (Y, X) bool
        Pixels whose votes are asked for.

    Returns
    -------
    rows, columns : (n,) int64
        Within the frame, for each pixel that votes.
    """
    rows, columns = (
        np.clip(
            np.rint(own.astype(np.float32) + diameter * part[voting]), 0, side - 1
        ).astype(np.int64)
        for own, part, side in zip(np.nonzero(voting), way, voting.shape, strict=True)
    )
    return rows, columns


def find_basins(
    votes: Tensor, foreground: _Flags, bandwidth: float, diameter: float
) -> Basins:
    """Find the modes of the voted centres of a frame, and who votes for each.

    Every vote is a Gaussian at the voted place: mean-shift with a kernel of its own for
    every sample (Comaniciu et al. 2001). Its deviation is that of the window, less for
    narrow cells, and more for votes of which the network says that they may be off.
    All places from which mean-shift would climb to one mode are a basin; basins between
    which the density hardly falls are one. Nothing further away than a few windows
    plays a part, and nothing is drawn at random.

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
    rows, columns = voted_places(maps.own.cpu().numpy(), diameter, foreground)
    width, error = (
        np.exp(one.float().cpu().numpy()[foreground].clip(-5, 5))
        for one in (maps.width, maps.spread)
    )
    deviation = window_radius(bandwidth) * diameter / _DEVIATIONS
    scale = np.hypot(
        np.clip(width / _ROUND, _NARROWEST, 1), _ERROR * error * diameter / deviation
    )
    density = _density(rows, columns, scale, foreground.shape, deviation)
    top = min(1.0, 1 / (2 * np.pi * deviation**2))
    order = _densest_first(density, _EMPTY * top)
    of_place = np.zeros(density.shape, dtype=np.int32)
    _flood(density, order, _SADDLE, of_place.reshape(-1))
    of_pixel = np.zeros_like(of_place)
    of_pixel[foreground] = of_place[rows, columns]
    return Basins(of_place, of_pixel)


def _density(
    rows: _Numbers,
    columns: _Numbers,
    scale: npt.NDArray[np.floating],
    shape: tuple[int, ...],
    deviation: float,
) -> _Image:
    """Add up the kernels of all votes."""
    between = np.sqrt(np.array(_SCALES[1:]) * _SCALES[:-1])
    nearest = np.searchsorted(between, scale)
    total = np.zeros(shape, dtype=np.float32)
    for number, one in enumerate(_SCALES):
        own = nearest == number
        if own.any():
            places = rows[own] * shape[1] + columns[own]
            counts = np.bincount(places, minlength=total.size).reshape(shape)
            _add_blurred(counts, _gaussian(one * deviation), total)
    return total


def _gaussian(deviation: float) -> _Image:
    """Give the weights of a Gaussian from its middle on; both sides sum up to 1."""
    reach = int(_REACH * deviation + 0.5)
    weights = np.exp(-0.5 * (np.arange(reach + 1) / deviation) ** 2)
    return np.asarray(weights / (2 * weights.sum() - weights[0]), dtype=np.float32)


@compiled
def _add_blurred(counts: _Numbers, weights: _Image, total: _Image) -> None:
    """Add counted votes, blurred, to what is there.

    Few places are voted for: each is spread along its row, and what comes of it along
    the columns.

    Parameters
    ----------
    counts : (Y, X) int64
        Votes for each place.
    weights : (r + 1,) float32
        The kernel from its middle on.
    total : (Y, X) float32
        Is added to.
    """
    height, width = counts.shape
    reach = weights.size - 1
    rows = np.zeros((height, width), np.float32)
    for y in range(height):
        used = False
        for x in range(width):
            count = counts[y, x]
            if count == 0:
                continue
            used = True
            for column in range(max(0, x - reach), min(width, x + reach + 1)):
                rows[y, column] += count * weights[abs(column - x)]
        if not used:
            continue
        for row in range(max(0, y - reach), min(height, y + reach + 1)):
            weight = weights[abs(row - y)]
            for x in range(width):
                total[row, x] += weight * rows[y, x]


def _densest_first(density: _Image, least: float) -> _Numbers:
    """Order the places above a density, equal ones as they lie in the frame.

    The bits of positive numbers are ordered as the numbers are: with the place behind
    them they are whole numbers, all different, which are sorted several times faster
    than numbers of which equal ones must keep their order.
    """
    places = np.flatnonzero(density > least)
    bits = density.ravel()[places].view(np.uint32)
    keys = (~bits).astype(np.uint64) << np.uint64(32) | places.astype(np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)


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
