"""A result as one OME-TIFF, with its list of tracks and the text files beside it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._atomic import (
    MADE_BY,
    finish_files,
    real_path,
    replacing_files,
)
from fastershift.io._labels import adopt_labels, read_label_frames, rename_tracks
from fastershift.io._masks import (
    check_tracks,
    is_made_here,
    is_track_file,
    read_tracks,
    tracks_from_labels,
    write_tracks,
)
from fastershift.io._saved_result import SavedResult
from fastershift.io.formats._extras import EXTRAS, is_extra, read_extras, write_extras
from fastershift.io.formats._format import Format
from fastershift.io.movies import read_tiff

__all__ = ["TiffFormat", "lost_parents"]

_TRACKS = "tracks.txt"
#: First bytes of a TIFF: of both orders of bytes, and of large ones.
_BEGINS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
#: Spellings that the OME schema asks for.
_OME_UNITS = {
    "angstrom": "Å",
    "micrometer": "µm",
    "nanometer": "nm",
    "millimeter": "mm",
    "centimeter": "cm",
    "meter": "m",
    "second": "s",
    "millisecond": "ms",
    "minute": "min",
    "hour": "h",
    "day": "d",
    "inch": "in",
}


class TiffFormat(Format):
    """``NAME.tif``, ``NAME_tracks.txt`` and the text files ``NAME_…`` beside it."""

    suffixes = (".tif", ".tiff")

    def is_result(self, path: Path) -> bool:
        """Tell a former result from any other file.

        Of the files beside it, too; ``path`` is either.
        """
        if path.suffix.lower() in self.suffixes:
            return is_made_here(path)
        return is_track_file(path) if path.name.endswith(_TRACKS) else is_extra(path)

    def files(self, path: Path) -> list[Path]:
        """Return the TIFF and all that may lie beside it.

        Raises
        ------
        InputError
            When those files belong to another result, such as one in ``a.tif`` where
            ``a.tiff`` is to be written.
        """
        twin = _twin(path)
        if twin is not None:
            raise InputError(
                f"{twin.name} in {path.parent} is a result whose text files have the "
                f"names that those of {path.name} would have; choose another name."
            )
        return _files(path)

    def recognises(self, path: Path) -> bool:
        """Tell any file from folders."""
        return path.is_file()

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write the files; see `Format.write`."""
        path = real_path(path)
        with replacing_files(self.files(path), overwrite, self.is_result) as folder:
            _write_stack(folder / path.name, result)
            write_tracks(_beside(folder / path.name, _TRACKS), result.tracks)
            write_extras(folder, f"{path.stem}_", result)

    def read(self, path: Path) -> SavedResult:
        """Read labels, and what lies beside them; see `Format.read`."""
        return _read(path, on_disk=False)

    def open(self, path: Path) -> SavedResult:
        """Leave the labels on disk; see `Openable.open`."""
        return _read(path, on_disk=True)


def lost_parents(path: Path) -> str | None:
    """Tell of a TIFF made by fastershift that its list of tracks is not beside it.

    Parameters
    ----------
    path : Path
        A result of any format.

    Returns
    -------
    str or None
        A sentence; None where nothing is lost.
    """
    if path.suffix.lower() not in TiffFormat.suffixes or not is_made_here(path):
        return None
    places = (_beside(one, _TRACKS) for one in (path, real_path(path)))
    if any(place.exists() for place in (*places, path.with_name("res_track.txt"))):
        return None
    return (
        f"{_beside(path, _TRACKS).name} is not beside {path.name}, so parents are not "
        "known; bring it there where there are divisions."
    )


def _read(path: Path, *, on_disk: bool) -> SavedResult:
    real = real_path(path)
    if real.suffix.lower() not in TiffFormat.suffixes and not _is_tiff(real):
        raise InputError(
            f"{path} is not a kind of file from which cells are read; give a TIFF, an "
            "XML file of TrackMate, a table (.csv), a zip of ROIs, a Zarr, a GEFF or a "
            "folder of masks."
        )
    with suppress(OSError):  # on a disk that is read-only nothing can be finished
        finish_files(_files(real))
    movie = read_label_frames(
        real, lambda axes: read_tiff(real, InputSettings(axes=axes))
    )
    movie.check_whole()
    # Where every file is a link of its own, the others lie beside the link.
    if not any(file.exists() for file in _files(real)[1:]):
        real = path
    adopted, listed = adopt_labels(movie, str(path)), _beside(real, _TRACKS)
    labels = adopted if on_disk else adopted.stack()
    if listed.exists():
        tracks = rename_tracks(read_tracks(listed), adopted.numbers)
        check_tracks(tracks, labels, listed)
    else:
        tracks = tracks_from_labels(labels)
    return SavedResult(
        labels,
        tracks,
        movie.scale,
        movie.units,
        numbers=adopted.numbers,
        **read_extras(real.parent, f"{real.stem}_"),
    )


def _is_tiff(path: Path) -> bool:
    """Tell by its first bytes; a link into a store may have no suffix."""
    with path.open("rb") as file:
        return file.read(4) in _BEGINS


def _files(path: Path) -> list[Path]:
    return [path, *(_beside(path, name) for name in (_TRACKS, *EXTRAS))]


def _twin(path: Path) -> Path | None:
    """Find another result that has the name of this one but for its suffix."""
    beside: list[Path] = []
    with suppress(OSError):  # a place that cannot be used is told elsewhere
        beside = [*path.parent.iterdir()]
    for one in beside:
        alike = one.stem == path.stem and one.suffix.lower() in TiffFormat.suffixes
        if alike and one.name != path.name and is_made_here(one):
            # Many disks do not tell A from a: it may be the same file.
            return None if path.exists() and one.samefile(path) else one
    return None


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.stem}_{what}")


def _write_stack(path: Path, result: SavedResult) -> None:
    labels, highest = result.labels, max((t for t, *_ in result.tracks), default=0)
    dtype = np.dtype(np.uint16 if highest <= np.iinfo(np.uint16).max else np.uint32)
    tifffile.imwrite(
        path,
        (_cast(np.asarray(labels[t]), dtype) for t in range(len(labels))),
        shape=result.shape,
        dtype=dtype,
        ome=True,
        metadata={"axes": "TYX", **_voxel_size(result)},
        compression="zlib",
        photometric="minisblack",
        software=MADE_BY,
    )


def _cast(frame: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    highest = frame.max(initial=0)
    if highest > np.iinfo(dtype).max:
        raise InputError(
            f"The labels hold the number {highest}, which is not among the tracks."
        )
    return frame.astype(dtype)


def _voxel_size(result: SavedResult) -> dict[str, Any]:
    """Spell scale and units as OME does."""
    if result.scale is None:
        return {}
    names = ("TimeIncrement", "PhysicalSizeY", "PhysicalSizeX")
    spelled = [_OME_UNITS.get(unit, unit) for unit in result.units or ("pixel",) * 3]
    metadata: dict[str, Any] = dict(zip(names, result.scale, strict=True))
    metadata |= {f"{n}Unit": s for n, s in zip(names, spelled, strict=True)}
    if spelled[0] == "pixel":  # OME takes a time step without a unit for seconds
        del metadata["TimeIncrement"], metadata["TimeIncrementUnit"]
    return metadata
