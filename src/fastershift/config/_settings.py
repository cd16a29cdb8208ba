"""The settings of a whole run: one model a stage."""

from typing import Literal

from fastershift.config._cluster import ClusterSettings
from fastershift.config._embed import EmbedSettings
from fastershift.config._field import Stage, setting
from fastershift.config._input import InputSettings
from fastershift.config._track import TrackSettings

__all__ = ["Profile", "Settings"]

Profile = Literal["default", "published"]


class Settings(Stage):
    """The settings of a whole run.

    Every field is resolved: what a result carries is exactly what made it.
    """

    profile: Profile = setting(
        "default",
        "'default' gave the best scores; 'published' follows the papers exactly.",
        label="Profile",
    )
    input: InputSettings = InputSettings()
    embed: EmbedSettings = EmbedSettings()
    cluster: ClusterSettings = ClusterSettings()
    track: TrackSettings = TrackSettings()
