"""A result as two tables: cells with their places, and links between them."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastershift.errors import InputError
from fastershift.io._atomic import real_path, replacing_files
from fastershift.io._graph import (
    DrawnCell,
    check_flat,
    draw_result,
    frame_around,
    links_of_tracks,
)
from fastershift.io._outlines import outlined_cells
from fastershift.io._saved_result import SavedResult
from fastershift.io.formats._cells_table import (
    read_frames,
    read_parents,
    read_rows,
    read_track_numbers,
)
from fastershift.io.formats._format import Format

__all__ = ["CsvFormat"]

_END = "_links"
_CELLS = ("track", "frame", "y", "x", "area", "parent")
_LINKS = ("from_track", "from_frame", "to_track", "to_frame")
#: Radius in pixels of a cell of which only the place is known.
_RADIUS = 5.0


class CsvFormat(Format):
    """``NAME.csv``, a row for each cell of each frame, and ``NAME_links.csv``."""

    suffixes = (".csv",)

    def files(self, path: Path) -> list[Path]:
        """Return both tables.

        Raises
        ------
        InputError
            When one of them would lie where another result has the other.
        """
        links = path.with_name(f"{path.stem}{_END}.csv")
        cells = path.with_name(f"{path.stem.removesuffix(_END)}{path.suffix}")
        for other in (links, cells):
            if other != path and self.recognises(other) and _titles(other) == _CELLS:
                raise InputError(
                    f"{other} is a result of its own, and one of its tables would have "
                    f"the name of one of those of {path.name}; choose another name."
                )
        return [path, links]

    def is_result(self, path: Path) -> bool:
        """Tell a former result from any other table, by its titles."""
        return self.recognises(path) and _titles(path) in (_CELLS, _LINKS)

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write both tables; see `Format.write`."""
        path = real_path(path)
        cells, links = self.files(path)
        parents = {track: parent for track, _, _, parent in result.tracks}
        places: list[tuple[int, int]] = []
        with replacing_files([cells, links], overwrite, self.is_result) as folder:
            with _opened(folder / cells.name) as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(_CELLS)
                for t in range(len(result.labels)):
                    for cell in outlined_cells(np.asarray(result.labels[t])):
                        places.append((cell.track, t))
                        place = f"{cell.y:.6g}", f"{cell.x:.6g}"
                        parent = parents.get(cell.track, 0)
                        writer.writerow((cell.track, t, *place, cell.area, parent))
            known = np.array(places, np.int64).reshape(-1, 2)
            found = links_of_tracks(known[:, 0], known[:, 1], result.tracks)
            with _opened(folder / links.name) as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(_LINKS)
                writer.writerows(known[found].reshape(-1, 4).tolist())

    def read(self, path: Path) -> SavedResult:
        """Read the places of cells, and draw a disc at each; see `Format.read`.

        Of tables that others have written, the columns track, frame, y and x are
        needed, by any usual name.
        """
        rows, column = read_rows(path)
        parents: dict[int, int] = {}
        try:
            tracks = read_track_numbers(row[column["track"]] for row in rows)
            frames = read_frames(rows, column["frame"])
            if "z" in column:
                check_flat([float(row[column["z"]] or 0) for row in rows], path)
            if "parent" in column:
                given = [row[column["parent"]] for row in rows]
                parents = read_parents(given, tracks, frames, path)
            if len(tracks) and tracks.min() < 1:
                # Others count from 0, and 0 is background here.
                shift = 1 - int(tracks.min())
                parents = {
                    track + shift: parent + shift for track, parent in parents.items()
                }
                tracks = tracks + shift
            cells = [
                DrawnCell(
                    frame,
                    track,
                    float(row[column["y"]]),
                    float(row[column["x"]]),
                    _radius(row, column),
                )
                for row, frame, track in zip(
                    rows, frames.tolist(), tracks.tolist(), strict=True
                )
            ]
        except InputError:
            raise
        except (ValueError, OverflowError) as error:
            raise InputError(
                f"{path} holds a cell that is not described by numbers ({error})."
            ) from error
        for cell, count in Counter((one.track, one.frame) for one in cells).items():
            if count > 1:
                raise InputError(
                    f"{path} holds track {cell[0]} {count} times in frame {cell[1]}; a "
                    "track is at one place in a frame."
                )
        return draw_result(cells, frame_around(cells), parents, path)


def _opened(path: Path) -> Any:
    return path.open("w", encoding="utf-8", newline="")


def _titles(path: Path) -> tuple[str, ...]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(next(csv.reader(file), ()))
    except (OSError, ValueError, csv.Error):
        return ()


def _radius(row: Mapping[str, str], column: Mapping[str, str]) -> float:
    if column.get("radius") and row[column["radius"]]:
        return float(row[column["radius"]])
    if column.get("area") and row[column["area"]]:
        return float(np.sqrt(float(row[column["area"]]) / np.pi))
    return _RADIUS
