"""Outlines as ROIs of ImageJ in a zip, as its ROI Manager and StarDist save them."""

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fastershift.errors import InputError, import_extra
from fastershift.io._atomic import real_path, replacing_files
from fastershift.io._graph import DrawnCell, check_flat, draw_result
from fastershift.io._outlines import outlined_cells
from fastershift.io._saved_result import SavedResult
from fastershift.io.formats._format import Format

__all__ = ["RoisFormat"]

#: How an outline is called: track, then frame from 1 as ImageJ counts.
_NAME = re.compile(r"track(\d+)_frame(\d+)(_\d+)?\.roi")
#: How ImageJ calls a ROI of a stack: frame, row, column.
_IMAGEJ_NAME = re.compile(r"(\d{4,6})-\d{4,6}-\d{4,6}")
#: Bytes of one ROI, and many times more.
_LARGEST = 2**24


class RoisFormat(Format):
    """``NAME.zip``, a ROI for each piece of each cell of each frame."""

    suffixes = (".zip",)

    def target(self, path: Path) -> Path:
        """Add ``.zip`` where it is missing."""
        _import_roifile()
        return super().target(path)

    def is_result(self, path: Path) -> bool:
        """Tell a former result by the names of its ROIs."""
        names = _names(path)
        return bool(names) and all(_NAME.fullmatch(name) for name in names)

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write the ROIs; see `Format.write`."""
        roifile, path = _import_roifile(), real_path(path)
        with (
            replacing_files([path], overwrite, self.is_result) as folder,
            zipfile.ZipFile(folder / path.name, "w", zipfile.ZIP_DEFLATED) as packed,
        ):
            for t in range(len(result.labels)):
                for cell in outlined_cells(np.asarray(result.labels[t])):
                    for number, piece in enumerate(cell.pieces):
                        name = f"track{cell.track:04d}_frame{t + 1:04d}"
                        name += f"_{number + 1}" if number else ""
                        # ImageJ counts from the corner of the first pixel, x first.
                        roi = roifile.ImagejRoi.frompoints(
                            (piece[:, ::-1] + 0.5).astype(np.int32),
                            name=name,
                            position=t,
                            t=t,
                        )
                        roi.roitype = roifile.ROI_TYPE.POLYGON
                        packed.writestr(f"{name}.roi", roi.tobytes())

    def read(self, path: Path) -> SavedResult:
        """Read ROIs, of StarDist and others, too; see `Format.read`.

        Those of others are not tracked: each is a track of one frame.
        """
        roifile = _import_roifile()
        names = _names(path)
        if not any(name.lower().endswith(".roi") for name in names):
            raise InputError(f"{path} holds no ROIs of ImageJ.")
        read = []
        with zipfile.ZipFile(path) as packed:
            for name in names:
                if not name.lower().endswith(".roi"):
                    continue
                try:
                    if packed.getinfo(name).file_size > _LARGEST:
                        raise ValueError("it unpacks to more than any outline")
                    roi = roifile.ImagejRoi.frombytes(packed.read(name))
                    pieces = tuple(
                        np.asarray(piece, np.float64)[:, ::-1] - 0.5
                        for piece in roi.coordinates(multi=True)
                        if len(piece) > 2
                    )
                except Exception as error:  # damaged files raise anything
                    raise InputError(
                        f"The ROI {name} in {path} cannot be read ({error})."
                    ) from error
                if pieces:
                    read.append((name, roi, pieces))
        frames = _frames([(name, roi) for name, roi, _ in read], path)
        own = [_NAME.fullmatch(name) for name, _, _ in read]
        tracks = [int(found[1]) for found in own if found]
        if len(tracks) < len(read):
            tracks = [*range(1, 1 + len(read))]
        drawn = [
            DrawnCell(frame, track, 0.0, 0.0, 0.0, pieces)
            for frame, track, (_, _, pieces) in zip(frames, tracks, read, strict=True)
        ]
        corners = [piece.max(0) for cell in drawn for piece in cell.pieces]
        height, width = np.ceil(np.max(corners, axis=0) + 0.5) if corners else (1, 1)
        shape = (1 + max(frames, default=0), int(height), int(width))
        return draw_result(drawn, shape, {}, path)


def _import_roifile() -> ModuleType:
    """Import roifile, or say how to get it."""
    return import_extra(
        "roifile", "rois", "ROIs of ImageJ need one more package; install it"
    )


def _names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as packed:
            # Who saves to a zip again may add to it; the last one of a name counts.
            return [*dict.fromkeys(packed.namelist())]
    except (OSError, zipfile.BadZipFile):
        return []


def _frames(rois: Sequence[tuple[str, Any]], path: Path) -> list[int]:
    """Tell the frame of each ROI, counted from 0."""
    times = [roi.t_position for _, roi in rois]
    planes = [max(roi.z_position, 1) for _, roi in rois]
    if max(times, default=0) <= 1 < max(planes, default=1):
        times = planes  # ImageJ often takes frames for slices
    else:
        check_flat(planes, path)
    return [
        _frame(name, time or roi.position)
        for (name, roi), time in zip(rois, times, strict=True)
    ]


def _frame(name: str, number: int) -> int:
    """Tell the frame by our name, by the number of ImageJ, or else by its name."""
    own, theirs = _NAME.fullmatch(name), _IMAGEJ_NAME.match(name)
    if own:
        return int(own[2]) - 1
    # ImageJ counts from 1, and 0 is no frame: that of all of a single image.
    return max(number or int(theirs[1] if theirs else 1), 1) - 1
