"""One movie, however long, on this machine: events like those of any run."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import time
from typing import TypeAlias

from fastershift.batch._join import Joined
from fastershift.batch._model_file import ModelFile
from fastershift.batch._movie import MovieTask, PreparedMovie, prepare_movie
from fastershift.batch._outcome import Outcome, outcome_of
from fastershift.batch._steps import compute_chunk, finish_movie
from fastershift.batch._work import run_alone
from fastershift.errors import FastershiftError
from fastershift.pipeline import Progress, Started

__all__ = ["LargeEvent", "Written", "run_large"]


@dataclass(frozen=True)
class Written:
    """The result is in its place."""

    outcome: Outcome


LargeEvent: TypeAlias = Started | Progress | Written


def run_large(task: MovieTask) -> Iterator[LargeEvent]:
    """Segment and track one movie without ever holding more than a few frames of it.

    What is done is kept beside the output until the result is there: a run that was
    stopped goes on where it was when it is started again.

    Parameters
    ----------
    task : MovieTask
        The movie.

    Yields
    ------
    Started, Progress
        As a run in memory; each is a place to stop.
    Written
        At last.

    Raises
    ------
    InputError
        For input that cannot be used, see `prepare_movie`, and while another process
        is writing there.
    FastershiftError
        When memory or disk are full.
    """
    started = time()
    models = task.models()
    # Whoever is not alone may not even throw away what another run has left.
    with run_alone(task.check(overwrite=True)):
        movie = prepare_movie(task, models)
        model = next(one for one in models.values() if one.sha256 == movie.model)
        yield from _run_alone(movie, model, started)


def _run_alone(
    movie: PreparedMovie, model: ModelFile, started: float
) -> Iterator[LargeEvent]:
    n_frames = movie.shape[0]
    yield Started(
        movie.settings,
        str(movie.provenance["model"]),
        n_frames,
        movie.network_shape,
        () if movie.quality is None else (movie.quality.sentence(),),
    )
    try:
        for chunk, (first, stop) in enumerate(movie.chunks):
            for done in compute_chunk(movie, chunk, model):
                yield Progress(first + done, n_frames, "cells")
            yield Progress(stop, n_frames, "cells")
        for step in finish_movie(movie, started):
            if isinstance(step, Joined):
                name = movie.task.open().name
                seconds = max(0.0, time() - started)
                settings, output = movie.settings, movie.task.output
                outcome = outcome_of(
                    step, settings, output, name, seconds, movie.quality
                )
            else:
                yield Progress(step, n_frames, "tracks")
    except MemoryError as error:
        raise FastershiftError(
            "The memory ran out. Use smaller tiles and run again; finished chunks are "
            "kept.",
            tile=512,
        ) from error
    yield Written(outcome)
