"""Runs and previews: session events in, layers and signals out."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.notifications import notification_manager, show_error
from qtpy.QtCore import QObject, Signal

from fastershift.errors import FastershiftError
from fastershift.pipeline import (
    Event,
    FrameDone,
    Notice,
    Progress,
    Region,
    Started,
)
from fastershift.plugin.layers._frame_in_view import frame_in_view
from fastershift.plugin.layers._input import (
    InputChoice,
    frame_axis,
    region_masks,
    session_input,
)
from fastershift.plugin.layers._outputs import Outputs, RunLayers
from fastershift.plugin.layers._watch import LayerWatch, MaskWatch
from fastershift.plugin.qt import Task, TaskRunner, on_destroyed, preferences
from fastershift.plugin.run._preview_layers import PreviewLayers, describe_preview
from fastershift.plugin.run._steps import Reconcile, RunResult, as_it_is, run_steps
from fastershift.session import (
    CachePlace,
    Job,
    Preview,
    PreviewRequest,
    Session,
    describe_error,
    remaining,
)

__all__ = ["RunController"]


@dataclass
class _Run:
    """A run in progress, as this thread sees it."""

    choice: InputChoice
    layers: RunLayers
    started: float
    job: Job | None = None


class RunController(QObject):
    """Drives one job at a time and keeps the layers in step with it.

    Parameters
    ----------
    viewer : ViewerModel
        Where input and output layers are.
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    session : Session
        Input, caches and results.
    outputs : Outputs
        The layers of each input.
    reconcile : callable
        Given the layer of the cells and a new shape, gives what is done with a result.
    """

    state_changed = Signal()
    progressed = Signal(int, int, object)
    reported = Signal()
    previewed = Signal(object)
    altered = Signal()
    painted = Signal()
    message = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self.session = Session()
        self.outputs = Outputs(viewer)
        self.reconcile: Callable[..., Reconcile] = lambda *_: as_it_is
        self._viewer = viewer
        self._run: _Run | None = None
        # Of the run, for when this is destroyed.
        self._layers: list[RunLayers] = []
        self._previews = PreviewLayers(self.outputs)
        # Layer and frame that the live preview in progress is of.
        self._live: tuple[InputChoice, int] | None = None
        # What was said last is about this layer.
        self._told_of: Layer | None = None
        self._opened: tuple[InputChoice | None, tuple[Any, Any]] = (None, (None, None))
        self._watch = LayerWatch(viewer, self)
        self._watch.changed.connect(self._on_altered)
        self._masks = MaskWatch(viewer, self)
        self._masks.shown.connect(self.session.forget_masks)
        self._masks.painted.connect(self._on_painted)
        self._tasks = TaskRunner(self)
        self._tasks.changed.connect(self._on_tasks)
        viewer.layers.events.removed.connect(self._on_removed)
        on_destroyed(
            self, _let_go, viewer, self._on_removed, self.session, self._layers
        )

    @property
    def busy(self) -> bool:
        """Whether a run or a preview is wanted; live ones keep nobody waiting."""
        return self._tasks.busy and self._live is None

    @property
    def computing(self) -> bool:
        """Whether anything is computed or waits for it, live previews included."""
        return self._tasks.busy

    @property
    def ending(self) -> bool:
        """Whether the thread of a cancelled job still finishes its step."""
        return self._tasks.ending

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Rows of the frames that the run in progress has finished."""
        job = None if self._run is None else self._run.job
        return [] if job is None else [report.record() for report in job.reports]

    @property
    def running_on(self) -> InputChoice | None:
        """What is being run."""
        return None if self._run is None else self._run.choice

    def has_open(self, choice: InputChoice) -> bool:
        """Tell whether the session has a layer, so that to open it ends no run."""
        before, former = self._opened
        return choice == before and _same(choice.arrays(), former)

    def open(self, choice: InputChoice) -> Session:
        """Hand a layer to the session, unless it has it already.

        Raises
        ------
        InputError
            When the layer cannot be used.
        """
        # The arrays as well: a layer may be given others.
        arrays = choice.arrays()
        before, former = self._opened
        same = _same(arrays, former)
        if before is not None and same and choice != before:
            before = self._confine(choice, before)
        if choice != before or not same:
            kept = preferences()
            self.session.cache_place = CachePlace(kept.cache_folder, kept.cache_bytes)
            self.session.open(session_input(choice))
            self.outputs.work_on(choice.layer, choice.reading.position)
            self._watch.follow(choice.layer, arrays[0])
            self._masks.follow(choice.painted)
            self._opened = (choice, arrays)
        return self.session

    def _confine(self, choice: InputChoice, before: InputChoice) -> InputChoice:
        """Look in another region of what is open; all that was computed is kept."""
        given = self.session.input
        if given is None or replace(choice, region=before.region) != before:
            return before
        self.session.confine(*region_masks(choice, given))
        self._opened = (choice, self._opened[1])
        return choice

    def run(
        self, choice: InputChoice, settings: Mapping[str, Any], device: str
    ) -> None:
        """Run a whole movie.

        Raises
        ------
        InputError
            When the layer cannot be used.
        """
        session = self._begin(choice)
        assert session.input is not None  # noqa: S101 (it was just opened)
        shape = session.input.shape
        layers = RunLayers(self.outputs, choice.layer, choice.axes)
        cells = self.outputs.find(choice.layer, "cells")
        reconcile = as_it_is if cells is None else self.reconcile(cells, shape)
        self._run = _Run(choice, layers, time.monotonic())
        self._layers[:] = [layers]
        self._start_run(partial(run_steps, session, settings, device, reconcile))
        layers.begin(shape)
        self._previews.give_way(choice)

    def _start_run(self, steps: Callable[[], Iterator[Any]]) -> None:
        end = partial(self._end_early, "Cancelled.")
        self._tasks.start(Task(steps, self._on_step, self._on_error, end))

    def preview(
        self, choice: InputChoice, settings: Mapping[str, Any], device: str
    ) -> None:
        """Cluster the frame in view; masks are read anew.

        Raises
        ------
        InputError
            When the layer cannot be used.
        """
        session = self._begin(choice)
        session.forget_masks()
        request = self._request(choice, clusters=True)
        steps = partial(session.preview, request, settings, device=device)
        on_step = self._shows_preview(choice)
        self._tasks.start(Task(steps, on_step, self._tell_error))

    def preview_live(
        self,
        choice: InputChoice,
        settings: Mapping[str, Any],
        device: str,
        region: Region | None = None,
    ) -> None:
        """Cluster the frame in view next; nothing happens while a run is on its way.

        A live preview of the same frame that is in progress is still shown, so that
        there is something to see while a slider moves.

        Parameters
        ----------
        choice, settings, device
            As for `preview`.
        region : (slice, slice), optional
            Rows and columns to look at.

        Raises
        ------
        InputError
            When the layer cannot be used.
        """
        if self.busy:
            return
        session = self.open(choice)
        request = self._request(choice, clusters=False)
        steps = partial(
            session.preview, request, settings, device=device, region=region
        )
        on_step = self._shows_preview(choice)
        task = Task(steps, on_step, self._tell_live_error)
        same = self._live == (choice, request.frame)
        self._live = choice, request.frame
        (self._tasks.follow if same else self._tasks.start)(task)

    def keep_links(self, choice: InputChoice | None) -> None:
        """Take links of a preview away unless they belong to an input."""
        self._previews.keep_links(choice)

    def leave(self, layer: Layer) -> None:
        """Say no more of a movie that is in the viewer, but not chosen any more."""
        if not self.busy and layer in self._viewer.layers:
            self.message.emit("")

    def stop_live(self) -> None:
        """Want no live preview any more."""
        if self._live is not None:
            self._tasks.drop()

    def _on_tasks(self) -> None:
        if not self._tasks.busy:
            self._live = None
        self.state_changed.emit()

    def _begin(self, choice: InputChoice) -> Session:
        """Drop what is on its way, and take up a layer."""
        self.cancel()
        self._told_of = choice.layer
        return self.open(choice)

    def _request(self, choice: InputChoice, *, clusters: bool) -> PreviewRequest:
        frame = frame_in_view(self._viewer, choice.layer, frame_axis(choice.axes))
        return self._previews.request(choice, frame, clusters=clusters)

    def cancel(self, reason: str = "") -> None:
        """Give the window back at once; the thread ends at its next step.

        Parameters
        ----------
        reason : str
            A sentence to put before what became of the run.
        """
        self.session.cancel()
        # First, as another input may be opened once nothing is computed any more.
        self._end_early(reason)
        self._tasks.drop()

    def _on_step(self, item: Job | Event | RunResult) -> None:
        run = self._run
        if run is None:
            return
        if isinstance(item, Job):
            run.job = item
        elif isinstance(item, Progress):
            self._tell_progress(run, item.done, item.total)
        elif isinstance(item, Started):
            if item.notes:
                self.message.emit("\n".join(item.notes))
        elif isinstance(item, Notice):
            self.message.emit(item.sentence)
        elif isinstance(item, FrameDone) and run.job is not None:
            choice = run.choice
            seen = frame_in_view(self._viewer, choice.layer, frame_axis(choice.axes))
            run.layers.show_frame(run.job.labels, item.frame == seen)
            self._tell_progress(run, item.frame + 1, len(run.job.labels))
            self.reported.emit()
        elif isinstance(item, RunResult) and run.job is not None:
            if not item.reconciled.stands():
                # Something was corrected in the meantime.
                again = item.again
                self._start_run(lambda: iter([again()]))
                return
            self._leave()
            run.layers.show_result(item.reconciled.take(), item.positions)
            self.message.emit(self.session.finish(run.job))
            self.reported.emit()

    def _tell_progress(self, run: _Run, done: int, total: int) -> None:
        self.progressed.emit(done, total, remaining(run.started, done, total))

    def _on_error(self, error: Exception) -> None:
        self._end_early(describe_error(error))
        _notify(error)

    def _tell_error(self, error: Exception) -> None:
        self.message.emit(describe_error(error))
        _notify(error)

    def _tell_live_error(self, error: Exception) -> None:
        self.message.emit(describe_error(error))
        # A window for every step of a slider would be in the way.
        if not isinstance(error, FastershiftError):
            _notify(error)

    def _end_early(self, reason: str) -> None:
        """Close a run without a result and say what is shown now."""
        run = self._run
        if run is None:
            return
        self._leave()
        run.layers.end_early()
        if self.outputs.find(run.choice.layer, "cells") is None:
            self._previews.come_back()
        kept = ""
        if run.job is not None:
            kept = self.session.finish(run.job, restored=run.layers.has_former)
        self.message.emit(f"{reason} {kept}".strip() or "Cancelled.")
        self.reported.emit()

    def _leave(self) -> None:
        self._run = None
        self._layers.clear()

    def _shows_preview(self, choice: InputChoice) -> Callable[[Preview | None], None]:
        """Prepare to show a preview of what is open now, whatever is opened later."""
        assert self.session.input is not None  # noqa: S101 (it was just opened)
        return partial(self._on_preview, choice, self.session.input.shape)

    def _on_preview(
        self, choice: InputChoice, shape: tuple[int, int, int], item: Preview | None
    ) -> None:
        if item is None:
            return
        if choice.layer not in self._viewer.layers:
            self.message.emit("The layer was removed, so its preview was cancelled.")
            return
        self._told_of = choice.layer
        self._previews.show(choice, shape, item)
        self.message.emit(describe_preview(item))
        self.previewed.emit(item)
        self.reported.emit()

    def _on_removed(self, event: Any) -> None:
        if self._live is not None and self._live[0].layer is event.value:
            self.stop_live()
        if self._run is not None and self._run.layers.holds(event.value):
            self.cancel(f"{event.value.name} was removed, so the run was cancelled.")
        elif event.value == self._told_of:
            self.message.emit("")
        if event.value == self._told_of:
            self._told_of = None
        self.outputs.forget_previews(event.value)

    def _on_painted(self) -> None:
        self.session.forget_masks()
        self.painted.emit()

    def _on_altered(self, layer: Layer) -> None:
        """Forget what was computed from the pixels that a layer had before."""
        if self._run is not None and self._run.choice.layer is layer:
            name = layer.name
            self.cancel(f"The data of {name} were changed, so the run was cancelled.")
        self.stop_live()
        self._opened = (None, (None, None))
        self.altered.emit()


def _same(arrays: tuple[Any, ...], former: tuple[Any, ...]) -> bool:
    """Tell whether arrays are those from before; of other choices, the first ones."""
    return all(now is then for now, then in zip(arrays, former, strict=False))


def _notify(error: Exception) -> None:
    """Show a sentence; what nobody expected comes with a way to report it."""
    if isinstance(error, FastershiftError | MemoryError):
        show_error(describe_error(error))
    else:
        notification_manager.receive_error(type(error), error, error.__traceback__)


def _let_go(
    viewer: ViewerModel,
    callback: Callable[..., Any],
    session: Session,
    running: list[RunLayers],
) -> None:
    session.cancel()
    viewer.layers.events.removed.disconnect(callback)
    for layers in running:
        layers.end_early()
