"""The cheapest links between the ends of tracks and the cells of a frame."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import (
    connected_components,
    min_weight_full_bipartite_matching,
)

from fastershift.tracking._costs import Candidates

__all__ = ["assign"]

_Numbers = npt.NDArray[np.int64]
_Reals = npt.NDArray[np.float64]

# Groups that have no link between them are solved together up to so many links: the
# time of a solution grows with the square of its size.
_TOGETHER = 512


def assign(
    links: Candidates, seconds: Candidates, ending: _Reals, beginning: _Reals
) -> tuple[_Numbers, _Numbers]:
    """Choose the links that cost least together.

    Parameters
    ----------
    links : Candidates
        Links of an end to a cell.
    seconds : Candidates
        Links of an end to a second daughter, less what it costs to begin a track.
    ending : (n_ends,) float64
        What it costs to end each track.
    beginning : (n_cells,) float64
        What it costs to begin a track with each cell.

    Returns
    -------
    first, second : (n_ends,) int64
        The cell each end goes on with, and the second daughter; -1 for none. Of two
        daughters the one with the lower position comes first.
    """
    # Each end has two rows. A cell that is matched need not begin a track, which is
    # taken off what the link costs.
    n_ends, n_cells = len(ending), len(beginning)
    rows = np.concatenate([links.ends, n_ends + seconds.ends])
    columns = np.concatenate([links.cells, seconds.cells])
    costs = np.concatenate([links.costs - beginning[links.cells], seconds.costs])
    nothing = np.concatenate([ending, np.zeros(n_ends)])
    # What costs more than no link at all is never chosen.
    worth = np.flatnonzero(costs <= nothing[rows])
    chosen = np.full(2 * n_ends, -1, dtype=np.int64)
    group = _groups(rows[worth] % max(1, n_ends), columns[worth], n_ends, n_cells)
    alone = np.bincount(group)[group] == 1
    chosen[rows[worth[alone]]] = columns[worth[alone]]
    for part in _apart(group[~alone]):
        some = worth[~alone][part]
        matched, found = _cheapest(rows[some], columns[some], costs[some], nothing)
        chosen[matched] = found
    first, second = chosen[:n_ends], chosen[n_ends:]
    # A daughter without a sister is the same cell, and sisters are alike.
    turned = (second >= 0) & ((first < 0) | (second < first))
    return np.where(turned, second, first), np.where(turned, first, second)


def _groups(ends: _Numbers, cells: _Numbers, n_ends: int, n_cells: int) -> _Numbers:
    """Sort links into groups that have neither end nor cell in common."""
    size = n_ends + n_cells
    graph = coo_array((np.ones(len(ends)), (ends, n_ends + cells)), shape=(size, size))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups[ends], dtype=np.int64)


def _apart(group: _Numbers) -> Iterator[_Numbers]:
    """Yield the positions of some groups after the other, each group whole."""
    order = np.argsort(group, kind="stable")
    # How many links lie before the group of each.
    before = np.searchsorted(group[order], group[order])
    parts = np.split(order, np.flatnonzero(np.diff(before // _TOGETHER)) + 1)
    yield from parts if len(group) else ()


def _cheapest(
    rows: _Numbers, columns: _Numbers, costs: _Reals, nothing: _Reals
) -> tuple[_Numbers, _Numbers]:
    """Match rows and columns; return the rows, and the column of each or -1."""
    ids, row = np.unique(rows, return_inverse=True)
    cells, column = np.unique(columns, return_inverse=True)
    # Each row has a column of its own for "nothing": then every row is matched.
    own = np.arange(len(ids))
    costs = np.concatenate([costs, nothing[ids]])
    ends = np.block([[row, own], [column, len(cells) + own]])
    # A number added to all of a row changes no choice; costs have to be positive.
    graph = coo_array(
        # scipy before 1.15 takes no wider indices.
        (costs - costs.min() + 1, tuple(ends.astype(np.int32))),
        shape=(len(ids), len(cells) + len(ids)),
    )
    matched, found = min_weight_full_bipartite_matching(graph.tocsr())
    taken = found < len(cells)
    return ids[matched], np.where(taken, cells[np.where(taken, found, 0)], -1)
