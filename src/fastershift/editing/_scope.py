"""Over which frames an edit extends."""

from typing import Literal, TypeAlias

from fastershift.errors import InputError
from fastershift.tracking import Track

__all__ = ["Scope", "frames_in_scope"]

#: This frame alone, from it on, up to a frame (before or after it), or the whole track.
Scope: TypeAlias = Literal["frame", "onwards", "until", "track"]


def frames_in_scope(
    track: Track, frame: int, scope: Scope, until: int | None = None
) -> range:
    """Return the frames of a track that a scope means.

    Parameters
    ----------
    track : Track
        Has a cell in `frame`.
    frame : int
        Where the user is.
    scope : {"frame", "onwards", "until", "track"}
        What the user asks for.
    until : int, optional
        Last frame for ``"until"``, included; before `frame` it means backwards.

    Returns
    -------
    range
        Ascending, within the track.

    Raises
    ------
    InputError
        When `until` is missing.
    """
    if scope == "frame":
        return range(frame, frame + 1)
    if scope == "onwards":
        return range(frame, track.last + 1)
    if scope == "track":
        return range(track.first, track.last + 1)
    if until is None:
        raise InputError("Choose the last frame of the correction.")
    first, last = sorted((frame, until))
    return range(max(first, track.first), min(last, track.last) + 1)
