"""Edits of identities: link, unlink, swap, gaps, divisions, locks."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from fastershift.editing._cells import Cells
from fastershift.editing._changes import RecolorStep
from fastershift.editing._draft import Draft
from fastershift.editing._region import Region, between
from fastershift.editing._scope import Scope, frames_in_scope
from fastershift.errors import InputError

__all__ = [
    "FillGaps",
    "Link",
    "Lock",
    "MarkDivision",
    "RemoveDivision",
    "Swap",
    "Unlink",
    "Unlock",
]

# A cell is put in where this share of it finds free background.
_FREE = 0.5


@dataclass(frozen=True)
class Link:
    """A cell of one frame is a cell of another frame.

    Attributes
    ----------
    frame, id : int
        One of them.
    other_frame, other_id : int
        The other one, in an earlier or later frame. The track of the earlier one goes
        on as the later one; when frames lie between them, the later one is its
        continuation after a gap.
    """

    frame: int
    id: int
    other_frame: int
    other_id: int

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        for frame, label in ((self.frame, self.id), (self.other_frame, self.other_id)):
            draft.require_cell(frame, label)
        (frame, label), (next_frame, next_id) = sorted(
            ((self.frame, self.id), (self.other_frame, self.other_id))
        )
        if frame == next_frame:
            raise InputError(
                "Link cells of two different frames; cells of one frame can be merged."
            )
        if label == next_id:
            raise InputError(f"Both are cell {label} already.")
        if draft.track(label).last > frame:
            draft.cut(label, frame + 1)
        else:
            draft.leave_children(label, range(frame + 1, len(draft.cells)))
        next_id = draft.cut(next_id, next_frame)
        if next_frame == frame + 1:
            draft.join(label, next_id)
            kept = label
        else:
            draft.set_parent(next_id, label)
            kept = next_id
        draft.lock(frame, label)
        draft.lock(next_frame, kept)
        draft.selected = [kept]
        return (
            f"Linked {self.id} of frame {self.frame} to {self.other_id} of frame "
            f"{self.other_frame}."
        )


@dataclass(frozen=True)
class Unlink:
    """A cell is not the one it was in the frame before.

    Attributes
    ----------
    frame, id : int
        The first cell of what becomes a track without a parent.
    """

    frame: int
    id: int

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        draft.require_cell(self.frame, self.id)
        track = draft.track(self.id)
        if track.first == self.frame and not track.parent:
            raise InputError(f"Track {self.id} begins here already, without a parent.")
        made = draft.cut(self.id, self.frame)
        draft.lock(self.frame, made)
        if made != self.id:
            draft.lock(draft.track(self.id).last, self.id)
        draft.selected = [made]
        return f"Unlinked {self.id} from what was before frame {self.frame}."


@dataclass(frozen=True)
class Swap:
    """Two cells exchange their identities.

    Attributes
    ----------
    frame, first, second : int
        The two cells.
    scope : {"onwards", "frame", "until"}
        From here on with all that descends from them, or in some frames only.
    until : int, optional
        Last frame for ``"until"``.
    """

    frame: int
    first: int
    second: int
    scope: Scope = "onwards"
    until: int | None = None

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        if self.first == self.second:
            raise InputError("Choose two different cells to swap.")
        for label in (self.first, self.second):
            draft.require_cell(self.frame, label)
        tracks = draft.track(self.first), draft.track(self.second)
        if self.scope in ("onwards", "track"):
            if self.scope == "track" or all(t.first == self.frame for t in tracks):
                raise InputError(
                    "Neither cell exists before this frame, so there is nothing "
                    "to swap; go to the first frame in which their identities "
                    "are wrong."
                )
            self._from_here_on(draft)
            where = f"from frame {self.frame} on"
        else:
            seen = []
            for track in tracks:
                scope = frames_in_scope(track, self.frame, self.scope, self.until)
                seen.append(list(draft.cells.seen(track.id, scope)))
            first, last = seen[0][0], seen[0][-1]
            if (first, last) != (seen[1][0], seen[1][-1]):
                raise InputError(
                    f"Cells {self.first} and {self.second} do not both exist in "
                    "all of these frames; choose fewer."
                )
            draft.exchange(self.first, self.second, first, last)
            where = f"in {last - first + 1} frames"
            for frame in (first, last):
                draft.lock(frame, self.first)
                draft.lock(frame, self.second)
        draft.selected = [self.first, self.second]
        return f"Swapped {self.first} and {self.second} {where}."

    def _from_here_on(self, draft: Draft) -> None:
        first, second = draft.track(self.first), draft.track(self.second)
        heirs = [
            (draft.cells.tracks[child], other)
            for label, other in ((first.id, second.id), (second.id, first.id))
            for child in draft.cells.children(label)
            # One that begins earlier descends from what the cell was before.
            if draft.cells.tracks[child].first > self.frame
        ]
        draft.exchange(first.id, second.id, self.frame, max(first.last, second.last))
        draft.rows(
            [first, second, *(child for child, _ in heirs)],
            [
                replace(first, last=second.last),
                replace(second, last=first.last),
                *(replace(child, parent=parent) for child, parent in heirs),
            ],
        )
        for label in (first.id, second.id):
            draft.lock(self.frame, label)
            if label in draft.cells.frame(self.frame - 1):
                draft.lock(self.frame - 1, label)


@dataclass(frozen=True)
class FillGaps:
    """Put a cell in wherever it is missing between two frames that show it.

    Each mask is a shape between those before and after the gap, on free background.

    Attributes
    ----------
    frame, id : int
        The cell, before or after a gap. The tracks before and after become one, with
        the number of the first.
    """

    frame: int
    id: int

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        draft.require_cell(self.frame, self.id)
        cells, label = draft.cells, self.id
        while _seen_again(cells, cells.tracks[label].parent) == label:
            label = cells.tracks[label].parent
        while following := _seen_again(cells, label):
            track, until = draft.track(label), draft.track(following).first - 1
            draft.rows([track], [replace(track, last=until)])
            draft.join(label, following)
        track = draft.track(label)
        seen = list(cells.seen(label, range(track.first, track.last + 1)))
        gaps = [pair for pair in pairwise(seen) if pair[1] - pair[0] > 1]
        if not gaps:
            raise InputError(
                f"Cell {label} is there in all frames from {track.first} to "
                f"{track.last}; there is no gap to fill."
            )
        for last, first in gaps:
            self._fill(draft, label, last, first)
        draft.selected = [label]
        count = sum(first - last - 1 for last, first in gaps)
        return f"Put {label} into {'1 frame' if count == 1 else f'{count} frames'}."

    def _fill(self, draft: Draft, label: int, last: int, first: int) -> None:
        before, after = (draft.require_cell(t, label) for t in (last, first))
        height, width = draft.cells.labels.shape[1:]
        for frame in range(last + 1, first):
            share = (frame - last) / (first - last)
            whole = between(before, after, share, (height, width))
            free = whole.mask & (draft.cells.labels[frame][whole.box] == 0)
            if np.count_nonzero(free) < _FREE * whole.area:
                raise InputError(
                    f"Other cells lie where cell {label} would be in frame {frame}; "
                    "correct them first."
                )
            region = Region.of(free, whole.top, whole.left)
            draft.do(RecolorStep(frame, region, 0, label))
            draft.note_filled(frame, {*draft.cells.filled.get(frame, ()), label})
            draft.lock(frame, label)
        for frame in (last, first):
            draft.lock(frame, label)


def _seen_again(cells: Cells, label: int) -> int:
    """Return the track that is the same cell after a gap; 0 for none."""
    successors = cells.successors(label)
    if (
        len(successors) != 1
        or label not in cells.tracks
        or cells.tracks[successors[0]].first == cells.tracks[label].last + 1
    ):
        return 0
    return successors[0]


@dataclass(frozen=True)
class MarkDivision:
    """A cell has divided.

    Attributes
    ----------
    frame : int
        In which the daughters are; the parent is in a frame before. Each begins in
        the first frame after its parent that its track includes.
    parent : int
        Its track; when it goes on, as one of the daughters or as anything else, the
        rest becomes a track of its own.
    daughters : tuple of int
        Two or more.
    seen : int, optional
        Frame in which a parent that goes on was not yet divided; by default the one
        before `frame`.
    """

    frame: int
    parent: int
    daughters: tuple[int, ...]
    seen: int | None = None

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        daughters = tuple(dict.fromkeys(self.daughters))
        if len(daughters) < 2:
            raise InputError("Choose two daughters or more.")
        for label in daughters:
            draft.require_cell(self.frame, label)
        parent = draft.track(self.parent)
        if parent.first >= self.frame:
            raise InputError(
                f"Cell {self.parent} does not exist before frame "
                f"{self.frame}; choose a "
                "parent from a frame before its daughters."
            )
        undivided = parent.last
        if undivided >= self.frame:
            undivided = self.frame - 1 if self.seen is None else self.seen
            undivided = min(max(undivided, parent.first), self.frame - 1)
        begins = {
            label: max(draft.track(label).first, undivided + 1)
            for label in daughters
            if label != parent.id
        }
        start = min(begins.values())
        if parent.last >= self.frame:
            rest = draft.cut(parent.id, start)
            if parent.id in daughters:
                begins[rest] = start
        undivided = draft.track(parent.id).last
        draft.leave_children(parent.id, range(undivided + 1, len(draft.cells)))
        made = []
        for label, first in begins.items():
            made.append(draft.cut(label, first, parent=parent.id))
            draft.lock(draft.track(made[-1]).first, made[-1])
        draft.lock(draft.track(parent.id).last, parent.id)
        draft.selected = [parent.id, *made]
        start = min(draft.track(label).first for label in made)
        return f"Marked the division of {parent.id} in frame {start}."


@dataclass(frozen=True)
class RemoveDivision:
    """A cell has not divided.

    Attributes
    ----------
    frame : int
        Where the user is.
    parent : int
        The track with daughters.
    continues : int
        The daughter that is the parent itself, 0 for none. A bud, which is there beside
        its mother, is none; it alone is taken from her.
    """

    frame: int
    parent: int
    continues: int = 0

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        parent = draft.track(self.parent)
        children = draft.cells.children(self.parent)
        if not children:
            raise InputError(f"Track {self.parent} does not divide.")
        if self.continues and self.continues not in children:
            raise InputError(
                f"Track {self.continues} is not a daughter of {self.parent}."
            )
        successors = draft.cells.successors(self.parent)
        continues = self.continues if self.continues in successors else 0
        if self.continues and not continues:
            removed: tuple[int, ...] = (self.continues,)
        else:
            # Buds from before the division are as right as they were.
            removed = successors or children
        for child in removed:
            draft.lock(draft.track(child).first, child)
            if child != continues:
                draft.set_parent(child, 0)
        if continues and draft.track(continues).first == parent.last + 1:
            draft.join(self.parent, continues)
        draft.lock(parent.last, self.parent)
        draft.selected = [self.parent]
        return f"Removed the division of {self.parent}."


@dataclass(frozen=True)
class Lock:
    """Keep a cell, or a track, as it is when the movie is run again.

    Attributes
    ----------
    frame, id : int
        The cell.
    scope : {"frame", "onwards", "until", "track"}
        Over which frames of its track.
    until : int, optional
        Last frame for ``"until"``.
    """

    frame: int
    id: int
    scope: Scope = "frame"
    until: int | None = None

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        draft.require_cell(self.frame, self.id)
        track = draft.track(self.id)
        for frame in frames_in_scope(track, self.frame, self.scope, self.until):
            draft.lock(frame, self.id)
        draft.selected = [self.id]
        return f"Locked {self.id}."


@dataclass(frozen=True)
class Unlock:
    """Let a new run change cells again.

    Attributes
    ----------
    frame, id : int
        The cell; they do not matter for ``what="all"``.
    what : {"cell", "track", "all"}
        How much is unlocked. ``"all"`` also forgets where cells were deleted.
    """

    frame: int = 0
    id: int = 0
    what: Literal["cell", "track", "all"] = "all"

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        if self.what == "all":
            for frame in sorted(draft.cells.locked):
                for label in sorted(draft.cells.locked[frame]):
                    draft.unlock(frame, label)
            for frame in sorted(draft.cells.voids):
                draft.forget_voids(frame)
            return "Unlocked everything."
        track = draft.track(self.id)
        frames = range(track.first, track.last + 1)
        for frame in frames if self.what == "track" else [self.frame]:
            draft.unlock(frame, self.id)
        draft.selected = [self.id]
        return f"Unlocked {self.id}."
