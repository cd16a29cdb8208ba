"""Cells of one frame before linking."""

import math
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.config import Settings
from fastershift.instances import cells_of_pieces
from fastershift.labels import relabel
from fastershift.pipeline import (
    FrameReport,
    MaskSource,
    PairCells,
    Plan,
    Region,
    cluster_pair,
    confine,
    frame_report,
    given_report,
    to_image,
)
from fastershift.rshn import FrameSource
from fastershift.session._caches import ClusteredPair, ClusterKey, InputCaches
from fastershift.session._input import SessionInput, SingleFrame
from fastershift.session._links import (
    LinkedFrames,
    ask_network,
    frames_around,
    link_frames,
    read_frames,
    voting_key,
)
from fastershift.session._numbers import numbers_under
from fastershift.tracking import MaskFrame, VotedPlaces, keep_numbers

if TYPE_CHECKING:
    from fastershift.meanshift import SeedPolicy

__all__ = [
    "Preview",
    "PreviewLinks",
    "PreviewRequest",
    "first_sight",
    "pair_cells",
    "preview_frame",
    "preview_masks",
]

# Network pixels of a frame above which a look at it takes as long as the choice of a
# model.
_AT_FIRST_SIGHT = 2**21

Labels: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True)
class PreviewLinks:
    """How the cells of a frame are linked with those of the frames around it.

    Attributes
    ----------
    positions : (n, 4) float64
        Rows of track, frame, y and x in pixels, by track, then frame. Tracks are
        numbered as the cells of the preview are.
    graph : mapping of int to list of int
        ``{daughter: [mother]}``.
    sentence : str
        How many cells of the frame are linked, divide, begin and end.
    """

    positions: npt.NDArray[np.float64]
    graph: Mapping[int, list[int]]
    sentence: str


@dataclass(frozen=True)
class Preview:
    """Cells of one frame before linking.

    Attributes
    ----------
    frame : int
        Number of the frame.
    cells : (Y, X) int32
        Cells in image pixels, numbered like the cells they overlap in the former
        preview of the frame and in the labels they were to be numbered like.
    clusters : (Y, X) int32 or None
        The modes they belong to; None when they were not asked for.
    report : FrameReport
        How it was clustered.
    settings : Settings
        Resolved.
    pair : PairCells or None
        The frame and its neighbour as they were clustered, in network pixels; None for
        given masks.
    index : int
        Which of the two the frame is.
    region : (slice, slice) or None
        Rows and columns of the frame that these are; None for all.
    provenance : mapping
        Model, versions and device.
    at_first_sight : bool
        Whether it is of the frame alone, and the model is still to be chosen.
    links : PreviewLinks or None
        Links of given masks.
    """

    frame: int
    cells: Labels
    clusters: Labels | None
    report: FrameReport
    settings: Settings
    pair: PairCells | None
    index: int
    region: Region | None
    provenance: Mapping[str, Any]
    at_first_sight: bool = False
    links: PreviewLinks | None = None


@dataclass(frozen=True)
class PreviewRequest:
    """What a preview is to show.

    Attributes
    ----------
    frame : int
        The frame, from 0.
    clusters : bool
        Whether to bring the clusters to image pixels too.
    like : callable, optional
        Gives (Y, X) labels of the whole frame whose numbers cells keep.
    above : int
        Cells that have no number yet get one above this.
    """

    frame: int
    clusters: bool = True
    like: Callable[[int], npt.ArrayLike] | None = None
    above: int = 0


def preview_frame(
    plan: Plan,
    request: PreviewRequest,
    caches: InputCaches,
    embedded: Hashable,
    *,
    alone: bool = False,
) -> Iterator[Preview | None]:
    """Cluster one frame exactly as a full run does before linking.

    Parameters
    ----------
    plan : Plan
        What a full run would do.
    request : PreviewRequest
        What is to be shown.
    caches : InputCaches
        What was computed before.
    embedded : hashable
        Everything the embeddings of the plan depend on.
    alone : bool
        Whether the movie of the plan is this frame alone.

    Yields
    ------
    Preview or None
        None any number of times, each a place to stop; then the preview.
    """
    frame = 0 if alone else request.frame
    start = max(0, frame - 1)
    found: tuple[PairCells, float] | None = None
    for found in pair_cells(plan, start, caches, embedded):
        if found is None:
            yield None
    if found is None:
        return
    cells, network = found
    cells = confine(plan, cells, start)
    index = frame - start
    labels = to_image(plan, cells.labels[index])
    if plan.source.is_empty(frame):
        labels = np.zeros_like(labels)
    report = frame_report(
        plan, request.frame, labels, cells, index=index, network=network
    )
    labels = _numbered(plan, request, caches, labels)
    clusters = None
    if request.clusters:
        clusters = to_image(plan, cells.clusters[index])
    yield Preview(
        request.frame,
        labels,
        clusters,
        report,
        plan.settings,
        cells,
        index,
        plan.region,
        plan.provenance,
        at_first_sight=alone,
    )


def preview_masks(
    plan: Plan, request: PreviewRequest, caches: InputCaches
) -> Iterator[Preview | None]:
    """Link the masks of one frame with those of the frames around it.

    Frames are read and measured once; what costs change is linked alone.

    Parameters
    ----------
    plan : Plan
        Of given masks.
    request : PreviewRequest
        What is to be shown.
    caches : InputCaches
        What was read before.

    Yields
    ------
    Preview or None
        None any number of times, each a place to stop; then the preview. Where a
        network has to be asked first, there is one without its votes before.
    """
    numbers, known = frames_around(plan, request.frame), caches.masks
    frames: list[MaskFrame] = []
    for read in read_frames(plan, numbers, known):
        if read is None:
            yield None
        else:
            frames = read
    voting = [] if plan.voter is None else numbers[1:]
    if any(voting_key(plan, number) not in known.voted for number in voting):
        yield from _linked(plan, request, caches, numbers[0], frames, {}, waits=True)
    voted: dict[int, VotedPlaces] = {}
    started = time.perf_counter()
    for number in voting:
        for found in ask_network(plan, number, frames[number - numbers[0]], known):
            if found is None:
                yield None
            else:
                voted[number] = found
    network = time.perf_counter() - started
    yield from _linked(
        plan, request, caches, numbers[0], frames, voted, network=network
    )


def _linked(
    plan: Plan,
    request: PreviewRequest,
    caches: InputCaches,
    first: int,
    frames: list[MaskFrame],
    voted: Mapping[int, VotedPlaces],
    *,
    network: float = 0.0,
    waits: bool = False,
) -> Iterator[Preview | None]:
    """Link frames, and show that in view; it may wait for better links."""
    started = time.perf_counter()
    links: LinkedFrames | None = None
    for links in link_frames(plan, first, frames, voted):
        if links is None:
            yield None
    if links is None:
        return
    linking = time.perf_counter() - started
    called = _called(request, caches, links)
    index = request.frame - first
    seen = frames[index]
    cells = relabel(
        seen.labels, seen.cells.ids.tolist(), called[links.tracks[index]].tolist()
    )
    sentence = links.describe(request.frame)
    yield Preview(
        request.frame,
        cells,
        None,
        given_report(request.frame, cells, network, linking),
        plan.settings,
        None,
        0,
        None,
        plan.provenance,
        links=PreviewLinks(
            links.positions(called),
            links.graph(called),
            f"{sentence} Asking the network …" if waits else sentence,
        ),
    )


def _called(
    request: PreviewRequest, caches: InputCaches, links: LinkedFrames
) -> npt.NDArray[np.int64]:
    """Give tracks the numbers that they have in other pictures."""
    if links.names is not None:
        return links.names
    seen = links.frames[request.frame - links.first]
    wanted = np.zeros(len(seen), dtype=np.int64)
    if request.like is not None:
        shown = np.asarray(request.like(request.frame))
        if shown.shape == seen.labels.shape:
            wanted = numbers_under(seen.cells.ids, seen.labels, shown)
    return caches.called.call(
        links.first,
        [frame.cells.ids for frame in links.frames],
        links.tracks,
        request.frame,
        wanted,
        request.above,
    )


def first_sight(
    given: SessionInput,
    request: PreviewRequest,
    decide: Callable[[FrameSource], Plan],
    caches: InputCaches,
) -> Iterator[Preview | None]:
    """Look at a frame alone, without waiting for the choice of the model.

    Nothing is kept but the numbers of the cells: a choice may be under way in another
    thread.

    Parameters
    ----------
    given : SessionInput
        Nothing is shown of anything but a movie.
    request : PreviewRequest
        What is to be shown; nothing of a frame that is not there.
    decide : callable
        Plans a run without choosing a model.
    caches : InputCaches
        Knows the numbers of cells that were shown before.

    Yields
    ------
    Preview or None
        As `preview_frame`; no preview of frames so large that it would take as long as
        the choice.
    """
    movie = given.movie
    if movie is None or not given.is_bare_movie:
        return
    if not 0 <= request.frame < len(movie):
        return
    plan = decide(SingleFrame(movie, request.frame))
    yield None
    if math.prod(plan.source.shape) <= _AT_FIRST_SIGHT:
        alone = InputCaches()
        alone.numbers = caches.numbers
        yield from preview_frame(plan, request, alone, None, alone=True)


def pair_cells(
    plan: Plan, start: int, caches: InputCaches, embedded: Hashable
) -> Iterator[tuple[PairCells, float] | None]:
    """Yield None at places to stop, at last the cells and the network's seconds.

    Where the number of seeds is carried through the movie, the pairs before are
    clustered first.
    """
    settings = plan.settings
    carries = settings.cluster.carry_seeds
    known, last = caches.clusters, caches.last
    policy: SeedPolicy | None = None
    found: tuple[PairCells, float] | None = None
    for frame in range(0 if carries else start, start + 1):
        smallest = plan.smallest_in_pair(min(2, plan.source.n_frames))
        least = settings.track.least_certainty
        key: ClusterKey = (
            embedded,
            plan.background,
            settings.cluster,
            settings.track.foreground,
            # Tiles are merged as cells, which depend on the smallest one.
            smallest if settings.track.merge_tiles else None,
            frame,
        )
        clustered, network = known.get(key), 0.0
        if clustered is None:
            for pair in plan.source.pair(frame):
                if pair is None:
                    yield None
                else:
                    cells = cluster_pair(plan, pair, policy, last)
                    clustered = ClusteredPair(cells, smallest, least)
                    network = pair.seconds
        assert clustered is not None  # noqa: S101 (a source has all its pairs)
        if (clustered.smallest, clustered.least_certainty) != (smallest, least):
            cells = clustered.cells
            pieces = np.asarray(cells.pieces)
            labels = cells_of_pieces(pieces, smallest, cells.certainty, least)
            clustered = ClusteredPair(replace(cells, labels=labels), smallest, least)
        # Masks that are given may be painted at any time, and cost nothing.
        if not isinstance(plan.source, MaskSource):
            known.put(key, clustered)
        found, policy = (clustered.cells, network), clustered.cells.policy
        yield None
    yield found


def _numbered(
    plan: Plan, request: PreviewRequest, caches: InputCaches, labels: Labels
) -> Labels:
    """Give cells the numbers they have, or had, in other pictures of the frame."""
    place = (request.frame, labels.shape, str(plan.region))
    known: list[npt.NDArray[Any]] = []
    if request.like is not None:
        image = np.asarray(request.like(request.frame))
        image = image if plan.region is None else image[plan.region]
        if image.shape == labels.shape:
            known.append(image)
    former = caches.numbers.get(place)
    if former is not None:
        known.append(former)
    if known:
        labels = keep_numbers(labels, known, above=request.above)
    # A cell that is gone for now gets its number back when it returns.
    remembered = labels if former is None else np.where(labels > 0, labels, former)
    caches.numbers.put(place, remembered)
    return labels
