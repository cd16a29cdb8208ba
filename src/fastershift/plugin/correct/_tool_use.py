"""The use of a tool: clicks in, the edit that they ask for out."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QObject, Signal

from fastershift.editing import Add, Scope
from fastershift.plugin.correct._clicks import Clicks
from fastershift.plugin.correct._layers import CorrectedLayers
from fastershift.plugin.correct._marks import Marks
from fastershift.plugin.correct._tool_state import ToolState
from fastershift.plugin.correct._tools import TOOLS, Pick, edit_of
from fastershift.plugin.qt import Task, TaskRunner
from fastershift.session import Corrections, describe_error

__all__ = ["ToolUse"]

# Factor by which a turn of the wheel changes h.
_WHEEL = 1.12


class ToolUse(QObject):
    """Takes the clicks of a tool, and works out the edit that they ask for.

    Parameters
    ----------
    viewer : ViewerModel
        Where the layer is.
    layers : CorrectedLayers
        Know the frame in view.
    marks : Marks
        Show clicks and proposals.
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    state : ToolState
        The tool and its clicks.
    until : int
        Last frame for the scope ``"until"``.
    """

    changed = Signal()
    message = Signal(str)
    #: An edit, and how far it reaches.
    ready = Signal(object, str)

    def __init__(
        self,
        viewer: ViewerModel,
        layers: CorrectedLayers,
        marks: Marks,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layers = layers
        self._marks = marks
        self._layer: Labels | None = None
        self._corrections: Corrections | None = None
        self.until = 0
        self.state = ToolState(self)
        self._clicks = Clicks(viewer, self)
        self._tasks = TaskRunner(self)
        # Another runner: another tool drops a cell that is looked for, but no split.
        self._search = TaskRunner(self)
        self._proposal: Add | None = None
        self._bandwidth = 0.0
        self._accepting: Scope | None = None
        self._clicks.clicked.connect(self.click)
        self._clicks.brushed.connect(self.state.brush)
        self._clicks.wheeled.connect(self._on_wheel)
        self._clicks.refused.connect(self._on_refused)
        self.state.changed.connect(self._on_state)
        self.state.message.connect(self.message)
        self.state.ready.connect(partial(self.accept, "frame"))

    def watch(
        self, layer: Labels | None, corrections: Corrections | None, axes: str
    ) -> None:
        """Work on another layer, whose axes are these."""
        if self._layer is not None:
            self._layer.events.mode.disconnect(self._on_mode)
        self._layer, self._corrections = layer, corrections
        if layer is not None:
            layer.events.mode.connect(self._on_mode)
        self._clicks.listen(layer, axes)

    def put_away(self) -> None:
        """Put the tool away, and what is being worked out."""
        self._tasks.drop()
        self._search.drop()
        self.state.select("")

    @property
    def busy(self) -> bool:
        """Whether an edit is being worked out."""
        return self._tasks.busy or self._search.busy

    def select(self, name: str) -> None:
        """Take a tool; the one in hand is put away when it is taken again."""
        if self._corrections is None or self._layer is None:
            self.message.emit(
                "Run a movie, or open a tracked one, to correct its cells."
            )
            return
        again = self.state.tool is not None and self.state.tool.name == name
        if not again:
            self._viewer.layers.selection.active = self._layer
            self._layer.mode = "pan_zoom"
        self.state.select("" if again else name)

    def _on_mode(self, _event: Any) -> None:
        if self._layer is not None and self._layer.mode != "pan_zoom":
            self.state.select("")

    def _on_state(self) -> None:
        tool, picks = self.state.tool, self.state.picks
        self._clicks.brush(tool is not None and tool.name == "merge")
        self._clicks.wheeling = bool(picks) and self._adding
        self._marks.show_picks(picks)
        if not self._clicks.wheeling:
            self._proposal = None
            self._search.drop()
            if self._adding:
                self._marks.show_region(None)
            else:
                self._marks.drop_region()
        self._accepting = None
        self.changed.emit()
        if tool is not None and not (picks and self._adding):
            self.message.emit(self._prompt())

    @property
    def _adding(self) -> bool:
        return self.state.tool is not None and self.state.tool.name == "add_by_click"

    def _prompt(self) -> str:
        tracks = dict.fromkeys(pick.track for pick in self.state.picks)
        chosen = ", ".join(str(track) for track in tracks if track)
        return f"{chosen}: {self.state.prompt}" if chosen else self.state.prompt

    def click(self, pick: Pick) -> None:
        """Use the tool at a place; without one, select the cell there."""
        tool = self.state.tool
        if tool is None:
            if pick.track and self._layer is not None:
                self._layer.selected_label = pick.track
            return
        self.state.click(pick)
        if self._adding and self.state.picks:
            # What was proposed for another click must not be added for this one.
            self._proposal = None
            self._marks.show_region(None)
            self._propose(0.0)
        elif tool.across and len(self.state.picks) == 1:
            self._go_on(pick)

    def _on_refused(self) -> None:
        if self.state.tool is not None:
            self.message.emit(
                "In 3D a click does not tell which cell is meant. Show rows and "
                "columns in 2D first."
            )

    def _go_on(self, pick: Pick) -> None:
        """Show the frame in which the next click is likely."""
        last = pick.frame
        if self._corrections is not None and self.state.tool is TOOLS["link"]:
            last = max(last, self._corrections.cells.tracks[pick.track].last)
        self._layers.go(last + 1)

    def accept(self, scope: Scope) -> None:
        """Do what the clicks ask for, as far as this."""
        corrections, tool = self._corrections, self.state.tool
        if corrections is None or tool is None:
            self.message.emit("Choose a tool first, then click the cells.")
            return
        if not self.state.complete:
            self.message.emit(self._prompt())
            return
        picks = list(self.state.picks)
        edit = edit_of(tool, picks, scope, self.until, corrections.lineage)
        if edit is not None:
            self.ready.emit(edit, scope)
        elif tool.name == "split":
            points = [(pick.row, pick.column) for pick in picks]
            steps = partial(corrections.split, picks[0].frame, picks[0].track, points)
            self._work_out(
                self._tasks, steps, lambda split: self.ready.emit(split, scope)
            )
        elif self._proposal is not None:
            self.ready.emit(self._proposal, scope)
        else:
            self._accepting = scope

    def _work_out(
        self,
        tasks: TaskRunner,
        steps: Callable[[], Iterator[Any]],
        use: Callable[[Any], object],
    ) -> None:
        def on_step(edit: Any) -> None:
            if edit is not None:
                use(edit)

        def on_error(error: Exception) -> None:
            self.message.emit(describe_error(error))

        tasks.start(Task(steps, on_step, on_error))

    def _on_wheel(self, turn: int) -> None:
        if self.state.picks and self._adding:
            self._propose(self._bandwidth * _WHEEL**turn)

    def _propose(self, bandwidth: float) -> None:
        """Show the cell under the click for this h; 0 is that of the run."""
        corrections, pick = self._corrections, self.state.picks[0]
        if corrections is None:
            return
        self._bandwidth = min(max(bandwidth or corrections.bandwidth, 0.001), 1.9)
        self._accepting = None
        steps = partial(
            corrections.add, pick.frame, (pick.row, pick.column), self._bandwidth
        )
        self._work_out(self._search, steps, self._on_proposal)

    def _on_proposal(self, proposal: Add) -> None:
        self._proposal = proposal
        self._marks.show_region(proposal.region)
        self.message.emit(
            f"h = {self._bandwidth:.3f}, {proposal.region.area} pixels. "
            f"{self.state.prompt}"
        )
        self.changed.emit()
        if self._accepting is not None:
            self.ready.emit(proposal, self._accepting)
