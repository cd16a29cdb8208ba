"""Linker: ultrack."""

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
    TrackOf,
    diameter_of,
    left_alone,
    quiet,
)
from fastershift.tracking import PlacedCells

__all__ = ["link_by_ultrack", "load_ultrack"]


def load_ultrack() -> None:
    """Load what tracks."""
    import_module("ultrack.core.main")


def link_by_ultrack(movie: MaskMovie, cells: list[PlacedCells]) -> Found:
    """Link with ultrack."""
    import ultrack
    from ultrack.config import MainConfig

    with TemporaryDirectory() as folder, quiet():
        config = MainConfig()
        config.data_config.working_dir = Path(folder)
        segments, links = config.segmentation_config, config.linking_config
        # Each mask is one segment: contours are flat, and none is too large. Its
        # watershed needs 8 pixels.
        segments.min_area, segments.max_area = 8, movie.masks[0].size
        segments.min_area_factor = 1.0
        segments.min_frontier = 0.5
        links.max_distance = FARTHEST * diameter_of(cells)
        config.tracking_config.solver_name = "CBC"
        config.tracking_config.n_threads = 1
        ultrack.track(
            config,
            foreground=_kept_apart(movie.masks),
            contours=np.zeros(movie.masks.shape, np.float32),
            overwrite="all",
        )
        found, _ = ultrack.to_tracks_layer(config)
    return _of_ultrack(found, cells)


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
    parents: dict[int, int] = {}
    for t, of_frame in found.groupby("t"):
        frame = cells[int(t)]
        away, which = cKDTree(frame.places).query(of_frame[["y", "x"]].to_numpy() + 0.5)
        # Of the pieces of one mask the nearest counts.
        for row in np.argsort(-away).tolist():
            label = int(frame.ids[which[row]])
            tracks[int(t)][label] = int(of_frame["track_id"].iloc[row])
    for track, parent in zip(found["track_id"], found["parent_track_id"], strict=True):
        if parent > 0:
            parents[int(track)] = int(parent)
    return left_alone(tracks, cells), parents
