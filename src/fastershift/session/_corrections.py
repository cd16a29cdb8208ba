"""Corrections by hand of one result, with the embeddings they follow."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from fastershift.config import ClusterSettings
from fastershift.editing import (
    Add,
    Carried,
    Cells,
    Change,
    Doubt,
    Edit,
    Editor,
    FrameVectors,
    GivenLineage,
    Rerun,
    Split,
    basin,
    find_doubts,
    numbers_of_parts,
    parts_by_clicks,
    propagate,
    reach_of,
    track_after,
    track_before,
)
from fastershift.errors import InputError
from fastershift.pipeline import Plan, TrackedMovie
from fastershift.session._truth import KnownLabels
from fastershift.tracking import Lineage

__all__ = ["CONFIDENCE_LIMIT", "Corrections", "PlanVectors"]

#: Confidence below which a correction is carried no further.
CONFIDENCE_LIMIT = 0.3


class PlanVectors:
    """Embeddings of a planned run, in pixels of the image.

    Parameters
    ----------
    plan : Plan
        Says where embeddings come from, and how they lie over the image.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def _of_pair(self, first: int, frames: Sequence[Tensor]) -> list[FrameVectors]:
        settings = self._plan.settings
        return [
            FrameVectors(
                embedding,
                self._plan.frame_shape,
                zoom=settings.embed.zoom,
                background_axis=self._plan.background == "axis",
                threshold=settings.track.foreground,
                empty=self._plan.source.is_empty(number),
            )
            for number, embedding in enumerate(frames, first)
        ]

    def pair(self, frame: int) -> Iterator[tuple[FrameVectors, FrameVectors] | None]:
        """Yield the embeddings of a frame and the next one, after any number of None.

        Parameters
        ----------
        frame : int
            The first of the two.
        """
        for frames in self._plan.source.frames_of_pair(frame):
            if frames is None:
                yield None
            else:
                first, second = self._of_pair(frame, frames)
                yield first, second

    def frame(self, frame: int) -> Iterator[FrameVectors | None]:
        """Yield the embedding of one frame, after any number of None."""
        start = max(0, min(frame, self._plan.source.n_frames - 2))
        for pair in self._plan.source.frames_of_pair(start):
            yield None if pair is None else self._of_pair(start, pair)[frame - start]


class Corrections:
    """One result under correction: edits, history, propagation, places to look at.

    Edits and what is yielded here are made in one thread with `do` and `extend`; the
    iterators may be driven in another.

    Parameters
    ----------
    labels : (T, Y, X) int32
        Track ids; changed in place.
    lineage : Lineage or callable
        The tracks that go with it, see `Cells`.
    plan : Plan, optional
        Of the run, for its embeddings; without it cells are split by their shape, and
        neither added by a click nor followed through time.
    record : mapping, optional
        What `record` gave.

    Attributes
    ----------
    editor : Editor
        Makes the edits and keeps their history.
    replaced : dict
        What callers keep of a result that a new run has replaced, by the number of the
        entry; it is not a part of the record.

    Raises
    ------
    InputError
        For labels that do not fit the plan or cannot be changed.
    """

    def __init__(
        self,
        labels: npt.NDArray[np.int32],
        lineage: GivenLineage,
        *,
        plan: Plan | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.editor = Editor(labels, lineage, record)
        self._doubts: tuple[Doubt, ...] = ()
        self._ticked: set[str] = set()
        self._ticks = 0
        self.replaced: dict[int, Any] = {}
        if record is not None:
            self._read_doubts(record)
        self.use(plan)

    def use(self, plan: Plan | None) -> None:
        """Follow the embeddings of a run from now on.

        Parameters
        ----------
        plan : Plan or None
            On the movie that the labels come from.

        Raises
        ------
        InputError
            When its frames are others than those of the labels.
        """
        if plan is not None and self.labels.shape != (
            plan.source.n_frames,
            *plan.frame_shape,
        ):
            raise InputError("These labels belong to another movie.")
        self._vectors = None if plan is None else PlanVectors(plan)
        cluster = ClusterSettings() if plan is None else plan.settings.cluster
        self._bandwidth = cluster.bandwidth

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """The array that is edited."""
        return self.editor.labels

    @property
    def lineage(self) -> Lineage:
        """The tracks as they are now."""
        return self.editor.lineage

    @property
    def cells(self) -> Cells:
        """Labels, tracks and locks, with where every cell is."""
        return self.editor.cells

    @property
    def bandwidth(self) -> float:
        """Cosine distance h of the run."""
        return self._bandwidth

    @property
    def revision(self) -> int:
        """How many changes were made so far: edits, undo, redo and ticks."""
        return self.editor.revision + self._ticks

    @property
    def undo_text(self) -> str:
        """What `undo` would take back; empty when there is nothing."""
        return self.editor.undo_text

    @property
    def redo_text(self) -> str:
        """What `redo` would make again; empty when there is nothing."""
        return self.editor.redo_text

    def do(self, edit: Edit) -> Change:
        """Make an edit, see `Editor.do`."""
        return self.editor.do(edit)

    def extend(self, entry: int, edit: Edit) -> Change:
        """Make an edit that belongs to the last one, see `Editor.extend`."""
        return self.editor.extend(entry, edit)

    def undo(self) -> Change | None:
        """Take the last edit back; None when there is none."""
        return self.editor.undo()

    def redo(self) -> Change | None:
        """Make an edit again that was taken back; None when there is none."""
        return self.editor.redo()

    def take_over(self, result: TrackedMovie, frame: int = 0) -> Rerun:
        """Work out, in any thread, a new run of the movie around the locked cells.

        Parameters
        ----------
        result : TrackedMovie
            Of the new run.
        frame : int
            Where the user is.

        Returns
        -------
        Rerun
            For `do`, before anything else is changed.
        """
        with self.cells.guard:
            return Rerun(result.labels, result.lineage, frame).prepared(self.cells)

    def record(self) -> dict[str, Any]:
        """Return all but labels and lineage as values that JSON can hold."""
        return self.record_later()()

    def record_later(self) -> Callable[[], dict[str, Any]]:
        """Note what `record` is to give of this moment, see `Editor.record_later`."""
        later = self.editor.record_later()
        places, ticked = self._doubts, sorted(self._ticked)

        def write() -> dict[str, Any]:
            doubts = [dataclasses.asdict(doubt) for doubt in places]
            return later() | {"doubts": doubts, "ticked": ticked}

        return write

    def _read_doubts(self, record: Mapping[str, Any]) -> None:
        try:
            self._doubts = tuple(
                Doubt(**{**doubt, "tracks": tuple(doubt["tracks"])})
                for doubt in record.get("doubts", ())
            )
            self._ticked = {str(key) for key in record.get("ticked", ())}
        except (KeyError, TypeError) as error:
            raise InputError(
                "The saved list of places to look at cannot be read; it is damaged. "
                "The labels can be opened without it."
            ) from error

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Places to look at, the most doubtful first, as they were last found."""
        return self._doubts

    @property
    def ticked(self) -> frozenset[str]:
        """Keys of the places that were looked at."""
        return frozenset(self._ticked)

    @property
    def progress(self) -> tuple[int, int]:
        """How many places were looked at, and how many there are."""
        return sum(one.key in self._ticked for one in self._doubts), len(self._doubts)

    def tick(self, key: str, done: bool = True) -> None:
        """Note that a place was looked at, or that it was not."""
        with self.cells.guard:
            self._ticks += 1
            if done:
                self._ticked.add(key)
            else:
                self._ticked.discard(key)

    @property
    def looked_at(self) -> tuple[int, ...]:
        """Frames with a corrected cell or a place that was looked at, ascending."""
        ticked = (one.frame for one in self._doubts if one.key in self._ticked)
        with self.cells.guard:
            return tuple(sorted({*self.cells.locked, *self.cells.voids, *ticked}))

    def truth(self) -> KnownLabels:
        """Return what may be learned from: the frames that were looked at.

        Raises
        ------
        InputError
            When no frame was looked at.
        """
        frames = self.looked_at
        if not frames:
            raise InputError(
                "No frame was checked yet: correct or lock a cell, or tick off a place."
            )
        return KnownLabels(self.labels, frames, self.cells.guard)

    def find_doubts(self) -> Iterator[float | tuple[Doubt, ...]]:
        """Look for doubtful places again; those that were looked at stay in the list.

        Yields
        ------
        float or tuple of Doubt
            See `fastershift.editing.find_doubts`; the last one is kept in `doubts`.
        """
        pairs = None if self._vectors is None else self._vectors.pair
        for found in find_doubts(self.cells, pairs):
            if not isinstance(found, float):
                # What was put right is doubtful no more, but it was looked at.
                keys = self._ticked - {doubt.key for doubt in found}
                looked_at = (doubt for doubt in self._doubts if doubt.key in keys)
                found = self._doubts = (*found, *looked_at)
            yield found

    def split(
        self, frame: int, id: int, points: Sequence[tuple[int, int]]
    ) -> Iterator[Split | None]:
        """Work out how a cell is split between clicks.

        Parameters
        ----------
        frame, id : int
            The cell.
        points : sequence of (int, int)
            Row and column of two clicks or more in it.

        Yields
        ------
        Split or None
            None at places to stop; then the edit.

        Raises
        ------
        InputError
            When there is no such cell, or the clicks do not lie in it.
        """
        if id not in self.cells.frame(frame):
            raise InputError(f"There is no cell {id} in frame {frame}.")
        vectors: FrameVectors | None = None
        if self._vectors is not None:
            for vectors in self._vectors.frame(frame):
                if vectors is None:
                    yield None
        parts = parts_by_clicks(
            vectors, self.cells.region(frame, id), points, bandwidth=self.bandwidth
        )
        yield Split(frame, id, parts, numbers_of_parts(self.cells, frame, id, parts))

    def add(
        self, frame: int, point: tuple[int, int], bandwidth: float | None = None
    ) -> Iterator[Add | None]:
        """Work out the cell under a click.

        Parameters
        ----------
        frame : int
            The frame.
        point : (int, int)
            Row and column of the click.
        bandwidth : float, optional
            Cosine distance h, that of the run by default; a larger one gives a larger
            cell.

        Yields
        ------
        Add or None
            None at places to stop; then the edit. Its `region` is what it will add.

        Raises
        ------
        InputError
            When there is no embedding, or no cell under the click.
        """
        vectors: FrameVectors | None = None
        for vectors in self._need_vectors().frame(frame):
            if vectors is None:
                yield None
        if vectors is None:
            raise InputError(f"There are no embeddings of frame {frame}.")
        region = basin(
            vectors,
            self.labels[frame],
            point,
            bandwidth=bandwidth or self.bandwidth,
            reach=reach_of(self.cells, frame),
        )
        before = track_before(self.cells, frame, region)
        after = before or track_after(self.cells, frame, region)
        yield Add(frame, region, after)

    def propagate(
        self,
        frame: int,
        ids: Sequence[int],
        *,
        backwards: bool = False,
        until: int | None = None,
        limit: float = CONFIDENCE_LIMIT,
    ) -> Iterator[Carried | None]:
        """Carry corrected cells through time, see `fastershift.editing.propagate`.

        Parameters
        ----------
        frame : int
            Where the correction was made.
        ids : sequence of int
            The corrected cells.
        backwards : bool
            Towards the first frame.
        until : int, optional
            Last frame to be corrected.
        limit : float
            Least confidence, 0 to 1.

        Yields
        ------
        Carried or None
            None at places to stop; then edits for `extend`, one for each frame.

        Raises
        ------
        InputError
            When there is no embedding, or no such cell.
        """
        yield from propagate(
            self.cells,
            self._need_vectors().pair,
            frame,
            ids,
            bandwidth=self.bandwidth,
            limit=limit,
            backwards=backwards,
            until=until,
        )

    def _need_vectors(self) -> PlanVectors:
        if self._vectors is None:
            raise InputError(
                "This needs the embeddings of the movie; choose the image layer that "
                "the cells come from."
            )
        return self._vectors
