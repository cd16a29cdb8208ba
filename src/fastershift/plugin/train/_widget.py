"""The dock widget "Train a model"."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QGroupBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from fastershift._devices import choose_device
from fastershift.errors import InputError
from fastershift.plugin.layers._units import in_words
from fastershift.plugin.qt import (
    NumberBox,
    PanelScroll,
    Task,
    TaskRunner,
    choice,
    keep_wheel_away,
    make_button,
    make_text,
    may_replace,
    named,
    on_destroyed,
    preferences,
)
from fastershift.plugin.train._data import TrainingDataList
from fastershift.plugin.train._pictures import BeforeAndAfter
from fastershift.rshn import (
    is_model_name,
    list_models,
    load_model,
    user_models_folder,
)
from fastershift.session import describe_error
from fastershift.training import (
    LabelledMovie,
    TrainEvent,
    TrainFinished,
    TrainingRun,
    TrainProgress,
    TrainStarted,
    TrainValidated,
    decide_settings,
    read_training_data,
)

if TYPE_CHECKING:
    import napari

__all__ = ["TrainWidget"]

_FROM_NOTHING = "nothing"
_MINUTES = 30.0


def _steps(
    data: list[str | LabelledMovie],
    start: str,
    output: Path,
    minutes: float,
    device: str,
) -> Iterator[TrainingRun | TrainEvent | None]:
    """Everything of a training that takes time, for another thread."""
    model = None if start == _FROM_NOTHING else load_model(start)
    yield None
    settings = decide_settings({}, start=None if model is None else model.card)
    read = read_training_data(
        data, settings.network_diameter, embedding=settings.embedding
    )
    yield None
    run = TrainingRun(
        read,
        output,
        settings,
        minutes=minutes,
        start=model,
        device=device,
        command="Train a model, in napari",
    )
    yield run
    yield from run


def _device() -> str:
    """Take the device of the preferences, where this machine has it."""
    wanted = preferences().device
    try:
        choose_device(wanted)
    except InputError:
        return "auto"
    return wanted


class TrainWidget(QWidget):
    """Train a model on folders, layers or simulations, or go on training one.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        self._run: TrainingRun | None = None
        self._tasks = TaskRunner(self)
        self._data = TrainingDataList(napari_viewer, self)
        self._pictures = BeforeAndAfter(self)
        self._make_controls()
        self._lay_out()
        self._tasks.changed.connect(self._show_state)
        self._data.changed.connect(self._show_state)
        self._data.message.connect(self._say)
        self._train.clicked.connect(self._start)
        self._cancel.clicked.connect(self.stop)
        self._name.textChanged.connect(self._show_state)
        self._running: list[TrainingRun] = []
        on_destroyed(self, _stop_all, self._running)
        self._show_state()

    @property
    def data(self) -> TrainingDataList:
        """What is to be learned from."""
        return self._data

    def _make_controls(self) -> None:
        box = choice(_starts).widget
        assert isinstance(box, QComboBox)  # noqa: S101 (made as one)
        self._begin = box
        self._begin.setCurrentText("generalist")
        named(
            self._begin,
            "start_model",
            "Start from",
            "The model to start from, for which minutes are enough. "
            "From nothing, allow an hour or more.",
        )
        self._minutes = NumberBox()
        self._minutes.setRange(0.1, 10_000)
        self._minutes.setDecimals(1)
        self._minutes.setValue(_MINUTES)
        self._minutes.setSuffix(" min")
        named(self._minutes, "minutes", "Time", "Duration of the training.")
        keep_wheel_away(self._minutes)
        self._name = QLineEdit("my-model")
        named(
            self._name,
            "model_name",
            "Name",
            "Name of the new model in the list of models.",
        )
        self._train = make_button("train", "Train", "Start the training.")
        self._cancel = make_button(
            "cancel_training", "Cancel", "Stop; the best model so far is kept."
        )
        self._progress = QProgressBar()
        named(
            self._progress,
            "training_progress",
            "Progress",
            "Progress of the training, and the time left.",
        )
        self._status = make_text("training_status", "Status")

    def _lay_out(self) -> None:
        box = QGroupBox("Train")
        grid = QGridLayout(box)
        rows = (
            ("Start from", self._begin),
            ("Time", self._minutes),
            ("Name", self._name),
        )
        for row, (text, control) in enumerate(rows):
            label = QLabel(text)
            label.setBuddy(control)
            grid.addWidget(label, row, 0)
            grid.addWidget(control, row, 1, 1, 2)
        grid.addWidget(self._train, 3, 1)
        grid.addWidget(self._cancel, 3, 2)
        grid.addWidget(self._progress, 4, 0, 1, 3)
        grid.addWidget(self._status, 5, 0, 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(4, 4, 4, 4)
        for part in (self._data, box, self._pictures):
            column.addWidget(part)
        column.addStretch()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(PanelScroll(inner))

    def sizeHint(self) -> QSize:
        """Ask for as much room as its neighbours."""
        return super().sizeHint().expandedTo(QSize(360, 0))

    @property
    def _output(self) -> Path | None:
        name = self._name.text().strip()
        if not is_model_name(name):
            return None
        return user_models_folder() / f"{name}.safetensors"

    def _start(self) -> None:
        output = self._output
        if output is None or self._tasks.busy:
            return
        if output.stem in _shipped():
            self._say(f"{output.stem} comes with fastershift; choose another name.")
            return
        taken = f"The model {output.stem} exists already. Replace it?"
        if os.path.exists(output) and not may_replace(self, taken):
            return
        self._pictures.clear()
        self._say("Reading the movies …")
        begin, minutes = self._begin.currentText(), self._minutes.value()
        self._tasks.start(
            Task(
                partial(_steps, self._data.held, begin, output, minutes, _device()),
                self._on_step,
                self._on_error,
            )
        )

    def stop(self) -> None:
        """End early: the best model so far is written."""
        if self._run is None:
            self._tasks.drop()
            self._say("Cancelled before the training started.")
        else:
            self._run.stop()
            self._say("Stopping; the model is being written.")

    def _on_step(self, event: TrainingRun | TrainEvent | None) -> None:
        if isinstance(event, TrainingRun):
            self._run = event
            self._running[:] = [event]
        elif isinstance(event, TrainStarted):
            self._say("; ".join(event.sources) + ".")
        elif isinstance(event, TrainProgress):
            self._show_progress(event)
        elif isinstance(event, TrainValidated):
            if event.best or self._pictures.is_empty:
                self._pictures.show_result(event.picture, _words(event))
        elif isinstance(event, TrainFinished):
            early = "Stopped early: the" if event.stopped else "The"
            self._say(
                f"{early} model {event.path.stem} is ready after {event.iteration} "
                "iterations; choose it in the list of models."
            )
            self._forget()

    def _show_progress(self, event: TrainProgress) -> None:
        self._progress.setRange(0, 1000)
        self._progress.setValue(round(1000 * event.done))
        self._progress.setFormat(
            f"%p%, loss {event.loss:.2f}, {in_words(event.seconds_left)} left"
        )

    def _on_error(self, error: Exception) -> None:
        self._forget()
        self._say(describe_error(error))

    def _forget(self) -> None:
        self._run = None
        self._running.clear()

    def _say(self, sentence: str) -> None:
        self._status.setText(sentence)

    def _show_state(self) -> None:
        busy = self._tasks.busy
        usable = bool(self._data.held) and self._output is not None
        self._train.setEnabled(usable and not busy)
        self._cancel.setEnabled(busy)
        for control in (self._begin, self._minutes, self._name, self._data):
            control.setEnabled(not busy)
        if not busy:
            self._progress.setRange(0, 1)
            self._progress.setValue(0)
            self._progress.setFormat("")
        elif not self._progress.format():
            self._progress.setRange(0, 0)


def _starts() -> list[tuple[str, str]]:
    names = [card.name for card in list_models()]
    return [(name, name) for name in [*names, _FROM_NOTHING]]


def _words(event: TrainValidated) -> str:
    return f"{_scores(event.seg, event.tra)} after {event.iteration} iterations"


def _scores(seg: float | None, tra: float | None) -> str:
    both = (("SEG", seg), ("TRA", tra))
    return ", ".join(f"{name} {value:.2f}" for name, value in both if value is not None)


def _shipped() -> set[str]:
    """Names that a model of the user's own could not be loaded by."""
    own = {path.stem for path in user_models_folder().glob("*.safetensors")}
    return {card.name for card in list_models()} - own


def _stop_all(running: list[TrainingRun]) -> None:
    for run in running:
        run.stop()
