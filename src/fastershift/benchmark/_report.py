"""Tables as text, CSV and pictures; the record of a suite on disk."""

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastershift.benchmark._chart import can_draw, save_plot
from fastershift.benchmark._suite import BenchmarkOptions, Cell, SuiteResult, Table

__all__ = ["read_record", "table_text", "write_record"]

_RECORD = "record.json"
#: What every record tells.
_TOLD = {"machine", "quick", "seconds", "summary", "tables", "plots"}


def table_text(table: Table) -> str:
    """Set a table in columns of plain text that Markdown understands, too."""
    rows = [[_shown(cell) for cell in row] for row in table.rows]
    lines = [list(table.columns), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [
        any(isinstance(row[i], int | float) for row in table.rows)
        for i in range(len(table.columns))
    ]
    texts = [
        "| "
        + " | ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        + " |"
        for line in lines
    ]
    rule = "|".join(
        "-" * (width + 1) + (":" if right else "-")
        for width, right in zip(widths, numeric, strict=True)
    )
    return "\n".join([table.title, "", texts[0], f"|{rule}|", *texts[1:]])


def _shown(cell: Cell) -> str:
    """Three significant figures for what is measured, all of them for counts."""
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return str(cell)


def write_record(
    folder: Path,
    result: SuiteResult,
    *,
    machine: Mapping[str, Any],
    options: BenchmarkOptions,
    seconds: float,
) -> None:
    """Write all a suite measured: a record, a CSV a table, an SVG a plot.

    Without matplotlib there are no plots; the record holds what they show.

    Parameters
    ----------
    folder : Path
        Of this suite; the files of a former record in it are replaced, and no others.
    result : SuiteResult
        What was measured.
    machine : mapping
        What `describe_machine` says.
    options : BenchmarkOptions
        How the suite was run.
    seconds : float
        What the suite took.

    Raises
    ------
    InputError
        When something else has the name of one of the files.
    FastershiftError
        When it cannot be written.
    """
    # Not above: windows that are timed import this package.
    from fastershift.io import replacing_files

    told = {"machine": machine, "seconds": round(seconds, 1)}
    record = told | options.recorded() | asdict(result)
    former = _files(read_record(folder))
    paths = [folder / name for name in dict.fromkeys([*_files(record), *former])]
    with replacing_files(paths, True, lambda path: path.name in former) as fresh:
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (fresh / _RECORD).write_text(text, encoding="utf-8")
        for table in result.tables:
            path = fresh / f"{_file_name(table.title)}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([table.columns, *table.rows])
        for plot in result.plots if can_draw() else ():
            save_plot(plot, fresh / f"{_file_name(plot.title)}.svg")


def read_record(folder: Path) -> dict[str, Any] | None:
    """Read what `write_record` wrote; None if there is nothing."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.keys() >= _TOLD else None


def _files(record: Mapping[str, Any] | None) -> list[str]:
    """Name the files of a record, its own first; none where there is no record."""
    if record is None:
        return []
    tables, plots = (
        [f"{_file_name(one['title'])}{suffix}" for one in record[kind]]
        for kind, suffix in (("tables", ".csv"), ("plots", ".svg"))
    )
    return [_RECORD, *tables, *plots]


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
