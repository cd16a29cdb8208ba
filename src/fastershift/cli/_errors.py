"""What all commands share: how errors are reported, and two options."""

import errno
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, NoReturn, TypeVar, cast

import typer

from fastershift.errors import FastershiftError, InputError, is_shortage

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
        except (typer.Exit, BrokenPipeError):
            # Typer ends in silence when nobody reads on, as in models | head.
            raise
        except Exception as error:
            if options["debug"]:
                raise
            stop(_describe(error), 1)

    return cast("_Command", guarded)


def _describe(error: Exception) -> str:
    """Write a sentence about an error that no room foresaw."""
    if is_shortage(error):
        return (
            "The memory of this machine, or what is allowed of it, is not enough; "
            "close other programs, or use a machine with more."
        )
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"The name {error.filename} is too long for this disk; shorten it."
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror.lower()}."
    reason = f"{type(error).__name__}: {error}"
    return f"Something unexpected went wrong ({reason}); --debug shows more."


def stop(sentence: str, code: int) -> NoReturn:
    """Say a sentence and end with an exit code."""
    typer.echo(f"fastershift: {sentence}", err=True)
    raise typer.Exit(code)
