"""Suite ``scaling``: how time and memory grow with area, cells, frames, workers."""

import math
import multiprocessing
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import psutil
from numpy.typing import NDArray

from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Plot,
    Series,
    SuiteResult,
    Table,
)
from fastershift.benchmark.suites._scaling_workers import time_of_workers
from fastershift.pipeline import segment_movie
from fastershift.simulate import simulate_movie

__all__ = ["run"]

_DIAMETER = 24.0
_SIDES = (256, 512, 1024, 2048, 4096)
_QUICK_SIDES = _SIDES[:3]
_CELLS = (10, 50, 200, 1000, 5000)
_CELLS_SIDE, _QUICK_CELLS_SIDE = 2048, 1024
_FRAMES = (10, 50, 1000)
_QUICK_FRAMES = (10, 50, 200)

# Share of the frame that cells cover, however many there are.
_COVERED = 0.3
# Directions that the embeddings of cells take; neighbours have different ones.
_DIRECTIONS = 31

# Side of the frames of long movies, and how often memory is looked at, in seconds.
_LONG_SIDE = 128
_INTERVAL = 0.005


def run(options: BenchmarkOptions) -> SuiteResult:
    """Measure how a whole run grows.

    Parameters
    ----------
    options : BenchmarkOptions
        `data` is not used: movies are simulated. In the quick form the largest frames
        and the longest movie are left out.

    Returns
    -------
    SuiteResult
    """
    sides = _QUICK_SIDES if options.quick else _SIDES
    _of_area(sides[0], options)  # what is done once in a process is not measured
    areas = [_of_area(side, options) for side in sides]
    cells_side = _QUICK_CELLS_SIDE if options.quick else _CELLS_SIDE
    cells = [_of_cells(number, cells_side) for number in _CELLS]
    lengths = _QUICK_FRAMES if options.quick else _FRAMES
    long = [_of_length(length, options) for length in lengths]
    memory, seconds = [one.memory for one in long], [one.seconds for one in long]
    by_workers, table, plot = time_of_workers(options)
    summary = {
        "area_exponent": _exponent([side**2 for side in sides], areas),
        "cells_exponent": _exponent(_CELLS, cells),
        # A run of few frames is mostly its beginning.
        "frames_exponent": _exponent(lengths[1:], seconds[1:]),
        "frames_memory_ratio": round(memory[-1] / memory[1], 3),
    }
    tables = (
        _area_table(sides, areas),
        Table(
            "Cells",
            ("cells", "seconds a frame without the network"),
            tuple((n, round(s, 4)) for n, s in zip(_CELLS, cells, strict=True)),
        ),
        _frames_table(lengths, long),
        table,
    )
    plots = (
        _plot("Time and area", "pixels", [side**2 for side in sides], areas),
        _plot("Time and frames", "frames", lengths, seconds, unit="seconds"),
        _plot("Time and cells", "cells", _CELLS, cells, name="without the network"),
        plot,
    )
    notes = _notes(options, sides[-1], cells_side, lengths)
    return SuiteResult(summary | by_workers, tables, plots, notes)


def _area_table(sides: Sequence[int], seconds: Sequence[float]) -> Table:
    return Table(
        "Area",
        ("frame", "seconds a frame", "seconds a megapixel"),
        tuple(
            (f"{side} × {side}", round(one, 4), round(one / side**2 * 1e6, 4))
            for side, one in zip(sides, seconds, strict=True)
        ),
    )


def _frames_table(lengths: Sequence[int], runs: Sequence["_Long"]) -> Table:
    return Table(
        "Frames",
        ("frames", "seconds", "milliseconds a frame", "peak memory, MB"),
        tuple(
            (
                length,
                round(one.seconds, 3),
                round(one.seconds / length * 1e3, 1),
                round(one.memory / 1e6, 1),
            )
            for length, one in zip(lengths, runs, strict=True)
        ),
    )


def _plot(
    title: str,
    sizes: str,
    x: Sequence[float],
    y: Sequence[float],
    *,
    unit: str = "seconds a frame",
    name: str = "whole run",
) -> Plot:
    curve = Series(name, tuple(x), tuple(y))
    return Plot(title, sizes, unit, (curve,), log_x=True, log_y=True)


def _notes(
    options: BenchmarkOptions, side: int, cells_side: int, lengths: Sequence[int]
) -> tuple[str, ...]:
    notes = [
        "An exponent of 1 is a straight line, 0 no growth at all.",
        f"Cells: frames of {cells_side} × {cells_side} pixels of which cells cover "
        f"{_COVERED:.0%}, however many there are; embeddings are given.",
        f"Frames of {_LONG_SIDE} × {_LONG_SIDE} pixels: time, and the peak of the "
        "resident memory above that before the run, less the label stack, each in a "
        f"fresh process; exponent and ratio are those of {lengths[-1]} frames over "
        f"{lengths[1]}.",
    ]
    if options.quick:
        notes.append(
            f"Cut down: up to {side} × {side} pixels, {cells_side} × {cells_side} for "
            f"cells, {lengths[-1]} frames."
        )
    notes.append(
        "Workers: movies of 128 × 128 pixels and 6 frames, run by `fastershift batch`; "
        "starting the processes is not counted. The exponent of a straight line is -1."
    )
    return tuple(notes)


def _exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Fit the power of the size that the time grows with."""
    return round(float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]), 3)


def _frames(n_frames: int, side: int, seed: int) -> NDArray[np.uint16]:
    """Make a movie of any size; large frames repeat a small one."""
    small = min(side, _SIDES[0])
    n_cells = small**2 // 4000
    made = simulate_movie(
        n_frames, (small, small), n_cells, diameter=_DIAMETER, seed=seed + 1
    )
    return np.tile(made.frames, (1, side // small, side // small))


def _of_area(side: int, options: BenchmarkOptions) -> float:
    """Return the seconds of a frame, from pixels to tracks."""
    movie = _frames(2, side, options.seed)
    embed = {"diameter": _DIAMETER, "model": "generalist", "warmup": 0}
    started = time.perf_counter()
    segment_movie(movie, {"embed": embed}, device=options.device)
    return (time.perf_counter() - started) / len(movie)


def _of_cells(n_cells: int, side: int) -> float:
    """Return the seconds of a frame of given embeddings, from vectors to tracks."""
    labels = _grid_of_discs(n_cells, side)
    movie = np.stack([np.roll(labels, shift, axis=1) for shift in range(3)])
    axes = np.random.default_rng(0).normal(size=(_DIRECTIONS + 1, 16))
    axes[:, 0], axes[0] = 0, 0
    axes[0, 0] = 1
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    codes = np.where(movie > 0, 1 + movie % _DIRECTIONS, 0)
    vectors = np.moveaxis(axes.astype(np.float16)[codes], -1, 1)
    started = time.perf_counter()
    result = segment_movie(None, embeddings=vectors)
    seconds = time.perf_counter() - started
    found = len(result.lineage.tracks)
    if not 0.9 * n_cells <= found <= 1.1 * n_cells:
        raise AssertionError(f"{found} tracks were found where {n_cells} cells are.")
    return seconds / len(movie)


def _grid_of_discs(n_cells: int, side: int) -> NDArray[np.int32]:
    """Lay discs of one size on a grid; together they cover the same share always."""
    across = math.ceil(math.sqrt(n_cells))
    cell = side / across
    radius = math.sqrt(_COVERED / math.pi / n_cells) * side
    y, x = np.indices((side, side), sparse=True)
    row, column = (y // cell).astype(int), (x // cell).astype(int)
    inside = (y - (row + 0.5) * cell) ** 2 + (x - (column + 0.5) * cell) ** 2
    number = row * across + column + 1
    labels = np.where((inside < radius**2) & (number <= n_cells), number, 0)
    return labels.astype(np.int32)


class _LongMovie:
    """A few frames, shown to and fro."""

    def __init__(self, frames: NDArray[np.uint16], n_frames: int) -> None:
        self._shown = np.concatenate([frames, frames[-2:0:-1]])
        self._n_frames = n_frames
        self.shape = (n_frames, *frames.shape[1:])

    def __len__(self) -> int:
        return self._n_frames

    def __getitem__(self, index: int) -> NDArray[np.uint16]:
        frame: NDArray[np.uint16] = self._shown[index % len(self._shown)]
        return frame


class _Long(NamedTuple):
    """A run of many frames: its seconds, and its memory in bytes without labels."""

    seconds: float
    memory: int


def _of_length(n_frames: int, options: BenchmarkOptions) -> _Long:
    """Measure a run in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure_long, (n_frames, options))


def _measure_long(n_frames: int, options: BenchmarkOptions) -> _Long:
    movie = _LongMovie(_frames(6, _LONG_SIDE, options.seed), n_frames)
    process = psutil.Process()
    before = peak = process.memory_info().rss
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(_INTERVAL):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    try:
        embed = {"diameter": _DIAMETER, "model": "generalist"}
        result = segment_movie(movie, {"embed": embed}, device=options.device)
        seconds = time.perf_counter() - started
    finally:
        ended.set()
        watcher.join()
    return _Long(seconds, int(peak - before - result.labels.nbytes))
