"""The commands that list models and make some of published checkpoints."""

from pathlib import Path
from typing import Annotated

import typer

from fastershift.cli._errors import Debug, hand_on, reports_errors

__all__ = ["models_app"]

models_app = typer.Typer(help="Models that can be used.")


@models_app.callback()
@reports_errors
def models(context: typer.Context, debug: Debug = False) -> None:
    """List what each model is for, its scores and its terms of use."""
    from fastershift.rshn import list_models

    hand_on(context, debug=debug)
    if context.invoked_subcommand is not None:
        return
    for card in list_models():
        typer.echo(f"{card.name}: {card.summary}")
        for line in card.score_lines():
            typer.echo(f"  {line}")
        typer.echo(f"  Terms: {card.terms}")


@models_app.command("show")
@reports_errors
def show_model(
    model: Annotated[str, typer.Argument(help="Name of a model, or its file.")],
    debug: Debug = False,
) -> None:
    """Show the whole card of a model: what it has seen, its settings, its terms."""
    from fastershift.rshn import load_model

    card = load_model(model).card
    typer.echo(f"{card.name}: {card.summary}")
    recommended = ", ".join(
        f"{stage}.{name} = {value}"
        for stage, values in card.settings.items()
        for name, value in values.items()
    )
    lines = {
        "Has seen": card.training_data,
        "Cell diameter": f"{card.diameter:g} network pixels",
        "Recommended settings": recommended,
        "Scores": "; ".join(card.score_lines()),
        "Terms": card.terms,
        "Licence": card.licence,
        "Authors": ", ".join(card.authors),
        "Made by": card.command,
    }
    for title, text in lines.items():
        if text:
            typer.echo(f"  {title}: {text}")


@models_app.command("import")
@reports_errors
def import_model(
    checkpoint: Annotated[
        Path, typer.Argument(help="TensorFlow checkpoint: NAME.index beside its data.")
    ],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    diameter: Annotated[
        float | None, typer.Option(help="Cell diameter of the model in network pixels.")
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
