"""Chunks to tracks: linked in one pass, held a few frames at a time."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from fastershift.batch._work import LinkedFrames, WorkFolder
from fastershift.config import Settings
from fastershift.io import LabelFrames
from fastershift.labels import label_ids, resize_labels
from fastershift.pipeline import FrameReport
from fastershift.tracking import Finalizer, FinalNames, Lineage, make_linker

__all__ = ["Joined", "TrackFrames", "join_chunks", "tracks_at_edge"]

Labels = npt.NDArray[np.int32]

_NOTHING = np.empty(0, np.int64)


class TrackFrames(Sequence[Labels]):
    """The final labels, made of the linked ones frame by frame when asked for.

    Parameters
    ----------
    linked : LinkedFrames
        (T, Y, X) int32 on disk.
    names : FinalNames
        Which track each linked label belongs to.
    empty : collection of int
        Frames that show nothing: no cells are told in them.
    """

    def __init__(
        self, linked: LinkedFrames, names: FinalNames, empty: Collection[int]
    ) -> None:
        self._linked = linked
        self._names = names
        self._empty = empty
        self.shape = linked.shape

    def __len__(self) -> int:
        return self.shape[0]

    @overload
    def __getitem__(self, index: int) -> Labels: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Labels]: ...
    def __getitem__(self, index: int | slice) -> Labels | Sequence[Labels]:
        """Return frame `index`, (Y, X) int32 track ids."""
        if isinstance(index, slice):
            return [self[time] for time in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index in self._empty:
            return np.zeros(self.shape[1:], np.int32)
        return self._names.apply(index, self._linked[index])


@dataclass(frozen=True)
class Joined:
    """All chunks of a movie, linked.

    Attributes
    ----------
    labels : sequence of (Y, X) int32
        Track ids, frame by frame.
    lineage : Lineage
        The tracks.
    reports : tuple of FrameReport
        One for each frame.
    at_edge : tuple of set of int
        For each frame, the tracks that touch the edge of the image.
    notes : tuple of str
        What there is to say of the movie.
    measured : tuple of str
        How it was measured, as in `Outcome`.
    """

    labels: LabelFrames
    lineage: Lineage
    reports: tuple[FrameReport, ...]
    at_edge: tuple[frozenset[int], ...]
    notes: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()


def join_chunks(
    work: WorkFolder,
    n_chunks: int,
    shape: tuple[int, int, int],
    settings: Settings,
    empty: Collection[int],
) -> Iterator[int | Joined]:
    """Link the pairs of all chunks and decide the tracks.

    Parameters
    ----------
    work : WorkFolder
        Where the chunks lie, all of them finished.
    n_chunks : int
        How many there are.
    shape : (int, int, int)
        Frames, rows and columns of the movie.
    settings : Settings
        Resolved.
    empty : collection of int
        Frames that show nothing: tracks go on across them, without cells in them.

    Yields
    ------
    int
        Frames linked so far, after every pair: a place to stop.
    Joined
        At last.
    """
    published = settings.profile == "published"
    linker = make_linker(settings.track, published=published)
    finalizer = Finalizer(settings.track, published=published)
    frames = work.frames(shape)
    reports: list[FrameReport] = []
    edges: list[npt.NDArray[np.int64]] = []

    def image(labels: Labels) -> Labels:
        return resize_labels(
            labels, shape[1:], zoom=settings.embed.zoom, published=published
        )

    def keep(taken: list[Labels]) -> None:
        for labels in map(image, taken):
            frames[len(edges)] = labels
            finalizer.add(labels)
            edges.append(_edge(labels) if len(edges) not in empty else _NOTHING)

    for chunk in range(n_chunks):
        for labels, found in work.read(chunk):
            started = perf_counter()
            new = linker.add(labels)
            keep(linker.release())
            seconds = perf_counter() - started
            for report, frame in zip(found[-len(new) :], new, strict=True):
                shown = image(np.zeros_like(frame) if len(reports) in empty else frame)
                reports.append(_report(report, len(reports), shown, len(new), seconds))
            yield len(reports)
    keep(linker.release(settled=False))
    names, lineage = finalizer.finish(linker.descent())
    at_edge = tuple(
        frozenset(tracks[np.isin(ids, edge)].tolist()) - {0}
        for ids, tracks, edge in zip(names.labels, names.tracks, edges, strict=True)
    )
    yield Joined(
        TrackFrames(frames, names, empty),
        lineage.without_frames(empty),
        tuple(reports),
        at_edge,
    )


def _report(
    stored: dict[str, Any], frame: int, labels: Labels, n_new: int, seconds: float
) -> FrameReport:
    """Complete the report of a frame of a pair."""
    report, cells = FrameReport(**stored), len(label_ids(labels)) - 1
    return replace(
        report,
        frame=frame,
        cells=cells,
        expected_f1=report.expected_f1 if cells else None,
        network_ms=report.network_ms / n_new,
        linking_ms=seconds * 1e3 / n_new,
    )


def tracks_at_edge(frames: LabelFrames) -> tuple[frozenset[int], ...]:
    """Find, for each frame, the tracks that touch the edge of the image.

    Parameters
    ----------
    frames : sequence of (Y, X) int
        Track ids.

    Returns
    -------
    tuple of frozenset of int
    """
    return tuple(
        frozenset(_edge(np.asarray(frames[t])).tolist()) - {0}
        for t in range(len(frames))
    )


def _edge(labels: Labels) -> npt.NDArray[np.int64]:
    sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    return np.unique(np.concatenate(sides)).astype(np.int64)
