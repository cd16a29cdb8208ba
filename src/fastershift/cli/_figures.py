"""Figures that a command also writes as JSON."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["check_figures", "write_figures"]


def check_figures(
    path: Path | None, are_former: Callable[[Mapping[str, Any]], bool]
) -> None:
    """Make sure, before any work, that figures can be written.

    Parameters
    ----------
    path : Path or None
        Where they are to go; None for nowhere.
    are_former : callable
        Tells former figures, which may be replaced, from any other JSON.

    Raises
    ------
    InputError
        When the place holds anything else.
    FastershiftError
        When nothing can be written there.
    """
    from fastershift.io import check_file

    def are_figures(found: Path) -> bool:
        try:
            figures = json.loads(found.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return False
        return isinstance(figures, dict) and are_former(figures)

    if path is not None:
        check_file(path, are_figures)


def write_figures(path: Path | None, figures: Mapping[str, Any]) -> None:
    """Write figures; the file appears whole or not at all."""
    from fastershift.io import write_file

    if path is not None:
        write_file(path, json.dumps(figures, indent=2).encode())
