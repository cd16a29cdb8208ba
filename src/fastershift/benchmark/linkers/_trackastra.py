"""Linker: trackastra, whose weights are downloaded when it is first loaded."""

from typing import Any

import numpy as np

from fastershift.benchmark._masks import MaskMovie
from fastershift.benchmark.linkers._peer import Found, TrackOf, left_alone, quiet
from fastershift.tracking import PlacedCells

__all__ = ["link_by_trackastra", "load_trackastra"]

_MODEL = "general_2d"


def load_trackastra() -> Any:
    """Load its model for all kinds of cells, on the processor."""
    from trackastra.model import Trackastra

    with quiet():
        return Trackastra.from_pretrained(_MODEL, device="cpu")


def link_by_trackastra(movie: MaskMovie, cells: list[PlacedCells]) -> Found:
    """Link with trackastra, in the mode that tells divisions."""
    model = load_trackastra()
    with quiet():
        graph, _ = model.track(np.stack(movie.frames()), movie.masks, mode="greedy")
    tracks, parents = _of_graph(graph, len(movie.masks))
    # Masks without any link are not in the graph.
    return left_alone(tracks, cells), parents


def _of_graph(graph: Any, n_frames: int) -> Found:
    """Follow each cell to the end of its track; nodes tell ``time`` and ``label``."""
    tracks: TrackOf = [{} for _ in range(n_frames)]
    parents: dict[int, int] = {}
    track_of: dict[Any, int] = {}
    largest = 0
    for node in sorted(graph.nodes, key=lambda node: int(graph.nodes[node]["time"])):
        before = next(iter(graph.predecessors(node)), None)
        if before is not None and graph.out_degree(before) == 1:
            track = track_of[before]
        else:
            track = largest = largest + 1
            if before is not None:
                parents[track] = track_of[before]
        track_of[node] = track
        known = graph.nodes[node]
        tracks[int(known["time"])][int(known["label"])] = track
    return tracks, parents
