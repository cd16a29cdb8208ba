"""The cells of a frame that was segmented several times."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fastershift.labels import Labels, coded, overlaps
from fastershift.tracking._cells import PlacedCells, place_cells
from fastershift.tracking._drift import estimate_drift
from fastershift.tracking._mask_frame import cut_moved

__all__ = ["ChosenCells", "choose_cells"]

_Numbers = npt.NDArray[np.int64]
_Reals = npt.NDArray[np.float64]

# Masks that share more than this part of the smaller one exclude each other.
_SHARED = 0.25
# A mask this many times as large as is typical, or as small, weighs 0.6 times as much.
_OTHER_SIZE = 4.0
# This part of a weight is lost with each place further down: it decides between equals.
_LATER = 1e-3


@dataclass(frozen=True)
class ChosenCells:
    """The masks of a frame that are taken, the lightest first.

    Attributes
    ----------
    alternatives : (n,) int64
        Which label image each comes from.
    ids : (n,) int64
        Its label there.
    """

    alternatives: _Numbers
    ids: _Numbers

    def __len__(self) -> int:
        return len(self.ids)

    def paint(self, now: Sequence[Labels]) -> npt.NDArray[np.int32]:
        """Make a label image of them; of shared pixels the heavier mask has all.

        Parameters
        ----------
        now : sequence of (Y, X) int array
            What they were chosen from.

        Returns
        -------
        (Y, X) int32
            1 is the lightest one.
        """
        painted = np.zeros(np.shape(now[0]), np.int32)
        for number, labels in enumerate(now):
            own = np.flatnonzero(self.alternatives == number)
            known, codes = coded(labels)
            table = np.zeros(len(known), np.int32)
            table[np.searchsorted(known, self.ids[own])] = 1 + own
            np.maximum(painted, table[codes], out=painted)
        return painted


def choose_cells(now: Sequence[Labels], *others: Sequence[Labels]) -> ChosenCells:
    """Choose masks of a frame that exclude none another and agree best with all others.

    A mask weighs as much as it agrees, in the mean, with each other label image of its
    frame and with each of the frames before and after: of its pixels each counts the
    overlap (IoU) of the mask with the one that lies there. So a mask of another image
    counts no more where it is found in parts, or together with others. Masks of an odd
    size weigh a little less. The set with the greatest sum of weights is taken.

    Parameters
    ----------
    now : sequence of (Y, X) int array
        Label images of one frame; 0 is background, each number is one cell. Of equals
        the first is taken.
    *others : sequence of (Y, X) int array
        Those of the frames before and after, where there are such.

    Returns
    -------
    ChosenCells
        Masks that agree with nothing at all are left out.
    """
    cells = [place_cells(labels) for labels in now]
    starts = np.cumsum([0, *map(len, cells)])
    areas = np.concatenate([one.areas for one in cells])
    weights = np.zeros(len(areas))
    twin = np.zeros(len(areas), bool)
    excluding = []
    for a, b in combinations(range(len(now)), 2):
        first, second, pixels = _shared(now[a], now[b], cells[a], cells[b])
        agreed = _agreement(cells[a].areas[first], cells[b].areas[second], pixels)
        first, second = first + starts[a], second + starts[b]
        np.add.at(weights, first, agreed)
        np.add.at(weights, second, agreed)
        twin[second] |= pixels == np.maximum(areas[first], areas[second])
        much = pixels > _SHARED * np.minimum(areas[first], areas[second])
        excluding.append(np.stack([first[much], second[much]]))
    usual = _usual_size(areas, weights)
    for other in others:
        there = [place_cells(labels) for labels in other]
        drift = _drift(cells, there)
        for a, b in product(range(len(now)), range(len(other))):
            views = (
                cut_moved(now[a], -drift[0], -drift[1]),
                cut_moved(other[b], *drift),
            )
            first, second, pixels = _shared(*views, cells[a], there[b])
            agreed = _agreement(cells[a].areas[first], there[b].areas[second], pixels)
            np.add.at(weights, first + starts[a], agreed)
    rank: _Numbers = np.repeat(np.arange(len(now)), np.diff(starts))
    # Of masks that are the same, one is enough.
    weights = np.where(twin, 0, weights * usual * (1 - _LATER * rank))
    taken = _heaviest(weights, np.concatenate(excluding, axis=1))
    taken = taken[np.argsort(weights[taken], kind="stable")]
    ids = np.concatenate([one.ids for one in cells])
    return ChosenCells(rank[taken], ids[taken])


def _shared(
    first: Labels, second: Labels, of_first: PlacedCells, of_second: PlacedCells
) -> tuple[_Numbers, _Numbers, _Numbers]:
    """Return the places of every two cells that share pixels, and how many."""
    a, b, pixels = overlaps(first, second)
    return np.searchsorted(of_first.ids, a), np.searchsorted(of_second.ids, b), pixels


def _agreement(first: _Numbers, second: _Numbers, pixels: _Numbers) -> _Reals:
    """Count each shared pixel by the overlap (IoU) of its two masks."""
    agreed: _Reals = pixels**2 / (first + second - pixels)
    return agreed


def _usual_size(areas: _Numbers, agreed: _Reals) -> _Reals:
    """Tell how usual each area is, by the masks on which label images agree most.

    Half of what is agreed on lies in masks below the usual size.
    """
    order = np.argsort(areas)
    summed = np.cumsum(agreed[order])
    if not len(order) or not summed[-1]:
        return np.ones(len(order))
    typical = areas[order][np.searchsorted(summed, summed[-1] / 2)]
    off = np.log(areas / typical) / np.log(_OTHER_SIZE)
    usual: _Reals = np.exp(-(off**2) / 2)
    return usual


def _drift(now: Sequence[PlacedCells], other: Sequence[PlacedCells]) -> tuple[int, int]:
    """Estimate how far the stage moved, by the label image with the most cells."""
    fewer = [min(map(len, both)) for both in zip(now, other, strict=True)]
    fullest = int(np.argmax(fewer))
    before, after = now[fullest], other[fullest]
    rows, columns = estimate_drift(before.places, after.places, before.diameter)
    return round(rows), round(columns)


def _heaviest(weights: _Reals, excluding: _Numbers) -> _Numbers:
    """Choose what weighs most together, where some exclude each other.

    Parameters
    ----------
    weights : (n,) float64
        Those of 0 are never chosen.
    excluding : (2, m) int64
        Two of which at most one may be chosen.

    Returns
    -------
    (k,) int64
        Ascending places.
    """
    excluding = excluding[:, (weights[excluding] > 0).all(axis=0)]
    size = len(weights)
    graph = coo_array((np.ones(excluding.shape[1]), tuple(excluding)), (size, size))
    count, group = connected_components(graph, directed=False)
    of_edge = group[excluding[0]]
    members, edges = (np.bincount(one, minlength=count) for one in (group, of_edge))
    degree = np.bincount(excluding.ravel(), minlength=size)
    # The heaviest of each group, and the one that excludes most.
    heaviest, hub = (
        order[np.searchsorted(group[order], np.arange(count))]
        for order in (np.lexsort((-one, group)) for one in (weights, degree))
    )
    clique = 2 * edges == members * (members - 1)
    # Most others are a cell and its parts: the one, or all that it excludes.
    star = ~clique & (edges == members - 1) & (degree[hub] == edges)
    whole = 2 * weights[hub] >= np.bincount(group, weights, count)
    chosen = (star & ~whole)[group]
    chosen[hub[star]] = whole[star]
    chosen[heaviest[clique]] = True
    for one in np.flatnonzero(~clique & ~star).tolist():
        inside = np.flatnonzero(group == one)
        pairs = np.searchsorted(inside, excluding[:, of_edge == one])
        chosen[inside] = _solve(weights[inside], pairs)
    return np.flatnonzero(chosen & (weights > 0))


def _solve(weights: _Reals, pairs: _Numbers) -> npt.NDArray[np.bool_]:
    """Choose exactly, within one group; of each pair at most one."""
    places = np.stack([np.repeat(np.arange(pairs.shape[1]), 2), pairs.T.ravel()])
    # scipy before 1.15 takes no wider indices.
    matrix = coo_array(
        (np.ones(pairs.size), tuple(places.astype(np.int32))),
        (pairs.shape[1], len(weights)),
    )
    found = milp(
        -weights,
        integrality=np.ones(len(weights)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix.tocsr(), -np.inf, 1),
        options={"mip_rel_gap": 0.0},
    )
    return np.asarray(found.x > 0.5)
