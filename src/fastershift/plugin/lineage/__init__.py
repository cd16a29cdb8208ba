"""The dock widget that draws the lineage as a tree."""

from fastershift.plugin.lineage._widget import LineageWidget

__all__ = ["LineageWidget"]
