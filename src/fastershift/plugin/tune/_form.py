"""All settings on the screen together: what was chosen, what is recommended."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from fastershift.config import Settings, iter_settings, resolve_settings
from fastershift.errors import InputError
from fastershift.pipeline import MASKS_ADVICE
from fastershift.plugin.layers._input import InputKind
from fastershift.plugin.qt import SettingControl
from fastershift.rshn import ModelCard, list_models, read_card

__all__ = ["SettingsForm", "card_of"]

_AUTO = "generalist"


def card_of(model: str) -> ModelCard | None:
    """Return the card of a model of the list or of a file; None if there is none.

    Raises
    ------
    InputError
        When the file is not a model.
    """
    wanted = _AUTO if model == "auto" else model
    for card in list_models():
        if card.name == wanted:
            return card
    return read_card(model) if Path(model).suffix else None


def _card_or_none(model: str) -> ModelCard | None:
    try:
        return card_of(model)
    except InputError:
        return None


def _advice_of(model: str) -> Mapping[str, Any]:
    card = _card_or_none(model)
    return {} if card is None else card.settings


def _excuse(control: SettingControl, kind: InputKind, votes: bool) -> str:
    """Tell why a setting has no effect on this input, or with this model."""
    if kind == "labels":
        clusters = control.stage == "cluster"
        return "Without effect: the masks are given." if clusters else ""
    votes = votes and kind == "image"
    if votes and control.stage == "cluster" and control.name != "bandwidth":
        return "Without effect: the model votes for the centres of cells."
    if not votes and control.name == "least_certainty":
        return "Without effect: the model does not vote for the centres of cells."
    return ""


def _value(settings: Settings, stage: str, name: str) -> Any:
    return getattr(getattr(settings, stage) if stage else settings, name)


def _set(values: dict[str, Any], stage: str, name: str, value: Any) -> None:
    (values.setdefault(stage, {}) if stage else values)[name] = value


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
        self._hidden: dict[str, Any] = {}
        self._advice: Mapping[str, Any] = {}
        self._automatic = _AUTO
        self._kind: InputKind = "image"
        self._loading = False
        for control in controls:
            control.changed.connect(self._on_change)

    def _on_change(self) -> None:
        if self._loading:
            return
        sender = self.sender()
        if sender is self.controls["model"]:
            self.follow_model()
        elif sender is self.controls["profile"]:
            self._recommend()
        self.changed.emit()

    def chosen(self) -> dict[str, Any]:
        """Return what the user set, nested as in a settings file."""
        values: dict[str, Any] = {
            stage: dict(given) for stage, given in self._hidden.items()
        }
        for control in self.controls.values():
            if control.touched:
                _set(values, control.stage, control.name, control.value)
        return values

    def resolved(self) -> Settings:
        """Decide every setting as a run would, save for an "auto" diameter.

        Raises
        ------
        InputError
            When values do not go together.
        """
        return resolve_settings(user=self.chosen(), card=self._advice)

    def to_save(self) -> dict[str, Any]:
        """Return what a settings file has to hold for a run to do the same.

        That is every value as a run resolves it. Where the model is left open, what
        the models advise on and nobody chose is left out, so that a run takes the
        advice of the model that it finds for its movie.

        Returns
        -------
        dict
            Nested as in a settings file.

        Raises
        ------
        InputError
            When values do not go together.
        """
        values = self.resolved().model_dump(mode="json", exclude_none=True)
        if self.controls["model"].value == "auto" and self._kind != "embedding":
            chosen = self.chosen()
            for card in list_models():
                for stage, advised in card.settings.items():
                    for name in advised.keys() - chosen.get(stage, {}).keys():
                        values.get(stage, {}).pop(name, None)
        return values

    def follow_model(self, automatic: str | None = None) -> None:
        """Show what the chosen model recommends where nothing was chosen.

        Parameters
        ----------
        automatic : str, optional
            The model that is taken for the movie when the choice is left open; by
            default the one that was told last.
        """
        chosen = self.controls["model"].value
        embeds = self._kind != "embedding"
        if automatic is not None and embeds and chosen == "auto":
            self._automatic = automatic
        self._advice = self._advice_on(chosen)
        self._recommend()

    @property
    def _votes(self) -> bool:
        """Whether the model in use votes for the centres of cells."""
        card = _card_or_none(self._in_use(self.controls["model"].value))
        return card is not None and card.embedding == "votes"

    def _in_use(self, model: str) -> str:
        return self._automatic if model == "auto" else model

    def follow_input(self, kind: InputKind) -> None:
        """Take the advice of a model only where one finds the cells.

        Parameters
        ----------
        kind : {"image", "embedding", "labels"}
            What is chosen.
        """
        if kind != self._kind:
            self._kind = kind
            self.follow_model()

    def _advice_on(self, model: str) -> Mapping[str, Any]:
        if self._kind != "image":
            return MASKS_ADVICE if self._kind == "labels" else {}
        return _advice_of(self._in_use(model))

    def _recommend(self) -> None:
        user = {"profile": self.controls["profile"].value, **self._hidden}
        advised = resolve_settings(user=user, card=self._advice)
        for control in self.controls.values():
            if control.name not in ("model", "profile"):
                control.recommend(_value(advised, control.stage, control.name))
        votes = self._votes
        for control in self.controls.values():
            control.excuse(_excuse(control, self._kind, votes))

    def load(self, values: Mapping[str, Any]) -> None:
        """Take over settings in place of those in use.

        What a run does with the form afterwards is what it does with `values` alone.
        Only what differs from the model's advice counts as chosen by the user; where
        the model is left open, from that of any.

        Parameters
        ----------
        values : mapping
            As `load_settings` gives it.

        Raises
        ------
        InputError
            When a value cannot be used; nothing is changed then.
        """
        model = values.get("embed", {}).get("model", "auto")
        advice = self._advice_on(model)
        wanted = resolve_settings(file=values, card=advice)
        profile = {"profile": wanted.profile}
        recommended = [advice]
        if self._kind != "embedding" and model == "auto":
            recommended += [card.settings for card in list_models()]
        advised = [resolve_settings(user=profile, card=one) for one in recommended]
        self._advice, self._hidden = advice, {}
        self._loading = True
        for control in self.controls.values():
            control.reset()
        # What is shown beside a choice depends on these.
        for stage, name in (("embed", "model"), ("", "profile")):
            if _value(wanted, stage, name) != self.controls[name].value:
                self.controls[name].touch(_value(wanted, stage, name))
        self._recommend()
        for info in iter_settings():
            stage, name = info.stage, info.name
            value = _value(wanted, stage, name)
            if name == "model" or name not in values.get(stage, {}):
                continue
            if all(value == _value(one, stage, name) for one in advised):
                continue
            if name in self.controls:
                self.controls[name].touch(value)
            else:
                _set(self._hidden, stage, name, value)
        self._loading = False
        self._recommend()
        self.changed.emit()

    def forget_hidden(self) -> None:
        """Drop the settings of a file that have no control here."""
        self._hidden = {}
        self._recommend()
        self.changed.emit()

    def describe_hidden(self) -> str:
        """List the settings in force that have no control here."""
        return ", ".join(
            f"{name} = {value}"
            for given in self._hidden.values()
            for name, value in given.items()
        )
