"""Loads and saves settings: files, presets, layers, the last session."""

from collections.abc import Mapping
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, Signal

from fastershift.config import PRESETS, load_settings, save_settings, without_none
from fastershift.errors import InputError
from fastershift.plugin.input import InputSection
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.tune._form import SettingsForm
from fastershift.plugin.tune._last_used import Memory, recall
from fastershift.plugin.tune._section import TuneSection
from fastershift.session import describe_error

__all__ = ["SettingsLoader"]


class SettingsLoader(QObject):
    """Fills the form from elsewhere, and keeps what it holds.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers may carry settings.
    form : SettingsForm
        All settings.
    input_section : InputSection
        Tells which layer is worked on.
    tune_section : TuneSection
        Asks for presets, settings of layers and a reset.
    parent : QObject
        Lives as long as this.
    """

    message = Signal(str)

    def __init__(
        self,
        viewer: ViewerModel,
        form: SettingsForm,
        input_section: InputSection,
        tune_section: TuneSection,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._form = form
        self._input = input_section
        self._tune = tune_section
        tune_section.model_preset_chosen.connect(self._start_from_model)
        tune_section.data_preset_chosen.connect(self._start_from_data)
        tune_section.layer_settings_asked.connect(self.use_layer)
        tune_section.reset_asked.connect(self.reset)
        self._memory = Memory(form.chosen, self)
        self._load(recall(), "")
        form.changed.connect(self._memory.note)

    def save(self, path: str) -> None:
        """Write all settings to a file, see `SettingsForm.to_save`."""
        try:
            save_settings(self._form.to_save(), path)
        except (InputError, OSError) as error:
            self.message.emit(f"The settings were not saved. {describe_error(error)}")
        else:
            self.message.emit(f"Settings saved to {path}.")

    def load(self, path: str) -> None:
        """Take over the settings of a file."""
        try:
            values = load_settings(path)
        except InputError as error:
            self.message.emit(describe_error(error))
            return
        self._load(values, f"Settings of {path} are in use.")
        self._tune.show_no_preset()

    def use_layer(self) -> None:
        """Take over the settings that the selected layer was made with."""
        layer = self._layer_with_settings()
        if layer is None:
            self.message.emit("No layer has settings yet; run the stack first.")
            return
        record = ResultRecord.of(layer)
        values = dict(record.settings or record.lost_settings)
        if record.input not in ("", self._input_name):
            # Channel and plane are those of another layer.
            values.pop("input", None)
        self._load(without_none(values), f"Settings of {layer.name} are in use.")
        self._tune.show_no_preset()

    def reset(self) -> None:
        """Return to what the model recommends; the model and the layer stay."""
        self._load(self._kept(), "All settings are those recommended by the model.")
        self._tune.show_no_preset()

    @property
    def _input_name(self) -> str:
        choice = self._input.choice
        return "" if choice is None else str(choice.layer.name)

    def _layer_with_settings(self) -> Layer | None:
        active = self._viewer.layers.selection.active
        for layer in (active, *reversed(self._viewer.layers)):
            record = ResultRecord.of(layer)
            if record.settings or record.lost_settings:
                return layer
        return None

    def _start_from_model(self, name: str) -> None:
        values = self._kept() | {"embed": {"model": name}}
        self._load(values, f"All settings are those recommended by the model {name}.")

    def _start_from_data(self, name: str) -> None:
        kept, preset = self._kept(), PRESETS[name]
        values = preset | kept | {"embed": kept.get("embed", {}) | preset["embed"]}
        self._load(values, f"The constants used for {name} are in use.")

    def _kept(self) -> dict[str, Any]:
        """How the layer is read, the model and the profile, as they were chosen."""
        chosen = self._form.chosen()
        kept = {name: chosen[name] for name in ("profile", "input") if name in chosen}
        model = chosen.get("embed", {}).get("model")
        return kept | ({"embed": {"model": model}} if model else {})

    def _load(self, values: Mapping[str, Any], sentence: str) -> None:
        try:
            self._form.load(values)
        except InputError as error:
            self.message.emit(describe_error(error))
        else:
            self.message.emit(sentence)
