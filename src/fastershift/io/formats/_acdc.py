"""A result as a folder of an experiment of Cell-ACDC."""

import csv
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastershift.errors import InputError
from fastershift.io._atomic import MADE_BY, replacing_folder
from fastershift.io._graph import parents_that_fit
from fastershift.io._labels import adopt_labels, rename_tracks
from fastershift.io._masks import tracks_from_labels
from fastershift.io._movie import Scale, Units
from fastershift.io._saved_result import SavedResult
from fastershift.io.formats._format import Format
from fastershift.tracking import Lineage, Track

__all__ = ["AcdcFormat"]

_IMAGES = "Images"
_MASKS = re.compile(r".*_segm(_\w+)?\.npz")
_POSITION = re.compile(r"Position_\d+")
_OUTPUT, _METADATA = "acdc_output.csv", "metadata.csv"
_OURS = re.compile(
    rf"Position_1|Position_1/Images|Position_1/Images/\w*_(segm\.npz|{_OUTPUT}|{_METADATA})"
)
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "millisecond": 1e-3}
_MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3}
_COLUMNS = (
    "frame_i",
    "Cell_ID",
    "is_cell_dead",
    "is_cell_excluded",
    "is_history_known",
    "emerg_frame_i",
    "division_frame_i",
    "Cell_ID_tree",
    "generation_num_tree",
    "parent_ID_tree",
    "root_ID_tree",
    "sister_ID_tree",
)


class AcdcFormat(Format):
    """``Position_1/Images`` with masks, cells with their lineage, and metadata."""

    def is_result(self, path: Path) -> bool:
        """Tell a former result from a folder that holds anything else."""
        images = path / "Position_1" / _IMAGES
        if not images.is_dir():
            return False
        inside = [one.relative_to(path).as_posix() for one in path.rglob("*")]
        told = _metadata(images)
        return MADE_BY.split()[0] in told.get("written_by", "") and all(
            map(_OURS.fullmatch, inside)
        )

    def recognises(self, path: Path) -> bool:
        """Tell the folder of an experiment, of a position, and that of its images."""
        return path.is_dir() and bool(_image_folders(path))

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write the folder; see `Format.write`."""
        base = re.sub(r"\W+", "_", path.name) or "cells"
        with replacing_folder(path, overwrite, self.is_result) as folder:
            images = folder / "Position_1" / _IMAGES
            images.mkdir(parents=True)
            _write_masks(images / f"{base}_segm.npz", result)
            with (images / f"{base}_{_OUTPUT}").open(
                "w", encoding="utf-8", newline=""
            ) as file:
                _write_cells(csv.writer(file, lineterminator="\n"), result)
            with (images / f"{base}_{_METADATA}").open(
                "w", encoding="utf-8", newline=""
            ) as file:
                _write_metadata(csv.writer(file, lineterminator="\n"), result, base)

    def read(self, path: Path) -> SavedResult:
        """Read masks and the lineage tree of symmetric divisions; see `Format.read`.

        A bud whose mother lives on has no parent here.
        """
        folders = _image_folders(path)
        if len(folders) > 1:
            raise InputError(
                f"{path} holds {len(folders)} positions, each a movie of its own; give "
                f"one of them, such as {folders[0].parent}."
            )
        images = folders[0]
        adopted = adopt_labels(_read_masks(images), str(path))
        labels = adopted.stack()
        rows = tracks_from_labels(labels)
        parents = [(track, 0, 0, up) for track, up in _parents(images).items()]
        named = rename_tracks(parents, adopted.numbers)
        ups = {track: up for track, _, _, up in named}
        rows = parents_that_fit(rows, ups, ended=True)
        scale, units = _scale(_metadata(images))
        return SavedResult(labels, rows, scale, units, numbers=adopted.numbers)


def _image_folders(path: Path) -> list[Path]:
    """Find the folders of images with masks in a folder of any level."""
    candidates = [path, path / _IMAGES]
    candidates += [
        one / _IMAGES for one in sorted(path.iterdir()) if _POSITION.fullmatch(one.name)
    ]
    return [one for one in candidates if one.is_dir() and _mask_files(one)]


def _mask_files(images: Path) -> list[Path]:
    found = [one for one in images.iterdir() if _MASKS.fullmatch(one.name)]
    # Of several, the one without a name of its own.
    return sorted(found, key=lambda one: (len(one.name), one.name))


def _write_masks(path: Path, result: SavedResult) -> None:
    """Write all frames as one array, each when it is read."""
    highest = max((track for track, *_ in result.tracks), default=0)
    dtype = np.dtype(np.uint16 if highest <= np.iinfo(np.uint16).max else np.uint32)
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": result.shape,
    }
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("arr_0.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, header)
        for t in range(len(result.labels)):
            frame = np.asarray(result.labels[t]).astype(dtype)
            file.write(np.ascontiguousarray(frame).tobytes())


def _write_cells(writer: Any, result: SavedResult) -> None:
    lineage = Lineage(tuple(Track(*row) for row in result.tracks))
    tracks = {track.id: track for track in lineage.tracks}
    tree: dict[int, tuple[int, int]] = {}
    for track in sorted(lineage.tracks, key=lambda one: one.first):
        generation, root = tree.get(track.parent, (0, track.id))
        tree[track.id] = (generation + 1, root)
    writer.writerow(_COLUMNS)
    for t in range(len(result.labels)):
        for number in np.unique(np.asarray(result.labels[t])).tolist():
            if not number:
                continue
            own = tracks.get(number, Track(number, t, t))
            parent = own.parent if own.parent in tracks else -1
            children, sisters = lineage.children(number), lineage.children(own.parent)
            others = [one for one in sisters if one != number] if parent > 0 else []
            divides = own.last + 1 if children else -1
            generation, root = tree.get(number, (1, number))
            kin = (generation, parent, root, others[0] if others else -1)
            born = (int(parent > 0), own.first, divides)
            writer.writerow((t, number, 0, 0, *born, number, *kin))


def _write_metadata(writer: Any, result: SavedResult, base: str) -> None:
    frames, height, width = result.shape
    rows: dict[str, Any] = {"basename": f"{base}_", "SizeT": frames, "SizeZ": 1}
    rows |= {"SizeY": height, "SizeX": width}
    if result.scale is not None and result.units is not None:
        step, row, column = result.scale
        time, *sides = result.units
        if time in _SECONDS:
            rows["TimeIncrement"] = step * _SECONDS[time]
        if all(side in _MICROMETRES for side in sides):
            rows["PhysicalSizeY"] = row * _MICROMETRES[sides[0]]
            rows["PhysicalSizeX"] = column * _MICROMETRES[sides[1]]
    rows["written_by"] = MADE_BY
    writer.writerow(("Description", "values"))
    writer.writerows(rows.items())


def _metadata(images: Path) -> dict[str, str]:
    """Read what the folder says of itself; empty where it cannot be read."""
    for path in images.glob(f"*_{_METADATA}"):
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                return {row[0]: row[1] for row in csv.reader(file) if len(row) > 1}
        except (OSError, ValueError, csv.Error):
            continue
    return {}


def _scale(told: Mapping[str, str]) -> tuple[Scale | None, Units | None]:
    def number(name: str) -> float | None:
        try:
            return float(told[name]) or None
        except (KeyError, ValueError):
            return None

    step, row, column = map(number, ("TimeIncrement", "PhysicalSizeY", "PhysicalSizeX"))
    if step is None and (row is None or column is None):
        return None, None
    time = "pixel" if step is None else "second"
    side = "pixel" if row is None or column is None else "micrometer"
    return (step or 1.0, row or 1.0, column or 1.0), (time, side, side)


def _read_masks(images: Path) -> Any:
    path = _mask_files(images)[0]
    try:
        # NumPy leaves a damaged file open that it has opened itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as packed:
            stack = packed[packed.files[0]]
    except Exception as error:  # damaged files raise anything
        raise InputError(f"{path} cannot be read ({error}); copy it again.") from error
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3:
        raise InputError(
            f"{path} has {stack.ndim} axes; cells are tracked in two dimensions and "
            "time."
        )
    return stack


def _parents(images: Path) -> dict[int, int]:
    """Read the parents of the lineage tree; empty where there is none."""
    for path in images.glob(f"*_{_OUTPUT}"):
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
            return {
                int(float(row["Cell_ID"])): int(float(row["parent_ID_tree"]))
                for row in rows
                if float(row.get("parent_ID_tree") or -1) > 0
            }
        except (OSError, ValueError, KeyError, csv.Error) as error:
            raise InputError(
                f"The cells in {path} cannot be read ({error}); the masks can be "
                "opened without them if you remove that file."
            ) from error
    return {}
