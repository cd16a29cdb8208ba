"""The table of measurements as a file, written while it is made."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fastershift.errors import InputError, import_extra
from fastershift.io import check_file, replacing_files
from fastershift.measure._cells import FrameTable
from fastershift.measure._columns import Column, are_titles

__all__ = ["check_table", "write_measurements"]

_SUFFIXES = (".csv", ".parquet")
_MADE_BY = b"fastershift"
#: Rows that are written together: as many as a reader likes to find in one piece.
_TOGETHER = 50_000


def write_measurements(
    path: str | Path,
    tables: Iterable[FrameTable],
    columns: Sequence[Column],
    *,
    overwrite: bool = False,
) -> Path:
    """Write measurements; the file appears whole or not at all.

    Parameters
    ----------
    path : str or Path
        Ends in .csv or .parquet (extra ``parquet``).
    tables : iterable of dict
        From `measure_frames`; each is written before the next is asked for.
    columns : sequence of Column
        What is written, in this order.
    overwrite : bool
        Replace former measurements; anything else is never replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        For another suffix, without pyarrow, and when ``path`` is taken.
    FastershiftError
        When it cannot be written.
    """
    path = Path(os.path.expanduser(path))
    write = _write_parquet if _is_parquet(path) else _write_csv
    with replacing_files([path], overwrite, _is_measured) as folder:
        write(folder / path.name, tables, columns)
    return path


def check_table(path: Path) -> None:
    """Make sure, before a long run, that measurements can go where they are to go.

    Parameters
    ----------
    path : Path
        As for `write_measurements`; former measurements may be replaced.

    Raises
    ------
    InputError
        For another suffix, without pyarrow, and when ``path`` holds anything else.
    FastershiftError
        When nothing can be written there.
    """
    _is_parquet(path)
    check_file(path, _is_measured)


def _is_parquet(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InputError(
            f"Measurements cannot be written as {path.name}; use a name that ends in "
            f"{' or '.join(_SUFFIXES)}."
        )
    if suffix == ".csv":
        return False
    _import_pyarrow()
    return True


def _import_pyarrow() -> ModuleType:
    need = "Parquet files need one more package; install it"
    instead = ", or use a name that ends in .csv"
    import_extra("pyarrow.parquet", "parquet", need, instead)
    return import_extra("pyarrow", "parquet", need, instead)


def _is_measured(path: Path) -> bool:
    """Tell a former table by its columns."""
    try:
        if path.suffix.lower() == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                return are_titles(next(csv.reader(file), []))
        schema = _import_pyarrow().parquet.read_schema(path)
        return _MADE_BY in (schema.metadata or {})
    except (OSError, ValueError, csv.Error):
        return False


def _cell_text(value: Any) -> Any:
    """Leave what is not known empty, as spreadsheets and R read it."""
    return "" if isinstance(value, float) and np.isnan(value) else value


def _write_csv(
    path: Path, tables: Iterable[FrameTable], columns: Sequence[Column]
) -> None:
    names = [column.name for column in columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for table in tables:
            listed = [map(_cell_text, table[name].tolist()) for name in names]
            writer.writerows(zip(*listed, strict=True))


def _write_parquet(
    path: Path, tables: Iterable[FrameTable], columns: Sequence[Column]
) -> None:
    arrow = _import_pyarrow()
    kinds = [
        arrow.string()
        if column.quantity == "text"
        else arrow.int64()
        if column.whole
        else arrow.float64()
        for column in columns
    ]
    fields = [
        arrow.field(column.name, kind, metadata={"definition": column.definition})
        for column, kind in zip(columns, kinds, strict=True)
    ]
    schema = arrow.schema(fields, metadata={_MADE_BY: b"measurements"})
    with arrow.parquet.ParquetWriter(path, schema) as writer:
        for joined in _joined(tables, columns):
            arrays = [
                arrow.array(joined[column.name], kind, from_pandas=True)
                for column, kind in zip(columns, kinds, strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))


def _joined(
    tables: Iterable[FrameTable], columns: Sequence[Column]
) -> Iterator[FrameTable]:
    """Put the tables of several frames together."""
    held: list[FrameTable] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += len(table["track"])
        if rows >= _TOGETHER:
            yield _stacked(held, columns)
            held, rows = [], 0
    if held:
        yield _stacked(held, columns)


def _stacked(tables: Sequence[FrameTable], columns: Sequence[Column]) -> FrameTable:
    return {
        column.name: np.concatenate([table[column.name] for table in tables])
        for column in columns
    }
