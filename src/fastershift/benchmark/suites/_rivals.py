"""Suite ``rivals``: seconds and scores beside what a user would take instead."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np

from fastershift.benchmark._baseline import otsu_watershed
from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark._runs import (
    TrueMovie,
    movies_at_hand,
    timed_run,
    warm_up,
)
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Cell,
    Plot,
    Series,
    SuiteResult,
    Table,
)
from fastershift.benchmark.linkers import LINKERS, PeerLinker
from fastershift.evaluation import Scores
from fastershift.io import SavedResult, write_saved

__all__ = ["run"]

_FRAMES, _QUICK_FRAMES = 16, 4
_OURS = "fastershift"

#: Method and movie; seconds a frame, and SEG and TRA.
_Row: TypeAlias = tuple[str, str, float, Scores | None]


def run(options: BenchmarkOptions) -> SuiteResult:
    """Run every movie at hand with each method that is installed.

    Parameters
    ----------
    options : BenchmarkOptions
        In the quick form the first movie, and few frames of it.

    Returns
    -------
    SuiteResult
    """
    warm_up(options.device)
    missing = {linker.described(): linker.missing() for linker in LINKERS}
    linkers = [linker for linker in LINKERS if not missing[linker.described()]]
    rows: list[_Row] = []
    for movie in movies_at_hand(options, _QUICK_FRAMES if options.quick else _FRAMES):
        ours = timed_run(movie, {}, options.device)
        count = len(ours.result.labels)
        rows.append((_OURS, movie.name, ours.seconds / count, ours.scores))
        diameter = float(ours.result.settings.embed.diameter)
        rows += [_rival(movie, linker, diameter) for linker in linkers]
        if options.quick:
            break
    means = _means(rows)
    notes = [
        "Otsu + watershed: Gaussian smoothing, Otsu's threshold for each frame, a "
        "watershed of the depth. The cell diameter that it needs is the one that "
        "fastershift measured, whose time is not counted.",
        "Seconds are those of the clock from the frames to the files, on the same "
        "cores. Score: the mean of SEG and TRA, each against the truth of the movie.",
        *(f"{name} {why}." for name, why in missing.items() if why),
    ]
    if options.quick:
        notes.append(f"Cut down to {_QUICK_FRAMES} frames of one movie.")
    summary: dict[str, Any] = {
        name: {"seconds_per_frame": round(seconds, 4), "score": _rounded(score)}
        for name, (seconds, score) in means.items()
    }
    summary["on_front"] = _on_front(means)
    table = Table(
        "The same movies and cores",
        ("method", "movie", "s a frame", "SEG", "TRA"),
        tuple(_cells(row) for row in rows),
    )
    return SuiteResult(summary, (table,), (_plot(means),), tuple(notes))


def _rival(movie: TrueMovie, linker: PeerLinker, diameter: float) -> _Row:
    """Segment, link and write a movie."""
    started = time.perf_counter()
    masks = np.stack(
        [
            otsu_watershed(np.asarray(movie.frames[t]), diameter)
            for t in range(len(movie.frames))
        ]
    )
    linked = linker.run(MaskMovie(movie.name, masks, masks, (), movie.frames))
    result = SavedResult(linked.labels, linked.tracks)
    with TemporaryDirectory() as folder:
        path = write_saved(Path(folder) / "result", result)
        seconds = (time.perf_counter() - started) / len(masks)
        scores = movie.scores(path, result)
    return f"Otsu + watershed, {linker.described()}", movie.name, seconds, scores


def _score(scores: Scores | None) -> float | None:
    """Return the mean of SEG and TRA; None where one is not known."""
    if scores is None or scores.seg is None or scores.tra is None:
        return None
    return (scores.seg + scores.tra) / 2


def _means(rows: list[_Row]) -> dict[str, tuple[float, float | None]]:
    """Return mean seconds and score of each method, over movies that can be scored."""
    means: dict[str, tuple[float, float | None]] = {}
    for name in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == name]
        known = [s for row in own if (s := _score(row[3])) is not None]
        means[name] = (
            float(np.mean([row[2] for row in own])),
            float(np.mean(known)) if known else None,
        )
    return means


def _on_front(means: dict[str, tuple[float, float | None]]) -> bool | None:
    """Tell whether nothing is both faster than ours and as good."""
    seconds, score = means[_OURS]
    if score is None:
        return None
    return not any(
        other < seconds and (reached or 0.0) >= score
        for name, (other, reached) in means.items()
        if name != _OURS
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def _cells(row: _Row) -> tuple[Cell, ...]:
    name, movie, seconds, scores = row
    seg, tra = (None, None) if scores is None else (scores.seg, scores.tra)
    return name, movie, round(seconds, 4), _rounded(seg), _rounded(tra)


def _plot(means: dict[str, tuple[float, float | None]]) -> Plot:
    return Plot(
        "Accuracy against time",
        "seconds a frame",
        "mean of SEG and TRA",
        tuple(
            Series(name, (seconds,), (score,))
            for name, (seconds, score) in means.items()
        ),
        log_x=True,
    )
