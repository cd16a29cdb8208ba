"""The command that trains a model."""

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from fastershift.cli._errors import Debug, Overwrite, reports_errors, stop
from fastershift.config import Precision
from fastershift.errors import InputError

__all__ = ["train"]

# Minutes of a training whose length is not given.
_MINUTES = 30.0


@reports_errors
def train(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA...",
            help="Folders such as 01 with their ground truth 01_GT beside "
            "them, IMAGE=LABELS, "
            "stills:IMAGES=MASKS, or simulate:KIND.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The model (.safetensors).")
    ],
    init: Annotated[
        str | None, typer.Option(help="Model to start from: a name or a file.")
    ] = None,
    filters: Annotated[
        int | None, typer.Option(help="Filters of every convolution. [default: 24]")
    ] = None,
    levels: Annotated[
        int | None, typer.Option(help="Resolutions of an hourglass. [default: 5]")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="How long to train. [default: 30]")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(help="Number of iterations, instead of minutes.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue where the last training stopped.")
    ] = False,
    batch: Annotated[
        int | None, typer.Option(help="Clips per iteration. [default: 2]")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Highest learning rate. [default: 0.0015; with --init 0.0005]"
        ),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="Number format of the convolutions. [default: auto, "
            "bfloat16 where the "
            "processor multiplies it in hardware]"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Random seed of weights and clips. [default: 0]")
    ] = None,
    border: Annotated[
        int | None,
        typer.Option(
            help="Width in pixels of the border strip without ground truth. "
            "[default: that of a "
            "published data set, otherwise 0]"
        ),
    ] = None,
    reach: Annotated[
        float,
        typer.Option(
            help="Distance around a marker within which pixels are unknown, "
            "in cell diameters."
        ),
    ] = 1.0,
    grow: Annotated[
        bool,
        typer.Option(
            help="Grow such markers by their brightness; suits bright cells "
            "on dark background."
        ),
    ] = False,
    diameter: Annotated[
        float | None,
        typer.Option(
            help="Cell diameter in pixels. [default: measured in the ground truth]"
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    author: Annotated[
        list[str] | None, typer.Option(help="Author of the model; may be repeated.")
    ] = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Train a model on movies whose cells are known, or go on training one."""
    from fastershift.rshn import load_model
    from fastershift.training import (
        TrainingRun,
        TruthOptions,
        decide_settings,
        read_training_data,
        state_path,
    )

    if minutes is not None and iterations is not None:
        raise InputError("Give either --minutes or --iterations, not both.")
    if output.exists() and not (overwrite or resume):
        raise InputError(
            f"{output} exists already; choose another name, continue its "
            "training (--resume) or replace it (--overwrite)."
        )
    start = load_model(init) if init else None
    settings = decide_settings(
        {
            "filters": filters,
            "levels": levels,
            "batch": batch,
            "learning_rate": learning_rate,
            "precision": precision,
            "seed": seed,
        },
        start=start.card if start else None,
        resumed=state_path(output) if resume else None,
    )
    run = TrainingRun(
        read_training_data(
            data,
            settings.network_diameter,
            options=TruthOptions(border, reach, grow, diameter),
            seed=settings.seed,
            embedding=settings.embedding,
        ),
        output,
        settings,
        minutes=_MINUTES if iterations is None and minutes is None else minutes,
        iterations=iterations,
        start=start,
        resume=resume,
        device=device,
        authors=tuple(author or ()),
        command=shlex.join(["fastershift", *sys.argv[1:]]),
    )
    with _interrupts(run.stop):
        finished = _follow(run)
    for name, scores in finished.card.scores.items():
        figures = ", ".join(f"{key} {value:.3f}" for key, value in scores.items())
        typer.echo(f"{name}: {figures}")
    if finished.card.scores:
        typer.echo(f"Picture of a validation frame: {run.picture}")
    typer.echo(f"Model after {finished.iteration} iterations: {finished.path}")
    if finished.stopped:
        stop("Stopped early; the same command with --resume continues.", 130)


@contextmanager
def _interrupts(stop_training: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C end the training in order, the second at once."""

    def interrupted(_signal: int, _frame: Any) -> None:
        typer.echo("Stopping; the model is being written.", err=True)
        stop_training()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _follow(run: Any) -> Any:
    """Train behind a progress bar with the time left; return how it ended."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from fastershift.training import TrainFinished, TrainProgress, TrainStarted

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    finished = None
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=1.0, left="")
        for event in run:
            if isinstance(event, TrainStarted):
                _say_start(event, console)
            elif isinstance(event, TrainProgress):
                bar.update(
                    task,
                    completed=event.done,
                    description=f"iteration {event.iteration}, loss {event.loss:.3f}",
                    left=f"{_clock(event.seconds_left)} left",
                )
            elif isinstance(event, TrainFinished):
                finished = event
            else:
                scores = (("SEG", event.seg), ("TRA", event.tra))
                figures = ", ".join(f"{k} {v:.3f}" for k, v in scores if v is not None)
                best = ", the best so far" if event.best else ""
                console.print(f"Iteration {event.iteration}: {figures}{best}.")
    return finished


def _say_start(event: Any, console: Any) -> None:
    for source in event.sources:
        console.print(f"{source}.")
    console.print(f"{event.parameters:,} weights, computed on {event.device}.")
    if event.iteration:
        console.print(f"Continuing after iteration {event.iteration}.")
    if not event.validated:
        console.print(
            "There are no validation frames, so the model cannot be validated."
        )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
