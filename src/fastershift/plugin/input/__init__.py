"""The part of the panel for the input, and what a run on it needs."""

from fastershift.plugin.input._run_estimate import Prepared, RunEstimate, Units
from fastershift.plugin.input._section import InputSection

__all__ = ["InputSection", "Prepared", "RunEstimate", "Units"]
