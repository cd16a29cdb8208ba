"""Linking cells that are segmented frame by frame, one assignment per frame."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.labels import as_labels, relabel
from fastershift.tracking._assignment import assign
from fastershift.tracking._cells import PlacedCells
from fastershift.tracking._costs import (
    Ends,
    VotedPlaces,
    candidates,
    division_costs,
    reaches,
    spacing,
    usual_reach,
)
from fastershift.tracking._finalize import Descent
from fastershift.tracking._linker import Linker
from fastershift.tracking._mask_frame import MaskFrame, Shared

__all__ = ["CostLinker", "MaskLinker", "make_linker"]

_Numbers = npt.NDArray[np.int64]
_Reals = npt.NDArray[np.float64]


# Daughters that are seen in fewer frames than this are none.
_LASTING = 2


@dataclass
class _Seen:
    """A frame that was linked, and what is known of its cells."""

    frame: MaskFrame
    tracks: _Numbers
    moves: _Reals
    drift: _Reals


class MaskLinker:
    """Number the cells of successive frames by the tracks they belong to.

    The links from all frames that may still go on to the next one are chosen together,
    so that they cost least: moves after the drift of the stage is taken out, lost
    overlap, changes of size, gaps, beginnings, ends and divisions.

    Parameters
    ----------
    settings : TrackSettings
        `farthest_move`, `remove_drift` and the costs are used.

    Attributes
    ----------
    drifts : list of (float, float)
        Rows and columns by which all cells of each frame moved together.
    """

    def __init__(self, settings: TrackSettings) -> None:
        self._settings = settings
        self._seen: deque[_Seen] = deque(maxlen=settings.longest_gap + 1)
        self.drifts: list[tuple[float, float]] = []
        # By track, of which there is none with number 0: the frames in which it was
        # seen first and last, and whether it may go on.
        self._first = self._last = np.full(1, -1)
        self._open = np.zeros(1, dtype=bool)
        self._largest = 0
        self._carried = np.zeros(2)  # sums of products of successive moves, of squares
        self._time = -1
        self._parents: dict[int, int] = {}
        # Tracks that end because the mask of another one covers them, by that one.
        self._hidden: dict[int, set[int]] = {}
        # Parts of masks that were cut, which a later mask covers together.
        self._parts: set[int] = set()

    def add(
        self, frame: npt.ArrayLike, voted: VotedPlaces | None = None
    ) -> npt.NDArray[np.int32]:
        """Link the next frame.

        Parameters
        ----------
        frame : (Y, X) int array
            Cells, numbered in any way; 0 is background.
        voted : VotedPlaces, optional
            Where its cells were in the frame before.

        Returns
        -------
        (Y, X) int32
            The same cells, numbered by track.

        Raises
        ------
        InputError
            For frames of another size than those before.
        """
        labels = as_labels(frame, 2)
        if self._seen and labels.shape != self._seen[-1].frame.labels.shape:
            raise InputError(
                f"A label image of {self._seen[-1].frame.labels.shape} pixels was "
                f"expected, not one of {labels.shape}."
            )
        measured = MaskFrame(labels)
        tracks = self.link(measured, voted)
        return relabel(labels, measured.cells.ids.tolist(), tracks.tolist())

    def link(self, frame: MaskFrame, voted: VotedPlaces | None = None) -> _Numbers:
        """Link the next frame, of which some may have been measured before.

        Parameters
        ----------
        frame : MaskFrame
            As large as the frames before.
        voted : VotedPlaces, optional
            As for `add`.

        Returns
        -------
        (n,) int64
            The track of each of its cells, by ascending label.
        """
        tracks, moves, drift = self._link(frame, voted)
        self._seen.append(_Seen(frame, tracks, moves, drift))
        self.drifts.append((float(drift[0]), float(drift[1])))
        self._time += 1
        begun = np.full(self._largest + 1 - len(self._open), self._time)
        self._first = np.append(self._first, begun)
        self._last = np.append(self._last, begun)
        self._last[tracks] = self._time
        self._open = np.append(self._open, begun >= 0)
        self._open &= self._last >= self._time - self._settings.longest_gap
        return tracks

    def descent(self) -> Descent:
        """Tell what is known of the tracks, after the last frame.

        Divisions of which a daughter is gone at once are taken back: a mask that is cut
        in two in one frame looks like a division in the next one.

        Returns
        -------
        Descent
        """
        daughters: dict[int, list[int]] = {}
        for daughter, mother in self._parents.items():
            daughters.setdefault(mother, []).append(daughter)
        parents, same = dict(self._parents), dict[int, int]()
        for mother, both in daughters.items():
            brief = [
                one for one in both if self._is_brief(one) and one not in daughters
            ]
            if brief:
                for one in both:
                    del parents[one]
                lasting = [one for one in both if one not in brief]
                same[(lasting or brief)[0]] = mother
                if self._settings.mend_masks:
                    same |= dict.fromkeys(self._parts.intersection(brief), mother)
        return Descent(parents, same)

    def _is_brief(self, track: int) -> bool:
        first, last = self._first[track], self._last[track]
        return bool(last - first + 1 < _LASTING and last < self._time)

    def _link(
        self, frame: MaskFrame, voted: VotedPlaces | None
    ) -> tuple[_Numbers, _Reals, _Reals]:
        """Return tracks and moves of the cells, and the drift of the frame."""
        cells = frame.cells
        tracks = np.zeros(len(cells), dtype=np.int64)
        moves = np.full((len(cells), 2), np.nan)
        drift = np.zeros(2)
        if self._seen:
            last = self._seen[-1].frame
            diameter = frame.diameter(last)
            if self._settings.remove_drift:
                drift = frame.drift(last)
            ends, positions = self._ends(drift)
            shared = self._shared(frame, ends, positions, drift)
            rejoined = self._rejoined(ends, cells, shared)
            if rejoined:
                self._open[list(rejoined)] = False
                ends, positions = self._ends(drift)
                shared = self._shared(frame, ends, positions, drift)
            usual = usual_reach(ends, cells, self._settings, diameter)
            reach, reach_of_cells = (
                reaches(spacing(one), usual, self._settings, diameter)
                for one in (ends.expected, cells.places)
            )
            links = candidates(
                ends, cells, shared, voted, self._settings, diameter, reach
            )
            seconds = division_costs(
                links.without(self._hosts(ends)), ends, cells, self._settings, diameter
            )
            ending, beginning = (
                (one**2 + self._settings.overlap_cost**2) / 2
                for one in (reach, reach_of_cells)
            )
            first, second = assign(links, seconds, ending, beginning)
            self._name(ends, first, second, tracks)
            self._hide(ends, cells, shared, first)
            on = np.flatnonzero((first >= 0) & (second < 0))
            moves[first[on]] = (cells.places[first[on]] - ends.last[on]) / ends.ages[
                on, None
            ]
            fresh = on[ends.ages[on] == 1]
            self._learn(positions[fresh], moves[first[fresh]])
        new = np.flatnonzero(tracks == 0)
        tracks[new] = self._largest + 1 + np.arange(len(new))
        self._largest += len(new)
        return tracks, moves, drift

    def _rejoined(self, ends: Ends, cells: PlacedCells, shared: Shared) -> set[int]:
        """Find daughters of the frame before that are one cell again.

        They were a mask that was cut in two; the smaller part ends.
        """
        newborn = (ends.ages == 1) & (self._first[ends.tracks] == self._time)
        covering = _covering(ends, cells, shared, newborn)
        pairs: dict[int, list[int]] = {}
        for end in np.flatnonzero(newborn).tolist():
            mother = self._parents.get(int(ends.tracks[end]))
            if mother is not None:
                pairs.setdefault(mother, []).append(end)
        gone = set()
        for pair in pairs.values():
            over = [covering.get(one, set()) for one in pair]
            if len(pair) == 2 and over[0] & over[1]:
                gone.add(int(ends.tracks[min(pair, key=lambda one: ends.areas[one])]))
        self._parts |= gone
        return gone

    def _hosts(self, ends: Ends) -> _Numbers:
        """Find ends whose mask may hold another cell: they do not divide."""
        for host, hidden in list(self._hidden.items()):
            if not (self._open[host] and self._open[list(hidden)].any()):
                del self._hidden[host]
        return np.flatnonzero(np.isin(ends.tracks, list(self._hidden)))

    def _hide(
        self, ends: Ends, cells: PlacedCells, shared: Shared, first: _Numbers
    ) -> None:
        """Note which tracks are lost because their mask is one with another's."""
        owner = np.full(len(cells), -1)
        linked = np.flatnonzero(first >= 0)
        owner[first[linked]] = linked
        lost = (first < 0) & (ends.ages == 1)
        for end, over in _covering(ends, cells, shared, lost).items():
            for cell in over:
                host = owner[cell]
                if host >= 0 and ends.areas[host] < cells.areas[cell]:
                    track = int(ends.tracks[host])
                    self._hidden.setdefault(track, set()).add(int(ends.tracks[end]))

    def _name(
        self, ends: Ends, first: _Numbers, second: _Numbers, tracks: _Numbers
    ) -> None:
        """Give the cells the numbers of their tracks; daughters get new ones."""
        on = np.flatnonzero((first >= 0) & (second < 0))
        tracks[first[on]] = ends.tracks[on]
        for end in np.flatnonzero(second >= 0).tolist():
            mother = int(ends.tracks[end])
            self._open[mother] = False
            for daughter in (first[end], second[end]):
                self._largest += 1
                tracks[daughter] = self._largest
                self._parents[self._largest] = mother

    def _ends(self, drift: _Reals) -> tuple[Ends, _Numbers]:
        """Collect the last cells of open tracks, and their places in their frames."""
        free = self._open.copy()
        moved = drift.copy()
        persistence = self._persistence
        columns: list[list[npt.NDArray[np.generic]]] = []
        for age, seen in enumerate(reversed(self._seen), start=1):
            at = np.flatnonzero(free[seen.tracks])
            free[seen.tracks[at]] = False
            places = seen.frame.cells.places[at] + moved
            steps = np.nan_to_num(seen.moves[at]) * persistence * age
            columns.append(
                [
                    seen.tracks[at],
                    seen.frame.cells.areas[at],
                    places,
                    places + steps,
                    np.full(len(at), age),
                    at,
                ]
            )
            moved = moved + seen.drift
        joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
        return Ends(*joined[:5]), joined[5]

    def _shared(
        self,
        frame: MaskFrame,
        ends: Ends,
        positions: _Numbers,
        drift: _Reals,
    ) -> Shared:
        """Find ends and cells that overlap, and by how much (IoU)."""
        found: list[Shared] = []
        moved = drift.copy()
        for age, seen in enumerate(reversed(self._seen), start=1):
            of_age = np.flatnonzero(ends.ages == age)
            if len(of_age):
                end_of = np.full(len(seen.frame), -1)
                end_of[positions[of_age]] = of_age
                old, new, share = frame.shared(seen.frame, moved)
                end = end_of[old]
                kept = end >= 0
                found.append((end[kept], new[kept], share[kept]))
            moved = moved + seen.drift
        ends_, cells_, shares = zip(*found, strict=True) if found else ((), (), ())
        return (
            np.concatenate([np.zeros(0, np.int64), *ends_]),
            np.concatenate([np.zeros(0, np.int64), *cells_]),
            np.concatenate([np.zeros(0), *shares]),
        )

    @property
    def _persistence(self) -> float:
        """How much of its last move a cell repeats, 0 to 1, in the movie so far."""
        together, squares = self._carried
        # A few made-up moves without persistence keep the first frames from guessing.
        return float(np.clip(together / (squares + 1e-9), 0, 1)) if squares else 0.0

    def _learn(self, positions: _Numbers, after: _Reals) -> None:
        """Compare moves of cells, by their positions in the frame before, with its."""
        before = self._seen[-1].moves[positions]
        known = np.isfinite(before).all(axis=1)
        self._carried += (
            (before[known] * after[known]).sum(),
            (before[known] ** 2).sum(),
        )


def _covering(
    ends: Ends, cells: PlacedCells, shared: Shared, among: npt.NDArray[np.bool_]
) -> dict[int, set[int]]:
    """Find for each of some ends the cells that cover more than half of it."""
    end, cell, overlap = (column[among[shared[0]]] for column in shared)
    area = ends.areas[end]
    over = 2 * overlap / (1 + overlap) * (area + cells.areas[cell]) > area
    found: dict[int, set[int]] = {}
    for one, other in zip(end[over].tolist(), cell[over].tolist(), strict=True):
        found.setdefault(one, set()).add(other)
    return found


class CostLinker:
    """Link the cells of frame pairs by costs, to be used as `Linker` is.

    Of each pair the second frame counts, and of the first pair both.

    Parameters
    ----------
    settings : TrackSettings
        As for `MaskLinker`.
    """

    def __init__(self, settings: TrackSettings) -> None:
        self._linker = MaskLinker(settings)
        self._held: list[npt.NDArray[np.int32]] = []
        self._begun = False

    def add(self, pair: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Link one more pair of frames; return the frames that are new.

        Parameters
        ----------
        pair : (2, Y, X) int array
            As for `Linker.add`.

        Returns
        -------
        (2, Y, X) or (1, Y, X) int32
            The frames that are new; no later pair changes them.
        """
        frames = as_labels(pair, 3)
        new = [self._linker.add(one) for one in frames[self._begun :]]
        self._begun = True
        self._held += new
        return np.stack(new)

    def release(self, *, settled: bool = True) -> list[npt.NDArray[np.int32]]:
        """Hand over the frames that are held; all are settled."""
        del settled
        released, self._held = self._held, []
        return released

    def descent(self) -> Descent:
        """Tell what is known of the tracks, after the last pair."""
        return self._linker.descent()


def make_linker(
    settings: TrackSettings, *, published: bool = False
) -> Linker | CostLinker:
    """Make the linker of frame pairs that the settings name.

    Parameters
    ----------
    settings : TrackSettings
        `linker`, and what it uses.
    published : bool
        As for `Linker`.

    Returns
    -------
    Linker or CostLinker
    """
    if settings.linker == "costs":
        return CostLinker(settings)
    return Linker(settings, published=published)
