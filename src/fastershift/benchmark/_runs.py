"""Whole runs, from frames to a written result, with the time of each stage."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.benchmark._suite import BenchmarkOptions
from fastershift.errors import InputError
from fastershift.evaluation import Scores, evaluate, score_arrays
from fastershift.io import SavedResult, read_movie, write_saved
from fastershift.pipeline import Plan, TrackedMovie, TrackingRun, plan_run
from fastershift.rshn import PUBLISHED_MODEL, FirstLook, FrameSource, choose_model
from fastershift.simulate import simulate_movie

__all__ = [
    "OF_CLUSTERS",
    "STAGES",
    "TimedRun",
    "TrueMovie",
    "clustering_plan",
    "movies_at_hand",
    "timed_run",
    "warm_up",
]

#: Stages in the order in which a frame goes through them.
STAGES = ("network", "clustering", "linking", "rest")

#: What a reader must know where `clustering_plan` chooses the model.
OF_CLUSTERS = (
    "The model is chosen among those whose embeddings are clustered: generalist votes, "
    f"so {PUBLISHED_MODEL} takes its place."
)


@dataclass(frozen=True)
class TrueMovie:
    """A movie whose cells are known.

    Attributes
    ----------
    name : str
        Of the data set.
    frames : FrameSource
        The part of the movie that is used.
    truth : (Path, (int, int)) or array, optional
        Folder of the truth and which of its frames, or labels (T, Y, X).
    """

    name: str
    frames: FrameSource
    truth: tuple[Path, tuple[int, int]] | NDArray[np.int32] | None

    def scores(self, path: Path, result: SavedResult) -> Scores | None:
        """Compare a result, which was written, with the truth where there is one."""
        if isinstance(self.truth, tuple):
            truth, part = self.truth
            return evaluate(path, truth, frames=part)
        if self.truth is None:
            return None
        labels = [np.asarray(result.labels[t]) for t in range(result.shape[0])]
        segments = dict(enumerate(self.truth))
        return score_arrays(labels, result.tracks, self.truth, seg_frames=segments)

    def decided(self, device: str) -> dict[str, Any]:
        """Return the model and the cell diameter that `clustering_plan` chooses."""
        embed = clustering_plan(self.frames, device).settings.embed
        return {"model": embed.model, "diameter": embed.diameter}


def clustering_plan(movie: FrameSource, device: str) -> Plan:
    """Plan a run by a model whose embeddings are clustered, as in the papers.

    A model that votes has no seeds, and does not fit the profile ``published``.

    Parameters
    ----------
    movie : sequence of (Y, X) frames
        What the model and the diameter are chosen by.
    device : str
        Where to compute.

    Returns
    -------
    Plan
    """

    def choose(look: FirstLook | None) -> str:
        name = choose_model(look)
        return PUBLISHED_MODEL if name == choose_model(None) else name

    return plan_run(movie, device=device, choose=choose)


@dataclass(frozen=True)
class TimedRun:
    """A finished run.

    Attributes
    ----------
    result : TrackedMovie
        What it found.
    scores : Scores or None
        Against the truth.
    network_shape : (int, int)
        Rows and columns of the embeddings.
    seconds : float
        From the first frame to the last file.
    """

    result: TrackedMovie
    scores: Scores | None
    network_shape: tuple[int, int]
    seconds: float

    @property
    def tra(self) -> float | None:
        """TRA against the truth."""
        return None if self.scores is None else self.scores.tra

    def stages(self, first: int = 0) -> dict[str, float]:
        """Tell the seconds of each stage, for one frame of those from `first` on.

        What belongs to no frame, such as the tracks and the files, is spread evenly.
        """
        reports = self.result.reports
        columns = {
            name: [getattr(report, f"{name}_ms") / 1e3 for report in reports]
            for name in STAGES[:-1]
        }
        if len(reports) > 1:
            # Both frames of the first pair tell how it was clustered.
            columns["clustering"][0] = 0.0
        known = sum(map(sum, columns.values()))
        seconds = {
            name: float(np.mean(values[first:])) for name, values in columns.items()
        }
        return seconds | {"rest": max(0.0, self.seconds - known) / len(reports)}


def movies_at_hand(
    options: BenchmarkOptions, n_frames: int, side: int = 384
) -> Iterator[TrueMovie]:
    """Give the last frames of each real movie, or a simulated one.

    Parameters
    ----------
    options : BenchmarkOptions
        With a folder of movies laid out as in the Cell Tracking Challenge, or without.
    n_frames : int
        Frames of each movie, at most.
    side : int
        Rows and columns of the simulated movie.

    Yields
    ------
    TrueMovie

    Raises
    ------
    InputError
        For a folder without such movies.
    """
    if options.movies is None:
        made = simulate_movie(
            n_frames, (side, side), side**2 // 4000, diameter=24, seed=options.seed + 1
        )
        yield TrueMovie("simulated nuclei", made.frames, made.labels)
        return
    folders = sorted(one.parent for one in options.movies.glob("*/01_GT"))
    if not folders:
        raise InputError(
            f"{options.data} holds no movies; there must be folders such as "
            "Fluo-N2DH-SIM+ with 01 and 01_GT in them."
        )
    for folder in folders:
        count = len(read_movie(folder / "01"))
        part = (max(0, count - n_frames), count)
        frames = read_movie(folder / "01", frames=part)
        yield TrueMovie(folder.name, frames, (folder / "01_GT", part))


def timed_run(
    movie: TrueMovie, settings: Mapping[str, Any], device: str = "auto"
) -> TimedRun:
    """Run a movie and write the result.

    Parameters
    ----------
    movie : TrueMovie
        The movie.
    settings : mapping
        As for `plan_run`.
    device : str
        Where to compute.

    Returns
    -------
    TimedRun
    """
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        plan = plan_run(movie.frames, settings, device=device)
        run = TrackingRun(plan)
        for _ in run:
            pass
        result = run.result
        saved = result.saved()
        path = write_saved(Path(folder) / "result", saved)
        seconds = time.perf_counter() - started
        scores = movie.scores(path, saved)
    return TimedRun(result, scores, plan.source.shape, seconds)


def warm_up(device: str) -> None:
    """Run a small movie, so that imports and the like are not measured.

    Cells touch, are voted for and clustered, and the network sees them at another size,
    so that everything is compiled that is compiled when it is first needed.
    """
    made = simulate_movie(2, (128, 128), 12, diameter=24)
    movie = TrueMovie("warm-up", made.frames, made.labels)
    for model in ("auto", PUBLISHED_MODEL):
        timed_run(movie, {"embed": {"model": model, "diameter": 30.0}}, device)
