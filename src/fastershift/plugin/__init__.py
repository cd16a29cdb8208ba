"""What people see in napari: the dock widget, readers, writers and sample data."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastershift.plugin._widget import SegmentTrackWidget

__all__ = ["SegmentTrackWidget"]


def __getattr__(name: str) -> Any:
    # Readers and samples must not wait for Qt and torch to load.
    if name == "SegmentTrackWidget":
        return getattr(import_module("fastershift.plugin._widget"), name)
    raise AttributeError(f"module 'fastershift.plugin' has no attribute {name!r}")
