"""All settings on the screen together: what was chosen, what is recommended."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from fastershift.config import Settings, resolve_settings
from fastershift.errors import InputError
from fastershift.plugin._controls import SettingControl
from fastershift.rshn import ModelCard, list_models, read_card

__all__ = ["SettingsForm", "card_of"]

_AUTO = "generalist"


def card_of(model: str) -> ModelCard | None:
    """Return the card of a model of the list or of a file; None if there is none.

    Raises
    ------
    InputError
        When the file is no model.
    """
    wanted = _AUTO if model == "auto" else model
    for card in list_models():
        if card.name == wanted:
            return card
    return read_card(model) if Path(model).suffix else None


class SettingsForm(QObject):
    """Collects what the user chose from the controls.

    Parameters
    ----------
    controls : list of SettingControl
        All of them.
    parent : QObject
        Lives as long as this.

    Attributes
    ----------
    controls : dict of str to SettingControl
        By the name of the setting.
    """

    changed = Signal()

    def __init__(self, controls: list[SettingControl], parent: QObject) -> None:
        super().__init__(parent)
        self.controls = {control.name: control for control in controls}
        self._unseen: dict[str, Any] = {}
        self._advice: Mapping[str, Any] = {}
        for control in controls:
            control.changed.connect(self.changed)
        self.controls["model"].changed.connect(self.follow_model)

    def chosen(self) -> dict[str, Any]:
        """Return what the user set, nested as in a settings file."""
        values: dict[str, Any] = {
            name: dict(value) if isinstance(value, Mapping) else value
            for name, value in self._unseen.items()
        }
        for control in self.controls.values():
            if control.touched:
                values.setdefault(control.stage, {})[control.name] = control.value
        return values

    def resolved(self) -> Settings:
        """Decide every setting as a run would, save for an "auto" diameter.

        Raises
        ------
        InputError
            When values do not go together.
        """
        return resolve_settings(user=self.chosen(), card=self._advice)

    def follow_model(self) -> None:
        """Show what the chosen model recommends where nothing was chosen."""
        try:
            card = card_of(self.controls["model"].value)
        except InputError:
            card = None
        self._advice = {} if card is None else card.settings
        self._recommend()

    def _recommend(self) -> None:
        advised = resolve_settings(user=self._unseen, card=self._advice)
        for control in self.controls.values():
            if control.name != "model":
                value = getattr(getattr(advised, control.stage), control.name)
                control.recommend(value)

    def load(self, values: Mapping[str, Any]) -> None:
        """Take over settings from a file; they count as chosen by the user.

        Parameters
        ----------
        values : mapping
            As `load_settings` gives it.
        """
        default = Settings()
        self._unseen = {}
        for stage, given in values.items():
            if not isinstance(given, Mapping):
                if given != getattr(default, stage):
                    self._unseen[stage] = given
                continue
            for name, value in given.items():
                if name in self.controls:
                    self.controls[name].touch(value)
                elif value != getattr(getattr(default, stage), name):
                    self._unseen.setdefault(stage, {})[name] = value
        self._recommend()
        self.changed.emit()

    def forget_unseen(self) -> None:
        """Drop the settings of a file that have no control here."""
        self._unseen = {}
        self._recommend()
        self.changed.emit()

    def describe_unseen(self) -> str:
        """List the settings of a file that have no control here."""
        parts = []
        for stage, given in self._unseen.items():
            if isinstance(given, Mapping):
                parts += [f"{name} = {value}" for name, value in given.items()]
            else:
                parts.append(f"{stage} = {given}")
        return ", ".join(parts)
