"""A correction that is followed through time: what it does to one more frame."""

from dataclasses import dataclass

import numpy as np

from fastershift.editing._draft import Draft
from fastershift.editing._region import Region, joined_box
from fastershift.errors import InputError

__all__ = ["Carried"]


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

    def _drop_relatives(self, draft: Draft, label: int) -> None:
        """Take away relatives that forbid the track to include the frame."""
        if self.backwards:
            parent = draft.track(label).parent
            if parent and draft.track(parent).last >= self.frame:
                draft.set_parent(label, 0)
            return
        for child in draft.cells.children(label):
            if draft.track(child).first <= self.frame:
                draft.set_parent(child, 0)

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
        known = draft.cells.frame(self.frame)
        names = {
            label: self._cut(draft, label)
            for label, target in zip(self.ids, self.joins, strict=True)
            if label != target and label in known
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
