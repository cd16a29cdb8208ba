"""Commands for movies on disk from end to end: one large movie, and many."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from fastershift.cli._errors import Debug, Overwrite, reports_errors, stop
from fastershift.cli._options import (
    FrameInterval,
    Inside,
    NeighbourDistance,
    Outside,
    PixelSize,
    Ring,
    WithoutDrift,
    WithoutFlicker,
    given_place,
    with_settings,
)
from fastershift.cli._progress import PREPARING, progress_bar
from fastershift.config import load_settings
from fastershift.errors import InputError, counted_tracks

if TYPE_CHECKING:
    from fastershift.batch import Measuring, MovieTask
    from fastershift.io import ResultFormat
    from fastershift.measure import MeasureOptions

__all__ = ["Chunk", "ResultName", "batch", "result_format", "run_on_disk"]

Chunk = Annotated[
    int,
    typer.Option(
        min=1,
        help="Approximate number of frames per chunk; the result does "
        "not depend on it.",
    ),
]

ResultName = Annotated[
    str,
    typer.Option(
        help="ctc, tiff, zarr, geff, trackmate, csv, acdc, rois or newick; see "
        "docs/formats.md."
    ),
]


def result_format(name: str) -> "ResultFormat":
    """Check the name of a result format."""
    from fastershift.io import ResultFormat

    if name not in get_args(ResultFormat):
        known = ", ".join(get_args(ResultFormat))
        raise InputError(f"There is no format '{name}'; choose one of {known}.")
    return cast("ResultFormat", name)


@contextmanager
def _kept(what: str) -> Iterator[None]:
    """Say what an interruption leaves."""
    try:
        yield
    except KeyboardInterrupt:
        stop(f"Interrupted: {what}; run the same command again to continue.", 130)


def run_on_disk(task: "MovieTask") -> None:
    """Run one movie on disk behind a progress bar, and say what was found."""
    from fastershift.batch import Written, run_large
    from fastershift.pipeline import Started

    with _kept("finished chunks are kept"), progress_bar(PREPARING) as bar:
        for event in run_large(task):
            if isinstance(event, Started):
                height, width = event.network_shape
                bar.say(f"Model {event.model}, network size {width} × {height}.")
                for note in event.notes:
                    bar.say(note)
                bar.show(total=event.n_frames, words="frames")
            elif isinstance(event, Written):
                outcome = event.outcome
            else:
                bar.show(done=event.done, words=event.stage)
    done = counted_tracks(outcome.frames, outcome.tracks, outcome.divisions)
    typer.echo(f"{done} in {outcome.seconds:.1f} s: {outcome.output}")
    for note in outcome.notes:
        typer.echo(note)


@reports_errors
@with_settings
def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Movies, patterns, folders, plates."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to fill.")],
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings file (TOML).")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="'default' or 'published'.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="A published data set, such as DIC-C2DH-HeLa.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, tcp://HOST:PORT.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes to start on this machine.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Repeat the movies that failed.")
    ] = False,
    labels: Annotated[
        str | None,
        typer.Option(
            callback=given_place,
            help="Masks to track: a folder in which they have the names of the movies, "
            "or a pattern such as 'masks/{name}_cp_masks.tif'.",
        ),
    ] = None,
    inside: Inside = None,
    outside: Outside = None,
    measure: Annotated[
        str | None,
        typer.Option(help="Also write measurements of each movie: csv or parquet."),
    ] = None,
    ring: Ring = 0.0,
    neighbour_distance: NeighbourDistance = 0.0,
    without_drift: WithoutDrift = False,
    without_flicker: WithoutFlicker = False,
    pixel_size: PixelSize = None,
    frame_interval: FrameInterval = None,
    chunk: Chunk = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    format: ResultName = "ctc",
    overwrite: Overwrite = False,
    debug: Debug = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Segment and track many movies; go on where an earlier run stopped.

    Each position of a file is a movie, unless --position chooses one.

    Movies that are finished are not run again unless --overwrite is given. With
    --measure they are measured where there is no table, or one that was made with other
    options or of a former result.
    """
    from fastershift.batch import BatchTask, connect
    from fastershift.measure import MeasureOptions

    asked = MeasureOptions(ring, neighbour_distance, without_drift, without_flicker)
    task = BatchTask(
        inputs,
        output,
        format=result_format(format),
        settings=settings | ({"profile": profile} if profile else {}),
        file=load_settings(settings_file) if settings_file else None,
        preset=preset,
        device=device,
        chunk=chunk,
        retry_failed=retry_failed,
        overwrite=overwrite,
        labels=labels,
        inside=inside,
        outside=outside,
        measuring=_measuring(measure, asked, pixel_size, frame_interval),
    )
    with (
        _kept("finished movies and chunks are kept"),
        connect(scheduler, workers) as client,
    ):
        ended, failed = _follow(task, client)
    _say_end(ended, failed, output)


def _say_end(ended: int, failed: int, output: Path) -> None:
    movies = "1 movie" if ended == 1 else f"{ended} movies"
    typer.echo(
        f"{movies}, {failed} failed: {output / 'summary.html'}"
        + (" (--retry-failed repeats them)" if failed else "")
    )
    if failed:
        raise typer.Exit(1)


def _measuring(
    format: str | None,
    options: "MeasureOptions",
    pixel_size: float | None,
    frame_interval: float | None,
) -> "Measuring | None":
    from fastershift.batch import Measuring
    from fastershift.measure import MeasureOptions

    if format is None:
        if options != MeasureOptions() or pixel_size or frame_interval:
            raise InputError(
                "Rings, neighbours, drift, flicker, pixel size and frame interval are "
                "for measurements; ask for them with --measure csv."
            )
        return None
    if format not in ("csv", "parquet"):
        raise InputError(
            f"Measurements cannot be written as {format}; choose csv or parquet."
        )
    kind: Any = format
    return Measuring(kind, options, pixel_size, frame_interval)


def _follow(task: Any, client: Any) -> tuple[int, int]:
    """Show how far all movies are; return how many ended and how many failed."""
    from fastershift.batch import MovieEnded, run_many

    ended = failed = 0
    with progress_bar("movies", estimated=False) as bar:
        for event in run_many(task, client):
            if isinstance(event, MovieEnded):
                ended += 1
                failed += event.outcome.status == "failed"
                outcome = event.outcome
                told = () if event.before else outcome.notes
                for sentence in (outcome.sentence, *told):
                    if sentence:
                        bar.say(f"{outcome.movie}: {sentence}")
            else:
                bar.show(
                    total=event.movies,
                    done=event.ended,
                    words=f"movies, {event.done} frames",
                    seconds_left=event.seconds_left,
                )
    return ended, failed
