"""Linker: btrack."""

from typing import Any

import numpy as np

from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers._peer import (
    FARTHEST,
    GAP,
    Found,
    TrackOf,
    diameter_of,
    left_alone,
    table_of,
)
from fastershift.tracking import PlacedCells

__all__ = ["link_by_btrack", "load_btrack"]


def load_btrack() -> None:
    """Load its library."""
    import btrack

    btrack.BayesianTracker(verbose=False)


def link_by_btrack(movie: MaskMovie, cells: list[PlacedCells]) -> Found:
    """Link with btrack."""
    import btrack

    table, diameter = table_of(cells), diameter_of(cells)
    objects = btrack.io.objects_from_dict(
        {
            "ID": np.arange(len(table)),
            "t": table["frame"].to_numpy(),
            "x": table["x"].to_numpy(),
            "y": table["y"].to_numpy(),
            "z": np.zeros(len(table)),
        }
    )
    with btrack.BayesianTracker(verbose=False) as tracker:
        tracker.configure(_btrack_settings(diameter))
        tracker.max_search_radius = FARTHEST * diameter
        tracker.append(objects)
        rows, columns = movie.masks.shape[1:]
        tracker.volume = ((0, columns), (0, rows))
        tracker.track(step_size=100)
        tracker.optimize()
        found = tracker.tracks
    frames, labels = table["frame"].tolist(), table["label"].tolist()
    tracks: TrackOf = [{} for _ in movie.masks]
    parents: dict[int, int] = {}
    for one in found:
        for reference in one.refs:
            if reference >= 0:
                tracks[frames[reference]][labels[reference]] = int(one.ID)
        if one.parent and one.parent != one.ID:
            parents[int(one.ID)] = int(one.parent)
    # What it takes for a false detection is a track of one frame.
    return left_alone(tracks, cells), parents


def _btrack_settings(diameter: float) -> dict[str, Any]:
    """Return its settings for cells, with lengths in our cell diameters.

    Its own are downloaded, and made for cells of about 20 pixels.
    """
    from btrack.config import HypothesisModel, MotionModel

    scale = diameter / 20
    move = np.eye(6)
    move[:3, 3:] = np.eye(3)
    motion = MotionModel(
        name="cell_motion",
        measurements=3,
        states=6,
        A=move,
        H=np.eye(3, 6),
        P=150.0 * scale * np.diag([0.1, 0.1, 0.1, 1, 1, 1]),
        R=5.0 * scale * np.eye(3),
        G=15.0 * scale * np.array([[0.5, 0.5, 0.5, 1, 1, 1]]),
        dt=1.0,
        accuracy=7.5,
        max_lost=GAP,
        prob_not_assign=0.001,
    )
    hypotheses = HypothesisModel(
        name="cell_hypothesis",
        hypotheses=["P_FP", "P_init", "P_term", "P_link", "P_branch", "P_dead"],
        lambda_time=5.0,
        lambda_dist=3.0 * scale,
        lambda_link=10.0 * scale,
        lambda_branch=50.0 * scale,
        eta=1e-10,
        theta_dist=20.0 * scale,
        theta_time=5.0,
        dist_thresh=40.0 * scale,
        time_thresh=GAP,
        apop_thresh=5,
        segmentation_miss_rate=0.1,
        apoptosis_rate=0.001,
        relax=True,
    )
    return {"motion_model": motion, "hypothesis_model": hypotheses}
