"""What the lineage says of each track: generation, daughters, last division."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastershift.tracking import Lineage, Track

__all__ = ["TrackFacts", "track_facts"]


@dataclass(frozen=True)
class TrackFacts:
    """What holds for a track in all its frames.

    Attributes
    ----------
    first : int
        Its first frame.
    parent : int
        Track it descends from or continues; 0 for none.
    daughters : tuple of int
        Tracks that descend from it.
    generation : int
        Divisions between the first cell of its tree and it.
    born : int or None
        First frame after the division that it came from.
    """

    first: int
    parent: int
    daughters: tuple[int, ...]
    generation: int
    born: int | None


def track_facts(rows: Iterable[tuple[int, int, int, int]]) -> dict[int, TrackFacts]:
    """Look up what the lineage says of every track.

    Parameters
    ----------
    rows : iterable of (id, first, last, parent)
        All tracks. A parent that is not among them counts as none.

    Returns
    -------
    dict
        `TrackFacts` by the number of the track.
    """
    lineage = Lineage(tuple(Track(*row) for row in rows))
    tracks = {track.id: track for track in lineage.tracks}
    facts: dict[int, TrackFacts] = {}
    # Parents end before their children begin, so they come first.
    for track in sorted(lineage.tracks, key=lambda one: one.first):
        parent = track.parent if track.parent in tracks else 0
        before = facts.get(parent)
        born_here = before is not None and len(before.daughters) > 1
        generation = 0 if before is None else before.generation + born_here
        born = track.first if born_here else before.born if before else None
        facts[track.id] = TrackFacts(
            track.first, parent, lineage.children(track.id), generation, born
        )
    return facts
