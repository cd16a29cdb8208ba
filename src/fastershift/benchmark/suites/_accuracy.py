"""Suite ``accuracy``: SEG, DET and TRA on frames no shipped model was trained on."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.benchmark._baseline import simple_baseline
from fastershift.benchmark._suite import BenchmarkOptions, Cell, SuiteResult, Table
from fastershift.errors import InputError
from fastershift.evaluation import Scores, evaluate, score_arrays
from fastershift.io import Tracks, read_movie, tracks_from_labels, write_result
from fastershift.pipeline import segment_movie
from fastershift.rshn import FrameSource
from fastershift.simulate import Kind, simulate_movie

__all__ = ["KEPT_OUT", "run"]


@dataclass(frozen=True)
class _Set:
    """Frames kept out of training, and what a person would have chosen for them."""

    first: int
    diameter: float
    model: str


#: Movies of the Cell Tracking Challenge. The median diameters are those of the truth.
KEPT_OUT = {
    "Fluo-N2DL-HeLa": _Set(24, 25.1, "nuclei"),
    "Fluo-N2DH-SIM+": _Set(32, 48.5, "nuclei"),
    "Fluo-N2DH-GOWT1": _Set(30, 59.8, "nuclei"),
    "DIC-C2DH-HeLa": _Set(68, 111.7, "dic"),
    "Fluo-C2DL-MSC": _Set(16, 73.4, "elongated"),
    "PhC-C2DL-PSC": _Set(32, 12.6, "phase"),
}

# The model that may be used for anything, and has seen none of the movies.
_FREE = "generalist"

# Frames of each movie in the quick form.
_QUICK = 3

# Simulated movies where there are no real ones.
_KINDS: tuple[Kind, ...] = ("nuclei", "phase", "dic", "elongated")
_SIMULATED_SEED = 1000
_SIMULATED_DIAMETER = 32.0


@dataclass(frozen=True)
class _Task:
    """A movie to be scored."""

    name: str
    frames: str
    movie: FrameSource
    by_hand: _Set
    truth: tuple[Path, Path | None, tuple[int, int]] | NDArray[np.int32]

    def score(self, labels: NDArray[np.int32], tracks: Tracks) -> Scores:
        """Compare a result with the truth."""
        if not isinstance(self.truth, tuple):
            segments = dict(enumerate(self.truth))
            return score_arrays(labels, tracks, self.truth, seg_frames=segments)
        gold, silver, frames = self.truth
        with tempfile.TemporaryDirectory() as folder:
            result = write_result(Path(folder) / "result", labels, tracks)
            return evaluate(result, gold, silver=silver, frames=frames)


def run(options: BenchmarkOptions) -> SuiteResult:
    """Score the default run, the free model and a simple baseline on unseen frames.

    Parameters
    ----------
    options : BenchmarkOptions
        Its data are folders named as in the Cell Tracking Challenge.

    Returns
    -------
    SuiteResult

    Raises
    ------
    InputError
        For a folder without any of the movies that are scored.
    """
    tasks = list(_real(options) if options.data else _simulated(options))
    if not tasks:
        raise InputError(
            f"{options.data} holds none of the movies that are scored: "
            f"{', '.join(KEPT_OUT)}."
        )
    summary: dict[str, Any] = {"baseline": {}, _FREE: {}}
    rows: list[tuple[Cell, ...]] = []
    for task in tasks:
        row, summary[task.name] = _run(task, "auto", {}, options)
        rows.append(row)
        row, summary[_FREE][task.name] = _run(task, "free", {"model": _FREE}, options)
        rows.append(row)
        if not options.quick:
            by_hand = {"model": task.by_hand.model, "diameter": task.by_hand.diameter}
            rows.append(_run(task, "by hand", by_hand, options)[0])
        frames = [np.asarray(task.movie[t]) for t in range(len(task.movie))]
        labels = simple_baseline(frames, task.by_hand.diameter)
        scores = task.score(labels, tracks_from_labels(labels))
        rows.append(_row(task, "Otsu, watershed, overlap", scores))
        summary["baseline"][task.name] = scores.as_dict()
    columns = ("movie", "frames", "how", "SEG", "SEG_ST", "TRA", "DET")
    notes = ["The baseline is given the median diameter of the truth."]
    if options.quick:
        notes.append(f"Cut down to {_QUICK} frames a movie.")
    return SuiteResult(
        summary, (Table("Accuracy", columns, tuple(rows)),), notes=tuple(notes)
    )


def _real(options: BenchmarkOptions) -> Iterator[_Task]:
    assert options.movies is not None  # noqa: S101 (narrows the type)
    for name, kept in KEPT_OUT.items():
        folder = options.movies / name
        if not (folder / "01").is_dir():
            continue
        count = len(read_movie(folder / "01"))
        stop = min(count, kept.first + _QUICK) if options.quick else count
        frames = (kept.first, stop)
        silver = folder / "01_ST"
        yield _Task(
            name,
            f"{kept.first}:{stop}",
            read_movie(folder / "01", frames=frames),
            kept,
            (folder / "01_GT", silver if silver.is_dir() else None, frames),
        )


def _simulated(options: BenchmarkOptions) -> Iterator[_Task]:
    count = _QUICK if options.quick else 2 * _QUICK
    for kind in _KINDS:
        movie = simulate_movie(
            count,
            (256, 256),
            16,
            kind=kind,
            diameter=_SIMULATED_DIAMETER,
            seed=_SIMULATED_SEED + options.seed,
        )
        by_hand = _Set(0, _SIMULATED_DIAMETER, kind)
        yield _Task(
            f"simulated {kind}", f"0:{count}", movie.frames, by_hand, movie.labels
        )


def _run(
    task: _Task, how: str, embed: dict[str, Any], options: BenchmarkOptions
) -> tuple[tuple[Cell, ...], dict[str, Any]]:
    """Track a movie and score it; *auto* decides what is not given."""
    found = segment_movie(task.movie, {"embed": embed}, device=options.device)
    model, diameter = found.settings.embed.model, found.settings.embed.diameter
    assert isinstance(diameter, float)  # noqa: S101 (the plan has decided it)
    scores = task.score(found.labels, found.lineage.rows())
    return _row(task, f"{how}: {model}, {diameter:.1f} px", scores), scores.as_dict()


def _row(task: _Task, how: str, scores: Scores) -> tuple[Cell, ...]:
    found = (scores.seg, scores.seg_st, scores.tra, scores.det)
    rounded = (None if value is None else round(value, 3) for value in found)
    return (task.name, task.frames, how, *rounded)
