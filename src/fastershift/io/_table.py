"""Small tables and pictures: one file that appears whole or not at all."""

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from fastershift.io._atomic import (
    MADE_BY,
    check_free,
    check_writable,
    replacing_files,
)

__all__ = [
    "check_file",
    "is_own_picture",
    "write_file",
    "write_picture",
    "write_table",
]

_SOFTWARE = "Software"


def _is_file(path: Path) -> bool:
    return path.is_file()


def check_file(path: str | Path, is_former: Callable[[Path], bool]) -> None:
    """Make sure, before long work, that a file can be written where it is to go.

    Parameters
    ----------
    path : str or Path
        As for `write_file`.
    is_former : callable
        Tells whether a file is a former one of its kind, which may be replaced.

    Raises
    ------
    InputError
        When anything else lies there.
    FastershiftError
        When nothing can be written there.
    """
    path = Path(os.path.expanduser(path))
    check_free([path], overwrite=True, is_result=is_former)
    check_writable(path)


def write_file(path: str | Path, content: bytes) -> Path:
    """Write a file; one that is there already is replaced.

    Parameters
    ----------
    path : str or Path
        Where it goes; missing folders are made.
    content : bytes
        All of it.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    InputError
        When the path is a folder that holds something.
    FastershiftError
        When it cannot be written; a former file is then as before.
    """
    path = Path(os.path.expanduser(path))
    with replacing_files([path], overwrite=True, is_result=_is_file) as folder:
        (folder / path.name).write_bytes(content)
    return path


def write_picture(path: str | Path, pixels: NDArray[np.uint8]) -> Path:
    """Write a picture as PNG that says who has made it.

    Parameters
    ----------
    path : str or Path
        As for `write_file`; a former picture that `is_own_picture` is replaced.
    pixels : (Y, X, 3) uint8
        Colours.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    InputError
        When anything else lies there.
    FastershiftError
        As `write_file`.
    """
    check_file(path, is_own_picture)
    said, content = PngImagePlugin.PngInfo(), BytesIO()
    said.add_text(_SOFTWARE, MADE_BY)
    Image.fromarray(pixels).save(content, "PNG", pnginfo=said)
    return write_file(path, content.getvalue())


def is_own_picture(path: Path) -> bool:
    """Tell a picture that `write_picture` has written from any other file."""
    try:
        with Image.open(path) as image:
            said = str(image.info.get(_SOFTWARE, ""))
    except (OSError, ValueError, SyntaxError):
        return False
    return said.split(" ")[0] == MADE_BY.split(" ")[0]


def write_table(
    path: str | Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> Path:
    """Write rows as comma-separated values with a line of titles.

    Parameters
    ----------
    path : str or Path
        As for `write_file`.
    rows : sequence of mapping
        One value by the name of its column; what is missing stays empty.
    columns : sequence of str
        What is written, in this order.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    InputError, FastershiftError
        As `write_file`.
    """
    path = Path(os.path.expanduser(path))
    with (
        replacing_files([path], overwrite=True, is_result=_is_file) as folder,
        (folder / path.name).open(
            "w", encoding="utf-8", errors="replace", newline=""
        ) as file,
    ):
        writer = csv.DictWriter(
            file, columns, lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(rows)
    return path
