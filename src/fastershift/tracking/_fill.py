"""Cells that are missing for a few frames, put in where they should be."""

import numpy as np
import numpy.typing as npt

from fastershift.labels import Box, label_boxes

__all__ = ["fill_gaps"]

_Labels = npt.NDArray[np.int32]

# A cell is put in where this share of it finds free background.
_FREE = 0.5


def fill_gaps(labels: _Labels, longest: int) -> list[tuple[int, int]]:
    """Put cells in where their tracks have gaps.

    The mask before the gap moves step by step to the place of the mask after it, and
    takes free background alone. Frames without any cell stay empty.

    Parameters
    ----------
    labels : (T, Y, X) int32
        Numbers of tracks; 0 is background. Written to.
    longest : int
        Frames of the longest gap that is filled.

    Returns
    -------
    list of (frame, track)
        What was put in.
    """
    filled: list[tuple[int, int]] = []
    seen: dict[int, tuple[int, Box]] = {}
    for time, frame in enumerate(labels):
        boxes = label_boxes(frame)
        for track, box in boxes.items():
            last, before = seen.get(track, (time, box))
            seen[track] = time, box
            if 1 < time - last <= longest + 1:
                mask = labels[last][before] == track
                start = _middle(mask, before)
                way = _middle(frame[box] == track, box) - start
                for gap in range(last + 1, time):
                    step = np.rint(way * (gap - last) / (time - last)).astype(int)
                    corner = before[0].start + step[0], before[1].start + step[1]
                    if labels[gap].any() and _put(labels[gap], track, mask, corner):
                        filled.append((gap, track))
    return filled


def _middle(mask: npt.NDArray[np.bool_], box: Box) -> npt.NDArray[np.float64]:
    """Return the centroid of a mask in its frame."""
    corner = [side.start for side in box]
    place: npt.NDArray[np.float64] = np.argwhere(mask).mean(axis=0) + corner
    return place


def _put(
    frame: _Labels, track: int, mask: npt.NDArray[np.bool_], corner: tuple[int, int]
) -> bool:
    """Write a mask at a place, on background; False where too little of it is free."""
    rows, columns = (
        axis + start for axis, start in zip(np.nonzero(mask), corner, strict=True)
    )
    inside = (rows >= 0) & (rows < frame.shape[0])
    inside &= (columns >= 0) & (columns < frame.shape[1])
    rows, columns = rows[inside], columns[inside]
    free = frame[rows, columns] == 0
    if free.sum() < _FREE * mask.sum():
        return False
    frame[rows[free], columns[free]] = track
    return True
