"""The fourth part of the widget: how the frame in view was clustered, and the movie."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from fastershift.errors import FastershiftError, counted
from fastershift.io import write_file, write_table
from fastershift.plugin.layers._units import in_words
from fastershift.plugin.qt import (
    Fold,
    make_button,
    make_text,
    make_timer,
    may_replace,
)
from fastershift.plugin.readout._plot import PLOTTED, MoviePlot
from fastershift.plugin.readout._sentences import TIPS, describe_change, describe_frame
from fastershift.plugin.readout._table import COLUMNS, ReportTable
from fastershift.session import describe_error

__all__ = ["ReadOut"]

_NOTHING = "–"
_MOVIE_TIP = "Tracks and divisions of the whole movie, and how long it took."

# Curves are drawn again this often while a run goes on.
_REDRAW_MS = 250


class ReadOut(QGroupBox):
    """Numbers of the frame in view; curves and a table of the movie.

    Parameters
    ----------
    parent : QWidget
        The widget this is a part of.
    """

    frame_chosen = Signal(int)
    message = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Read-out", parent)
        self.setObjectName("readout")
        self._values: dict[str, QLabel] = {}
        self._before: Mapping[str, Any] = {}
        self._last: Mapping[str, Any] = {}
        self._rows: Sequence[Mapping[str, Any]] = ()
        form = QFormLayout()
        form.setVerticalSpacing(2)
        for name, tip in {**TIPS, "Movie": _MOVIE_TIP}.items():
            form.addRow(*self._line(name, tip))
        self.plot = MoviePlot(self)
        self.table = ReportTable(self)
        self._curves = Fold("Plot", "Seeds, cells and time over the movie.", self)
        self._frames = Fold("Table", "All frames, sorted by any column.", self)
        self._fill(
            self._curves,
            self.plot,
            [
                ("save_plot", "Save plot…", "A picture: PNG or SVG.", self._save_plot),
                (
                    "save_plot_numbers",
                    "Save its numbers…",
                    "What is drawn, as CSV.",
                    self._save_plotted,
                ),
            ],
        )
        self._fill(
            self._frames,
            self.table,
            [
                (
                    "save_table",
                    "Save table…",
                    "All rows in the order they are shown, as CSV.",
                    self._save_table,
                )
            ],
        )
        column = QVBoxLayout(self)
        column.addLayout(form)
        for fold in (self._curves, self._frames):
            column.addWidget(fold)
            fold.toggled.connect(self._draw)
        self._redraw = make_timer(self, _REDRAW_MS, self._draw)
        self.plot.frame_chosen.connect(self.frame_chosen)
        self.table.frame_chosen.connect(self.frame_chosen)
        self.show_rows([])

    def _line(self, name: str, tip: str) -> tuple[QLabel, QLabel]:
        value = make_text(f"readout_{name.lower().replace(' ', '_')}", name, tip)
        value.setText(_NOTHING)
        label = QLabel(name)
        label.setToolTip(tip)
        self._values[name] = value
        return label, value

    def _fill(
        self,
        fold: Fold,
        shown: QWidget,
        buttons: list[tuple[str, str, str, Callable[[], None]]],
    ) -> None:
        fold.body.addWidget(shown)
        line = QHBoxLayout()
        for name, text, tip, call in buttons:
            button = make_button(name, text, tip)
            button.clicked.connect(call)
            line.addWidget(button)
        fold.body.addLayout(line)

    def show_frame(
        self,
        frame: int | None,
        row: Mapping[str, Any] | None,
        *,
        time: str = "",
        previewed: bool = False,
    ) -> None:
        """Show the report of a frame.

        Parameters
        ----------
        frame : int or None
            The frame in view; None without a movie.
        row : mapping or None
            Its report, as `FrameReport.record` gives it; None clears the numbers.
        time : str
            When the frame was taken.
        previewed : bool
            Whether the report is that of a preview. What changed since the one before
            is told, if that was of the same frame.
        """
        shown = dict.fromkeys(TIPS, _NOTHING)
        if frame is not None:
            note = " (preview)" if previewed and row is not None else ""
            shown["Frame"] = f"{frame}{f' · {time}' if time else ''}{note}"
            self.plot.show_frame(frame, f"({time})" if time else "")
            self.table.select_frame(frame)
        if row is not None:
            shown |= describe_frame(row)
            if previewed:
                shown["Change"] = self._change(row)
        for name, text in shown.items():
            self._values[name].setText(text)

    def _change(self, row: Mapping[str, Any]) -> str:
        if dict(row) != dict(self._last):
            self._before, self._last = self._last, row
        if not self._before or self._before["frame"] != row["frame"]:
            return _NOTHING
        return describe_change(self._before, row)

    def show_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show the reports of the frames of a movie that are ready."""
        first = not self._rows
        self._rows = rows
        for fold in (self._curves, self._frames):
            fold.setVisible(bool(rows))
        if first or not rows:
            self._redraw.stop()
            self._draw()
        elif not self._redraw.isActive():
            self._redraw.start()

    def _draw(self) -> None:
        """Bring what can be seen up to date."""
        if self._curves.is_open or not self._rows:
            self.plot.show_rows(self._rows)
        if self._frames.is_open or not self._rows:
            self.table.show_rows(self._rows)

    def show_movie(
        self,
        tracks: Sequence[tuple[int, int, int, int]] | None,
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        """Show the totals of a result; None clears them."""
        text = _NOTHING
        if tracks is not None:
            daughters = Counter(parent for *_, parent in tracks if parent)
            divisions = sum(number > 1 for number in daughters.values())
            seconds = (provenance or {}).get("seconds")
            text = f"{counted(len(tracks), 'track')}, {counted(divisions, 'division')}"
            if seconds is not None:
                text += f", {in_words(seconds)}"
        self._values["Movie"].setText(text)

    def paint(self, text: str) -> None:
        """Draw the axes of the plot in the colour of the theme's text."""
        self.plot.paint(text, None)

    def _save_plot(self) -> None:
        self._save(
            "plot.png",
            "Pictures (*.png *.svg)",
            lambda path: write_file(path, self.plot.picture(path.suffix)),
        )

    def _save_plotted(self) -> None:
        self._save(
            "plot.csv",
            "Tables (*.csv)",
            lambda path: write_table(path, list(self._rows), PLOTTED),
        )

    def _save_table(self) -> None:
        self._save(
            "frames.csv",
            "Tables (*.csv)",
            lambda path: write_table(path, self.table.rows(), COLUMNS),
        )

    def _save(self, name: str, kinds: str, write: Callable[[Path], Path]) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Save as", name, kinds)
        if not chosen:
            return
        path = Path(chosen)
        if not path.suffix:
            path = path.with_suffix(Path(name).suffix)
            # The dialog has asked for the name without it.
            taken = f"{path} exists already. Replace it?"
            if os.path.exists(path) and not may_replace(self, taken):
                return
        try:
            written = write(path)
        except FastershiftError as error:
            self.message.emit(describe_error(error))
        else:
            self.message.emit(f"Saved to {written}.")
