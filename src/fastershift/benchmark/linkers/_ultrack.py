"""Linker: ultrack."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers._peer import (
    FARTHEST,
    Found,
    Linked,
    TrackOf,
    as_linked,
    diameter_of,
    left_alone,
    processor_seconds,
    quiet,
)
from fastershift.labels import label_ids
from fastershift.tracking import PlacedCells, place_cells

__all__ = ["choose_by_ultrack", "link_by_ultrack", "load_ultrack"]

_Labels = npt.NDArray[np.int32]


def load_ultrack() -> None:
    """Load what tracks."""
    import_module("ultrack.core.main")


def link_by_ultrack(movie: MaskMovie, cells: list[PlacedCells]) -> Found:
    """Link with ultrack."""
    import ultrack

    with TemporaryDirectory() as folder, quiet():
        config = _config(folder, movie, cells)
        # Each mask is one segment: contours are flat.
        config.segmentation_config.min_frontier = 0.5
        ultrack.track(
            config,
            foreground=_kept_apart(movie.masks),
            contours=np.zeros(movie.masks.shape, np.float32),
            overwrite="all",
        )
        found, _ = ultrack.to_tracks_layer(config)
    return _of_ultrack(found, cells)


def choose_by_ultrack(movie: MaskMovie, alternatives: list[_Labels]) -> Linked:
    """Choose among alternatives, and link, with ultrack."""
    import ultrack

    started = processor_seconds()
    cells = [place_cells(frame) for frame in alternatives[0]]
    with TemporaryDirectory() as folder, quiet():
        config = _config(folder, movie, cells)
        ultrack.track(config, labels=alternatives, overwrite="all")
        found, _ = ultrack.to_tracks_layer(config)
        masks = np.asarray(ultrack.tracks_to_zarr(config, found)).astype(np.int32)
    tracks = [{int(one): int(one) for one in label_ids(frame)[1:]} for frame in masks]
    seconds = processor_seconds() - started
    return as_linked(replace(movie, masks=masks), tracks, _parents(found), seconds)


def _config(folder: str, movie: MaskMovie, cells: list[PlacedCells]) -> Any:
    from ultrack.config import MainConfig

    config = MainConfig()
    config.data_config.working_dir = Path(folder)
    segments = config.segmentation_config
    # No mask is too large. Its watershed needs 8 pixels.
    segments.min_area, segments.max_area = 8, movie.masks[0].size
    segments.min_area_factor = 1.0
    config.linking_config.max_distance = FARTHEST * diameter_of(cells)
    config.tracking_config.solver_name = "CBC"
    config.tracking_config.n_threads = 1
    return config


def _kept_apart(masks: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Leave out a line of pixels where two masks touch."""
    inside = masks > 0
    for axis in (1, 2):
        here, there = (
            np.take(masks, range(*span), axis)
            for span in ((0, masks.shape[axis] - 1), (1, masks.shape[axis]))
        )
        line = (here != there) & (here > 0) & (there > 0)
        part = tuple(
            slice(0, masks.shape[axis] - 1) if one == axis else slice(None)
            for one in range(3)
        )
        inside[part] &= ~line
    return inside


def _of_ultrack(found: Any, cells: list[PlacedCells]) -> Found:
    """Give each segment the mask whose centroid is nearest to its own."""
    tracks: TrackOf = [{} for _ in cells]
    for t, of_frame in found.groupby("t"):
        frame = cells[int(t)]
        away, which = cKDTree(frame.places).query(of_frame[["y", "x"]].to_numpy() + 0.5)
        # Of the pieces of one mask the nearest counts.
        for row in np.argsort(-away).tolist():
            label = int(frame.ids[which[row]])
            tracks[int(t)][label] = int(of_frame["track_id"].iloc[row])
    return left_alone(tracks, cells), _parents(found)


def _parents(found: Any) -> dict[int, int]:
    """Return the mother of each track that has one."""
    both = zip(found["track_id"], found["parent_track_id"], strict=True)
    return {int(track): int(parent) for track, parent in both if parent > 0}
