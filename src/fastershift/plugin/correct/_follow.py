"""Corrections carried through time, in another thread, one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, Signal

from fastershift.editing import Carried, Change, Scope
from fastershift.errors import InputError
from fastershift.plugin.qt import Task, TaskRunner
from fastershift.session import Corrections, describe_error

__all__ = ["Follower", "Following"]


@dataclass(frozen=True)
class Following:
    """A correction and how far it is to be carried.

    Attributes
    ----------
    corrections : Corrections
        Where it was made.
    entry : int
        The entry of the history it extends.
    text : str
        What was done.
    frame : int
        Where.
    tracks : tuple of int
        The corrected cells.
    scope : {"onwards", "until", "track"}
        How far.
    until : int or None
        The last frame of ``"until"``; before `frame` it means backwards.
    limit : float
        Least confidence.
    """

    corrections: Corrections
    entry: int
    text: str
    frame: int
    tracks: tuple[int, ...]
    scope: Scope
    until: int | None
    limit: float

    def steps(self) -> Iterator[Carried | None]:
        """Follow the cells; every item is a place to stop."""
        ways: Sequence[bool] = (False, True) if self.scope == "track" else (False,)
        until = self.until if self.scope == "until" else None
        if until is not None:
            ways = (until < self.frame,)
        for backwards in ways:
            yield from self.corrections.propagate(
                self.frame,
                self.tracks,
                backwards=backwards,
                until=until,
                limit=self.limit,
            )


class Follower(QObject):
    """Carries corrections through time; what was asked for meanwhile waits.

    Parameters
    ----------
    parent : QObject
        Lives as long as this.
    """

    changed = Signal(object)
    message = Signal(str)
    progressed = Signal(int, int)
    state_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = TaskRunner(self)
        self._tasks.changed.connect(self.state_changed)
        self._waiting: list[Following] = []
        self._now: Following | None = None
        self._entry = self._frames = 0
        self._endings: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether a correction is on its way."""
        return self._now is not None

    def follow(self, following: Following) -> None:
        """Carry a correction on as soon as those before it have ended."""
        self._waiting.append(following)
        if self._now is None:
            self._next()

    def stop(self) -> None:
        """End at once; frames that were corrected stay so."""
        if self._now is None:
            return
        text = f"{self._now.text} Stopped by you after {self._done()}."
        self._waiting.clear()
        self._now = None
        self._tasks.drop()
        self.message.emit(text)
        self.state_changed.emit()

    def _done(self) -> str:
        return "1 more frame" if self._frames == 1 else f"{self._frames} more frames"

    def _next(self) -> None:
        if not self._waiting:
            self.state_changed.emit()
            return
        self._now = self._waiting.pop(0)
        self._entry, self._frames, self._endings = self._now.entry, 0, []
        self._tasks.start(
            Task(
                self._now.steps,
                partial(self._on_step, self._now),
                partial(self._on_error, self._now),
                partial(self._on_end, self._now),
            )
        )

    def _on_step(self, following: Following, item: Any) -> None:
        if following is not self._now or not isinstance(item, Carried):
            return
        try:
            change: Change = following.corrections.extend(self._entry, item)
        except InputError as error:
            self._endings.append(describe_error(error))
            return
        self._entry = change.entry
        self._frames += bool(change.boxes)
        if item.stopped:
            self._endings.append(item.stopped)
        self.changed.emit(change)
        self.progressed.emit(item.done, item.total)

    def _on_error(self, following: Following, error: Exception) -> None:
        self._endings.append(describe_error(error))
        self._on_end(following)

    def _on_end(self, _following: Following) -> None:
        now, self._now = self._now, None
        if now is not None:
            followed = f"Followed through {self._done()}." if self._frames else ""
            parts = [now.text, followed, *self._endings]
            self.message.emit(" ".join(part for part in parts if part))
        self._next()
