"""The command that learns from a few annotated cells."""

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastershift.cli._errors import Debug, Overwrite, reports_errors, stop
from fastershift.cli._options import Axes, Plane, Position
from fastershift.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastershift.training import Learned

__all__ = ["learn"]


class _Unmarked(StrEnum):
    """What 0 means in marks without any -1."""

    background = "background"
    unknown = "unknown"


# What did best, in words.
_WAYS = {
    "as it was": "the model it started from does best; only the diameter is learned",
    "settings": "other values of the settings",
    "head": "a head over the network",
    "network": "the network itself has learned",
}


def _follow(
    steps: "Iterator[Learned | None]", output: Path, authors: tuple[str, ...]
) -> None:
    """Write each model that is better than the one before, and say how good it is."""
    written = False
    try:
        for step in steps:
            if step is None:
                continue
            _write(step, output, authors)
            written = True
            typer.echo(
                f"After {step.seconds:.0f} s: agreement with marks kept out "
                f"{step.quality:.2f}, before {step.before:.2f} ({_WAYS[step.way]}).",
                err=True,
            )
    except KeyboardInterrupt:
        if not written:
            raise
        stop(f"Interrupted: the model learned so far is in {output}.", 130)


def _write(step: "Learned", path: Path, authors: tuple[str, ...]) -> None:
    from fastershift.training import save_or_keep

    command = shlex.join(["fastershift", *sys.argv[1:]])
    model = step.model
    card = model.card.model_copy(update={"authors": authors, "command": command})
    save_or_keep(model.network, card, path, head=model.head)


@reports_errors
def learn(
    movie: Annotated[str, typer.Argument(help="The movie: a file or a folder.")],
    marks: Annotated[
        str,
        typer.Argument(
            help="Labels of its shape: above 0 a cell, 0 background, -1 unknown."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The model (.safetensors).")
    ],
    model: Annotated[
        str, typer.Option(help="Model to start from: a name or a file.")
    ] = "auto",
    unmarked: Annotated[
        _Unmarked | None,
        typer.Option(help="What 0 means in marks without any -1."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="How long; 0 does not train the network. [default: 2]"),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(help="Iterations that the network learns, instead of minutes."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    author: Annotated[
        list[str] | None, typer.Option(help="Author of the model; may be repeated.")
    ] = None,
    axes: Axes = None,
    channel: Annotated[
        str | None, typer.Option(help="Channel of the movie, from 0, or grey.")
    ] = None,
    plane: Plane = None,
    position: Position = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Learn from a few cells that are marked in a movie, within seconds."""
    from fastershift.io import read_movie
    from fastershift.pipeline import open_masks
    from fastershift.rshn import load_model
    from fastershift.training import Learner, check_model_output, read_annotations

    if minutes is not None and iterations is not None:
        raise InputError("Give either --minutes or --iterations, not both.")
    if min(minutes or 0, iterations or 0) < 0:
        raise InputError("Minutes and iterations must not be negative.")
    check_model_output(output)
    if output.exists() and not overwrite:
        raise InputError(
            f"{output} exists already; choose another name or replace it (--overwrite)."
        )
    frames = read_movie(
        movie, axes=axes, channel=channel, plane=plane, position=position
    )
    annotations = read_annotations(
        frames,
        open_masks(Path(marks), movie=frames),
        None if unmarked is None else unmarked.value,
    )
    learner = Learner(
        frames,
        load_model(model),
        name=output.stem,
        movie_name=Path(movie).name,
        seed=seed,
        device=device,
    )
    if iterations is None and minutes is None:
        minutes = 2.0
    steps = learner.learn(annotations, minutes=minutes, iterations=iterations)
    _follow(steps, output, tuple(author or ()))
    typer.echo(f"Model learned from {annotations.n_cells} cells: {output}")
