"""What all commands share: how errors are reports_errors, and two options."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, NoReturn, TypeVar, cast

import typer

from fastershift.errors import FastershiftError, InputError

__all__ = ["Debug", "Overwrite", "reports_errors", "stop"]

_Command = TypeVar("_Command", bound=Callable[..., None])

Debug = Annotated[bool, typer.Option("--debug", help="Show where an error occurred.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing result.")
]


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
            stop(str(error), 2 if isinstance(error, InputError) else 1)
        except typer.Exit:
            raise
        except Exception as error:
            if options["debug"]:
                raise
            reason = f"{type(error).__name__}: {error}"
            stop(f"Something unexpected went wrong ({reason}); --debug shows more.", 1)

    return cast("_Command", guarded)


def stop(sentence: str, code: int) -> NoReturn:
    """Say a sentence and end with an exit code."""
    typer.echo(f"fastershift: {sentence}", err=True)
    raise typer.Exit(code)
