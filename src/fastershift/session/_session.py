"""One input with everything that was computed for it."""

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import psutil

from fastershift.config import Settings
from fastershift.errors import InputError
from fastershift.pipeline import (
    EmbeddingCache,
    NetworkEmbeddings,
    Plan,
    TrackedMovie,
    cluster_pair,
    frame_report,
    plan_run,
    to_image,
)
from fastershift.session._estimate import Estimate, estimate_run
from fastershift.session._input import SessionInput
from fastershift.session._job import Job
from fastershift.session._preview import Preview

if TYPE_CHECKING:
    from fastershift.meanshift import SeedPolicy

__all__ = ["Session"]

Labels: TypeAlias = npt.NDArray[np.int32]

# Share of the free memory that embeddings may stay in.
_CACHE_SHARE = 0.25


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
        return estimate_run(plan)
