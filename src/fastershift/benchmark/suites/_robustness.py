"""Suite ``robustness``: how many of the cells are still found after a change."""

import zlib
from collections import defaultdict

import numpy as np

from fastershift.benchmark._suite import BenchmarkOptions, Cell, SuiteResult, Table
from fastershift.benchmark.suites._changes import CHANGES, Scene
from fastershift.benchmark.suites._kinds import Sample, samples_by_kind
from fastershift.errors import InputError
from fastershift.labels import Matches, match_cells
from fastershift.pipeline import segment_movie

__all__ = ["run"]

# Samples of a kind: those with most cells.
_SAMPLES, _QUICK = 2, 1

# Where less than this is found without a change, there is nothing to keep.
_LEAST = 0.3

# Share of the pixels beyond either end of the contrast.
_TAIL = 0.5


def run(options: BenchmarkOptions) -> SuiteResult:
    """Score the movies of suite ``kinds`` with no option set, unchanged and changed.

    Parameters
    ----------
    options : BenchmarkOptions
        As for suite ``kinds``; in the quick form one sample of each kind.

    Returns
    -------
    SuiteResult
        A kept share is the F1 under a change over that without; at most 1.

    Raises
    ------
    InputError
        For a folder without any of the kinds, and where none is found well enough.
    """
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    unchanged: dict[str, float] = {}
    count = _QUICK if options.quick else _SAMPLES
    for kind, samples in samples_by_kind(options):
        scenes = [_scene(one) for one in sorted(samples, key=_cells)[-count:]]
        before = unchanged[kind] = _f1(scenes, None, options)
        if before < _LEAST:
            continue
        for change in CHANGES:
            share = _f1(scenes, change, options) / before
            shares[change][kind] = min(1.0, share)
    if not shares:
        raise InputError("No kind of cells is found well enough to see what is kept.")
    kept = {change: float(np.mean(list(by.values()))) for change, by in shares.items()}
    worst = {change: min(by, key=by.__getitem__) for change, by in shares.items()}
    rows: list[tuple[Cell, ...]] = [
        (change, round(kept[change], 3), round(by[worst[change]], 3), worst[change])
        for change, by in shares.items()
    ]
    without = tuple((kind, round(f1, 3)) for kind, f1 in unchanged.items())
    summary = {
        "kept_share": round(float(np.mean(list(kept.values()))), 4),
        "least_kept_share": round(min(kept.values()), 4),
        "changes": {change: round(share, 4) for change, share in kept.items()},
    }
    tables = (
        Table("Kept", ("change", "kept", "least", "of"), tuple(rows)),
        Table("Unchanged", ("kind", "F1"), without),
    )
    note = f"At most {count} of each kind; kinds below {_LEAST} are left out."
    return SuiteResult(summary, tables, notes=(note,))


def _cells(sample: Sample) -> int:
    return len(np.unique(sample.labels))


def _scene(sample: Sample) -> Scene:
    frames = sample.frames.astype(np.float32)
    low, high = np.percentile(frames, [_TAIL, 100 - _TAIL])
    unit = (frames - low) / max(high - low, 1e-6)
    return Scene(unit.astype(np.float32), sample.labels, sample.diameter)


def _f1(scenes: list[Scene], change: str | None, options: BenchmarkOptions) -> float:
    """Find the cells of all scenes after a change; its draws are always the same."""
    total = Matches()
    for number, scene in enumerate(scenes):
        if change is not None:
            drawn = (options.seed, number, zlib.crc32(change.encode()))
            scene = CHANGES[change](scene, np.random.default_rng(drawn))
        result = segment_movie(scene.frames, device=options.device)
        for truth, found in zip(scene.labels, result.labels, strict=True):
            total += match_cells(truth, found)
    return total.f1
