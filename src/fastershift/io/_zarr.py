"""Movies and results in Zarr arrays and OME-Zarr image groups (extra ``zarr``)."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._movie import Movie, Scale, Units, as_movie
from fastershift.io._tiff import no_level

__all__ = [
    "RECORD",
    "import_zarr",
    "is_zarr",
    "is_zarr_result",
    "multiscales",
    "plate_fields",
    "read_attributes",
    "read_zarr",
]

#: Attribute with tracks, settings and provenance.
RECORD = "fastershift"
#: Patterns of what every Zarr holds, and of what file managers leave.
_INSIDE = (
    r"zarr\.json|\.z(group|attrs|metadata)",
    r"\.DS_Store|Thumbs\.db|desktop\.ini",
)
_MARKERS = ("zarr.json", ".zarray", ".zgroup")


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return path.is_dir() and any((path / marker).exists() for marker in _MARKERS)


def import_zarr() -> ModuleType:
    """Import zarr, or say how to get it."""
    try:
        import zarr
    except ImportError as error:
        raise InputError(
            "Zarr files need one more package; install it with "
            "pip install 'fastershift[zarr]'."
        ) from error
    module: ModuleType = zarr
    return module


def read_attributes(path: Path) -> dict[str, Any]:
    """Read the attributes of a Zarr.

    Raises
    ------
    InputError
        When zarr is missing, or the Zarr is damaged.
    """
    attributes: dict[str, Any] = _open(path).attrs.asdict()
    return attributes


def _open(path: Path) -> Any:
    zarr = import_zarr()
    try:
        return zarr.open(path, mode="r")
    except (OSError, ValueError, KeyError, TypeError) as error:
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
    known = re.compile("|".join((*_INSIDE, *arrays)))
    try:
        made_here = RECORD in read_attributes(path)
    except InputError:
        return False
    return made_here and all(known.fullmatch(entry.name) for entry in path.iterdir())


def multiscales(attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the OME-Zarr image of a group, version 0.5 (under "ome") or before."""
    images = attributes.get("ome", attributes).get("multiscales")
    return images[0] if images else None


def _scale(
    image: Mapping[str, Any], level: int, axes: list[Mapping[str, Any]]
) -> tuple[Scale | None, Units | None]:
    factors = [1.0] * len(axes)
    found = False
    for holder in (image, image["datasets"][level]):
        for transform in holder.get("coordinateTransformations", ()):
            if transform.get("type") == "scale":
                steps = transform["scale"]
                factors = [a * float(b) for a, b in zip(factors, steps, strict=True)]
                found = True
    if not found:
        return None, None
    step = {axis["name"]: factor for axis, factor in zip(axes, factors, strict=True)}
    unit = {axis["name"]: axis.get("unit", "pixel") for axis in axes}
    scale = (step.get("t", 1.0), step.get("y", 1.0), step.get("x", 1.0))
    return scale, (unit.get("t", "pixel"), unit["y"], unit["x"])


def read_zarr(path: Path, reading: InputSettings) -> Movie:
    """Open a Zarr array, or one resolution level of an OME-Zarr image."""
    zarr = import_zarr()
    node = _open(path)
    scale: Scale | None = None
    units: Units | None = None
    axes, level = reading.axes, reading.level
    if isinstance(node, zarr.Group):
        image = multiscales(node.attrs.asdict())
        if image is None:
            raise InputError(
                f"{path} is a Zarr group without an image; give the array inside it."
            )
        named = [
            axis if isinstance(axis, Mapping) else {"name": str(axis)}
            for axis in image.get("axes", [{"name": name} for name in "tczyx"])
        ]
        if level >= len(image["datasets"]):
            raise no_level(path, level, len(image["datasets"]))
        if axes == "auto":
            axes = "".join(axis["name"] for axis in named)
        scale, units = _scale(image, level, named)
        node = node[image["datasets"][level]["path"]]
    elif level:
        raise no_level(path, level, 1)
    return as_movie(
        node,
        axes,
        reading.channel,
        plane=reading.plane,
        position=reading.position,
        name=path.name,
        source=path,
        scale=scale,
        units=units,
    )


def plate_fields(path: Path) -> list[Path] | None:
    """List the images of an OME-Zarr plate, well by well.

    Parameters
    ----------
    path : Path
        Any Zarr.

    Returns
    -------
    list of Path or None
        Such as ``plate.zarr/B/3/0``; None for a Zarr that is no plate.

    Raises
    ------
    InputError
        When a well that the plate names is missing.
    """
    attributes = read_attributes(path)
    plate = attributes.get("ome", attributes).get("plate")
    if plate is None:
        return None
    fields = []
    for well in plate["wells"]:
        place = path / well["path"]
        if not is_zarr(place):
            raise InputError(
                f"The plate {path} names a well {well['path']} that is not there; copy "
                "the whole plate."
            )
        inside = read_attributes(place)
        images = inside.get("ome", inside).get("well", {}).get("images", ())
        fields += [place / image["path"] for image in images]
    return fields
