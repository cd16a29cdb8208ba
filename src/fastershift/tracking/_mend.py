"""Masks that are missing or merged for a few frames, mended by the frames around."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from fastershift.labels import Box, label_boxes

__all__ = ["mend_masks"]

_Labels = npt.NDArray[np.int32]
_Places = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

# A cell is put in where this share of it finds free background.
_FREE = 0.5
# A mask holds two cells if it is this share of their size together.
_BOTH = 0.7


def mend_masks(labels: _Labels, longest: int) -> list[tuple[int, int]]:
    """Put cells in where their tracks have gaps.

    The mask before the gap moves step by step to the place of the mask after it, and
    takes free background alone. Where the mask of another track lies there instead, and
    is large enough for both cells, it is shared between them. Frames without any cell
    stay empty.

    Parameters
    ----------
    labels : (T, Y, X) int32
        Numbers of tracks; 0 is background. Written to.
    longest : int
        Frames of the longest gap that is mended.

    Returns
    -------
    list of (frame, track)
        What was put in.
    """
    mended: list[tuple[int, int]] = []
    seen: dict[int, int] = {}
    boxes: list[dict[int, Box]] = []
    for time, frame in enumerate(labels):
        boxes.append(label_boxes(frame))
        for track in boxes[time]:
            last = seen.get(track, time)
            seen[track] = time
            if 1 < time - last <= longest + 1:
                for gap in range(last + 1, time):
                    if _put(labels, boxes, track, (last, gap, time)):
                        mended.append((gap, track))
        if time > longest:
            boxes[time - longest - 1] = {}
    return mended


def _put(
    labels: _Labels,
    boxes: Sequence[dict[int, Box]],
    track: int,
    times: tuple[int, int, int],
) -> bool:
    """Put a cell in between two frames that hold it; False where it finds no room."""
    _, gap, _ = times
    frame = labels[gap]
    if not frame.any():
        return False
    rows, columns, size = _moved(labels, boxes, track, times)
    under = frame[rows, columns]
    free = under == 0
    if free.sum() >= _FREE * size:
        frame[rows[free], columns[free]] = track
        return True
    return _share(labels, boxes, (rows, columns), track, times)


def _share(
    labels: _Labels,
    boxes: Sequence[dict[int, Box]],
    places: _Places,
    track: int,
    times: tuple[int, int, int],
) -> bool:
    """Cut a cell out of the mask that covers it; False where that holds one cell."""
    last, gap, time = times
    frame = labels[gap]
    ids, counts = np.unique(frame[places], return_counts=True)
    host = int(ids[counts.argmax()])
    if not host or host not in boxes[last] or host not in boxes[time]:
        return False
    rows, columns, size = _moved(labels, boxes, host, times)
    mask = frame == host
    if 2 * counts.max() < len(places[0]) or mask.sum() < _BOTH * (
        size + len(places[0])
    ):
        return False
    box = boxes[gap].get(host) or label_boxes(frame)[host]
    far = []
    for at in (places, (rows, columns)):
        inside = np.zeros(frame.shape, bool)
        inside[at] = True
        if not inside[box].any():
            return False
        far.append(distance_transform_edt(~inside[box]))
    cut = mask[box] & (far[0] < far[1])
    if not cut.any() or not (mask[box] & ~cut).any():
        return False
    frame[box][cut] = track
    return True


def _moved(
    labels: _Labels,
    boxes: Sequence[dict[int, Box]],
    track: int,
    times: tuple[int, int, int],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Move the mask of the first frame to where it should be in the second.

    Returns
    -------
    rows, columns : (n,) int64
        Its pixels in the frame.
    size : int
        Its pixels, those beyond the frame included.
    """
    last, gap, time = times
    pixels = [
        np.argwhere(labels[t][boxes[t][track]] == track)
        + [side.start for side in boxes[t][track]]
        for t in (last, time)
    ]
    way = pixels[1].mean(axis=0) - pixels[0].mean(axis=0)
    step = np.rint(way * (gap - last) / (time - last)).astype(np.int64)
    moved = pixels[0] + step
    inside = ((moved >= 0) & (moved < labels.shape[1:])).all(axis=1)
    rows, columns = moved[inside].T
    return rows, columns, len(moved)
