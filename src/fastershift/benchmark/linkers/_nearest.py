"""The plainest linker: the largest overlap."""

import numpy as np

from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers._peer import Found
from fastershift.labels import overlaps
from fastershift.tracking import PlacedCells

__all__ = ["nearest_overlap"]


def nearest_overlap(movie: MaskMovie, cells: list[PlacedCells]) -> Found:
    """Each cell goes on as the one that it shares most pixels with."""
    masks, tracks = movie.masks, list[dict[int, int]]()
    largest = 0
    for t, frame in enumerate(masks):
        found: dict[int, int] = {}
        if t:
            old, new, counts = overlaps(masks[t - 1], frame)
            taken: set[int] = set()
            for place in np.lexsort((new, old, -counts)).tolist():
                before, now = int(old[place]), int(new[place])
                if before not in taken and now not in found:
                    taken.add(before)
                    found[now] = tracks[-1][before]
        for label in cells[t].ids.tolist():
            if label not in found:
                largest += 1
                found[label] = largest
        tracks.append(found)
    return tracks, {}
