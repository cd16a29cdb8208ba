"""Edits of many frames at once: cells that a filter has found, strokes through time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastershift.editing._changes import RenameStep
from fastershift.editing._draft import Draft
from fastershift.editing._pixel_edits import Paint
from fastershift.errors import InputError

__all__ = ["DeleteMany", "PaintMany"]


@dataclass(frozen=True)
class DeleteMany:
    """Delete any cells, in any frames.

    Attributes
    ----------
    frame : int
        Where the user is.
    cells : tuple of (int, int)
        Frame and track of each.
    """

    frame: int
    cells: tuple[tuple[int, int], ...]

    def apply(self, draft: Draft) -> str:
        """Make the edit."""
        if not self.cells:
            raise InputError("There are no cells to delete.")
        by_track: dict[int, set[int]] = {}
        for frame, label in self.cells:
            by_track.setdefault(label, set()).add(frame)
        for label, frames in by_track.items():
            track = draft.track(label)
            seen = draft.cells.seen(label, range(track.first, track.last + 1))
            for frame in _in_order(list(seen), frames):
                region = draft.require_cell(frame, label)
                draft.fill(frame, region, 0)
                draft.remember_void(frame, region)
        first, last = min(self.cells)[0], max(self.cells)[0]
        where = f"frame {first}" if first == last else f"frames {first} to {last}"
        cells, tracks = (len(set(self.cells)), "cell"), (len(by_track), "track")
        return f"Deleted {_count(*cells)} of {_count(*tracks)} in {where}."


def _in_order(seen: list[int], frames: set[int]) -> list[int]:
    """Begin with the first frames of a track; then go on from its end.

    It is cut in two only where cells are left on both sides of one that is deleted, and
    the part before keeps the number.
    """
    ascending = sorted(frames)
    leading = [one for one, own in zip(ascending, seen, strict=False) if one == own]
    return leading + ascending[len(leading) :][::-1]


@dataclass(frozen=True)
class PaintMany:
    """A stroke of the brush that goes through several frames.

    Attributes
    ----------
    frame : int
        Where the user is.
    strokes : tuple of Paint
        What was painted in each frame, in the order of time.
    """

    frame: int
    strokes: tuple[Paint, ...]

    def apply(self, draft: Draft) -> str:
        """Make the edit; the pixels may already have been painted."""
        for stroke in self.strokes:
            draft.require_frame(stroke.frame)
        # All of them first: a track is looked at in other frames, too.
        draft.cells.put_back(
            [
                (stroke.frame, region, value)
                for stroke in self.strokes
                for value, region in stroke.before
            ]
        )
        said, selected = [], draft.selected
        became: dict[int, int] = {}
        for stroke in self.strokes:
            said.append(_as_named_now(draft, stroke, became).apply(draft))
            selected = draft.selected or selected
            labels = draft.cells.labels[stroke.frame]
            for value, region in stroke.after:
                became[value] = int(labels[region.box][region.mask][0])
        draft.selected = selected
        return " ".join(said)


def _as_named_now(draft: Draft, stroke: Paint, became: Mapping[int, int]) -> Paint:
    """Give a stroke the numbers that its cells have since other frames were painted.

    Parameters
    ----------
    draft : Draft
        With what was done in those.
    stroke : Paint
        With the numbers as they were.
    became : mapping of int to int
        What those of new cells were last painted as.
    """
    names: dict[int, int] = {}
    for value, _ in (*stroke.before, *stroke.after):
        name = value
        for step in draft.steps:
            if isinstance(step, RenameStep) and step.first <= stroke.frame <= step.last:
                name = dict(step.names).get(name, name)
        known = not name or name in draft.cells.frame(stroke.frame)
        names[value] = name if known else became.get(value, name)
    return replace(
        stroke,
        before=tuple((names[value], region) for value, region in stroke.before),
        after=tuple((names[value], region) for value, region in stroke.after),
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number:,} {word}s"
