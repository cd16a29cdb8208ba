"""The numbers that cells of given masks are shown with."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastershift.labels import Labels, overlaps

__all__ = ["CellNumbers", "numbers_under"]

_Numbers = npt.NDArray[np.int64]


def numbers_under(ids: _Numbers, labels: Labels, shown: Labels) -> _Numbers:
    """Find the number that lies under the larger part of each cell.

    Parameters
    ----------
    ids : (n,) int64
        The cells, ascending.
    labels, shown : (Y, X) int array
        The cells, and the picture whose numbers are looked up.

    Returns
    -------
    (n,) int64
        0 where there is none.
    """
    cells, numbers, counts = overlaps(labels, shown)
    order = np.argsort(counts, kind="stable")
    found = np.zeros(len(ids), dtype=np.int64)
    # The last one of each cell stays.
    found[np.searchsorted(ids, cells[order])] = numbers[order]
    return found


class CellNumbers:
    """What the cells of each frame were called when they were shown last."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[_Numbers, _Numbers]] = {}
        self._largest = 0

    def of(self, frame: int, ids: _Numbers) -> _Numbers:
        """Return the number of each cell of a frame; 0 where it has none yet."""
        known, numbers = self._known.get(frame, (ids[:0], ids[:0]))
        places = np.searchsorted(known, ids)
        found = np.zeros(len(ids), dtype=np.int64)
        there = places < len(known)
        there[there] = known[places[there]] == ids[there]
        found[there] = numbers[places[there]]
        return found

    def call(
        self,
        first: int,
        cells: Sequence[_Numbers],
        tracks: Sequence[_Numbers],
        seen: int,
        wanted: _Numbers,
        above: int,
    ) -> _Numbers:
        """Give tracks the numbers that their cells had, and remember them.

        A number goes to one track: to that of the frame in view before others, and so
        on by how near frames are to it.

        Parameters
        ----------
        first : int
            Number of the first frame.
        cells, tracks : sequence of (n,) int64
            For each frame, its cells, ascending, and their tracks, from 1.
        seen : int
            The frame in view.
        wanted : (n,) int64
            Numbers that the cells in view take before those they had; 0 for none.
        above : int
            New numbers are larger than this.

        Returns
        -------
        (K + 1,) int64
            The number of each track; 0 for track 0.
        """
        largest = max((int(one.max(initial=0)) for one in tracks), default=0)
        called = np.zeros(largest + 1, dtype=np.int64)
        for index in sorted(range(len(cells)), key=lambda n: abs(first + n - seen)):
            known = self.of(first + index, cells[index])
            for numbers in (wanted, known) if first + index == seen else (known,):
                _take(called, tracks[index], numbers)
        new = np.flatnonzero(called == 0)[1:]
        start = max(above, self._largest, int(called.max()))
        called[new] = start + 1 + np.arange(len(new))
        self._largest = max(self._largest, int(called.max()))
        for frame, (ids, own) in enumerate(zip(cells, tracks, strict=True), first):
            self._known[frame] = ids, called[own]
        return called


def _take(called: _Numbers, tracks: _Numbers, numbers: _Numbers) -> None:
    """Let tracks without a number take those of their cells that are free."""
    free = (numbers > 0) & (called[tracks] == 0) & ~np.isin(numbers, called)
    tracks, numbers = tracks[free], numbers[free]
    # Each number once, and each track once.
    numbers, at = np.unique(numbers, return_index=True)
    tracks, at = np.unique(tracks[at], return_index=True)
    called[tracks] = numbers[at]
