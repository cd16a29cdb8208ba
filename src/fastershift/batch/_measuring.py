"""The table of measurements that is written beside a result."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from fastershift.errors import FastershiftError
from fastershift.io import Movie, SavedResult, read_channels
from fastershift.measure import (
    MeasureOptions,
    WatchedTables,
    check_table,
    columns_for,
    measure_frames,
    with_scale,
    write_measurements,
)

if TYPE_CHECKING:
    from fastershift.batch._movie import MovieTask

__all__ = ["Measuring", "check_measuring", "measure_result", "remove_tables"]

_SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Measuring:
    """How the cells of every movie are measured.

    Attributes
    ----------
    format : {"csv", "parquet"}
        How the table is stored.
    options : MeasureOptions
        Rings, neighbours, and what is taken out.
    pixel_size, frame_interval : float or None
        In µm and minutes, instead of what the files say.
    """

    format: Literal["csv", "parquet"] = "csv"
    options: MeasureOptions = field(default_factory=MeasureOptions)
    pixel_size: float | None = None
    frame_interval: float | None = None

    def record(self) -> str:
        """Tell how cells are measured: what differs makes other tables."""
        return json.dumps(asdict(self), sort_keys=True)


def check_measuring(task: "MovieTask") -> None:
    """Make sure, before a long run, that its cells can be measured.

    Raises
    ------
    InputError
        When the place of the table is taken, or a package is missing.
    """
    if task.measuring is not None and task.table is not None:
        check_table(task.table)


def remove_tables(task: "MovieTask") -> None:
    """Remove the tables of a former result, once the new one and its table are there.

    What else has their names stays.
    """
    if task.table is None:
        return
    written = None if task.measuring is None else task.table
    for table in map(task.table.with_suffix, _SUFFIXES):
        with suppress(FastershiftError, OSError):
            if table != written and table.exists():
                check_table(table)
                table.unlink()


def measure_result(task: "MovieTask", saved: SavedResult) -> tuple[str, ...]:
    """Write the table of a movie, if one is wanted.

    Parameters
    ----------
    task : MovieTask
        What was asked for.
    saved : SavedResult
        Its result.

    Returns
    -------
    tuple of str
        How it was measured, and what there is to say of it; empty without a table.

    Raises
    ------
    InputError
        When the place of the table is taken.
    """
    wanted = task.measuring
    if wanted is None or task.table is None:
        return ()
    channels = _channels(task)
    first = next(iter(channels.values()))
    saved = with_scale(saved, first, wanted.pixel_size, wanted.frame_interval)
    options = wanted.options
    tables = WatchedTables(measure_frames(saved, channels, options))
    columns = columns_for(
        saved, channels, ring=options.ring > 0, drift=options.without_drift
    )
    write_measurements(task.table, tables, columns, overwrite=True)
    how = None if options.without_flicker else "'Without flicker'"
    return wanted.record(), *tables.describe_flicker(channels, how)


def _channels(task: "MovieTask") -> Mapping[str, Movie]:
    if isinstance(task.source, Movie):
        return {"0": task.open()}
    reading = task.reading()
    return read_channels(
        task.source,
        axes=None if reading.axes == "auto" else reading.axes,
        plane=reading.plane,
        position=reading.position,
        level=reading.level,
        frames=task.frames,
    )
