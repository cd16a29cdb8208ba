"""An edit while it is being made: steps are applied, recorded, and taken back."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

import numpy as np

from fastershift.editing._cells import Cells, Labels
from fastershift.editing._changes import (
    FilledStep,
    LockStep,
    RecolorStep,
    RenameStep,
    ReplaceStep,
    Step,
    TrackStep,
    VoidStep,
)
from fastershift.editing._region import Box, Region
from fastershift.errors import InputError
from fastershift.tracking import Track

__all__ = ["Draft", "Edit"]


class Edit(Protocol):
    """A correction: frozen values, and how they change the cells."""

    @property
    def frame(self) -> int:
        """Frame in which the user made it."""

    def apply(self, draft: "Draft") -> str:
        """Check that it can be made, make it, and say in one sentence what was done.

        Raises
        ------
        InputError
            When it cannot be made; whatever was done so far is taken back.
        """


class Draft:
    """Applies and records steps, and keeps labels and lineage fit for each other.

    Every label keeps a track from the first to the last frame it is in, and every
    parent ends before its children begin, as the Cell Tracking Challenge asks for. No
    edit makes a gap in a track, but those of other programs may have some.

    Parameters
    ----------
    cells : Cells
        What is edited.

    Attributes
    ----------
    steps : list of Step
        In the order in which they were made.
    selected : list of int
        Tracks the user works on after the edit.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.steps: list[Step] = []
        self.selected: list[int] = []

    def take_back(self) -> None:
        """Undo all steps."""
        while self.steps:
            self.steps.pop().inverse().apply(self.cells)

    def do(self, step: Step) -> None:
        """Apply a step and remember it."""
        step.apply(self.cells)
        self.steps.append(step)

    def replace(self, step: ReplaceStep, labels: Labels) -> None:
        """Apply a step whose labels are at hand, so that none are unpacked."""
        self.cells.replace_frame(step.frame, labels)
        self.steps.append(step)

    # What must be there for an edit to make sense.

    def track(self, label: int) -> Track:
        """Return a track that has to exist."""
        if label not in self.cells.tracks:
            raise InputError(f"There is no track {label}; choose a cell that is shown.")
        return self.cells.tracks[label]

    def require_frame(self, frame: int) -> None:
        """Make sure that the movie has a frame."""
        if not 0 <= frame < len(self.cells):
            raise InputError(
                f"There is no frame {frame}; the movie has the frames 0 to "
                f"{len(self.cells) - 1}."
            )

    def require_cell(self, frame: int, label: int) -> Region:
        """Return the pixels of a cell that has to exist."""
        self.require_frame(frame)
        if label not in self.cells.frame(frame):
            raise InputError(f"There is no cell {label} in frame {frame}.")
        return self.cells.region(frame, label)

    # Pixels.

    def fill(self, frame: int, region: Region, value: int) -> None:
        """Give the pixels of a region one label."""
        box = region.box
        values = self.cells.labels[frame][box].copy()
        values[region.mask] = value
        self.write(frame, box, values)

    def write(self, frame: int, box: Box, values: Labels) -> None:
        """Put labels into a rectangle of a frame and bring the lineage in line.

        A label that is new in the frame extends its track when that is possible, or
        begins a new one; one that is gone shortens its track, or splits it in two.
        """
        view = self.cells.labels[frame][box]
        rows, columns = (view != values).nonzero()
        if not rows.size:
            return
        pairs = np.stack([view[rows, columns], values[rows, columns]], axis=1)
        kinds, kind_of = np.unique(pairs, axis=0, return_inverse=True)
        names = self._names_for_new(frame, sorted(set(kinds[:, 1].tolist()) - {0}))
        for number, (before, after) in enumerate(kinds.tolist()):
            mask = np.zeros(view.shape, bool)
            chosen = kind_of == number
            mask[rows[chosen], columns[chosen]] = True
            region = Region.of(mask, box[0].start, box[1].start)
            self.do(RecolorStep(frame, region, before, names.get(after, after)))
        present = self.cells.frame(frame)
        for label in sorted(set(kinds[:, 0].tolist()) - {0} - present.keys()):
            self._vanished(frame, label)

    def _names_for_new(self, frame: int, ids: Iterable[int]) -> dict[int, int]:
        """Make room in the lineage for labels that are not in the frame yet.

        Returns
        -------
        dict
            Another number for labels that cannot be part of the track they name.
        """
        names = {}
        for label in ids:
            if label in self.cells.frame(frame):
                continue
            track = self.cells.tracks.get(label)
            if track is None:
                self.rows(after=[Track(label, frame, frame)])
            elif not self._extend(track, frame):
                names[label] = self._begin_apart(track, frame)
        return names

    def _extend(self, track: Track, frame: int) -> bool:
        """Let a track include a frame next to it, unless its family forbids it."""
        if track.first < frame < track.last:
            return True
        if frame == track.last + 1:
            children = (
                self.cells.tracks[label] for label in self.cells.children(track.id)
            )
            if all(child.first != frame for child in children):
                self.rows([track], [replace(track, last=frame)])
                return True
        elif frame == track.first - 1:
            parent = self.cells.tracks.get(track.parent)
            if parent is None or parent.last < frame:
                self.rows([track], [replace(track, first=frame)])
                return True
        return False

    def _begin_apart(self, track: Track, frame: int) -> int:
        """Begin a track that continues another one after a gap, where it can."""
        number = self.cells.new_id()
        if track.last < frame and not self.cells.successors(track.id):
            self.rows(after=[Track(number, frame, frame, track.id)])
            return number
        self.rows(after=[Track(number, frame, frame)])
        if frame < track.first and not track.parent:
            self.rows([track], [replace(track, parent=number)])
        return number

    def _vanished(self, frame: int, label: int) -> None:
        """Take a frame out of a track."""
        self.unlock(frame, label)
        if label in self.cells.filled.get(frame, ()):
            self.do(FilledStep(frame, removed=(label,)))
        track = self.cells.tracks[label]
        before, after = self._around(track, frame, frame + 1)
        if before is not None and after is not None:
            self._divide(track, before, after, parent=label)
        elif after is not None:
            self.leave_children(label, range(after + 1))
            self.rows([track], [replace(track, first=after)])
        elif before is not None:
            self.rows([track], [replace(track, last=before)])
        else:
            self.leave_children(label, range(len(self.cells)))
            self.rows([track])

    def _around(
        self, track: Track, stop: int, start: int
    ) -> tuple[int | None, int | None]:
        """Find its last frame before one that holds a cell, and the first from one."""
        earlier = range(stop - 1, track.first - 1, -1)
        later = range(start, track.last + 1)
        before, after = (self.cells.seen(track.id, one) for one in (earlier, later))
        return next(before, None), next(after, None)

    # Lineage.

    def cut(self, label: int, frame: int, *, parent: int = 0) -> int:
        """Let a new track begin in a frame of a track, with the children after that.

        Parameters
        ----------
        label : int
            Track that has a cell in `frame` or later.
        frame : int
            The new track begins with the first cell from here on.
        parent : int
            Of the new track.

        Returns
        -------
        int
            The new track; `label` itself, without its parent, when it begins there.
        """
        track = self.track(label)
        last, first = self._around(track, frame, frame)
        if last is None or first is None:
            self.set_parent(label, parent)
            return label
        return self._divide(track, last, first, parent=parent)

    def _divide(self, track: Track, last: int, first: int, *, parent: int) -> int:
        """Keep a track up to `last`; from `first` on it is a new one."""
        number = self.cells.new_id()
        # Buds that are there already descend from the earlier part.
        children = [
            child
            for label in self.cells.children(track.id)
            if (child := self.cells.tracks[label]).first > first
        ]
        rest = Track(number, first, track.last, parent)
        self.do(RenameStep(first, track.last, ((track.id, number),)))
        self.rows(
            [track, *children],
            [
                replace(track, last=last),
                rest,
                *(replace(child, parent=number) for child in children),
            ],
        )
        return number

    def join(self, label: int, next_id: int) -> None:
        """Make one track of two that follow each other without a gap."""
        track = self.track(label)
        # It goes on, so that it has not divided; buds that it had before stay.
        self.leave_children(label, range(track.last + 1, len(self.cells)))
        after = self.track(next_id)
        children = [self.cells.tracks[one] for one in self.cells.children(next_id)]
        self.do(RenameStep(after.first, after.last, ((next_id, label),)))
        self.rows(
            [track, after, *children],
            [
                replace(track, last=after.last),
                *(replace(child, parent=label) for child in children),
            ],
        )

    def renumber(self, label: int, number: int) -> None:
        """Give a track a number that no other track has."""
        track = self.track(label)
        children = [self.cells.tracks[one] for one in self.cells.children(label)]
        self.do(RenameStep(track.first, track.last, ((label, number),)))
        self.rows(
            [track, *children],
            [
                replace(track, id=number),
                *(replace(child, parent=number) for child in children),
            ],
        )

    def set_parent(self, label: int, parent: int) -> None:
        """Let a track descend from another one, or from none."""
        track = self.track(label)
        if track.parent != parent:
            self.rows([track], [replace(track, parent=parent)])

    def leave_children(self, label: int, frames: range) -> None:
        """Let the children that begin in these frames descend from no track."""
        for child in self.cells.children(label):
            if self.cells.tracks[child].first in frames:
                self.set_parent(child, 0)

    def exchange(self, first: int, second: int, frame: int, last: int) -> None:
        """Swap two labels; both tracks have a cell in the first and the last frame."""
        names = ((first, second), (second, first))
        self.do(RenameStep(frame, last, names))

    def rows(self, before: Iterable[Track] = (), after: Iterable[Track] = ()) -> None:
        """Exchange rows of the lineage."""
        self.do(TrackStep(tuple(before), tuple(after)))

    # Locks.

    def lock(self, frame: int, label: int) -> None:
        """Keep a cell, where there is one, as it is when the movie is run again."""
        locked = self.cells.locked.get(frame, ())
        if label in self.cells.frame(frame) and label not in locked:
            self.do(LockStep(frame, added=(label,)))

    def unlock(self, frame: int, label: int) -> None:
        """Let a new run change a cell again."""
        if label in self.cells.locked.get(frame, ()):
            self.do(LockStep(frame, removed=(label,)))

    def relock(self, frame: int, labels: Iterable[int]) -> None:
        """Lock these cells of a frame and no others."""
        removed, added = _difference(self.cells.locked.get(frame, set()), labels)
        if removed or added:
            self.do(LockStep(frame, removed, added))

    def note_filled(self, frame: int, labels: Iterable[int]) -> None:
        """Note that these cells of a frame were put in, and no others."""
        removed, added = _difference(self.cells.filled.get(frame, set()), labels)
        if removed or added:
            self.do(FilledStep(frame, removed, added))

    def remember_void(self, frame: int, region: Region) -> None:
        """Let no new run put a cell here again."""
        self.do(VoidStep(frame, added=(region,)))

    def forget_voids(self, frame: int) -> None:
        """Let a new run put cells anywhere in a frame again."""
        voids = tuple(self.cells.voids.get(frame, ()))
        if voids:
            self.do(VoidStep(frame, removed=voids))


def _difference(
    now: set[int], wanted: Iterable[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Tell what is to be taken away, and what is to be added."""
    labels = set(wanted)
    return tuple(sorted(now - labels)), tuple(sorted(labels - now))
