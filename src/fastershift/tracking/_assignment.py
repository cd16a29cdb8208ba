"""The cheapest links between the ends of tracks and the cells of a frame."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from fastershift.tracking._costs import Candidates

__all__ = ["assign"]

_Numbers = npt.NDArray[np.int64]
_Reals = npt.NDArray[np.float64]


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
        The cell each end goes on with, and the second daughter; -1 for none.
    """
    # Each end has two rows, and each row a column of its own for "no cell": then every
    # row is matched. A cell that is matched need not begin a track, which is taken off
    # what the link costs.
    n_ends, n_cells = len(ending), len(beginning)
    rows = np.concatenate([links.ends, n_ends + seconds.ends])
    columns = np.concatenate([links.cells, seconds.cells])
    costs = np.concatenate([links.costs - beginning[links.cells], seconds.costs])
    own = np.arange(2 * n_ends)
    nothing = np.concatenate([ending, np.zeros(n_ends)])
    rows = np.concatenate([rows, own])
    columns = np.concatenate([columns, n_cells + own])
    costs = np.concatenate([costs, nothing])
    chosen = np.full(2 * n_ends, -1, dtype=np.int64)
    if n_ends:
        # A number added to all of a row changes no choice; costs have to be positive.
        graph = coo_array(
            (costs - costs.min() + 1, (rows, columns)),
            shape=(2 * n_ends, n_cells + 2 * n_ends),
        )
        matched, found = min_weight_full_bipartite_matching(graph.tocsr())
        chosen[matched] = np.where(found < n_cells, found, -1)
    first, second = chosen[:n_ends], chosen[n_ends:]
    # A daughter without a sister is the same cell.
    lone = (first < 0) & (second >= 0)
    return np.where(lone, second, first), np.where(lone, -1, second)
