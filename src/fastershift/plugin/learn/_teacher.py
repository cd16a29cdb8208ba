"""Learning in the background: marks in, one better model after the other out."""

import hashlib
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from fastershift.errors import InputError
from fastershift.io import Movie, write_file
from fastershift.plugin.qt import Task, TaskRunner, on_destroyed
from fastershift.rshn import (
    find_model,
    load_model,
    read_card,
    save_model,
    user_models_folder,
)
from fastershift.session import describe_error

if TYPE_CHECKING:
    from fastershift.training import Learned, Learner

__all__ = ["State", "Teacher"]

_Labels = npt.NDArray[np.int32]

# Minutes that the network goes on learning when no further mark comes.
_MINUTES = 5.0

_MARKS, _START = "marks.npz", "start.txt"
# First frames by which movies are told apart: many begin with a black one.
_LOOKED_AT = 16
# What numpy raises where there is no such file, or a damaged one.
_UNREADABLE = (OSError, ValueError, EOFError, BadZipFile, zlib.error)


@dataclass(frozen=True)
class State:
    """A model that was learned, as it is kept.

    Attributes
    ----------
    path : Path
        Its file.
    cells : str
        What it was shown, in words.
    quality, before : float
        Agreement with marks kept out, of it and of the model it began from, 0 to 1.
    shown : float
        Its agreement with all marks.
    diameter : float
        Cell diameter in pixels.
    """

    path: Path
    cells: str
    quality: float
    before: float
    shown: float
    diameter: float


@dataclass
class _Lesson:
    """What is learned from; a thread keeps to it when another movie is opened."""

    movie: Movie
    called: str
    folder: Path
    start: str
    learner: "Learner | None" = None
    diameter: float | None = None
    device: str = "auto"
    begun: bool = False


class _Unkept:
    """Marks of each folder that are not on disk yet; any thread may use it."""

    def __init__(self) -> None:
        self._marks: dict[Path, dict[int, _Labels]] = {}
        # Held for a moment only: the window asks for it.
        self._guard = Lock()
        self._writing = Lock()

    def put(self, folder: Path, marks: Mapping[int, _Labels]) -> None:
        """Let the marks of a folder wait, in place of older ones."""
        with self._guard:
            self._marks[folder] = dict(marks)

    def of(self, folder: Path) -> dict[int, _Labels] | None:
        """Return the marks of a folder that wait; None where there are none."""
        with self._guard:
            return self._marks.get(folder)

    def write(self) -> Iterator[None]:
        """Write the newest marks of each folder, also after one that cannot be."""
        with self._guard:
            folders = list(self._marks)
        failed: OSError | None = None
        for folder in folders:
            try:
                self._write_one(folder)
            except OSError as error:
                failed = failed or error
            yield None
        if failed is not None:
            raise failed

    def _write_one(self, folder: Path) -> None:
        with self._writing:
            marks = self.of(folder)
            if marks is None:
                return
            _keep_marks(folder, marks)
            with self._guard:
                # Newer ones may have come meanwhile: they are written next.
                if self._marks[folder] is marks:
                    del self._marks[folder]

    def write_last(self) -> None:
        """Write what is not on disk yet when the window is closed."""
        with suppress(OSError):
            list(self.write())


class Teacher(QObject):
    """Learns from the newest marks; everything is kept on disk as it comes.

    Parameters
    ----------
    parent : QObject
        Lives as long as this.
    """

    taught = Signal(object)
    message = Signal(str)
    unkept = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = TaskRunner(self)
        self._tasks.changed.connect(self._on_changed)
        self._keeping = TaskRunner(self)
        self._unkept = _Unkept()
        on_destroyed(self, self._unkept.write_last)
        self._lesson: _Lesson | None = None
        self._learning = self._looking = False
        self.states: list[State] = []

    @property
    def busy(self) -> bool:
        """Whether it learns at this moment."""
        return self._tasks.busy

    @property
    def ending(self) -> bool:
        """Whether a thread is still on its way to the next place to stop."""
        return self._tasks.ending

    def open(self, movie: Movie, name: str, start: str) -> dict[int, _Labels]:
        """Begin with a movie, or go on with what was marked in it before.

        Parameters
        ----------
        movie : Movie
            What is marked.
        name : str
            What it is called: its marks and models are kept under this name, or under
            the one that it had before.
        start : str
            Model that is set. The movie goes on from the one that it began with, unless
            another than a learned one is set.

        Returns
        -------
        dict of int to (Y, X) int32
            Values of the layer of marks, by frame, as they were kept.

        Raises
        ------
        InputError
            When the model is not there.
        OSError
            When the movie cannot be read.
        """
        self.stop()
        called = re.sub(r"[^\w\- ]", "_", name)[:40]
        folder = _folder_of(called, movie)
        self._lesson = _Lesson(movie, called, folder, _start_of(folder, start))
        self.states = []
        for path in sorted(folder.glob("*.safetensors")):
            with suppress(InputError, LookupError):  # damaged, or of another kind
                self.states.append(_state(path))
        newest = self._unkept.of(folder)
        if newest is not None:
            return {frame: one + 1 for frame, one in newest.items()}
        known: dict[int, _Labels] = {}
        with (
            suppress(*_UNREADABLE),
            # NumPy leaves a damaged file open that it has opened itself.
            (folder / _MARKS).open("rb") as file,
            np.load(file) as kept,
        ):
            for key in kept.files:
                frame = int(key)
                if kept[key].shape == movie.shape[1:] and frame < movie.shape[0]:
                    known[frame] = kept[key].astype(np.int32)
        return known

    @property
    def folder(self) -> Path | None:
        """Where the marks of the movie that is open are kept."""
        return None if self._lesson is None else self._lesson.folder

    def keep(self, marks: Mapping[int, _Labels], folder: Path) -> None:
        """Keep the marks of a movie on disk.

        Parameters
        ----------
        marks : mapping of int to (Y, X) int32
            Cells from 1, 0 background, -1 unknown.
        folder : Path
            That of the movie.
        """
        self._unkept.put(folder, marks)
        self._keeping.follow(
            Task(
                self._unkept.write,
                lambda _: None,
                lambda error: self.unkept.emit(describe_error(error)),
                lambda: self.unkept.emit(""),
            )
        )

    def learn(
        self,
        marked: Mapping[int, _Labels],
        diameter: float | None,
        device: str = "auto",
        *,
        learning: bool = True,
    ) -> None:
        """Learn from these marks; what was under way from older ones is dropped.

        Parameters
        ----------
        marked : mapping of int to (Y, X) int32
            Cells from 1, 0 background, -1 unknown.
        diameter : float, optional
            Of a cell in pixels, as it is set; what *auto* takes by default.
        device : str
            Where to compute.
        learning : bool
            Whether there are enough marks; otherwise what is marked is looked at, so
            that learning begins sooner.
        """
        # What is being looked at is needed for learning, too: it goes on to its end.
        looking = self.busy and self._looking
        self._learning = learning
        lesson = self._lesson
        assert lesson is not None  # noqa: S101 (opened before)
        (self._tasks.follow if looking else self._tasks.start)(
            Task(
                lambda: self._steps(lesson, dict(marked), diameter, device, learning),
                self._on_step,
                lambda error: self.message.emit(describe_error(error)),
                lambda: self.message.emit(""),
            )
        )
        # One that waits for its turn changes nothing yet.
        self._on_changed()

    def start_from(self, start: str) -> None:
        """Begin anew from another model; what was learned stays in the list.

        Parameters
        ----------
        start : str
            Its name.
        """
        self.stop()
        if self._lesson is not None:
            self._lesson = replace(
                self._lesson, start=start, learner=None, diameter=None, begun=False
            )

    def stop(self) -> None:
        """Learn nothing more."""
        self._tasks.drop()
        self.message.emit("")

    def _steps(
        self,
        lesson: _Lesson,
        marked: dict[int, _Labels],
        diameter: float | None,
        device: str,
        learning: bool,
    ) -> Iterator[State | None]:
        """Learn, and keep each model; in another thread."""
        # Nobody who only looks waits for it.
        from fastershift.training import Annotations

        self._looking = not learning
        yield None
        learner = _learner_at(lesson, diameter, device, learning)
        if not learning:
            yield from learner.look(marked)
            return
        try:
            annotations = Annotations(marked)
        except InputError:
            return
        write_file(lesson.folder / _START, lesson.start.encode())
        for step in learner.learn(annotations, minutes=_MINUTES):
            yield None if step is None else _keep_model(lesson.folder, step)

    def _on_step(self, step: Any) -> None:
        if isinstance(step, State):
            self.states.append(step)
            self.taught.emit(step)

    def _on_changed(self) -> None:
        if self.busy and self._learning:
            self.message.emit("Learning …")


def _learner_at(
    lesson: _Lesson, diameter: float | None, device: str, learning: bool
) -> "Learner":
    """Return the learner; diameter and device may change until it begins to learn."""
    from fastershift.training import Learner

    changed = (diameter, device) != (lesson.diameter, lesson.device)
    if lesson.learner is None or (changed and not lesson.begun):
        lesson.learner = Learner(
            lesson.movie,
            load_model(lesson.start),
            name=f"{lesson.called} learned",
            movie_name=lesson.movie.name,
            diameter=diameter,
            device=device,
        )
        lesson.diameter, lesson.device = diameter, device
    lesson.begun |= learning
    return lesson.learner


def _start_of(folder: Path, start: str) -> str:
    """Choose what a movie is learned from: nothing that it has taught itself."""
    learning = user_models_folder() / "learning"
    if find_model(start)[1].is_relative_to(learning):
        with suppress(OSError):
            return (folder / _START).read_text(encoding="utf-8")
    return start


def _keep_marks(folder: Path, marked: Mapping[int, _Labels]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{_MARKS}.part"
    with partial.open("wb") as file:
        arrays: Any = {str(t): one + 1 for t, one in marked.items()}
        np.savez_compressed(file, **arrays)
    os.replace(partial, folder / _MARKS)


def _keep_model(folder: Path, step: "Learned") -> State:
    # Another window may learn from the same movie.
    stems = [one.stem for one in folder.glob("*.safetensors")]
    numbers = [int(stem) for stem in stems if stem.isdecimal()]
    path = folder / f"{max(numbers, default=0) + 1:04d}.safetensors"
    save_model(step.model.network, step.model.card, path, head=step.model.head)
    return _state(path)


def _folder_of(called: str, movie: Movie) -> Path:
    """Find where the marks of a movie are, or are to be; it may have been renamed."""
    above = user_models_folder() / "learning"
    first = movie[0]
    frame = next((one for one in islice(movie, _LOOKED_AT) if np.ptp(one) > 0), None)
    mark = _mark_of(movie, first if frame is None else frame)
    folder = above / f"{called} {mark}"  # many movies are called 01
    if folder.exists() or frame is None:
        return folder
    if np.ptp(first) == 0:
        # By the first frame in any case, as it was before.
        former = above / f"{called} {_mark_of(movie, first)}"
        if former.exists():
            return former
    return min(above.glob(f"* {mark}"), default=folder)


def _mark_of(movie: Movie, frame: npt.NDArray[np.generic]) -> str:
    """Tell a movie from others of the same name, by its size and a frame."""
    digest = hashlib.sha256(f"{movie.shape} {movie.dtype}".encode())
    digest.update(frame.tobytes())
    return digest.hexdigest()[:8]


def _state(path: Path) -> State:
    card = read_card(path)
    scores = card.scores.get("marks kept out", {})
    return State(
        path,
        card.summary.removeprefix("Learned from ").removesuffix("."),
        float(scores.get("after", 0.0)),
        float(scores.get("before", 0.0)),
        float(scores.get("all", 0.0)),
        float(card.settings["embed"]["diameter"]),
    )
