"""All commands as one program."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fastershift.cli._batch import batch
from fastershift.cli._benchmark import benchmark
from fastershift.cli._convert import convert
from fastershift.cli._demo import demo
from fastershift.cli._errors import Debug, Overwrite, hand_on, reports_errors
from fastershift.cli._figures import check_figures, write_figures
from fastershift.cli._learn import learn
from fastershift.cli._measure import measure
from fastershift.cli._models import models_app
from fastershift.cli._napari import open_napari
from fastershift.cli._options import frame_range
from fastershift.cli._run import run
from fastershift.cli._train import train
from fastershift.errors import InputError

__all__ = ["app"]

app = typer.Typer(
    name="fastershift",
    help="Segment and track cells in time-lapse movies.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models", invoke_without_command=True)
app.command()(batch)
app.command()(train)
app.command()(learn)
app.command()(benchmark)
app.command()(run)
app.command()(measure)
app.command()(convert)
app.command()(demo)


@app.callback(invoke_without_command=True)
@reports_errors
def start(
    context: typer.Context,
    debug: Debug = False,
) -> None:
    """Open napari with the plugin docked when no command is given."""
    hand_on(context, debug=debug)
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise InputError(
            "The folder that you work in was removed; change to one that is there."
        ) from error
    if context.invoked_subcommand is None:
        open_napari()


@app.command()
@reports_errors
def evaluate(
    result: Annotated[Path, typer.Argument(metavar="RES", help="A result.")],
    truth: Annotated[
        Path, typer.Argument(metavar="GT", help="A folder such as 01_GT.")
    ],
    silver: Annotated[
        Path | None, typer.Option(help="Silver truth, a folder such as 01_ST.")
    ] = None,
    frames: Annotated[
        str | None,
        typer.Option(help="Frames A:B of the ground truth that were tracked."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write the scores to this file.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Score a result against truth: SEG, DET, TRA and, against silver truth, SEG_ST."""
    from fastershift.evaluation import Scores
    from fastershift.evaluation import evaluate as evaluate_result
    from fastershift.io import lost_parents

    names = Scores(None, None, None).as_dict().keys()
    check_figures(json_file, lambda former: former.keys() == names)
    scores = evaluate_result(result, truth, silver=silver, frames=frame_range(frames))
    if lost := lost_parents(result):
        typer.echo(lost, err=True)
    for name, value in scores.as_dict().items():
        typer.echo(f"{name:7}{'no such truth' if value is None else f'{value:.4f}'}")
    write_figures(json_file, scores.as_dict())


@app.command()
@reports_errors
def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to create.")],
    frames: Annotated[int, typer.Option(help="Number of frames.")] = 20,
    height: Annotated[int, typer.Option(help="Height of a frame in pixels.")] = 256,
    width: Annotated[int, typer.Option(help="Width of a frame in pixels.")] = 256,
    cells: Annotated[
        int, typer.Option(help="Approximate number of cells in the first frame.")
    ] = 15,
    diameter: Annotated[float, typer.Option(help="Cell diameter in pixels.")] = 24.0,
    kind: Annotated[
        str,
        typer.Option(
            help="nuclei, phase, dic, elongated, rods, yeast, adherent, epithelium, "
            "embryo, clumps or cells."
        ),
    ] = "nuclei",
    optics: Annotated[
        str,
        typer.Option(
            help="usual, any, phase, brightfield, dic, fluorescence or quantitative."
        ),
    ] = "usual",
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    cell_cycle: Annotated[
        float | None, typer.Option(help="Frames between divisions.")
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
        "optics": optics,
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
