"""Work in another thread: one task at a time, the newest first, no outdated results."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import GeneratorWorker, create_worker
from qtpy.QtCore import QObject, QThreadPool, Signal

from fastershift.plugin.qt._lifetime import on_destroyed
from fastershift.session import spare_core

__all__ = ["Task", "TaskRunner"]


def _nothing() -> None:
    return


@dataclass(frozen=True, eq=False)
class Task:
    """Steps to take in another thread, and whom to tell in this one.

    Attributes
    ----------
    steps : callable
        Gives an iterator; each of its items is a place to stop.
    on_step : callable
        Receives every item.
    on_error : callable
        Receives the exception that ended the steps.
    on_end : callable
        Called after the last item when there was no error.
    """

    steps: Callable[[], Iterator[Any]]
    on_step: Callable[[Any], None]
    on_error: Callable[[Exception], None]
    on_end: Callable[[], None] = _nothing


@dataclass(frozen=True)
class _Failure:
    error: Exception


def _guarded(task: Task) -> Iterator[tuple[Task, Any]]:
    """Tag every item with its task, and hand errors over as items.

    An exception that leaves the generator would be raised again in the event loop, or
    be lost when it is a RuntimeError, of which torch has many.
    """
    try:
        with spare_core():
            for item in task.steps():
                yield task, item
    except Exception as error:  # noqa: BLE001
        yield task, _Failure(error)


def _quit(running: list[GeneratorWorker]) -> None:
    for worker in running:
        worker.quit()


# Seconds a worker is left alone at its start: enough to reach compiled code, which goes
# on beside the drawing.
_HEAD_START = 0.003

# Tasks of all widgets that can run at the same time. Qt has as many threads as there
# are cores, so that on a single one a preview would wait for the end of a run.
_TOGETHER = 8


class TaskRunner(QObject):
    """Runs the newest task; an older one ends at its next step, unheard.

    Two tasks never run at the same time: a new one waits for the thread of the old.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        pool = QThreadPool.globalInstance()
        pool.setMaxThreadCount(max(pool.maxThreadCount(), _TOGETHER))
        self._current: Task | None = None
        self._waiting: Task | None = None
        self._following: Task | None = None
        self._failed = False
        self._running: list[GeneratorWorker] = []
        on_destroyed(self, _quit, self._running)

    @property
    def busy(self) -> bool:
        """Whether a task is wanted: running, or waiting for its turn."""
        return self._current is not None

    @property
    def ending(self) -> bool:
        """Whether a thread still runs whose task is not wanted any more."""
        return bool(self._running) and (
            self._current is None or self._waiting is not None
        )

    def start(self, task: Task) -> None:
        """Run a task; the one that runs is dropped."""
        _quit(self._running)
        self._current, self._following = task, None
        if self._running:
            self._waiting = task
        else:
            self._launch(task)
        self.changed.emit()

    def follow(self, task: Task) -> None:
        """Run a task after the one that runs, which is heard to its end.

        One that waits for the same gives way: of many, the first and the last are run,
        and as many of the others as there is time for.
        """
        if self._current is None or self._current is self._waiting:
            self.start(task)
        else:
            self._following = task

    def drop(self) -> None:
        """Want nothing any more: no further item is delivered."""
        _quit(self._running)
        self._current = self._waiting = self._following = None
        self.changed.emit()

    def _launch(self, task: Task) -> None:
        self._failed = False
        worker = create_worker(_guarded, task)
        # Bound methods of a QObject: called in its thread, never after its end.
        worker.yielded.connect(self._deliver)
        worker.finished.connect(self._finish)
        self._running.append(worker)
        # `worker.start` would wait until the window has been drawn. The pool keeps the
        # method, and so the worker, until its thread has ended.
        QThreadPool.globalInstance().start(worker.run)
        # The worker gets Python's lock now, not when the window has been drawn.
        time.sleep(_HEAD_START)

    def _deliver(self, tagged: tuple[Task, Any]) -> None:
        task, item = tagged
        if task is not self._current:
            return
        if isinstance(item, _Failure):
            self._failed = True
            task.on_error(item.error)
        else:
            task.on_step(item)

    def _finish(self) -> None:
        self._running.clear()
        done, following = self._current, self._following
        if self._waiting is not None:
            task, self._waiting = self._waiting, None
            self._launch(task)
        elif done is not None:
            self._current = self._following = None
            if not self._failed:
                done.on_end()
            # Unless its end has led to another one.
            if following is not None and self._current is None:
                self.start(following)
        self.changed.emit()
