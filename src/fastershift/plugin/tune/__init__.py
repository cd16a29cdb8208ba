"""The part of the panel for the settings."""

from fastershift.plugin.tune._desk import SettingsDesk
from fastershift.plugin.tune._form import SettingsForm
from fastershift.plugin.tune._section import TuneSection

__all__ = ["SettingsDesk", "SettingsForm", "TuneSection"]
