"""A table of every cell in every frame: shape, intensity, motion and lineage."""

from fastershift.measure._cells import FrameTable, MeasureOptions, measure_frames
from fastershift.measure._columns import (
    Column,
    WorldUnits,
    columns_for,
    columns_of,
    describe_units,
)
from fastershift.measure._flicker import WatchedTables, describe_flicker
from fastershift.measure._msd import mean_squared_displacement
from fastershift.measure._scale import with_scale
from fastershift.measure._write import check_table, write_measurements

__all__ = [
    "Column",
    "FrameTable",
    "MeasureOptions",
    "WatchedTables",
    "WorldUnits",
    "check_table",
    "columns_for",
    "columns_of",
    "describe_flicker",
    "describe_units",
    "mean_squared_displacement",
    "measure_frames",
    "with_scale",
    "write_measurements",
]
