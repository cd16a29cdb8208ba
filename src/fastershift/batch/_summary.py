"""The summary of a batch: the outcome of every movie, as a table and as a page."""

import csv
import html
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage.segmentation import mark_boundaries

from fastershift.batch._outcome import Outcome
from fastershift.io import check_file, fitting_name, write_file, write_table

__all__ = ["SUMMARY_NAMES", "Summary", "thumbnail"]

#: Longest side of a thumbnail in pixels.
_SIDE = 192
_NOTE = "request"
#: An empty file that is as old as the beginning of doing all movies anew.
_ANEW = ".anew"
_RECORDS, _TABLE, _PAGE = SUMMARY_NAMES = ("summary", "summary.csv", "summary.html")
_TITLE = "<title>fastershift: "
_COLUMNS = {
    "movie": "Movie",
    "frames": "Frames",
    "first_cells": "Cells, first frame",
    "last_cells": "Cells, last frame",
    "tracks": "Tracks",
    "divisions": "Divisions",
    "doubtful": "Doubtful places",
    "model": "Model",
    "diameter": "Diameter (px)",
    "expected_f1": "Expected F1",
    "seconds": "Time (s)",
}
#: What an outcome has several of.
_LISTS = ("places", "notes", "measured")
_STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:2em;color:#222}"
    "table{border-collapse:collapse}td,th{padding:.35em .8em;text-align:right;"
    "border-bottom:1px solid #ddd;vertical-align:middle}td:nth-child(-n+2),"
    "th:nth-child(-n+2){text-align:left}img{display:block;max-width:192px}"
    ".failed td{background:#fbeaea;text-align:left}summary{cursor:pointer}"
)


class Summary:
    """Keeps a record of every movie below the folder of the results.

    Parameters
    ----------
    folder : Path
        Where the results are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._records = self.folder / _RECORDS

    def begin(self, request: Mapping[str, str], *, anew: bool = False) -> bool:
        """Note what is asked for; tell whether it is what was asked for before.

        What is empty was not known, then or now, and agrees with anything.

        Parameters
        ----------
        request : mapping
            Hashes of all that results depend on.
        anew : bool
            Whether all movies are done anew. Where that was begun before and not ended,
            it goes on, see `is_outdated`.

        Returns
        -------
        bool

        Raises
        ------
        InputError
            When files of the user have the names of those that are to be written.
        FastershiftError
            When nothing can be written there.
        """
        former = dict(request)
        if (self._records / _NOTE).exists():
            former = _read_json(self._records / _NOTE)
        else:
            check_file(self._records, lambda _: False)
        check_file(self.folder / _TABLE, _is_table)
        check_file(self.folder / _PAGE, _is_page)
        known = [name for name in former.keys() & request.keys() if former[name]]
        same = former.keys() == request.keys() and all(
            request[name] in ("", former[name]) for name in known
        )
        if same:
            self._note({name: former[name] or request[name] for name in former}, anew)
        return same

    def restart(self, request: Mapping[str, str], *, anew: bool = False) -> None:
        """Forget all movies, and note what is asked for now, as `begin`."""
        for record in self._records.rglob("*.json"):
            if _outcome(record) is not None:
                record.unlink()
                record.with_suffix(".png").unlink(missing_ok=True)
        self._note(request, anew)

    def end(self) -> None:
        """Note that no movie is left that is to be done anew."""
        (self._records / _ANEW).unlink(missing_ok=True)

    def _note(self, request: Mapping[str, str], anew: bool) -> None:
        write_file(self._records / _NOTE, json.dumps(dict(request), indent=1).encode())
        if not anew:
            self.end()
        elif not (self._records / _ANEW).exists():
            write_file(self._records / _ANEW, b"")

    def put(self, outcome: Outcome, picture: bytes | None = None) -> None:
        """Keep the record of a movie, and its thumbnail."""
        if picture is not None:
            write_file(self._file(outcome.movie, ".png"), picture)
        text = json.dumps(outcome.as_dict(), indent=1)
        write_file(self._file(outcome.movie, ".json"), text.encode())

    def get(self, movie: str) -> Outcome | None:
        """Return the record of a movie, if there is one that can be read."""
        return _outcome(self._file(movie, ".json"))

    def is_up_to_date(self, movie: str, result: Path) -> bool:
        """Tell whether the record of a movie is not older than its result."""
        record = self._file(movie, ".json")
        return record.stat().st_mtime_ns >= result.stat().st_mtime_ns

    def is_outdated(self, movie: str) -> bool:
        """Tell whether all movies are done anew, and this one was not since then."""
        anew, record = self._records / _ANEW, self._file(movie, ".json")
        # Times of two files, because the clock of a network drive may be another.
        return anew.exists() and record.stat().st_mtime_ns <= anew.stat().st_mtime_ns

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Write summary.csv and summary.html."""
        rows = sorted(outcomes, key=_worst_first)
        columns = [one.name for one in fields(Outcome)]
        table = [
            row.as_dict() | {name: "; ".join(getattr(row, name)) for name in _LISTS}
            for row in rows
        ]
        write_table(self.folder / _TABLE, table, columns)
        write_file(self.folder / _PAGE, self._page(rows).encode(errors="replace"))

    def _file(self, movie: str, suffix: str) -> Path:
        path = self._records / movie
        return path.with_name(fitting_name(path.name, suffix))

    def _page(self, rows: list[Outcome]) -> str:
        failed = sum(row.status == "failed" for row in rows)
        movies = "1 movie" if len(rows) == 1 else f"{len(rows)} movies"
        heads = "".join(f"<th>{text}</th>" for text in _COLUMNS.values())
        body = "\n".join(map(self._row, rows))
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f"{_TITLE}{movies}</title><style>{_STYLE}</style>"
            f"</head><body>\n<h1>{movies}, {failed} failed</h1>\n<table>"
            f"<thead><tr><th></th>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>"
            "</table></body></html>\n"
        )

    def _row(self, outcome: Outcome) -> str:
        movie = html.escape(outcome.movie)
        if outcome.status == "failed":
            return (
                f'<tr class="failed"><td></td><td>{movie}</td>'
                f'<td colspan="{len(_COLUMNS) - 1}">{html.escape(outcome.sentence)}'
                "</td></tr>"
            )
        picture = self._file(outcome.movie, ".png")
        source = quote(os.fsencode(picture.relative_to(self.folder).as_posix()))
        image = f'<img src="{source}" alt="">' if picture.exists() else ""
        cells = []
        for name in _COLUMNS:
            value = getattr(outcome, name)
            text = "" if value is None else html.escape(str(value))
            if name == "doubtful" and outcome.places:
                places = "<br>".join(map(html.escape, outcome.places))
                text = f"<details><summary>{text}</summary>{places}</details>"
            elif name == "movie":
                notes = map(html.escape, outcome.notes)
                text = "<br>".join((text, *(f"<small>{one}</small>" for one in notes)))
            cells.append(f"<td>{text}</td>")
        return f"<tr><td>{image}</td>{''.join(cells)}</tr>"


def _read_json(path: Path) -> dict[str, Any]:
    """Read what is kept; empty where it is damaged or not there."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _outcome(path: Path) -> Outcome | None:
    values = _read_json(path)
    lists = {name: values.get(name, []) for name in _LISTS}
    if not _are_fields(values) or not all(isinstance(v, list) for v in lists.values()):
        return None
    return Outcome(**values | {name: tuple(v) for name, v in lists.items()})


def _are_fields(names: Collection[str]) -> bool:
    """Tell what is known of a movie from anything else; former versions knew less."""
    known = {one.name for one in fields(Outcome)}
    return {"movie", "status", "sentence", "output"} <= set(names) <= known


def _is_table(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            titles = next(csv.reader(file), [])
    except (OSError, ValueError, csv.Error):
        return False
    return _are_fields(titles)


def _is_page(path: Path) -> bool:
    try:
        return _TITLE in path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _worst_first(outcome: Outcome) -> tuple[float, str]:
    """Failed movies come first, then those whose cells are least to be trusted."""
    if outcome.status == "failed":
        return -1.0, outcome.movie
    known = outcome.expected_f1
    return 1.0 if known is None else known, outcome.movie


def thumbnail(frame: npt.NDArray[np.generic], labels: npt.NDArray[np.int32]) -> bytes:
    """Draw the outlines of the cells into a small picture.

    Parameters
    ----------
    frame : (Y, X) array
        Intensities.
    labels : (Y, X) int32
        Cells.

    Returns
    -------
    bytes
        A PNG.
    """
    step = max(1, -(-max(frame.shape) // _SIDE))
    small = np.nan_to_num(frame[::step, ::step].astype(np.float64))
    low, high = np.percentile(small, (0.5, 99.5))
    grey = np.clip((small - low) / max(high - low, 1e-12), 0, 1)
    drawn = mark_boundaries(
        grey, labels[::step, ::step], color=(1, 0.75, 0), mode="inner"
    )
    content = BytesIO()
    Image.fromarray((drawn * 255).astype(np.uint8)).save(content, "PNG")
    return content.getvalue()
