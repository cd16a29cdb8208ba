"""The run itself: a generator of events that can be left at every yield."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.config import Settings
from fastershift.errors import FastershiftError
from fastershift.meanshift import (
    SeedPolicy,
    coverage_probability,
    coverage_reached,
)
from fastershift.pipeline._events import (
    Event,
    Finished,
    FrameDone,
    FrameReport,
    Progress,
    Started,
    TrackedMovie,
)
from fastershift.pipeline._plan import Plan, plan_run
from fastershift.pipeline._sources import EmbeddedPair, NetworkEmbeddings
from fastershift.rshn import FrameSource, Model
from fastershift.tracking import (
    Background,
    Linker,
    PairInstances,
    finalize,
    find_instances,
    merge_tiles,
    resize_labels,
)

__all__ = [
    "PairCells",
    "TrackingRun",
    "cluster_pair",
    "frame_report",
    "run_plan",
    "segment_movie",
    "to_image",
    "track",
]

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class PairCells:
    """Cells of a pair before linking, all tiles together.

    Attributes
    ----------
    labels, clusters : (F, Y, X) int32
        Cells, and the modes they belong to, in network pixels. Where tiles are
        clustered on their own, modes have no common number and the cells stand for
        them.
    parts : tuple of PairInstances
        One for the frame, or one for each tile.
    policy : SeedPolicy
        For the next pair.
    seconds : float
        Wall time.
    """

    labels: Labels
    clusters: Labels
    parts: tuple[PairInstances, ...]
    policy: SeedPolicy
    seconds: float


def _generator(settings: Settings, frame: int) -> torch.Generator:
    """Draw for one pair: the same whatever was computed before it."""
    seed = settings.cluster.random_seed * 1_000_003 + frame
    return torch.Generator().manual_seed(seed)


def _pair_mask(plan: Plan, frame: int, n_frames: int) -> npt.NDArray[Any] | None:
    if plan.mask is None or plan.mask.ndim == 2:
        return plan.mask
    return np.stack([np.asarray(plan.mask[frame + i]) for i in range(n_frames)])


def cluster_pair(
    plan: Plan, pair: EmbeddedPair, policy: SeedPolicy | None = None
) -> PairCells:
    """Cluster one pair of frames and take the clusters apart into cells.

    Parameters
    ----------
    plan : Plan
        The run.
    pair : EmbeddedPair
        Embeddings of its frames.
    policy : SeedPolicy, optional
        Seeds learned from pairs before it.

    Returns
    -------
    PairCells
    """
    started = time.perf_counter()
    n_frames = len(pair.embeddings)
    smallest = max(1, round(plan.smallest_cell * n_frames))
    generator = _generator(plan.settings, pair.frame)

    def instances(embeddings: Tensor, policy: SeedPolicy | None) -> PairInstances:
        return find_instances(
            embeddings,
            plan.settings.cluster,
            plan.settings.track,
            smallest_cell=smallest,
            background=plan.background,
            mask=_pair_mask(plan, pair.frame, n_frames),
            policy=policy,
            generator=generator,
        )

    if not plan.settings.track.merge_tiles or not isinstance(
        plan.source, NetworkEmbeddings
    ):
        found = instances(pair.embeddings, policy)
        seconds = time.perf_counter() - started
        return PairCells(
            found.labels,
            found.clusters,
            (found,),
            found.clustering.policy,
            seconds,
        )
    parts = []
    for tile in range(pair.embeddings.shape[1]):
        parts.append(instances(pair.embeddings[:, tile], policy))
        policy = parts[-1].clustering.policy
    tiles = plan.source.embedder.tiles
    labels = merge_tiles(
        zip((part.labels for part in parts), tiles, strict=True), plan.source.shape
    )
    assert policy is not None  # noqa: S101 (a frame has at least one tile)
    seconds = time.perf_counter() - started
    return PairCells(labels, labels, tuple(parts), policy, seconds)


def frame_report(
    frame: int, labels: Labels, cells: PairCells, network: float, linking: float
) -> FrameReport:
    """Tell how a frame was clustered, all tiles of its pair together.

    Parameters
    ----------
    frame : int
        Number of the frame.
    labels : (Y, X) int32
        Its cells.
    cells : PairCells
        The pair it was clustered in.
    network, linking : float
        Seconds of the other stages.

    Returns
    -------
    FrameReport
    """
    found = [part.clustering for part in cells.parts]
    seeds = sum(part.n_seeds for part in found)
    coverage = [_coverage(part) for part in cells.parts]
    converged = sum(part.converged_fraction * part.n_seeds for part in found)
    return FrameReport(
        frame=frame,
        cells=int(np.count_nonzero(np.bincount(labels.ravel())[1:])),
        clusters=sum(len(part.sizes) for part in found),
        seeds=seeds,
        n_min=sum(math.ceil(part.n_min) for part in found),
        rounds=max(part.n_rounds for part in found),
        iterations=sum(part.n_iter for part in found),
        converged=converged / seeds if seeds else 1.0,
        foreground=float(np.mean([part.foreground for part in cells.parts])),
        network_ms=network * 1e3,
        clustering_ms=cells.seconds * 1e3,
        linking_ms=linking * 1e3,
        stopped_by=found[-1].stopped_by,
        coverage=math.prod(reached for reached, _ in coverage),
        coverage_equal=math.prod(equal for _, equal in coverage),
    )


def _coverage(part: PairInstances) -> tuple[float, float]:
    """Probability of reaching all clusters: by the size of each, and for equal ones.

    A cluster that serves as background needs no seed.
    """
    n_seeds, n_points = part.clustering.n_seeds, part.clustering.labels.numel()
    pixels = np.bincount(part.clusters.ravel())[1:]
    shares = pixels[pixels > 0] / max(1, n_points)
    if not shares.size:
        return 1.0, 1.0
    share = min(1.0, float(shares.sum()))
    equal = coverage_probability(n_seeds, shares.size, share, exact=False)
    return coverage_reached(n_seeds, shares), equal


def run_plan(plan: Plan) -> Iterator[Event]:
    """Run what was planned.

    Parameters
    ----------
    plan : Plan
        See `plan_run`.

    Yields
    ------
    Event
        `Started`; then `Progress` and, as frames are ready, `FrameDone`; at last
        `Finished`. Closing the iterator cancels the run.

    Raises
    ------
    FastershiftError
        When memory runs out.
    """
    try:
        yield from _run(plan)
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise FastershiftError(
            "The memory ran out. Give the network smaller tiles, a larger cell "
            "diameter, or fewer frames at once, and run again."
        ) from error


def _run(plan: Plan) -> Iterator[Event]:
    started = time.perf_counter()
    n_frames = plan.source.n_frames
    yield Started(
        plan.settings, str(plan.provenance["model"]), n_frames, plan.source.shape
    )
    linker = Linker(plan.settings.track, published=plan.published)
    reports: list[FrameReport] = []
    policy: SeedPolicy | None = None
    block = plan.settings.embed.block
    for pair in plan.source.pairs():
        if pair is None:
            yield Progress(len(reports), n_frames, "network")
            continue
        if not plan.settings.cluster.carry_seeds and pair.frame % block == 0:
            policy = None
        yield Progress(len(reports), n_frames, "clustering")
        cells = cluster_pair(plan, pair, policy)
        policy = cells.policy
        yield Progress(len(reports), n_frames, "linking")
        before = time.perf_counter()
        new = [to_image(plan, labels) for labels in linker.add(cells.labels)]
        linking = time.perf_counter() - before
        for labels in new:
            report = frame_report(
                len(reports), labels, cells, pair.seconds / len(new), linking / len(new)
            )
            reports.append(report)
            yield FrameDone(report.frame, labels, report)
    yield Progress(n_frames, n_frames, "tracks")
    stack = np.stack([to_image(plan, labels) for labels in linker.stack])
    labels, lineage = finalize(stack, plan.settings.track, published=plan.published)
    seconds = round(time.perf_counter() - started, 3)
    yield Finished(
        TrackedMovie(
            labels,
            lineage,
            tuple(reports),
            plan.settings,
            {**plan.provenance, "seconds": seconds},
        )
    )


def to_image(plan: Plan, labels: Labels) -> Labels:
    """Bring labels from network to image pixels.

    Parameters
    ----------
    plan : Plan
        The run.
    labels : (y, x) int32
        At the size of the embeddings.

    Returns
    -------
    (Y, X) int32
    """
    return resize_labels(
        labels,
        plan.frame_shape,
        zoom=plan.settings.embed.zoom,
        published=plan.published,
    )


class TrackingRun:
    """An iterator over the events of a run that keeps the result.

    Parameters
    ----------
    plan : Plan
        See `plan_run`.

    Attributes
    ----------
    plan : Plan
        What is run.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._events = run_plan(plan)
        self._result: TrackedMovie | None = None

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        event = next(self._events)
        if isinstance(event, Finished):
            self._result = event.result
        return event

    @property
    def result(self) -> TrackedMovie:
        """The result, once the iterator has come to its end.

        Raises
        ------
        FastershiftError
            Before that.
        """
        if self._result is None:
            raise FastershiftError(
                "There is no result yet: iterate over all events of the run first."
            )
        return self._result


def track(
    movie: FrameSource | None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    model: str | Model | None = None,
    embeddings: Any = None,
    background: Background = "axis",
    mask: npt.NDArray[Any] | None = None,
    device: str = "auto",
) -> TrackingRun:
    """Segment and track a movie step by step.

    Parameters
    ----------
    movie : sequence of (Y, X) frames, or None
        For example a (T, Y, X) array, or a `fastershift.io.Movie`; frames are read one
        at a time. None if `embeddings` are given.
    settings : Settings or mapping, optional
        What is not set follows from the model and the defaults.
    model : str or Model, optional
        Name of a model, or a file; the generalist by default.
    embeddings : array_like, optional
        (T, C, Y, X) embeddings of any network, clustered and tracked instead.
    background : {"axis", "largest", "mask", "none"}
        What is background in given embeddings.
    mask : array, optional
        (T, Y, X) or (Y, X), for ``background="mask"``.
    device : str
        Where to compute.

    Returns
    -------
    TrackingRun
        Iterate over it for events; then ask for its ``result``.

    Raises
    ------
    InputError
        For input that cannot be used.

    References
    ----------
    .. [1] C. Payer et al., Medical Image Analysis 57, 2019.
    .. [2] M. Zhao et al., Medical Image Analysis 71, 2021.
    """
    return TrackingRun(
        plan_run(
            movie,
            settings,
            model=model,
            embeddings=embeddings,
            background=background,
            mask=mask,
            device=device,
        )
    )


def segment_movie(
    movie: FrameSource | None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    model: str | Model | None = None,
    embeddings: Any = None,
    background: Background = "axis",
    mask: npt.NDArray[Any] | None = None,
    device: str = "auto",
) -> TrackedMovie:
    """Segment and track a movie in one call.

    Parameters
    ----------
    movie, settings, model, embeddings, background, mask, device
        As for `track`.

    Returns
    -------
    TrackedMovie
        Labels, lineage, reports, resolved settings and provenance.
    """
    run = track(
        movie,
        settings,
        model=model,
        embeddings=embeddings,
        background=background,
        mask=mask,
        device=device,
    )
    for _ in run:
        pass
    return run.result
