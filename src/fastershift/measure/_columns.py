"""What is measured: name, unit and definition of every column, in one place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from fastershift.io import SavedResult

__all__ = [
    "Column",
    "Quantity",
    "WorldUnits",
    "are_titles",
    "columns_for",
    "columns_of",
    "describe_units",
]

#: What a number is, so that its unit can be told once the scale is known.
Quantity: TypeAlias = Literal[
    "number", "pixel", "length", "area", "time", "speed", "degree", "intensity", "text"
]

_MICROMETRES = {
    "picometer": 1e-6,
    "angstrom": 1e-4,
    "nanometer": 1e-3,
    "micrometer": 1.0,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
    "kilometer": 1e9,
    "inch": 25_400.0,
}
_MINUTES = {
    "nanosecond": 1 / 60e9,
    "microsecond": 1 / 60e6,
    "millisecond": 1 / 60e3,
    "second": 1 / 60,
    "minute": 1.0,
    "hour": 60.0,
    "day": 1440.0,
}


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes
    ----------
    name : str
        As it stands in files. ``{channel}`` stands for each channel of the movie.
    quantity : str
        What kind of number it is.
    definition : str
        What it says, for a reader who has the table alone.
    whole : bool
        Whether its values are whole numbers.
    asked : str
        The option without which it is left out; empty for what is always there.
    """

    name: str
    quantity: Quantity
    definition: str
    whole: bool = False
    asked: str = ""


@dataclass(frozen=True)
class WorldUnits:
    """Sizes of a pixel and a frame, in µm and minutes where these are known.

    Attributes
    ----------
    height, width : float
        Of a pixel.
    step : float
        From a frame to the next.
    length, time : str
        ``"µm"`` or ``"pixel"``, ``"min"`` or ``"frame"``.
    """

    height: float = 1.0
    width: float = 1.0
    step: float = 1.0
    length: str = "pixel"
    time: str = "frame"

    @classmethod
    def of(cls, result: SavedResult) -> "WorldUnits":
        """Take them from the scale of a result."""
        if result.scale is None or result.units is None:
            return cls()
        step, height, width = result.scale
        time, row, column = result.units
        known = cls()
        if row in _MICROMETRES and column in _MICROMETRES:
            known = replace(
                known,
                height=height * _MICROMETRES[row],
                width=width * _MICROMETRES[column],
                length="µm",
            )
        if time in _MINUTES:
            known = replace(known, step=step * _MINUTES[time], time="min")
        return known

    def unit(self, quantity: Quantity) -> str:
        """Spell the unit of a quantity; empty for what has none."""
        return {
            "length": self.length,
            "area": f"{self.length}²",
            "time": self.time,
            "speed": f"{self.length}/{self.time}",
            "degree": "°",
            "pixel": "pixel",
            "intensity": "grey value",
        }.get(quantity, "")


_COLUMNS = (
    Column("track", "number", "Number of the track, as in the labels.", whole=True),
    Column("frame", "number", "Number of the frame, counted from 0.", whole=True),
    Column("time", "time", "Time of the frame; frame 0 is at 0."),
    Column("y", "length", "Centroid, down from the middle of the top left pixel."),
    Column("x", "length", "Centroid, right from the middle of the top left pixel."),
    Column("top", "pixel", "First row of the bounding box.", whole=True),
    Column("left", "pixel", "First column of the bounding box.", whole=True),
    Column("bottom", "pixel", "Row after the last of the bounding box.", whole=True),
    Column("right", "pixel", "Column after the last of the bounding box.", whole=True),
    Column("area", "area", "Number of pixels times the area of a pixel."),
    Column(
        "major_axis", "length", "Long axis of the ellipse with the same second moments."
    ),
    Column(
        "minor_axis",
        "length",
        "Short axis of the ellipse with the same second moments.",
    ),
    Column(
        "orientation",
        "degree",
        "Angle of the long axis to the rows, counter-clockwise, from 0 to 180.",
    ),
    Column(
        "eccentricity",
        "number",
        "Of that ellipse: 0 for a circle, near 1 for a line.",
    ),
    Column("solidity", "number", "Area over the area of the convex hull, at most 1."),
    Column(
        "perimeter",
        "length",
        "Length of the outline through the middles of the outer pixels; empty where "
        "pixels are not square.",
    ),
    Column(
        "touches_border", "number", "1 where the cell reaches the edge.", whole=True
    ),
    Column(
        "neighbours",
        "number",
        "Cells that it touches, corners included; with a neighbour distance, cells "
        "that are nearer than that.",
        whole=True,
    ),
)
_CHANNEL = (
    Column("mean_{channel}", "intensity", "Mean grey value of the cell."),
    Column("min_{channel}", "intensity", "Lowest grey value of the cell."),
    Column("max_{channel}", "intensity", "Highest grey value of the cell."),
    Column("sum_{channel}", "intensity", "Sum of the grey values of all its pixels."),
    Column("std_{channel}", "intensity", "Standard deviation of its grey values."),
    Column(
        "background_{channel}",
        "intensity",
        "Median grey value of all pixels of the frame that no cell covers.",
    ),
    Column(
        "flicker_{channel}",
        "number",
        "How many times as bright as in the 3 frames before and after most cells are, "
        "over the background: 1 where they agree on no change, empty with fewer than 6 "
        "cells, and in the first and the last frame.",
    ),
)
_RING = (
    Column(
        "ring_area",
        "area",
        "Area of the ring around the cell: background nearer to it than the width of "
        "the ring, and nearer to it than to other cells.",
        asked="ring",
    ),
)
_RING_CHANNEL = (
    Column(
        "ring_mean_{channel}",
        "intensity",
        "Mean grey value of the ring; empty where there is none.",
        asked="ring",
    ),
)
_MOTION = (
    Column(
        "displacement",
        "length",
        "Distance of the centroid from where the track was last seen, without the "
        "drift where that is asked for; empty in its first frame.",
    ),
    Column(
        "speed",
        "speed",
        "Displacement over the time since the track was last seen; empty in its first "
        "frame.",
    ),
    Column("age", "time", "Time since the first frame of the track."),
    Column(
        "generation", "number", "Divisions between the first cell and it.", whole=True
    ),
    Column("parent", "number", "Track it descends from, 0 for none.", whole=True),
    Column(
        "daughters",
        "text",
        "Tracks that descend from it, separated by spaces; the same in all its frames.",
    ),
    Column(
        "time_since_division",
        "time",
        "Time since the first frame after the division it came from; empty where none "
        "was seen.",
    ),
)
_DRIFT = (
    Column(
        "drift_y",
        "length",
        "How far down all cells have moved together since frame 0: the sum of the "
        "median moves from frame to frame, 0 for those with fewer than 6 cells.",
        asked="drift",
    ),
    Column("drift_x", "length", "The same to the right.", asked="drift"),
)
_DOUBT = (
    Column(
        "doubt",
        "number",
        "The highest score, 0 to 1, of the doubtful places that name the cell in this "
        "frame; 0 for none.",
        asked="doubt",
    ),
)
_FILLED = (
    Column(
        "filled",
        "number",
        "1 where the run, or Fill gaps, has put the mask in, or cut it out of another, "
        "because it was missing or merged for a few frames; 0 for all others.",
        whole=True,
        asked="filled",
    ),
)
_UNITS = (
    Column("length_unit", "text", "µm, or pixel where the size of one is not known."),
    Column("time_unit", "text", "min, or frame where the time step is not known."),
)


def _for_each(columns: Iterable[Column], channels: Iterable[str]) -> tuple[Column, ...]:
    columns = tuple(columns)
    return tuple(
        replace(column, name=column.name.format(channel=channel))
        for channel in channels
        for column in columns
    )


def columns_of(
    channels: Iterable[str] = ("{channel}",),
    *,
    ring: bool = True,
    drift: bool = True,
    doubt: bool = True,
    filled: bool = True,
) -> tuple[Column, ...]:
    """List the columns of a table, in their order.

    Parameters
    ----------
    channels : iterable of str
        Names of the channels of the movie; by default ``{channel}``, which stands for
        any.
    ring, drift, doubt, filled : bool
        Whether there are rings, the drift, doubtful places, and masks that were put in.

    Returns
    -------
    tuple of Column
    """
    names = tuple(channels)
    every = (
        *_COLUMNS,
        *_for_each(_CHANNEL, names),
        *_RING,
        *_for_each(_RING_CHANNEL, names),
        *_MOTION,
        *_DRIFT,
        *_DOUBT,
        *_FILLED,
        *_UNITS,
    )
    wanted: Mapping[str, bool] = {
        "": True,
        "ring": ring,
        "drift": drift,
        "doubt": doubt,
        "filled": filled,
    }
    return tuple(column for column in every if wanted[column.asked])


def columns_for(
    result: SavedResult, channels: Iterable[str], *, ring: bool, drift: bool = False
) -> tuple[Column, ...]:
    """List the columns of the table of a result.

    Parameters
    ----------
    result : SavedResult
        What is measured.
    channels, ring, drift
        As for `columns_of`.

    Returns
    -------
    tuple of Column
    """
    return columns_of(
        channels,
        ring=ring,
        drift=drift,
        doubt="doubts" in (result.corrections or {}),
        filled="filled" in result.provenance
        or bool((result.corrections or {}).get("filled")),
    )


def are_titles(names: Sequence[str]) -> bool:
    """Tell the titles of a table of measurements from those of any other table.

    Parameters
    ----------
    names : sequence of str
        Its titles, in their order; the channels may have any names.

    Returns
    -------
    bool
    """
    first = [column.name for column in (*_COLUMNS, *_UNITS)]
    return [*names[: len(_COLUMNS)], *names[-len(_UNITS) :]] == first


def describe_units(result: SavedResult) -> str:
    """Say in one sentence what lengths and times of a table are in.

    Parameters
    ----------
    result : SavedResult
        What is measured.

    Returns
    -------
    str
    """
    units = WorldUnits.of(result)
    lengths = "µm" if units.length == "µm" else "pixels, as no pixel size is known"
    times = "minutes" if units.time == "min" else "frames, as no time step is known"
    return f"Lengths are in {lengths}, times in {times}."
