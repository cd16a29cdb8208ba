"""One input with everything that was computed for it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.config import Settings, resolve_settings
from fastershift.errors import InputError, counted_tracks
from fastershift.pipeline import (
    FolderCache,
    MaskSource,
    NetworkEmbeddings,
    Plan,
    Region,
    TrackedMovie,
    embedding_key,
    plan_run,
    with_quality,
)
from fastershift.session._caches import CachePlace, InputCaches, KnownModels
from fastershift.session._estimate import (
    Estimate,
    embedding_bytes,
    estimate_run,
    measure_frame,
)
from fastershift.session._input import SessionInput
from fastershift.session._job import Job
from fastershift.session._memory import (
    fitting_tile,
    folder_cache,
    free_memory,
    memory_notes,
)
from fastershift.session._preview import (
    Preview,
    PreviewRequest,
    first_sight,
    preview_frame,
    preview_masks,
)
from fastershift.session.views import Views

__all__ = ["Session"]

Labels: TypeAlias = npt.NDArray[np.int32]

_OPEN_DIAMETER: Mapping[str, Any] = {"diameter": "auto", "network_size": None}


class Session:
    """Holds one input with everything that was computed for it.

    Attributes
    ----------
    result : TrackedMovie or None
        Of the last run that came to its end.
    job : Job or None
        The last run that was started.
    cache_place : CachePlace
        Where embeddings of the next input are kept.
    """

    def __init__(self) -> None:
        self.cache_place = CachePlace()
        self.result: TrackedMovie | None = None
        self.job: Job | None = None
        # In one piece, so that no plan ever mixes two inputs.
        self._opened: tuple[SessionInput | None, InputCaches] = (None, InputCaches())
        self._models = KnownModels()
        self._lock = threading.Lock()

    @property
    def input(self) -> SessionInput | None:
        """What is worked on."""
        return self._opened[0]

    @property
    def last_plan(self) -> Plan | None:
        """What was decided last on the input, be it for a run, a preview or a view."""
        return self._opened[1].plan

    def open(self, given: SessionInput) -> None:
        """Work on another input: the running job is cancelled, caches are emptied.

        Parameters
        ----------
        given : SessionInput
            The new input.
        """
        self.cancel()
        self.result = None
        self.job = None
        self._opened = (given, InputCaches(self.cache_place))

    def confine(
        self,
        inside: npt.NDArray[np.bool_] | None,
        outside: npt.NDArray[np.bool_] | None,
    ) -> None:
        """Look for cells in another region; what was computed is kept.

        Parameters
        ----------
        inside, outside
            As in `SessionInput`.
        """
        given, caches = self._opened
        if given is not None:
            caches.forget_masks()
            self._opened = (replace(given, inside=inside, outside=outside), caches)

    def forget_masks(self) -> None:
        """Read given masks again when they are needed: some were painted."""
        given, caches = self._opened
        caches.forget_masks()
        if given is not None and given.mask is not None:
            caches.forget_clusters()

    def plan(
        self,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        device: str = "auto",
        region: Region | None = None,
    ) -> Plan:
        """Decide a run on the input; embeddings that still fit are used again.

        Parameters
        ----------
        settings : Settings or mapping, optional
            What the user set.
        device : str
            Where to compute.
        region : (slice, slice), optional
            Rows and columns to work on; all by default.

        Returns
        -------
        Plan

        Raises
        ------
        InputError
            Without an input, or for settings that cannot be used.
        """
        return self._plan(settings, device, region)[0]

    def _plan(
        self,
        settings: Settings | Mapping[str, Any] | None,
        device: str,
        region: Region | None,
    ) -> tuple[Plan, InputCaches]:
        """Decide a run; give what was kept of the input it is for as well."""
        with self._lock:
            given, caches = self._opened
            if given is None:
                raise InputError("Choose an image layer first.")
            decide = partial(
                plan_run,
                given.movie,
                embeddings=given.embeddings,
                background=given.background,
                mask=given.mask,
                labels=given.labels,
                inside=given.inside,
                outside=given.outside,
                device=device,
                region=region,
                read=self._models.read,
            )
            plan = decide(settings, former=caches.plan)
            tile = self._tile(
                plan, caches, lambda side: decide(_with_embed(settings, tile=side))
            )
            if tile is not None:
                plan = decide(_with_embed(settings, tile=tile), former=caches.plan)
            caches.plan = plan
            if isinstance(plan.source, NetworkEmbeddings):
                if region is None:
                    self._spill_to_disk(plan, caches)
                plan.source.use_cache(caches.embeddings, embedding_key(plan))
        return plan, caches

    def _tile(
        self, plan: Plan, caches: InputCaches, with_tile: Callable[[int], Plan]
    ) -> int | None:
        """Decide tiles once for all plans that ask for the same, so that they agree."""
        if plan.region is None and plan.asked not in caches.tiles:
            caches.tiles[plan.asked] = fitting_tile(plan, with_tile)
        return caches.tiles.get(plan.asked)

    def _spill_to_disk(self, plan: Plan, caches: InputCaches) -> None:
        """Keep on disk what memory has no room for, unless a place was chosen."""
        if self.cache_place.folder is None and not isinstance(
            caches.embeddings, FolderCache
        ):
            cache = folder_cache(caches.embeddings.limit, embedding_bytes(plan))
            if cache is not None:
                caches.embeddings = cache

    def measure_diameter(
        self,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        device: str = "auto",
    ) -> float:
        """Tell the cell diameter that a run takes where it is left open.

        Parameters
        ----------
        settings, device
            As for `plan`; a diameter or a size for the network among the settings is
            passed over.

        Returns
        -------
        float
            Pixels of the image.

        Raises
        ------
        InputError
            As `plan`, and for embeddings, which have no image to measure.
        """
        plan = self.plan(_with_embed(settings, **_OPEN_DIAMETER), device=device)
        diameter = plan.settings.embed.diameter
        if diameter == "auto":
            raise InputError("Cells are measured in images; choose an image layer.")
        return diameter

    @property
    def views(self) -> Views:
        """What makes the embedding of the input visible."""
        return Views(lambda settings, device: self._plan(settings, device, None))

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
        given, caches = self._opened
        if given is not None and given.labels is not None:
            # They may have been painted since they were looked at.
            caches.plan = None
            caches.forget_masks()
        self.job = Job(self.plan(settings, device=device))
        return self.job

    def cancel(self) -> None:
        """Ask the running job to end."""
        if self.job is not None:
            self.job.cancel()

    def finish(self, job: Job, *, restored: bool | None = None) -> str:
        """Take over what a job left, and say what is shown now.

        A job that came to its end gives the new result. One that was cancelled or
        failed leaves the former result; without one, its finished frames stay. So does
        one whose result was never shown, because the user cancelled when it was ready.

        Parameters
        ----------
        job : Job
            A job whose events have ended, or that was asked to end.
        restored : bool, optional
            Given for a job that ended early, even if it has a result: whether a former
            result is shown again. By default that is so where there is one.

        Returns
        -------
        str
            One sentence for the user; empty for a job that is not the last one.
        """
        if job is not self.job:
            return ""
        if job.result is not None and restored is None:
            self.result = job.result
            lineage = job.result.lineage
            seconds = job.result.provenance["seconds"]
            notices = job.result.provenance.get("notices", ())
            done = counted_tracks(
                len(job.labels), len(lineage.tracks), len(lineage.divisions())
            )
            return " ".join((f"{done} in {seconds:.1f} s.", *notices))
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
        frame: int | PreviewRequest,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        device: str = "auto",
        region: Region | None = None,
    ) -> Iterator[Preview | None]:
        """Cluster one frame exactly as a full run does before linking.

        Given masks are linked with those of the frames around instead, as a full run
        links them where these frames hold all that matters.

        Where the model is still to be chosen, which takes seconds, there is something
        to see before: what the generalist finds in the frame alone.

        Parameters
        ----------
        frame : int or PreviewRequest
            The frame, from 0; it is clustered together with the one before it.
        settings, device
            As for `plan`.
        region : (slice, slice), optional
            Rows and columns to look at. What lies near the edges of the region may
            then differ from a full run.

        Yields
        ------
        Preview or None
            None any number of times, each a place to stop; then the preview. Before it
            there may be another one, `Preview.at_first_sight`.

        Raises
        ------
        InputError
            For a frame that the movie does not have.
        """
        request = PreviewRequest(frame) if isinstance(frame, int) else frame
        given, caches = self._opened
        if given is not None and caches.plan is None and _awaits_choice(settings):
            decide = partial(
                plan_run,
                settings=_with_embed(settings, warmup=0),
                device=device,
                region=region,
                read=self._models.read,
                at_once=True,
            )
            yield from first_sight(given, request, decide, caches)
        plan, caches = self._plan(settings, device, region)
        if not 0 <= request.frame < plan.source.n_frames:
            raise InputError(
                f"There is no frame {request.frame}; the movie has "
                f"{plan.source.n_frames}."
            )
        if isinstance(plan.source, MaskSource):
            yield from preview_masks(plan, request, caches)
        else:
            yield from preview_frame(plan, request, caches, embedding_key(plan))

    def estimate(
        self,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        device: str = "auto",
    ) -> Iterator[Estimate | None]:
        """Measure a frame, network and clustering, and tell what a run will need.

        Parameters
        ----------
        settings, device
            As for `plan`.

        Yields
        ------
        Estimate or None
            None any number of times, each a place to stop; then the estimate.

        Raises
        ------
        InputError
            As `plan`.
        """
        plan, caches = self._plan(settings, device, None)
        yield None
        plan = with_quality(plan)
        caches.plan = plan
        embedded, given = embedding_key(plan), self.input
        if embedded not in caches.measured and given is not None:
            for measured in measure_frame(plan, given.movie):
                if measured is not None:
                    caches.measured = {embedded: measured}
                yield None
        limit = caches.embeddings.limit
        on_disk = isinstance(caches.embeddings, FolderCache)
        notes = memory_notes(
            plan,
            cut=plan.settings.embed.tile in caches.tiles.values(),
            on_disk=max(0, embedding_bytes(plan) - limit) if on_disk else 0,
        )
        told: dict[str, Any] = {"notes": notes, "quality": plan.quality}
        if plan.choice is not None:
            told["notes"] = (*notes, *plan.choice.sentences())
            told["next_best"] = plan.choice.next_best
        measured_frame = caches.measured[embedded]
        for estimate in estimate_run(
            plan, measured_frame, cached=limit, available=free_memory()
        ):
            yield None if estimate is None else replace(estimate, **told)


def _awaits_choice(settings: Settings | Mapping[str, Any] | None) -> bool:
    """Tell whether the model is left open, and not decided by the profile."""
    if not isinstance(settings, Settings):
        settings = resolve_settings(user=settings)
    return settings.embed.model == "auto" and settings.profile == "default"


def _with_embed(
    settings: Settings | Mapping[str, Any] | None, **chosen: Any
) -> Mapping[str, Any]:
    """Set values of the embedding, and leave open what was left open."""
    if isinstance(settings, Settings):
        settings = settings.model_dump(exclude_unset=True)
    values = dict(settings or {})
    return values | {"embed": {**values.get("embed", {}), **chosen}}
