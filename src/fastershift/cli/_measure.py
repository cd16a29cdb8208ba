"""The command that measures the cells of a result."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastershift.cli._errors import Debug, reports_errors
from fastershift.cli._options import (
    Axes,
    FrameInterval,
    Inside,
    NeighbourDistance,
    Outside,
    PixelSize,
    Plane,
    Position,
    Ring,
    WithoutDrift,
    WithoutFlicker,
    frame_range,
    tell_lost,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    ring: Ring = 0.0,
    neighbour_distance: NeighbourDistance = 0.0,
    without_drift: WithoutDrift = False,
    without_flicker: WithoutFlicker = False,
    pixel_size: PixelSize = None,
    frame_interval: FrameInterval = None,
    inside: Inside = None,
    outside: Outside = None,
    frames: Annotated[
        str | None, typer.Option(help="Frames A:B of the movie that were tracked.")
    ] = None,
    axes: Axes = None,
    plane: Plane = None,
    position: Position = None,
    level: Annotated[
        int | None, typer.Option(help="Level of an image pyramid.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace older measurements.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Measure every cell in every frame, and write a table.

    Lengths are in µm and times in minutes where the pixel size and the time step are
    known; --ring and --neighbour-distance are in the same unit.

    What was tracked of the movie (--frames, --axes, --plane, --position, --level) need
    not be told where run or batch made the result of a movie of this name: it knows.
    """
    from fastershift.io import check_apart, read_channels, read_saved
    from fastershift.measure import (
        MeasureOptions,
        WatchedTables,
        columns_for,
        describe_units,
        measure_frames,
        with_scale,
        write_measurements,
    )
    from fastershift.pipeline import read_confines

    check_apart(output, result, "the result")
    if movie is not None:
        check_apart(output, movie)
    saved = read_saved(result, on_disk=True)
    tell_lost(result, saved)
    channels: dict[str, Movie] = {}
    if movie is not None:
        part = _tracked_part(saved, movie, frames, axes, plane, position, level)
        channels = read_channels(movie, **part)
    first = next(iter(channels.values()), None)
    saved = with_scale(saved, first, pixel_size, frame_interval)
    columns = columns_for(saved, channels, ring=ring > 0, drift=without_drift)
    options = MeasureOptions(ring, neighbour_distance, without_drift, without_flicker)
    confines = read_confines(inside, outside, first)
    tables = WatchedTables(measure_frames(saved, channels, options, confines))
    shown = _shown(tables, len(saved.labels))
    written = write_measurements(output, shown, columns, overwrite=overwrite)
    typer.echo(
        f"{tables.cells} cells in {len(saved.labels)} frames: {written}. "
        f"{describe_units(saved)}"
    )
    how = None if without_flicker else "--without-flicker"
    for sentence in tables.describe_flicker(channels, how):
        typer.echo(sentence)


def _tracked_part(
    saved: "SavedResult",
    movie: Path,
    frames: str | None,
    axes: str | None,
    plane: str | None,
    position: int | None,
    level: int | None,
) -> dict[str, Any]:
    """Tell what to take of the movie: what is given, else what was tracked."""
    given = {
        "frames": frame_range(frames),
        "axes": axes and axes.upper(),
        "plane": int(plane) if plane and plane.isdecimal() else plane,
        "position": position,
        "level": level,
    }
    told = saved.provenance
    of_it = "frames" in told and Path(str(told.get("input"))).name == movie.name
    if saved.settings is None or not of_it:
        # Another movie of the same cells, or a result of another program.
        return {**given, "level": given["level"] or 0}
    reading = saved.settings.input
    recorded = {
        "frames": frame_range(str(told["frames"]) or None),
        "axes": None if reading.axes == "auto" else reading.axes,
        "plane": reading.plane,
        "position": reading.position,
        "level": reading.level,
    }
    for name, value in recorded.items():
        asked = given[name]
        if asked is None:
            given = given | {name: value}
        elif asked != value and value is not None:
            shown = told["frames"] if name == "frames" else value
            typer.echo(
                f"The result was made with --{name} {shown}; if this is the movie that "
                f"was tracked, leave --{name} out.",
                err=True,
            )
    return given


def _shown(tables: "Iterable[FrameTable]", frames: int) -> "Iterable[FrameTable]":
    """Put a progress bar before the tables that pass by."""
    from rich.console import Console
    from rich.progress import track

    return track(tables, "frames", total=frames, console=Console(stderr=True))
