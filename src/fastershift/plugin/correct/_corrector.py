"""Corrections by hand: which layer, which tool, what it does, and what follows."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from fastershift.editing import Change, Edit, Scope
from fastershift.errors import InputError
from fastershift.pipeline import Plan
from fastershift.plugin.correct._follow import Follower, Following
from fastershift.plugin.correct._history import EditHistory
from fastershift.plugin.correct._known import KnownCorrections
from fastershift.plugin.correct._layers import CorrectedLayers
from fastershift.plugin.correct._marks import Marks
from fastershift.plugin.correct._tool_use import ToolUse
from fastershift.plugin.layers._placement import labels_axes
from fastershift.plugin.qt import Task, TaskRunner
from fastershift.plugin.run import Reconcile
from fastershift.session import CONFIDENCE_LIMIT, Corrections, describe_error

__all__ = ["Corrector", "PlanSource"]

#: Gives what decides, in another thread, the run that a result comes from.
PlanSource: TypeAlias = Callable[[Labels], Callable[[], Plan] | None]


class Corrector(QObject):
    """Corrects the tracked cells of one labels layer at a time.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    plan_source : callable
        Finds the run that a layer comes from.
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    layer : Labels or None
        The cells.
    corrections : Corrections or None
        Their edits.
    known : KnownCorrections
        Those of other layers, too.
    tools : ToolUse
        Works out the edits.
    history : EditHistory
        Makes them, and takes them back.
    follower : Follower
        Carries them through time.
    limit : float
        Confidence below which a correction is followed no further.
    """

    state_changed = Signal()
    edited = Signal()
    message = Signal(str)

    def __init__(
        self, viewer: ViewerModel, plan_source: PlanSource, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._plan_source = plan_source
        self.layer: Labels | None = None
        self.corrections: Corrections | None = None
        self.limit = CONFIDENCE_LIMIT
        self.known = KnownCorrections()
        self.marks = Marks(viewer, self)
        self.layers = CorrectedLayers(viewer, self.marks, self)
        self.tools = ToolUse(viewer, self.layers, self.marks, self)
        self.history = EditHistory(viewer, self.layers, self)
        self.follower = Follower(self)
        self._plans = TaskRunner(self)
        self.tools.ready.connect(self._do)
        self.tools.changed.connect(self.state_changed)
        self.tools.message.connect(self.message)
        self.history.edited.connect(self.edited)
        self.history.edited.connect(self.state_changed)
        self.edited.connect(self.layers.rest)
        self.history.message.connect(self.message)
        self.follower.changed.connect(self._on_carried)
        self.follower.message.connect(self.message)
        self.follower.state_changed.connect(self.state_changed)

    def edit(self, layer: Labels | None) -> None:
        """Correct another layer, or the new result in this one."""
        self.follower.stop()
        self.tools.put_away()
        self.layer, self.corrections = layer, None
        if layer is not None:
            try:
                self.corrections, sentence = self.known.open(layer)
            except InputError as error:
                sentence = describe_error(error)
            if sentence:
                self.message.emit(sentence)
        axes = "" if layer is None else labels_axes(layer)
        watched = None if self.corrections is None else layer
        self.marks.watch(watched, axes)
        self.tools.watch(watched, self.corrections, axes)
        self.layers.watch(watched, self.corrections)
        self.history.watch(watched, self.corrections)
        self.state_changed.emit()
        self.prepare()

    @property
    def preparing(self) -> bool:
        """Whether cells and embeddings are still being looked for."""
        return self._plans.busy

    def prepare(self) -> None:
        """Find cells and embeddings in another thread, ahead of the first edit."""
        corrections, layer = self.corrections, self.layer
        if corrections is None or layer is None:
            self._plans.drop()
            return
        plan_of = self._plan_source(layer)

        def steps() -> Iterator[Plan | None]:
            for _ in corrections.cells.prepare():
                yield None
            if plan_of is not None:
                yield plan_of()

        def use(plan: Plan | None) -> None:
            if plan is not None and corrections.labels.shape == (
                plan.source.n_frames,
                *plan.frame_shape,
            ):
                corrections.use(plan)

        def fail(error: Exception) -> None:
            self.message.emit(describe_error(error))

        self._plans.start(Task(steps, use, fail))

    def reconcile(self, cells: Labels, shape: tuple[int, int, int]) -> Reconcile:
        """Keep what was corrected by hand when a run has a new result.

        Parameters
        ----------
        cells : Labels
            The layer that the result is for.
        shape : (int, int, int)
            Frames, rows and columns of the result.

        Returns
        -------
        Reconcile
            Locked cells stay as they are.

        Raises
        ------
        InputError
            When there are locked cells, and the result has another shape.
        """
        return self.known.reconcile(cells, self.layers.frame, shape)

    def stop(self) -> None:
        """Put the tool away; without one, end what is being followed."""
        if self.tools.state.tool is not None:
            self.tools.state.select("")
        else:
            self.follower.stop()

    def make(self, edit: Edit) -> None:
        """Make an edit that no tool has worked out."""
        self._let_go()
        change = self.history.make(edit)
        if change is not None:
            self.history.show(change)

    def undo(self) -> None:
        """Undo the last edit."""
        self._let_go()
        self.history.undo()

    def redo(self) -> None:
        """Make the edit again that was taken back last."""
        self._let_go()
        self.history.redo()

    def _let_go(self) -> None:
        """End what goes on with the cells as they are now."""
        if self.corrections is not None:
            self.follower.stop()
            self.tools.state.drop_picks()

    def _do(self, edit: Edit, scope: Scope) -> None:
        """Make the edit of a tool, and follow it through time."""
        change, tool = self.history.make(edit), self.tools.state.tool
        if change is None:
            if tool is not None and not tool.scoped:
                self.tools.state.drop_picks()
            return
        if tool is not None and not tool.repeats:
            self.tools.state.drop_picks()
        self.history.show(change)
        if tool is None or not tool.follows or scope == "frame":
            return
        if self.corrections is not None:
            self.follower.follow(
                Following(
                    self.corrections,
                    change.entry,
                    change.text,
                    change.frame,
                    change.tracks,
                    scope,
                    self.tools.until,
                    self.limit,
                )
            )

    def _on_carried(self, change: Change) -> None:
        self.history.show(change, follow=False)
