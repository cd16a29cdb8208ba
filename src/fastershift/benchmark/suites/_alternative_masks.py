"""Of suite ``linking``: masks that were spoiled in several ways, given together."""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from fastershift.benchmark._links_score import score_links
from fastershift.benchmark._masks import Damage, MaskMovie, spoil
from fastershift.benchmark._suite import Cell, Table
from fastershift.benchmark.linkers import ULTRACK, Linked, choose_by_ultrack
from fastershift.pipeline import segment_movie

__all__ = ["score_alternatives"]

_Labels = npt.NDArray[np.int32]

# How the masks of each alternative are spoiled, and which share of them.
_SETS: tuple[tuple[tuple[Damage, ...], float], ...] = (
    (("missing", "merged"), 0.05),
    (("merged", "split"), 0.05),
    (("missing", "merged", "split"), 0.05),
    (("missing", "merged", "split"), 0.2),
)


def score_alternatives(movies: Iterable[MaskMovie]) -> tuple[Table, dict[str, float]]:
    """Link alternatives, and each of them alone.

    Parameters
    ----------
    movies : iterable of MaskMovie
        With right masks.

    Returns
    -------
    table : Table
        TRA of each movie and set of alternatives.
    gains : dict of str to float
        By how much TRA is higher than that of the best alternative alone, and than that
        of ultrack where it is installed.
    """
    methods: dict[str, Callable[[MaskMovie, list[_Labels]], Linked]] = {
        "fastershift": _ours
    }
    if not ULTRACK.missing():
        methods[ULTRACK.described()] = choose_by_ultrack
    rows: list[tuple[Cell, ...]] = []
    for movie in movies:
        for damages, share in _SETS:
            alternatives = [
                spoil(movie, damage, share, seed).masks
                for seed, damage in enumerate(damages)
            ]
            alone = max(_tra(movie, _ours(movie, [one])) for one in alternatives)
            together = [
                _tra(movie, method(movie, alternatives)) for method in methods.values()
            ]
            kinds = f"{share:.0%} {', '.join(damages)}"
            rows.append((movie.name, kinds, alone, *together))
    columns = ("movie", "alternatives", "best one alone", *methods)
    table = Table("Alternatives, TRA", columns, tuple(rows))
    return table, _gains(table)


def _ours(_movie: MaskMovie, alternatives: list[_Labels]) -> Linked:
    result = segment_movie(None, {"track": {"vote_weight": 0.0}}, labels=alternatives)
    return Linked(result.labels, result.lineage.rows(), None)


def _tra(movie: MaskMovie, linked: Linked) -> float:
    return round(score_links(movie, linked.labels, linked.tracks).tra, 4)


def _gains(table: Table) -> dict[str, float]:
    scores = np.array([row[2:] for row in table.rows], float)
    ours = scores[:, 1]
    gains = {
        "least_gain_alternatives": float((ours - scores[:, 0]).min()),
        "mean_gain_alternatives": float((ours - scores[:, 0]).mean()),
    }
    if scores.shape[1] > 2:
        others = ours - scores[:, 2]
        gains["least_lead_alternatives"] = float(others.min())
        gains["mean_lead_alternatives"] = float(others.mean())
    return {name: round(gain, 4) for name, gain in gains.items()}
