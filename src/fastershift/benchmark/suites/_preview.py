"""Suite ``preview``: how soon changes show, how long the window is blocked."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastershift.benchmark._display import in_new_window, screen
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Plot,
    Series,
    SuiteResult,
    Table,
)
from fastershift.benchmark.suites._previews import TimedPreviews

__all__ = ["run"]

_SIDES = (512, 1024)

# Without a window: clustering, cells and labels alone.
_CLUSTERED_SIDES = (512, 1024, 2048)
_CLUSTERINGS, _QUICK_CLUSTERINGS = 30, 5


def run(options: BenchmarkOptions) -> SuiteResult:
    """Measure the live preview in a window of its own.

    Parameters
    ----------
    options : BenchmarkOptions
        `data` is not used: movies are simulated, and the network sees them at their
        full size.

    Returns
    -------
    SuiteResult
    """
    clustering = {side: _previews(options, side) for side in _CLUSTERED_SIDES}
    with screen() as environment:
        measured = {
            side: _window(options, "latency", side, environment) for side in _SIDES
        }
        stalls = _window(options, "stalls", _SIDES[0], environment)
        learning = _window(options, "learning", _SIDES[0], environment)
        edits = _window(options, "edits", _SIDES[1], environment)
    summary: dict[str, Any] = {
        str(side): {
            "median_ms": _rounded(np.median(found["ms"])),
            "p95_ms": _rounded(np.percentile(found["ms"], 95)),
        }
        for side, found in measured.items()
    }
    summary |= {
        f"cluster_milliseconds_{side}": _rounded(np.median(found))
        for side, found in clustering.items()
    }
    summary["stall_learning_p95_ms"] = _p95(learning["gaps"])
    summary["stop_learning_ms"] = _rounded(learning["stop_ms"])
    stalls = {**stalls, "learning": learning["gaps"]}
    busy = [stalls["preview"], stalls["run"]]
    summary["stall_p95_ms"] = max(_p95(gaps) for gaps in busy)
    summary["stall_idle_p95_ms"] = _p95(stalls["idle"])
    summary["stall_max_ms"] = max(_rounded(max(gaps)) for gaps in busy)
    return SuiteResult(
        summary,
        tables=(_latency_table(measured), _stall_table(stalls), _edit_table(edits)),
        plots=(_latency_plot(measured),),
        notes=(
            "From the change of a value in the widget to the event with which the "
            "layer announces its new data; every value is a new one.",
            "cluster_milliseconds is the time of a preview in a session without a "
            "window: the clusters of a new bandwidth, cells, labels and their numbers.",
            "A timer beats every 10 ms while frames are being scrolled at 10 a second; "
            "of each second the longest gap between two beats counts.",
            f"Learning from {learning['cells']} cells, the first model was there after "
            f"{learning['first_ms'] / 1e3:.1f} s; stopped, it ended within "
            f"{learning['stop_ms']:.0f} ms.",
            f"Corrections are made in {edits['frames']} frames of {_SIDES[1]} × "
            f"{_SIDES[1]} pixels with {edits['cells']} cells each.",
        ),
    )


def _window(
    options: BenchmarkOptions,
    task: str,
    side: int,
    environment: Mapping[str, str],
) -> Mapping[str, Any]:
    """Measure a task in a window that nothing has happened in yet."""
    order = {
        "task": task,
        "side": side,
        "quick": options.quick,
        "device": options.device,
        "seed": options.seed,
    }
    module = "fastershift.benchmark.suites._timed_window"
    return in_new_window(module, order, environment)


def _previews(options: BenchmarkOptions, side: int) -> list[float]:
    """Time previews without a window, in milliseconds."""
    count = _QUICK_CLUSTERINGS if options.quick else _CLUSTERINGS
    previews = TimedPreviews(side, options.device, options.seed)
    return [1e3 * seconds for seconds in previews.seconds(count)]


def _rounded(value: Any) -> float:
    return round(float(value), 1)


def _p95(gaps: list[float]) -> float:
    return _rounded(np.percentile(gaps, 95))


def _latency_table(measured: Mapping[int, Mapping[str, Any]]) -> Table:
    rows = tuple(
        (
            f"{side} × {side}",
            found["cells"],
            len(found["ms"]),
            _rounded(np.median(found["ms"])),
            _p95(found["ms"]),
            _rounded(max(found["ms"])),
            _rounded(np.median(found["clustering_ms"])),
        )
        for side, found in measured.items()
    )
    columns = (
        "frame",
        "cells",
        "changes",
        "median (ms)",
        "p95 (ms)",
        "longest (ms)",
        "of it clustering, median (ms)",
    )
    return Table("From a change to its preview", columns, rows)


def _stall_table(stalls: Mapping[str, list[float]]) -> Table:
    names = {
        "idle": "no job",
        "preview": "live preview, a slider moving too",
        "run": "full run",
        "learning": "live preview, a model that learns",
    }
    rows = tuple(
        (name, len(stalls[key]), _p95(stalls[key]), _rounded(max(stalls[key])))
        for key, name in names.items()
    )
    columns = ("while scrolling", "seconds", "p95 (ms)", "longest (ms)")
    return Table("Longest gap of each second", columns, rows)


def _edit_table(edits: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            kind,
            len(times),
            _rounded(np.median(times)),
            _p95(times),
            _rounded(max(times)),
        )
        for kind, times in edits["ms"].items()
    )
    columns = ("correction", "times", "median (ms)", "p95 (ms)", "longest (ms)")
    return Table("From the last click to the corrected frame", columns, rows)


def _latency_plot(measured: Mapping[int, Mapping[str, Any]]) -> Plot:
    shares = tuple(float(share) for share in range(0, 101, 5))
    return Plot(
        "Time to the preview",
        "share of the changes (%)",
        "shown within (ms)",
        tuple(
            Series(
                f"{side} × {side}",
                shares,
                tuple(float(ms) for ms in np.percentile(found["ms"], shares)),
            )
            for side, found in measured.items()
        ),
    )
