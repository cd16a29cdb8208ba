"""A new run replaces everything that was not corrected."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from fastershift.editing._cells import Cells, Labels
from fastershift.editing._changes import ReplaceStep, pack_labels
from fastershift.editing._draft import Draft
from fastershift.errors import InputError
from fastershift.tracking import Lineage, Track

__all__ = ["Rerun"]

_TOUCHING = np.ones((3, 3), bool)

# A new cell is the same as a locked one, or one that was deleted, when this share of
# it lies there.
_SAME = 0.5

#: A cell: its frame, and its number there; numbers of new cells are negative.
_Node = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Rerun:
    """Replace everything but the locked cells by the result of a new run.

    Locked cells keep their pixels, their numbers, and which of them are one cell or
    parent and daughter. New cells that lie on them, or where a cell was deleted, are
    left out; tracks of the new run go on through the locked cells that stand for their
    own. The others keep the numbers of the new run where no locked cell has them.

    Attributes
    ----------
    labels : (T, Y, X) int32
        Labels of the new run.
    lineage : Lineage
        Its tracks.
    frame : int
        Where the user is.
    outcome : Outcome or None
        What it comes to, once `prepared`.
    """

    labels: Labels
    lineage: Lineage
    frame: int = 0
    outcome: "Outcome | None" = None

    def prepared(self, cells: Cells) -> "Rerun":
        """Work out what it comes to, which takes a while; the cells stay as they are.

        Parameters
        ----------
        cells : Cells
            What it will be applied to, without a change in between.

        Returns
        -------
        Rerun
            The same edit, which is then soon made.

        Raises
        ------
        InputError
            When the new result belongs to another movie.
        """
        if self.labels.shape != cells.labels.shape:
            raise InputError("The new result belongs to another movie.")
        merged = _Merged(cells, self.labels, self.lineage)
        labels, tracks = merged.result()
        steps = tuple(
            ReplaceStep(frame, *(pack_labels(one) for one in both))
            for frame, both in enumerate(zip(cells.labels, labels, strict=True))
            if not np.array_equal(*both)
        )
        outcome = Outcome(labels, tracks, merged.locked, merged.filled, steps)
        return replace(self, outcome=outcome)

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        cells = draft.cells
        outcome = self.outcome or self.prepared(cells).outcome
        assert outcome is not None  # noqa: S101 (it was prepared just now)
        for step in outcome.steps:
            draft.replace(step, outcome.labels[step.frame])
        old = cells.lineage.tracks
        draft.rows(old, outcome.tracks)
        for frame in sorted(cells.locked):
            draft.relock(frame, outcome.locked[frame])
        for frame in sorted(cells.filled):
            draft.note_filled(frame, outcome.filled.get(frame, ()))
        count = sum(len(locked) for locked in cells.locked.values())
        return f"Applied a new run; {count} locked cells were kept."


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a new run comes to around the locked cells.

    Attributes
    ----------
    labels : (T, Y, X) int32
        All cells.
    tracks : tuple of Track
        Their tracks.
    locked : dict
        Numbers of the locked cells by frame.
    filled : dict
        Those among them that were put in.
    steps : tuple of ReplaceStep
        How the labels change.
    """

    labels: Labels
    tracks: tuple[Track, ...]
    locked: dict[int, set[int]]
    filled: dict[int, set[int]]
    steps: tuple[ReplaceStep, ...]


@dataclass
class _Merged:
    """Puts new cells around the locked ones and finds the tracks of all of them."""

    cells: Cells
    new_labels: Labels
    new_lineage: Lineage
    locked: dict[int, set[int]] = field(default_factory=dict)
    filled: dict[int, set[int]] = field(default_factory=dict)

    def result(self) -> tuple[Labels, tuple[Track, ...]]:
        """Return labels and tracks."""
        labels = np.zeros_like(self.new_labels)
        # Which locked cell stands for a new one.
        stands: dict[_Node, _Node] = {}
        for frame in range(len(labels)):
            self._merge_frame(frame, labels[frame], stands)
        follows = self._follows(labels, stands)
        names = self._names(labels, follows)
        tracks = self._tracks(labels, names, stands)
        for frame, image in enumerate(labels):
            ids = np.unique(image)
            table = np.array([names.get((frame, one), 0) for one in ids.tolist()])
            image[:] = table[np.searchsorted(ids, image)]
        kept = self.cells.locked
        self.locked, self.filled = (
            {
                frame: {names[frame, label] for label in ids & kept.get(frame, set())}
                for frame, ids in marked.items()
            }
            for marked in (kept, self.cells.filled)
        )
        return labels, tracks

    def _merge_frame(
        self, frame: int, image: Labels, stands: dict[_Node, _Node]
    ) -> None:
        """Fill one frame: locked cells positive, the others negative."""
        new = self.new_labels[frame]
        image[:] = -new
        for region in self.cells.voids.get(frame, ()):
            inside = new[region.box][region.mask]
            for label, count in _counts(inside):
                if label and count >= _SAME * np.count_nonzero(new == label):
                    image[new == label] = 0
        for label in sorted(self.cells.locked.get(frame, ())):
            region = self.cells.region(frame, label)
            for other, count in _counts(new[region.box][region.mask]):
                area = int(np.count_nonzero(new == other))
                if not other:
                    continue
                if count >= _SAME * min(area, region.area):
                    stands.setdefault((frame, -other), (frame, label))
                if count >= _SAME * area:
                    image[image == -other] = 0
        for label in sorted(self.cells.locked.get(frame, ())):
            region = self.cells.region(frame, label)
            cut = {one for one, _ in _counts(image[region.box][region.mask]) if one < 0}
            image[region.box][region.mask] = label
            for other in cut:
                _keep_largest(image, other)
        present = set(np.unique(image).tolist())
        for node in [n for n in stands if n[0] == frame and n[1] in present]:
            # It is still there beside the locked cell.
            del stands[node]

    def _follows(
        self, labels: Labels, stands: dict[_Node, _Node]
    ) -> dict[_Node, _Node]:
        """Find for each cell the same cell in the next frame."""
        present = [set(np.unique(image).tolist()) - {0} for image in labels]
        follows: dict[_Node, _Node] = {}
        taken: set[_Node] = set()

        def link(first: _Node, second: _Node) -> None:
            if first not in follows and second not in taken:
                follows[first] = second
                taken.add(second)

        held = list(self._held())
        for first, second in held:
            if second[0] == first[0] + 1:
                link(first, second)
        shown = [set(np.unique(image).tolist()) for image in self.new_labels]
        for track in self.new_lineage.tracks:
            # Frames that show nothing are gaps in the tracks of a run.
            frames = (
                t for t in range(track.first, track.last + 1) if track.id in shown[t]
            )
            nodes = [stands.get((t, -track.id), (t, -track.id)) for t in frames]
            for first, second in itertools.pairwise(nodes):
                there = all(node[1] in present[node[0]] for node in (first, second))
                # Two locked cells are one cell only when they were before.
                if there and not (first[1] > 0 and second[1] > 0):
                    link(first, second)
        for first, second in held:
            link(first, second)
        return follows

    def _held(self) -> Iterator[tuple[_Node, _Node]]:
        """Pair locked cells that follow each other in a track, also across its gaps."""
        for frame, ids in self.cells.locked.items():
            for label in sorted(ids):
                later = range(frame + 1, self.cells.tracks[label].last + 1)
                after = next(self.cells.seen(label, later), None)
                if after is not None and label in self.cells.locked.get(after, ()):
                    yield (frame, label), (after, label)

    def _names(self, labels: Labels, follows: dict[_Node, _Node]) -> dict[_Node, int]:
        """Give the chains of cells numbers; locked cells keep theirs.

        The others have those of the new run, where no other cell has them.
        """
        starts = set(follows.values())
        chains: list[list[_Node]] = []
        for frame, image in enumerate(labels):
            for label in np.unique(image).tolist():
                node: _Node | None = (frame, label)
                if not label or node in starts:
                    continue
                chain: list[_Node] = []
                while node is not None:
                    known = next((n[1] for n in chain if n[1] > 0), 0)
                    if node[1] > 0 and known and node[1] != known:
                        # The user has told these two cells apart.
                        chains.append(chain)
                        chain = []
                    chain.append(node)
                    node = follows.get(node)
                chains.append(chain)
        reserved = set().union(*self.cells.locked.values())
        numbers: dict[int, list[_Node]] = {}
        others = []
        for chain in sorted(chains, key=lambda one: one[0]):
            own = next((n[1] for n in chain if n[1] > 0), 0)
            if not own and -chain[0][1] not in reserved:
                # That of the new run: masks that were given may be tracks already.
                own = -chain[0][1]
            if own and own not in numbers:
                numbers[own] = chain
            else:
                others.append(chain)
        taken = reserved.union(numbers)
        free = (number for number in itertools.count(1) if number not in taken)
        numbers.update(zip(free, others, strict=False))
        names: dict[_Node, int] = {}
        for label, chain in numbers.items():
            names.update(dict.fromkeys(chain, label))
        return names

    def _tracks(
        self, labels: Labels, names: dict[_Node, int], stands: dict[_Node, _Node]
    ) -> tuple[Track, ...]:
        """Find spans and parents."""
        frames: dict[int, list[int]] = defaultdict(list)
        for (frame, _), name in names.items():
            frames[name].append(frame)
        tracks = {
            name: Track(name, min(times), max(times)) for name, times in frames.items()
        }

        def relate(child: _Node, parent: _Node, *, bud: bool = False) -> None:
            if child not in names or parent not in names:
                return
            young, old = tracks[names[child]], tracks[names[parent]]
            ended = bud or old.last < young.first
            if young.first == child[0] and not young.parent and ended:
                tracks[young.id] = replace(young, parent=old.id)

        before = self.cells.tracks
        locked_first = {
            (track.first, track.id)
            for track in before.values()
            if track.id in self.cells.locked.get(track.first, ())
        }
        for frame, label in sorted(locked_first):
            parent = before.get(before[label].parent)
            if parent is None:
                continue
            bud = parent.last >= frame
            # That of a bud lives on: it is known by the frame before.
            last = frame - 1 if bud else parent.last
            if parent.id in self.cells.locked.get(last, ()):
                relate((frame, label), (last, parent.id), bud=bud)
        for node, later in self._seen_again(names):
            relate(node, later)
        spans = {track.id: track for track in self.new_lineage.tracks}
        for track in self.new_lineage.tracks:
            if track.parent not in spans:
                continue
            child, parent_node = (
                stands.get(node, node)
                for node in (
                    (track.first, -track.id),
                    (spans[track.parent].last, -track.parent),
                )
            )
            # Where both are locked, the user has decided.
            if not (child in locked_first and parent_node[1] > 0):
                relate(child, parent_node)
        return tuple(tracks[name] for name in sorted(tracks))

    def _seen_again(self, names: dict[_Node, int]) -> list[tuple[_Node, _Node]]:
        """Pair locked cells of one former track that are in two tracks now."""
        pairs = []
        last: dict[int, _Node] = {}
        for frame in sorted(self.cells.locked):
            for label in self.cells.locked[frame]:
                node = (frame, label)
                former = last.get(label)
                if former is not None and names[former] != names[node]:
                    pairs.append((node, former))
                last[label] = node
        return pairs


def _counts(labels: Labels) -> list[tuple[int, int]]:
    ids, counts = np.unique(labels, return_counts=True)
    return list(zip(ids.tolist(), counts.tolist(), strict=True))


def _keep_largest(image: Labels, label: int) -> None:
    """Keep one piece of a cell that another one has cut apart."""
    pieces, count = ndimage.label(image == label, _TOUCHING)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        image[(pieces > 0) & (pieces != sizes.argmax())] = 0
