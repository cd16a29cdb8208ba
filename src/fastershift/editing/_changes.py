"""The few things an edit is made of, each with its inverse."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self, TypeAlias

import numpy as np

from fastershift.editing._cells import Cells, Labels
from fastershift.editing._region import Box, Region, joined_box
from fastershift.tracking import Track

__all__ = [
    "FilledStep",
    "LockStep",
    "RecolorStep",
    "RenameStep",
    "ReplaceStep",
    "Step",
    "Touched",
    "TrackStep",
    "VoidStep",
    "pack_labels",
    "step_from_record",
]


class Touched:
    """Collects where the steps of an edit have left a mark.

    Attributes
    ----------
    boxes : dict
        Rectangle of changed pixels by frame.
    tracks : set of int
        Tracks whose row or name has changed.
    locks : set of int
        Frames in which cells were locked or unlocked.
    """

    def __init__(self) -> None:
        self.boxes: dict[int, Box] = {}
        self.tracks: set[int] = set()
        self.locks: set[int] = set()

    def pixels(self, frame: int, box: Box) -> None:
        """Note a rectangle."""
        self.boxes[frame] = joined_box(self.boxes.get(frame), box)


class Step(Protocol):
    """A change that knows its inverse."""

    def apply(self, cells: Cells) -> None:
        """Make the change."""

    def inverse(self) -> "Step":
        """Return the step that takes it back."""

    def touch(self, touched: Touched, cells: Cells) -> None:
        """Note what it has changed, after it was applied."""

    def record(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""


@dataclass(frozen=True)
class RecolorStep:
    """The pixels of a region go from one label to another."""

    frame: int
    region: Region
    before: int
    after: int

    def apply(self, cells: Cells) -> None:
        """Make the change."""
        cells.recolor(self.frame, self.region, self.after)

    def inverse(self) -> "RecolorStep":
        """Return the step that takes it back."""
        return RecolorStep(self.frame, self.region, self.after, self.before)

    def touch(self, touched: Touched, cells: Cells) -> None:
        """Note what it has changed."""
        touched.pixels(self.frame, self.region.box)

    def record(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "kind": "recolor",
            "frame": self.frame,
            "before": self.before,
            "after": self.after,
            **self.region.record(),
        }


@dataclass(frozen=True)
class RenameStep:
    """Labels get other names in the frames `first` to `last`."""

    first: int
    last: int
    names: tuple[tuple[int, int], ...]

    def apply(self, cells: Cells) -> None:
        """Make the change."""
        cells.rename(range(self.first, self.last + 1), dict(self.names))

    def inverse(self) -> "RenameStep":
        """Return the step that takes it back."""
        names = tuple((new, old) for old, new in self.names)
        return RenameStep(self.first, self.last, names)

    def touch(self, touched: Touched, cells: Cells) -> None:
        """Note what it has changed."""
        for frame in range(self.first, self.last + 1):
            known = cells.frame(frame)
            for _, new in self.names:
                if new in known:
                    touched.pixels(frame, known[new].box)
        touched.tracks.update(label for pair in self.names for label in pair)

    def record(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "kind": "rename",
            "frames": [self.first, self.last],
            "names": [list(pair) for pair in self.names],
        }


@dataclass(frozen=True)
class TrackStep:
    """Rows of the lineage are exchanged."""

    before: tuple[Track, ...]
    after: tuple[Track, ...]

    def apply(self, cells: Cells) -> None:
        """Make the change."""
        cells.change_tracks(self.before, self.after)

    def inverse(self) -> "TrackStep":
        """Return the step that takes it back."""
        return TrackStep(self.after, self.before)

    def touch(self, touched: Touched, cells: Cells) -> None:
        """Note what it has changed."""
        touched.tracks.update(track.id for track in (*self.before, *self.after))

    def record(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "kind": "tracks",
            "before": [_row(track) for track in self.before],
            "after": [_row(track) for track in self.after],
        }


@dataclass(frozen=True)
class _MarkStep:
    """A mark is taken from some cells of a frame, and set on others."""

    frame: int
    removed: tuple[int, ...] = ()
    added: tuple[int, ...] = ()

    kind: ClassVar[str]

    def inverse(self) -> Self:
        """Return the step that takes it back."""
        return replace(self, removed=self.added, added=self.removed)

    def record(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "kind": self.kind,
            "frame": self.frame,
            "removed": list(self.removed),
            "added": list(self.added),
        }


class LockStep(_MarkStep):
    """Cells of a frame are unlocked and locked."""

    kind = "locks"

    def apply(self, cells: Cells) -> None:
        """Make the change."""
        cells.change_locks(self.frame, self.removed, self.added)

    def touch(self, touched: Touched, cells: Cells) -> None:
        """Note what it has changed."""
        touched.locks.add(self.frame)


class FilledStep(_MarkStep):
    """It is forgotten and noted which cells of a frame were put in to fill a gap."""

    kind = "filled"

    def apply(self, cells: Cells) -> None:
        """Make the change."""
        cells.change_filled(self.frame, self.removed, self.added)

    def touch(self, touched: Touched, cells: Cells) -> None:
        """Note nothing: it is not drawn."""


@dataclass(frozen=True)
class VoidStep:
    """Regions in which cells were deleted are forgotten and remembered."""

    frame: int
    removed: tuple[Region, ...] = ()
    added: tuple[Region, ...] = ()

    def apply(self, cells: Cells) -> None:
        """Make the change."""
        cells.change_voids(self.frame, self.removed, self.added)

    def inverse(self) -> "VoidStep":
        """Return the step that takes it back."""
        return VoidStep(self.frame, self.added, self.removed)

    def touch(self, touched: Touched, cells: Cells) -> None:
        """Note what it has changed."""
        touched.locks.add(self.frame)

    def record(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "kind": "voids",
            "frame": self.frame,
            "removed": [region.record() for region in self.removed],
            "added": [region.record() for region in self.added],
        }


@dataclass(frozen=True)
class ReplaceStep:
    """All labels of a frame are exchanged, as a new run does it; kept compressed."""

    frame: int
    before: bytes
    after: bytes

    def apply(self, cells: Cells) -> None:
        """Make the change."""
        shape = cells.labels.shape[1:]
        flat = np.frombuffer(zlib.decompress(self.after), "<i4")
        cells.replace_frame(self.frame, flat.reshape(shape).astype(np.int32))

    def inverse(self) -> "ReplaceStep":
        """Return the step that takes it back."""
        return ReplaceStep(self.frame, self.after, self.before)

    def touch(self, touched: Touched, cells: Cells) -> None:
        """Note what it has changed."""
        height, width = cells.labels.shape[1:]
        touched.pixels(self.frame, (slice(0, height), slice(0, width)))

    def record(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "kind": "replace",
            "frame": self.frame,
            "before": base64.b85encode(self.before).decode("ascii"),
            "after": base64.b85encode(self.after).decode("ascii"),
        }


def pack_labels(labels: Labels) -> bytes:
    """Compress the labels of a frame for a `ReplaceStep`."""
    return zlib.compress(np.ascontiguousarray(labels, "<i4").tobytes(), 1)


def _row(track: Track) -> list[int]:
    return [track.id, track.first, track.last, track.parent]


_AnyStep: TypeAlias = (
    RecolorStep
    | RenameStep
    | TrackStep
    | LockStep
    | FilledStep
    | VoidStep
    | ReplaceStep
)


def step_from_record(record: Mapping[str, Any]) -> _AnyStep:
    """Read what the `record` of a step has given.

    Raises
    ------
    KeyError, TypeError, ValueError
        When it is no such record.
    """
    kind = record["kind"]
    if kind == "recolor":
        return RecolorStep(
            int(record["frame"]),
            Region.from_record(dict(record)),
            int(record["before"]),
            int(record["after"]),
        )
    if kind == "rename":
        first, last = record["frames"]
        names = tuple((int(old), int(new)) for old, new in record["names"])
        return RenameStep(int(first), int(last), names)
    if kind == "tracks":
        before, after = (
            tuple(Track(*(int(number) for number in row)) for row in record[name])
            for name in ("before", "after")
        )
        return TrackStep(before, after)
    if kind in ("locks", "filled"):
        removed, added = (
            tuple(int(label) for label in record[name]) for name in ("removed", "added")
        )
        made: type[LockStep | FilledStep]
        made = LockStep if kind == "locks" else FilledStep
        return made(int(record["frame"]), removed, added)
    if kind == "voids":
        gone, new = (
            tuple(Region.from_record(one) for one in record[name])
            for name in ("removed", "added")
        )
        return VoidStep(int(record["frame"]), gone, new)
    if kind == "replace":
        packed = (base64.b85decode(record[name]) for name in ("before", "after"))
        return ReplaceStep(int(record["frame"]), *packed)
    raise ValueError(f"there is no step called {kind}")
