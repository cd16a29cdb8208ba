"""Movies in Zarr arrays and OME-Zarr images (extra ``zarr``)."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._axes import choose_position
from fastershift.io._movie import (
    Movie,
    Scale,
    Units,
    as_movie,
    known_scale,
    no_level,
)
from fastershift.io._zarr import is_zarr, multiscales, open_zarr, read_attributes
from fastershift.io.movies._zarr_chunks import StoredArray

__all__ = ["movie_parts", "read_zarr"]

#: What programs call an axis, to its letter.
_LETTERS = {
    **dict.fromkeys(("t", "time", "frame", "frames"), "T"),
    **dict.fromkeys(("p", "s", "position", "scene", "fov"), "P"),
    **dict.fromkeys(("c", "ch", "channel", "channels"), "C"),
    **dict.fromkeys(("z", "depth", "plane", "slice"), "Z"),
    **dict.fromkeys(("y", "row", "rows", "height"), "Y"),
    **dict.fromkeys(("x", "col", "column", "columns", "width"), "X"),
}
#: What a description raises that holds a number, say, where a list must be.
_ODD = (
    TypeError,
    AttributeError,
    LookupError,
    ValueError,
    ArithmeticError,
    RuntimeError,  # of which there are those about what is not implemented
)
#: Chunks of a movie and of a frame, and bytes of one of them, that are more than there
#: can be. A frame of more would take minutes to read.
_MOST_CHUNKS, _MOST_IN_FRAME, _LARGEST_CHUNK = 10**7, 5 * 10**4, 2**36
#: Where bioformats2raw says that its images lie side by side.
_SIDE_BY_SIDE = "bioformats2raw.layout"


def read_zarr(path: Path, reading: InputSettings) -> Movie:
    """Open a Zarr array, or one resolution level of an OME-Zarr image.

    Parameters
    ----------
    path : Path
        An array, an image, or a folder of several images, of which the position says
        which is meant.
    reading : InputSettings
        What is taken of it.

    Returns
    -------
    Movie

    Raises
    ------
    InputError
        When it is damaged, or something of it has to be chosen.
    """
    try:
        return _read_zarr(path, reading)
    except InputError:
        raise
    except _ODD as error:
        raise _senseless(path, error) from error


def _senseless(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} is described in a way that makes no sense ({error}); the file is "
        "damaged, or another program has written it wrongly."
    )


def _read_zarr(path: Path, reading: InputSettings) -> Movie:
    node = open_zarr(path)
    if hasattr(node, "shape"):
        _check_size(path, node)
        if reading.level:
            raise no_level(path, reading.level, 1)
        return _movie(path, node, path, _named_dimensions(node), reading)
    image = multiscales(node.attrs.asdict())
    if image is None:
        return _read_part(path, node, reading)
    axes = _image_axes(image, path)
    place, array = _level(path, node, image, reading.level)
    _check_size(path, array)
    if len(axes) != array.ndim:
        raise InputError(
            f"{path} names {len(axes)} axes ({', '.join(axes)}), but its pixels have "
            f"{array.ndim}; the file is damaged."
        )
    scale, units = _scale(image, reading.level, axes, path)
    return _movie(path, array, place, axes, reading, scale, units)


def _check_size(path: Path, array: Any) -> None:
    """Refuse what no file can hold; a head alone may promise it."""
    outer = getattr(array, "shards", None) or array.chunks
    if 0 in outer:
        raise InputError(f"{path} says that its chunks hold nothing; it is damaged.")
    along = [-(-size // one) for size, one in zip(array.shape, outer, strict=True)]
    chunks = prod(along)
    if (
        chunks > _MOST_CHUNKS
        or prod(along[-2:]) > _MOST_IN_FRAME
        or prod(outer) * array.dtype.itemsize > _LARGEST_CHUNK
    ):
        shape = " × ".join(f"{size:,}" for size in array.shape)
        raise InputError(
            f"{path} says that it holds {shape} pixels in {chunks:,} chunks, which no "
            "movie does; it is damaged, or its chunks are too small or too large."
        )


def _movie(
    path: Path,
    array: Any,
    place: Path,
    axes: str,
    reading: InputSettings,
    scale: Scale | None = None,
    units: Units | None = None,
) -> Movie:
    stored = StoredArray(array, place)
    return as_movie(
        stored,
        axes if reading.axes == "auto" else reading.axes,
        reading.channel,
        plane=reading.plane,
        position=reading.position,
        name=path.name,
        source=path,
        scale=scale,
        units=units,
        lost=stored.lost,
    )


def _named_dimensions(array: Any) -> str:
    """Read the axes as xarray and others name them; "auto" where they do not."""
    names = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.asdict().get("_ARRAY_DIMENSIONS") or ()
    letters = [_LETTERS.get(str(name).lower(), "") for name in names]
    good = all(letters) and len(set(letters)) == len(letters) == array.ndim
    return "".join(letters) if good and {"Y", "X"} <= set(letters) else "auto"


def _image_axes(image: Mapping[str, Any], path: Path) -> str:
    # Before version 0.4 there were always these five.
    given = image.get("axes", [*"tczyx"])
    names = [one.get("name", "") if isinstance(one, Mapping) else one for one in given]
    letters = [_LETTERS.get(str(name).lower(), "") for name in names]
    if not all(letters) or len(set(letters)) < len(letters):
        raise InputError(
            f"The axes of {path} are called {', '.join(map(str, names))}, and it is "
            "not clear what they are; say so with axes, for example TYX.",
            axes="TYX",
        )
    return "".join(letters)


def _level(
    path: Path, group: Any, image: Mapping[str, Any], level: int
) -> tuple[Path, Any]:
    datasets = image.get("datasets") or ()
    if not datasets:
        raise InputError(f"{path} is an image without pixels; copy it again.")
    if level >= len(datasets):
        raise no_level(path, level, len(datasets))
    name = str(datasets[level].get("path", ""))
    try:
        array = group[name]
        array.shape  # noqa: B018 - a group has none
    except (KeyError, ValueError, AttributeError, OSError) as error:
        raise InputError(
            f"The resolution level {level} of {path} is lost; copy the file again, or "
            "choose another level.",
            level=1,
        ) from error
    return path / name, array


def _scale(
    image: Mapping[str, Any], level: int, axes: str, path: Path
) -> tuple[Scale | None, Units | None]:
    factors = [1.0] * len(axes)
    found = False
    for holder in (image, image["datasets"][level]):
        for transform in holder.get("coordinateTransformations", ()):
            if transform.get("type") == "scale":
                steps = transform.get("scale", ())
                if len(steps) != len(axes):
                    raise InputError(
                        f"The scale of {path} has {len(steps)} numbers for its "
                        f"{len(axes)} axes; the file is damaged."
                    )
                factors = [a * float(b) for a, b in zip(factors, steps, strict=True)]
                found = True
    if not found:
        return None, None
    step = dict(zip(axes, factors, strict=True))
    named = image.get("axes", ())
    unit = {
        axis: str(one.get("unit", "pixel"))
        for axis, one in zip(axes, named, strict=False)
        if isinstance(one, Mapping)
    }
    time, height, width = (step.get(axis, 1.0) for axis in "TYX")
    second, row, column = (unit.get(axis, "pixel") for axis in "TYX")
    return known_scale((time, height, width), (second, row, column))


def _read_part(path: Path, group: Any, reading: InputSettings) -> Movie:
    """Open one of the images that lie side by side."""
    parts = movie_parts(path)
    if not parts:
        inside = ", ".join(sorted(group.keys())) or "nothing"
        raise InputError(
            f"{path} is a Zarr group without an image; give the array inside it "
            f"({inside})."
        )
    number = choose_position(len(parts), reading.position, str(path))
    return read_zarr(parts[number], reading.model_copy(update={"position": None}))


def movie_parts(path: Path) -> list[Path] | None:
    """List the images that lie side by side in a Zarr.

    Parameters
    ----------
    path : Path
        Any Zarr.

    Returns
    -------
    list of Path or None
        The fields of a plate, well by well, such as ``plate.zarr/B/3/0``; the series
        that bioformats2raw has written, such as ``movie.zarr/0``; None for any other
        Zarr.

    Raises
    ------
    InputError
        When an image that is named there is missing, or it is damaged.
    """
    attributes = read_attributes(path)
    try:
        own = attributes.get("ome", attributes)
        if "plate" in own:
            return _fields(path, own["plate"])
        if _SIDE_BY_SIDE in own or _SIDE_BY_SIDE in attributes:
            return _series(path)
    except InputError:
        raise
    except _ODD as error:
        raise _senseless(path, error) from error
    return None


def _fields(path: Path, plate: Mapping[str, Any]) -> list[Path]:
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


def _series(path: Path) -> list[Path]:
    named: Sequence[str] | None = None
    if is_zarr(path / "OME"):
        attributes = read_attributes(path / "OME")
        named = attributes.get("ome", attributes).get("series")
    if named is None:
        numbers = (int(one.name) for one in path.iterdir() if one.name.isdecimal())
        named = [str(number) for number in sorted(numbers)]
    for name in named:
        if not is_zarr(path / name):
            raise InputError(
                f"{path} names a series {name} that is not there; copy all of it."
            )
    return [path / name for name in named]
