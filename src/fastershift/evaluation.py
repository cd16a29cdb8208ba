"""SEG, DET and TRA of tracked labels, as the Cell Tracking Challenge measures them.

The measures are those of Maška et al., Bioinformatics 30, 2014 (SEG) and Matula et al.,
PLoS ONE 10, 2015 (DET, TRA), computed by py-ctcmetrics (extra ``metrics``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastershift.errors import InputError, import_extra
from fastershift.io import (
    Tracks,
    read_result,
    read_segmentation_truth,
)
from fastershift.labels import as_labels, label_areas, overlaps_and_unions

__all__ = ["Scores", "evaluate", "score_arrays"]

_Labels: TypeAlias = Sequence[NDArray[np.integer]] | NDArray[np.integer]
_Segments: TypeAlias = Mapping[int, NDArray[np.integer]]


@dataclass(frozen=True)
class Scores:
    """Scores from 0 (nothing right) to 1; None where there is no such truth.

    Attributes
    ----------
    seg : float or None
        Mean overlap (intersection over union) with the segments of the truth.
    det : float or None
        Share of the cells that are found, less the work to correct the rest.
    tra : float or None
        The same with the links between frames.
    seg_st : float or None
        As ``seg``, with the silver truth.
    parameters : mapping
        What was compared: the number of ``frames``, the range ``truth_frames`` of the
        truth, and the least share of a segment that its match covers (``overlap``).
    version : str
        Package and version that computed the scores.
    """

    seg: float | None
    det: float | None
    tra: float | None
    seg_st: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    def as_dict(self) -> dict[str, float | None]:
        """Return the scores by their usual names."""
        return {
            "SEG": self.seg,
            "DET": self.det,
            "TRA": self.tra,
            "SEG_ST": self.seg_st,
        }


@dataclass(frozen=True)
class _Matches:
    """Which cells of a frame are the same in truth and result."""

    truth: list[int]
    result: list[int]
    matched_truth: list[int]
    matched_result: list[int]
    overlaps: list[float]  # intersection over union of each matched pair


def _match(truth: NDArray[np.integer], result: NDArray[np.integer]) -> _Matches:
    """Match a result cell to each truth cell that it covers by more than half."""
    truth, result = (
        as_labels(np.maximum(one, 0), 2).astype(np.int32, copy=False)
        for one in (truth, result)
    )
    cells, areas = label_areas(truth)
    first, second, shared, union = overlaps_and_unions(truth, result)
    most = 2 * shared > areas[np.searchsorted(cells, first)]
    return _Matches(
        cells.tolist(),
        label_areas(result)[0].tolist(),
        first[most].tolist(),
        second[most].tolist(),
        (shared / union)[most].tolist(),
    )


def _check_tracks(
    present: Sequence[Sequence[int]], tracks: Tracks, what: str, *, gaps: bool
) -> None:
    """Refuse tracks that do not say the same as the labels."""
    listed: dict[int, set[int]] = {}
    # Where a track may be without a cell.
    free: dict[int, set[int]] = {}
    for track, first, last, _ in tracks:
        listed[track] = set(range(first, last + 1))
        free[track] = set(range(first + 1, last)) if gaps else set()
    seen: dict[int, set[int]] = {}
    for t, labels in enumerate(present):
        for label in labels:
            seen.setdefault(label, set()).add(t)
    for track in sorted(listed.keys() | seen.keys()):
        differing = listed.get(track, set()) ^ seen.get(track, set())
        differing -= free.get(track, set())
        if differing:
            raise InputError(
                f"The list of tracks of {what} does not fit its masks: they differ for "
                f"track {track} in frame {min(differing)}; write both again."
            )


def _without_gaps(
    present: Sequence[Sequence[int]], tracks: Tracks | None
) -> tuple[list[dict[int, int]], NDArray[np.int64]]:
    """Make what follows a gap a track of its own, whose parent is what was before.

    The measures know no gaps, and no parents that are not there or not earlier. Without
    a list of tracks there are no parents.

    Returns
    -------
    names : list of dict
        For each frame, the new number of each label, from 1.
    rows : (n, 4) int64
        The tracks by their new numbers.
    """
    parents = {track: parent for track, *_, parent in tracks or ()}
    names: list[dict[int, int]] = []
    rows: list[list[int]] = []
    before: dict[int, int] = {}
    latest: dict[int, int] = {}
    for t, labels in enumerate(present):
        now: dict[int, int] = {}
        for label in labels:
            if label not in before:
                parent = latest.get(label) or latest.get(parents.get(label, 0), 0)
                rows.append([len(rows) + 1, t, t, parent])
            now[label] = before.get(label, len(rows))
            rows[now[label] - 1][2] = t
        names.append(now)
        before = now
        if tracks is not None:
            latest |= now
    return names, np.array(rows, np.int64).reshape(-1, 4)


def _tracking_scores(
    matches: Sequence[_Matches], tracks: Tracks | None, truth_tracks: Tracks | None
) -> tuple[float | None, float | None]:
    """DET and TRA by the operations that turn the result's graph into the truth's."""
    ctc = _import_metrics("metrics")
    graph = _import_metrics("utils.representations")
    if not any(one.truth for one in matches):
        return None, None
    if not any(one.result for one in matches):
        return 0.0, 0.0
    # A single frame has no links, for which py-ctcmetrics is to get no tracks at all.
    linked = len(matches) > 1
    truth, truth_rows = _without_gaps([one.truth for one in matches], truth_tracks)
    found, rows = _without_gaps([one.result for one in matches], tracks)
    operations = graph.count_acyclic_graph_correction_operations(
        truth_rows if linked else None,
        rows if linked else None,
        # In order, as it takes the place of a number in order for its place here.
        [sorted(names.values()) for names in truth],
        [sorted(names.values()) for names in found],
        [
            [names[label] for label in one.matched_truth]
            for names, one in zip(truth, matches, strict=True)
        ],
        [
            [names[label] for label in one.matched_result]
            for names, one in zip(found, matches, strict=True)
        ],
    )
    return float(ctc.det(**operations)), float(ctc.tra(**operations)[0])


def _segmentation_score(labels: _Labels, segments: _Segments) -> float | None:
    """SEG over the frames for which there are segments."""
    matches = [_match(truth, np.asarray(labels[t])) for t, truth in segments.items()]
    if not any(one.truth for one in matches):
        return None
    seg = _import_metrics("metrics").seg
    return float(seg([m.truth for m in matches], [m.overlaps for m in matches]))


def _import_metrics(module: str) -> Any:
    return import_extra(
        f"ctc_metrics.{module}",
        "metrics",
        "Scores need two more packages; install them",
    )


def _check_sizes(labels: _Labels, truth: Mapping[int, NDArray[np.integer]]) -> None:
    for t, frame in truth.items():
        if not 0 <= t < len(labels):
            raise InputError(
                f"The ground truth has a frame {t}, but the result has only "
                f"{len(labels)} "
                "frames; give the frames of the ground truth that it covers.",
                frames="A:B",
            )
        size = np.asarray(labels[t]).shape
        if size != frame.shape:
            raise InputError(
                f"Frame {t} of the result is {size[0]} × {size[1]} pixels, "
                f"but its ground truth is {frame.shape[0]} × "
                f"{frame.shape[1]}; they do not belong to the same movie."
            )


def score_arrays(
    labels: _Labels,
    tracks: Tracks | None,
    truth_labels: _Labels | None = None,
    truth_tracks: Tracks | None = None,
    seg_frames: _Segments | None = None,
    *,
    silver_frames: _Segments | None = None,
) -> Scores:
    """Compare tracked labels with their truth.

    Parameters
    ----------
    labels : array of int, shape (T, Y, X), or sequence of (Y, X) frames
        The result; 0 = background.
    tracks : sequence of (id, first, last, parent), or None
        Its tracks; what follows a gap counts as a child of what was before it. None
        takes them from the labels, without parents.
    truth_labels, truth_tracks
        The same of the truth for DET and TRA, where there is one.
    seg_frames, silver_frames : mapping of int to (Y, X) array of int, optional
        Segments of the truth and of the silver truth, by frame number; any frames, and
        any of their cells.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        When result and truth differ in frames or size, when tracks and labels
        contradict each other, or when py-ctcmetrics is missing.
    """
    detection = tracking = None
    if truth_labels is not None:
        if len(truth_labels) != len(labels):
            raise InputError(
                f"The result has {len(labels)} frames and its truth "
                f"{len(truth_labels)}; give the frames of the ground truth "
                "that it covers.",
                frames="A:B",
            )
        truth = {t: np.asarray(truth_labels[t]) for t in range(len(truth_labels))}
        _check_sizes(labels, truth)
        matches = [_match(truth[t], np.asarray(labels[t])) for t in truth]
        if tracks is not None:
            found = [one.result for one in matches]
            _check_tracks(found, tracks, "the result", gaps=True)
        if truth_tracks is not None:
            there = [one.truth for one in matches]
            _check_tracks(there, truth_tracks, "the truth", gaps=False)
        detection, tracking = _tracking_scores(matches, tracks, truth_tracks)
    for segments in (seg_frames, silver_frames):
        _check_sizes(labels, segments or {})
    seg = _segmentation_score(labels, seg_frames or {})
    silver = _segmentation_score(labels, silver_frames or {})
    parameters = {"frames": len(labels), "overlap": 0.5}
    used = f"py-ctcmetrics {version('py-ctcmetrics')}"
    return Scores(seg, detection, tracking, silver, parameters, used)


def _cut_tracks(tracks: Tracks, first: int, stop: int) -> list[tuple[int, ...]]:
    """Tracks within a range of frames, counted from its first frame."""
    inside = {track for track, b, e, _ in tracks if b < stop and e >= first}
    return [
        (
            track,
            max(begin, first) - first,
            min(end, stop - 1) - first,
            parent if parent in inside else 0,
        )
        for track, begin, end, parent in tracks
        if track in inside
    ]


def _cut_segments(segments: _Segments, first: int, stop: int) -> _Segments:
    return {t - first: frame for t, frame in segments.items() if first <= t < stop}


def _read_truth(path: Path) -> tuple[Any, Any, _Segments]:
    """Labels and tracks of TRA, where there is one, and the frames of SEG."""
    if not path.is_dir():
        raise InputError(
            f"There is no ground truth at {path}; give a folder such as 01_GT."
        )
    segments = read_segmentation_truth(path)
    if segments and not (path / "TRA").is_dir():
        return None, None, segments
    return *read_result(path), segments


def evaluate(
    result: str | Path,
    truth: str | Path,
    *,
    silver: str | Path | None = None,
    frames: tuple[int, int] | None = None,
) -> Scores:
    """Compare a saved result with its truth.

    Parameters
    ----------
    result : str or Path
        What `fastershift.io.read_result` reads, for example a folder with mask000.tif
        … and res_track.txt.
    truth : str or Path
        Folder ``01_GT`` with ``TRA``, ``SEG`` or both.
    silver : str or Path, optional
        Folder ``01_ST`` with ``SEG``.
    frames : (int, int), optional
        The frames of the truth that the result covers: the first, counted from 0, and
        the one after the last. Not needed when both have the same frames.

    Returns
    -------
    Scores
        An empty result scores 0.

    Raises
    ------
    InputError
        When result and truth do not belong together, or files are missing.
    """
    labels, tracks = read_result(result)
    truth_labels, truth_tracks, segments = _read_truth(Path(truth))
    silver_segments: _Segments = {}
    if silver is not None:
        silver_segments = read_segmentation_truth(Path(silver))
        if not silver_segments:
            raise InputError(
                f"{silver} does not contain silver truth; give a folder such as 01_ST."
            )
    first, stop = frames or (0, len(labels))
    if frames is not None:
        if stop - first != len(labels) or first < 0:
            raise InputError(
                f"The result has {len(labels)} frames, which are not the frames "
                f"{first}:{stop} of the ground truth; give the range that was tracked."
            )
        if truth_labels is not None:
            if stop > len(truth_labels):
                raise InputError(
                    f"The ground truth has {len(truth_labels)} frames, so there "
                    "is no range "
                    f"{first}:{stop}; give a range within 0:{len(truth_labels)}."
                )
            truth_labels = truth_labels[first:stop]
            truth_tracks = _cut_tracks(truth_tracks, first, stop)
        segments = _cut_segments(segments, first, stop)
        silver_segments = _cut_segments(silver_segments, first, stop)
    scores = score_arrays(
        labels,
        tracks,
        truth_labels,
        truth_tracks,
        seg_frames=segments,
        silver_frames=silver_segments,
    )
    compared = {**scores.parameters, "truth_frames": (first, stop)}
    return replace(scores, parameters=compared)
