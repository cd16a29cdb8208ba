"""Suite ``corrections``: errors planted in the truth, and clicks that correct them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fastershift.benchmark._suite import BenchmarkOptions, Cell, SuiteResult, Table
from fastershift.benchmark.suites._planted_errors import (
    KINDS,
    LASTS,
    Kind,
    Labels,
    Planted,
    candidates,
    deepest,
    plant,
)
from fastershift.editing import Change, Edit, Editor, Merge, Swap
from fastershift.errors import InputError
from fastershift.io import read_movie, read_result
from fastershift.pipeline import EmbeddingCache, NetworkEmbeddings, Plan, plan_run
from fastershift.rshn import FrameSource
from fastershift.session import Corrections
from fastershift.simulate import simulate_movie
from fastershift.tracking import Lineage, Track
from fastershift.training import load_ctc_truth

__all__ = ["run"]

# Errors of each kind in a stretch of a movie, and stretches of a movie.
_ERRORS = 12
_STRETCHES = 2
_QUICK_ERRORS = 4

# Frames before an error and after it that belong to a stretch.
_BEFORE, _AFTER = 1, 2
_LENGTH = _BEFORE + 1 + LASTS + _AFTER

# Presses: the tool, the clicks into cells, and the key that accepts with its scope.
# A swap needs no such key, it is made at the second click.
_PRESSES: dict[Kind, int] = {"merge": 4, "split": 4, "drop": 3, "swap": 3}

# Overlap (IoU) with the truth at which a cell is right.
_RIGHT = 0.5

_SIMULATED_SEED = 2000


@dataclass(frozen=True)
class _Task:
    """A movie, its truth, and a run planned on it for the embeddings."""

    name: str
    movie: FrameSource
    labels: Labels
    lineage: Lineage


@dataclass
class _Count:
    """What became of the errors of one kind."""

    errors: int = 0
    presses: int = 0
    frames: int = 0
    right: int = 0
    right_alone: int = 0
    others: int = 0
    harmed: int = 0
    stops: list[str] = field(default_factory=list)

    def add(self, other: "_Count") -> None:
        """Add the counts of another set."""
        self.errors += other.errors
        self.presses += other.presses
        self.frames += other.frames
        self.right += other.right
        self.right_alone += other.right_alone
        self.others += other.others
        self.harmed += other.harmed
        self.stops += other.stops

    @property
    def share(self) -> float | None:
        """Share of the cells in the following frames that are right."""
        return self.right / self.frames if self.frames else None

    def row(self, name: str, kind: Kind) -> tuple[Cell, ...]:
        """Return a row of the table."""
        share = self.right / max(1, self.frames)
        alone = self.right_alone / max(1, self.frames)
        return (
            name,
            kind,
            self.errors,
            round(self.presses / max(1, self.errors), 2),
            self.frames,
            round(share, 3),
            round(alone, 3),
            round(self.harmed / max(1, self.others), 4),
        )


def run(options: BenchmarkOptions) -> SuiteResult:
    """Make errors in the truth of movies, and correct each by the fewest clicks.

    Parameters
    ----------
    options : BenchmarkOptions
        Its data are folders named as in the Cell Tracking Challenge.

    Returns
    -------
    SuiteResult

    Raises
    ------
    InputError
        For a folder without a movie and its truth.
    """
    rows: list[tuple[Cell, ...]] = []
    totals = {kind: _Count() for kind in KINDS}
    tasks = _real(options) if options.data is not None else _simulated(options)
    sets: dict[str, dict[Kind, _Count]] = {}
    for task in tasks:
        counts = sets.setdefault(task.name, {kind: _Count() for kind in KINDS})
        for kind, count in _score(task, options).items():
            counts[kind].add(count)
            totals[kind].add(count)
    for name, counts in sets.items():
        rows += [count.row(name, kind) for kind, count in counts.items()]
    if not sets:
        raise InputError(f"{options.data} holds no movie with its truth.")
    rows += [totals[kind].row("all", kind) for kind in KINDS]
    return SuiteResult(
        {
            "recovered_share": {
                kind: totals[kind].share for kind in KINDS if kind != "swap"
            },
            "clicks_per_error": {
                kind: totals[kind].presses / max(1, totals[kind].errors)
                for kind in KINDS
            },
        },
        (
            Table(
                "Errors put right",
                (
                    "movie",
                    "error",
                    "errors",
                    "presses an error",
                    "cells after it",
                    "right",
                    "right without propagation",
                    "others made wrong",
                ),
                tuple(rows),
            ),
        ),
        notes=(
            f"An error lasts to the next division or {LASTS} frames. A cell is right "
            f"with IoU ≥ {_RIGHT} and the identity it had before the error.",
            "Presses count the tool, every click, and the key that accepts and says "
            "how far.",
            "Labels are the truth, embeddings those of the shipped model, whose "
            "training saw the earlier frames of these movies.",
        ),
    )


def _real(options: BenchmarkOptions) -> Iterator[_Task]:
    assert options.movies is not None  # noqa: S101 (narrows the type)
    for folder in sorted(options.movies.iterdir()):
        if not (folder / "01").is_dir() or not (folder / "01_GT" / "TRA").is_dir():
            continue
        for start in _starts(len(read_movie(folder / "01")), options):
            stop = start + _LENGTH
            labels, lineage = _truth(folder, start, stop)
            movie = read_movie(folder / "01", frames=(start, stop))
            yield _Task(folder.name, movie, labels, lineage)


def _starts(count: int, options: BenchmarkOptions) -> list[int]:
    """Spread the stretches over a movie."""
    last, number = count - _LENGTH, 1 if options.quick else _STRETCHES
    if last < 0:
        return []
    return sorted({round(i * last / max(1, number - 1)) for i in range(number)})


def _truth(folder: Path, start: int, stop: int) -> tuple[Labels, Lineage]:
    """Read the best outlines of the tracked cells in a stretch."""
    truth = load_ctc_truth(folder / "01", frames=(start, stop), grow=True)
    labels = np.stack(truth.labels)
    labels[labels < 0] = 0
    for frame, markers in zip(labels, truth.markers, strict=True):
        # A cell without any outline is its marker.
        lost = np.setdiff1d(markers, frame)
        where = np.isin(markers, lost) & (frame == 0)
        frame[where] = markers[where]
    tracks = read_result(folder / "01_GT")[1]
    return _consistent(
        labels, [(t, a - start, b - start, parent) for t, a, b, parent in tracks]
    )


def _consistent(
    labels: Labels, tracks: Sequence[tuple[int, int, int, int]]
) -> tuple[Labels, Lineage]:
    """Keep the tracks that are there in each of their frames."""
    present = [set(np.unique(frame).tolist()) for frame in labels]
    kept: dict[int, Track] = {}
    for label, first, last, parent in tracks:
        first, last = max(first, 0), min(last, len(labels) - 1)
        if first <= last and all(label in present[t] for t in range(first, last + 1)):
            kept[label] = Track(label, first, last, parent)
    for t, frame in enumerate(labels):
        here = [one.id for one in kept.values() if one.first <= t <= one.last]
        frame[~np.isin(frame, here)] = 0
    return labels, Lineage(
        tuple(
            t
            if t.parent in kept and kept[t.parent].last < t.first
            else replace(t, parent=0)
            for t in kept.values()
        )
    )


def _simulated(options: BenchmarkOptions) -> Iterator[_Task]:
    movie = simulate_movie(_LENGTH, (192, 192), 12, seed=_SIMULATED_SEED + options.seed)
    tracks = tuple(Track(*row) for row in movie.tracks)
    yield _Task("simulated", movie.frames, movie.labels, Lineage(tracks))


def _score(task: _Task, options: BenchmarkOptions) -> dict[Kind, _Count]:
    plan = plan_run(task.movie, device=options.device)
    if isinstance(plan.source, NetworkEmbeddings):
        # All errors of a stretch look at the same frames.
        plan.source.use_cache(EmbeddingCache(2**32))
    counts = {kind: _Count() for kind in KINDS}
    most = _QUICK_ERRORS if options.quick else _ERRORS
    for number, kind in enumerate(KINDS):
        found = list(candidates(kind, task.labels, task.lineage, _BEFORE))
        order = np.random.default_rng([options.seed, number]).permutation(len(found))
        for chosen in order[:most]:
            _correct(counts[kind], plan, task, found[chosen])
    return counts


def _correct(count: _Count, plan: Plan, task: _Task, error: Planted) -> None:
    """Make an error, correct it, and count what is right afterwards."""
    wrong = plant(task.labels, task.lineage, error)
    corrections = Corrections(wrong.labels.copy(), wrong.lineage, plan=plan)
    count.errors += 1
    count.presses += _PRESSES[error.kind]
    count.frames += sum(1 for _ in _places(error))
    try:
        change = corrections.do(_edit(corrections, task.labels, error))
    except InputError as problem:
        count.right_alone += _right(wrong, task, error)
        count.right += _right(wrong, task, error)
        count.stops.append(str(problem))
        return
    count.right_alone += _right(corrections.editor, task, error)
    if error.kind != "swap":
        count.stops.append(_carry(corrections, change, error.first))
    count.right += _right(corrections.editor, task, error)
    others, harmed = _harmed(wrong.labels, corrections.labels, task.labels, error)
    count.others += others
    count.harmed += harmed


def _edit(corrections: Corrections, truth: Labels, error: Planted) -> Edit:
    """Click where a user would."""
    frame = error.first
    points = [deepest(truth[frame] == label) for label in error.cells]
    if error.kind == "swap":
        return Swap(frame, error.cells[0], error.cells[1])
    if error.kind == "split":
        (label,) = error.cells
        pieces = np.unique(corrections.labels[frame][truth[frame] == label]).tolist()
        # The piece that keeps the identity is clicked first.
        return Merge(frame, (label, *(piece for piece in pieces if piece != label)))
    if error.kind == "drop":
        edits: Iterator[Edit | None] = corrections.add(frame, points[0])
    else:
        edits = corrections.split(frame, error.cells[0], points)
    return [edit for edit in edits if edit is not None][-1]


def _carry(corrections: Corrections, change: Change, frame: int) -> str:
    """Propagate from here on; return why it ended."""
    stopped = ""
    for carried in corrections.propagate(frame, change.tracks):
        if carried is not None:
            corrections.extend(change.entry, carried)
            stopped = carried.stopped
    return stopped


def _places(error: Planted) -> Iterator[tuple[int, int]]:
    """Yield frame and cell wherever the error would go on."""
    for frame in range(error.first + 1, error.last + 1):
        for label in error.cells:
            yield frame, label


def _right(editor: Editor, task: _Task, error: Planted) -> int:
    """Count the cells that are right, with the identity they had before the error."""
    before = error.first - 1
    wanted = {
        label: int(editor.labels[before][deepest(task.labels[before] == label)])
        for label in error.cells
    }
    right = 0
    for frame, label in _places(error):
        cell = editor.cells.frame(frame).get(wanted[label])
        mask = task.labels[frame] == label
        shared = np.count_nonzero(mask & (editor.labels[frame] == wanted[label]))
        if cell is not None:
            union = np.count_nonzero(mask) + cell.area - shared
            right += int(shared >= _RIGHT * union)
    return right


def _harmed(
    wrong: Labels, corrected: Labels, truth: Labels, error: Planted
) -> tuple[int, int]:
    """Count the other cells of the stretch, and those that are no longer right."""
    others = harmed = 0
    for frame in range(error.first, len(truth)):
        labels = set(np.unique(truth[frame]).tolist()) - {0, *error.cells}
        others += len(labels)
        changed = wrong[frame] != corrected[frame]
        touched = set(np.unique(truth[frame][changed]).tolist()) & labels
        for label in touched:
            mask = truth[frame] == label
            scores = []
            for result in (wrong, corrected):
                name = int(wrong[frame][deepest(mask)])
                found = result[frame] == name
                union = np.count_nonzero(found | mask)
                scores.append(bool(np.count_nonzero(found & mask) >= _RIGHT * union))
            harmed += int(scores[0] and not scores[1])
    return others, harmed
