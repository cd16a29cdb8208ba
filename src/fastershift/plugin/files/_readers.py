"""Folders dropped onto napari: of the Cell Tracking Challenge, and results in Zarr."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fastershift.errors import InputError
from fastershift.io import (
    LabelFrames,
    SavedResult,
    Tracks,
    is_result,
    is_zarr,
    read_movie,
    read_saved,
)
from fastershift.plugin.files._layer_files import former_numbers
from fastershift.plugin.layers._colours import track_colormap
from fastershift.plugin.layers._record import ResultRecord
from fastershift.plugin.layers._tracks_of import are_drawn
from fastershift.tracking import Lineage, Track, centroids

__all__ = ["LayerData", "get_reader", "get_zarr_reader", "saved_layers", "track_layers"]

#: Data, attributes and type of a layer.
LayerData: TypeAlias = tuple[Any, dict[str, Any], str]

_NOTHING = ResultRecord()

#: Bytes of labels up to which they are read whole, and tracks are drawn.
_SMALL = 2**29

_MASK = re.compile(r"(mask|man_track|man_seg)_?\d+\.tiff?", re.IGNORECASE)
_FRAME = re.compile(r"t_?\d+\.tiff?", re.IGNORECASE)


def get_reader(
    path: str | Sequence[str],
) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Choose how to read a folder.

    Parameters
    ----------
    path : str or sequence of str
        What was dropped.

    Returns
    -------
    callable or None
        None for anything but one folder of masks or of frames as the Cell Tracking
        Challenge names them.
    """
    folder = _only_folder(path)
    if folder is None or not folder.is_dir():
        return None
    if any(_holds(one, _MASK) for one in (folder, folder / "TRA", folder / "SEG")):
        return _read_masks
    return _read_frames if _holds(folder, _FRAME) else None


def get_zarr_reader(
    path: str | Sequence[str],
) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Choose how to read a Zarr folder.

    Parameters
    ----------
    path : str or sequence of str
        What was dropped.

    Returns
    -------
    callable or None
        None for anything but one result, such as ``result.zarr``, ``result.geff`` or
        ``movie.zarr/labels/cells``.
    """
    folder = _only_folder(path)
    if folder is None:
        return None
    try:
        found = is_zarr(folder) and is_result(folder)
    except InputError:  # without the package zarr
        return None
    return _read_zarr if found else None


def _holds(folder: Path, pattern: re.Pattern[str]) -> bool:
    if not folder.is_dir():
        return False
    return any(pattern.fullmatch(entry.name) for entry in folder.iterdir())


def _only_folder(path: str | Sequence[str]) -> Path | None:
    """Return the folder that was dropped; None for several."""
    if isinstance(path, str):
        return Path(path)
    return Path(path[0]) if len(path) == 1 else None


def _folder(path: str | Sequence[str]) -> Path:
    return Path(path if isinstance(path, str) else path[0])


def _name(folder: Path) -> str:
    """Name a folder so that "01" of two movies can be told apart."""
    return f"{folder.resolve().parent.name} {folder.name}".strip()


def _read_masks(path: str | Sequence[str]) -> list[LayerData]:
    folder = _folder(path)
    return saved_layers(read_saved(folder), _name(folder))


def _read_zarr(path: str | Sequence[str]) -> list[LayerData]:
    folder = _folder(path)
    return saved_layers(read_saved(folder), folder.stem)


def saved_layers(saved: SavedResult, name: str) -> list[LayerData]:
    """Describe the layers of a saved result, with all that corrections go on from.

    A large result stays on disk, where its format allows that: a frame is read when
    it is shown, and no tracks are drawn.

    Parameters
    ----------
    saved : SavedResult
        From `fastershift.io.read_saved`.
    name : str
        Of what was tracked.

    Returns
    -------
    list of (data, attributes, layer type)
    """
    settings = saved.settings
    record = ResultRecord(
        settings={} if settings is None else settings.model_dump(mode="json"),
        provenance=saved.provenance,
        reports=saved.reports,
        corrections=saved.corrections,
        lost_settings=saved.lost_settings,
    )
    placed: dict[str, Any] = {}
    if saved.scale is not None:
        placed = {"scale": saved.scale, "units": saved.units}
    if isinstance(saved.labels, np.ndarray) or 4 * prod(saved.shape) <= _SMALL:
        layers = track_layers(saved.stack(), saved.tracks, name, record=record)
    else:
        frames = _lazy(saved.labels, saved.shape, np.dtype(np.int32))
        layers = [_cells(frames, saved.tracks, name, record=record)]
    if saved.numbers is not None:
        layers[0][1]["features"] = former_numbers(saved.numbers)
    return [(data, {**given, **placed}, kind) for data, given, kind in layers]


def _read_frames(path: str | Sequence[str]) -> list[LayerData]:
    folder = _folder(path)
    movie = read_movie(folder)
    first = movie[0]
    attributes: dict[str, Any] = {
        "name": _name(folder),
        # Of one frame, so that opening a long movie does not read it.
        "contrast_limits": _limits(first),
        "axis_labels": ("t", "y", "x"),
    }
    if movie.scale is not None:
        attributes["scale"] = movie.scale
        attributes["units"] = movie.units
    return [(_lazy(movie, movie.shape, movie.dtype), attributes, "image")]


def _limits(frame: Any) -> tuple[float, float]:
    finite = frame[np.isfinite(frame)]
    if not finite.size or finite.min() == finite.max():
        return (0.0, 1.0)
    return float(finite.min()), float(finite.max())


def _lazy(frames: LabelFrames, shape: tuple[int, int, int], dtype: np.dtype) -> Any:
    """Wrap frames that are read one at a time as an array of shape (T, Y, X)."""
    from dask.array import from_delayed, stack
    from dask.delayed import delayed

    def read(t: int) -> Any:
        return frames[t].astype(dtype, copy=False)

    pieces = [
        from_delayed(delayed(read)(t), shape[1:], dtype)  # type: ignore[no-untyped-call]
        for t in range(shape[0])
    ]
    return stack(pieces)  # type: ignore[no-untyped-call]


def track_layers(
    labels: Any,
    tracks: Tracks,
    name: str,
    *,
    visible: bool = True,
    record: ResultRecord = _NOTHING,
) -> list[LayerData]:
    """Describe the Labels and Tracks layers of tracked cells.

    Parameters
    ----------
    labels : (T, Y, X) int32
        Track ids.
    tracks : sequence of (id, first, last, parent)
        The lineage.
    name : str
        Of what was tracked.
    visible : bool
        Whether they are shown at once.
    record : ResultRecord
        What else is known about them: settings, corrections.

    Returns
    -------
    list of (data, attributes, layer type)
        No Tracks where there are no cells, or where their numbers are too large.
    """
    cells = _cells(labels, tracks, name, visible=visible, record=record)
    shared = {key: cells[1][key] for key in ("metadata", "visible")}
    layers: list[LayerData] = [cells]
    positions = centroids(labels)
    if are_drawn(positions):
        known = set(positions[:, 0].astype(int).tolist())
        graph = Lineage(tuple(Track(*track) for track in tracks)).graph()
        # An empty track has no position, and napari refuses links to it.
        graph = {
            child: parents
            for child, parents in graph.items()
            if {child, *parents} <= known
        }
        attributes = {
            "name": f"{name} [tracks]",
            "graph": graph,
            "colormaps_dict": {"track_id": track_colormap()},
            **shared,
        }
        layers.append((positions, attributes, "tracks"))
    return layers


def _cells(
    labels: Any,
    tracks: Tracks,
    name: str,
    *,
    visible: bool = True,
    record: ResultRecord = _NOTHING,
) -> LayerData:
    rows = [(track, first, last, up) for track, first, last, up in tracks]
    attributes = {
        "name": f"{name} [cells]",
        "colormap": track_colormap(),
        "metadata": replace(record, tracks=rows).metadata(),
        "visible": visible,
    }
    return labels, attributes, "labels"
