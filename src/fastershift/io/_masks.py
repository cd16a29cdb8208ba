"""The file layout of the Cell Tracking Challenge: numbered masks and a track file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import InputError, check_ordinary, refusal
from fastershift.io._atomic import MADE_BY
from fastershift.io._labels import (
    LabelFrames,
    Numbers,
    adopt_labels,
    rename_tracks,
)
from fastershift.io._movie import Movie
from fastershift.io._saved_result import Tracks
from fastershift.io.movies import TIFF_SUFFIXES, find_images, read_picture, read_tiff
from fastershift.labels import label_ids

__all__ = [
    "check_tracks",
    "find_masks",
    "is_made_here",
    "is_track_file",
    "read_label_image",
    "read_masks",
    "read_segmentation_truth",
    "read_tracks",
    "tracks_from_labels",
    "whole_number",
    "write_masks",
    "write_tracks",
]

_LARGEST = np.iinfo(np.uint16).max

#: Where masks of the Challenge lie in a folder of truth, how they begin, and how the
#: list of their tracks is called; segmentations are not tracked.
_PLACES = ("TRA", "SEG")
_KINDS = {
    "mask": "res_track.txt",
    "man_track": "man_track.txt",
    "man_seg": "man_track.txt",
}


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
        if frame.max(initial=0) > _LARGEST:
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
    if not path.is_file():  # whoever reads a pipe waits for someone who writes
        return False
    try:
        with tifffile.TiffFile(path) as file:
            software = str(file.pages.first.software)
    except Exception:  # noqa: BLE001 (decoders of damaged files raise anything)
        return False
    return software.split(" ")[0] == MADE_BY.split(" ")[0]


def is_track_file(path: Path) -> bool:
    """Tell whether a file is a list of tracks."""
    try:
        read_tracks(path)
    except InputError:
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
    check_ordinary(path)
    try:
        # Spreadsheets begin a text with a mark of its encoding.
        for line in path.read_text(encoding="utf-8-sig").splitlines():
            if line.strip():
                track, first, last, parent = map(whole_number, line.split())
                # Other programs write -1 where there is no parent.
                tracks.append((track, first, last, max(parent, 0)))
    except ValueError as error:
        raise InputError(
            f"{path} is not a track file; every line must hold four whole numbers: "
            "track, first frame, last frame, parent."
        ) from error
    except OSError as error:
        raise InputError(refusal(path, error, "read")) from error
    return tracks


def whole_number(text: str) -> int:
    """Read a whole number; spreadsheets write 1.0 for 1.

    Raises
    ------
    ValueError
        For anything else.
    """
    if text.lstrip("-").isdecimal():
        return int(text)
    if not float(text).is_integer():
        raise ValueError(f"{text} is not a whole number")
    return int(float(text))


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
        for track in _numbers_in(np.asarray(labels[t])).tolist():
            spans[track] = (spans.get(track, (t, t))[0], t)
    return [(track, *span, 0) for track, span in sorted(spans.items())]


def _numbers_in(frame: NDArray[Any]) -> NDArray[np.integer]:
    """Find the labels of a frame but 0, ascending."""
    whole = frame.dtype.kind in "ui" and frame.dtype.isnative
    if whole and frame.min(initial=0) == 0:
        return label_ids(frame)[1:]  # quicker than sorting all pixels
    found = np.unique(frame)
    return np.asarray(found[found != 0])


def check_tracks(tracks: Tracks, labels: LabelFrames, path: Path) -> None:
    """Make sure that a list of tracks and labels belong together.

    Parameters
    ----------
    tracks : sequence of (id, first, last, parent)
        As they are listed.
    labels : LabelFrames
        What they are listed for.
    path : Path
        The list, for the sentence.

    Raises
    ------
    InputError
        When a track begins or ends elsewhere than is listed, when tracks are listed or
        seen alone, and for parents that do not begin before their children.
    """
    rows = {row[0]: row for row in tracks}
    wrong = [
        f"track {row[0]} is listed twice, with other numbers"
        for row in tracks
        if rows[row[0]] != row
    ]
    wrong += [
        f"track {track} does not begin after its parent {parent} does"
        for track, first, _, parent in tracks
        if parent in rows and rows[parent][1] >= first
    ]
    wrong += _misfits(tracks, labels)
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise InputError(
            f"{path} does not fit its labels: {wrong[0]}{more}. Correct "
            "the list, or remove it: tracks are then taken from the "
            "labels, without parents."
        )


def _misfits(tracks: Tracks, labels: LabelFrames) -> list[str]:
    seen, listed = (
        {track: (first, last) for track, first, last, _ in rows}
        for rows in (tracks_from_labels(labels), tracks)
    )
    wrong = []
    for track in sorted({*seen, *listed}):
        if seen.get(track) != listed.get(track):
            where = [
                f"{how} in frames {one[track][0]} to {one[track][1]}"
                if track in one
                else f"not {how}"
                for how, one in (("listed", listed), ("seen", seen))
            ]
            wrong.append(f"track {track} is {' and '.join(where)}")
    return wrong


def read_label_image(path: Path) -> NDArray[Any]:
    """Read a TIFF or PNG that holds one frame of labels.

    Raises
    ------
    InputError
        When it holds anything else.
    """
    return _open_label_image(path)[0]


def _open_label_image(path: Path) -> Movie:
    read = read_tiff if path.suffix.lower() in TIFF_SUFFIXES else read_picture
    movie = read(path, InputSettings())
    movie.check_whole()
    if len(movie) != 1:
        raise InputError(
            f"{path} is not a mask; a mask is an image with one frame of whole numbers."
        )
    return movie


def _numbered(folder: Path, stem: str) -> dict[int, Path]:
    pattern = re.compile(rf"{stem}_?(\d+)", re.IGNORECASE)
    numbered: dict[int, Path] = {}
    for path in find_images(folder):
        match = pattern.fullmatch(path.stem)
        if match:
            twin = numbered.setdefault(int(match[1]), path)
            if twin != path:
                raise InputError(
                    f"{twin.name} and {path.name} in {folder} have the same number; "
                    "remove one of them."
                )
    return numbered


def find_masks(path: Path) -> tuple[str, dict[int, Path]] | None:
    """Find masks that are named as those of the Cell Tracking Challenge.

    Parameters
    ----------
    path : Path
        A folder of masks, or one of truth.

    Returns
    -------
    (str, dict) or None
        What the list of their tracks is called, and the masks by their numbers.

    Raises
    ------
    InputError
        When two of them have the same number.
    """
    places = (path / name for name in _PLACES)
    folder = next((one for one in places if one.is_dir()), path)
    for stem, name in _KINDS.items():
        masks = _numbered(folder, stem)
        if masks:
            return name, masks
    return None


def read_masks(
    path: Path, *, on_disk: bool
) -> tuple[LabelFrames, list[tuple[int, int, int, int]], Numbers | None]:
    """Read a result folder, or a truth folder (``01_GT``, ``01_GT/TRA``, ``01_ST``).

    Masks may begin with any number; frames are counted from 0 all the same.

    Parameters
    ----------
    path : Path
        The folder.
    on_disk : bool
        Read each mask when it is asked for, not all of them into memory.

    Returns
    -------
    labels : LabelFrames
    tracks : list of (id, first, last, parent)
        Taken from the labels where there is no track file.
    numbers : (n + 1,) array of int, or None
        See `AdoptedLabels`.

    Raises
    ------
    InputError
        When masks are missing or differ in size, or the track file does not fit them.
    """
    found = find_masks(path)
    if found is None:
        raise InputError(
            f"{path} holds no masks; give a folder with mask000.tif … or a truth "
            "folder with man_track000.tif …."
        )
    name, masks = found
    folder = masks[min(masks)].parent
    _check_complete(folder, masks)
    adopted = adopt_labels(_open_all(folder, masks), str(folder))
    labels = adopted if on_disk else adopted.stack()
    listed = _find(folder, name)
    if listed is None:
        return labels, tracks_from_labels(labels), adopted.numbers
    tracks = _fitting(listed, min(masks), labels, adopted.numbers)
    return labels, tracks, adopted.numbers


def _check_complete(folder: Path, masks: Mapping[int, Path]) -> None:
    missing = [n for n in range(min(masks), max(masks)) if n not in masks]
    if missing:
        before = masks[max(number for number in masks if number < missing[0])].name
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(
            f"{folder} lacks the mask with the number {missing[0]}, which would follow "
            f"{before}{more}; copy all masks."
        )


@dataclass(frozen=True)
class _MaskFiles:
    """Files with one mask each, read when asked for."""

    files: tuple[Path, ...]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, t: int) -> NDArray[Any]:
        return read_label_image(self.files[t])


def _open_all(folder: Path, masks: Mapping[int, Path]) -> _MaskFiles:
    files = tuple(masks[number] for number in sorted(masks))
    kinds = set()
    for file in files:
        movie = _open_label_image(file)
        kinds.add((movie.shape, movie.dtype))
    if len({shape for shape, _ in kinds}) > 1:
        raise InputError(f"The masks in {folder} differ in size.")
    return _MaskFiles(files, np.result_type(*(dtype for _, dtype in kinds)))


def _find(folder: Path, name: str) -> Path | None:
    """Find a file, however its name is capitalised."""
    return next((one for one in folder.iterdir() if one.name.lower() == name), None)


def _fitting(
    listed: Path, first: int, labels: LabelFrames, numbers: Numbers | None
) -> list[tuple[int, int, int, int]]:
    """Read a list that counts frames as the masks do, or from 0."""
    tracks = rename_tracks(read_tracks(listed), numbers)
    counted = [(track, b - first, e - first, parent) for track, b, e, parent in tracks]
    if first and not _misfits(tracks, labels):
        return tracks
    check_tracks(counted, labels, listed)
    return counted


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
    return {
        number: adopt_labels([read_label_image(file)], str(file))[0]
        for number, file in sorted(files.items())
    }
