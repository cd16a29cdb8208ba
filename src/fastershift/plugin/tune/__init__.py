"""The part of the panel for the settings."""

from fastershift.plugin.tune._form import SettingsForm
from fastershift.plugin.tune._loader import SettingsLoader
from fastershift.plugin.tune._section import TuneSection

__all__ = ["SettingsForm", "SettingsLoader", "TuneSection"]
