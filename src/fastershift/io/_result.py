"""Write and read results: labels, tracks, settings and the report of each frame."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray

from fastershift.config import InputSettings, Settings, save_settings
from fastershift.errors import InputError
from fastershift.io._atomic import check_free, replacing_files, replacing_folder
from fastershift.io._ctc import (
    CTC_FILES,
    Tracks,
    read_ctc,
    read_tracks,
    tracks_from_labels,
    write_masks,
    write_tracks,
)
from fastershift.io._geff import (
    import_geff,
    is_geff,
    read_geff,
    read_geff_record,
    write_geff,
)
from fastershift.io._movie import Scale, Units
from fastershift.io._ome_zarr import (
    labelled_image,
    list_label_image,
    write_label_image,
)
from fastershift.io._tiff import read_tiff
from fastershift.io._zarr import (
    import_zarr,
    is_zarr,
    read_zarr,
    read_zarr_record,
)

__all__ = [
    "REPORT_COLUMNS",
    "ResultFormat",
    "check_output",
    "read_corrections",
    "read_result",
    "write_result",
]

ResultFormat: TypeAlias = Literal["ctc", "tiff", "zarr", "geff"]
_Labels: TypeAlias = Sequence[NDArray[np.integer]] | NDArray[np.integer]

_CORRECTIONS = "corrections.json"

#: Columns of report.csv, one row per frame.
REPORT_COLUMNS = (
    "frame",
    "cells",
    "clusters",
    "seeds",
    "n_min",
    "rounds",
    "iterations",
    "converged",
    "foreground",
    "network_ms",
    "clustering_ms",
    "linking_ms",
)


def _plain(value: Any) -> Any:
    """Turn a numpy number into a Python number."""
    return value.item() if isinstance(value, np.generic) else value


def _write_report(path: Path, reports: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        # Layers and Zarr keep more about a frame than the table has columns.
        writer = csv.DictWriter(
            file, REPORT_COLUMNS, lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(reports)


def _write_extras(
    folder: Path,
    prefix: str,
    reports: Sequence[Mapping[str, Any]] | None,
    settings: Settings | None,
    provenance: Mapping[str, Any] | None,
    corrections: Mapping[str, Any] | None,
) -> None:
    if corrections is not None:
        text = json.dumps(corrections, separators=(",", ":"))
        (folder / f"{prefix}{_CORRECTIONS}").write_text(text, encoding="ascii")
    if reports is not None:
        _write_report(folder / f"{prefix}report.csv", reports)
    if settings is not None:
        save_settings(settings, folder / f"{prefix}settings.toml", provenance)


def _record(
    tracks: Tracks,
    reports: Sequence[Mapping[str, Any]] | None,
    settings: Settings | None,
    provenance: Mapping[str, Any] | None,
    corrections: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """All but the labels, as JSON can hold it."""
    kept = {} if corrections is None else {"corrections": dict(corrections)}
    return kept | {
        "tracks": [[int(number) for number in track] for track in tracks],
        "settings": None if settings is None else settings.model_dump(mode="json"),
        "provenance": dict(provenance or {}),
        "reports": [{k: _plain(v) for k, v in row.items()} for row in reports or ()],
    }


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.stem}_{what}")


def _is_ctc_result(path: Path) -> bool:
    names = [entry.name for entry in path.iterdir()] if path.is_dir() else []
    return "res_track.txt" in names and all(map(CTC_FILES.fullmatch, names))


def _is_tiff_result(path: Path) -> bool:
    return path.is_file() and _beside(path, "tracks.txt").exists()


def _is_zarr_result(path: Path) -> bool:
    return is_zarr(path) and read_zarr_record(path) is not None


_IS_RESULT = {
    "ctc": _is_ctc_result,
    "tiff": _is_tiff_result,
    "zarr": _is_zarr_result,
    "geff": is_geff,
}


def check_output(
    path: str | Path,
    format: ResultFormat = "ctc",
    *,
    overwrite: bool = False,
) -> Path:
    """Make sure, before a long run, that its result can go where it is to go.

    Parameters
    ----------
    path, format, overwrite
        As in `write_result`.

    Returns
    -------
    Path
        The folder or file that `write_result` would write.

    Raises
    ------
    InputError
        When the place is taken, the format is not known, or its package is missing.
    """
    path = Path(path)
    if format not in _IS_RESULT:
        known = ", ".join(_IS_RESULT)
        raise InputError(
            f"There is no result format '{format}'; choose one of {known}."
        )
    if format == "tiff" and path.suffix.lower() not in (".tif", ".tiff"):
        path = path.with_name(path.name + ".tif")
    if format == "zarr":
        import_zarr()
        if path.suffix.lower() != ".zarr" and labelled_image(path) is None:
            path = path.with_name(path.name + ".zarr")
    if format == "geff":
        import_geff()
        if path.suffix.lower() != ".geff":
            path = path.with_name(path.name + ".geff")
    check_free(path, overwrite, _IS_RESULT[format])
    return path


def _write_tiff(
    path: Path,
    labels: _Labels,
    tracks: Tracks,
    scale: Scale | None,
    units: Units | None,
) -> None:
    small = max((track for track, *_ in tracks), default=0) <= np.iinfo(np.uint16).max
    dtype = np.dtype(np.uint16 if small else np.uint32)
    shape = (len(labels), *np.asarray(labels[0]).shape)
    metadata: dict[str, Any] = {"axes": "TYX"}
    if scale is not None:
        names = ("TimeIncrement", "PhysicalSizeY", "PhysicalSizeX")
        metadata |= dict(zip(names, scale, strict=True))
        spelled = [_OME_UNITS.get(unit, unit) for unit in units or ("pixel",) * 3]
        metadata |= {f"{n}Unit": s for n, s in zip(names, spelled, strict=True)}
        if spelled[0] == "pixel":  # no unit of time, and 1 is then no time step
            del metadata["TimeIncrementUnit"]
            if scale[0] == 1:
                del metadata["TimeIncrement"]
    tifffile.imwrite(
        path,
        (np.asarray(labels[t]).astype(dtype) for t in range(shape[0])),
        shape=shape,
        dtype=dtype,
        ome=True,
        metadata=metadata,
        compression="zlib",
        photometric="minisblack",
    )


#: Spellings that the OME schema asks for.
_OME_UNITS = {
    "micrometer": "µm",
    "nanometer": "nm",
    "millimeter": "mm",
    "centimeter": "cm",
    "second": "s",
    "millisecond": "ms",
    "minute": "min",
    "hour": "h",
    "inch": "in",
}


def write_result(
    path: str | Path,
    labels: _Labels,
    tracks: Tracks | None,
    *,
    format: ResultFormat = "ctc",
    scale: Scale | None = None,
    units: Units | None = None,
    overwrite: bool = False,
    reports: Sequence[Mapping[str, Any]] | None = None,
    settings: Settings | None = None,
    provenance: Mapping[str, Any] | None = None,
    corrections: Mapping[str, Any] | None = None,
) -> Path:
    """Save tracked labels; they appear whole or not at all.

    Parameters
    ----------
    path : str or Path
        ``"ctc"``: the folder for mask000.tif …, res_track.txt, settings.toml and
        report.csv. ``"tiff"``: the file, with ``<name>_tracks.txt``,
        ``<name>_settings.toml`` and ``<name>_report.csv`` beside it. ``"zarr"``: the
        OME-Zarr folder, tracks and settings in its attributes; inside the ``labels``
        of an OME-Zarr image it is listed there. ``"geff"``: a GEFF graph with the
        labels in it. A missing suffix is added.
    labels : array of int, shape (T, Y, X), or sequence of (Y, X) frames
        Track numbers, 0 = background; read one frame at a time.
    tracks : sequence of (id, first, last, parent), or None
        Frames counted from 0, last one included, parent 0 = none. None takes them from
        the labels.
    format : {"ctc", "tiff", "zarr", "geff"}
        How to store them. ``"ctc"`` holds at most 65,535 tracks.
    scale, units
        As in `Movie`; kept by ``"tiff"`` and ``"zarr"``.
    overwrite : bool
        Replace a former result. A folder that holds anything else is never replaced.
    reports : sequence of mapping, optional
        One row per frame with the columns `REPORT_COLUMNS`.
    settings : Settings, optional
        What made the result.
    provenance : mapping, optional
        Versions, model and input, stored with the settings.
    corrections : mapping, optional
        History, locks and ticks as JSON can hold them; `read_corrections` gives them
        back.

    Returns
    -------
    Path
        The folder or file that was written.

    Raises
    ------
    InputError
        When ``path`` is taken or there are too many tracks.
    FastershiftError
        When the disk is full or writing fails otherwise.
    """
    path = check_output(path, format, overwrite=overwrite)
    if tracks is None:
        tracks = tracks_from_labels(labels)
    replacing = replacing_files if format == "tiff" else replacing_folder
    with replacing(path, overwrite, _IS_RESULT[format]) as folder:
        if format == "ctc":
            write_masks(folder, "mask", labels)
            write_tracks(folder / "res_track.txt", tracks)
            _write_extras(folder, "", reports, settings, provenance, corrections)
        elif format == "tiff":
            _write_tiff(folder / path.name, labels, tracks, scale, units)
            write_tracks(_beside(folder / path.name, "tracks.txt"), tracks)
            _write_extras(
                folder, f"{path.stem}_", reports, settings, provenance, corrections
            )
            # Those of a former result would not fit the new one.
            _beside(path, _CORRECTIONS).unlink(missing_ok=True)
        elif format == "geff":
            record = _record(tracks, reports, settings, provenance, corrections)
            write_geff(folder, labels, tracks, record, scale, units)
        else:
            record = _record(tracks, reports, settings, provenance, corrections)
            image = labelled_image(path)
            write_label_image(folder, labels, record, scale, units, image)
    if format == "zarr" and image is not None:
        list_label_image(path, image)
    return path


def read_result(
    path: str | Path,
) -> tuple[NDArray[np.int32], list[tuple[int, int, int, int]]]:
    """Read tracked labels.

    Parameters
    ----------
    path : str or Path
        What `write_result` has written, any Cell Tracking Challenge result folder
        (``mask*.tif``, ``res_track.txt``) or truth folder (``01_GT`` or
        ``01_GT/TRA``), or a label TIFF.

    Returns
    -------
    labels : ndarray of int32, shape (T, Y, X)
        Track numbers, 0 = background.
    tracks : list of (id, first, last, parent)
        Taken from the labels where there is no list of tracks.

    Raises
    ------
    InputError
        When there is no result at ``path``.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is nothing at {path}; check the name.")
    if path.is_dir() and not is_zarr(path):
        return read_ctc(path)
    if is_geff(path):
        labels, kept = read_geff(path)
        return labels, [tuple(row) for row in kept["tracks"]]
    if is_zarr(path):
        movie, record = read_zarr(path, InputSettings()), read_zarr_record(path)
        tracks = None if record is None else [tuple(row) for row in record["tracks"]]
    else:
        movie, listed = read_tiff(path, InputSettings()), _beside(path, "tracks.txt")
        tracks = read_tracks(listed) if listed.exists() else None
    if movie.dtype.kind not in "ui":
        raise InputError(f"{path} holds no labels; labels are whole numbers.")
    labels = np.stack([frame.astype(np.int32) for frame in movie])
    return labels, tracks_from_labels(labels) if tracks is None else tracks


def read_corrections(path: str | Path) -> dict[str, Any] | None:
    """Read the corrections saved with a result.

    Parameters
    ----------
    path : str or Path
        What `write_result` has written.

    Returns
    -------
    dict or None
        As it was given; None where there are none.

    Raises
    ------
    InputError
        When they cannot be read.
    """
    path = Path(path)
    if is_geff(path):
        record: Mapping[str, Any] | None = read_geff_record(path)
    elif is_zarr(path):
        record = read_zarr_record(path)
    else:
        inside, beside = path / _CORRECTIONS, _beside(path, _CORRECTIONS)
        file = inside if path.is_dir() else beside
        if not file.is_file():
            return None
        try:
            record = {"corrections": json.loads(file.read_text(encoding="utf-8"))}
        except (OSError, ValueError) as error:
            raise InputError(
                f"The corrections in {file} cannot be read; the labels can be opened "
                "without them."
            ) from error
    found = (record or {}).get("corrections")
    return None if found is None else dict(found)
