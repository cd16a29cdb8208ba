"""Corrections that are followed through time by the embeddings of frame pairs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fastershift.editing._cells import Cells
from fastershift.editing._draft import Draft
from fastershift.editing._next_frame import FoundCells, Scene, find_in_next_frame
from fastershift.editing._region import Region, joined_box
from fastershift.editing._vectors import FrameVectors
from fastershift.errors import InputError
from fastershift.tracking import Track

__all__ = ["Carried", "PairVectors", "propagate"]

#: Gives the embeddings of frames t and t + 1 from one recurrent state, after any number
#: of None, each a place to stop.
PairVectors: TypeAlias = Callable[
    [int], Iterator[tuple[FrameVectors, FrameVectors] | None]
]


@dataclass(frozen=True)
class Carried:
    """A correction carried into a neighbouring frame; an edit like the others.

    Attributes
    ----------
    frame : int
        The frame.
    ids : tuple of int
        Tracks that are carried.
    regions : tuple of Region
        Their pixels in this frame, one region each; none when it ends here.
    joins : tuple of int
        When the automatic result agrees: for each track the cell of this frame that it
        is.
    backwards : bool
        Whether it goes towards the first frame.
    confidence : float
        How sure it is, 0 to 1.
    done, total : int
        Frames it has gone, and could go at most.
    stopped : str
        Why it ends here, one sentence; empty while it goes on.
    """

    frame: int
    ids: tuple[int, ...]
    regions: tuple[Region, ...] = ()
    joins: tuple[int, ...] = ()
    backwards: bool = False
    confidence: float = 1.0
    done: int = 0
    total: int = 0
    stopped: str = ""

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        self._require_neighbours(draft)
        if self.regions:
            self._write(draft)
        elif self.joins:
            self._join(draft)
        draft.selected = [label for label in self.ids if label in draft.cells.tracks]
        return self.stopped

    def _require_neighbours(self, draft: Draft) -> None:
        """Make sure that every track is still there where it was carried from."""
        before = self.frame + (1 if self.backwards else -1)
        for label in self.ids:
            if (self.regions or self.joins) and label not in draft.cells.frame(before):
                raise InputError(
                    f"Cell {label} is no longer in frame {before}, so the correction "
                    "ends there."
                )

    def _write(self, draft: Draft) -> None:
        cells = draft.cells
        box = self.regions[0].box
        for region in self.regions:
            box = joined_box(box, region.box)
        for label in self.ids:
            cell = cells.frame(self.frame).get(label)
            if cell is None:
                continue
            view = cells.labels[self.frame][cell.box]
            taken = np.any([one.within(cell.box) for one in self.regions], axis=0)
            if 2 * np.count_nonzero(taken & (view == label)) < cell.area:
                # Another cell went by this number here.
                self._cut(draft, label)
            else:
                box = joined_box(box, cell.box)
        for label in self.ids:
            self._drop_relatives(draft, label)
        values = cells.labels[self.frame][box].copy()
        values[np.isin(values, self.ids)] = 0
        for label, region in zip(self.ids, self.regions, strict=True):
            values[region.within(box)] = label
        draft.write(self.frame, box, values)
        for label in self.ids:
            if label in cells.frame(self.frame):
                draft.lock(self.frame, label)

    def _reaches(self, track: Track) -> bool:
        """Tell whether a track is in the frame or beyond; it may have a gap here."""
        if self.backwards:
            return track.first <= self.frame
        return track.last >= self.frame

    def _drop_relatives(self, draft: Draft, label: int) -> None:
        """Take away relatives that forbid the track to include the frame."""
        track = draft.track(label)
        if not self.backwards:
            draft.leave_children(label, range(track.last + 1, self.frame + 1))
        elif self.frame < track.first:
            parent = draft.cells.tracks.get(track.parent)
            if parent is not None and parent.last >= self.frame:
                draft.set_parent(label, 0)

    def _cut(self, draft: Draft, label: int) -> int:
        """Let a track end before this frame, or begin after it; name what is cut."""
        if not self.backwards:
            return draft.cut(label, self.frame)
        # Backwards, the number belongs to the later part, which was carried.
        later, earlier = draft.cut(label, self.frame + 1), draft.cells.new_id()
        draft.renumber(label, earlier)
        draft.renumber(later, label)
        return earlier

    def _join(self, draft: Draft) -> None:
        """Let each track go on as the cell that it is according to the result."""
        names = {
            label: self._cut(draft, label)
            for label, target in zip(self.ids, self.joins, strict=True)
            if label != target and self._reaches(draft.track(label))
        }
        for label, target in zip(self.ids, self.joins, strict=True):
            if label == target:
                continue
            other = names.get(target, target)
            if self.backwards:
                if draft.track(other).last > self.frame:
                    draft.cut(other, self.frame + 1)
                draft.join(other, label)
            else:
                draft.join(label, draft.cut(other, self.frame))


def propagate(
    cells: Cells,
    pairs: PairVectors,
    frame: int,
    ids: Sequence[int],
    *,
    bandwidth: float,
    limit: float = 0.3,
    backwards: bool = False,
    until: int | None = None,
) -> Iterator[Carried | None]:
    """Carry corrected cells from frame to frame.

    In each following frame the mode of a corrected cell claims the pixels that are
    nearer to it than to the modes of the cells around. Automatic cells that lie in what
    is claimed are taken with their outline, merged or divided as the correction asks.
    It ends where the automatic result agrees again, where it divides a cell, where the
    confidence falls below the limit, where a cell is lost, or at a frame that shows
    nothing.

    Nothing is changed here: what is yielded is to be made with `Editor.extend`.

    Parameters
    ----------
    cells : Cells
        Labels and tracks, the correction included.
    pairs : callable
        Embeddings of frames t and t + 1.
    frame : int
        Where the correction was made.
    ids : sequence of int
        The corrected cells of this frame.
    bandwidth : float
        Cosine distance h.
    limit : float
        Least confidence, 0 to 1: how far the embedding agrees (IoU) with the outline
        that would be written, times the root of the ratio of areas.
    backwards : bool
        Towards the first frame.
    until : int, optional
        Last frame to be corrected, included.

    Yields
    ------
    Carried or None
        None at places to stop; an edit for every frame; the last one says why it ends.

    Raises
    ------
    InputError
        When a cell is not there.
    """
    step = -1 if backwards else 1
    end = (0 if backwards else len(cells) - 1) if until is None else until
    total = max(0, (end - frame) * step)
    with cells.guard:
        for label in ids:
            if label not in cells.frame(frame):
                raise InputError(f"There is no cell {label} in frame {frame}.")
        regions = [cells.region(frame, label) for label in ids]
    for done in range(1, total + 1):
        now, then = frame + (done - 1) * step, frame + done * step
        vectors = None
        for vectors in pairs(min(now, then)):
            if vectors is None:
                yield None
        if vectors is None:
            raise InputError(f"There are no embeddings of frame {then}.")
        source, target = vectors[::step]
        with cells.guard:
            divided = _division(cells, ids, now, then)
            scene = Scene.of(cells, now, then, ids, regions)
        found = find_in_next_frame(scene, source, target, bandwidth)
        ending = divided or _reason_to_stop(found, limit)
        stopped = ""
        if ending:
            stopped = f"Stopped at frame {then}: {ending}"
        elif done == total:
            reached = "the movie ends" if until is None else "as you said"
            stopped = f"Continued to frame {then}: {reached}."
        yield Carried(
            then,
            tuple(ids),
            () if ending else found.regions,
            () if divided else found.agreeing,
            backwards,
            found.confidence,
            done,
            total,
            stopped,
        )
        if ending:
            return
        regions = list(found.regions)


def _reason_to_stop(found: FoundCells, limit: float) -> str:
    """Say why a correction goes no further, if it does not."""
    if found.agreeing:
        return "the automatic result agrees."
    if found.confidence < limit and not found.problem:
        return f"the confidence of {found.confidence:.2f} is below {limit:.2f}."
    return found.problem


def _division(cells: Cells, ids: Sequence[int], now: int, then: int) -> str:
    """Say where the automatic result divides a corrected cell."""
    for label in ids:
        track = cells.tracks.get(label)
        if track is None:
            continue
        if then > now:
            born = [
                child
                for child in cells.successors(label)
                if cells.tracks[child].first == then
            ]
            if len(born) > 1:
                return f"the automatic result divides {label} there."
        elif track.parent and track.first == now:
            successors = cells.successors(track.parent)
            # Alone, it is its parent, seen again; a bud is none of them.
            if successors != (label,):
                return f"{label} was born there."
    return ""
