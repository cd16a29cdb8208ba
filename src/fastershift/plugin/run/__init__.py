"""The part of the panel that runs: previews as values change, and runs."""

from fastershift.plugin.run._controller import RunController
from fastershift.plugin.run._live import Comparison, LivePreview
from fastershift.plugin.run._live_row import LiveRow
from fastershift.plugin.run._section import RunSection
from fastershift.plugin.run._steps import Reconcile, Reconciled

__all__ = [
    "Comparison",
    "LivePreview",
    "LiveRow",
    "Reconcile",
    "Reconciled",
    "RunController",
    "RunSection",
]
