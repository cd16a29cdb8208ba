"""What a model is trained on: folders, layers and simulations, in a list."""

import os
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QGroupBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QWidget,
)

from fastershift.errors import InputError
from fastershift.io import as_movie
from fastershift.plugin.layers._box import LayerBox
from fastershift.plugin.layers._input import pixels
from fastershift.plugin.qt import make_button
from fastershift.session import describe_error
from fastershift.simulate import Kind
from fastershift.training import LabelledMovie

__all__ = ["TrainingDataList"]

_HELD = Qt.ItemDataRole.UserRole


class TrainingDataList(QGroupBox):
    """Folders with truth, layers with labels, and kinds of simulated movies.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers can be added.
    parent : QWidget
        The widget this is a part of.
    """

    changed = Signal()
    message = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QWidget) -> None:
        super().__init__("Learn from", parent)
        self._images = LayerBox(viewer, Image, "image_layer", self)
        self._labels = LayerBox(viewer, Labels, "labels_layer", self)
        self._list = QListWidget()
        self._list.setObjectName("training_data")
        self._list.setAccessibleName("Learn from")
        self._list.setToolTip(
            "The last fifth of every movie is used for validation, not for training."
        )
        self._list.setMaximumHeight(96)
        folder = make_button(
            "add_folder",
            "Add folder…",
            "An image folder of the Cell Tracking Challenge such as 01, "
            "with its ground truth 01_GT beside it.",
        )
        layers = make_button(
            "add_layers",
            "Add layers",
            "The image layer and the labels layer above: 0 is background, the same "
            "number is the same cell in every frame.",
        )
        simulated = make_button(
            "add_simulated",
            "Add simulated",
            "Artificial movies with exact ground truth.",
        )
        self._remove = make_button(
            "remove_data", "Remove", "Remove the selected entry."
        )
        self._kinds = QMenu(simulated)
        for kind in get_args(Kind):
            self._kinds.addAction(kind, partial(self._add_simulated, kind))
        simulated.setMenu(self._kinds)
        grid = QGridLayout(self)
        rows = (("Image", self._images), ("Labels", self._labels))
        for row, (text, box) in enumerate(rows):
            label = QLabel(text)
            label.setBuddy(box.widget)
            grid.addWidget(label, row, 0)
            grid.addWidget(box.widget, row, 1)
        grid.addWidget(layers, 0, 2, 2, 1)
        grid.addWidget(self._list, 2, 0, 1, 3)
        grid.addWidget(folder, 3, 0)
        grid.addWidget(simulated, 3, 1)
        grid.addWidget(self._remove, 3, 2)
        grid.setColumnStretch(1, 1)
        folder.clicked.connect(self._choose_folder)
        layers.clicked.connect(self.add_layers)
        self._remove.clicked.connect(self._remove_chosen)
        self._list.currentRowChanged.connect(self._show_state)
        self._show_state()

    @property
    def held(self) -> list[str | LabelledMovie]:
        """What was added, as `read_training_data` takes it."""
        return [self._list.item(row).data(_HELD) for row in range(self._list.count())]

    def add(self, text: str, data: str | LabelledMovie) -> None:
        """Add a line.

        Parameters
        ----------
        text : str
            What the line says.
        data : str or LabelledMovie
            As `read_training_data` takes it.
        """
        item = QListWidgetItem(text)
        item.setData(_HELD, data)
        self._list.addItem(item)
        self._list.setCurrentItem(item)
        self.changed.emit()

    def add_layers(self) -> None:
        """Add the chosen image layer with the chosen labels layer."""
        images, labels = self._images.layer, self._labels.layer
        if images is None or labels is None:
            self.message.emit(
                "Open a movie and a labels layer with its cells, then choose both."
            )
            return
        try:
            self.add(f"{images.name} with {labels.name}", _pair(images, labels))
        except InputError as error:
            self.message.emit(describe_error(error))

    def add_folder(self, folder: str) -> None:
        """Add a folder of the Cell Tracking Challenge.

        Parameters
        ----------
        folder : str
            Such as ``…/01``.
        """
        path = Path(folder)
        if not os.path.isdir(f"{path}_GT"):
            self.message.emit(
                f"There is no ground truth {path.name}_GT beside "
                f"{path.name}; choose the "
                "folder of the images, such as 01."
            )
            return
        self.add(f"{path.parent.name}/{path.name}", str(path))

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of images, such as 01")
        if folder:
            self.add_folder(folder)

    def _add_simulated(self, kind: str) -> None:
        self.add(f"simulated: {kind}", f"simulate:{kind}")

    def _remove_chosen(self) -> None:
        self._list.takeItem(self._list.currentRow())
        self.changed.emit()

    def _show_state(self, _row: int = -1) -> None:
        self._remove.setEnabled(self._list.currentRow() >= 0)


def _pair(images: Image, labels: Labels) -> LabelledMovie:
    """Take a copy of the labels, because they may be painted on while we train."""
    frames = as_movie(pixels(images), name=images.name)
    cells = as_movie(np.array(pixels(labels)), name=labels.name)
    if frames.shape != cells.shape:
        raise InputError(
            f"{images.name} has the shape {frames.shape} (frames, rows, columns) and "
            f"{labels.name} has {cells.shape}; they must be the same."
        )
    return LabelledMovie(images.name, frames, cells)
