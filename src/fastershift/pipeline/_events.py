"""The events of a run, and its result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.config import Settings
from fastershift.io import SavedResult, Scale, Units
from fastershift.tracking import Lineage

__all__ = [
    "Event",
    "Finished",
    "FrameDone",
    "FrameReport",
    "Notice",
    "Progress",
    "Started",
    "TrackedMovie",
]

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class FrameReport:
    """How a frame was clustered; the pair it was clustered in ends with it.

    Attributes
    ----------
    frame : int
        Number of the frame, from 0.
    cells : int
        Cells found in it.
    clusters : int
        Modes of the pair; one mode can represent several cells that do not touch.
    seeds, n_min : int
        Seeds N that were used, and the least number wanted (Eq 19), rounded up.
    rounds, iterations : int
        Rounds of seeds and shifts of all of them together.
    converged : float
        Share of the seeds that converged in time, 0 to 1.
    foreground : float
        Share of the pixels that was clustered, 0 to 1.
    network_ms, clustering_ms, linking_ms : float
        Time of each stage in milliseconds; a frame from the cache took no network time.
    stopped_by : str
        Why no further seeds were tried; see `fastershift.meanshift.Clustering`.
    coverage : float
        Probability that as many seeds, drawn at random, reach every cluster that was
        found, from the size of each: Π_k (1 - (1 - p_k)^N).
    coverage_equal : float
        The same for clusters of one size (Zhao et al. 2021, Eq 14).
    expected_f1 : float or None
        F1 of the cells that is expected at an overlap (IoU) of 0.5; None without cells
        and where nothing is expected, see `Quality`.
    """

    frame: int
    cells: int
    clusters: int
    seeds: int
    n_min: int
    rounds: int
    iterations: int
    converged: float
    foreground: float
    network_ms: float
    clustering_ms: float
    linking_ms: float
    stopped_by: str
    coverage: float
    coverage_equal: float
    expected_f1: float | None = None

    def record(self) -> dict[str, Any]:
        """Return all values, rounded as a person reads them."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class TrackedMovie:
    """The result of a run.

    Attributes
    ----------
    labels : (T, Y, X) int32
        Track id of every pixel; 0 is background.
    lineage : Lineage
        First frame, last frame and parent of every track.
    reports : tuple of FrameReport
        One for each frame.
    settings : Settings
        The settings as they were resolved; nothing in them is left open.
    provenance : mapping
        Model and its hash, versions, device, seconds; plain values.
    """

    labels: Labels
    lineage: Lineage
    reports: tuple[FrameReport, ...]
    settings: Settings
    provenance: Mapping[str, Any]

    def saved(
        self,
        scale: Scale | None = None,
        units: Units | None = None,
        **provenance: str,
    ) -> SavedResult:
        """Return the record that files are written from.

        Parameters
        ----------
        scale, units
            Of the movie, see `fastershift.io.Movie`.
        **provenance
            What else is known of where the movie came from.

        Returns
        -------
        SavedResult
        """
        return SavedResult(
            self.labels,
            self.lineage.rows(),
            scale,
            units,
            [report.record() for report in self.reports],
            self.settings,
            {**self.provenance, **provenance},
        )


@dataclass(frozen=True)
class Started:
    """What a run decided before its first frame.

    Attributes
    ----------
    settings : Settings
        Resolved.
    model : str
        Its name.
    n_frames : int
        Frames of the movie.
    network_shape : tuple of int
        Rows and columns the network sees.
    notes : tuple of str
        What was tried, and how good the result will be, in sentences.
    """

    settings: Settings
    model: str
    n_frames: int
    network_shape: tuple[int, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """Steps done out of all; each yield of it is a place to cancel."""

    done: int
    total: int
    stage: str


@dataclass(frozen=True)
class Notice:
    """A sentence for the user: what is done otherwise than was asked for, and why."""

    sentence: str


@dataclass(frozen=True)
class FrameDone:
    """A frame with provisional track ids, in image pixels.

    Later frames may still rejoin parts of it, and the final result numbers the tracks
    anew.
    """

    frame: int
    labels: Labels
    report: FrameReport


@dataclass(frozen=True)
class Finished:
    """The result."""

    result: TrackedMovie


Event: TypeAlias = Started | Progress | Notice | FrameDone | Finished
