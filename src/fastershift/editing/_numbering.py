"""Which number a corrected cell gets: that of its track."""

from collections.abc import Sequence

from fastershift.editing._cells import Cells
from fastershift.editing._region import Box, Region

__all__ = ["numbers_of_parts", "track_after", "track_before"]

# Least share of the smaller of two cells that they have in common, to be one cell in
# two frames.
_LEAST_SHARED = 0.3


def _shared(cells: Cells, frame: int, label: int, region: Region) -> float:
    """Return the share of the smaller cell that two cells of two frames have."""
    box: Box = region.box
    common = (cells.labels[frame][box] == label) & region.mask
    return int(common.sum()) / min(region.area, cells.frame(frame)[label].area)


def track_before(cells: Cells, frame: int, region: Region) -> int:
    """Find the track that ended in the frame before under a cell.

    Parameters
    ----------
    cells : Cells
        Labels and tracks.
    frame : int
        Frame of the cell.
    region : Region
        Its pixels.

    Returns
    -------
    int
        The track with most in common; 0 when none ended there, or its daughters are
        in this frame.
    """
    if frame == 0:
        return 0
    shared = {
        label: _shared(cells, frame - 1, label, region)
        for label in cells.frame(frame - 1)
        if cells.tracks[label].last == frame - 1
        and all(cells.tracks[one].first != frame for one in cells.children(label))
    }
    best = max(shared, key=lambda label: shared[label], default=0)
    return best if best and shared[best] >= _LEAST_SHARED else 0


def track_after(cells: Cells, frame: int, region: Region) -> int:
    """Find the track that begins in the frame after over a cell, without a parent.

    Parameters
    ----------
    cells, frame, region
        As for `track_before`.

    Returns
    -------
    int
        The track with most in common; 0 when none begins there.
    """
    if frame == len(cells) - 1:
        return 0
    shared = {
        label: _shared(cells, frame + 1, label, region)
        for label in cells.frame(frame + 1)
        if cells.tracks[label].first == frame + 1 and not cells.tracks[label].parent
    }
    best = max(shared, key=lambda label: shared[label], default=0)
    return best if best and shared[best] >= _LEAST_SHARED else 0


def numbers_of_parts(
    cells: Cells, frame: int, label: int, parts: Sequence[Region]
) -> tuple[int, ...]:
    """Decide which part of a cell keeps its number, and which go on with tracks.

    Parameters
    ----------
    cells : Cells
        Labels and tracks.
    frame, label : int
        The cell that is split.
    parts : sequence of Region
        Its parts.

    Returns
    -------
    tuple of int
        As `Split` takes them: a number for each part, 0 for a new one.
    """
    numbers = [0] * len(parts)
    there_before = frame > 0 and label in cells.frame(frame - 1)
    kept = 0
    if there_before:
        shared = [_shared(cells, frame - 1, label, part) for part in parts]
        kept = shared.index(max(shared))
    for number, part in enumerate(parts):
        if number != kept:
            ended = track_before(cells, frame, part)
            numbers[number] = ended if ended not in numbers else 0
    numbers[kept] = label
    return tuple(numbers)
