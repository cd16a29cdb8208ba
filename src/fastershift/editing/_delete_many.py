"""Many cells are deleted at once: those that a filter has found."""

from dataclasses import dataclass

from fastershift.editing._draft import Draft
from fastershift.errors import InputError

__all__ = ["DeleteMany"]


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


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number:,} {word}s"
