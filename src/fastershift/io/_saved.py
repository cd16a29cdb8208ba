"""Everything that was saved with a result, in one mapping."""

from pathlib import Path
from typing import Any

from fastershift.config import load_settings
from fastershift.errors import InputError
from fastershift.io._geff import is_geff, read_geff_record, read_geff_scale
from fastershift.io._movie import Scale, Units
from fastershift.io._read import read_movie
from fastershift.io._result import read_corrections, read_result
from fastershift.io._zarr import is_zarr, read_zarr_record

__all__ = ["read_saved"]


def read_saved(path: str | Path) -> dict[str, Any]:
    """Read a result with all that brings it back as it was.

    Parameters
    ----------
    path : str or Path
        As for `read_result`.

    Returns
    -------
    dict
        ``labels`` (T, Y, X) int32, ``tracks``, ``corrections``, ``settings`` as a
        mapping, ``scale`` and ``units``; None for what is not known, and for settings
        that cannot be read.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    path = Path(path)
    labels, tracks = read_result(path)
    scale, units = _placed(path)
    return {
        "labels": labels,
        "tracks": tracks,
        "corrections": read_corrections(path),
        "settings": _settings(path),
        "scale": scale,
        "units": units,
    }


def _placed(path: Path) -> tuple[Scale | None, Units | None]:
    if is_geff(path):
        return read_geff_scale(path)
    if path.is_file() or is_zarr(path):
        movie = read_movie(path)
        return movie.scale, movie.units
    return None, None


def _settings(path: Path) -> dict[str, Any] | None:
    if path.is_dir() and is_zarr(path):
        read = read_geff_record if is_geff(path) else read_zarr_record
        found = (read(path) or {}).get("settings")
        return None if found is None else dict(found)
    beside = path.with_name(f"{path.stem}_settings.toml")
    listed = path / "settings.toml" if path.is_dir() else beside
    try:
        return load_settings(listed)
    except InputError:
        return None
