"""The first part of the widget: which layer, how to read it, which model."""

from functools import partial
from pathlib import Path

import torch
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from fastershift.pipeline import Quality
from fastershift.plugin.input._mask_boxes import MaskBoxes
from fastershift.plugin.input._measure import LineMeasure
from fastershift.plugin.input._reading import ReadingControls
from fastershift.plugin.layers._box import LayerBox
from fastershift.plugin.layers._input import InputChoice, InputKind, guess_axes, pixels
from fastershift.plugin.layers._region import RegionBox
from fastershift.plugin.qt import (
    SettingControl,
    add_row,
    choice,
    follow_device,
    make_text,
    named,
    preferences,
)
from fastershift.rshn import ModelCard, list_models

__all__ = ["InputSection"]

_OPEN_FILE = "open file…"

_TIPS = {
    "auto": "Chooses the model for the kind of image.",
    _OPEN_FILE: "A weight file (.safetensors) from anywhere.",
}

_BACKGROUNDS = [
    ("RSHN axis", "axis", "Pixels whose vector points along the first channel."),
    ("largest cluster", "largest", "The cluster with the most pixels."),
    ("mask layer", "mask", "Pixels where a labels layer is 0."),
    ("none", "none", "None: all pixels belong to cells."),
]


class InputSection(QGroupBox):
    """Layer, what it holds, its axes, background, model, diameter and device.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    parent : QWidget
        The widget this is a part of.
    """

    changed = Signal()
    estimate_asked = Signal()
    message = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QWidget) -> None:
        super().__init__("Input", parent)
        self._layers = LayerBox(viewer, Image, "layer", self)
        self._masks = MaskBoxes(viewer, self)
        self._region = RegionBox(viewer, self)
        self._kind = self._box("input_kind", ["image", "embedding", "labels"])
        self._reading = ReadingControls(self)
        self._background = choice([(text, value) for text, value, _ in _BACKGROUNDS])
        model = choice(_models)
        self.model = SettingControl("model", self, model)
        assert isinstance(model.widget, QComboBox)  # noqa: S101 (made as one)
        self._model_box = model.widget
        self._model_box.model().rowsInserted.connect(self._explain_models)
        self._last_model = self.model.value
        self._explain_models()
        self.diameter = SettingControl("diameter", self)
        self._device = self._box("device", _devices())
        self._prefer(preferences().device)
        self.needs = make_text(
            "needs", tip="Time and memory that a run of the movie will need."
        )
        self._quality = make_text(
            "quality", tip="How good the cells of this movie will be."
        )
        self._measure = LineMeasure(viewer, self)
        self._next_diameter: float | None = None
        self._lay_out()
        self._connect()
        follow_device(self, self._prefer)
        self._show_region(self._region.is_offered)
        self._guess()

    @property
    def controls(self) -> list[SettingControl]:
        """The settings of this part."""
        return [*self._reading.controls, self.model, self.diameter]

    @property
    def device(self) -> str:
        """Where to compute."""
        return str(self._device.currentText())

    @property
    def choice(self) -> InputChoice | None:
        """The layer and how it is read; None without a layer."""
        layer = self._layers.layer
        if layer is None:
            return None
        background = self._background.get()
        return InputChoice(
            layer,
            self._input_kind,
            self._reading.axes,
            background,
            self._masks.first.layer if self._masked else None,
            self._reading.settings,
            self._region.drawn(layer, self._reading.axes),
            self._masks.alternatives if self._input_kind == "labels" else (),
        )

    @property
    def _input_kind(self) -> InputKind:
        kinds: dict[str, InputKind] = {"embedding": "embedding", "labels": "labels"}
        return kinds.get(self._kind.currentText(), "image")

    @property
    def _masked(self) -> bool:
        """Whether a labels layer is of concern; otherwise it may come and go."""
        kind = self._input_kind
        in_embedding = kind == "embedding" and self._background.get() == "mask"
        return in_embedding or kind == "labels"

    def _box(self, name: str, options: list[str]) -> QComboBox:
        box = choice([(option, option) for option in options]).widget
        assert isinstance(box, QComboBox)  # noqa: S101 (made as one)
        box.setObjectName(name)
        return box

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 2, 6, 2)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        background = self._background.widget
        background.setObjectName("background")
        self._labels: dict[QWidget, QLabel] = {}
        self._add(
            grid,
            "Layer",
            self._layers.widget,
            "The image or embedding layer to work on.",
        )
        self._add(
            grid,
            "Holds",
            self._kind,
            "Image: pixels are intensities, and the model embeds "
            "them.\nEmbedding: pixels are vectors of any network, which "
            "are clustered unchanged.\nLabels: the cells are known, from any program, "
            "and are tracked as they are; the image helps where they move far.",
        )
        self._reading.add_to(grid)
        self._add(
            grid,
            "Background",
            background,
            "What is background in an embedding.\n"
            + "\n".join(f"{text}: {what}" for text, _, what in _BACKGROUNDS),
        )
        self._add_masks(grid)
        self._add(
            grid,
            "Region",
            self._region.widget,
            "Only a part of the frame: draw it in a Shapes layer, and choose it here.",
        )
        self.model.add_to(grid)
        self.diameter.add_to(grid)
        self._measure_button = self._button(
            "measure", "Drag a line over a typical cell in the canvas."
        )
        self._measure_button.setCheckable(True)
        self._estimate_button = self._button(
            "estimate", "Measure the cells in up to five frames, as a run does."
        )
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self._measure_button)
        line.addWidget(self._estimate_button)
        self._next_button = self._button("next best", "Take the second choice of auto.")
        self._next_button.hide()
        line.addWidget(self._next_button)
        grid.addLayout(line, grid.rowCount(), 1)
        self._add(
            grid,
            "Device",
            self._device,
            "Where to compute; auto uses a graphics card if there is one.\n"
            "The default is set under File > Preferences, on the page fastershift.",
        )
        for label in (self.needs, self._quality):
            grid.addWidget(label, grid.rowCount(), 0, 1, 3)

    def _add_masks(self, grid: QGridLayout) -> None:
        self._add(
            grid,
            "Mask",
            self._masks.first.widget,
            "Labels layer that marks where cells may be, or holds the cells to track; "
            "0 is background.",
        )
        self._add(
            grid,
            "Alternative",
            self._masks.others,
            "Another segmentation of the same movie, if you have one: in each frame "
            "the cells on which the layers, and the frames around, agree best are "
            "tracked.",
        )

    def _add(self, grid: QGridLayout, text: str, editor: QWidget, tip: str) -> None:
        label = QLabel(text)
        label.setBuddy(editor)
        for widget in (label, editor):
            widget.setToolTip(tip)
        editor.setAccessibleName(text)
        self._labels[editor] = label
        add_row(grid, label, editor)

    def _button(self, name: str, tip: str) -> QPushButton:
        return named(QPushButton(name), name, f"{name} diameter".capitalize(), tip)

    def _connect(self) -> None:
        self._layers.changed.connect(self._guess)
        self._masks.changed.connect(self.changed)
        self._masks.offered.connect(self._show_alternatives)
        self._region.changed.connect(self.changed)
        self._region.offered.connect(self._show_region)
        self._kind.currentTextChanged.connect(self._on_kind)
        self._reading.changed.connect(self.changed)
        self._background.changed.connect(self._show_used)
        self._device.currentTextChanged.connect(self.changed)
        self.model.changed.connect(self._on_model)
        self.diameter.changed.connect(self.changed)
        self._estimate_button.clicked.connect(self.estimate_asked)
        self._next_button.clicked.connect(self._take_next)
        self._measure_button.toggled.connect(self._on_measure)
        self._measure.measured.connect(self._on_measured)
        self._measure.stopped.connect(partial(self._measure_button.setChecked, False))

    def _prefer(self, device: str) -> None:
        """Choose the device of the preferences, where this machine has it."""
        if self._device.findText(device) >= 0:
            self._device.setCurrentText(device)

    def _guess(self) -> None:
        """Show what the layer seems to hold."""
        layer = self._layers.layer
        if layer is not None:
            self._kind.blockSignals(True)
            self._kind.setCurrentText(guess_axes(layer)[0])
            self._kind.blockSignals(False)
        self._on_kind()

    def look_again(self) -> None:
        """Offer what the layer holds now that its data are others."""
        self._on_kind()

    def _on_kind(self) -> None:
        self._reading.offer(self._layers.layer, self._input_kind)
        self._show_used()

    def _show_used(self) -> None:
        """Hide what has no effect on this kind of input."""
        embedding = self._input_kind == "embedding"
        used = {
            self._background.widget: embedding,
            self._masks.first.widget: self._masked,
        }
        for editor, visible in (used | {self._device: not embedding}).items():
            editor.setVisible(visible)
            self._labels[editor].setVisible(visible)
        self._show_alternatives(self._masks.is_offered)
        self.model.show(not embedding)
        self._estimate_button.setVisible(not embedding)
        self.changed.emit()

    def _show_alternatives(self, offered: bool) -> None:
        for widget in (self._masks.others, self._labels[self._masks.others]):
            widget.setVisible(offered and self._input_kind == "labels")

    def _show_region(self, offered: bool) -> None:
        self._labels[self._region.widget].setVisible(offered)

    def offer_diameter(self, diameter: float | None) -> None:
        """Offer what *auto* would have taken otherwise.

        Parameters
        ----------
        diameter : float or None
            In pixels; None where there is nothing else to take.
        """
        self._next_diameter = diameter
        self._next_button.setVisible(diameter is not None)
        if diameter is not None:
            self._next_button.setText(f"next best: {diameter:.0f} px")

    def await_needs(self) -> None:
        """Tell that it is being found out what a run needs."""
        height = self.needs.height()
        self.show_needs("…")
        # What lies below does not jump up and down again.
        self.needs.setMinimumHeight(height)

    def show_needs(self, text: str) -> None:
        """Tell what a run needs; what was told of another movie goes.

        Parameters
        ----------
        text : str
            Sentences.
        """
        self.offer_diameter(None)
        self.show_quality(None)
        self.needs.setMinimumHeight(0)
        self.needs.setText(text)

    def show_quality(self, quality: Quality | None) -> None:
        """Tell how good the cells will be, in bold where they may be wrong.

        Parameters
        ----------
        quality : Quality or None
            None where nothing can be told.
        """
        self._quality.setText("" if quality is None else quality.sentence())
        font = self._quality.font()
        font.setBold(quality is not None and quality.doubtful)
        self._quality.setFont(font)

    def _take_next(self) -> None:
        if self._next_diameter is not None:
            self.diameter.touch(round(self._next_diameter, 1))
        self.offer_diameter(None)

    def offer_model(self, name: str) -> None:
        """Put a model that was just made into the list.

        Parameters
        ----------
        name : str
            What it is called.
        """
        box = self._model_box
        if box.findData(name) < 0:
            box.insertItem(box.findData(_OPEN_FILE), name, name)

    def _on_model(self) -> None:
        if self.model.value == _OPEN_FILE:
            path, _ = QFileDialog.getOpenFileName(
                self, "Open a model", "", "Models (*.safetensors)"
            )
            if path:
                self.model.touch(path)
            elif self._last_model == "auto":
                self.model.reset()
            else:
                self.model.touch(self._last_model)
            return
        self._last_model = self.model.value
        self.changed.emit()

    def _explain_models(self, *_inserted: object) -> None:
        box = self._model_box
        cards = {card.name: card for card in list_models()}
        for place in range(box.count()):
            card = cards.get(box.itemData(place))
            value = str(box.itemData(place))
            if card is None and value not in _TIPS:
                box.setItemText(place, Path(value).name)
            tip = _TIPS.get(value, value) if card is None else _explain(card)
            box.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)

    def _on_measure(self, wanted: bool) -> None:
        chosen = self.choice
        if not wanted:
            self._measure.stop()
        elif chosen is None or not {"Y", "X"} <= set(chosen.axes[: chosen.layer.ndim]):
            self._measure_button.setChecked(False)
            self.message.emit("Choose an image layer first.")
        else:
            self._measure.start(chosen.layer, chosen.axes)
            self.message.emit("Drag a line over a typical cell in the canvas.")

    def _on_measured(self, length: float) -> None:
        chosen = self.choice
        if chosen is not None:
            # The line is measured at full resolution.
            array = chosen.arrays()[0]
            column = chosen.axes.index("X")
            length *= array.shape[column] / pixels(chosen.layer).shape[column]
        self.diameter.touch(length)
        self.message.emit(f"The line is {length:.1f} pixels long.")


def _devices() -> list[str]:
    found = ["auto", "cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def _models() -> list[tuple[str, str]]:
    names = [card.name for card in list_models()]
    return [(name, name) for name in ["auto", *names, _OPEN_FILE]]


def _explain(card: ModelCard) -> str:
    terms = card.terms and f"Terms of use: {card.terms}"
    parts = [card.summary, *card.score_lines(), terms]
    return "\n".join(part for part in parts if part)
