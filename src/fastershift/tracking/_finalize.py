"""From the linked frames to tracks and lineage (Payer et al. 2019)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.labels import Labels, relabel
from fastershift.tracking._evidence import Evidence
from fastershift.tracking._lineage import Lineage, Track
from fastershift.tracking._parents import best_parent

__all__ = ["Descent", "FinalNames", "Finalizer"]

_Integers = npt.NDArray[np.int64]
#: From these frames on, these labels have another number: {frame: {label: number}}.
_Changes = dict[int, dict[int, int]]


@dataclass(frozen=True)
class Descent:
    """What a linker knows of tracks besides their cells.

    Attributes
    ----------
    parents : mapping
        Mother of every daughter.
    same : mapping
        Tracks that turned out to be one with another, which keeps its number.
    """

    parents: Mapping[int, int]
    same: Mapping[int, int]

    def numbers(self, largest: int) -> _Integers:
        """Return the number that each track keeps, (largest + 1,) int64."""
        table = np.arange(largest + 1)
        for number, other in self.same.items():
            table[number] = other
        # One that is another may be one with a third.
        while not np.array_equal(table, table[table]):
            table = table[table]
        return table


@dataclass(frozen=True)
class FinalNames:
    """Which track every linked label belongs to, frame by frame.

    Attributes
    ----------
    labels, tracks : tuple of (n,) int64
        For each frame, the linked labels and the tracks they belong to; 0 is erased.
    """

    labels: tuple[_Integers, ...]
    tracks: tuple[_Integers, ...]

    def apply(self, time: int, frame: Labels) -> npt.NDArray[np.int32]:
        """Return the track ids (Y, X) of a linked frame."""
        return relabel(frame, self.labels[time].tolist(), self.tracks[time].tolist())


class Finalizer:
    """Decide the tracks of a movie that is seen once, frame by frame.

    It keeps a few frames and numbers about cells, never the whole movie. Short tracks
    without a parent are dropped, cells that lie wholly at the border are erased, every
    new cell gets its parent, and a track that goes on while a child of it begins is
    split there, so that a division has two children.

    Parameters
    ----------
    settings : TrackSettings
        `shortest_track` (at most T), `border`, `division_search` and `parent_dilation`
        are used.
    published : bool
        Number the tracks, and leave gaps in them, as published. Otherwise tracks are
        also split at gaps, so that the result is always valid, and they are numbered
        by first frame, then top to bottom, left to right, and short tracks stay where
        the first or the last frame of the movie cuts them off.
    """

    def __init__(self, settings: TrackSettings, *, published: bool = False) -> None:
        self._settings = settings
        self._published = published
        self._evidence = Evidence(settings)

    def add(self, frame: npt.ArrayLike) -> None:
        """Add the next linked frame, (Y, X) int; 0 is background."""
        self._evidence.add(frame)

    def finish(self, descent: Descent | None = None) -> tuple[FinalNames, Lineage]:
        """Decide all tracks.

        Parameters
        ----------
        descent : Descent, optional
            Parents that are known by the numbers of the linked frames; by default they
            are searched for.

        Returns
        -------
        names : FinalNames
            What turns the linked frames into the final ones.
        lineage : Lineage
            The tracks.

        Raises
        ------
        InputError
            Without a frame.
        """
        if not self._evidence.frames:
            raise InputError("There is no frame to finalize.")
        names = _Names(self._evidence)
        search: _SearchOf = _Search
        if descent is not None:
            names.replace(descent.numbers(names.largest))
            search = partial(_Known, parents=descent.parents)
        names.compact()
        names.number(by_appearance=not self._published)
        _drop_short(names, self._settings, search, published=self._published)
        _erase_border(names)
        names.number(by_appearance=not self._published)
        parents = {} if self._published else _split_at_gaps(names)
        tracks, changes = _split_at_births(_find_parents(names, parents, search))
        names.change(changes)
        lineage = Lineage(tuple(tracks))
        if not self._published:
            lineage = _number_lineage(names, tracks)
        return names.final(), lineage


class _Names:
    """The present number of every label of every frame; 0 where it is erased."""

    def __init__(self, evidence: Evidence) -> None:
        self.frames = evidence.frames
        self.search = evidence.search
        self.present: list[_Integers] = [frame.ids for frame in self.frames]

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def largest(self) -> int:
        return max((int(names.max(initial=0)) for names in self.present), default=0)

    def order(self, *, by_appearance: bool) -> _Integers:
        """Return the numbers in use in the order in which they are to be given anew."""
        seen = np.zeros(self.largest + 1, dtype=bool)
        seen[0] = True
        order = []
        for frame, names in zip(self.frames, self.present, strict=True):
            appearing = names[frame.order]
            # Two labels of a frame may be parts of one track.
            appearing = np.array(
                list(dict.fromkeys(appearing[~seen[appearing]].tolist())), np.int64
            )
            seen[appearing] = True
            order.append(appearing)
        found = np.concatenate(order)
        return found if by_appearance else np.sort(found)

    def replace(self, table: _Integers) -> None:
        """Give every number n the number ``table[n]``, in all frames."""
        self.present = [table[names] for names in self.present]

    def compact(self) -> None:
        """Let no number be larger than there are tracks, in the same order."""
        used = np.unique(np.concatenate([[0], *self.present]))
        self.present = [np.searchsorted(used, names) for names in self.present]

    def number(self, *, by_appearance: bool) -> _Integers:
        """Give numbers from 1 to K; return the table from old to new ones."""
        order = self.order(by_appearance=by_appearance)
        table = np.zeros(self.largest + 1, dtype=np.int64)
        table[order] = np.arange(1, order.size + 1)
        self.replace(table)
        return table

    def change(self, changes: _Changes) -> None:
        """Rename from given frames on, each number until its next change."""
        table = np.arange(self.largest + 1)
        for time, names in enumerate(self.present):
            for label, number in changes.get(time, {}).items():
                table[label] = number
            self.present[time] = table[names]

    def spans(self) -> tuple[_Integers, _Integers]:
        """Return the first and the last frame of every number; -1 if not in use."""
        first = np.full(self.largest + 1, -1)
        last = first.copy()
        for time, names in enumerate(self.present):
            last[names] = time
        for time in reversed(range(len(self))):
            first[self.present[time]] = time
        first[0] = last[0] = -1
        return first, last

    def final(self) -> FinalNames:
        return FinalNames(
            tuple(frame.ids for frame in self.frames), tuple(self.present)
        )


class _Search:
    """Finds parents among the present numbers."""

    def __init__(self, names: _Names) -> None:
        self._names = names
        # New cells are asked for in the order of their frames, or nearly so.
        self._areas = lru_cache(maxsize=names.search + 2)(self._areas_at)

    def _areas_at(self, time: int) -> dict[int, int]:
        names, areas = self._names.present[time], self._names.frames[time].areas
        return dict(zip(names.tolist(), areas.tolist(), strict=True))

    def find(self, label: int, first: int, *, without: Set[int] = frozenset()) -> int:
        """Return the parent of a number that appears in frame `first`, or 0."""
        if not first or not self._names.search:
            return 0
        frame = self._names.frames[first]
        position = int(np.flatnonzero(self._names.present[first] == label)[0])
        appearance = frame.appearing[int(frame.ids[position])]
        shared: dict[int, int] = defaultdict(int)
        times = range(first - len(appearance.under), first)
        for time, (ids, counts) in zip(times, appearance.under, strict=True):
            places = np.searchsorted(self._names.frames[time].ids, ids)
            names = self._names.present[time][places]
            for name, count in zip(names.tolist(), counts.tolist(), strict=True):
                shared[name] += count
        shared.pop(0, None)
        candidates = sorted(shared)
        areas = [sum(self._areas(t).get(name, 0) for t in times) for name in candidates]
        return best_parent(
            appearance.size,
            np.array(candidates, dtype=np.int64),
            np.array([shared[name] for name in candidates], dtype=np.int64),
            np.array(areas, dtype=np.int64),
            len(times),
            without,
        )


class _Known:
    """Tells parents that the linker knows."""

    def __init__(self, names: _Names, parents: Mapping[int, int]) -> None:
        self._names = names
        self._parents = parents

    def find(self, label: int, first: int, *, without: Set[int] = frozenset()) -> int:
        """Return the parent of a number that appears in frame `first`, or 0."""
        names = self._names
        position = int(np.flatnonzero(names.present[first] == label)[0])
        linked = int(names.frames[first].ids[position])
        mother = self._parents.get(linked, 0)
        for time in reversed(range(first if mother else 0)):
            ids = names.frames[time].ids
            if linked in ids:
                # It was here before: what begins is no daughter.
                return 0
            if mother in ids:
                found = int(names.present[time][np.searchsorted(ids, mother)])
                return 0 if found in without else found
        return 0


_SearchOf: TypeAlias = Callable[[_Names], _Search | _Known]


def _drop_short(
    names: _Names, settings: TrackSettings, search_of: _SearchOf, *, published: bool
) -> None:
    """Erase tracks that are too short, unless they have a parent."""
    shortest = min(settings.shortest_track, len(names))
    first, last = names.spans()
    is_short = (first >= 0) & (last - first + 1 < shortest)
    if not published:
        # The movie may show a part of these tracks only.
        is_short &= (first > 0) & (last < len(names) - 1)
    short = np.flatnonzero(is_short)
    if not short.size:
        return
    search = search_of(names)
    dropped: set[int] = set()
    for label in short.tolist():
        if not search.find(label, int(first[label]), without=dropped):
            dropped.add(label)
    table = np.arange(first.size)
    table[list(dropped)] = 0
    names.replace(table)


def _erase_border(names: _Names) -> None:
    """Erase cells wholly inside the border; afterwards they are new tracks."""
    number = names.largest
    renamed: dict[int, _Integers] = {}
    outside: dict[int, _Integers] = {}
    for time in reversed(range(len(names))):
        erased = names.present[time][names.frames[time].outside]
        outside[time] = np.sort(erased[erased > 0])
        renamed[time] = np.arange(number + 1, number + 1 + outside[time].size)
        number += outside[time].size
    table = np.arange(names.largest + 1)
    for time, present in enumerate(names.present):
        here = table.copy()
        here[outside[time]] = 0
        names.present[time] = here[present]
        table[outside[time]] = renamed[time]


def _split_at_gaps(names: _Names) -> dict[int, int]:
    """Make every stretch of frames without a gap a track of its own.

    Returns
    -------
    dict
        For the second and later stretches, the stretch before.
    """
    number = names.largest
    last_seen = np.full(number + 1, -1)
    current: dict[int, int] = {}
    parents: dict[int, int] = {}
    changes: _Changes = defaultdict(dict)
    for time, present in enumerate(names.present):
        cells = np.unique(present[present > 0])
        back = cells[(last_seen[cells] >= 0) & (last_seen[cells] < time - 1)]
        for label in back.tolist():
            number += 1
            parents[number] = current.get(label, label)
            current[label] = changes[time][label] = number
        last_seen[cells] = time
    names.change(changes)
    return parents


def _find_parents(
    names: _Names, known: dict[int, int], search_of: _SearchOf
) -> list[Track]:
    search = search_of(names)
    spans = zip(*(span.tolist() for span in names.spans()), strict=True)
    return [
        Track(label, first, last, known.get(label) or search.find(label, first))
        for label, (first, last) in enumerate(spans)
        if first >= 0
    ]


def _split_at_births(tracks: list[Track]) -> tuple[list[Track], _Changes]:
    """Split parents that go on when a child begins: the rest becomes a child too.

    Returns
    -------
    tracks : list of Track
        With the new tracks inserted before the first one that begins later.
    changes : dict
        New numbers of the labels of the split tracks.
    """
    tracks = list(tracks)
    by_id = {track.id: track for track in tracks}
    ancestor = {track.id: track.id for track in tracks}
    changes: _Changes = defaultdict(dict)
    number = max(by_id, default=0)
    position = 0
    while position < len(tracks):
        child = by_id[tracks[position].id]
        parent = by_id.get(child.parent)
        if parent is None or parent.last < child.first:
            position += 1
            continue
        number += 1
        rest = Track(number, child.first, parent.last, parent.id)
        by_id[parent.id] = replace(parent, last=child.first - 1)
        for other in tracks:
            track = by_id[other.id]
            if track.parent == parent.id and track.first > child.first:
                by_id[track.id] = replace(track, parent=number)
        by_id[number] = rest
        later = (i for i, track in enumerate(tracks) if track.first > rest.first)
        tracks.insert(next(later, len(tracks)), rest)
        ancestor[number] = ancestor[parent.id]
        changes[rest.first][ancestor[number]] = number
    return [by_id[track.id] for track in tracks], changes


def _number_lineage(names: _Names, tracks: list[Track]) -> Lineage:
    """Renumber labels and tracks together in the order of their appearance."""
    table = names.number(by_appearance=True)
    renamed = [
        Track(int(table[track.id]), track.first, track.last, int(table[track.parent]))
        for track in tracks
    ]
    return Lineage(tuple(sorted(renamed, key=lambda track: track.id)))
