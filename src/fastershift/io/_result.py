"""Save results and read them again, in any format."""

import tempfile
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from fastershift.errors import (
    FastershiftError,
    InputError,
    check_ordinary,
    explain,
)
from fastershift.io._atomic import check_apart, check_free, check_writable, real_path
from fastershift.io._graph import check_parents
from fastershift.io._labels import (
    LabelFrames,
    adopt_labels,
    check_frames,
    rename_tracks,
)
from fastershift.io._masks import check_tracks, find_masks, tracks_from_labels
from fastershift.io._saved_result import (
    ResultFormat,
    SavedResult,
    Tracks,
)
from fastershift.io._zarr import is_zarr
from fastershift.io.formats import FORMATS, READERS, Format, Openable

__all__ = [
    "check_output",
    "format_of",
    "holds_cells",
    "is_result",
    "read_result",
    "read_saved",
    "result_place",
    "write_or_keep",
    "write_result",
    "write_saved",
]


#: What readers raise of a file in which something is lost or of another kind.
_DAMAGED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


def _format(name: ResultFormat) -> Format:
    if name not in FORMATS:
        known = ", ".join(get_args(ResultFormat))
        raise InputError(f"There is no result format '{name}'; choose one of {known}.")
    return FORMATS[name]


#: The format that the suffix of a name tells.
_SUFFIXES: Mapping[str, ResultFormat] = {
    ".tif": "tiff",
    ".tiff": "tiff",
    ".zarr": "zarr",
    ".geff": "geff",
    ".xml": "trackmate",
    ".csv": "csv",
    ".zip": "rois",
    ".nwk": "newick",
    ".newick": "newick",
}


def format_of(path: str | Path) -> ResultFormat:
    """Tell by its name in which format a result is to be written.

    Parameters
    ----------
    path : str or Path
        Where it goes. A name without a suffix is a Cell Tracking Challenge folder.

    Returns
    -------
    str

    Raises
    ------
    InputError
        For a suffix that no format has.
    """
    suffix = Path(path).suffix.lower()
    if not suffix:
        return "ctc"
    if suffix not in _SUFFIXES:
        raise InputError(
            f"The name {Path(path).name} does not tell a format; end it in one of "
            f"{', '.join(_SUFFIXES)}, or name the format.",
            format="ctc",
        )
    return _SUFFIXES[suffix]


def result_place(path: str | Path, format: ResultFormat) -> Path:
    """Tell where `write_saved` writes, with the suffix of the format.

    Parameters
    ----------
    path, format
        As in `write_saved`.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When the format is not known, its package is missing, or there is no name to
        which its suffix can be added.
    """
    form, place = _format(format), Path(path)
    try:
        return form.target(place)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{place} has no name; add one for the result.") from error


def is_result(path: str | Path) -> bool:
    """Tell whether `write_saved` has written what lies somewhere.

    Parameters
    ----------
    path : str or Path
        A file or folder.

    Returns
    -------
    bool
    """
    place = Path(path)
    if not (place.is_file() or place.is_dir()):
        return False
    return any(form.is_result(place) for form in FORMATS.values())


def holds_cells(path: str | Path) -> bool:
    """Tell whether what lies somewhere is cells, and cannot be images.

    Parameters
    ----------
    path : str or Path
        A file or folder.

    Returns
    -------
    bool
        False for TIFFs and Zarrs of labels that do not say so.
    """
    place = Path(path)
    if is_result(place):
        return True
    if place.is_dir() and not is_zarr(place) and find_masks(place) is not None:
        return True
    unsure = (FORMATS["zarr"], FORMATS["ctc"], FORMATS["tiff"])
    return any(one.recognises(place) for one in READERS if one not in unsure)


def check_output(
    path: str | Path,
    format: ResultFormat = "ctc",
    *,
    overwrite: bool = False,
    source: Path | None = None,
    masks: Iterable[Path] = (),
) -> Path:
    """Make sure, before a long run, that its result can go where it is to go.

    Parameters
    ----------
    path, format, overwrite
        As in `write_saved`.
    source : Path, optional
        File or folder of the movie.
    masks : iterable of Path
        Files or folders of masks and regions that are read.

    Returns
    -------
    Path
        The folder or file that `write_saved` would write.

    Raises
    ------
    InputError
        When the place is taken or a part of what is read, the format is not known, or
        its package is missing.
    FastershiftError
        When nothing can be written there.
    """
    form = _format(format)
    target = result_place(path, format)
    if source is not None:
        _check_apart(target, source, "the movie")
    for mask in masks:
        _check_apart(target, mask, "a mask that is read")
    check_free(form.files(target), overwrite, form.is_result)
    check_writable(target)
    return target


def _check_apart(target: Path, source: Path, called: str) -> None:
    # The labels of an OME-Zarr image lie in it.
    if not is_zarr(source) or real_path(target).parent != real_path(source) / "labels":
        check_apart(target, source, called)


def write_saved(
    path: str | Path,
    result: SavedResult,
    *,
    format: ResultFormat = "ctc",
    overwrite: bool = False,
) -> Path:
    """Save a result; it appears whole or not at all.

    Parameters
    ----------
    path : str or Path
        ``"ctc"``: the folder for mask000.tif …, res_track.txt, settings.toml and
        report.csv. ``"tiff"``: the file, with ``<name>_tracks.txt``,
        ``<name>_settings.toml`` and ``<name>_report.csv`` beside it. ``"zarr"``: the
        OME-Zarr folder, tracks and settings in its attributes; inside the ``labels``
        of an OME-Zarr image it is listed there. ``"geff"``: a GEFF graph with the
        labels in it. ``"trackmate"``: the XML file of TrackMate. ``"csv"``: a table of
        cells, and ``<name>_links.csv``. ``"acdc"``: the folder of an experiment of
        Cell-ACDC. ``"rois"``: a zip of ROIs of ImageJ. ``"newick"``: the tree alone. A
        missing suffix is added.
    result : SavedResult
        Its labels are read one frame at a time.
    format : str
        How to store it, one of `ResultFormat`; docs/formats.md tells what each holds.
    overwrite : bool
        Replace a former result. A folder that holds anything else is never replaced.

    Returns
    -------
    Path
        The folder or file that was written.

    Raises
    ------
    InputError
        When ``path`` is taken, there are too many tracks, or the format cannot hold
        one of the parents.
    FastershiftError
        When the disk is full or writing fails otherwise.
    """
    form = _format(format)
    target = result_place(path, format)
    check_parents(result.tracks, format, target)
    form.write(target, result, overwrite=overwrite)
    return target


def write_or_keep(
    path: str | Path,
    result: SavedResult,
    *,
    format: ResultFormat = "ctc",
    overwrite: bool = False,
) -> Path:
    """Save a result that took long to make; keep it elsewhere when that fails.

    Parameters
    ----------
    path, result, format, overwrite
        As in `write_saved`.

    Returns
    -------
    Path
        The folder or file that was written.

    Raises
    ------
    FastershiftError
        When it was not written to ``path``; the sentence says where it was kept.
    """
    try:
        return write_saved(path, result, format=format, overwrite=overwrite)
    except Exception as error:  # whatever it was, long work is not lost
        kept = _keep(result)
        if kept is None:
            raise
        kind = type(error) if isinstance(error, FastershiftError) else FastershiftError
        raise kind(f"{explain(error)} The result was kept in {kept}.") from error


def _keep(result: SavedResult) -> Path | None:
    """Write a result to a place that is likely to be there."""
    name = f"fastershift-kept-{uuid.uuid4().hex[:8]}"
    for folder in (Path(tempfile.gettempdir()), user_cache_path("fastershift")):
        with suppress(Exception):
            return write_saved(folder / name, result, format="tiff")
    return None


def write_result(
    path: str | Path,
    labels: LabelFrames,
    tracks: Tracks | None,
    *,
    format: ResultFormat = "ctc",
    overwrite: bool = False,
) -> Path:
    """Save labels and tracks of which nothing else is known; see `write_saved`.

    Parameters
    ----------
    path, format, overwrite
        As in `write_saved`.
    labels : LabelFrames
        Track numbers of any type, 0 = background, see `adopt_labels`. Whether they fit
        the tracks is checked of what is in memory.
    tracks : sequence of (id, first, last, parent), or None
        None takes them from the labels.

    Returns
    -------
    Path
        The folder or file that was written.

    Raises
    ------
    InputError, FastershiftError
        As `write_saved`.
    """
    adopted = adopt_labels(labels)
    in_memory = isinstance(labels, np.ndarray | list | tuple)
    if in_memory:
        check_frames(adopted)
    if tracks is None:
        listed = tracks_from_labels(adopted)
    else:
        listed = rename_tracks(tracks, adopted.numbers)
        if in_memory:  # others are not read twice
            check_tracks(listed, adopted, Path("The list of tracks"))
    result = SavedResult(adopted, listed, numbers=adopted.numbers)
    return write_saved(path, result, format=format, overwrite=overwrite)


def read_saved(path: str | Path, *, on_disk: bool = False) -> SavedResult:
    """Read a result with all that brings it back as it was.

    Parameters
    ----------
    path : str or Path
        What `write_saved` has written, any Cell Tracking Challenge result folder
        (``mask*.tif``, ``res_track.txt``) or truth folder (``01_GT``, ``01_GT/TRA`` or
        ``01_ST``), labels as TIFF or Zarr, a file of TrackMate, a GEFF, a table of
        cells, a folder of Cell-ACDC or of Cellpose masks, or a zip of ROIs.
    on_disk : bool
        Leave the labels of a TIFF, and those of a Cell Tracking Challenge folder, on
        disk: each frame is read when it is asked for.

    Returns
    -------
    SavedResult
        The frames of a Zarr are read when they are asked for. Tracks are taken from
        the labels where none are listed.

    Raises
    ------
    InputError
        When there is no result at ``path``, or it is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is nothing at {path}; check the name.")
    check_ordinary(path)
    form = next((form for form in READERS if form.recognises(path)), None)
    if form is None:
        raise InputError(f"{path} is not a result of a kind that is known here.")
    try:
        if on_disk and isinstance(form, Openable):
            return form.open(path)
        return form.read(path)
    except FastershiftError:
        raise
    except _DAMAGED as error:
        raise InputError(
            f"The result at {path} is damaged or not whole ({error}); copy it again."
        ) from error


def read_result(
    path: str | Path,
) -> tuple[NDArray[np.int32], list[tuple[int, int, int, int]]]:
    """Read the labels and tracks of a result.

    Parameters
    ----------
    path : str or Path
        As for `read_saved`.

    Returns
    -------
    labels : ndarray of int32, shape (T, Y, X)
        Track numbers, 0 = background.
    tracks : list of (id, first, last, parent)
        Frames counted from 0, the last one included; parent 0 = none.

    Raises
    ------
    InputError
        As `read_saved`.
    """
    saved = read_saved(path)
    return saved.stack(), list(saved.tracks)
