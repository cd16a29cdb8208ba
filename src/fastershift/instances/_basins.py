"""Where the voted centres of a frame come together."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift._compiled import compiled
from fastershift.instances._voters import Voters
from fastershift.rshn import window_radius

__all__ = ["Basins", "find_basins"]

_Labels: TypeAlias = npt.NDArray[np.int32]
_Numbers: TypeAlias = npt.NDArray[np.int64]
_Values: TypeAlias = npt.NDArray[np.float32]
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

# Pixels on a side of the squares in which votes are counted, at most.
_COARSEST = 2

# Columns that are blurred at once.
_BLOCK = 32


class Grid(NamedTuple):
    """Squares of a frame, in which votes are counted.

    Attributes
    ----------
    frame : (int, int)
        Rows and columns of the frame.
    step : int
        Pixels on a side of a square.
    """

    frame: tuple[int, int]
    step: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of squares."""
        height, width = self.frame
        return -(-height // self.step), -(-width // self.step)

    def squares(self, places: _Labels) -> _Labels:
        """Tell the squares of places, both numbered row by row."""
        if self.step == 1:
            return places
        row = places // self.frame[1]
        column = places - row * self.frame[1]
        return row // self.step * self.shape[1] + column // self.step


class Basins(NamedTuple):
    """Where the voted centres of a frame come together.

    Attributes
    ----------
    grid : Grid
        What density was measured on.
    of_square : ndarray
        (y * x,) int32; the basin of every square near votes, from 1; 0 elsewhere.
    of_pixel : ndarray
        (n,) int32; the basin for which every pixel votes.
    """

    grid: Grid
    of_square: _Labels
    of_pixel: _Labels

    def of_places(self, places: _Labels) -> _Labels:
        """Tell the basin of each of some places, numbered row by row."""
        return self.of_square[self.grid.squares(places)]


def find_basins(voters: Voters, bandwidth: float, diameter: float) -> Basins:
    """Find the modes of the voted centres of a frame, and who votes for each.

    Every vote is a Gaussian at the voted place: mean-shift with a kernel of its own for
    every sample (Comaniciu et al. 2001). Its deviation is that of the window, less for
    narrow cells, and more for votes of which the network says that they may be off.
    All places from which mean-shift would climb to one mode are a basin; basins between
    which the density hardly falls are one. Nothing further away than a few windows
    plays a part, and nothing is drawn at random. Votes are counted in squares of two
    pixels where the deviation is as wide: single pixels tell the same cells apart, in
    several times the time.

    Parameters
    ----------
    voters : Voters
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
    deviation = window_radius(bandwidth) * diameter / _DEVIATIONS
    grid = Grid(voters.shape, int(np.clip(deviation, 1, _COARSEST)))
    squares = grid.squares(voters.places)
    ordered, ends = _by_scale(
        squares,
        voters.width,
        voters.error,
        np.float32(_ERROR * diameter / deviation),
        np.array(_SCALES[1:], np.float32) * np.array(_SCALES[:-1], np.float32),
    )
    deviation /= grid.step
    density = np.zeros(grid.shape, dtype=np.float32)
    votes = np.zeros(density.size, dtype=np.int32)
    for one, chosen in zip(_SCALES, np.split(ordered, ends[:-1]), strict=True):
        if chosen.size:
            _add_blurred(chosen, _gaussian(one * deviation), votes, density)
    top = min(1.0, 1 / (2 * np.pi * deviation**2))
    of_square = _basins(density, _EMPTY * top, _SADDLE)
    return Basins(grid, of_square, of_square[squares])


@compiled
def _by_scale(
    squares: _Labels,
    width: _Values,
    error: _Values,
    unit: np.float32,
    between: _Values,
) -> tuple[_Labels, _Numbers]:
    """Order votes by the scale of their kernels.

    Parameters
    ----------
    squares : (n,) int32
        What is voted for.
    width, error : (n,) float32
        As those of `Voters`.
    unit : float32
        Scale of a kernel for an error of one.
    between : (k - 1,) float32
        Products of neighbouring scales: their geometric mean is the border.

    Returns
    -------
    ordered : (n,) int32
        The same squares, those of the least scale first.
    ends : (k,) int64
        Where those of each scale end.
    """
    scales = np.empty(squares.size, np.uint8)
    ends = np.zeros(between.size + 1, np.int64)
    for i in range(squares.size):
        narrow = min(max(width[i] / _ROUND, _NARROWEST), 1.0)
        wide = unit * error[i]
        square = narrow * narrow + wide * wide
        scale = 0
        while scale < between.size and between[scale] < square:
            scale += 1
        scales[i] = scale
        ends[scale] += 1
    ends = np.cumsum(ends)
    ordered = np.empty_like(squares)
    beginnings = ends.copy()
    for i in range(squares.size - 1, -1, -1):
        beginnings[scales[i]] -= 1
        ordered[beginnings[scales[i]]] = squares[i]
    return ordered, ends


def _gaussian(deviation: float) -> _Image:
    """Give the weights of a Gaussian from its middle on; both sides sum up to 1."""
    reach = int(_REACH * deviation + 0.5)
    weights = np.exp(-0.5 * (np.arange(reach + 1) / deviation) ** 2)
    return np.asarray(weights / (2 * weights.sum() - weights[0]), dtype=np.float32)


@compiled
def _add_blurred(
    places: _Labels, weights: _Image, votes: _Labels, total: _Image
) -> None:
    """Add votes, blurred, to what is there.

    Few places are voted for: each is spread along its row, and what comes of it along
    the columns, in blocks of columns that a vote reaches.

    Parameters
    ----------
    places : (n,) int32
        What is voted for, numbered row by row.
    weights : (r + 1,) float32
        The kernel from its middle on.
    votes : (Y * X,) int32
        Zeros, before and afterwards.
    total : (Y, X) float32
        Is added to.
    """
    height, width = total.shape
    reach = weights.size - 1
    n_blocks = (width + _BLOCK - 1) // _BLOCK
    used = np.zeros((height, n_blocks), np.bool_)
    for place in places:
        votes[place] += 1
        used[place // width, place % width // _BLOCK] = True
    line = np.zeros(n_blocks * _BLOCK, np.float32)
    reached = np.zeros(n_blocks, np.bool_)
    for y in range(height):
        for block in range(n_blocks):
            if not used[y, block]:
                continue
            for x in range(block * _BLOCK, min(width, (block + 1) * _BLOCK)):
                count = votes[y * width + x]
                if count == 0:
                    continue
                first, last = max(0, x - reach), min(width - 1, x + reach)
                for column in range(first, last + 1):
                    line[column] += count * weights[abs(column - x)]
                reached[first // _BLOCK : last // _BLOCK + 1] = True
        for block in range(n_blocks):
            if not reached[block]:
                continue
            start, end = block * _BLOCK, min(width, (block + 1) * _BLOCK)
            for row in range(max(0, y - reach), min(height, y + reach + 1)):
                weight = weights[abs(row - y)]
                for x in range(start, end):
                    total[row, x] += weight * line[x]
            line[start:end] = 0
            reached[block] = False
    for place in places:
        votes[place] = 0


def _basins(density: _Image, least: float, share: float) -> _Labels:
    """Give every place above a density the number of its basin, from 1.

    Every place belongs to the mode to which one climbs from it. Modes are joined at the
    highest saddles first, where these hardly lie below the lower of both.

    Parameters
    ----------
    density : (Y, X) float32
        Density of votes.
    least : float
        Places with less belong to no basin.
    share : float
        Share of the lower of two modes at which they are one.

    Returns
    -------
    (Y * X,) int32
    """
    tops = np.empty(density.size, np.int32)
    _climb(density, least, tops)
    heights, pairs = _saddles(density, tops, share)
    order = np.argsort(-heights, kind="stable")
    _join(density.ravel(), heights[order], pairs[order], share, tops)
    basins = np.zeros(density.size, np.int32)
    _number(tops, basins)
    return basins


@compiled
def _top(tops: _Labels, place: int) -> int:
    """Find the mode above a place, and shorten the way there."""
    while tops[place] != place:
        tops[place] = tops[tops[place]]
        place = tops[place]
    return place


@compiled
def _climb(density: _Image, least: float, tops: _Labels) -> None:
    """Tell the mode above each place; -1 where there is hardly any density."""
    height, width = density.shape
    for y in range(height):
        for x in range(width):
            best, at = density[y, x], y * width + x
            place = at
            if best <= least:
                tops[place] = -1
                continue
            for row in range(max(0, y - 1), min(height, y + 2)):
                for column in range(max(0, x - 1), min(width, x + 2)):
                    if density[row, column] > best:
                        best, at = density[row, column], row * width + column
            tops[place] = at
    for place in range(tops.size):
        if tops[place] >= 0:
            tops[place] = _top(tops, place)


@compiled
def _saddles(density: _Image, tops: _Labels, share: float) -> tuple[_Image, _Labels]:
    """Find where two basins meet at this share of the lower mode or above.

    Returns
    -------
    heights : (n,) float32
        The lower of the two densities where they meet.
    pairs : (n, 2) int32
        The two modes.
    """
    height, width = density.shape
    flat = density.ravel()
    heights, pairs = np.empty(0, np.float32), np.empty((0, 2), np.int32)
    # They are counted first, and written down then.
    for writing in (False, True):
        count = 0
        for y in range(height):
            for x in range(width):
                own = tops[y * width + x]
                if own < 0:
                    continue
                for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
                    row, column = y + dy, x + dx
                    if row == height or column < 0 or column == width:
                        continue
                    other = tops[row * width + column]
                    if other < 0 or other == own:
                        continue
                    level = min(density[y, x], density[row, column])
                    if level < share * min(flat[own], flat[other]):
                        continue
                    if writing:
                        heights[count] = level
                        pairs[count, 0], pairs[count, 1] = own, other
                    count += 1
        if not writing:
            heights = np.empty(count, np.float32)
            pairs = np.empty((count, 2), np.int32)
    return heights, pairs


@compiled
def _join(
    flat: _Values, heights: _Values, pairs: _Labels, share: float, tops: _Labels
) -> None:
    """Put the lower of two modes below the higher one, the highest saddles first."""
    for i in range(heights.size):
        high, low = _top(tops, pairs[i, 0]), _top(tops, pairs[i, 1])
        if flat[high] < flat[low]:
            high, low = low, high
        if high != low and heights[i] >= share * flat[low]:
            tops[low] = high


@compiled
def _number(tops: _Labels, basins: _Labels) -> None:
    """Count basins in the order in which they begin; `basins` comes as zeros."""
    count = 0
    for place in range(tops.size):
        mode = tops[place]
        if mode < 0:
            continue
        # Places name the mode they climb to, and only modes have been joined since.
        if basins[mode] == 0:
            top = _top(tops, mode)
            if basins[top] == 0:
                count += 1
                basins[top] = count
            basins[mode] = basins[top]
        basins[place] = basins[mode]
