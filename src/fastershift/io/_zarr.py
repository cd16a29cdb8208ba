"""What all that deals with Zarr shares (extra ``zarr``)."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from fastershift.errors import InputError, import_extra

__all__ = [
    "RECORD",
    "holds_only",
    "import_zarr",
    "is_zarr",
    "is_zarr_result",
    "multiscales",
    "open_zarr",
    "read_attributes",
]

#: Attribute with tracks, settings and provenance.
RECORD = "fastershift"
#: Patterns of what every Zarr holds, and of what file managers leave.
_INSIDE = (
    r"zarr\.json|\.z(group|attrs|metadata)",
    r"\.DS_Store|Thumbs\.db|desktop\.ini",
)
#: Versions of zarr before this one delete what lies where they write.
_SAFE = (3, 0, 8)
_MARKERS = ("zarr.json", ".zarray", ".zgroup")


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return path.is_dir() and any((path / marker).exists() for marker in _MARKERS)


def import_zarr() -> ModuleType:
    """Import zarr, or say how to get it.

    Raises
    ------
    InputError
        When it is missing, or of a version that deletes files.
    """
    zarr = import_extra("zarr", "zarr", "Zarr files need one more package; install it")
    if _numbers(zarr.__version__) < _SAFE:
        raise InputError(
            f"zarr {zarr.__version__} is too old, and may delete files; install a "
            "newer one with pip install 'fastershift[zarr]'."
        )
    return zarr


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def read_attributes(path: Path) -> dict[str, Any]:
    """Read the attributes of a Zarr.

    Raises
    ------
    InputError
        When zarr is missing, or the Zarr is damaged.
    """
    attributes: dict[str, Any] = open_zarr(path).attrs.asdict()
    return attributes


def open_zarr(path: Path) -> Any:
    """Open an array or a group to be read.

    Raises
    ------
    InputError
        When zarr is missing, or the Zarr is damaged.
    """
    zarr = import_zarr()
    try:
        return zarr.open(path, mode="r")
    except Exception as error:  # damaged files raise anything
        raise InputError(f"{path} cannot be read as Zarr ({error}).") from error


def is_zarr_result(path: Path, arrays: Sequence[str]) -> bool:
    """Tell a result that was written here from any other Zarr.

    Parameters
    ----------
    path : Path
        A Zarr.
    arrays : sequence of str
        Patterns of the names that the arrays and groups of such a result have.

    Returns
    -------
    bool
        False where anything else lies in it, too.
    """
    try:
        made_here = RECORD in read_attributes(path)
    except InputError:
        return False
    return made_here and holds_only(path, arrays)


def holds_only(path: Path, arrays: Sequence[str]) -> bool:
    """Tell whether nothing lies in a Zarr but what is expected.

    Parameters
    ----------
    path : Path
        A Zarr.
    arrays : sequence of str
        Patterns of the names of its arrays and groups.

    Returns
    -------
    bool
    """
    known = re.compile("|".join((*_INSIDE, *arrays)))
    return all(known.fullmatch(entry.name) for entry in path.iterdir())


def multiscales(attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the OME-Zarr image of a group, version 0.5 (under "ome") or before."""
    own = attributes.get("ome", attributes)
    images = own.get("multiscales") if isinstance(own, Mapping) else None
    first = images[0] if isinstance(images, Sequence) and images else None
    return first if isinstance(first, Mapping) else None
