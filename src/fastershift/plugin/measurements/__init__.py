"""The dock widget *Measurements*: a table of all cells, plots, colours, filters."""

from fastershift.plugin.measurements._widget import MeasurementsWidget

__all__ = ["MeasurementsWidget"]
