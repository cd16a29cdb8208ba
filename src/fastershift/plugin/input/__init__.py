"""The part of the panel for the input, and what a run on it needs."""

from fastershift.plugin.input._needs import Needs, Prepared, Units
from fastershift.plugin.input._section import InputSection

__all__ = ["InputSection", "Needs", "Prepared", "Units"]
