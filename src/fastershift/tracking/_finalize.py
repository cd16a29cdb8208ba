"""From the linked stack to tracks and lineage (Payer et al. 2019)."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fastershift.config import TrackSettings
from fastershift.errors import InputError
from fastershift.tracking._lineage import Lineage, Track, track_spans
from fastershift.tracking._parents import ParentSearch
from fastershift.tracking._regions import Labels, as_labels, compact, relabel

__all__ = ["finalize"]

_Stack = npt.NDArray[np.int32]
#: From these frames on, these labels have another number: {frame: {label: number}}.
_Changes = dict[int, dict[int, int]]


def finalize(
    stack: npt.ArrayLike,
    settings: TrackSettings,
    *,
    published: bool = False,
    border: tuple[int, int] | None = None,
) -> tuple[npt.NDArray[np.int32], Lineage]:
    """Turn linked labels into tracks.

    Short tracks without a parent are dropped, cells that lie wholly at the border are
    erased, every new cell gets its parent, and a track that goes on while a child of
    it begins is split there, so that a division has two children.

    Parameters
    ----------
    stack : (T, Y, X) int array
        Labels as `Linker.stack` gives them, in image pixels; 0 is background.
    settings : TrackSettings
        `shortest_track` (at most T), `border`, `division_search` and `parent_dilation`
        are used.
    published : bool
        Number the tracks, and leave gaps in them, as published. Otherwise tracks are
        also split at gaps, so that the result is always valid, and they are numbered
        by first frame, then top to bottom, left to right.
    border : (int, int), optional
        Rows and columns of the border; `settings.border` for both by default.

    Returns
    -------
    labels : (T, Y, X) int32
        Track ids 1 to K; 0 is background.
    lineage : Lineage
        The K tracks.

    Raises
    ------
    InputError
        When the stack is not a (T, Y, X) array of labels with a frame at least.
    """
    labels = as_labels(stack, 3)
    if not len(labels):
        raise InputError("There is no frame to finalize.")
    rows, columns = border or (settings.border, settings.border)
    labels = _number(labels, by_appearance=not published)
    labels = _drop_short(labels, settings)
    labels = _erase_border(labels, rows, columns)
    labels = _number(labels, by_appearance=not published)
    parents: dict[int, int] = {}
    if not published:
        labels, parents = _split_at_gaps(labels)
    tracks = _find_parents(labels, settings, parents)
    tracks, changes = _split_at_births(tracks)
    labels = _change(labels, changes)
    if published:
        return labels, Lineage(tuple(tracks))
    return _number_lineage(labels, tracks)


def _order(stack: Labels, *, by_appearance: bool) -> list[int]:
    """Return the labels above 0 in the order in which they are to be numbered."""
    order: list[int] = []
    seen: set[int] = set()
    for frame in stack:
        ids, codes = compact(frame)
        new = np.array([label not in seen for label in ids.tolist()])
        new[0] = False
        appearing = codes[new[codes]]
        codes_found, firsts = np.unique(appearing, return_index=True)
        labels = ids[codes_found[np.argsort(firsts)]].tolist()
        order += labels
        seen.update(labels)
    return order if by_appearance else sorted(order)


def _number(stack: Labels, *, by_appearance: bool) -> _Stack:
    """Give labels the numbers 1 to K, ascending or in the order of their appearance."""
    order = _order(stack, by_appearance=by_appearance)
    return _rename(stack, {label: number for number, label in enumerate(order, 1)})


def _rename(stack: Labels, names: dict[int, int]) -> _Stack:
    renamed = np.empty(stack.shape, dtype=np.int32)
    for time, frame in enumerate(stack):
        renamed[time] = relabel(frame, names.keys(), names.values())
    return renamed


def _change(stack: _Stack, changes: _Changes) -> _Stack:
    """Rename labels from given frames on, each until its next change."""
    changed = np.empty_like(stack)
    names: dict[int, int] = {}
    for time, frame in enumerate(stack):
        names |= changes.get(time, {})
        changed[time] = relabel(frame, names.keys(), names.values())
    return changed


def _drop_short(stack: _Stack, settings: TrackSettings) -> _Stack:
    """Erase tracks that are too short, unless they have a parent."""
    shortest = min(settings.shortest_track, len(stack))
    short = {
        label: first
        for label, (first, last) in sorted(track_spans(stack).items())
        if last - first + 1 < shortest
    }
    if not short:
        return stack
    search = ParentSearch(stack, settings)
    dropped: set[int] = set()
    for label, first in short.items():
        if not search.find(label, first, without=dropped):
            dropped.add(label)
    return _rename(stack, dict.fromkeys(dropped, 0))


def _erase_border(stack: _Stack, rows: int, columns: int) -> _Stack:
    """Erase cells wholly inside the border; afterwards they are new tracks."""
    if not rows and not columns:
        return stack
    number = int(stack.max(initial=0))
    height, width = stack.shape[1:]
    names_after: _Changes = {}
    for time in reversed(range(len(stack))):
        interior = stack[time, rows : height - rows, columns : width - columns]
        outside = np.setdiff1d(compact(stack[time])[0], compact(interior)[0])
        ids = range(number + 1, number + 1 + outside.size)
        names_after[time] = dict(zip(outside.tolist(), ids, strict=True))
        number += outside.size
    erased = np.empty_like(stack)
    names: dict[int, int] = {}
    for time, frame in enumerate(stack):
        here = names | dict.fromkeys(names_after[time], 0)
        erased[time] = relabel(frame, here.keys(), here.values())
        names |= names_after[time]
    return erased


def _split_at_gaps(stack: _Stack) -> tuple[_Stack, dict[int, int]]:
    """Make every stretch of frames without a gap a track of its own.

    Returns
    -------
    stack : (T, Y, X) int32
        Labels without gaps.
    parents : dict
        For the second and later stretches, the stretch before.
    """
    number = int(stack.max(initial=0))
    last_seen: dict[int, int] = {}
    current: dict[int, int] = {}
    parents: dict[int, int] = {}
    changes: _Changes = defaultdict(dict)
    for time, frame in enumerate(stack):
        for label in compact(frame)[0][1:].tolist():
            if last_seen.get(label, time) < time - 1:
                number += 1
                parents[number] = current.get(label, label)
                current[label] = changes[time][label] = number
            last_seen[label] = time
    return _change(stack, changes), parents


def _find_parents(
    stack: _Stack, settings: TrackSettings, known: dict[int, int]
) -> list[Track]:
    search = ParentSearch(stack, settings)
    return [
        Track(label, first, last, known.get(label) or search.find(label, first))
        for label, (first, last) in sorted(track_spans(stack).items())
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


def _number_lineage(stack: _Stack, tracks: list[Track]) -> tuple[_Stack, Lineage]:
    """Renumber labels and tracks together in the order of their appearance."""
    order = _order(stack, by_appearance=True)
    names = {label: number for number, label in enumerate(order, 1)} | {0: 0}
    renamed = [
        Track(names[track.id], track.first, track.last, names[track.parent])
        for track in tracks
    ]
    lineage = Lineage(tuple(sorted(renamed, key=lambda track: track.id)))
    return _rename(stack, names), lineage
