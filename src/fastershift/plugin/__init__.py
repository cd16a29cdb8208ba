"""What people see in napari: the dock widget, readers, writers and sample data."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastershift.plugin._widget import SegmentTrackWidget
    from fastershift.plugin.lineage import LineageWidget
    from fastershift.plugin.measurements import MeasurementsWidget
    from fastershift.plugin.train import TrainWidget

__all__ = ["LineageWidget", "MeasurementsWidget", "SegmentTrackWidget", "TrainWidget"]

_HOMES = {
    "LineageWidget": "fastershift.plugin.lineage",
    "MeasurementsWidget": "fastershift.plugin.measurements",
    "SegmentTrackWidget": "fastershift.plugin._widget",
    "TrainWidget": "fastershift.plugin.train",
}


def __getattr__(name: str) -> Any:
    # Readers and samples must not wait for Qt and torch to load.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'fastershift.plugin' has no attribute {name!r}")
