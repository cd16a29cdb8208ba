"""The small text files of a result: settings, report and corrections."""

import csv
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastershift.config import save_settings
from fastershift.errors import InputError
from fastershift.io._atomic import MADE_BY
from fastershift.io._saved_result import REPORT_COLUMNS, SavedResult, settings_of

__all__ = ["EXTRAS", "is_extra", "read_extras", "write_extras"]

_SETTINGS, _REPORT, _CORRECTIONS = "settings.toml", "report.csv", "corrections.json"
#: Names of the files.
EXTRAS = (_SETTINGS, _REPORT, _CORRECTIONS)
# Editors of Windows begin a file with a mark.
_ENCODING = "utf-8-sig"


def write_extras(folder: Path, prefix: str, result: SavedResult) -> None:
    """Write those files of which there is something to write.

    Parameters
    ----------
    folder : Path
        Where.
    prefix : str
        Begins the name of each file.
    result : SavedResult
        Of which labels and tracks are not written.
    """
    if result.corrections is not None:
        text = json.dumps(dict(result.corrections), separators=(",", ":"))
        (folder / f"{prefix}{_CORRECTIONS}").write_text(text, encoding="ascii")
    if result.reports:
        _write_report(folder / f"{prefix}{_REPORT}", result.reports)
    settings = result.settings or result.lost_settings
    if settings:
        path = folder / f"{prefix}{_SETTINGS}"
        made = {"fastershift": MADE_BY.split()[1], **result.provenance}
        save_settings(settings, path, made)


def _write_report(path: Path, reports: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        # Layers and Zarr keep more about a frame than the table has columns.
        writer = csv.DictWriter(
            file, REPORT_COLUMNS, lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(reports)


def is_extra(path: Path) -> bool:
    """Tell whether `write_extras` has written a file, going by what stands in it."""
    if not path.name.endswith(tuple(EXTRAS)):
        return False
    try:
        text = path.read_text(encoding=_ENCODING)
        if path.name.endswith(_SETTINGS):
            return "fastershift" in tomllib.loads(text).get("provenance", {})
        if path.name.endswith(_REPORT):
            return _is_report(text.partition("\n")[0].split(","))
        return "history" in json.loads(text)
    except (OSError, ValueError, TypeError):
        return False


def read_extras(folder: Path, prefix: str) -> dict[str, Any]:
    """Read what `write_extras` has written.

    Parameters
    ----------
    folder, prefix
        As for `write_extras`.

    Returns
    -------
    dict
        Arguments of `SavedResult`: ``reports``, ``settings`` or ``lost_settings``,
        ``provenance`` and ``corrections``. A report of other columns is left out.

    Raises
    ------
    InputError
        When one of them cannot be read.
    """
    return {
        **_read_settings(folder / f"{prefix}{_SETTINGS}"),
        "reports": _read_report(folder / f"{prefix}{_REPORT}"),
        "corrections": _read_corrections(folder / f"{prefix}{_CORRECTIONS}"),
    }


def _read_settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding=_ENCODING))
    except (OSError, ValueError) as error:
        raise _unreadable("settings", path) from error
    provenance = values.pop("provenance", {})
    known = provenance if isinstance(provenance, dict) else {}
    return {**settings_of(values), "provenance": known}


def _read_report(path: Path) -> list[Mapping[str, Any]]:
    if not path.is_file():
        return []
    try:
        with path.open(encoding=_ENCODING, newline="") as file:
            table = csv.DictReader(file, restval="lost")  # no number, so it is told
            if not _is_report(table.fieldnames or ()):
                return []
            return [{name: _number(row[name]) for name in row} for row in table]
    except (OSError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise _unreadable("report", path) from error


def _is_report(columns: Sequence[str]) -> bool:
    """Tell whether a table is a report; former ones lack the quality, the last."""
    return tuple(columns) in (REPORT_COLUMNS, REPORT_COLUMNS[:-1])


def _number(text: str) -> int | float | None:
    if not text:
        return None
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def _read_corrections(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        return dict(json.loads(path.read_text(encoding=_ENCODING)))
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable("corrections", path) from error


def _unreadable(what: str, path: Path) -> InputError:
    return InputError(
        f"The {what} in {path} cannot be read; the labels can be opened without them "
        "if you remove that file."
    )
