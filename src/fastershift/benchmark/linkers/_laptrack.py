"""Linker: laptrack."""

from typing import Any

from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers._peer import (
    FARTHEST,
    GAP,
    Found,
    diameter_of,
    table_of,
    tracks_of_rows,
)
from fastershift.tracking import PlacedCells

__all__ = ["by_distance", "by_overlap"]


def by_distance(movie: MaskMovie, cells: list[PlacedCells]) -> Found:
    """Link with laptrack by the distance of centres."""
    from laptrack import LapTrack

    limit = (FARTHEST * diameter_of(cells)) ** 2
    tracker = LapTrack(
        cutoff=limit,
        gap_closing_cutoff=limit,
        gap_closing_max_frame_count=GAP,
        splitting_cutoff=limit,
    )
    found, splits, _ = tracker.predict_dataframe(
        table_of(cells), ["y", "x"], only_coordinate_cols=False
    )
    return _of_laptrack(found.reset_index(), splits, len(movie.masks))


def by_overlap(movie: MaskMovie, cells: list[PlacedCells]) -> Found:
    """Link with laptrack by overlap; any above a tenth is taken."""
    from laptrack import OverLapTrack

    tracker = OverLapTrack(
        cutoff=0.9,
        gap_closing_cutoff=0.9,
        gap_closing_max_frame_count=GAP,
        splitting_cutoff=0.9,
    )
    found, splits, _ = tracker.predict_overlap_dataframe(list(movie.masks))
    return _of_laptrack(found.reset_index(), splits, len(movie.masks))


def _of_laptrack(found: Any, splits: Any, n_frames: int) -> Found:
    frames = found["frame_y"] if "frame_y" in found else found["frame"]
    rows = zip(
        frames.astype(int).tolist(),
        found["label"].astype(int).tolist(),
        found["track_id"].astype(int).tolist(),
        strict=True,
    )
    parents = {}
    if len(splits):
        parents = {
            int(child) + 1: int(parent) + 1
            for parent, child in zip(
                splits["parent_track_id"], splits["child_track_id"], strict=True
            )
        }
    return tracks_of_rows(rows, n_frames), parents
