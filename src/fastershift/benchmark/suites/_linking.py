"""Suite ``linking``: right and spoiled masks, linked by us and by other programs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.benchmark._links_score import LinkScores, score_links
from fastershift.benchmark._masks import (
    DAMAGES,
    MaskMovie,
    mask_movies,
    spoil,
    thin_out,
)
from fastershift.benchmark._suite import BenchmarkOptions, Cell, SuiteResult, Table
from fastershift.benchmark.linkers import LINKERS, Linked
from fastershift.benchmark.suites._alternative_masks import score_alternatives
from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.pipeline import segment_movie
from fastershift.tracking import MaskLinker

__all__ = ["run"]

_OURS = "fastershift"
_VOTES = "fastershift, with votes"

# Weight of the votes where they are asked for.
_TRUST = 0.8
_AS_GIVEN = "fastershift, masks as given"

# Every how many frames of a movie one is taken.
_STEPS = (1, 2, 4)
# Share of the masks that is spoiled.
_SHARE = 0.05
# Frames of each movie in the quick form.
_QUICK = 12
# Cells a frame, and frames, of the timed movie.
_MANY, _TIMED = 5000, 4


@dataclass(frozen=True)
class _Case:
    """A movie with frames left out or masks spoiled."""

    name: str
    movie: MaskMovie


def run(options: BenchmarkOptions) -> SuiteResult:
    """Link masks that are known, and compare the tracks with the true ones.

    Parameters
    ----------
    options : BenchmarkOptions
        Its data hold the movies, or a folder ``data`` with them; without it movies are
        simulated.

    Returns
    -------
    SuiteResult

    Raises
    ------
    InputError
        For a folder without a movie and its truth.
    """
    linkers, left_out = _linkers(options)
    rows: list[tuple[Cell, ...]] = []
    tra: dict[tuple[str, str], dict[str, float]] = {}
    for movie in mask_movies(options):
        for case in _cases(movie, quick=options.quick):
            for name, link in linkers.items():
                if name == (_AS_GIVEN if _asks_network(case) else _VOTES):
                    continue
                linked = link(case.movie)
                scores = score_links(case.movie, linked.labels, linked.tracks)
                tra.setdefault((movie.name, case.name), {})[name] = scores.tra
                rows.append(_row(movie.name, case.name, name, scores, linked))
    if not rows:
        raise InputError(f"{options.data} holds no movie with its truth.")
    alternatives, gains = score_alternatives(
        _cut(movie, options.quick) for movie in mask_movies(options)
    )
    seconds = _seconds(options.seed)
    notes = ["Seconds are those of the processor, our network apart."]
    if options.quick:
        notes.append(
            f"Cut down to {_QUICK} frames of each movie, and without the network."
        )
    columns = (
        "movie",
        "masks",
        "linker",
        "TRA",
        "AOGM of links",
        "division F1",
        "s a frame",
    )
    return SuiteResult(
        {
            **_leads(tra),
            **gains,
            "seconds_5000": round(seconds, 3),
            "left_out": left_out,
        },
        (
            Table("Linking", columns, tuple(rows)),
            _means(tra),
            alternatives,
            Table("Left out", ("linker", "reason"), tuple(left_out.items())),
        ),
        notes=tuple(notes),
    )


def _linkers(
    options: BenchmarkOptions,
) -> tuple[dict[str, Callable[[MaskMovie], Linked]], dict[str, str]]:
    """Return the linkers that can run here, and of each that cannot the reason."""

    def masks_alone(movie: MaskMovie) -> Linked:
        return _ours(movie, None, options.device)

    def masks_as_given(movie: MaskMovie) -> Linked:
        return _ours(movie, None, options.device, mend=False)

    def with_votes(movie: MaskMovie) -> Linked:
        return _ours(movie, movie.frames(), options.device)

    linkers: dict[str, Callable[[MaskMovie], Linked]] = {
        _OURS: masks_alone,
        _AS_GIVEN: masks_as_given,
    }
    if options.data is not None and not options.quick:
        linkers[_VOTES] = with_votes
    left_out = {}
    for peer in LINKERS:
        why = peer.missing()
        if why:
            left_out[peer.name] = why
        else:
            linkers[peer.described()] = peer.run
    return linkers, left_out


def _ours(
    movie: MaskMovie,
    frames: list[NDArray[np.generic]] | None,
    device: str,
    *,
    mend: bool = True,
) -> Linked:
    started = time.process_time()
    result = segment_movie(
        frames,
        {
            "track": {
                "mend_masks": mend,
                "vote_weight": 0.0 if frames is None else _TRUST,
            }
        },
        labels=movie.masks,
        model="generalist",
        device=device,
    )
    seconds = time.process_time() - started if frames is None else None
    return Linked(result.labels, result.lineage.rows(), seconds)


def _cases(movie: MaskMovie, *, quick: bool) -> Iterator[_Case]:
    for step in _STEPS:
        name = {1: "all frames", 2: "every 2nd frame"}.get(
            step, f"every {step}th frame"
        )
        yield _Case(name, _cut(thin_out(movie, step), quick))
    whole = _cut(movie, quick)
    for damage in DAMAGES:
        yield _Case(f"5 % {damage}", spoil(whole, damage, _SHARE))


def _cut(movie: MaskMovie, quick: bool) -> MaskMovie:
    return movie.first(_QUICK) if quick else movie


def _asks_network(case: _Case) -> bool:
    """Ask it of right masks; those that are spoiled show what mending them does."""
    return "%" not in case.name


def _row(
    movie: str, case: str, linker: str, scores: LinkScores, linked: Linked
) -> tuple[Cell, ...]:
    return (
        movie,
        case,
        linker,
        round(scores.tra, 4),
        round(scores.aogm, 1),
        None if scores.division_f1 is None else round(scores.division_f1, 3),
        None
        if linked.seconds is None
        else round(linked.seconds / len(linked.labels), 4),
    )


def _leads(tra: dict[tuple[str, str], dict[str, float]]) -> dict[str, Any]:
    """Tell by how much our TRA, by the masks alone, leads the best other."""
    leads = {
        key: of[_OURS] - max(v for name, v in of.items() if not name.startswith(_OURS))
        for key, of in tra.items()
    }
    incomplete = [lead for (_, case), lead in leads.items() if case != "all frames"]
    return {
        "least_lead_tra": round(min(leads.values()), 4),
        "mean_lead_tra": round(float(np.mean(list(leads.values()))), 4),
        "mean_lead_tra_incomplete": round(float(np.mean(incomplete)), 4),
    }


def _means(tra: dict[tuple[str, str], dict[str, float]]) -> Table:
    """Average over the movies."""
    cases = list(dict.fromkeys(case for _, case in tra))
    names = list(dict.fromkeys(name for of in tra.values() for name in of))
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        row: list[Cell] = [name]
        for case in cases:
            values = [
                of[name] for (_, c), of in tra.items() if c == case and name in of
            ]
            row.append(round(float(np.mean(values)), 4) if values else None)
        rows.append(tuple(row))
    return Table("Mean TRA", ("linker", *cases), tuple(rows))


def _seconds(seed: int) -> float:
    """Time a frame of very many cells on one core, the best of some."""
    rng = np.random.default_rng(seed)
    side = round(np.sqrt(_MANY))
    rows, columns = np.divmod(np.arange(side**2), side)
    stamp = np.hypot(*(np.mgrid[-7:8, -7:8])) <= 7
    linker, times = MaskLinker(TrackSettings()), []
    for _ in range(_TIMED):
        frame = np.zeros((20 * side + 20, 20 * side + 20), np.int32)
        moved = rng.integers(-3, 4, (side**2, 2))
        for number, (row, column, (down, right)) in enumerate(
            zip(rows, columns, moved, strict=True), start=1
        ):
            top, left = 6 + 20 * row + down, 6 + 20 * column + right
            frame[top : top + 15, left : left + 15][stamp] = number
        started = time.process_time()
        linker.add(frame)
        times.append(time.process_time() - started)
    return min(times[1:])
