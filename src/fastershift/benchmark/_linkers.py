"""Linkers of other programs, on masks; each is skipped where it is not installed."""

import io
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from fastershift.benchmark._masks import MaskMovie
from fastershift.config import TrackSettings
from fastershift.labels import overlaps, relabel
from fastershift.tracking import Descent, Finalizer, PlacedCells, place_cells

__all__ = ["LINKERS", "WITHOUT_WEIGHTS", "Linked", "PeerLinker", "as_linked"]

_Labels: TypeAlias = npt.NDArray[np.int32]
#: For each frame the track of each of its labels.
_Tracks: TypeAlias = list[dict[int, int]]
_Found: TypeAlias = tuple[_Tracks, dict[int, int]]

#: All linkers may look this far, in cell diameters, and over this many frames.
_FARTHEST, _GAP = 1.5, 2

#: Linkers that cannot run here, and why.
WITHOUT_WEIGHTS: Mapping[str, str] = {
    "trackastra": "downloads its weights when it is run",
    "HOCT": "downloads its weights when it is run",
}


@dataclass(frozen=True)
class Linked:
    """Masks with tracks.

    Attributes
    ----------
    labels : (T, Y, X) int32
        Track ids.
    tracks : list of (id, first, last, parent)
        All tracks.
    seconds : float or None
        Time of the processor for the linking alone, where it was taken.
    """

    labels: _Labels
    tracks: list[tuple[int, int, int, int]]
    seconds: float | None


@dataclass(frozen=True)
class PeerLinker:
    """A linker of another program.

    Attributes
    ----------
    name : str
        Of the program, and of what it goes by.
    package : str
        What has to be installed; empty for our own.
    link : callable
        Takes frames and their cells; gives the tracks and the mother of each daughter.
    load : callable
        Fails where the program cannot run on this machine.
    """

    name: str
    package: str
    link: Callable[[_Labels, list[PlacedCells]], _Found]
    load: Callable[[], None] = lambda: None

    def missing(self) -> str:
        """Say why it cannot run; empty where it can."""
        if self.package and find_spec(self.package) is None:
            return f"is not installed (pip install {self.package})"
        try:
            self.load()
        except Exception as error:  # noqa: BLE001 (libraries raise anything)
            return f"cannot be loaded here ({str(error) or type(error).__name__})"
        return ""

    def described(self) -> str:
        """Name it with its version."""
        try:
            return f"{self.name} {version(self.package)}" if self.package else self.name
        except PackageNotFoundError:
            return self.name

    def run(self, movie: MaskMovie) -> Linked:
        """Link the masks of a movie."""
        started = time.process_time()
        cells = [place_cells(frame) for frame in movie.masks]
        tracks, parents = self.link(movie.masks, cells)
        return as_linked(movie, tracks, parents, time.process_time() - started)


def as_linked(
    movie: MaskMovie, tracks: _Tracks, parents: Mapping[int, int], seconds: float
) -> Linked:
    """Make a valid result of tracks; those with gaps are continued by a child."""
    finalizer = Finalizer(TrackSettings(shortest_track=1))
    frames = [
        relabel(frame, of.keys(), of.values())
        for frame, of in zip(movie.masks, tracks, strict=True)
    ]
    for frame in frames:
        finalizer.add(frame)
    names, lineage = finalizer.finish(Descent(parents, {}))
    labels = np.stack([names.apply(t, frame) for t, frame in enumerate(frames)])
    return Linked(labels, lineage.rows(), seconds)


def _diameter(cells: list[PlacedCells]) -> float:
    areas = np.concatenate([one.areas for one in cells])
    return float(np.sqrt(4 / np.pi * np.median(areas)))


def _nearest_overlap(masks: _Labels, cells: list[PlacedCells]) -> _Found:
    """Each cell goes on as the one that it shares most pixels with."""
    tracks: _Tracks = []
    largest = 0
    for t, frame in enumerate(masks):
        found: dict[int, int] = {}
        if t:
            old, new, counts = overlaps(masks[t - 1], frame)
            taken: set[int] = set()
            for place in np.lexsort((new, old, -counts)).tolist():
                before, now = int(old[place]), int(new[place])
                if before not in taken and now not in found:
                    taken.add(before)
                    found[now] = tracks[-1][before]
        for label in cells[t].ids.tolist():
            if label not in found:
                largest += 1
                found[label] = largest
        tracks.append(found)
    return tracks, {}


def _table(cells: list[PlacedCells]) -> Any:
    import pandas as pd

    return pd.DataFrame(
        {
            "frame": np.concatenate([np.full(len(c), t) for t, c in enumerate(cells)]),
            "label": np.concatenate([c.ids for c in cells]),
            "y": np.concatenate([c.places[:, 0] for c in cells]),
            "x": np.concatenate([c.places[:, 1] for c in cells]),
        }
    )


def _from_tables(rows: Iterator[tuple[int, int, int]], n_frames: int) -> _Tracks:
    tracks: _Tracks = [{} for _ in range(n_frames)]
    for t, label, track in rows:
        tracks[t][label] = track + 1
    return tracks


def _laptrack(masks: _Labels, cells: list[PlacedCells]) -> _Found:
    from laptrack import LapTrack

    limit = (_FARTHEST * _diameter(cells)) ** 2
    tracker = LapTrack(
        cutoff=limit,
        gap_closing_cutoff=limit,
        gap_closing_max_frame_count=_GAP,
        splitting_cutoff=limit,
    )
    found, splits, _ = tracker.predict_dataframe(
        _table(cells), ["y", "x"], only_coordinate_cols=False
    )
    return _of_laptrack(found.reset_index(), splits, len(masks))


def _laptrack_overlap(masks: _Labels, cells: list[PlacedCells]) -> _Found:
    from laptrack import OverLapTrack

    tracker = OverLapTrack(
        cutoff=0.9,
        gap_closing_cutoff=0.9,
        gap_closing_max_frame_count=_GAP,
        splitting_cutoff=0.9,
    )
    found, splits, _ = tracker.predict_overlap_dataframe(list(masks))
    return _of_laptrack(found.reset_index(), splits, len(masks))


def _of_laptrack(found: Any, splits: Any, n_frames: int) -> _Found:
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
    return _from_tables(rows, n_frames), parents


def _load_btrack() -> None:
    import btrack

    btrack.BayesianTracker(verbose=False)


def _btrack(masks: _Labels, cells: list[PlacedCells]) -> _Found:
    import btrack

    table, diameter = _table(cells), _diameter(cells)
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
        tracker.max_search_radius = _FARTHEST * diameter
        tracker.append(objects)
        rows, columns = masks.shape[1:]
        tracker.volume = ((0, columns), (0, rows))
        tracker.track(step_size=100)
        tracker.optimize()
        found = tracker.tracks
    frames, labels = table["frame"].tolist(), table["label"].tolist()
    tracks: _Tracks = [{} for _ in masks]
    parents: dict[int, int] = {}
    for one in found:
        for reference in one.refs:
            if reference >= 0:
                tracks[frames[reference]][labels[reference]] = int(one.ID)
        if one.parent and one.parent != one.ID:
            parents[int(one.ID)] = int(one.parent)
    # What it takes for a false detection is a track of one frame.
    return _left_alone(tracks, cells), parents


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
        max_lost=_GAP,
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
        time_thresh=_GAP,
        apop_thresh=5,
        segmentation_miss_rate=0.1,
        apoptosis_rate=0.001,
        relax=True,
    )
    return {"motion_model": motion, "hypothesis_model": hypotheses}


def _load_ultrack() -> None:
    import_module("ultrack.core.main")


def _ultrack(masks: _Labels, cells: list[PlacedCells]) -> _Found:
    import ultrack
    from ultrack.config import MainConfig

    with TemporaryDirectory() as folder, _quiet():
        config = MainConfig()
        config.data_config.working_dir = Path(folder)
        segments, links = config.segmentation_config, config.linking_config
        # Each mask is one segment: contours are flat, and none is too large. Its
        # watershed needs 8 pixels.
        segments.min_area, segments.max_area = 8, masks[0].size
        segments.min_area_factor = 1.0
        segments.min_frontier = 0.5
        links.max_distance = _FARTHEST * _diameter(cells)
        config.tracking_config.solver_name = "CBC"
        config.tracking_config.n_threads = 1
        ultrack.track(
            config,
            foreground=_kept_apart(masks),
            contours=np.zeros(masks.shape, np.float32),
            overwrite="all",
        )
        found, _ = ultrack.to_tracks_layer(config)
    return _of_ultrack(found, cells)


@contextmanager
def _quiet() -> Iterator[None]:
    with (
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def _kept_apart(masks: _Labels) -> npt.NDArray[np.bool_]:
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


def _of_ultrack(found: Any, cells: list[PlacedCells]) -> _Found:
    """Give each segment the mask whose centroid is nearest to its own."""
    tracks: _Tracks = [{} for _ in cells]
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
    return _left_alone(tracks, cells), parents


def _left_alone(tracks: _Tracks, cells: list[PlacedCells]) -> _Tracks:
    """Make each mask that belongs to no track a track of one frame."""
    unused = max((track for frame in tracks for track in frame.values()), default=0)
    for frame, of_frame in zip(tracks, cells, strict=True):
        for label in of_frame.ids.tolist():
            if label not in frame:
                unused += 1
                frame[label] = unused
    return tracks


LINKERS: tuple[PeerLinker, ...] = (
    PeerLinker("nearest overlap", "", _nearest_overlap),
    PeerLinker("laptrack, distance", "laptrack", _laptrack),
    PeerLinker("laptrack, overlap", "laptrack", _laptrack_overlap),
    PeerLinker("btrack", "btrack", _btrack, _load_btrack),
    PeerLinker("ultrack", "ultrack", _ultrack, _load_ultrack),
)
