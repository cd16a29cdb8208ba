"""Corrections by hand: clicks and keys in, edits of the result out."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from fastershift.editing import Add, Change, Edit, Lock, Scope, Unlock
from fastershift.errors import InputError
from fastershift.pipeline import Plan
from fastershift.plugin.correct._clicks import Clicks
from fastershift.plugin.correct._follow import Follower, Following
from fastershift.plugin.correct._layers import CorrectedLayers, stack_of
from fastershift.plugin.correct._marks import Marks
from fastershift.plugin.correct._paint import PaintCapture
from fastershift.plugin.correct._rerun import keep_corrections
from fastershift.plugin.correct._tool_state import ToolState
from fastershift.plugin.correct._tools import TOOLS, Pick, edit_of
from fastershift.plugin.layers._placement import stack_axes
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._snapshot import LayerSnapshot, prepare_snapshot
from fastershift.plugin.qt import Task, TaskRunner
from fastershift.plugin.run import Reconcile
from fastershift.session import CONFIDENCE_LIMIT, Corrections, describe_error
from fastershift.tracking import Lineage, Track

__all__ = ["Corrector", "PlanSource"]

#: Gives what decides, in another thread, the run that a result comes from.
PlanSource: TypeAlias = Callable[[Labels], Callable[[], Plan] | None]

# Factor by which a turn of the wheel changes h.
_WHEEL = 1.12


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
    until : int
        Last frame for the scope ``"until"``.
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
        self._viewer = viewer
        self._plan_source = plan_source
        self.layer: Labels | None = None
        self.corrections: Corrections | None = None
        self.until = 0
        self.limit = CONFIDENCE_LIMIT
        self._known: WeakKeyDictionary[Labels, Corrections] = WeakKeyDictionary()
        self.marks = Marks(viewer, self)
        self.layers = CorrectedLayers(viewer, self.marks, self)
        self._clicks = Clicks(viewer, self)
        self.tool_state = ToolState(self)
        self.follower = Follower(self)
        self._paint = PaintCapture(viewer, self)
        self._asks = TaskRunner(self)
        self._plans = TaskRunner(self)
        self._proposal: Add | None = None
        self._bandwidth = 0.0
        self._accepting: Scope | None = None
        self._connect()

    def _connect(self) -> None:
        self._clicks.clicked.connect(self._on_click)
        self._clicks.brushed.connect(self.tool_state.brush)
        self._clicks.wheeled.connect(self._on_wheel)
        self.tool_state.changed.connect(self._on_tool_state)
        self.tool_state.message.connect(self.message)
        self.tool_state.ready.connect(partial(self.accept, "frame"))
        self.follower.changed.connect(self._on_carried)
        self.follower.message.connect(self.message)
        self.follower.state_changed.connect(self.state_changed)
        self._paint.painted.connect(self._on_painted)
        self._paint.message.connect(self.message)

    # What is corrected

    def edit(self, layer: Labels | None) -> None:
        """Correct another layer, or the new result in this one."""
        self.follower.stop()
        self._asks.drop()
        self.tool_state.select("")
        if self.layer is not None:
            self.layer.events.mode.disconnect(self._on_mode)
        self.layer, self.corrections = layer, None
        if layer is not None:
            layer.events.mode.connect(self._on_mode)
            try:
                self.corrections = self._corrections_of(layer)
            except InputError as error:
                self.message.emit(describe_error(error))
        corrections = self.corrections
        labels = None if corrections is None else corrections.labels
        axes = "" if layer is None else stack_axes(layer.data.shape)
        watched = None if corrections is None else layer
        self.marks.watch(watched, axes)
        self._clicks.listen(watched, axes)
        self.layers.watch(watched, corrections)
        self._paint.watch(watched, labels, lambda: self.layers.frame)
        self.state_changed.emit()
        self.prepare()

    def _corrections_of(self, layer: Labels) -> Corrections:
        labels = stack_of(layer)
        known = self._known.get(layer)
        if known is not None and np.shares_memory(known.labels, labels):
            return known
        stored = ResultRecord.of(layer)
        lineage = Lineage(tuple(Track(*row) for row in stored.tracks or ()))
        try:
            made = Corrections(labels, lineage, record=stored.corrections)
        except InputError as error:
            if stored.corrections is None:
                raise
            self.message.emit(f"{describe_error(error)} Corrections start again.")
            made = Corrections(labels, lineage)
        self._known[layer] = made
        return made

    @property
    def known(self) -> dict[Labels, Corrections]:
        """The layers that were corrected in this sitting, or could have been."""
        return dict(self._known)

    def snapshot(self, layer: Labels) -> Callable[[], LayerSnapshot]:
        """Prepare to write a layer, see `prepare_snapshot`."""
        return prepare_snapshot(layer, self._known.get(layer))

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

        self._plans.start(Task(steps, use, self._tell_error))

    def reconcile(self, cells: Labels) -> Reconcile:
        """Keep what was corrected by hand when a run has a new result.

        Parameters
        ----------
        cells : Labels
            The layer that the result is for.

        Returns
        -------
        Reconcile
            Locked cells stay as they are.
        """
        return keep_corrections(self._known, cells, self.layers.frame)

    # The tool in hand

    def select_tool(self, name: str) -> None:
        """Take a tool; the one in hand is put away when it is taken again."""
        if self.corrections is None or self.layer is None:
            self.message.emit(
                "Run a movie, or open a tracked one, to correct its cells."
            )
            return
        again = self.tool_state.tool is not None and self.tool_state.tool.name == name
        if not again:
            self._viewer.layers.selection.active = self.layer
            self.layer.mode = "pan_zoom"
        self.tool_state.select("" if again else name)

    def stop(self) -> None:
        """Put the tool away; without one, end what is being followed."""
        if self.tool_state.tool is not None:
            self.tool_state.select("")
        else:
            self.follower.stop()

    def _on_mode(self, _event: Any) -> None:
        if self.layer is not None and self.layer.mode != "pan_zoom":
            self.tool_state.select("")

    def _on_tool_state(self) -> None:
        tool, picks = self.tool_state.tool, self.tool_state.picks
        self._clicks.brush(tool is not None and tool.name == "merge")
        self._clicks.wheeling = bool(picks) and self._adding
        self.marks.show_picks(picks)
        if not self._clicks.wheeling:
            self._proposal = None
            if self._adding:
                self.marks.show_region(None)
            else:
                self.marks.drop_region()
        self._accepting = None
        self.state_changed.emit()
        if tool is not None and not (picks and self._adding):
            self.message.emit(self._prompt())

    @property
    def _adding(self) -> bool:
        return (
            self.tool_state.tool is not None
            and self.tool_state.tool.name == "add_by_click"
        )

    def _prompt(self) -> str:
        tracks = dict.fromkeys(pick.track for pick in self.tool_state.picks)
        chosen = ", ".join(str(track) for track in tracks if track)
        return (
            f"{chosen}: {self.tool_state.prompt}" if chosen else self.tool_state.prompt
        )

    def _on_click(self, pick: Pick) -> None:
        tool = self.tool_state.tool
        if tool is None:
            if pick.track and self.layer is not None:
                self.layer.selected_label = pick.track
            return
        self.tool_state.click(pick)
        if self._adding and self.tool_state.picks:
            self._propose(0.0)
        elif tool.across and len(self.tool_state.picks) == 1:
            self._go_on(pick)

    def _go_on(self, pick: Pick) -> None:
        """Show the frame in which the next click is likely."""
        last = pick.frame
        if self.corrections is not None and self.tool_state.tool is TOOLS["link"]:
            last = max(last, self.corrections.cells.tracks[pick.track].last)
        self.layers.go(last + 1)

    # What the tool does

    def accept(self, scope: Scope) -> None:
        """Do it, as far as this."""
        corrections, tool = self.corrections, self.tool_state.tool
        if corrections is None or tool is None:
            self.message.emit("Choose a tool first, then click the cells.")
            return
        if not self.tool_state.complete:
            self.message.emit(self._prompt())
            return
        picks = list(self.tool_state.picks)
        edit = edit_of(tool, picks, scope, self.until, corrections.lineage)
        if edit is not None:
            self._do(edit, scope)
        elif tool.name == "split":
            points = [(pick.row, pick.column) for pick in picks]
            steps = partial(corrections.split, picks[0].frame, picks[0].track, points)
            self._ask(steps, partial(self._do, scope=scope))
        elif self._proposal is not None:
            self._do(self._proposal, scope)
        else:
            self._accepting = scope

    def _ask(
        self, steps: Callable[[], Iterator[Any]], use: Callable[[Any], object]
    ) -> None:
        def on_step(item: Any) -> None:
            if item is not None:
                use(item)

        self._asks.start(Task(steps, on_step, self._tell_error))

    def _do(self, edit: Edit, scope: Scope) -> Change | None:
        corrections, tool = self.corrections, self.tool_state.tool
        if corrections is None:
            return None
        try:
            change = corrections.do(edit)
        except InputError as error:
            self.message.emit(describe_error(error))
            if tool is not None and not tool.scoped:
                self.tool_state.drop_picks()
            return None
        if tool is not None and not tool.repeats:
            self.tool_state.drop_picks()
        self._show(change)
        if tool is not None and tool.follows and scope != "frame":
            self.follower.follow(
                Following(
                    corrections,
                    change.entry,
                    change.text,
                    change.frame,
                    change.tracks,
                    scope,
                    self.until,
                    self.limit,
                )
            )
        return change

    def _show(self, change: Change) -> None:
        self.layers.show(change)
        self._paint.skip(change)
        self.message.emit(change.text)
        self.edited.emit()
        self.state_changed.emit()

    def _on_carried(self, change: Change) -> None:
        self.layers.show(change, follow=False)
        self._paint.skip(change)
        self.edited.emit()

    # Adding by click

    def _on_wheel(self, turn: int) -> None:
        if self.tool_state.picks and self._adding:
            self._propose(self._bandwidth * _WHEEL**turn)

    def _propose(self, bandwidth: float) -> None:
        """Show the cell under the click for this h; 0 is that of the run."""
        corrections, pick = self.corrections, self.tool_state.picks[0]
        if corrections is None:
            return
        self._bandwidth = min(max(bandwidth or corrections.bandwidth, 0.001), 1.9)
        self._accepting = None
        steps = partial(
            corrections.add, pick.frame, (pick.row, pick.column), self._bandwidth
        )
        self._ask(steps, self._on_proposal)

    def _on_proposal(self, found: Add) -> None:
        self._proposal = found
        self.marks.show_region(found.region)
        self.message.emit(
            f"h = {self._bandwidth:.3f}, {found.region.area} pixels. "
            f"{self.tool_state.prompt}"
        )
        self.state_changed.emit()
        if self._accepting is not None:
            self._do(found, self._accepting)

    # Painting

    def _on_painted(self, painted: tuple[Any, Any]) -> None:
        corrections, (edit, before) = self.corrections, painted
        if corrections is None or self.layer is None:
            return
        try:
            change = corrections.do(edit)
        except InputError as error:
            corrections.labels[edit.frame] = before
            self.layer.refresh(extent=False)
            self.message.emit(describe_error(error))
        else:
            self._show(change)

    # History and locks

    def undo(self) -> None:
        """Undo the last edit."""
        self._travel("undo", "There is nothing to undo.")

    def redo(self) -> None:
        """Make the edit again that was taken back last."""
        self._travel("redo", "There is nothing to redo.")

    def _travel(self, way: str, nothing: str) -> None:
        if self.corrections is None:
            return
        self.follower.stop()
        self.tool_state.drop_picks()
        change = getattr(self.corrections, way)()
        if change is None:
            self.message.emit(nothing)
            return
        self._show(change)

    def lock(self) -> None:
        """Lock the selected cell in the frame in view."""
        self._on_selected(lambda frame, track: Lock(frame, track))

    def unlock(self, what: Literal["cell", "track", "all"]) -> None:
        """Unlock the selected ``"cell"`` here, its ``"track"``, or ``"all"``."""
        if what == "all":
            self._do_plain(Unlock(what="all"))
        else:
            self._on_selected(lambda frame, track: Unlock(frame, track, what))

    def _on_selected(self, make: Callable[[int, int], Edit]) -> None:
        if self.layer is not None:
            self._do_plain(make(self.layers.frame, int(self.layer.selected_label)))

    def _do_plain(self, edit: Edit) -> None:
        if self.corrections is not None:
            try:
                self._show(self.corrections.do(edit))
            except InputError as error:
                self.message.emit(describe_error(error))

    def _tell_error(self, error: Exception) -> None:
        self.message.emit(describe_error(error))
