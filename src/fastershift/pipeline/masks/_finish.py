"""What becomes of masks once they are linked."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastershift.config import TrackSettings
from fastershift.tracking import Finalizer, Lineage, MaskLinker, mend_masks

__all__ = ["drift_notice", "finish_masks", "mending_notices", "taken_notice"]

_Labels = npt.NDArray[np.int32]

# A common move of this many cell diameters is told.
_DRIFT = 0.25


def drift_notice(drifts: Sequence[tuple[float, float]], diameter: float) -> str:
    """Tell how far the stage moved, where that is more than a part of a cell.

    Parameters
    ----------
    drifts : sequence of (float, float)
        Rows and columns by which each frame lies apart from the one before.
    diameter : float
        Of a cell, in pixels.

    Returns
    -------
    str
        Empty where it stood still.
    """
    steps = np.hypot(*np.array(drifts).T) if drifts else np.zeros(1)
    if steps.max(initial=0) < _DRIFT * diameter:
        return ""
    frames = np.count_nonzero(steps >= _DRIFT * diameter)
    many = "one frame" if frames == 1 else f"{frames} frames"
    return (
        f"All cells move together in {many}, by up to {steps.max():.0f} pixels from "
        "one frame to the next. This drift of the stage was removed for linking."
    )


def mending_notices(
    filled: Sequence[list[int]], joined: Sequence[list[int]]
) -> list[str]:
    """Tell how many masks were mended, and how.

    Parameters
    ----------
    filled, joined : sequence of [frame, track]
        As `finish_masks` gives them.

    Returns
    -------
    list of str
    """
    done = (
        (
            filled,
            "added or cut out where cells were missing or merged for a few frames",
        ),
        (joined, "made whole that were in two parts for a frame"),
    )
    return [
        f"{f'{len(mended)} masks' if len(mended) > 1 else 'One mask'} {how}."
        for mended, how in done
        if mended
    ]


def taken_notice(taken: Sequence[tuple[str, int]]) -> str:
    """Tell which alternatives the cells come from.

    Parameters
    ----------
    taken : sequence of (str, int)
        The alternatives, and how many cells come from each.

    Returns
    -------
    str
        Empty where there were no alternatives.
    """
    if not taken:
        return ""
    *parts, last = (f"{count} from {name}" for name, count in taken)
    cells = sum(count for _, count in taken)
    return f"{cells} cells were chosen: {', '.join(parts)} and {last}."


def finish_masks(
    settings: TrackSettings, labels: _Labels, linker: MaskLinker | None
) -> tuple[Lineage, list[list[int]], list[list[int]]]:
    """Decide the tracks of linked masks, in place.

    Parameters
    ----------
    settings : TrackSettings
        Resolved.
    labels : (T, Y, X) int32
        Linked masks; they get the numbers of their tracks.
    linker : MaskLinker or None
        What linked them; None for numbers that were those of tracks already.

    Returns
    -------
    lineage : Lineage
    filled : list of [frame, track]
        Masks that were put in where cells were missing, or cut out of others.
    joined : list of [frame, track]
        Masks that were in two parts.
    """
    filled = list[tuple[int, int]]()
    descent = None if linker is None else linker.descent()
    if descent is not None and settings.mend_masks:
        filled = mend_masks(labels, settings.longest_gap)
    finalizer = Finalizer(settings)
    for frame in labels:
        finalizer.add(frame)
    names, lineage = finalizer.finish(descent)
    for t, frame in enumerate(labels):
        frame[:] = names.apply(t, frame)
    final = [
        dict(zip(ids.tolist(), tracks.tolist(), strict=True))
        for ids, tracks in zip(names.labels, names.tracks, strict=True)
    ]
    joined = []
    for t, tracks in enumerate(names.tracks):
        ids, counts = np.unique(tracks[tracks > 0], return_counts=True)
        joined += [[t, track] for track in ids[counts > 1].tolist()]
    kept = [[t, final[t][track]] for t, track in filled]
    # What was put in is removed again where it lies at the border, or is too short.
    return lineage, [[t, track] for t, track in kept if track], joined
