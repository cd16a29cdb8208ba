"""What one user's sitting holds: the input, the cache, the running job, the result.

Nothing here knows a window. A job is an iterator of events; whoever drives it may do so
in any thread, and may cancel it at any time.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import psutil

from fastershift.config import Settings
from fastershift.errors import FastershiftError, InputError
from fastershift.pipeline import (
    EmbeddingCache,
    Event,
    Finished,
    FrameDone,
    FrameReport,
    NetworkEmbeddings,
    Plan,
    TrackedMovie,
    cluster_pair,
    frame_report,
    plan_run,
    run_plan,
    to_image,
)
from fastershift.rshn import FrameSource
from fastershift.tracking import Background

if TYPE_CHECKING:
    from fastershift.meanshift import SeedPolicy

__all__ = ["Estimate", "Job", "JobState", "Preview", "Session", "SessionInput"]

Labels: TypeAlias = npt.NDArray[np.int32]
JobState: TypeAlias = Literal["running", "finished", "cancelled", "failed"]

# Share of the free memory that embeddings may stay in.
_CACHE_SHARE = 0.25


@dataclass(frozen=True)
class SessionInput:
    """What is to be segmented and tracked.

    Attributes
    ----------
    movie : sequence of (Y, X) frames, or None
        Frames to embed.
    embeddings : array_like, optional
        (T, C, Y, X) embeddings of any network, instead of a movie.
    background, mask
        What is background in given embeddings.
    """

    movie: FrameSource | None = None
    embeddings: Any = None
    background: Background = "axis"
    mask: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class Preview:
    """Cells of one frame before linking.

    Attributes
    ----------
    frame : int
        Number of the frame.
    cells, clusters : (Y, X) int32
        Cells, and the modes they belong to, in image pixels.
    report : FrameReport
        How it was clustered.
    settings : Settings
        Resolved.
    """

    frame: int
    cells: Labels
    clusters: Labels
    report: FrameReport
    settings: Settings


@dataclass(frozen=True)
class Estimate:
    """What a run will need.

    Attributes
    ----------
    n_frames : int
        Frames to embed.
    network_shape : tuple of int
        Rows and columns the network sees.
    diameter : float or None
        Cell diameter in image pixels that the scale follows from.
    memory : int
        Bytes at the peak, about.
    seconds : float
        Time, about.
    """

    n_frames: int
    network_shape: tuple[int, int]
    diameter: float | None
    memory: int
    seconds: float


class Job:
    """A run in progress.

    Attributes
    ----------
    labels : (T, Y, X) int32
        Filled frame by frame while the run goes; the final labels in the end.
    reports : list of FrameReport
        Of the frames that are ready.
    state : {"running", "finished", "cancelled", "failed"}
        Where it stands.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.labels: Labels = np.zeros(
            (plan.source.n_frames, *plan.frame_shape), np.int32
        )
        self.reports: list[FrameReport] = []
        self.state: JobState = "running"
        self.result: TrackedMovie | None = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the job to end at its next step; may be called from any thread."""
        self._cancelled.set()

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to end."""
        return self._cancelled.is_set()

    def events(self) -> Iterator[Event]:
        """Run the job; ends early, without an error, when it is cancelled.

        Yields
        ------
        Event
            See `fastershift.pipeline`.
        """
        try:
            for event in run_plan(self.plan):
                if self.cancelling:
                    break
                if isinstance(event, FrameDone):
                    self.labels[event.frame] = event.labels
                    self.reports.append(event.report)
                elif isinstance(event, Finished):
                    self.result = event.result
                    self.labels = event.result.labels
                    self.state = "finished"
                yield event
        except BaseException:
            self.state = "failed"
            raise
        finally:
            if self.state == "running":
                self.state = "cancelled"


class Session:
    """Holds one input with everything that was computed for it.

    Attributes
    ----------
    input : SessionInput or None
        What is worked on.
    result : TrackedMovie or None
        Of the last run that came to its end.
    job : Job or None
        The last run that was started.
    """

    def __init__(self) -> None:
        self.input: SessionInput | None = None
        self.result: TrackedMovie | None = None
        self.job: Job | None = None
        self._cache: EmbeddingCache | None = None
        self._cache_key: tuple[Any, ...] = ()
        self._lock = threading.Lock()

    def open(self, given: SessionInput) -> None:
        """Work on another input: the running job is cancelled, caches are emptied.

        Parameters
        ----------
        given : SessionInput
            The new input.
        """
        self.cancel()
        self.input = given
        self.result = None
        self.job = None
        self._cache = None

    def plan(
        self,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        device: str = "auto",
    ) -> Plan:
        """Decide a run on the input; embeddings that still fit are used again.

        Parameters
        ----------
        settings : Settings or mapping, optional
            What the user set.
        device : str
            Where to compute.

        Returns
        -------
        Plan

        Raises
        ------
        InputError
            Without an input, or for settings that cannot be used.
        """
        if self.input is None:
            raise InputError("Choose an image layer first.")
        plan = plan_run(
            self.input.movie,
            settings,
            embeddings=self.input.embeddings,
            background=self.input.background,
            mask=self.input.mask,
            device=device,
        )
        if isinstance(plan.source, NetworkEmbeddings):
            plan.source.use_cache(self._cache_for(plan))
        return plan

    def _cache_for(self, plan: Plan) -> EmbeddingCache:
        """Keep the cache as long as nothing that embeddings depend on has changed."""
        embed = plan.settings.embed.model_dump()
        key = (
            plan.provenance["model_sha256"],
            plan.settings.track.merge_tiles,
            plan.source.shape,
            tuple(sorted((name, str(value)) for name, value in embed.items())),
        )
        with self._lock:
            if self._cache is None or key != self._cache_key:
                limit = int(psutil.virtual_memory().available * _CACHE_SHARE)
                self._cache, self._cache_key = EmbeddingCache(limit), key
            return self._cache

    def start(
        self,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        device: str = "auto",
    ) -> Job:
        """Prepare a run of the whole movie; a running one is cancelled.

        Parameters
        ----------
        settings, device
            As for `plan`.

        Returns
        -------
        Job
            Drive its ``events``, then call `finish`.
        """
        self.cancel()
        self.job = Job(self.plan(settings, device=device))
        return self.job

    def cancel(self) -> None:
        """Ask the running job to end."""
        if self.job is not None:
            self.job.cancel()

    def finish(self, job: Job, *, restored: bool | None = None) -> str:
        """Take over what a job left, and say what is shown now.

        A job that came to its end gives the new result. One that was cancelled or
        failed leaves the former result; without one, its finished frames stay.

        Parameters
        ----------
        job : Job
            A job whose events have ended, or that was asked to end.
        restored : bool, optional
            Whether a former result is shown again where the job has none; by default
            whether there is one.

        Returns
        -------
        str
            One sentence for the user; empty for a job that is not the last one.
        """
        if job is not self.job:
            return ""
        if job.result is not None:
            self.result = job.result
            tracks = len(job.result.lineage.tracks)
            divisions = len(job.result.lineage.divisions())
            seconds = job.result.provenance["seconds"]
            return (
                f"{len(job.labels)} frames, {tracks} tracks and {divisions} divisions "
                f"in {seconds:.1f} s."
            )
        ended = "Stopped by an error" if job.state == "failed" else "Cancelled"
        if self.result is not None if restored is None else restored:
            return f"{ended}: the former result is shown again."
        return f"{ended}: {len(job.reports)} of {len(job.labels)} frames are kept."

    @property
    def labels(self) -> Labels | None:
        """What is to be shown: the result, or the frames a first run has finished."""
        if self.result is not None:
            return self.result.labels
        return None if self.job is None else self.job.labels

    def preview(
        self,
        frame: int,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        device: str = "auto",
    ) -> Iterator[Preview | None]:
        """Cluster one frame exactly as a full run does before linking.

        Parameters
        ----------
        frame : int
            The frame, from 0; it is clustered together with the one before it.
        settings, device
            As for `plan`.

        Yields
        ------
        Preview or None
            None any number of times, each a place to stop; then the preview.
        """
        plan = self.plan(settings, device=device)
        if not 0 <= frame < plan.source.n_frames:
            raise InputError(
                f"There is no frame {frame}; the movie has {plan.source.n_frames}."
            )
        wanted = max(0, frame - 1)
        block = plan.settings.embed.block
        carries = plan.settings.cluster.carry_seeds
        # The number of seeds follows from the pairs before, back to its last restart.
        first = 0 if carries else wanted // block * block
        policy: SeedPolicy | None = None
        for start in range(first, wanted + 1):
            for pair in plan.source.pair(start):
                if pair is None:
                    yield None
                    continue
                cells = cluster_pair(plan, pair, policy)
                policy, seconds = cells.policy, pair.seconds
                yield None
        index = frame - wanted
        labels = to_image(plan, cells.labels[index])
        clusters = to_image(plan, cells.clusters[index])
        report = frame_report(frame, labels, cells, seconds, 0.0)
        yield Preview(frame, labels, clusters, report, plan.settings)

    def estimate(self, plan: Plan) -> Estimate:
        """Measure a small pass of the network and tell what the run will need.

        Parameters
        ----------
        plan : Plan
            See `plan`.

        Returns
        -------
        Estimate
        """
        source = plan.source
        labels = 3 * 4 * source.n_frames * plan.frame_shape[0] * plan.frame_shape[1]
        if not isinstance(source, NetworkEmbeddings):
            return Estimate(source.n_frames, source.shape, None, labels, 0.0)
        embedder, embed = source.embedder, plan.settings.embed
        passes = source.n_frames * (1 + (embed.warmup + 1) / embed.block)
        if embed.window:
            passes = source.n_frames * embed.window
        return Estimate(
            source.n_frames,
            source.shape,
            None if embed.diameter == "auto" else embed.diameter,
            embedder.estimate_memory() + labels,
            passes * embedder.seconds_per_frame(),
        )


def describe_error(error: BaseException) -> str:
    """Say what went wrong in one sentence.

    Parameters
    ----------
    error : BaseException
        Any error of a job.

    Returns
    -------
    str
    """
    if isinstance(error, FastershiftError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The memory ran out; use a smaller region or a larger cell diameter."
    return f"Something unexpected went wrong ({type(error).__name__}: {error})."


def remaining(started: float, done: int, total: int) -> float | None:
    """Estimate the seconds left of a job.

    Parameters
    ----------
    started : float
        `time.monotonic` when it began.
    done, total : int
        Steps.

    Returns
    -------
    float or None
        None before the first step.
    """
    if not done:
        return None
    return (time.monotonic() - started) / done * (total - done)
