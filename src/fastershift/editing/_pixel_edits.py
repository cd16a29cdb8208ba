"""Edits of pixels: merge, split, delete, add, grow, shrink, fill holes, paint."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from fastershift.editing._draft import Draft
from fastershift.editing._region import Mask, Region, joined_box, padded_box
from fastershift.editing._scope import Scope, frames_in_scope
from fastershift.errors import InputError, counted

__all__ = [
    "HIGHEST_NUMBER",
    "Add",
    "Delete",
    "FillHoles",
    "Grow",
    "Merge",
    "Paint",
    "Shrink",
    "Split",
]

_TOUCHING = np.ones((3, 3), bool)

# In a stroke: pixels that were not painted. No number of a label.
_UNPAINTED = int(np.iinfo(np.int32).min)

#: Highest number to paint with where no track has a higher one: napari takes memory for
#: each number up to the highest when it draws tracks.
HIGHEST_NUMBER = 10_000_000


def _words(ids: Iterable[int]) -> str:
    names = [str(label) for label in ids]
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True)
class Merge:
    """Make one cell of several in a frame.

    Attributes
    ----------
    frame : int
        Where they are.
    ids : tuple of int
        Two cells or more; the whole keeps the number of the first.
    """

    frame: int
    ids: tuple[int, ...]

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        ids = tuple(dict.fromkeys(self.ids))
        if len(ids) < 2:
            raise InputError("Choose two cells or more to merge.")
        for label in ids:
            draft.require_cell(self.frame, label)
        for label in ids[1:]:
            draft.fill(self.frame, draft.require_cell(self.frame, label), ids[0])
        draft.lock(self.frame, ids[0])
        draft.selected = [ids[0]]
        return f"Merged {_words(ids)} in frame {self.frame}."


@dataclass(frozen=True)
class Split:
    """Take a cell apart.

    Attributes
    ----------
    frame, id : int
        The cell.
    parts : tuple of Region
        Two or more that do not overlap, each within the cell; what is left of it
        goes with the first part.
    ids : tuple of int
        Number for each part, 0 for a new one. By default the first keeps the number
        of the cell. A number of a track that has just ended, or is about to begin,
        extends that track.
    """

    frame: int
    id: int
    parts: tuple[Region, ...]
    ids: tuple[int, ...] = ()

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        whole = draft.require_cell(self.frame, self.id)
        if len(self.parts) < 2:
            raise InputError("Click into two parts of the cell or more to split it.")
        ids = self.ids or (self.id, *(0 for _ in self.parts[1:]))
        known = draft.cells.frame(self.frame)
        for label in ids:
            if (
                label
                and label != self.id
                and (label in known or label not in draft.cells.tracks)
            ):
                raise InputError(f"A part of cell {self.id} cannot be cell {label}.")
        if len(ids) != len(self.parts) or len(set(ids) - {0}) < sum(map(bool, ids)):
            raise InputError("Each part of a cell needs a separate number.")
        values = np.zeros((whole.height, whole.width), np.int32)
        for number, part in enumerate(self.parts, 1):
            mask = part.within(whole.box)
            if np.count_nonzero(mask & whole.mask & (values == 0)) != part.area:
                raise InputError(
                    "The parts of a cell must lie within it, side by side."
                )
            values[mask] = number
        values[whole.mask & (values == 0)] = 1
        names = _new_numbers(draft, ids)
        window = draft.cells.labels[self.frame][whole.box].copy()
        inside = values > 0
        window[inside] = np.array([0, *names], np.int32)[values[inside]]
        draft.write(self.frame, whole.box, window)
        labels = draft.cells.labels[self.frame]
        draft.selected = [int(labels[p.box][p.mask][0]) for p in self.parts]
        for label in draft.selected:
            draft.lock(self.frame, label)
        return (
            f"Split {self.id} into {counted(len(self.parts), 'part')} in frame "
            f"{self.frame}."
        )


def _new_numbers(draft: Draft, ids: Iterable[int]) -> list[int]:
    """Put numbers that are not in use where a new one is asked for."""
    number = draft.cells.new_id()
    names = []
    for label in ids:
        names.append(label or number)
        number += not label
    return names


@dataclass(frozen=True)
class Delete:
    """Delete cells.

    Attributes
    ----------
    frame : int
        Where they are.
    ids : tuple of int
        One cell or more.
    scope, until
        Over which frames, see `frames_in_scope`.
    """

    frame: int
    ids: tuple[int, ...]
    scope: Scope = "frame"
    until: int | None = None

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        ids = tuple(dict.fromkeys(self.ids))
        if not ids:
            raise InputError("Choose a cell to delete.")
        for label in ids:
            draft.require_cell(self.frame, label)
        frames: set[int] = set()
        for label in ids:
            track = draft.track(label)
            scope = frames_in_scope(track, self.frame, self.scope, self.until)
            span = list(draft.cells.seen(label, scope))
            frames.update(span)
            if self.scope in ("onwards", "track"):
                draft.leave_children(label, range(span[0] + 1, len(draft.cells)))
            if track.first < span[0] and span[-1] < track.last:
                draft.cut(label, span[-1] + 1, parent=label)
            # From an end of the track inwards, so that it is never split on the way.
            for frame in span if span[0] == track.first else reversed(span):
                region = draft.cells.region(frame, label)
                draft.fill(frame, region, 0)
                draft.remember_void(frame, region)
        where = (
            f"frame {self.frame}"
            if len(frames) == 1
            else f"frames {min(frames)} to {max(frames)}"
        )
        return f"Deleted {_words(ids)} in {where}."


@dataclass(frozen=True)
class Add:
    """Add a cell.

    Attributes
    ----------
    frame : int
        Where.
    region : Region
        Its pixels; those of other cells stay with them.
    id : int
        A track that has just ended or is about to begin, which goes on with this
        cell; 0 for a new one.
    """

    frame: int
    region: Region
    id: int = 0

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        draft.require_frame(self.frame)
        if self.id and self.id in draft.cells.frame(self.frame):
            raise InputError(f"Cell {self.id} is in frame {self.frame} already.")
        if self.id:
            draft.track(self.id)
        window = draft.cells.labels[self.frame][self.region.box]
        if window.shape != self.region.mask.shape:
            raise InputError("The new cell lies beyond the edge of the frame.")
        free = self.region.mask & (window == 0)
        if not free.any():
            raise InputError(
                "There is a cell already; split it, or click beside it to add one."
            )
        before = set(draft.cells.frame(self.frame))
        values = window.copy()
        values[free] = self.id or draft.cells.new_id()
        draft.write(self.frame, self.region.box, values)
        (made,) = set(draft.cells.frame(self.frame)) - before
        draft.lock(self.frame, made)
        draft.selected = [made]
        return f"Added {made} in frame {self.frame}."


@dataclass(frozen=True)
class _Shape:
    """Changes the outline of a cell, in each frame of a scope on its own.

    Attributes
    ----------
    frame, id : int
        The cell.
    pixels : int
        By how much; holes are filled whatever their size.
    scope, until
        Over which frames, see `frames_in_scope`.
    """

    frame: int
    id: int
    pixels: int = 1
    scope: Scope = "frame"
    until: int | None = None
    _verb: ClassVar[str] = ""

    def _reshaped(self, mask: Mask, free: Mask) -> Mask:
        """Return the new pixels of a cell; `free` ones are background."""
        raise NotImplementedError

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        draft.require_cell(self.frame, self.id)
        if self.pixels < 1:
            raise InputError("The number of pixels must be at least 1.")
        track = draft.track(self.id)
        scope = frames_in_scope(track, self.frame, self.scope, self.until)
        for frame in draft.cells.seen(self.id, scope):
            labels = draft.cells.labels[frame]
            own = draft.cells.frame(frame)[self.id].box
            box = padded_box(own, self.pixels, labels.shape)
            window = labels[box]
            mask = window == self.id
            reshaped = self._reshaped(mask, window == 0)
            if not reshaped.any():
                raise InputError(
                    f"Cell {self.id} is too small to shrink further in frame {frame}; "
                    "delete it instead."
                )
            draft.write(
                frame, box, np.where(reshaped, self.id, np.where(mask, 0, window))
            )
            draft.lock(frame, self.id)
        draft.selected = [self.id]
        return f"{self._verb} {self.id} in frame {self.frame}."


@dataclass(frozen=True)
class Grow(_Shape):
    """Grow a cell into the background around it."""

    _verb: ClassVar[str] = "Grew"

    def _reshaped(self, mask: Mask, free: Mask) -> Mask:
        grown: Mask = ndimage.binary_dilation(mask, _TOUCHING, self.pixels)
        return mask | (grown & free)


@dataclass(frozen=True)
class Shrink(_Shape):
    """Take the outermost pixels of a cell away."""

    _verb: ClassVar[str] = "Shrank"

    def _reshaped(self, mask: Mask, free: Mask) -> Mask:
        shrunk: Mask = ndimage.binary_erosion(
            mask, _TOUCHING, self.pixels, border_value=1
        )
        return shrunk


@dataclass(frozen=True)
class FillHoles(_Shape):
    """Fill the background that a cell encloses."""

    _verb: ClassVar[str] = "Filled the holes of"

    def _reshaped(self, mask: Mask, free: Mask) -> Mask:
        filled: Mask = ndimage.binary_fill_holes(mask)
        return mask | (filled & free)


@dataclass(frozen=True)
class Paint:
    """Any change of the pixels of a frame, as a brush makes it.

    A painted number that no track has begins a new track, one whose track has just
    ended or is about to begin extends it. Erased cells shorten their track, or split
    it at the gap.

    Attributes
    ----------
    frame : int
        Where it was painted.
    before, after : tuple of (int, Region)
        Which pixels had, and which have now, each label.
    """

    frame: int
    before: tuple[tuple[int, Region], ...]
    after: tuple[tuple[int, Region], ...]

    @classmethod
    def of_pixels(
        cls,
        frame: int,
        pixels: tuple[npt.ArrayLike, npt.ArrayLike],
        before: npt.ArrayLike,
        after: npt.ArrayLike,
    ) -> "Paint":
        """Take painted pixels as a brush reports them.

        Parameters
        ----------
        frame : int
            Where it was painted.
        pixels : (rows, columns)
            (n,) whole numbers each; of a pixel named twice, the first label before
            and the last label after count.
        before, after : (n,) int or int
            Labels before and after.

        Returns
        -------
        Paint

        Raises
        ------
        InputError
            When nothing was painted.
        """
        rows, columns = (np.asarray(axis, np.intp).ravel() for axis in pixels)
        if not rows.size:
            raise InputError("Nothing was painted.")
        top, left = int(rows.min()), int(columns.min())
        shape = (int(rows.max()) - top + 1, int(columns.max()) - left + 1)
        places = (rows - top) * shape[1] + columns - left
        old, new = np.full((2, *shape), _UNPAINTED, np.int32)
        # Of values assigned to one place, numpy does not promise which one stays.
        place, first = np.unique(places, return_index=True)
        old.ravel()[place] = np.broadcast_to(np.ravel(before), places.size)[first]
        place, last = np.unique(places[::-1], return_index=True)
        new.ravel()[place] = np.broadcast_to(np.ravel(after), places.size)[::-1][last]
        return cls(frame, _by_label(old, top, left), _by_label(new, top, left))

    def apply(self, draft: Draft) -> str:
        """Make the edit; the pixels may already have been painted."""
        draft.require_frame(self.frame)
        labels = draft.cells.labels[self.frame]
        former = [(self.frame, region, value) for value, region in self.before]
        draft.cells.put_back(former)
        highest = max(HIGHEST_NUMBER, *draft.cells.tracks)
        if any(not 0 <= value <= highest for value, _ in self.after):
            raise InputError(
                f"Cells have numbers from 1 to {highest:,}: choose one as label, then "
                "paint again."
            )
        box = self.after[0][1].box
        for _, region in self.after:
            box = joined_box(box, region.box)
        values = labels[box].copy()
        for value, region in self.after:
            values[region.within(box)] = value
        touched = {value for value, _ in (*self.before, *self.after)} - {0}
        known = set(draft.cells.frame(self.frame))
        draft.write(self.frame, box, values)
        present = set(draft.cells.frame(self.frame))
        kept = sorted((touched & present) | (present - known))
        for label in kept:
            draft.lock(self.frame, label)
        painted = {value for value, _ in self.after} - {0}
        draft.selected = [
            label for label in kept if label in painted or label not in known
        ]
        for value, region in self.before:
            if value and value not in present:
                draft.remember_void(self.frame, region)
        verb = "Painted" if painted else "Erased"
        names = draft.selected or sorted(touched)
        return (
            f"{verb} {_words(names) if names else 'background'} in frame {self.frame}."
        )


def _by_label(labels: npt.NDArray[Any], top: int, left: int) -> Any:
    return tuple(
        (value, Region.of(labels == value, top, left))
        for value in np.unique(labels).tolist()
        if value != _UNPAINTED
    )
