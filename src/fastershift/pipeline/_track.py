"""The run itself: a generator of events that can be cancelled at every yield."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastershift.config import Settings
from fastershift.errors import FastershiftError, is_shortage
from fastershift.instances import Background
from fastershift.io import frames_of
from fastershift.pipeline._bad_frames import (
    describe_bad,
    describe_empty,
    find_bad_frames,
)
from fastershift.pipeline._events import (
    Event,
    Finished,
    FrameDone,
    FrameReport,
    Notice,
    Progress,
    Started,
    TrackedMovie,
)
from fastershift.pipeline._expect import with_quality
from fastershift.pipeline._masks_of_plan import masks_at
from fastershift.pipeline._pair import (
    cluster_or_fall_back,
    confine,
    frame_report,
    given_report,
    to_image,
)
from fastershift.pipeline._plan import Plan, plan_run
from fastershift.pipeline._sources import EmbeddedPair, NetworkSource
from fastershift.pipeline.masks import (
    MaskSource,
    drift_notice,
    finish_masks,
    mending_notices,
    taken_notice,
    voted_by_masks,
)
from fastershift.rshn import FrameSource, Model
from fastershift.tracking import (
    Finalizer,
    Lineage,
    MaskLinker,
    make_linker,
    place_cells,
)

if TYPE_CHECKING:
    from fastershift.meanshift import SeedPolicy

__all__ = ["TrackingRun", "run_plan", "segment_movie", "track"]

Labels = npt.NDArray[np.int32]


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
    steps = _link_masks if isinstance(plan.source, MaskSource) else _run
    try:
        yield from steps(plan)
    except (MemoryError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        raise FastershiftError(
            "The memory ran out. Use smaller tiles, a larger cell "
            "diameter or fewer frames, and run again."
        ) from error


def _run(plan: Plan) -> Iterator[Event]:
    started = time.perf_counter()
    n_frames = plan.source.n_frames
    plan = with_quality(plan)
    yield Started(
        plan.settings,
        str(plan.provenance["model"]),
        n_frames,
        plan.source.shape,
        plan.expectations(),
    )
    doubts = ""
    if isinstance(plan.source, NetworkSource):
        for found in find_bad_frames(plan.source.movie):
            yield Progress(0, n_frames, "looking at the frames")
            doubts = describe_bad(found) if found else doubts
    if doubts:
        yield Notice(doubts)
    movie = _FrameFinisher(plan)
    reports: list[FrameReport] = []
    empty: list[int] = []
    policy: SeedPolicy | None = None
    told = 0
    for pair in plan.source.pairs():
        for sentence in plan.source.notices[told:]:
            told += 1
            yield Notice(sentence)
        if pair is None:
            yield Progress(len(reports), n_frames, "network")
            continue
        yield Progress(len(reports), n_frames, "clustering")
        cells = yield from cluster_or_fall_back(plan, pair, policy)
        if plan.settings.cluster.carry_seeds:
            policy = cells.policy
        cells = confine(plan, cells, pair.frame)
        yield Progress(len(reports), n_frames, "linking")
        before = time.perf_counter()
        new = movie.add(np.asarray(cells.labels))
        linking = time.perf_counter() - before
        for index, labels in enumerate(new, -len(new)):
            if plan.source.is_empty(len(reports)):
                empty.append(len(reports))
                labels = np.zeros_like(labels)
            report = frame_report(
                plan,
                len(reports),
                labels,
                cells,
                index=index,
                network=pair.seconds / len(new),
                linking=linking / len(new),
            )
            reports.append(report)
            yield FrameDone(report.frame, labels, report)
    yield Progress(n_frames, n_frames, "tracks")
    labels, lineage = movie.finish()
    labels[empty] = 0
    lineage = lineage.without_frames(empty)
    across = describe_empty(empty)
    if across:
        yield Notice(across)
    seconds = round(time.perf_counter() - started, 3)
    said = [*filter(None, [doubts, across]), *plan.source.notices[:told]]
    notices = {"notices": said} if said else {}
    quality = {} if plan.quality is None else {"quality": plan.quality.record()}
    yield Finished(
        TrackedMovie(
            labels,
            lineage,
            tuple(reports),
            plan.settings,
            {**plan.provenance, **notices, "seconds": seconds, **quality},
        )
    )


class _FrameFinisher:
    """Frames on their way from linked pairs to the final labels.

    A frame is brought to image pixels once, unless a later pair changes it, and few
    frames are held besides the result.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        settings, published = plan.settings.track, plan.published
        self._linker = make_linker(settings, published=published)
        self._finalizer = Finalizer(settings, published=published)
        self._labels = np.zeros((plan.source.n_frames, *plan.frame_shape), np.int32)
        # Provisional labels in network pixels, and the same in image pixels.
        self._provisional: deque[tuple[Labels, Labels]] = deque()
        self._settled = 0

    def add(self, pair: Labels) -> list[Labels]:
        """Link a pair; return the frames that are new, in image pixels."""
        new = self._linker.add(pair)
        images = [to_image(self._plan, labels) for labels in new]
        self._provisional.extend(zip(new, images, strict=True))
        self._settle(self._linker.release())
        return images

    def _settle(self, frames: list[Labels]) -> None:
        for frame in frames:
            provisional, image = self._provisional.popleft()
            if not np.array_equal(frame, provisional):
                image = to_image(self._plan, frame)
            self._finalizer.add(image)
            self._labels[self._settled] = image
            self._settled += 1

    def finish(self) -> tuple[Labels, Lineage]:
        """Decide the tracks; return the final labels and the lineage."""
        self._settle(self._linker.release(settled=False))
        names, lineage = self._finalizer.finish(self._linker.descent())
        for number, frame in enumerate(self._labels):
            frame[:] = names.apply(number, frame)
        return self._labels, lineage


def _link_masks(plan: Plan) -> Iterator[Event]:
    """Track cells that were given."""
    started = time.perf_counter()
    masks = plan.source
    assert isinstance(masks, MaskSource)  # noqa: S101 (asked before)
    n_frames = masks.n_frames
    yield Started(plan.settings, str(plan.provenance["model"]), n_frames, masks.shape)
    notices = list(masks.notices)
    for sentence in notices:
        yield Notice(sentence)
    linker = MaskLinker(plan.settings.track)
    labels = np.zeros((n_frames, *masks.shape), np.int32)
    reports: list[FrameReport] = []
    votes = _votes_by_frame(plan)
    for t in range(n_frames):
        yield Progress(t, n_frames, "linking")
        pair: EmbeddedPair | None = None
        while t and plan.voter is not None and pair is None:
            pair = next(votes)
            if pair is None:
                yield Progress(t, n_frames, "network")
        before = time.perf_counter()
        frame = masks_at(plan, t)
        if not masks.tracked:
            voted = None
            if pair is not None and pair.votes is not None:
                voted = voted_by_masks(
                    pair.votes, frame, place_cells(frame), plan.settings
                )
            frame = linker.add(frame, voted)
        labels[t] = frame
        network = 0.0 if pair is None else pair.seconds
        reports.append(given_report(t, frame, network, time.perf_counter() - before))
        yield FrameDone(t, frame, reports[-1])
    yield Progress(n_frames, n_frames, "tracks")
    lineage, filled, joined = finish_masks(
        plan.settings.track, labels, None if masks.tracked else linker
    )
    said = mending_notices(filled, joined)
    said.append(drift_notice(linker.drifts, masks.diameter))
    said.append(taken_notice(masks.taken))
    for sentence in filter(None, said):
        notices.append(sentence)
        yield Notice(sentence)
    seconds = round(time.perf_counter() - started, 3)
    told: dict[str, Any] = {"notices": notices} if notices else {}
    if any(map(any, linker.drifts)):
        told["drift"] = [[round(y, 2), round(x, 2)] for y, x in linker.drifts]
    told |= {"alternatives": masks.taken} if masks.taken else {}
    told |= {"filled": filled} if filled else {}
    told |= {"joined": joined} if joined else {}
    yield Finished(
        TrackedMovie(
            labels,
            lineage,
            tuple(reports),
            plan.settings,
            {**plan.provenance, **told, "seconds": seconds},
        )
    )


def _votes_by_frame(plan: Plan) -> Iterator[EmbeddedPair | None]:
    """Ask the network about every pair of frames, in order."""
    if plan.voter is not None:
        yield from plan.voter.pairs()


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
    movie: FrameSource | str | Path | None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    model: str | Model | None = None,
    embeddings: Any = None,
    background: Background = "axis",
    mask: npt.NDArray[Any] | None = None,
    labels: Any = None,
    inside: Any = None,
    outside: Any = None,
    device: str = "auto",
) -> TrackingRun:
    """Segment and track a movie step by step.

    Parameters
    ----------
    movie : sequence of (Y, X) frames, str or Path, or None
        For example a (T, Y, X) array, or a `fastershift.io.Movie`; frames are read one
        at a time. Or where the movie is stored. None if `embeddings` are given, or
        `labels` without images.
    settings : Settings or mapping, optional
        What is not set follows from the model and the defaults.
    model : str or Model, optional
        Name of a model, or a file; by default chosen by a first look at the movie.
    embeddings : array_like, optional
        (T, C, Y, X) embeddings of any network, clustered and tracked instead.
    background : {"axis", "largest", "mask", "none"}
        What is background in given embeddings.
    mask : array, optional
        (T, Y, X) or (Y, X), for ``background="mask"``.
    labels : array_like, str or Path, or a list or mapping of such, optional
        Cells of any program, (T, Y, X) whole numbers, or where they are stored: they
        are tracked as they are. Several, in a list or by their names, are alternatives:
        in each frame the cells that agree best are taken. With a movie and a model that
        votes, the network tells where each was in the frame before.
    inside, outside : array_like, str or Path, optional
        Regions, (Y, X) for all frames or (T, Y, X), other than 0 in the region, or
        where they are stored: cells of which less than half lies inside of the one, and
        outside of the other, are left out.
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
            frames_of(movie),
            settings,
            model=model,
            embeddings=embeddings,
            background=background,
            mask=mask,
            labels=labels,
            inside=inside,
            outside=outside,
            device=device,
        )
    )


def segment_movie(
    movie: FrameSource | str | Path | None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    model: str | Model | None = None,
    embeddings: Any = None,
    background: Background = "axis",
    mask: npt.NDArray[Any] | None = None,
    labels: Any = None,
    inside: Any = None,
    outside: Any = None,
    device: str = "auto",
) -> TrackedMovie:
    """Segment and track a movie in one call.

    Parameters
    ----------
    movie, settings, model, embeddings, background, mask, labels, device
        As for `track`.
    inside, outside
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
        labels=labels,
        inside=inside,
        outside=outside,
        device=device,
    )
    for _ in run:
        pass
    return run.result
