"""One labelling of a frame pair, made of those of overlapping parts of it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastershift.tracking._regions import Box, Labels, label_boxes

__all__ = ["stitch_parts"]


def stitch_parts(
    parts: Sequence[tuple[Labels, tuple[int, int]]], shape: tuple[int, int]
) -> npt.NDArray[np.int32]:
    """Join the labels of overlapping parts so that their borders do not show.

    Where parts overlap, a cell is seen more than once. The part in which it lies
    farthest from an inner border knows it best, and is asked first; another sight of
    it, which lies on it for the most part, is left out. Cells are therefore never cut
    at a border, as long as parts overlap by more than a cell.

    Parameters
    ----------
    parts : sequence of (labels, (row, column))
        Labels (F, y, x) of a part, numbered in any way, 0 being background, and the
        place of its first pixel in the frame. Arrays on disk are read cell by cell.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    (F, Y, X) int32
        Labels 1 to K; 0 is background.
    """
    n_frames = len(parts[0][0])
    canvas = np.zeros((n_frames, *shape), dtype=np.int32)
    sights = []
    for number, (labels, start) in enumerate(parts):
        for label, box in label_boxes(np.asarray(labels)).items():
            clearance = _clearance(box, labels.shape[1:], start, shape)
            sights.append((-clearance, number, label, box))
    count = 0
    for _, number, label, box in sorted(sights, key=lambda sight: sight[:3]):
        labels, start = parts[number]
        region = np.asarray(labels[box]) == label
        window = canvas[_moved(box, start)]
        free = region & (window == 0)
        if 2 * np.count_nonzero(free) > np.count_nonzero(region):
            count += 1
            window[free] = count
    return canvas


def _clearance(
    box: Box,
    size: tuple[int, ...],
    start: tuple[int, int],
    shape: tuple[int, int],
) -> float:
    """Distance of a cell's rectangle to the nearest border that lies in the frame."""
    distances = [np.inf]
    for side, length, first, full in zip(box[1:], size, start, shape, strict=True):
        if first > 0:
            distances.append(side.start)
        if first + length < full:
            distances.append(length - side.stop)
    return float(min(distances))


def _moved(box: Box, start: tuple[int, int]) -> Box:
    rows, columns = box[1:]
    return (
        box[0],
        slice(rows.start + start[0], rows.stop + start[0]),
        slice(columns.start + start[1], columns.stop + start[1]),
    )
