"""Keeps the read-out in step with the layers, the runs and the time slider."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from napari.components import ViewerModel
from napari.utils.theme import get_theme
from qtpy.QtCore import QObject

from fastershift.plugin.layers._frame_in_view import frame_in_view, go_to_frame
from fastershift.plugin.layers._input import InputChoice, frame_axis
from fastershift.plugin.layers._outputs import Role
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._units import in_minutes, seconds_per_frame
from fastershift.plugin.qt import follow, make_timer
from fastershift.plugin.readout._section import ReadOut
from fastershift.plugin.run import RunController

__all__ = ["ReadOutFeed"]

# While a run goes on its reports are looked at this often.
_WAIT_MS = 200


class ReadOutFeed(QObject):
    """Tells the read-out what to show, and the time slider where to go.

    Parameters
    ----------
    viewer : ViewerModel
        Whose time slider and layers.
    runs : RunController
        Where reports come from.
    choice : callable
        Gives the input that is chosen, or None.
    readout : ReadOut
        What shows them; lives as long as this.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        runs: RunController,
        choice: Callable[[], InputChoice | None],
        readout: ReadOut,
    ) -> None:
        super().__init__(readout)
        self._viewer = viewer
        self._runs = runs
        self._choice = choice
        self._readout = readout
        self._rows: Sequence[Mapping[str, Any]] = ()
        self._row_of: dict[int, Mapping[str, Any]] = {}
        self._timer = make_timer(self, _WAIT_MS, self.refresh)
        runs.reported.connect(self._on_reported)
        readout.frame_chosen.connect(self._go)
        follow(self, viewer.dims.events.current_step, self._on_moved)
        follow(self, viewer.events.theme, self._on_theme)
        self._on_theme()

    def refresh(self) -> None:
        """Show everything that is known of the input now."""
        choice = self._shown()
        record = self._record(choice, "cells")
        rows = self._runs.reports if self._runs.running_on is not None else []
        self._rows = rows or record.reports
        self._row_of = {row["frame"]: row for row in self._rows}
        self._readout.show_rows(self._rows)
        self._readout.show_movie(record.tracks, record.provenance)
        self._show_frame(choice)

    def _shown(self) -> InputChoice | None:
        choice = self._runs.running_on or self._choice()
        gone = choice is not None and choice.layer not in self._viewer.layers
        return None if gone else choice

    def _record(self, choice: InputChoice | None, role: Role) -> ResultRecord:
        layer = None if choice is None else self._runs.outputs.find(choice.layer, role)
        return ResultRecord.of(layer)

    def _on_reported(self) -> None:
        if self._runs.running_on is None:
            self._timer.stop()
            self.refresh()
        elif not self._timer.isActive():
            self._timer.start()

    def _on_moved(self, _event: Any = None) -> None:
        self._show_frame(self._shown())

    def _show_frame(self, choice: InputChoice | None) -> None:
        if choice is None:
            self._readout.show_frame(None, None)
            return
        axes = choice.axes
        frame = frame_in_view(self._viewer, choice.layer, frame_axis(axes))
        row = self._previewed(choice, frame)
        step = seconds_per_frame(choice.layer, axes)
        self._readout.show_frame(
            frame,
            row or self._row_of.get(frame),
            time="" if step is None else in_minutes(frame * step),
            previewed=row is not None,
        )

    def _previewed(self, choice: InputChoice, frame: int) -> Mapping[str, Any] | None:
        """Return the report of a preview that can be seen."""
        layer = self._runs.outputs.find(choice.layer, "preview")
        if layer is None or not layer.visible:
            return None
        reports = ResultRecord.of(layer).reports
        return next((row for row in reports if row["frame"] == frame), None)

    def _go(self, frame: int) -> None:
        choice = self._shown()
        if choice is not None and "T" in choice.axes:
            go_to_frame(self._viewer, choice.layer, frame, choice.axes.index("T"))

    def _on_theme(self, _event: Any = None) -> None:
        self._readout.paint(get_theme(self._viewer.theme).text.as_hex())
