"""What it costs to link two cells, and what to make a cell divide."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from fastershift.config import TrackSettings
from fastershift.tracking._cells import PlacedCells

__all__ = [
    "Candidates",
    "Ends",
    "VotedPlaces",
    "candidates",
    "division_costs",
    "reaches",
    "spacing",
    "usual_reach",
]

_Numbers = npt.NDArray[np.int64]
_Reals = npt.NDArray[np.float64]

# Cells may move so many times as far as is usual, and at least so many diameters.
_TIMES_USUAL, _LEAST_REACH = 3.0, 1.0
# A cell that stands alone may move this share of the way to its nearest neighbour.
_OF_SPACING = 0.5
# So many cells next to where a cell is expected may be the same one.
_NEAREST = 8
# Cells that share this much (IoU) may be the same one wherever they lie.
_SHARED = 0.05
# Changes of size beyond this power of two cost no more.
_SIZE = 1.5
# Daughters lie at most this many cell diameters beside their mother.
_DAUGHTERS_WITHIN = 1.5
# A division that costs more than this is none, whatever else would become of its cells.
_DIVISION = 0.8
# Mothers round up and daughters spread: their sizes tell less than those of sisters.
_SIZE_OF_MOTHER = 0.5
# A daughter has at least this share of the size of her mother, and of her sister.
_LEAST_SHARE = 0.15


@dataclass(frozen=True)
class VotedPlaces:
    """Where a network sees the cells of a frame in the frame before.

    Attributes
    ----------
    places : (n, 2) float64
        Row and column in pixels, one for each cell, by ascending label.
    certainty : (n,) float64
        0 to 1, how much each can be relied on.
    """

    places: _Reals
    certainty: _Reals


@dataclass(frozen=True)
class Ends:
    """The last cells of the tracks that may go on.

    Attributes
    ----------
    tracks : (m,) int64
        Their numbers.
    areas : (m,) int64
        Pixels of their last cells.
    last : (m, 2) float64
        Where these are, the drift of the stage since then added.
    expected : (m, 2) float64
        Where they should be now.
    ages : (m,) int64
        Frames since they were seen; 1 for those of the frame before.
    """

    tracks: _Numbers
    areas: _Numbers
    last: _Reals
    expected: _Reals
    ages: _Numbers

    def __len__(self) -> int:
        return len(self.tracks)


@dataclass(frozen=True)
class Candidates:
    """Links that are possible.

    Attributes
    ----------
    ends, cells : (k,) int64
        Positions of the two, ordered by end, then cell.
    costs : (k,) float64
        In squared cell diameters.
    distances : (k,) float64
        Between the cell and where the end should be, in cell diameters.
    """

    ends: _Numbers
    cells: _Numbers
    costs: _Reals
    distances: _Reals

    def without(self, ends: _Numbers) -> "Candidates":
        """Leave out the links of some ends."""
        kept = ~np.isin(self.ends, ends)
        return Candidates(
            self.ends[kept], self.cells[kept], self.costs[kept], self.distances[kept]
        )


def usual_reach(
    ends: Ends, cells: PlacedCells, settings: TrackSettings, diameter: float
) -> float:
    """Tell how far cells may move between two frames, in cell diameters.

    Some times as far as cells and ends that are nearest to each other lie apart, so
    that in a crowd that moves little nobody takes the place of a missing neighbour.

    Parameters
    ----------
    ends, cells, settings, diameter
        As for `candidates`.

    Returns
    -------
    float
        At most `farthest_move`.
    """
    fresh = ends.expected[ends.ages == 1]
    least = min(_LEAST_REACH, settings.farthest_move)
    if not len(fresh) or not len(cells):
        return settings.farthest_move
    away, nearest = cells.tree.query(fresh)
    _, back = cKDTree(fresh).query(cells.places)
    mutual = back[nearest] == np.arange(len(fresh))
    usual = float(np.median(away[mutual])) / diameter
    return float(np.clip(_TIMES_USUAL * usual, least, settings.farthest_move))


def spacing(places: _Reals) -> _Reals:
    """Tell how far the nearest neighbour of each place lies; inf without one.

    Parameters
    ----------
    places : (n, 2) float64
        In pixels.

    Returns
    -------
    (n,) float64
    """
    if len(places) < 2:
        return np.full(len(places), np.inf)
    return np.asarray(cKDTree(places).query(places, k=2)[0][:, 1])


def reaches(
    spacing: _Reals, usual: float, settings: TrackSettings, diameter: float
) -> _Reals:
    """Tell how far each cell may move: farther where no neighbour is near.

    Parameters
    ----------
    spacing : (n,) float64
        How far the nearest neighbour of each lies, in pixels.
    usual : float
        See `usual_reach`.
    settings, diameter
        As for `candidates`.

    Returns
    -------
    (n,) float64
        In cell diameters.
    """
    free = _OF_SPACING * spacing / diameter
    return np.asarray(np.maximum(usual, free).clip(max=settings.farthest_move))


def candidates(
    ends: Ends,
    cells: PlacedCells,
    shared: tuple[_Numbers, _Numbers, _Reals],
    voted: VotedPlaces | None,
    settings: TrackSettings,
    diameter: float,
    reach: _Reals,
) -> Candidates:
    """List the links that are possible, with what each costs.

    Parameters
    ----------
    ends : Ends
        Tracks that may go on.
    cells : PlacedCells
        The cells of the next frame.
    shared : (end, cell, overlap)
        Positions of those that overlap, and their intersection over union.
    voted : VotedPlaces, optional
        Where the cells come from.
    settings : TrackSettings
        The costs.
    diameter : float
        Cell diameter in pixels.
    reach : (m,) float64
        Farthest move of each end in cell diameters.

    Returns
    -------
    Candidates
    """
    # Daughters may lie farther away than cells move.
    farthest = np.maximum(reach, _DAUGHTERS_WITHIN)
    limits = farthest * np.sqrt(ends.ages)
    touches = shared[2] >= _SHARED
    touching = _key(shared[0][touches], shared[1][touches], cells)
    keys = [
        _key(*_nearest(ends.expected, cells.tree, limits * diameter), cells),
        touching,
    ]
    if voted is not None:
        fresh = np.flatnonzero(ends.ages == 1)
        to, what = _nearest(
            voted.places,
            cKDTree(ends.last[fresh]),
            np.full(len(cells), farthest.max(initial=0) * diameter),
        )
        keys.append(_key(fresh[what], to, cells))
    both = np.unique(np.concatenate(keys))
    end, cell = np.divmod(both, max(1, len(cells)))
    ages, limit = ends.ages[end], farthest[end] ** 2

    def apart(first: _Reals, second: _Reals) -> _Reals:
        return np.asarray(np.hypot(*(first - second).T) / diameter)

    distance = apart(cells.places[cell], ends.expected[end])
    squared = distance**2 / ages
    trust = np.zeros(len(both))
    if voted is not None:
        trust = settings.vote_weight * voted.certainty[cell] * (ages == 1)
        by_vote = apart(voted.places[cell], ends.last[end])
        squared = (1 - trust) * np.minimum(squared, limit) + trust * by_vote**2
        distance = np.sqrt(squared)
    overlap = np.zeros(len(both))
    overlap[np.searchsorted(both, touching)] = shared[2][touches]
    # A cell that leaves the frame may shrink to anything, and is the same cell.
    size = np.log2(cells.areas[cell] / ends.areas[end]).clip(-_SIZE, _SIZE)
    costs = (
        squared
        # Where a vote tells the place, what lies there now tells less.
        + (1 - trust) * (settings.overlap_cost * (1 - overlap)) ** 2
        + (settings.size_cost * size) ** 2
        + (settings.gap_cost * (ages - 1)) ** 2
    )
    kept = (squared <= limit) | (overlap >= _SHARED)
    return Candidates(end[kept], cell[kept], costs[kept], distance[kept])


def _key(ends: _Numbers, cells: _Numbers, frame: PlacedCells) -> _Numbers:
    return np.asarray(ends * max(1, len(frame)) + cells, dtype=np.int64)


def _nearest(asked: _Reals, near: cKDTree, limits: _Reals) -> tuple[_Numbers, _Numbers]:
    """Pair each of the places asked for with the nearest ones within its limit."""
    if not len(asked) or not near.n:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    distances, found = near.query(
        asked, k=min(_NEAREST, near.n), distance_upper_bound=limits.max()
    )
    distances = distances.reshape(len(asked), -1)
    found = found.reshape(len(asked), -1)
    who, which = np.nonzero(distances <= limits[:, None])
    return who, found[who, which].astype(np.int64)


def division_costs(
    links: Candidates,
    ends: Ends,
    cells: PlacedCells,
    settings: TrackSettings,
    diameter: float,
) -> Candidates:
    """Tell what a second daughter costs more than a track that begins.

    The two daughters together are as large as their mother, as large as each other,
    and lie on both sides of her.

    Parameters
    ----------
    links : Candidates
        Links to single cells.
    ends, cells, settings, diameter
        As for `candidates`.

    Returns
    -------
    Candidates
        The second daughters, beside the first that suits each best.
    """
    near = (ends.ages[links.ends] == 1) & (links.distances <= _DAUGHTERS_WITHIN)
    near &= cells.areas[links.cells] >= _LEAST_SHARE * ends.areas[links.ends]
    place = np.flatnonzero(near)
    mothers = links.ends[place]
    # All ordered pairs of candidates of one mother.
    starts = np.searchsorted(mothers, mothers, side="left")
    stops = np.searchsorted(mothers, mothers, side="right")
    counts = stops - starts
    second = np.repeat(np.arange(len(place)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first = starts[second] + offset
    first, second = first[first != second], second[first != second]
    mother = mothers[first]
    # Most pairs lie too far apart for sisters, and are not looked at further.
    between = cells.places[links.cells[place[first]]]
    between = between - cells.places[links.cells[place[second]]]
    near_by = (between**2).sum(axis=1) <= 4 * _DIVISION * diameter**2
    first, second, mother = first[near_by], second[near_by], mother[near_by]
    one, two = (links.cells[place[side]] for side in (first, second))
    areas = cells.areas[one], cells.areas[two]
    middle = (cells.places[one] + cells.places[two]) / 2
    beside = np.hypot(*(middle - ends.expected[mother]).T) / diameter
    apart = np.hypot(*(cells.places[one] - cells.places[two]).T) / diameter
    whole = np.log2((areas[0] + areas[1]) / ends.areas[mother])
    alike = np.log2(areas[0] / areas[1])
    total = (
        settings.division_cost**2
        + beside**2
        + (apart / 2) ** 2
        + (_SIZE_OF_MOTHER * settings.size_cost * whole) ** 2
        + (settings.size_cost * alike) ** 2
    )
    # The link to the first daughter has been paid for as one to a whole cell.
    extra = total - links.costs[place[first]]
    possible = np.minimum(*areas) >= _LEAST_SHARE * np.maximum(*areas)
    possible &= total <= _DIVISION
    second, extra = second[possible], extra[possible]
    if not len(second):
        none = np.zeros(0, np.int64)
        return Candidates(none, none, np.zeros(0), np.zeros(0))
    order = np.lexsort((extra, second))
    kept, at = np.unique(second[order], return_index=True)
    return Candidates(
        mothers[kept],
        links.cells[place[kept]],
        extra[order][at],
        links.distances[place[kept]],
    )
