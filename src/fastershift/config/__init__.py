"""Settings of every stage: one default, one range and one help text per parameter.

The widget, the command line, the documentation and the provenance stored with each
result are generated from these models.
"""

from fastershift.config._cluster import ClusterSettings
from fastershift.config._describe import (
    SettingInfo,
    explain_value,
    find_setting,
    iter_settings,
)
from fastershift.config._embed import EmbedSettings, Precision
from fastershift.config._field import Usual
from fastershift.config._input import (
    COLOURS,
    PROJECTIONS,
    UNNAMED_AXES,
    InputSettings,
)
from fastershift.config._presets import PRESETS
from fastershift.config._resolve import resolve_settings
from fastershift.config._settings import Profile, Settings
from fastershift.config._toml import load_settings, save_settings, without_none
from fastershift.config._track import TrackSettings

__all__ = [
    "COLOURS",
    "PRESETS",
    "PROJECTIONS",
    "UNNAMED_AXES",
    "ClusterSettings",
    "EmbedSettings",
    "InputSettings",
    "Precision",
    "Profile",
    "SettingInfo",
    "Settings",
    "TrackSettings",
    "Usual",
    "explain_value",
    "find_setting",
    "iter_settings",
    "load_settings",
    "resolve_settings",
    "save_settings",
    "without_none",
]
