"""A result as a label image of OME-Zarr (NGFF 0.4 and 0.5)."""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._atomic import replacing_folder
from fastershift.io._axes import spell_sizes
from fastershift.io._labels import adopt_labels
from fastershift.io._listed import as_listed, check_no_gap
from fastershift.io._masks import tracks_from_labels
from fastershift.io._movie import Scale, Units
from fastershift.io._saved_result import SavedResult, Tracks, from_record, to_record
from fastershift.io._zarr import (
    RECORD,
    import_zarr,
    is_zarr,
    is_zarr_result,
    multiscales,
    read_attributes,
)
from fastershift.io.formats._format import Format
from fastershift.io.movies import read_zarr

__all__ = ["OmeZarrFormat", "movie_metadata", "write_label_image"]

#: Longest side of a chunk in pixels; smaller frames are one chunk each.
_CHUNK = 2048
#: Turn of the colour wheel from track to track: neighbours in number differ most.
_GOLDEN = 0.618033988749895


class OmeZarrFormat(Format):
    """A label image, its tracks and all that is kept of them in its attributes."""

    suffixes = (".zarr",)

    def target(self, path: Path) -> Path:
        """Add ``.zarr``, where a label image does not lie beside its image."""
        import_zarr()
        named = super().target(path)
        return path if named != path and _labelled_image(path) else named

    def is_result(self, path: Path) -> bool:
        """Tell a former result from any other Zarr."""
        return is_zarr(path) and is_zarr_result(path, (r"\d+",))

    def recognises(self, path: Path) -> bool:
        """Tell any Zarr."""
        return is_zarr(path)

    def write(self, path: Path, result: SavedResult, *, overwrite: bool) -> None:
        """Write the label image, and list it with its image; see `Format.write`."""
        image = _labelled_image(path)
        with replacing_folder(path, overwrite, self.is_result) as folder:
            write_label_image(folder, result, image)
        if image is not None:
            _list_label_image(path, image)

    def read(self, path: Path) -> SavedResult:
        """Open a label image; its frames are read when asked for.

        See `Format.read`.
        """
        movie, attributes = read_zarr(path, InputSettings()), read_attributes(path)
        labels, scale, units = adopt_labels(movie, str(path)), movie.scale, movie.units
        if RECORD in attributes:
            saved = from_record(attributes[RECORD], labels, scale, units, path)
            return as_listed(saved, movie)
        tracks = tracks_from_labels(labels)
        check_no_gap(movie, tracks)
        return SavedResult(labels, tracks, scale, units, numbers=labels.numbers)


@dataclass(frozen=True)
class _OmeImage:
    """What labels beside an image must agree with.

    Attributes
    ----------
    version : {"0.4", "0.5"}
        Of the format.
    n_frames : int
        Frames of the image.
    levels : tuple of (int, int)
        Height and width at every resolution, the full one first.
    """

    version: Literal["0.4", "0.5"]
    n_frames: int
    levels: tuple[tuple[int, int], ...]


def _labelled_image(path: Path) -> _OmeImage | None:
    """Look at the image that a label image belongs to.

    Parameters
    ----------
    path : Path
        Where the label image is to lie, such as ``movie.zarr/labels/cells``.

    Returns
    -------
    _OmeImage or None
        None when ``path`` does not lie in the labels of an OME-Zarr image.
    """
    place = path.absolute().parent
    if place.name != "labels" or not is_zarr(place.parent):
        return None
    group = import_zarr().open(place.parent, mode="r")
    image = multiscales(group.attrs.asdict())
    if image is None:
        return None
    try:
        # Before version 0.4 there were always these five.
        axes = [
            axis["name"] if isinstance(axis, Mapping) else axis
            for axis in image.get("axes", "tczyx")
        ]
        shapes = [
            dict(zip(axes, group[dataset["path"]].shape, strict=True))
            for dataset in image["datasets"]
        ]
        return _OmeImage(
            "0.4" if group.metadata.zarr_format == 2 else "0.5",
            int(shapes[0].get("t", 1)),
            tuple((int(shape["y"]), int(shape["x"])) for shape in shapes),
        )
    except (LookupError, TypeError, ValueError, AttributeError, OSError) as error:
        raise InputError(
            f"The image {place.parent}, beside which the result is to lie, is damaged "
            f"({error}); choose a place of its own."
        ) from error


def _list_label_image(path: Path, image: _OmeImage) -> None:
    """Add a label image to the list in the labels group around it."""
    group = import_zarr().open_group(
        path.parent, mode="a", zarr_format=2 if image.version == "0.4" else 3
    )
    own = group.attrs.asdict()
    holder = own if image.version == "0.4" else own.get("ome", {"version": "0.5"})
    names = [*holder.get("labels", ())]
    if path.name not in names:
        listed = {**holder, "labels": [*names, path.name]}
        group.attrs.update(listed if image.version == "0.4" else {"ome": listed})


def write_label_image(
    folder: Path, result: SavedResult, image: _OmeImage | None = None
) -> None:
    """Write labels as an OME-Zarr label image, frame by frame.

    Parameters
    ----------
    folder : Path
        An empty folder.
    result : SavedResult
        Its labels are read one frame at a time, each once but the first; all else is
        kept in the attributes.
    image : _OmeImage, optional
        The image beside which the labels lie: they take its version and its
        resolutions. Otherwise version 0.5, and the full resolution alone.

    Raises
    ------
    InputError
        When the image has other frames, or frames of another size.
    """
    zarr, shape = import_zarr(), result.shape
    if image is not None and shape != (image.n_frames, *image.levels[0]):
        raise InputError(
            f"Labels of {spell_sizes(shape)} cannot lie beside an image of "
            f"{spell_sizes((image.n_frames, *image.levels[0]))}; track all of its "
            "frames, or write the result to a place of its own."
        )
    levels = (shape[1:],) if image is None else image.levels
    version = "0.5" if image is None else image.version
    old = version == "0.4"
    inside = image is not None
    ome = _metadata(result, levels, version, inside)
    attributes = ome if old else {"ome": {"version": version, **ome}}
    group = zarr.create_group(
        folder,
        attributes={**attributes, RECORD: to_record(result)},
        overwrite=True,
        zarr_format=2 if old else 3,
    )
    arrays = [
        group.create_array(
            str(number),
            shape=(shape[0], *level),
            chunks=(1, *(min(side, _CHUNK) for side in level)),
            dtype="int32",
            dimension_names=None if old else ["t", "y", "x"],
            chunk_key_encoding={"name": "v2" if old else "default", "separator": "/"},
            # A frame without cells is then told from one that is lost.
            config={"write_empty_chunks": True},
        )
        for number, level in enumerate(levels)
    ]
    for t in range(shape[0]):
        frame = np.asarray(result.labels[t])
        for array, level in zip(arrays, levels, strict=True):
            rows, columns = map(_sampled, frame.shape, level)
            for top in range(0, len(rows), _CHUNK):
                some = slice(top, top + _CHUNK)
                array[t, some] = frame[np.ix_(rows[some], columns)]


def _sampled(length: int, wanted: int) -> NDArray[np.int64]:
    """Choose the pixels, of the full resolution, that a coarser one shows."""
    return ((np.arange(wanted) + 0.5) * (length / wanted)).astype(np.int64)


def _metadata(
    result: SavedResult, levels: Sequence[tuple[int, ...]], version: str, inside: bool
) -> dict[str, Any]:
    tracks: Tracks = result.tracks
    multiscale = _multiscale("cells", levels, result.scale, result.units)
    label: dict[str, Any] = {
        "colors": [
            {"label-value": track, "rgba": _colour(track)} for track, *_ in tracks
        ],
        "properties": [
            {"label-value": track, "first": first, "last": last, "parent": parent}
            for track, first, last, parent in tracks
        ],
    }
    if inside:
        label["source"] = {"image": "../../"}
    if version == "0.4":
        multiscale["version"] = label["version"] = version
    return {"multiscales": [multiscale], "image-label": label}


def movie_metadata(shape: tuple[int, int]) -> dict[str, Any]:
    """Describe a movie (T, Y, X) of one resolution, of unknown pixel size."""
    multiscale = _multiscale("movie", [shape], None, None)
    return {"version": "0.5", "multiscales": [multiscale]}


def _multiscale(
    name: str,
    levels: Sequence[tuple[int, ...]],
    scale: Scale | None,
    units: Units | None,
) -> dict[str, Any]:
    axes: list[dict[str, str]] = [
        {"name": "t", "type": "time"},
        {"name": "y", "type": "space"},
        {"name": "x", "type": "space"},
    ]
    for axis, unit in zip(axes, units or ("pixel",) * 3, strict=True):
        if unit != "pixel":
            axis["unit"] = unit
    step = scale or (1.0, 1.0, 1.0)
    datasets = []
    for number, level in enumerate(levels):
        coarser = [full / side for full, side in zip(levels[0], level, strict=True)]
        factors = [step[0], step[1] * coarser[0], step[2] * coarser[1]]
        transform = {"type": "scale", "scale": factors}
        datasets.append({"path": str(number), "coordinateTransformations": [transform]})
    return {"name": name, "axes": axes, "datasets": datasets}


def _colour(track: int) -> list[int]:
    """Give a track its colour: strong, and unlike that of the tracks before it."""
    value = 0.75 + 0.25 * (track % 2)
    colour = colorsys.hsv_to_rgb(track * _GOLDEN % 1, 0.85, value)
    return [*(round(255 * part) for part in colour), 255]
