"""The button "Train on my corrections": from the frames looked at to a new model."""

from collections.abc import Callable
from typing import Any, TypeAlias

from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from fastershift.errors import InputError
from fastershift.io import Movie
from fastershift.plugin.correct._corrector import Corrector
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.qt import label
from fastershift.plugin.train import TrainWidget
from fastershift.session import describe_error
from fastershift.training import LabelledMovie

__all__ = ["MovieSource", "TrainOnCorrections"]

#: Gives the movie that the cells of a layer come from; None when it is not chosen.
MovieSource: TypeAlias = Callable[[], Movie | None]


class TrainOnCorrections(QPushButton):
    """Hands the frames that were looked at to the widget *Train a model*.

    Parameters
    ----------
    viewer : napari.Viewer
        Where that widget is docked.
    corrector : Corrector
        What is corrected.
    movie_source : callable
        Gives the movie.
    parent : QWidget
        The widget this is a part of.
    """

    message = Signal(str)
    trained = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        corrector: Corrector,
        movie_source: MovieSource,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("train_on_corrections")
        label(
            self,
            "Train on my corrections…",
            "Continue training the model on the frames that you "
            "checked: those with a corrected or locked cell, or with a "
            "place that is ticked off. Other frames are not used.",
        )
        self._viewer: Any = viewer
        self._corrector = corrector
        self._movie_source = movie_source
        self._following: TrainWidget | None = None
        self.clicked.connect(self._press)

    def show_state(self) -> None:
        """Let it be pressed where there are cells to correct."""
        self.setEnabled(self._corrector.corrections is not None)

    def _press(self, _checked: bool = False) -> None:
        try:
            data, frames = self._learnable()
        except InputError as error:
            self.message.emit(describe_error(error))
            return
        # As a tab: below, it would leave the corrections hardly any room.
        dock, widget = self._viewer.window.add_plugin_dock_widget(
            "fastershift", "Train a model", tabify=True
        )
        dock.show()
        dock.raise_()
        if not isinstance(widget, TrainWidget):
            raise TypeError(f"Train a model is a {type(widget).__name__}.")
        counted = "1 frame" if frames == 1 else f"{frames} frames"
        text = f"{data.name} as corrected ({counted})"
        widget.propose(text, data, _models_of(self._corrector.layer))
        if widget is not self._following:
            widget.trained.connect(self.trained)
            self._following = widget

    def _learnable(self) -> tuple[LabelledMovie, int]:
        """Take the labels as they are now, and count the frames that are known."""
        corrections = self._corrector.corrections
        movie = self._movie_source()
        if corrections is None or movie is None:
            raise InputError(
                "A model learns from images: choose the image layer that the cells "
                "come from under Input."
            )
        if movie.shape != corrections.labels.shape:
            raise InputError(
                f"{movie.name} is not the movie that these cells come from; choose "
                "that one under Input."
            )
        truth = corrections.truth()
        cells = Movie(truth, movie.name)
        data = LabelledMovie(movie.name, movie, cells, corrected=True)
        return data, len(truth.frames)


def _models_of(layer: Labels | None) -> tuple[str, ...]:
    """Tell by what names the model of a result may be found."""
    record = ResultRecord.of(layer)
    found = (record.settings.get("embed", {}), record.provenance)
    return tuple(str(one["model"]) for one in found if one.get("model"))
