"""Tables of cells: which column is which, whoever has written them."""

import csv
import itertools
from collections.abc import Iterable, Mapping, Sequence
from itertools import dropwhile
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastershift.errors import InputError
from fastershift.io._masks import whole_number
from fastershift.io._units import unit_named

__all__ = [
    "Columns",
    "Rows",
    "read_frames",
    "read_parents",
    "read_rows",
    "read_track_numbers",
]

Rows: TypeAlias = Sequence[Mapping[str, str]]
#: Our name of a column, and its title.
Columns: TypeAlias = Mapping[str, str]

#: What other programs call a column, in small letters; the first one counts.
_NAMES = {
    "track": ("track", "track_id", "trackid", "tracklet", "particle", "cell_id"),
    "frame": ("frame", "frame_i", "t", "position_t", "time"),
    "y": ("y", "position_y", "y_centroid", "pos_y"),
    "x": ("x", "position_x", "x_centroid", "pos_x"),
    "z": ("z", "position_z", "z_centroid", "pos_z"),
    "area": ("area",),
    "radius": ("radius",),
    "parent": ("parent", "parent_id", "parent_track_id"),
}
#: Of these one title alone may be there, or all must say the same: nothing tells which
#: place is in pixels.
_ONE = ("y", "x", "parent")
#: Columns that hold times, and what a time may be off, in steps.
_TIMES, _UNEVEN = ("time", "position_t"), 0.1
#: TrackMate explains its columns in three more lines.
_EXPLAINED = 3
#: Where measurements say what their lengths are in.
_LENGTHS = "length_unit"
#: Between values; spreadsheets take the second one where decimals have a comma, and the
#: third one in their Unicode text. In the first line they may name it.
_BETWEEN, _NAMED = (",", ";", "\t"), "sep="
#: How a table begins that is not in UTF-8, but in two bytes for each letter.
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
#: What stands for the track of a cell that is in none.
_NO_TRACK = ("", "none", "nan")


def read_rows(path: Path) -> tuple[Rows, Columns]:
    """Read a table, and tell which of its columns are which.

    Parameters
    ----------
    path : Path
        Values separated by commas, semicolons or tabs, and a line of titles. Numbers
        may have a decimal comma where commas separate nothing.

    Returns
    -------
    rows : sequence of mapping
        Text by title.
    column : mapping
        Title by our name of a column: track, frame, y and x, and what there is of z,
        area, radius and parent.

    Raises
    ------
    InputError
        When it cannot be read, lacks a column, has two that may be meant, or gives
        places in another unit than pixels.
    """
    try:
        lines = _lines(_decoded(path.read_bytes()))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}).") from error
    titles = lines[0] if lines else []
    rows = [_row(titles, line, path) for line in lines[1:] if any(line)]
    column = _columns(titles, rows, path)
    listed = list(dropwhile(lambda row: not _is_number(row[column["frame"]]), rows))
    explained = rows[: len(rows) - len(listed)]
    if len(explained) > _EXPLAINED:
        listed = rows  # these are cells that are not described by numbers
    _check_pixels(explained, listed, column, path)
    return listed, column


def _decoded(content: bytes) -> str:
    """Read a text as UTF-8, or as spreadsheets write it on Windows."""
    if content.startswith(_UTF_16):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _lines(text: str) -> list[list[str]]:
    """Cut a text into lines of values; decimal commas become points."""
    lines = text.splitlines()
    between = max(_BETWEEN, key=lines[0].count) if lines else _BETWEEN[0]
    if lines and lines[0].lower().startswith(_NAMED):
        between = lines.pop(0)[len(_NAMED) :][:1] or between
    titles, *values = list(csv.reader(lines, delimiter=between)) or [[]]
    if between != _BETWEEN[0]:
        values = [[text.replace(",", ".") for text in line] for line in values]
    return [titles, *values]


def _row(titles: Sequence[str], line: Sequence[str], path: Path) -> dict[str, str]:
    """Tell what stands where; a number with a comma would move all that follow."""
    if any(text.strip() for text in line[len(titles) :]):
        raise InputError(
            f"{path} has a line with more values than there are titles: "
            f"{','.join(line)[:80]}; write numbers with a point, and one value for "
            "each title."
        )
    filled = [*line, *[""] * (len(titles) - len(line))]
    return dict(zip(titles, filled, strict=False))


def _columns(titles: Sequence[str], rows: Rows, path: Path) -> Columns:
    alike = [title.strip().lower() for title in titles]
    column = {}
    for ours, names in _NAMES.items():
        found = [titles[alike.index(name)] for name in names if name in alike]
        if not found:
            continue
        twins = [title for title in titles if title.strip().lower() in names]
        doubled = [one for one in twins if alike.count(one.strip().lower()) > 1]
        if not doubled and ours in _ONE:
            first = [row[found[0]] for row in rows]
            differ = [one for one in found if [row[one] for row in rows] != first]
            doubled = [found[0], *differ] if differ else []
        if doubled:
            raise InputError(
                f"{path} has more than one column for {ours}: "
                f"{' and '.join(repr(one) for one in doubled)}; leave one of them."
            )
        column[ours] = found[0]
    missing = [name for name in ("track", "frame", "y", "x") if name not in column]
    if missing:
        raise InputError(
            f"{path} has no column {' and no column '.join(missing)}; a table of cells "
            "has the columns track, frame, y and x, in pixels."
        )
    return column


def _check_pixels(explained: Rows, rows: Rows, column: Columns, path: Path) -> None:
    """Refuse places in micrometres, where the table says that they are."""
    said = {row[column[side]].strip().strip("()") for row in explained for side in "yx"}
    said = {unit for unit in said if unit_named(unit) != "pixel"}
    said |= {row.get(_LENGTHS, "pixel") or "pixel" for row in rows} - {"pixel"}
    if said:
        raise InputError(
            f"{path} gives places in {min(said)}; a table of cells gives them in "
            "pixels."
        )


def read_track_numbers(texts: Iterable[str]) -> NDArray[np.int64]:
    """Read the tracks; a cell that is in none is a track of one frame.

    Raises
    ------
    ValueError
        For what is not a whole number.
    """
    known = [
        None if text.strip().lower() in _NO_TRACK else whole_number(text)
        for text in texts
    ]
    new = itertools.count(1 + max((one for one in known if one is not None), default=0))
    numbers = [next(new) if one is None else one for one in known]
    return np.array(numbers, np.int64)


def read_frames(rows: Rows, title: str) -> NDArray[np.int64]:
    """Read the frames; times are counted in steps of the shortest one.

    Raises
    ------
    ValueError
        For what is not a number, half frames, and uneven times.
    """
    texts = [row[title] for row in rows]
    if title.strip().lower() not in _TIMES:
        return np.array([whole_number(text) for text in texts], np.int64)
    times = np.array([float(text) for text in texts])
    steps = np.diff(np.unique(times))
    frames = times / (steps.min() if len(steps) else 1.0)
    if not np.all(np.abs(frames - np.round(frames)) < _UNEVEN):
        raise ValueError(f"the times in {title} are not multiples of one step")
    return np.round(frames).astype(np.int64)


def read_parents(
    texts: Iterable[str],
    tracks: NDArray[np.int64],
    frames: NDArray[np.int64],
    path: Path,
) -> dict[int, int]:
    """Read the parents of tracks; those that have none are left out.

    Parameters
    ----------
    texts : iterable of str
        The parent, for each cell: nothing, a number below those of all tracks, or the
        track itself where there is none.
    tracks, frames : (n,) int64
        Track and frame of each cell.
    path : Path
        The table, for the sentence.

    Returns
    -------
    dict
        Parent of each track that has one.

    Raises
    ------
    InputError
        When a track has two parents, or one that is not there before it.
    ValueError
        For what is not a whole number.
    """
    begins: dict[int, int] = {}
    for track, frame in zip(tracks.tolist(), frames.tolist(), strict=True):
        begins[track] = min(frame, begins.get(track, frame))
    lowest = min(1, *begins) if begins else 1
    parents: dict[int, int] = {}
    for track, text in zip(tracks.tolist(), texts, strict=True):
        parent = whole_number(text) if text.strip() else lowest - 1
        if parent < lowest or parent == track:
            continue
        if parents.setdefault(track, parent) != parent:
            wrong = f"and track {parents[track]} in another line; leave one of them"
        elif parent not in begins:
            wrong = "and holds no such track; add it, or leave the parent empty"
        elif begins[parent] >= begins[track]:
            wrong = "which is not seen before; correct it, or leave it empty"
        else:
            continue
        raise InputError(
            f"{path} names track {parent} as the parent of track {track}, {wrong}."
        )
    return parents


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
