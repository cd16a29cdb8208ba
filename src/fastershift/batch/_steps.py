"""The three steps of a movie; each leaves what it has done on disk."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.batch._join import Joined, join_chunks
from fastershift.batch._measuring import measure_result, remove_tables
from fastershift.batch._model_file import ModelFile
from fastershift.batch._movie import PreparedMovie
from fastershift.batch._on_disk import with_large_frames
from fastershift.io import SavedResult, write_saved
from fastershift.pipeline import (
    BridgedMovie,
    Plan,
    cluster_pair,
    confine,
    describe_empty,
    frame_report,
)

if TYPE_CHECKING:
    from fastershift.meanshift import SeedPolicy

__all__ = ["compute_chunk", "finish_movie"]

_Pair: TypeAlias = tuple[npt.NDArray[np.int32], list[dict[str, Any]]]


def compute_chunk(movie: PreparedMovie, chunk: int, model: ModelFile) -> Iterator[int]:
    """Embed and cluster the pairs of one chunk, unless that is done already.

    Parameters
    ----------
    movie : PreparedMovie
        The movie.
    chunk : int
        Number of the chunk, from 0.
    model : ModelFile
        The network.

    Yields
    ------
    int
        Pairs done so far, also between them: places to stop. A chunk that is not
        finished leaves nothing.
    """
    first, stop = movie.chunks[chunk]
    if movie.work.has(chunk):
        return
    n_frames = min(2, movie.shape[0])
    with TemporaryDirectory(
        dir=movie.work.path, prefix="scratch-", ignore_cleanup_errors=True
    ) as scratch:
        plan = with_large_frames(movie.plan(model), movie.task.open(), Path(scratch))
        pairs = _pairs(plan, first, stop)
        shape = (stop - first, n_frames, *plan.source.shape)
        yield from movie.work.write(chunk, shape, pairs)


def _pairs(plan: Plan, first: int, stop: int) -> Iterator[_Pair | None]:
    policy: SeedPolicy | None = None
    for pair in plan.source.pairs(first, stop):
        if pair is None:
            yield None
            continue
        cells = cluster_pair(plan, pair, policy)
        if plan.settings.cluster.carry_seeds:
            policy = cells.policy
        cells = confine(plan, cells, pair.frame)
        found = np.asarray(cells.labels)
        reports = (
            frame_report(
                plan,
                pair.frame + index,
                labels,
                cells,
                index=index,
                network=pair.seconds,
            )
            for index, labels in enumerate(found)
        )
        yield found, [asdict(report) for report in reports]


def finish_movie(movie: PreparedMovie, started: float) -> Iterator[int | Joined]:
    """Link the chunks and write the result; nothing else is left of the run.

    Parameters
    ----------
    movie : PreparedMovie
        With all its chunks finished.
    started : float
        `time.time` when the run was started.

    Yields
    ------
    int
        Frames linked so far.
    Joined
        At last, while its labels can still be read; what the run has left on disk goes
        when the generator is ended.
    """
    task, work = movie.task, movie.work
    seen = BridgedMovie(task.open())
    empty: list[int] = []
    for frame in range(len(seen)):
        if seen.is_empty(frame):
            empty.append(frame)
        yield 0
    for step in join_chunks(
        work, len(movie.chunks), movie.shape, movie.settings, empty
    ):
        if isinstance(step, int):
            yield step
            continue
        result = SavedResult(
            step.labels,
            step.lineage.rows(),
            movie.scale,
            movie.units,
            [report.record() for report in step.reports],
            movie.settings,
            {
                **movie.provenance,
                **_told(movie, empty),
                **({"quality": movie.quality.record()} if movie.quality else {}),
                "seconds": round(max(0.0, time() - started), 3),
                "input": str(getattr(task.source, "name", task.source)),
                **task.regions,
                "frames": "" if task.frames is None else "{}:{}".format(*task.frames),
            },
        )
        measured = measure_result(task, result)
        # What may not be replaced was refused at the beginning.
        write_saved(task.output, result, format=task.format, overwrite=True)
        remove_tables(task)
        notices = result.provenance.get("notices", ())
        yield replace(step, notes=(*notices, *measured[1:]), measured=measured)
    work.remove()


def _told(movie: PreparedMovie, empty: list[int]) -> dict[str, Any]:
    """Add to what is to be checked which frames show nothing."""
    if not empty:
        return {}
    return {
        "notices": [*movie.provenance.get("notices", ()), describe_empty(empty)],
    }
