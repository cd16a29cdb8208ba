"""Many movies as one graph of tasks: prepared, cut into chunks, joined."""

import os
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from fastershift.batch import _remote
from fastershift.batch._inputs import NamedMovie, list_movies
from fastershift.batch._masks import find_region, without_masks
from fastershift.batch._measuring import Measuring
from fastershift.batch._model_file import ModelFiles
from fastershift.batch._movie import MovieTask, PreparedMovie, fingerprint
from fastershift.batch._outcome import (
    BatchEvent,
    BatchProgress,
    MovieEnded,
    Outcome,
)
from fastershift.batch._remote import Failure
from fastershift.batch._summary import Summary
from fastershift.batch._work import alone, check_idle, hash_of
from fastershift.config import InputSettings, resolve_settings
from fastershift.errors import InputError
from fastershift.io import TIFF_SUFFIXES, ResultFormat, result_place

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["BatchTask", "run_many"]

#: Times that Dask tries a task again that failed for no reason of its own.
_RETRIES = 2
#: Movies that are under way at once, for each thread of a worker.
_AHEAD = 3
#: Seconds without news after which there is a place to stop.
_PATIENCE = 0.5
#: Seconds between two writings of the summary.
_PAUSE = 5.0


@dataclass(frozen=True)
class BatchTask:
    """Movies, and what is done with them.

    Attributes
    ----------
    inputs : sequence of str or Path
        See `list_movies`.
    output : Path
        Folder of the results.
    format : str
        How they are stored, one of `ResultFormat`.
    settings, file, preset, device, chunk
        As in `MovieTask`. Where `settings` choose no position, each one is a movie;
        that of `file` does not count: it is of the movie the settings were tuned on.
    retry_failed : bool
        Whether movies that failed before are tried again.
    overwrite : bool
        Whether everything is done anew, or, with `retry_failed`, what has failed; what
        is in its place is replaced.
    labels : str, optional
        Cells of all movies that are known, and tracked as they are: a folder that holds
        masks under the names of the movies, or a pattern such as
        ``masks/{name}_cp_masks.tif``.
    measuring : Measuring, optional
        How the cells of each movie are measured; the table lies beside its result.
    inside, outside : str, optional
        Masks of the regions in which cells are looked for, and in which they are not:
        one file for all movies, or a folder or a pattern as for `labels`.
    """

    inputs: Sequence[str | Path]
    output: Path
    format: ResultFormat = "zarr"
    settings: Mapping[str, Any] = field(default_factory=dict)
    file: Mapping[str, Any] | None = None
    preset: str | None = None
    device: str = "auto"
    chunk: int = 64
    retry_failed: bool = False
    overwrite: bool = False
    labels: str | None = None
    measuring: Measuring | None = None
    inside: str | None = None
    outside: str | None = None

    def place(self, movie: NamedMovie) -> Path:
        """Tell where the result of one of the movies goes."""
        place = self.output.absolute() / movie.name
        if self.format == "tiff" and place.suffix.lower() in TIFF_SUFFIXES:
            # Results of a.tif and a.tiff would share the text files beside them.
            place = place.with_name(f"{place.name}.tif")
        return result_place(place, self.format)

    def reading(self) -> InputSettings:
        """Tell how all movies are read."""
        user = self._with_position(None)
        return resolve_settings(user=user, file=self.file, preset=self.preset).input

    def _with_position(self, position: int | None) -> dict[str, Any]:
        """Lay a position over that of the file, which was tuned on another movie."""
        asked = self.settings.get("input", {})
        if asked.get("position") is not None:
            position = asked["position"]
        return {**self.settings, "input": {**asked, "position": position}}

    def task(self, movie: NamedMovie, *, overwrite: bool = False) -> MovieTask:
        """Return the task of one of the movies."""
        kind = "csv" if self.measuring is None else self.measuring.format
        name = self.output.absolute() / movie.name
        return MovieTask(
            source=movie.source,
            output=self.place(movie),
            format=self.format,
            settings=self._with_position(movie.position),
            file=self.file,
            preset=self.preset,
            device=self.device,
            chunk=self.chunk,
            overwrite=self.overwrite or overwrite,
            measuring=self.measuring,
            table=name.with_name(f"{name.name}_measurements.{kind}"),
            inside=find_region(self.inside, movie.name),
            outside=find_region(self.outside, movie.name),
        )


def run_many(batch: BatchTask, client: "Client") -> Iterator[BatchEvent]:
    """Run all movies of a batch; one that fails does not stop the others.

    Parameters
    ----------
    batch : BatchTask
        The movies.
    client : distributed.Client
        Who does the work, see `connect`. All workers must see the same files.

    Yields
    ------
    MovieEnded
        For every movie, those that ended in an earlier run first.
    BatchProgress
        After every step; a place to stop.

    Raises
    ------
    InputError
        When no movie is found, for settings that cannot be used, when the folder
        holds a batch that was made otherwise, and while another process fills it.
    """
    found = list_movies(batch.inputs, batch.output, batch.reading())
    movies = without_masks(found, batch.labels, (batch.inside, batch.outside))
    models = batch.task(movies[0]).models()
    summary = Summary(batch.output)
    with alone(batch.output):
        for movie in movies:
            check_idle(batch.place(movie))
        _take_up(summary, batch, _request(batch, models))
        run = _Run(batch, movies, models, summary, client)
        try:
            yield from run.events()
            summary.end()
        finally:
            run.stop()


def _take_up(summary: Summary, batch: BatchTask, request: Mapping[str, str]) -> None:
    """Go on with the batch in the folder of the results, or begin one."""
    anew = batch.overwrite and not batch.retry_failed
    if summary.begin(request, anew=anew):
        return
    if not batch.overwrite:
        raise InputError(
            f"{batch.output} holds a batch with other settings or another model; "
            "choose another folder, or let it be replaced.",
            overwrite=True,
        )
    summary.restart(request, anew=anew)


def _request(batch: BatchTask, models: ModelFiles) -> dict[str, str]:
    """Hash all that results depend on; a model that cannot be read has no hash."""
    asked: tuple[Any, ...] = (batch.settings, batch.file, batch.preset, batch.format)
    masks = {"labels": batch.labels, "in": batch.inside, "out": batch.outside}
    asked += tuple(item for item in masks.items() if item[1] is not None)
    hashes = {
        f"model {name}": "" if model.fault else model.sha256
        for name, model in models.items()
    }
    return {"settings": hash_of(asked), **hashes}


@dataclass
class _Part:
    """A future, the movie it belongs to, and the frames that are done with it."""

    movie: NamedMovie
    frames: int = 0


class _Run:
    """The futures of a batch and what has become of its movies."""

    def __init__(
        self,
        batch: BatchTask,
        movies: list[NamedMovie],
        models: ModelFiles,
        summary: Summary,
        client: "Client",
    ) -> None:
        self._batch = batch
        self._movies = movies
        self._summary = summary
        self._client = client
        self._id = uuid.uuid4().hex[:8]
        sent = {
            model.sha256: client.submit(
                _remote.unpacked, model, key=f"model-{model.sha256}", pure=True
            )
            for model in models.values()
        }
        self._by_hash = sent
        self._models = {name: sent[model.sha256] for name, model in models.items()}
        self._waiting: deque[NamedMovie] = deque()
        self._parts: dict[str, _Part] = {}
        self._futures: dict[str, list[Future]] = {}
        self._began: dict[str, float] = {}
        self._finished: SimpleQueue[Future] = SimpleQueue()
        self._outcomes: dict[str, Outcome] = {}
        # Movies that were finished before, and are to be measured.
        self._unmeasured: dict[str, Outcome] = {}
        self._new = 0
        self._frames = self._done = 0
        self._started = monotonic()
        self._written = 0.0

    def events(self) -> Iterator[BatchEvent]:
        for movie in self._movies:
            former = self._former(movie)
            if former is None:
                self._waiting.append(movie)
            elif self._lacks_table(movie, former):
                self._unmeasured[movie.name] = former
                self._waiting.append(movie)
            else:
                self._outcomes[movie.name] = former
                yield MovieEnded(former, before=True)
        self._fill()
        while self._futures:
            try:
                future = self._finished.get(timeout=_PATIENCE)
            except Empty:
                yield self._progress()
                continue
            outcome = self._advance(future)
            if outcome is not None:
                self._new += 1
                self._outcomes[outcome.movie] = outcome
                yield MovieEnded(outcome)
                self._fill()
                self._write()
            yield self._progress()
        self._write(always=True)

    def _former(self, movie: NamedMovie) -> Outcome | None:
        """Tell what became of a movie before; None where it is to be run."""
        former = self._summary.get(movie.name)
        if former is None or self._summary.is_outdated(movie.name):
            return None
        if former.status == "failed" and self._batch.retry_failed:
            return None
        if former.status == "failed":
            return former
        place = self._batch.place(movie)
        if not place.exists():
            return None
        if former.source and former.source != fingerprint(movie.source):
            if self._batch.overwrite:
                return None
            return Outcome(
                movie.name,
                "failed",
                f"{movie.source} is not the movie any more that its result {place} was "
                "made of; remove that result, and run the same again.",
            )
        return replace(former, output=str(place))  # it may have been moved

    def _lacks_table(self, movie: NamedMovie, former: Outcome) -> bool:
        """Tell whether the table is not that of the result, as it would be measured."""
        task = self._batch.task(movie)
        if former.status == "failed" or task.measuring is None or task.table is None:
            return False
        same = former.measured[:1] == (task.measuring.record(),)
        return not (
            same
            and task.table.exists()
            and self._summary.is_up_to_date(movie.name, task.output)
        )

    def stop(self) -> None:
        """Leave nothing behind on the workers."""
        futures = [one for several in self._futures.values() for one in several]
        self._client.cancel(futures, force=True)
        self._write(always=True)

    def _fill(self) -> None:
        """Keep the workers busy without handing them all movies at once."""
        threads = sum(self._client.nthreads().values()) or 1
        while self._waiting and len(self._futures) < _AHEAD * threads:
            movie = self._waiting.popleft()
            self._began[movie.name] = time()
            self._futures[movie.name] = []
            self._begin(movie)

    def _begin(self, movie: NamedMovie) -> None:
        """Hand out the first task of a movie."""
        part, task = _Part(movie), self._batch.task(movie)
        former, labels = self._unmeasured.get(movie.name), self._batch.labels
        if former is not None:
            place = self._summary.folder
            self._submit(part, "measure", _remote.measure, task, former, place)
        elif labels is not None:
            place, name = self._summary.folder, movie.name
            labels = str(Path(os.path.expanduser(labels)).absolute())
            given = (task, labels, self._models, name, place)
            self._submit(part, "link", _remote.link, *given)
        else:
            self._submit(part, "prepare", _remote.prepare, task, self._models)

    def _submit(
        self, part: _Part, kind: str, function: Any, *arguments: Any
    ) -> "Future":
        future = self._client.submit(
            function,
            *arguments,
            key=f"{kind}-{part.movie.name!a}-{self._id}",
            retries=_RETRIES,
            pure=False,
        )
        self._parts[future.key] = part
        self._futures[part.movie.name].append(future)
        future.add_done_callback(self._finished.put)
        return future

    def _advance(self, future: "Future") -> Outcome | None:
        """Take in a finished future; return the outcome of a movie that ended."""
        part = self._parts.pop(future.key)
        name = part.movie.name
        if name not in self._futures:
            return None  # ended before, for another reason
        # Waits where a worker has died since, and Dask is doing its work again.
        sentence = _remote.reason(future)
        if sentence is not None:
            return self._failed(part.movie, sentence)
        result = future.result()
        if isinstance(result, PreparedMovie):
            self._cut(part.movie, result)
        elif isinstance(result, Failure):
            return self._failed(part.movie, result.sentence)
        elif isinstance(result, Outcome):
            del self._futures[name]
            if self._batch.labels is not None and name not in self._unmeasured:
                self._frames += result.frames
                self._done += result.frames
            return result
        else:
            self._done += part.frames
        return None

    def _cut(self, movie: NamedMovie, prepared: PreparedMovie) -> None:
        """Hand out the chunks of a movie, and the joining of them."""
        self._frames += prepared.shape[0]
        chunks = [
            self._submit(
                _Part(movie, frames=stop - first),
                f"chunk-{number}",
                _remote.chunk,
                prepared,
                number,
                self._by_hash[prepared.model],
            )
            for number, (first, stop) in enumerate(prepared.chunks)
        ]
        last = _Part(movie)
        began, folder = self._began[movie.name], self._summary.folder
        self._submit(
            last, "finish", _remote.finish, prepared, chunks, movie.name, folder, began
        )

    def _failed(self, movie: NamedMovie, sentence: str) -> Outcome:
        self._client.cancel(self._futures.pop(movie.name), force=True)
        outcome = Outcome(
            movie.name,
            "failed",
            sentence,
            seconds=round(max(0.0, time() - self._began[movie.name]), 1),
        )
        if movie.name not in self._unmeasured:
            self._summary.put(outcome)
        return outcome

    def _progress(self) -> BatchProgress:
        ended = len(self._outcomes)
        failed = sum(one.status == "failed" for one in self._outcomes.values())
        left = None
        if self._new or self._done:
            # Movies that were not opened yet are taken to be as long as the others.
            opened = self._new + len(self._futures)
            total = self._frames + self._frames / max(1, opened) * len(self._waiting)
            passed = monotonic() - self._started
            left = passed * max(0.0, total / max(1, self._done) - 1)
        return BatchProgress(
            len(self._movies), ended, failed, self._frames, self._done, left
        )

    def _write(self, *, always: bool = False) -> None:
        if always or monotonic() - self._written > _PAUSE:
            self._summary.write(self._outcomes.values())
            self._written = monotonic()
