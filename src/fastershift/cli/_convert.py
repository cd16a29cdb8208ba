"""The command that brings a result from one format to another."""

from pathlib import Path
from typing import Annotated

import typer

from fastershift.cli._batch import result_format
from fastershift.cli._errors import Debug, Overwrite, reports_errors
from fastershift.cli._options import tell_lost
from fastershift.errors import counted

__all__ = ["convert"]


@reports_errors
def convert(
    source: Annotated[
        Path,
        typer.Argument(metavar="A", help="A result, of fastershift or another tool."),
    ],
    output: Annotated[Path, typer.Argument(metavar="B", help="Where to write.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="ctc, tiff, zarr, geff, trackmate, csv, acdc, rois or newick; by "
            "default what the suffix tells, and ctc without one."
        ),
    ] = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Bring cells and tracks from any format to another.

    Read are, besides the formats that are written: TrackMate files and GEFF graphs of
    others, Cellpose masks, and ROIs of StarDist and ImageJ.
    """
    from fastershift.io import (
        check_apart,
        check_output,
        format_of,
        read_saved,
        write_saved,
    )

    kind = format_of(output) if format is None else result_format(format)
    check_apart(output, source, "the result")
    check_output(output, kind, overwrite=overwrite, source=source)
    saved = read_saved(source, on_disk=True)
    tell_lost(source, saved)
    written = write_saved(output, saved, format=kind, overwrite=overwrite)
    typer.echo(
        f"{counted(len(saved.labels), 'frame')}, "
        f"{counted(len(saved.tracks), 'track')}: {written}"
    )
