"""One result under correction: edits, their history, undo and redo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fastershift.editing._cells import Cells, GivenLineage, Labels
from fastershift.editing._changes import Step, Touched, step_from_record
from fastershift.editing._draft import Draft, Edit
from fastershift.editing._region import Box, Region
from fastershift.errors import InputError
from fastershift.tracking import Lineage

__all__ = ["Change", "Editor", "Entry"]

_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One line of the history.

    Attributes
    ----------
    number : int
        No other entry ever made has it.
    frame : int
        Where the user made the edit.
    text : str
        What was done, one sentence.
    steps : tuple of Step
        How, in this order.
    selected : tuple of int
        Tracks the user works on after it.
    """

    number: int
    frame: int
    text: str
    steps: tuple[Step, ...]
    selected: tuple[int, ...] = ()

    @cached_property
    def record(self) -> dict[str, Any]:
        """The entry as values that JSON can hold; not to be changed."""
        return {
            "number": self.number,
            "frame": self.frame,
            "text": self.text,
            "selected": list(self.selected),
            "steps": [step.record() for step in self.steps],
        }


@dataclass(frozen=True)
class Change:
    """What an edit, or taking one back, has changed.

    Attributes
    ----------
    entry : int
        Number of the entry of the history.
    text : str
        What was done, one sentence.
    frame : int
        Where to look.
    boxes : dict
        Rectangle (rows, columns) that holds all changed pixels, by frame.
    tracks : tuple of int
        Tracks to select.
    lineage_changed : bool
        Whether any track begins, ends or descends otherwise than before.
    locks_changed : bool
        Whether cells were locked or unlocked.
    """

    entry: int
    text: str
    frame: int
    boxes: Mapping[int, Box] = field(default_factory=dict)
    tracks: tuple[int, ...] = ()
    lineage_changed: bool = False
    locks_changed: bool = False

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames whose pixels have changed, ascending."""
        return tuple(sorted(self.boxes))


class Editor:
    """Makes edits on labels and lineage together, and takes them back.

    Parameters
    ----------
    labels : (T, Y, X) int32
        Track ids; changed in place, so that a layer that shows this very array only
        has to be drawn again.
    lineage : Lineage or callable
        The tracks that go with it, see `Cells`.
    record : mapping, optional
        What `record` gave for these labels: history and locks go on from there.

    Attributes
    ----------
    cells : Cells
        Labels, tracks and locks.

    Raises
    ------
    InputError
        For labels that cannot be edited, or a record that does not fit them.
    """

    def __init__(
        self,
        labels: Labels,
        lineage: GivenLineage,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.cells = Cells(labels, lineage)
        self._done: list[Entry] = []
        self._undone: list[Entry] = []
        self._next = 1
        self._revision = 0
        if record is not None:
            self._read(record)

    @property
    def labels(self) -> Labels:
        """The labels, (T, Y, X) int32."""
        return self.cells.labels

    @property
    def lineage(self) -> Lineage:
        """The tracks as they are now."""
        return self.cells.lineage

    @property
    def history(self) -> tuple[Entry, ...]:
        """All entries, those that were taken back included, oldest first."""
        return (*self._done, *reversed(self._undone))

    @property
    def position(self) -> int:
        """How many entries of the history are in force."""
        return len(self._done)

    @property
    def revision(self) -> int:
        """How many changes were made so far, those of undo and redo included."""
        return self._revision

    @property
    def undo_text(self) -> str:
        """What `undo` would take back; empty when there is nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def redo_text(self) -> str:
        """What `redo` would make again; empty when there is nothing."""
        return self._undone[-1].text if self._undone else ""

    def do(self, edit: Edit) -> Change:
        """Make an edit.

        Parameters
        ----------
        edit : Edit
            For example a `Merge`.

        Returns
        -------
        Change

        Raises
        ------
        InputError
            When it cannot be made; nothing has changed then.
        """
        with self.cells.guard:
            draft, text = self._apply(edit)
            entry = Entry(
                self._next, edit.frame, text, tuple(draft.steps), tuple(draft.selected)
            )
            self._next += 1
            self._done.append(entry)
            self._undone.clear()
            return self._change(entry, entry.steps)

    def extend(self, entry: int, edit: Edit) -> Change:
        """Make an edit that is taken back together with the last one.

        Parameters
        ----------
        entry : int
            Number of the entry it belongs to. When that is no longer the last one, the
            edit gets an entry of its own.
        edit : Edit
            As for `do`.

        Returns
        -------
        Change

        Raises
        ------
        InputError
            When it cannot be made; nothing has changed then.
        """
        with self.cells.guard:
            if not self._done or self._done[-1].number != entry or self._undone:
                return self.do(edit)
            draft, text = self._apply(edit)
            before = self._done.pop()
            joined = Entry(
                entry,
                before.frame,
                f"{before.text} {text}".strip(),
                (*before.steps, *draft.steps),
                tuple(draft.selected) or before.selected,
            )
            self._done.append(joined)
            return self._change(joined, tuple(draft.steps))

    def _apply(self, edit: Edit) -> tuple[Draft, str]:
        draft = Draft(self.cells)
        try:
            return draft, edit.apply(draft)
        except BaseException:
            draft.take_back()
            raise

    def undo(self) -> Change | None:
        """Take the last edit back; None when there is none."""
        with self.cells.guard:
            if not self._done:
                return None
            entry = self._done.pop()
            self._undone.append(entry)
            steps = tuple(step.inverse() for step in reversed(entry.steps))
            for step in steps:
                step.apply(self.cells)
            return self._change(entry, steps, "Undone: ")

    def redo(self) -> Change | None:
        """Make the edit that was taken back last again; None when there is none."""
        with self.cells.guard:
            if not self._undone:
                return None
            entry = self._undone.pop()
            self._done.append(entry)
            for step in entry.steps:
                step.apply(self.cells)
            return self._change(entry, entry.steps, "Redone: ")

    def _change(self, entry: Entry, steps: tuple[Step, ...], said: str = "") -> Change:
        self._revision += 1
        touched = Touched()
        for step in steps:
            step.touch(touched, self.cells)
        return Change(
            entry.number,
            said + entry.text,
            entry.frame,
            touched.boxes,
            tuple(label for label in entry.selected if label in self.cells.tracks),
            bool(touched.tracks),
            bool(touched.locks),
        )

    def record(self) -> dict[str, Any]:
        """Return history and locks as values that JSON can hold.

        Returns
        -------
        dict
            To be saved with the labels and the lineage as they are now.
        """
        return self.record_later()()

    def record_later(self) -> Callable[[], dict[str, Any]]:
        """Capture history and locks now, which is cheap; serialise later.

        Returns
        -------
        callable
            Gives the `record` of this moment; to write it takes a while.
        """
        with self.cells.guard:
            position, following, history = self.position, self._next, self.history
            locked = {t: sorted(ids) for t, ids in sorted(self.cells.locked.items())}
            filled = {t: sorted(ids) for t, ids in sorted(self.cells.filled.items())}
            voids = {t: tuple(one) for t, one in sorted(self.cells.voids.items())}

        def write() -> dict[str, Any]:
            return {
                "version": _VERSION,
                "position": position,
                "next": following,
                "history": [entry.record for entry in history],
                "locks": [[frame, ids] for frame, ids in locked.items()],
                "filled": [[frame, ids] for frame, ids in filled.items()],
                "voids": [
                    [frame, [region.record() for region in regions]]
                    for frame, regions in voids.items()
                ],
            }

        return write

    def _read(self, record: Mapping[str, Any]) -> None:
        try:
            if record["version"] != _VERSION:
                raise ValueError("another version")
            entries = [
                Entry(
                    int(one["number"]),
                    int(one["frame"]),
                    str(one["text"]),
                    tuple(step_from_record(step) for step in one["steps"]),
                    tuple(int(label) for label in one["selected"]),
                )
                for one in record["history"]
            ]
            locks, filled = (
                {int(t): {int(label) for label in ids} for t, ids in marked}
                for marked in (record["locks"], record.get("filled", ()))
            )
            voids = {
                int(t): [Region.from_record(region) for region in regions]
                for t, regions in record["voids"]
            }
            position, following = int(record["position"]), int(record["next"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "The saved corrections cannot be read; they are damaged or "
                "from another version of fastershift. The labels can be "
                "opened without them."
            ) from error
        frames = {*locks, *filled, *voids, *(entry.frame for entry in entries)}
        if frames and not 0 <= min(frames) <= max(frames) < len(self.cells):
            raise InputError("The saved corrections belong to another movie.")
        self._done = entries[:position]
        self._undone = entries[position:][::-1]
        self._next = following
        self.cells.locked = locks
        self.cells.filled = filled
        self.cells.voids = voids
