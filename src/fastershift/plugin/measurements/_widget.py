"""The dock widget "Measurements": what it measures, and how its parts talk."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.theme import get_theme
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from fastershift.editing import DeleteMany
from fastershift.measure import (
    Column,
    FrameTable,
    MeasureOptions,
    WorldUnits,
    mean_squared_displacement,
    write_measurements,
)
from fastershift.plugin.correct import CorrectSection
from fastershift.plugin.layers._cells_in_view import CellsInView
from fastershift.plugin.layers._placement import labels_axes
from fastershift.plugin.layers._region import RegionBox
from fastershift.plugin.measurements._attach import attach
from fastershift.plugin.measurements._channel_watch import ChannelWatch
from fastershift.plugin.measurements._channels import position_of
from fastershift.plugin.measurements._colouring import Colouring
from fastershift.plugin.measurements._controls import ColourRow, FilterRow, PlotRow
from fastershift.plugin.measurements._measuring import Measured, measured_steps
from fastershift.plugin.measurements._plot import Curve, MeasurePlot
from fastershift.plugin.measurements._table import MeasuresTable
from fastershift.plugin.qt import NumberBox, Task, TaskRunner, follow, on_destroyed
from fastershift.session import describe_error

if TYPE_CHECKING:
    import napari
    from napari.components import ViewerModel

__all__ = ["MeasurementsWidget"]

# More curves than these cannot be told apart.
_MOST_CURVES = 50


class MeasurementsWidget(QWidget):
    """Measures the cells of a result, and shows, plots, colours and filters them.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self._viewer: ViewerModel = napari_viewer
        self._cells = CellsInView(napari_viewer, self)
        self._channels = ChannelWatch(napari_viewer, self)
        self._tasks = TaskRunner(self)
        # Another runner, so that it is heard of to its end.
        self._writes = TaskRunner(self)
        self._colouring = Colouring()
        self._table: FrameTable = {}
        self._columns: tuple[Column, ...] = ()
        self._units = WorldUnits()
        self._kept = np.zeros(0, bool)
        self._tracks: list[int] = []
        self._picked: int | None = None
        self._measured: Labels | None = None
        # Whether the cells are still those that were measured.
        self._fresh = False
        self._lay_out()
        self._connect()
        self._show_theme()
        self._show_state()

    def _lay_out(self) -> None:
        self._measure = QPushButton("Measure")
        self._measure.setObjectName("measure")
        self._measure.setToolTip(
            "Measure every cell in every frame, with the grey values of all image "
            "layers of the same size."
        )
        self._ring = NumberBox()
        self._ring.setObjectName("ring")
        self._ring.setAccessibleName("Ring")
        self._ring.setRange(0, 1000)
        self._ring.setSpecialValueText("none")
        self._ring.setToolTip(
            "Also measure the grey values in a ring of this width around each cell: in "
            "µm if the layer has a scale, otherwise in pixels."
        )
        self._without_drift = QCheckBox("Without drift")
        self._without_drift.setObjectName("without_drift")
        self._without_drift.setToolTip(
            "Remove the move that all cells share, the drift of the stage, from "
            "displacements and speeds, and measure it."
        )
        self._without_flicker = QCheckBox("Without flicker")
        self._without_flicker.setObjectName("without_flicker")
        self._without_flicker.setToolTip(
            "Remove sudden changes of brightness of whole frames from the grey values."
        )
        self._region = RegionBox(self._viewer, self)
        self._save = QPushButton("Save…")
        self._save.setObjectName("save_measurements")
        self._save.setToolTip("Write the rows that are shown as CSV or Parquet.")
        self._said = QLabel()
        self._said.setObjectName("measurements_status")
        self._said.setWordWrap(True)
        self._shown = MeasuresTable(self)
        self._plot = MeasurePlot(self)
        self._plotted, self._coloured = PlotRow(self), ColourRow(self)
        self._filter = FilterRow(self)
        top = QHBoxLayout()
        top.addWidget(self._measure)
        ring = QLabel("Ring")
        ring.setBuddy(self._ring)
        top.addWidget(ring)
        top.addWidget(self._ring)
        top.addWidget(self._region.widget, 1)
        # Takes what is left only while there is no region to choose.
        top.addStretch()
        top.addWidget(self._save)
        below = QWidget()
        lower = QVBoxLayout(below)
        lower.setContentsMargins(0, 0, 0, 0)
        lower.addWidget(self._plotted)
        lower.addWidget(self._plot, 1)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self._shown)
        parts.addWidget(below)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(top)
        without = QHBoxLayout()
        without.addWidget(self._without_drift)
        without.addWidget(self._without_flicker, 1)
        column.addLayout(without)
        column.addWidget(self._filter)
        column.addWidget(self._coloured)
        column.addWidget(parts, 1)
        column.addWidget(self._said)

    def sizeHint(self) -> QSize:
        """Ask for enough room to see a table and a plot."""
        return super().sizeHint().expandedTo(QSize(420, 520))

    def _connect(self) -> None:
        self._measure.clicked.connect(self.measure)
        self._save.clicked.connect(self._choose_file)
        self._tasks.changed.connect(self._show_state)
        self._writes.changed.connect(self._show_saving)
        self._cells.layer_changed.connect(self._on_layer)
        self._cells.tracks_changed.connect(self._on_changed)
        self._cells.repainted.connect(self._on_changed)
        self._channels.changed.connect(partial(self._on_changed, "An image has"))
        self._cells.selected.connect(self._on_picked)
        self._shown.chosen.connect(self._go)
        self._shown.selected.connect(self._on_rows)
        self._plot.clicked.connect(self._go_to_time)
        self._plotted.changed.connect(self._draw)
        self._coloured.changed.connect(self._colour)
        self._filter.changed.connect(self._apply_filter)
        self._filter.delete_asked.connect(self._delete_others)
        follow(self, self._viewer.dims.events.current_step, self._on_moved)
        follow(self, self._viewer.events.theme, self._show_theme)
        on_destroyed(self, self._colouring.end)

    # Measuring

    def measure(self) -> None:
        """Measure the cells in view, in another thread."""
        layer = self._cells.layer
        if layer is None:
            return
        placed = {"scale": layer.scale, "units": layer.units}
        placed["metadata"] = dict(layer.metadata)
        options = MeasureOptions(
            self._ring.value(),
            without_drift=self._without_drift.isChecked(),
            without_flicker=self._without_flicker.isChecked(),
        )
        steps = partial(
            measured_steps,
            layer.data,
            placed,
            list(self._viewer.layers),
            position_of(layer),
            options,
            self._region.drawn(layer, labels_axes(layer)),
            None if options.without_flicker else self._without_flicker.text(),
        )
        self._channels.follow(self._viewer.layers, layer)
        self._said.setText("Measuring …")
        self._tasks.start(
            Task(
                steps,
                partial(self._on_step, layer),
                lambda error: self._said.setText(describe_error(error)),
            )
        )

    def _on_step(self, layer: Labels, step: str | Measured) -> None:
        if isinstance(step, str):
            self._said.setText(step)
            return
        self._table, self._columns = step.table, step.columns
        self._units, self._measured, self._fresh = step.units, layer, True
        self._shown.rows.show(self._table, self._columns, self._units)
        self._kept = np.ones(len(self._table["track"]), bool)
        numbers = [one for one in self._columns if one.quantity != "text"]
        for row in (self._plotted, self._coloured, self._filter):
            row.show_columns(numbers, self._units)
        attach(self._table, layer, self._viewer.layers)
        self._said.setText(step.sentence)
        self._apply_filter()
        self._draw()
        self._picked = None
        self._on_picked(int(layer.selected_label))

    def _on_layer(self) -> None:
        self._tasks.drop()
        if self._cells.layer is not self._measured:
            self._forget()
        self._show_state()

    def _on_changed(self, what: str = "The cells have") -> None:
        self._fresh = False
        self._filter.offer_delete(0)
        self._colour()
        if self._tasks.busy:
            self.measure()
        elif self._table:
            self._said.setText(f"{what} changed since; measure the cells again.")

    def _forget(self) -> None:
        self._channels.let_go()
        self._colouring.end()
        self._table, self._columns, self._measured = {}, (), None
        self._tracks = []
        self._kept = np.zeros(0, bool)
        self._shown.rows.show({}, (), WorldUnits())
        self._draw()

    def _show_state(self) -> None:
        here = self._cells.layer is not None
        self._measure.setEnabled(here and not self._tasks.busy)
        for part in (self._filter, self._coloured, self._plotted):
            part.setEnabled(bool(self._table))
        self._show_saving()
        if not self._table and not self._tasks.busy:
            self._said.setText(
                "Measure the cells to see, plot and save their values."
                if here
                else "Run a movie, or open a tracked one, to measure its cells."
            )

    def _show_saving(self) -> None:
        self._save.setEnabled(bool(self._table) and not self._writes.busy)

    # Going to a cell, and coming from one

    def _go(self, row: int) -> None:
        layer = self._measured
        if layer is None:
            return
        self._cells.go(int(self._table["frame"][row]))
        self._picked = int(self._table["track"][row])
        layer.selected_label = self._picked
        plane = [labels_axes(layer).index(axis) for axis in "YX"]
        corner, far = layer.corner_pixels[:, plane]
        down = (self._table["top"][row] + self._table["bottom"][row]) / 2
        right = (self._table["left"][row] + self._table["right"][row]) / 2
        if not np.all((corner <= (down, right)) & ((down, right) <= far)):
            place = np.zeros(layer.ndim)
            place[plane] = down, right
            world = np.array(layer.data_to_world(place))
            self._viewer.scene.camera.center = (0.0, *world[plane])

    def _go_to_time(self, time: float) -> None:
        if self._measured is not None and self._plotted.over_time:
            last = int(self._table["frame"].max(initial=0))
            frame = min(max(round(time / self._units.step), 0), last)
            self._cells.go(frame)

    def _on_picked(self, track: int) -> None:
        """Show the cell that was selected in the image."""
        # napari tells of the label when the colours change, too.
        if not self._table or track == self._picked:
            return
        self._picked = track
        if track not in self._tracks:
            self._tracks = [track]
            self._draw()
        here = (self._table["track"] == track) & (
            self._table["frame"] == self._cells.frame
        )
        marked = self._table["track"][self._shown.selected_rows()]
        if here.any() and track not in marked:
            self._shown.select_row(int(np.argmax(here)))

    def _on_rows(self, rows: list[int]) -> None:
        if rows:
            self._tracks = np.unique(self._table["track"][rows]).tolist()
            self._draw()

    def _on_moved(self, _event: Any = None) -> None:
        self._show_time()
        if self._coloured.is_on or self._filter.hides:
            self._colour()

    # Plot, colours and filter

    def _draw(self) -> None:
        layer = self._measured
        curves = []
        if layer is not None and self._tracks:
            shown = np.array(self._tracks[:_MOST_CURVES], np.int64)
            colours = self._colouring.of(shown, layer)
            for track, colour in zip(shown.tolist(), colours, strict=True):
                x, y = self._points(self._table["track"] == track)
                if len(x):
                    curves.append(Curve(track, colour, x, y))
        as_points = not (self._plotted.over_time or self._plotted.over_lag)
        self._plot.show_curves(curves, self._plotted.titles, as_points=as_points)
        self._show_time()

    def _points(self, rows: Any) -> tuple[Any, Any]:
        mine = {name: values[rows] for name, values in self._table.items()}
        if self._plotted.over_lag:
            # The drift is there only if it is to be taken out.
            y, x = (mine[one] - mine.get(f"drift_{one}", 0) for one in "yx")
            lags, squares = mean_squared_displacement(mine["frame"], y, x)
            return lags * self._units.step, squares
        across, up = self._plotted.measures
        return mine[across].astype(np.float64), mine[up].astype(np.float64)

    def _show_time(self) -> None:
        shown = self._plotted.over_time and self._measured is not None
        self._plot.show_time(self._cells.frame * self._units.step if shown else None)

    def _apply_filter(self) -> None:
        if self._table:
            self._kept = self._filter.chosen.rows(self._table)
            self._shown.rows.keep(self._kept)
            tracks = len(np.unique(self._table["track"][self._kept]))
            self._filter.tell(f"{self._kept.sum():,} cells of {tracks:,} tracks")
            self._filter.offer_delete(int((~self._kept).sum()) if self._fresh else 0)
            self._colour()

    def _delete_others(self) -> None:
        """Delete what the filter leaves out, with the part *Correct* of the panel."""
        layer, panel = self._measured, _outermost(self).findChild(CorrectSection)
        if panel is None:
            self._said.setText(
                "Open Segment and track first: its part Correct deletes the cells, and "
                "can bring them back."
            )
        elif layer is None or panel.corrector.layer is not layer:
            self._said.setText("Select the layer of these cells first.")
        else:
            gone = ~self._kept
            cells = zip(
                self._table["frame"][gone].tolist(),
                self._table["track"][gone].tolist(),
                strict=True,
            )
            panel.corrector.make(DeleteMany(self._cells.frame, tuple(cells)))
            self.measure()

    def _colour(self) -> None:
        layer = self._measured
        if layer is None or layer not in self._viewer.layers:
            return
        # Cells that have changed may have other numbers than those that were measured.
        if not (self._fresh and (self._coloured.is_on or self._filter.hides)):
            self._colouring.end()
            self._coloured.tell("")
            return
        here = self._table["frame"] == self._cells.frame
        tracks, values = self._table["track"][here], None
        if self._coloured.is_on:
            every = self._table[self._coloured.measure].astype(np.float64)
            low, high = self._colouring.set_values(every)
            self._coloured.tell(f"dark {low:.3g} to bright {high:.3g}")
            values = dict(zip(tracks.tolist(), every[here].tolist(), strict=True))
        kept = set(tracks[self._kept[here]].tolist()) if self._filter.hides else None
        self._colouring.show(layer, values, kept)

    def _show_theme(self, _event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        ink, paper, mark = (
            QColor(*(int(part) for part in colour.as_rgb_tuple(alpha=False)))
            for colour in (theme.text, theme.background, theme.warning)
        )
        self._plot.show_colours(ink, paper, mark)

    # Saving

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the measurements", "cells.csv", "Tables (*.csv *.parquet)"
        )
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Write the rows that are shown; the suffix of the file decides how."""
        kept = {name: values[self._kept] for name, values in self._table.items()}

        def steps() -> Iterator[Path]:
            # The dialog has asked before replacing.
            yield write_measurements(path, [kept], self._columns, overwrite=True)

        self._writes.start(
            Task(
                steps,
                lambda written: self._said.setText(f"Saved to {written}."),
                lambda error: self._said.setText(describe_error(error)),
            )
        )


def _outermost(widget: QWidget) -> QWidget:
    """Find the window in which all docks are, those that float included."""
    while (above := widget.parentWidget()) is not None:
        widget = above
    return widget
