"""Suite ``start``: from the first click to the first preview."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fastershift.benchmark._display import in_new_window, screen
from fastershift.benchmark._suite import BenchmarkOptions, Cell, SuiteResult, Table
from fastershift.errors import InputError
from fastershift.simulate import simulate_movie

__all__ = ["run"]

_SIDE, _FRAMES, _CELLS = 512, 4, 60
_HELPS = 5
_WINDOWS, _QUICK_WINDOWS = 3, 1
_FIGURES = ("window_seconds", "first_preview_seconds", "chosen_preview_seconds")


def run(options: BenchmarkOptions) -> SuiteResult:
    """Time how soon the command answers and the window shows something.

    Parameters
    ----------
    options : BenchmarkOptions
        `data` is not used: the movie is simulated. In the quick form the window is
        opened once, and not as if it were for the first time after installing.

    Returns
    -------
    SuiteResult
    """
    summary: dict[str, Any] = dict.fromkeys((*_FIGURES, "held_milliseconds"))
    summary["help_seconds"] = round(min(_help() for _ in range(_HELPS)), 3)
    notes = [
        "The widget is opened with its defaults, but for the cell diameter; the first "
        "preview counts from opening it. It shows what the generalist finds in the "
        "frame alone; once the model has been chosen, what a run will find.",
        "A timer beats every 10 ms; the longest gap between two beats is how long the "
        "window was held. With a virtual screen the processor also draws.",
    ]
    tables: list[Table] = []
    try:
        with screen() as environment, TemporaryDirectory() as folder:
            movie = Path(folder) / "movie.npy"
            made = simulate_movie(
                _FRAMES, (_SIDE, _SIDE), _CELLS, diameter=24, seed=options.seed
            )
            np.save(movie, made.frames)
            count = _QUICK_WINDOWS if options.quick else _WINDOWS
            windows = [_window(options, movie, environment) for _ in range(count)]
            summary |= _figures(windows)
            tables.append(_table(windows))
            if not options.quick:
                # What is compiled is kept here, and nothing has been kept yet.
                fresh = {**environment, "NUMBA_CACHE_DIR": str(Path(folder) / "new")}
                new = _window(options, movie, fresh)
                for name in _FIGURES[1:]:
                    summary[f"{name}_new"] = round(new[name], 2)
    except InputError as error:
        notes.append(f"No window was timed: {error}")
    return SuiteResult(summary, tuple(tables), notes=tuple(notes))


def _help() -> float:
    """Time the command from its start to its end."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "fastershift.cli", "--help"],
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def _window(
    options: BenchmarkOptions, movie: Path, environment: Mapping[str, str]
) -> Mapping[str, Any]:
    """Time a window from the start of its process."""
    order = {
        "started": time.time(),
        "movie": str(movie),
        "device": options.device,
    }
    module = "fastershift.benchmark.suites._timed_start"
    return in_new_window(module, order, environment)


def _figures(windows: list[Mapping[str, Any]]) -> dict[str, float]:
    """Return the median of each figure, and of the longest time a window was held."""
    figures = {
        name: round(float(np.median([one[name] for one in windows])), 2)
        for name in _FIGURES
    }
    held = [
        max(max(gaps) for name, gaps in one["gaps_ms"].items() if name != "nothing")
        for one in windows
    ]
    return figures | {"held_milliseconds": round(float(np.median(held)))}


def _table(windows: list[Mapping[str, Any]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in windows[0]["gaps_ms"]:
        longest = [max(one["gaps_ms"][name]) for one in windows]
        rows.append((name, round(float(np.median(longest)))))
    return Table(
        "How long the window is held", ("while", "longest gap (ms)"), tuple(rows)
    )
