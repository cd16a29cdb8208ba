"""The command that measures the cells of a result."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastershift.cli._errors import Debug, reports_errors
from fastershift.cli._options import frame_range
from fastershift.errors import InputError

if TYPE_CHECKING:
    from fastershift.io import Movie, SavedResult
    from fastershift.measure import FrameTable

__all__ = ["measure"]


@reports_errors
def measure(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="A result.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Table: name.csv or name.parquet.")
    ],
    movie: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MOVIE]",
            help="The movie that was tracked, for grey values of all its channels.",
        ),
    ] = None,
    ring: Annotated[
        float,
        typer.Option(help="Width of a ring around each cell that is measured, too."),
    ] = 0.0,
    neighbour_distance: Annotated[
        float, typer.Option(help="Cells nearer than this are neighbours; 0: touching.")
    ] = 0.0,
    pixel_size: Annotated[
        float | None, typer.Option(help="Side of a pixel in µm, where no file says.")
    ] = None,
    frame_interval: Annotated[
        float | None,
        typer.Option(help="Minutes from frame to frame, where no file says."),
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="Frames A:B of the movie that were tracked.")
    ] = None,
    axes: Annotated[str | None, typer.Option(help="Axes of the movie: TCYX.")] = None,
    plane: Annotated[
        str | None, typer.Option(help="Plane of a z-stack, or max, mean, min.")
    ] = None,
    position: Annotated[
        int | None, typer.Option(help="Position of a multi-position movie.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace former measurements.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Measure every cell in every frame, and write a table.

    Lengths are in µm and times in minutes where the pixel size and the time step are
    known; --ring and --neighbour-distance are in the same unit.
    """
    from fastershift.io import check_apart, read_channels, read_saved
    from fastershift.measure import (
        MeasureOptions,
        columns_of,
        describe_units,
        measure_frames,
        write_measurements,
    )

    check_apart(output, result, "the result")
    if movie is not None:
        check_apart(output, movie)
    saved = read_saved(result)
    channels: dict[str, Movie] = {}
    if movie is not None:
        channels = read_channels(
            movie,
            axes=axes,
            plane=int(plane) if plane and plane.isdigit() else plane,
            position=position,
            frames=frame_range(frames),
        )
    saved = _with_scale(saved, channels, pixel_size, frame_interval)
    doubt = "doubts" in (saved.corrections or {})
    columns = columns_of(channels, ring=ring > 0, doubt=doubt)
    tables = measure_frames(saved, channels, MeasureOptions(ring, neighbour_distance))
    counted = _Counted(tables, len(saved.labels))
    written = write_measurements(output, counted, columns, overwrite=overwrite)
    typer.echo(
        f"{counted.cells} cells in {len(saved.labels)} frames: {written}. "
        f"{describe_units(saved)}"
    )


def _with_scale(
    saved: "SavedResult",
    channels: "dict[str, Movie]",
    pixel_size: float | None,
    frame_interval: float | None,
) -> "SavedResult":
    """Take the scale that the user gave, else that of the result, else of the movie."""
    first = next(iter(channels.values()), None)
    if (saved.scale is None or saved.units is None) and first is not None:
        saved = replace(saved, scale=first.scale, units=first.units)
    step, height, width = saved.scale or (1.0, 1.0, 1.0)
    time, row, column = saved.units or ("pixel",) * 3
    for name, given in (("pixel size", pixel_size), ("frame interval", frame_interval)):
        if given is not None and not given > 0:
            raise InputError(f"The {name} must be larger than 0, not {given:g}.")
    if pixel_size is not None:
        height, width, row, column = pixel_size, pixel_size, "micrometer", "micrometer"
    if frame_interval is not None:
        step, time = frame_interval, "minute"
    return replace(saved, scale=(step, height, width), units=(time, row, column))


class _Counted:
    """Counts the cells that pass by, behind a progress bar."""

    def __init__(self, tables: "Iterator[FrameTable]", frames: int) -> None:
        self._tables, self._frames = tables, frames
        self.cells = 0

    def __iter__(self) -> "Iterator[FrameTable]":
        from rich.console import Console
        from rich.progress import track

        console = Console(stderr=True)
        for table in track(self._tables, "frames", total=self._frames, console=console):
            self.cells += len(table["track"])
            yield table
