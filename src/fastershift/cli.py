"""The command line: the same settings and pipeline as the widget."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from fastershift._cli_batch import Chunk, batch, result_format, run_on_disk
from fastershift._cli_benchmark import benchmark
from fastershift._cli_common import Debug, Overwrite, told
from fastershift._cli_options import frame_range, with_settings
from fastershift._cli_train import train
from fastershift.config import load_settings, resolve_settings
from fastershift.errors import FastershiftError, InputError

__all__ = ["app", "main"]

app = typer.Typer(
    name="fastershift",
    help="Segment and track cells in time-lapse movies.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Models that can be used.")
app.add_typer(models_app, name="models", invoke_without_command=True)
app.command()(batch)
app.command()(train)
app.command()(benchmark)


@app.callback(invoke_without_command=True)
@told
def start(
    context: typer.Context,
    debug: Debug = False,
) -> None:
    """Open napari with the plugin docked when no command is given."""
    if context.invoked_subcommand is None:
        _open_napari()


def _open_napari(*, movie: Any = None, result: Any = None) -> None:
    """Start napari with the widget; torch must be imported before Qt on Windows."""
    import torch  # noqa: F401

    try:
        import napari

        viewer = napari.Viewer()
    except ImportError as error:
        raise FastershiftError(
            "napari has no window toolkit; install it with: pip install "
            "'fastershift[all]'."
        ) from error
    if movie is not None:
        viewer.add_image(movie, name="movie", axis_labels=("t", "y", "x"))
    if result is not None:
        viewer.add_labels(result.labels, name="movie [cells]")
    viewer.window.add_plugin_dock_widget("fastershift", "Segment and track")
    napari.run()


@app.command()
@told
@with_settings
def run(
    movie: Annotated[Path, typer.Argument(metavar="INPUT", help="Folder, TIFF, Zarr.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")],
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings file (TOML).")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="'default' or 'published'.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="A published data set.")] = None,
    frames: Annotated[
        str | None, typer.Option(help="Frames A:B, from 0, B excluded.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    format: Annotated[str, typer.Option(help="ctc, tiff or zarr.")] = "ctc",
    chunk: Chunk = 64,
    overwrite: Overwrite = False,
    debug: Debug = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Segment and track a movie, and write labels, tracks, settings and report.

    With --format zarr everything lies on disk: the movie may be larger than memory,
    and a run that was interrupted goes on when it is given again.
    """
    from fastershift.io import check_output, read_movie, write_result
    from fastershift.pipeline import TrackingRun, plan_run

    kind = result_format(format)
    check_output(output, kind, overwrite=overwrite)
    user = settings | ({"profile": profile} if profile else {})
    file = load_settings(settings_file) if settings_file else None
    if kind == "zarr":
        from fastershift.batch import MovieTask

        span = frame_range(frames)
        asked = MovieTask(movie, output, kind, user, file, preset, span, device)
        run_on_disk(replace(asked, chunk=chunk, overwrite=overwrite))
        return
    reading = resolve_settings(user=user, file=file, preset=preset).input
    opened = read_movie(movie, **reading.model_dump(), frames=frame_range(frames))
    tracking = TrackingRun(
        plan_run(
            opened,
            user,
            file=file,
            preset=preset,
            device=device,
        )
    )
    _follow(tracking)
    result = tracking.result
    write_result(
        output,
        result.labels,
        [(t.id, t.first, t.last, t.parent) for t in result.lineage.tracks],
        format=kind,
        scale=opened.scale,
        units=opened.units,
        overwrite=overwrite,
        reports=[report.row() for report in result.reports],
        settings=result.settings,
        provenance=dict(result.provenance)
        | {"input": str(movie), "frames": frames or ""},
    )
    typer.echo(
        f"{len(result.labels)} frames, {len(result.lineage.tracks)} tracks, "
        f"{len(result.lineage.divisions())} divisions in "
        f"{result.provenance['seconds']:.1f} s: {output}"
    )


def _follow(tracking: Any) -> None:
    """Run to the end behind a progress bar with the time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from fastershift.pipeline import FrameDone, Notice, Started

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("frames", total=None)
        for event in tracking:
            if isinstance(event, Started):
                embed = event.settings.embed
                height, width = event.network_shape
                known = embed.network_size is None
                size = f", cell diameter {embed.diameter} px" if known else ""
                console.print(
                    f"Model {event.model}{size}, network size {width} × {height}.",
                    highlight=False,
                )
                bar.update(task, total=event.n_frames)
            elif isinstance(event, Notice):
                console.print(event.sentence, highlight=False)
            elif isinstance(event, FrameDone):
                bar.advance(task)


@app.command()
@told
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the picture.")
    ] = Path("demo-output"),
    gui: Annotated[bool, typer.Option("--gui", help="Open napari in the end.")] = False,
    debug: Debug = False,
) -> None:
    """Segment and track a simulated movie; print a table and write a picture."""
    from fastershift._demo import demo_movie, demo_table, save_picture
    from fastershift.pipeline import track

    movie = demo_movie()
    tracking = track(movie.frames)
    _follow(tracking)
    result = tracking.result
    typer.echo(demo_table(result.reports))
    typer.echo(
        f"\n{len(result.lineage.tracks)} tracks and {len(result.lineage.divisions())} "
        f"divisions were found; {len(movie.tracks)} and "
        f"{_divisions(movie.tracks)} are there."
    )
    _echo_scores(result, movie)
    output.mkdir(parents=True, exist_ok=True)
    save_picture(movie.frames, result.labels, output / "demo.png")
    typer.echo(f"Picture: {output / 'demo.png'}")
    if gui:
        _open_napari(movie=movie.frames, result=result)


def _divisions(tracks: tuple[tuple[int, int, int, int], ...]) -> int:
    parents = [parent for *_, parent in tracks if parent]
    return sum(parents.count(parent) > 1 for parent in set(parents))


def _echo_scores(result: Any, movie: Any) -> None:
    from fastershift.evaluation import score_arrays

    tracks = [(t.id, t.first, t.last, t.parent) for t in result.lineage.tracks]
    segments = dict(enumerate(movie.labels))
    try:
        scores = score_arrays(
            result.labels, tracks, movie.labels, movie.tracks, segments
        )
    except InputError as error:
        typer.echo(str(error))
        return
    typer.echo(f"Against the exact truth: SEG {scores.seg:.3f}, TRA {scores.tra:.3f}.")


@app.command()
@told
def evaluate(
    result: Annotated[Path, typer.Argument(metavar="RES", help="A result.")],
    truth: Annotated[
        Path, typer.Argument(metavar="GT", help="A folder such as 01_GT.")
    ],
    silver: Annotated[
        Path | None, typer.Option(help="Silver truth, a folder such as 01_ST.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="Frames A:B of the truth that were tracked.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the scores here, too.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Score a result against truth: SEG, DET, TRA and, against silver truth, SEG_ST."""
    from fastershift.evaluation import evaluate as evaluate_result

    scores = evaluate_result(result, truth, silver=silver, frames=frame_range(frames))
    for name, value in scores.as_dict().items():
        typer.echo(f"{name:7}{'no such truth' if value is None else f'{value:.4f}'}")
    if json_file is not None:
        json_file.write_text(json.dumps(scores.as_dict(), indent=2), encoding="utf-8")


@app.command()
@told
def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.")],
    frames: Annotated[int, typer.Option(help="Number of frames.")] = 20,
    height: Annotated[int, typer.Option(help="Rows of a frame.")] = 256,
    width: Annotated[int, typer.Option(help="Columns of a frame.")] = 256,
    cells: Annotated[int, typer.Option(help="Cells in the first frame, about.")] = 15,
    diameter: Annotated[float, typer.Option(help="Cell diameter in pixels.")] = 24.0,
    kind: Annotated[
        str, typer.Option(help="nuclei, phase, dic or elongated.")
    ] = "nuclei",
    seed: Annotated[int, typer.Option(help="Seed of the random draws.")] = 0,
    cell_cycle: Annotated[
        float | None, typer.Option(help="Frames from division to division.")
    ] = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Make an artificial movie with exact truth, laid out as the challenge does.

    A name that ends in .zarr makes OME-Zarr, frame by frame, with the truth in its
    labels: movies of any length.
    """
    from fastershift.io import write_simulation, write_simulation_zarr
    from fastershift.simulate import Simulation, simulate_movie

    options = {
        "diameter": diameter,
        "kind": kind,
        "seed": seed,
        "cell_cycle": cell_cycle,
    }
    asked = (frames, (height, width), cells)
    made: Any
    if output.suffix.lower() == ".zarr":
        made = Simulation(*asked, **options)  # type: ignore[arg-type]
        write_simulation_zarr(made, output, overwrite=overwrite)
    else:
        made = simulate_movie(*asked, **options)  # type: ignore[arg-type]
        write_simulation(made, output, overwrite=overwrite)
    typer.echo(f"{frames} frames with {len(made.tracks)} tracks: {output}")


@models_app.callback()
@told
def models(context: typer.Context, debug: Debug = False) -> None:
    """List what each model is for, its scores and its terms of use."""
    from fastershift.rshn import list_models

    if context.invoked_subcommand is not None:
        return
    for card in list_models():
        typer.echo(f"{card.name}: {card.summary}")
        for line in card.score_lines():
            typer.echo(f"  {line}")
        typer.echo(f"  Terms: {card.terms}")


@models_app.command("import")
@told
def import_model(
    checkpoint: Annotated[
        Path, typer.Argument(help="TensorFlow checkpoint: NAME.index beside its data.")
    ],
    name: Annotated[str, typer.Option(help="What to call the model.")],
    diameter: Annotated[
        float | None, typer.Option(help="Its cell diameter in network pixels.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model of this name.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Make a model from a checkpoint that the authors of RSHN published."""
    from fastershift.rshn import import_checkpoint, preset_of

    path = import_checkpoint(checkpoint, name, diameter=diameter, overwrite=overwrite)
    preset = preset_of(checkpoint) or "NAME-OF-ITS-DATA-SET"
    typer.echo(
        f"Model written to {path}.\nAs its authors ran it: fastershift run INPUT "
        f"-o OUT --model {name} --profile published --preset {preset}"
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end with its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        Instead of those of the process.
    """
    app(arguments)


if __name__ == "__main__":
    main()
