"""Marks of one movie, and where they have changed."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from napari.layers import Labels

from fastershift.plugin.layers._pixel_changes import last_painted, steps_undone
from fastershift.plugin.layers._placement import as_stack

__all__ = ["BACKGROUND", "Marks"]

#: In the layer 0 is unknown, this is background, and what is above it are cells.
BACKGROUND = 1

_Labels = npt.NDArray[np.int32]


@dataclass
class Marks:
    """Marks of one movie.

    Attributes
    ----------
    layer : Labels
        Shows them.
    axes : str
        One letter per axis of the layer.
    known : dict of int to (Y, X) int32
        The frames with marks, as they were when they were last looked at.
    """

    layer: Labels
    axes: str
    known: dict[int, _Labels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # What tells that any frame may have changed since it was last looked at.
        self._looked_at = self.layer.data, steps_undone(self.layer)

    @property
    def stack(self) -> _Labels:
        """The marks, (T, Y, X); the same memory."""
        stack: _Labels = as_stack(self.layer.data, self.axes)
        return stack

    def look(self, seen: Iterable[int]) -> bool:
        """Look where there may be other marks; tell whether they have changed.

        To look at every frame of a long movie takes seconds. That is done only after
        undo and redo, and when the layer has other data.

        Parameters
        ----------
        seen : iterable of int
            Frames to look at besides those that had marks or were painted last.
        """
        stack, before, (data, undone) = self.stack, self.known, self._looked_at
        now = self._looked_at = self.layer.data, steps_undone(self.layer)
        painted = self._painted()
        if painted is None or now[0] is not data or now[1] != undone:
            where = set(range(len(stack)))
        else:
            where = {*before, *painted, *seen}
        # Another type of numbers may have been chosen for the layer.
        self.known = {
            t: stack[t].astype(np.int32) for t in sorted(where) if stack[t].any()
        }
        return before.keys() != self.known.keys() or any(
            not np.array_equal(one, before[t]) for t, one in self.known.items()
        )

    def _painted(self) -> set[int] | None:
        """Tell the frames that were painted last; None where that is not known."""
        if "T" not in self.axes:
            return {0}
        return last_painted(self.layer, self.axes.index("T"))

    def annotated(self) -> dict[int, _Labels]:
        """Copy the marked frames: cells from 1, 0 background, -1 unknown."""
        return {t: one - BACKGROUND for t, one in self.known.items()}
