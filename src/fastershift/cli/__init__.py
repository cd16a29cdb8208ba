"""The command line: the same settings and pipeline as the widget.

Nothing is imported before `main` is called: who interrupts it meanwhile sees a
sentence.
"""

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastershift.cli._app import app

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fastershift.cli import _app

    return _app.app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end with its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        Instead of those of the process.
    """
    # Threads that wait for each other give their core away: on a busy machine, the one
    # that is waited for needs it. A short look before saves the way back on an idle
    # one. Read once, when torch is loaded.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    try:
        from fastershift.cli._app import app
    except KeyboardInterrupt:
        sys.stderr.write("fastershift: Interrupted: nothing was written.\n")
        sys.exit(130)
    app(arguments)
