"""Small tables and pictures: one file that appears whole or not at all."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastershift.io._atomic import replacing_files

__all__ = ["write_file", "write_table"]


def _is_file(path: Path) -> bool:
    return path.is_file()


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
    path = Path(path).expanduser()
    with replacing_files([path], overwrite=True, is_result=_is_file) as folder:
        (folder / path.name).write_bytes(content)
    return path


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
    path = Path(path).expanduser()
    with (
        replacing_files([path], overwrite=True, is_result=_is_file) as folder,
        (folder / path.name).open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(
            file, columns, lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(rows)
    return path
