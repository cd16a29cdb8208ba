"""The file layout of the Cell Tracking Challenge: numbered masks and a track file."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._atomic import MADE_BY
from fastershift.io._saved_result import LabelFrames, Tracks
from fastershift.io._tiff import find_tiffs, read_tiff

__all__ = [
    "is_made_here",
    "is_track_file",
    "read_masks",
    "read_segmentation_truth",
    "read_tracks",
    "tracks_from_labels",
    "write_masks",
    "write_tracks",
]

_LARGEST = np.iinfo(np.uint16).max


def write_masks(folder: Path, stem: str, labels: LabelFrames) -> None:
    """Write one uint16 TIFF per frame, numbered from 000.

    Raises
    ------
    InputError
        When a label is larger than 65,535.
    """
    digits = 3 if len(labels) < 1000 else len(str(len(labels) - 1))
    for t in range(len(labels)):
        frame = np.asarray(labels[t])
        if frame.size and frame.max() > _LARGEST:
            raise InputError(
                f"Cell Tracking Challenge masks hold at most {_LARGEST:,} tracks, and "
                "this result has more; save it as TIFF or Zarr instead."
            )
        tifffile.imwrite(
            folder / f"{stem}{t:0{digits}d}.tif",
            frame.astype(np.uint16),
            compression="zlib",
            software=MADE_BY,
        )


def is_made_here(path: Path) -> bool:
    """Tell whether a TIFF says that it is a result of fastershift."""
    try:
        with tifffile.TiffFile(path) as file:
            software = str(file.pages.first.software)
    except (OSError, ValueError, LookupError, tifffile.TiffFileError):
        return False
    return software.split(" ")[0] == MADE_BY.split(" ")[0]


def is_track_file(path: Path) -> bool:
    """Tell whether a file is a list of tracks."""
    try:
        read_tracks(path)
    except (InputError, OSError):
        return False
    return True


def write_tracks(path: Path, tracks: Tracks) -> None:
    """Write one line ``id first last parent`` per track."""
    lines = (f"{i} {first} {last} {parent}\n" for i, first, last, parent in tracks)
    path.write_text("".join(lines), encoding="ascii", newline="\n")


def read_tracks(path: Path) -> list[tuple[int, int, int, int]]:
    """Read a track file.

    Raises
    ------
    InputError
        When a line is not four whole numbers.
    """
    tracks = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                track, first, last, parent = (int(word) for word in line.split())
                tracks.append((track, first, last, parent))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is not a track file; every line must hold four whole numbers: "
            "track, first frame, last frame, parent."
        ) from error
    return tracks


def tracks_from_labels(labels: LabelFrames) -> list[tuple[int, int, int, int]]:
    """List the tracks in a label stack; no parents are known.

    Parameters
    ----------
    labels : LabelFrames
        Track numbers, 0 = background.

    Returns
    -------
    list of (id, first, last, parent)
        Sorted by id; first and last frame counted from 0, parent 0.
    """
    spans: dict[int, tuple[int, int]] = {}
    for t in range(len(labels)):
        for track in np.unique(np.asarray(labels[t])).tolist():
            if track:
                spans[int(track)] = (spans.get(int(track), (t, t))[0], t)
    return [(track, *span, 0) for track, span in sorted(spans.items())]


def _read_labels(path: Path) -> NDArray[np.int32]:
    movie = read_tiff(path, InputSettings())
    if movie.dtype.kind not in "ui" or len(movie) != 1:
        raise InputError(
            f"{path} is not a mask; a mask is a TIFF with one frame of whole numbers."
        )
    return movie[0].astype(np.int32)


def _read_label_files(files: Sequence[Path]) -> NDArray[np.int32]:
    """Read masks as a stack of shape (T, Y, X)."""
    frames = [_read_labels(path) for path in files]
    for path, frame in zip(files, frames, strict=True):
        if frame.shape != frames[0].shape:
            raise InputError(f"The masks in {path.parent} differ in size.")
    return np.stack(frames)


def _numbered(folder: Path, stem: str) -> dict[int, Path]:
    pattern = re.compile(rf"{stem}_?(\d+)")
    matches = ((pattern.fullmatch(path.stem), path) for path in find_tiffs(folder))
    return {int(match[1]): path for match, path in matches if match}


def read_masks(path: Path) -> tuple[NDArray[np.int32], list[tuple[int, int, int, int]]]:
    """Read a result folder, or a truth folder (``01_GT`` or ``01_GT/TRA``).

    Returns
    -------
    labels : ndarray of int32, shape (T, Y, X)
    tracks : list of (id, first, last, parent)
        Taken from the labels where there is no track file.
    """
    folder = path / "TRA" if (path / "TRA").is_dir() else path
    for stem, name in (("mask", "res_track.txt"), ("man_track", "man_track.txt")):
        masks = _numbered(folder, stem)
        if masks:
            labels = _read_label_files([masks[number] for number in sorted(masks)])
            listed = folder / name
            found = listed.exists()
            return labels, read_tracks(listed) if found else tracks_from_labels(labels)
    raise InputError(
        f"{path} holds no masks; give a folder with mask000.tif … or a truth folder "
        "with man_track000.tif …."
    )


def read_segmentation_truth(path: Path) -> dict[int, NDArray[np.int32]]:
    """Read the frames of ``01_GT/SEG`` or ``01_ST/SEG``.

    Parameters
    ----------
    path : Path
        The folder ``01_GT`` or ``01_ST``.

    Returns
    -------
    dict
        Labels of shape (Y, X) by frame number; empty where there is no such truth.
    """
    folder = path / "SEG"
    if not folder.is_dir():
        return {}
    files = _numbered(folder, "man_seg")
    return {number: _read_labels(file) for number, file in sorted(files.items())}
