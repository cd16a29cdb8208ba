"""One pair of frames: from embeddings to cells, and to a report."""

import math
import time
from collections.abc import Generator, Hashable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastershift.config import Settings
from fastershift.errors import is_shortage
from fastershift.instances import (
    PairCodes,
    PairInstances,
    PairVoters,
    find_instances,
    find_voted_instances,
    merge_tiles,
    pair_codes,
    pair_voters,
    unsure_share,
)
from fastershift.labels import (
    LabelImages,
    keep_inside,
    label_ids,
    nearest_pixels,
    resize_labels,
)
from fastershift.meanshift import (
    SeedPolicy,
    coverage_probability,
    coverage_reached,
)
from fastershift.pipeline._cache import RecentCache
from fastershift.pipeline._events import FrameReport, Notice
from fastershift.pipeline._plan import Plan, embedding_key
from fastershift.pipeline._sources import (
    EmbeddedPair,
    NetworkEmbeddings,
    NetworkSource,
)
from fastershift.pipeline.masks import MaskSource

__all__ = [
    "LastPair",
    "PairCells",
    "cluster_or_fall_back",
    "cluster_pair",
    "confine",
    "frame_report",
    "given_report",
    "to_image",
]

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class PairCells:
    """Cells of a pair before linking, all tiles together.

    Attributes
    ----------
    labels, clusters : (F, Y, X) LabelImages
        Cells and the modes they belong to, in network pixels. Where tiles are clustered
        on their own, modes have no common number and the cells stand for them.
    pieces : (F, Y, X) LabelImages
        Cells before small and uncertain ones are dropped; where tiles are merged, the
        cells.
    parts : tuple of PairInstances
        One for the frame, or one for each tile.
    policy : SeedPolicy
        For the next pair, where the number of seeds is carried over.
    seconds : float
        Wall time.
    unsure : tuple of float
        For each frame, see `fastershift.instances.unsure_share`; empty for given
        embeddings.
    certainty : (K + 1,) float64, optional
        How certain it is of each piece that it is a cell, where that is known.
    """

    labels: LabelImages
    clusters: LabelImages
    pieces: LabelImages
    parts: tuple[PairInstances, ...]
    policy: SeedPolicy
    seconds: float
    unsure: tuple[float, ...] = ()
    certainty: npt.NDArray[np.float64] | None = None

    @property
    def nbytes(self) -> int:
        """Memory it takes, about."""
        lasting = sum(part.clustering.labels.nbytes for part in self.parts)
        return self.labels.nbytes + self.clusters.nbytes + self.pieces.nbytes + lasting


def _generator(settings: Settings, frame: int) -> torch.Generator:
    """Draw for one pair: the same whatever was computed before it."""
    seed = settings.cluster.random_seed * 1_000_003 + frame
    return torch.Generator().manual_seed(seed)


def _pair_mask(plan: Plan, frame: int, n_frames: int) -> npt.NDArray[Any] | None:
    if plan.mask is None or plan.mask.ndim == 2:
        return plan.mask
    return np.stack([np.asarray(plan.mask[frame + i]) for i in range(n_frames)])


class _Prepared(NamedTuple):
    """What is clustered of a pair, and what else no setting of clustering changes."""

    points: PairCodes | PairVoters
    unsure: tuple[float, ...]

    @property
    def nbytes(self) -> int:
        return self.points.nbytes


def _prepare(plan: Plan, pair: EmbeddedPair) -> _Prepared:
    unsure = _unsure(plan, pair)
    if pair.votes is None:
        return _Prepared(_codes(plan, pair, pair.embeddings), unsure)
    track = plan.settings.track
    return _Prepared(pair_voters(pair.embeddings, pair.votes, track), unsure)


class LastPair:
    """Keeps what was clustered last, for the same pair and other settings.

    All plans it is used with must have the same input.
    """

    def __init__(self) -> None:
        self._kept: RecentCache[Hashable, _Prepared] = RecentCache(0)

    def prepared(self, plan: Plan, pair: EmbeddedPair) -> _Prepared:
        """Return what is clustered of a pair, anew if it is not the last one."""
        key = (
            embedding_key(plan),
            plan.background,
            plan.settings.track.foreground,
            plan.settings.cluster.coordinate_weight,
            pair.frame,
        )
        known = self._kept.get(key)
        if known is None:
            known = _prepare(plan, pair)
            self._kept.put(key, known)
        return known


def _codes(plan: Plan, pair: EmbeddedPair, embeddings: Tensor) -> PairCodes:
    return pair_codes(
        embeddings,
        plan.settings.cluster,
        plan.settings.track,
        background=plan.background,
        mask=_pair_mask(plan, pair.frame, len(embeddings)),
    )


def _is_cut(plan: Plan) -> bool:
    """Tell whether tiles are clustered on their own."""
    merges = plan.settings.track.merge_tiles
    return merges and isinstance(plan.source, NetworkEmbeddings)


def cluster_pair(
    plan: Plan,
    pair: EmbeddedPair,
    policy: SeedPolicy | None = None,
    last: LastPair | None = None,
) -> PairCells:
    """Cluster one pair of frames and take the clusters apart into cells.

    Parameters
    ----------
    plan : Plan
        The run.
    pair : EmbeddedPair
        Embeddings of its frames.
    policy : SeedPolicy, optional
        Seeds learned from pairs before it, where they are carried over.
    last : LastPair, optional
        Knows what is clustered if the pair was clustered before, and keeps it.

    Returns
    -------
    PairCells
    """
    started = time.perf_counter()
    if isinstance(plan.source, MaskSource):
        return _as_given(plan.source, pair, started)
    n_frames = len(pair.embeddings)
    generator = _generator(plan.settings, pair.frame)

    def instances(codes: PairCodes, policy: SeedPolicy | None) -> PairInstances:
        return find_instances(
            codes,
            plan.settings.cluster,
            smallest_cell=plan.smallest_in_pair(n_frames),
            policy=policy,
            generator=generator,
        )

    if not _is_cut(plan):
        ready = _prepare(plan, pair) if last is None else last.prepared(plan, pair)
        if isinstance(ready.points, PairVoters):
            found = find_voted_instances(
                ready.points,
                plan.settings.cluster,
                smallest_cell=plan.smallest_in_pair(n_frames),
                least_certainty=plan.settings.track.least_certainty,
            )
        else:
            found = instances(ready.points, policy)
        seconds = time.perf_counter() - started
        return PairCells(
            found.labels,
            found.clusters,
            found.pieces,
            (found,),
            found.clustering.policy,
            seconds,
            ready.unsure,
            found.certainty,
        )
    parts = []
    for tile in range(pair.embeddings.shape[1]):
        codes = _codes(plan, pair, pair.embeddings[:, tile])
        parts.append(instances(codes, policy))
        if plan.settings.cluster.carry_seeds:
            policy = parts[-1].clustering.policy
    assert isinstance(plan.source, NetworkEmbeddings)  # noqa: S101 (its tiles are)
    tiles = plan.source.embedder.tiles
    labels = merge_tiles(
        zip((part.labels for part in parts), tiles, strict=True), plan.source.shape
    )
    seconds = time.perf_counter() - started
    learned = parts[-1].clustering.policy
    return PairCells(labels, labels, labels, tuple(parts), learned, seconds)


def cluster_or_fall_back(
    plan: Plan, pair: EmbeddedPair, policy: SeedPolicy | None
) -> Generator[Notice, None, PairCells]:
    """Cluster a pair, on the CPU where the memory of another device is too small."""
    try:
        return cluster_pair(plan, pair, policy)
    except (MemoryError, RuntimeError) as error:
        if pair.embeddings.device.type == "cpu" or not is_shortage(error):
            raise
        yield Notice(
            f"The memory of the {pair.embeddings.device.type} is too small: frames "
            f"{pair.frame} and {pair.frame + 1} are clustered on the cpu."
        )
    return cluster_pair(plan, pair.to_cpu(), policy)


def confine(plan: Plan, cells: PairCells, frame: int) -> PairCells:
    """Leave out the cells that lie where none may be.

    Parameters
    ----------
    plan : Plan
        The run.
    cells : PairCells
        Of one pair, as `cluster_pair` gives them.
    frame : int
        The first of the pair.

    Returns
    -------
    PairCells
    """
    if plan.confines is None:
        return cells
    kept = []
    for number, labels in enumerate(np.asarray(cells.labels), frame):
        allowed = plan.confines.at(number)
        if plan.region is not None:
            allowed = allowed[plan.region]
        rows, columns, _ = nearest_pixels(
            (allowed.shape[0], allowed.shape[1]),
            (labels.shape[0], labels.shape[1]),
            zoom=1 / plan.settings.embed.zoom,
        )
        kept.append(keep_inside(labels, allowed[np.ix_(rows, columns)]))
    return replace(cells, labels=np.stack(kept))


def _as_given(masks: MaskSource, pair: EmbeddedPair, started: float) -> PairCells:
    """Take the cells of a pair as they are."""
    frames = range(pair.frame, pair.frame + len(pair.embeddings))
    labels = np.stack([masks.frame(t) for t in frames])
    seconds = time.perf_counter() - started
    return PairCells(labels, labels, labels, (), SeedPolicy(1), seconds)


def _unsure(plan: Plan, pair: EmbeddedPair) -> tuple[float, ...]:
    if not isinstance(plan.source, NetworkSource):
        return ()
    return tuple(unsure_share(one) for one in pair.embeddings)


def frame_report(
    plan: Plan,
    frame: int,
    labels: Labels,
    cells: PairCells,
    *,
    index: int = -1,
    network: float,
    linking: float = 0.0,
) -> FrameReport:
    """Tell how a frame was clustered, all tiles of its pair together.

    Parameters
    ----------
    plan : Plan
        The run; with its quality, if a quality is to be expected of the frame.
    frame : int
        Number of the frame.
    labels : (Y, X) int32
        Its cells.
    cells : PairCells
        The pair it was clustered in.
    index : int
        Place of the frame in the pair.
    network, linking : float
        Seconds of the other stages.

    Returns
    -------
    FrameReport
    """
    found = [part.clustering for part in cells.parts]
    if not found:
        return given_report(frame, labels, cells.seconds, linking)
    seeds = sum(part.n_seeds for part in found)
    coverage = [_coverage(part) for part in cells.parts]
    converged = sum(part.converged_fraction * part.n_seeds for part in found)
    n_cells = len(label_ids(labels)) - 1
    expected = None
    if plan.quality is not None and cells.unsure and n_cells:
        expected = plan.quality.of_frame(cells.unsure[index])
    return FrameReport(
        frame=frame,
        cells=n_cells,
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
        expected_f1=expected,
    )


def given_report(
    frame: int, labels: Labels, network: float, linking: float
) -> FrameReport:
    """Tell of a frame whose cells were given, so that nothing was clustered.

    Parameters
    ----------
    frame, labels, network, linking
        As for `frame_report`.

    Returns
    -------
    FrameReport
    """
    cells = len(label_ids(labels)) - 1
    return FrameReport(
        frame=frame,
        cells=cells,
        clusters=cells,
        seeds=0,
        n_min=0,
        rounds=0,
        iterations=0,
        converged=1.0,
        foreground=float((labels > 0).mean()),
        network_ms=network * 1e3,
        clustering_ms=0.0,
        linking_ms=linking * 1e3,
        stopped_by="given masks",
        coverage=1.0,
        coverage_equal=1.0,
    )


def _coverage(part: PairInstances) -> tuple[float, float]:
    """Probability of reaching all clusters: by the size of each, and for equal ones.

    A cluster that serves as background needs no seed.
    """
    if part.clustering.stopped_by == "all points":
        return 1.0, 1.0
    # Of very many vectors a sample was clustered, but sizes count all of them.
    n_points = max(1, round(part.foreground * math.prod(part.labels.shape)))
    n_seeds, shares = part.clustering.n_seeds, part.sizes[part.sizes > 0] / n_points
    if not shares.size:
        return 1.0, 1.0
    share = min(1.0, float(shares.sum()))
    equal = coverage_probability(n_seeds, shares.size, share, exact=False)
    return coverage_reached(n_seeds, shares), equal


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
