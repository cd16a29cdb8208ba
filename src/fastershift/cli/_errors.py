"""What all commands share: how errors are reported, and two options."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Annotated, Any, NoReturn, TypeVar, cast

import typer

from fastershift.errors import FastershiftError, InputError, explain, is_shortage

__all__ = ["Debug", "Overwrite", "hand_on", "reports_errors", "stop"]

_Command = TypeVar("_Command", bound=Callable[..., None])

Debug = Annotated[bool, typer.Option("--debug", help="Show where an error occurred.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing result.")
]


def hand_on(context: typer.Context, *, debug: bool) -> None:
    """Give --debug, where it stands before the name of a command, to that command."""
    if debug and context.invoked_subcommand is not None:
        context.default_map = {context.invoked_subcommand: {"debug": True}}


def reports_errors(command: _Command) -> _Command:
    """Turn the errors of a command into one sentence and an exit code."""

    @wraps(command)
    def guarded(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt:
            stop("Interrupted: nothing was written.", 130)
        except FastershiftError as error:
            if options["debug"]:
                raise
            sentence = _with_options(error, options)
            stop(sentence, 2 if isinstance(error, InputError) else 1)
        except (typer.Exit, BrokenPipeError):
            # Typer ends in silence when nobody reads on, as in models | head.
            raise
        except Exception as error:
            if options["debug"]:
                raise
            foreseen = isinstance(error, OSError) or is_shortage(error)
            more = "" if foreseen else " --debug shows where."
            stop(explain(error) + more, 1)

    return cast("_Command", guarded)


def _with_options(error: FastershiftError, known: Collection[str]) -> str:
    """Name the options that a sentence asks for, as far as the command has them."""
    sentence = str(error)
    flags = [
        f"--{name.replace('_', '-')}" + (f" {value}" if value is not True else "")
        for name, value in error.options.items()
        if name in known
    ]
    if not flags:
        return sentence
    return f"{sentence.removesuffix('.')} ({', or '.join(flags)})."


def stop(sentence: str, code: int) -> NoReturn:
    """Say a sentence and end with an exit code."""
    typer.echo(f"fastershift: {sentence}", err=True)
    raise typer.Exit(code)
