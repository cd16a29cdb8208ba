"""Scores of links, by traccuracy."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastershift.benchmark._masks import MaskMovie
from fastershift.errors import InputError
from fastershift.labels import label_areas, overlaps

__all__ = ["LinkScores", "score_links"]

_Labels = npt.NDArray[np.int32]
_Tracks = Sequence[tuple[int, int, int, int]]

# Divisions that are told up to so many frames early or late count.
_BUFFER = 1


@dataclass(frozen=True)
class LinkScores:
    """How well masks are linked.

    Attributes
    ----------
    tra : float
        TRA of the Cell Tracking Challenge, 0 to 1.
    aogm : float
        Weighted number of links that have to be added, deleted or changed.
    division_f1 : float or None
        F1 of the divisions, a frame early or late allowed; None where none is true.
    """

    tra: float
    aogm: float
    division_f1: float | None


def score_links(movie: MaskMovie, labels: _Labels, tracks: _Tracks) -> LinkScores:
    """Compare tracks with the true ones.

    Parameters
    ----------
    movie : MaskMovie
        The truth.
    labels : (T, Y, X) int32
        Track ids.
    tracks : sequence of (id, first, last, parent)
        The tracks.

    Returns
    -------
    LinkScores

    Raises
    ------
    InputError
        Where the packages that score are not installed.
    """
    try:
        from traccuracy import TrackingGraph
        from traccuracy.matchers import Matched
        from traccuracy.metrics import CTCMetrics, DivisionMetrics
    except ImportError as error:
        raise InputError(
            "Scores need two more packages; install them with "
            "pip install 'fastershift[metrics]'."
        ) from error
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")

        pairs = _pairs(movie.truth, labels, movie.tracks, tracks)

        def matched(chosen: list[tuple[int, int]]) -> Matched:
            # Each metric writes into the graphs.
            graphs = [
                TrackingGraph(_graph(rows), validate=False)
                for rows in (movie.tracks, tracks)
            ]
            return Matched(*graphs, chosen, {"name": "CTC", "matching type": None})

        links = CTCMetrics().compute(matched(list(pairs)), override_matcher=True)
        divisions = (
            DivisionMetrics(max_frame_buffer=_BUFFER)
            .compute(matched(_one_to_one(pairs)), override_matcher=True)
            .results[f"Frame Buffer {_BUFFER}"]
        )
    found = links.results
    aogm = found["fp_edges"] + 1.5 * found["fn_edges"] + found["ws_edges"]
    f1 = divisions["Division F1"]
    parents = [parent for *_, parent in movie.tracks if parent]
    if len(parents) == len(set(parents)):
        return LinkScores(float(found["TRA"]), float(aogm), None)
    # Where none is told there is no precision, and no F1 by that count.
    return LinkScores(float(found["TRA"]), float(aogm), float(np.nan_to_num(f1)))


def _nodes(tracks: _Tracks) -> dict[tuple[int, int], int]:
    """Give each cell, by track and frame, a number from 1."""
    cells = [
        (track, t) for track, first, last, _ in tracks for t in range(first, last + 1)
    ]
    return {cell: number for number, cell in enumerate(cells, start=1)}


def _graph(tracks: _Tracks) -> object:
    import networkx as nx

    nodes, ends = _nodes(tracks), {track: last for track, _, last, _ in tracks}
    graph = nx.DiGraph()
    for (track, t), number in nodes.items():
        graph.add_node(number, t=t, segmentation_id=track)
    for track, first, last, parent in tracks:
        if parent:
            graph.add_edge(nodes[parent, ends[parent]], nodes[track, first])
        for t in range(first, last):
            graph.add_edge(nodes[track, t], nodes[track, t + 1])
    return graph


def _pairs(
    truth: _Labels, labels: _Labels, true_tracks: _Tracks, tracks: _Tracks
) -> dict[tuple[int, int], int]:
    """Match the cell that covers more than half of each marker; count its pixels."""
    true_nodes, nodes = _nodes(true_tracks), _nodes(tracks)
    pairs: dict[tuple[int, int], int] = {}
    for t, (marker, frame) in enumerate(zip(truth, labels, strict=True)):
        areas = dict(zip(*(part.tolist() for part in label_areas(marker)), strict=True))
        for true, found, count in zip(*overlaps(marker, frame), strict=True):
            if 2 * count > areas[int(true)]:
                pair = true_nodes[int(true), t], nodes[int(found), t]
                pairs[pair] = int(count)
    return pairs


def _one_to_one(pairs: dict[tuple[int, int], int]) -> list[tuple[int, int]]:
    """Leave a cell that covers several markers the one that it covers most of."""
    best: dict[int, tuple[int, int]] = {}
    for true, found in sorted(pairs, key=lambda pair: pairs[pair]):
        best[found] = true, found
    return list(best.values())
