"""The command line: the same settings and pipeline as the widget."""

from fastershift.cli._app import app, main

__all__ = ["app", "main"]
