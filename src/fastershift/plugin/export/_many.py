"""The dialog "Run on many…": the settings in use, on any number of movies."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fastershift.errors import counted_tracks
from fastershift.measure import MeasureOptions
from fastershift.plugin.layers._units import in_words
from fastershift.plugin.qt import Task, TaskRunner, WholeNumberBox, make_button, named
from fastershift.session import describe_error

if TYPE_CHECKING:
    from fastershift.batch import BatchEvent

__all__ = ["ManyDialog"]

_FORMATS = {"CTC folders": "ctc", "TIFF": "tiff", "Zarr": "zarr"}
_MOST_PROCESSES = 256


class ManyDialog(QDialog):
    """Ask which movies, run them, and show how far they are.

    Parameters
    ----------
    prepare : callable
        Gives the settings in use and the device.
    parent : QWidget
        The widget this belongs to.
    """

    def __init__(
        self, prepare: Callable[[], tuple[Mapping[str, Any], str]], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("many")
        self.setWindowTitle("Run on many movies")
        self._prepare = prepare
        self._tasks = TaskRunner(self)
        self._tasks.changed.connect(self._show_state)
        self._inputs = self._line(
            "many_inputs",
            "Movies",
            "folder, or a pattern such as plate/*.tif",
            "A folder with movies at any depth, a plate, or a pattern.",
        )
        self._output = self._line(
            "many_output",
            "Results",
            "folder",
            "One result per movie is written here, and summary.html. "
            "Finished movies are not run again.",
        )
        self._labels = self._line(
            "many_labels",
            "Masks",
            "none; or a folder, or masks/{name}_cp_masks.tif",
            "Masks that you have already, to be tracked: a folder in which they have "
            "the names of the movies, or a pattern in which {name} stands for the "
            "name of a movie.",
        )
        self._inside = self._line(
            "many_inside",
            "Region",
            "whole frame; or a mask, or a folder of masks",
            "Only cells inside a mask: an image for all movies, a folder in which "
            "masks have the names of the movies, or a pattern with {name}. A Shapes "
            "layer is not used here.",
        )
        self._make_choices()
        self._start = self._button("many_start", "Run", self.start)
        self._stop = self._button("many_stop", "Stop", self._on_stop)
        self._retry = self._button("many_retry", "Retry failed", self.retry)
        self._open = self._button("many_summary", "Open summary", self._on_open)
        self._progress = QProgressBar()
        self._progress.setObjectName("many_progress")
        self._progress.setAccessibleName("Progress")
        self._report = QPlainTextEdit()
        self._report.setObjectName("many_report")
        self._report.setAccessibleName("Report")
        self._report.setReadOnly(True)
        self._lay_out()
        self._show_state()

    def _make_choices(self) -> None:
        """Make what is chosen of the results and of their tables."""
        self._measure = self._box(
            "many_measure",
            "Write a table of every cell in every frame",
            "Beside each result, as CSV. Finished movies are measured, too, if they "
            "have no such table yet.",
        )
        self._measure.setAccessibleName("Measure")
        self._measure.toggled.connect(lambda _: self._show_state())
        self._without_drift = self._box(
            "many_without_drift",
            "Without drift",
            "Remove the move that all cells share, the drift of the stage, from the "
            "displacements and speeds in the tables, and measure it.",
        )
        self._without_flicker = self._box(
            "many_without_flicker",
            "Without flicker",
            "Remove sudden changes of brightness of whole frames from the grey values "
            "in the tables.",
        )
        self._format = named(
            QComboBox(), "many_format", "Format", "How results are stored."
        )
        for text, value in _FORMATS.items():
            self._format.addItem(text, value)
        self._workers = WholeNumberBox()
        self._workers.setObjectName("many_workers")
        self._workers.setAccessibleName("Processes")
        self._workers.setRange(0, _MOST_PROCESSES)
        self._workers.setSpecialValueText("none, inside napari")
        self._workers.setToolTip(
            "Processes to start on this computer. Each needs as much memory as a run."
        )

    def _lay_out(self) -> None:
        form = QFormLayout()
        browsed = (
            (self._inputs, "inputs"),
            (self._output, "output"),
            (self._labels, "labels"),
            (self._inside, "inside"),
        )
        for line, choose in browsed:
            row = QHBoxLayout()
            row.addWidget(line)
            browse = partial(self._browse, line)
            row.addWidget(self._button(f"many_browse_{choose}", "Browse…", browse))
            form.addRow(line.accessibleName(), row)
        form.addRow("Format", self._format)
        form.addRow("Measure", self._measure)
        without = QHBoxLayout()
        without.addWidget(self._without_drift)
        without.addWidget(self._without_flicker, 1)
        form.addRow("", without)
        form.addRow("Processes", self._workers)
        buttons = QHBoxLayout()
        for button in (self._start, self._stop, self._retry, self._open):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addLayout(buttons)
        column.addWidget(self._progress)
        column.addWidget(self._report)
        self.resize(520, 380)

    def _line(self, name: str, title: str, hint: str, tip: str) -> QLineEdit:
        line = named(QLineEdit(), name, title, tip)
        line.setPlaceholderText(hint)
        line.textChanged.connect(lambda _: self._show_state())
        return line

    def _box(self, name: str, text: str, tip: str) -> QCheckBox:
        return named(QCheckBox(text), name, "", tip)

    def _button(self, name: str, text: str, clicked: Callable[[], None]) -> QPushButton:
        made = make_button(name, text, "")
        made.setAutoDefault(False)
        made.clicked.connect(lambda _=False: clicked())
        return made

    @property
    def busy(self) -> bool:
        """Whether movies are being run."""
        return self._tasks.busy

    def start(self) -> None:
        """Run the movies in another thread."""
        self._run(retry_failed=False)

    def retry(self) -> None:
        """Run those again that failed."""
        self._run(retry_failed=True)

    def _run(self, *, retry_failed: bool) -> None:
        settings, device = self._prepare()
        inputs = [self._inputs.text().strip()]
        output = Path(os.path.expanduser(self._output.text().strip()))
        form, workers = self._format.currentData(), self._workers.value() or None
        labels, inside = self._labels.text().strip(), self._inside.text().strip()
        measured = self._measure.isChecked()
        options = MeasureOptions(
            without_drift=self._without_drift.isChecked(),
            without_flicker=self._without_flicker.isChecked(),
        )
        self._report.clear()
        self._progress.setRange(0, 0)
        self._progress.setFormat("starting…")

        def steps() -> Iterator["BatchEvent"]:
            from fastershift.batch import BatchTask, Measuring, connect, run_many

            task = BatchTask(
                inputs,
                output,
                format=form,
                file=settings,  # the position in view does not count for others
                device=device,
                retry_failed=retry_failed,
                labels=labels or None,
                inside=inside or None,
                measuring=Measuring(options=options) if measured else None,
            )
            with connect(workers=workers) as client:
                yield from run_many(task, client)

        self._tasks.start(Task(steps, self._on_event, self._on_error, self._on_end))

    def _on_event(self, event: "BatchEvent") -> None:
        from fastershift.batch import MovieEnded

        if isinstance(event, MovieEnded):
            found = event.outcome
            if found.status == "failed":
                self._report.appendPlainText(f"{found.movie}: {found.sentence}")
            elif not event.before:
                count = counted_tracks(found.frames, found.tracks, found.divisions)
                self._report.appendPlainText(f"{found.movie}: {count}")
                for note in found.notes:
                    self._report.appendPlainText(f"{found.movie}: {note}")
            return
        self._progress.setRange(0, event.movies)
        self._progress.setValue(event.ended)
        left = event.seconds_left
        words = "" if left is None else f", {in_words(left)} left"
        self._progress.setFormat(f"%v of %m movies, {event.done} frames{words}")

    def _on_error(self, error: Exception) -> None:
        self._progress.setRange(0, 1)
        self._progress.setFormat("")
        self._report.appendPlainText(describe_error(error))

    def _on_end(self) -> None:
        self._progress.setRange(0, 1)
        self._progress.setValue(1)
        self._progress.setFormat("all movies are finished")
        self._show_state()

    def _on_stop(self) -> None:
        self._tasks.drop()
        self._progress.setRange(0, 1)
        self._progress.setFormat("stopped; run again to continue")

    def _on_open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._summary)))

    @property
    def _summary(self) -> Path:
        return Path(os.path.expanduser(self._output.text().strip())) / "summary.html"

    def _browse(self, line: QLineEdit) -> None:
        path = QFileDialog.getExistingDirectory(self, "Choose a folder")
        if path:
            line.setText(path)

    def _show_state(self) -> None:
        named = bool(self._inputs.text().strip() and self._output.text().strip())
        for box in (self._without_drift, self._without_flicker):
            box.setEnabled(self._measure.isChecked())
        self._start.setEnabled(named and not self.busy)
        self._retry.setEnabled(named and not self.busy)
        self._stop.setEnabled(self.busy)
        self._open.setEnabled(named and os.path.exists(self._summary))
