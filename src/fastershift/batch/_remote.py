"""What a worker is asked to do; results are plain values, mistakes are sentences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fastershift.batch._join import Joined
from fastershift.batch._masks import find_masks, link_movie
from fastershift.batch._measuring import measure_result
from fastershift.batch._model_file import ModelFile, ModelFiles
from fastershift.batch._movie import (
    MovieTask,
    PreparedMovie,
    fingerprint,
    prepare_movie,
)
from fastershift.batch._outcome import Outcome, outcome_of
from fastershift.batch._steps import compute_chunk, finish_movie
from fastershift.batch._summary import Summary, thumbnail
from fastershift.batch._work import WorkFolder
from fastershift.errors import FastershiftError, explain, is_shortage
from fastershift.io import Movie, read_saved

if TYPE_CHECKING:
    from distributed import Future

__all__ = [
    "Failure",
    "chunk",
    "finish",
    "link",
    "measure",
    "prepare",
    "reason",
    "unpacked",
]

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Failure:
    """What is wrong with a movie; trying again would not help."""

    sentence: str


def _told(work: Callable[[], _Result]) -> _Result | Failure:
    """Turn mistakes into sentences; whatever else goes wrong is tried again by Dask."""
    try:
        return work()
    except FastershiftError as error:
        return Failure(str(error))


def unpacked(model: ModelFile) -> ModelFile:
    """Hand a model on; Dask sends it to every worker that asks for its hash."""
    return model


def prepare(task: MovieTask, models: ModelFiles) -> PreparedMovie | Failure:
    """Open a movie and decide everything about its run."""
    return _told(lambda: prepare_movie(task, models))


def chunk(movie: PreparedMovie, number: int, model: ModelFile) -> Failure | None:
    """Embed and cluster one chunk.

    When a worker dies, Dask asks again for what it had told; the movie may have been
    finished in the meantime.
    """

    def work() -> None:
        if not movie.work.matches(movie.signature):
            return
        for _ in compute_chunk(movie, number, model):
            pass

    return _told(work)


def finish(
    movie: PreparedMovie,
    chunks: Sequence[Failure | None],
    name: str,
    results: Path,
    started: float,
) -> Outcome | Failure:
    """Link the chunks of a movie, write its result, its record and its thumbnail."""
    for outcome in chunks:
        if outcome is not None:
            return outcome
    return _told(lambda: _finish(movie, name, results, started))


def _finish(movie: PreparedMovie, name: str, results: Path, started: float) -> Outcome:
    former = Summary(results).get(name)
    if former is not None and not movie.work.matches(movie.signature):
        return former
    for step in finish_movie(movie, started):
        if isinstance(step, Joined):
            seconds = max(0.0, time() - started)
            output = movie.task.output
            outcome = outcome_of(
                step, movie.settings, output, name, seconds, movie.quality
            )
            outcome = _of_source(outcome, movie.task)
            Summary(results).put(outcome, _picture(movie.task, step))
    return outcome


def _of_source(outcome: Outcome, task: MovieTask) -> Outcome:
    """Note which movie it was, so that another one in its place is noticed."""
    if isinstance(task.source, Movie):
        return outcome
    return replace(outcome, source=fingerprint(task.source))


def _picture(task: MovieTask, joined: Joined) -> bytes:
    middle = len(joined.labels) // 2
    return thumbnail(task.open()[middle], np.asarray(joined.labels[middle]))


def link(
    task: MovieTask, labels: str, models: ModelFiles, name: str, results: Path
) -> Outcome | Failure:
    """Track the masks of a movie, write its result, its record and its thumbnail."""

    def work() -> Outcome:
        summary, picture = Summary(results), b""
        former = summary.get(name)
        begun = WorkFolder(task.output).path.exists() or not task.output.exists()
        redone = begun or task.overwrite
        if former is not None and former.status == "done" and not redone:
            return former  # a worker died after that, and Dask asks again
        for step in link_movie(task, find_masks(labels, name), models, name):
            if isinstance(step, Joined):
                picture = _picture(task, step)
            else:
                outcome = _of_source(step, task)
                summary.put(outcome, picture)
        return outcome

    return _told(work)


def measure(task: MovieTask, former: Outcome, results: Path) -> Outcome | Failure:
    """Measure a movie that was finished before."""

    def work() -> Outcome:
        saved = read_saved(task.output, on_disk=True)
        measured = measure_result(task, saved)
        said = {*former.measured, *measured}
        notes = (note for note in former.notes if note not in said)
        outcome = replace(
            former,
            output=str(task.output),
            notes=(*notes, *measured[1:]),
            measured=measured,
        )
        Summary(results).put(outcome)
        return outcome

    return _told(work)


def reason(future: "Future") -> str | None:
    """Say why Dask gave a task up, if it did."""
    if future.status == "cancelled":
        return "The work was cancelled by the scheduler; run the batch again."
    error = future.exception()
    if error is None:
        return None
    if type(error).__name__ == "KilledWorker":
        return (
            "The workers that ran it died repeatedly, probably because "
            "memory ran out; use fewer workers or smaller tiles, then try again what "
            "has failed."
        )
    if is_shortage(error):
        return "The memory ran out; use fewer workers or smaller tiles."
    return explain(error)
