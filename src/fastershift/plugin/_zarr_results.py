"""Results in Zarr, dropped onto napari and shown from where they are."""

from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from dask.array import from_delayed, stack
from dask.delayed import delayed

from fastershift.errors import InputError
from fastershift.io import (
    Movie,
    is_geff,
    is_zarr,
    read_movie,
    read_saved,
    read_zarr_record,
)
from fastershift.plugin._colors import track_colormap
from fastershift.plugin._readers import LayerData, saved_layers, track_layers

__all__ = ["get_zarr_reader"]

#: What is stored with a result and taken up by the widgets again.
_KEPT = ("settings", "provenance", "reports", "corrections")

#: Bytes of labels up to which they are read whole, and tracks are drawn.
_SMALL = 2**29


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
    try:
        folder = _folder(path)
        found = is_zarr(folder) and read_zarr_record(folder) is not None
    except InputError:  # without the package zarr
        return None
    return _read if found else None


def _folder(path: str | Sequence[str]) -> Path:
    if isinstance(path, str):
        return Path(path)
    return Path(path[0]) if len(path) == 1 else Path()


def _read(path: str | Sequence[str]) -> list[LayerData]:
    """Describe the layers; a large result stays on disk, a frame is read when shown."""
    folder = _folder(path)
    if is_geff(folder):
        return saved_layers(read_saved(folder), folder.stem)
    movie, record = read_movie(folder), read_zarr_record(folder) or {}
    tracks = [tuple(row) for row in record.get("tracks", ())]
    kept = {key: record[key] for key in _KEPT if record.get(key)}
    name = folder.name.removesuffix(".zarr")
    placed = {}
    if movie.scale is not None:
        placed = {"scale": movie.scale, "units": movie.units}
    if 4 * prod(movie.shape) <= _SMALL:
        labels = np.stack([frame.astype(np.int32) for frame in movie])
        layers = track_layers(labels, tracks, name, record=kept)
    else:
        cells = {
            "name": f"{name} [cells]",
            "colormap": track_colormap(),
            "metadata": {"fastershift": {**kept, "tracks": tracks}},
        }
        layers = [(_lazy(movie), cells, "labels")]
    return [(data, {**given, **placed}, kind) for data, given, kind in layers]


def _lazy(movie: Movie) -> Any:
    def frame(t: int) -> Any:
        return movie[t].astype(np.int32)

    shape = movie.shape[1:]
    frames = [
        from_delayed(delayed(frame)(t), shape, np.int32)  # type: ignore[no-untyped-call]
        for t in range(len(movie))
    ]
    return stack(frames)  # type: ignore[no-untyped-call]
