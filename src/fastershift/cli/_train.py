"""The command that trains a model."""

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastershift.cli._errors import Debug, Overwrite, reports_errors, stop
from fastershift.cli._progress import ProgressBar, progress_bar
from fastershift.config import Precision
from fastershift.errors import InputError

if TYPE_CHECKING:
    from fastershift.training import TrainFinished, TrainingRun, TrainStarted

__all__ = ["train"]

# Minutes of a training whose length is not given.
_MINUTES = 30.0


_Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA...",
        help="Folders such as 01 with their ground truth 01_GT beside "
        "them, IMAGE=LABELS, "
        "stills:IMAGES=MASKS, or simulate:KIND.",
    ),
]
_Model = Annotated[
    Path, typer.Option("--output", "-o", help="The model (.safetensors).")
]
_Init = Annotated[
    str | None, typer.Option(help="Model to start from: a name or a file.")
]
_Filters = Annotated[
    int | None, typer.Option(help="Filters of every convolution. [default: 24]")
]
_Levels = Annotated[
    int | None, typer.Option(help="Resolutions of an hourglass. [default: 5]")
]
_Minutes = Annotated[
    float | None, typer.Option(help="How long to train. [default: 30]")
]
_Iterations = Annotated[
    int | None, typer.Option(help="Number of iterations, instead of minutes.")
]
_Resume = Annotated[
    bool, typer.Option("--resume", help="Continue where the last training stopped.")
]
_Batch = Annotated[int | None, typer.Option(help="Clips per iteration. [default: 1]")]
_LearningRate = Annotated[
    float | None,
    typer.Option(help="Highest learning rate. [default: 0.0015; with --init 0.0005]"),
]
_Precision = Annotated[
    Precision | None,
    typer.Option(
        help="Number format of the convolutions. [default: auto, "
        "bfloat16 where the "
        "processor multiplies it in hardware]"
    ),
]
_Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Random seed of weights and clips. [default: 0]"),
]
_Border = Annotated[
    int | None,
    typer.Option(
        help="Width in pixels of the border strip without ground truth. "
        "[default: that of a "
        "published data set, otherwise 0]"
    ),
]
_Reach = Annotated[
    float,
    typer.Option(
        help="Distance around a marker within which pixels are unknown, "
        "in cell diameters."
    ),
]
_Grow = Annotated[
    bool,
    typer.Option(
        help="Grow such markers by their brightness; suits bright cells "
        "on dark background."
    ),
]
_Diameter = Annotated[
    float | None,
    typer.Option(
        help="Cell diameter in pixels. [default: measured in the ground truth]"
    ),
]
_Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
_Author = Annotated[
    list[str] | None, typer.Option(help="Author of the model; may be repeated.")
]


@reports_errors
def train(
    data: _Data,
    output: _Model,
    init: _Init = None,
    filters: _Filters = None,
    levels: _Levels = None,
    minutes: _Minutes = None,
    iterations: _Iterations = None,
    resume: _Resume = False,
    batch: _Batch = None,
    learning_rate: _LearningRate = None,
    precision: _Precision = None,
    seed: _Seed = None,
    border: _Border = None,
    reach: _Reach = 1.0,
    grow: _Grow = False,
    diameter: _Diameter = None,
    device: _Device = "auto",
    author: _Author = None,
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
    _report(run)


def _report(run: "TrainingRun") -> None:
    """Train to the end, and say what came of it."""
    try:
        with _interrupts(run.stop):
            finished = _follow(run)
    except KeyboardInterrupt:
        stop(f"Interrupted: {_left(run)}.", 130)
    for name, scores in finished.card.scores.items():
        figures = ", ".join(f"{key} {value:.3f}" for key, value in scores.items())
        typer.echo(f"{name}: {figures}")
    if finished.card.scores:
        typer.echo(f"Picture of a validation frame: {run.picture}")
    typer.echo(f"Model after {finished.iteration} iterations: {finished.path}")
    if finished.stopped:
        stop("Stopped early; the same command with --resume continues.", 130)


def _left(run: "TrainingRun") -> str:
    """Say what a training leaves that was not even let write its model."""
    if not run.written:
        return "no model was written"
    left = f"what was learned so far is in {' and '.join(map(str, run.written))}"
    if run.state in run.written:
        left += "; the same command with --resume continues"
    return left


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


def _follow(run: "TrainingRun") -> "TrainFinished":
    """Train behind a progress bar with the time left; return how it ended."""
    from fastershift.training import TrainFinished, TrainProgress, TrainStarted

    with progress_bar("training", counted=False, estimated=False) as bar:
        bar.show(total=1.0)
        for event in run:
            if isinstance(event, TrainStarted):
                _say_start(event, bar)
            elif isinstance(event, TrainProgress):
                bar.show(
                    done=event.done,
                    words=f"iteration {event.iteration}, loss {event.loss:.3f}",
                    seconds_left=event.seconds_left,
                )
            elif isinstance(event, TrainFinished):
                finished = event
            else:
                scores = (("SEG", event.seg), ("TRA", event.tra))
                figures = ", ".join(f"{k} {v:.3f}" for k, v in scores if v is not None)
                best = ", the best so far" if event.best else ""
                bar.say(f"Iteration {event.iteration}: {figures}{best}.")
    return finished


def _say_start(event: "TrainStarted", bar: ProgressBar) -> None:
    for source in event.sources:
        bar.say(f"{source}.")
    bar.say(f"{event.parameters:,} weights, computed on {event.device}.")
    if event.iteration:
        bar.say(f"Continuing after iteration {event.iteration}.")
    if not event.validated:
        bar.say("There are no validation frames, so the model cannot be validated.")
