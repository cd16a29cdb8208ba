"""Previews: which figures are told of what windows measured."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark.suites import _preview, _previews
from fastershift.errors import FastershiftError

QUICK = BenchmarkOptions(quick=True, device="cpu", seed=3)

#: What a window answers, by task; times in milliseconds.
ANSWERS = {
    "latency": {
        512: {"ms": [*range(1, 101)], "clustering_ms": [5, 7, 90], "cells": 60},
        1024: {"ms": [200.0, 400.0], "clustering_ms": [50, 60], "cells": 240},
    },
    "stalls": {"idle": [11.0, 12.0], "preview": [20.0, 40.0], "run": [30.0, 90.0]},
    "learning": {
        "gaps": [40.0, 50.0],
        "first_ms": 6400.0,
        "stop_ms": 310.0,
        "cells": 10,
    },
    "edits": {
        "ms": {"merge": [10.0, 30.0, 20.0], "undo": [5.0]},
        "cells": 500,
        "frames": 4,
    },
}


@pytest.fixture
def orders(monkeypatch):
    """Orders that were given to windows, which answer as they are told to."""
    given = []

    def window(module, order, environment):
        assert module == "fastershift.benchmark.suites._timed_window"
        assert environment == {"DISPLAY": ":5"}
        given.append(order)
        answer = ANSWERS[order["task"]]
        return answer.get(order["side"], answer)

    monkeypatch.setattr(_preview, "in_new_window", window)
    monkeypatch.setattr(_preview, "screen", lambda: nullcontext({"DISPLAY": ":5"}))
    monkeypatch.setattr(
        _preview, "_previews", lambda _, side: [side / 10, side / 5, side / 20]
    )
    return given


@pytest.fixture
def result(orders):
    return run_suite("preview", QUICK)


def rows(result, title):
    (table,) = (one for one in result.tables if one.title == title)
    assert all(len(row) == len(table.columns) for row in table.rows)
    return table.rows


def test_each_task_has_a_window_of_its_own(result, orders):
    asked = [(order["task"], order["side"]) for order in orders]
    assert asked == [
        ("latency", 512),
        ("latency", 1024),
        ("stalls", 512),
        ("learning", 512),
        ("edits", 1024),
    ]
    for order in orders:
        assert (order["quick"], order["device"], order["seed"]) == (True, "cpu", 3)


def test_the_median_and_the_slowest_twentieth_are_told(result):
    assert result.summary["512"] == {"median_ms": 50.5, "p95_ms": 95.0}
    assert result.summary["1024"] == {"median_ms": 300.0, "p95_ms": 390.0}
    small, large = rows(result, "From a change to its preview")
    assert small == ("512 × 512", 60, 100, 50.5, 95.0, 100.0, 7.0)
    assert large == ("1024 × 1024", 240, 2, 300.0, 390.0, 400.0, 55.0)


def test_clustering_alone_is_the_median_of_previews_without_a_window(result):
    for side in (512, 1024, 2048):
        told = result.summary[f"cluster_milliseconds_{side}"]
        assert told == pytest.approx(side / 10, abs=0.05)


def test_the_worse_of_preview_and_run_counts_and_idle_is_told_apart(result):
    summary = result.summary
    assert summary["stall_p95_ms"] == 87.0  # of a run
    assert summary["stall_max_ms"] == 90.0
    assert summary["stall_idle_p95_ms"] == pytest.approx(11.9, abs=0.1)
    assert summary["stall_learning_p95_ms"] == 49.5
    assert summary["stop_learning_ms"] == 310.0
    table = {row[0]: row[1:] for row in rows(result, "Longest gap of each second")}
    assert table["full run"] == (2, 87.0, 90.0)
    assert table["live preview, a slider moving too"] == (2, 39.0, 40.0)


def test_corrections_are_told_by_their_kind(result):
    merge, undo = rows(result, "From the last click to the corrected frame")
    assert merge == ("merge", 3, 20.0, 29.0, 30.0)
    assert undo == ("undo", 1, 5.0, 5.0, 5.0)
    assert any(
        "4 frames of 1024 × 1024 pixels with 500 cells" in n for n in result.notes
    )


def test_the_plot_shows_which_share_was_shown_within_which_time(result):
    (plot,) = result.plots
    for series, task in zip(plot.series, (512, 1024), strict=True):
        assert series.x == tuple(range(0, 101, 5))
        assert series.y[0] == min(ANSWERS["latency"][task]["ms"])
        assert series.y[-1] == max(ANSWERS["latency"][task]["ms"])
        assert list(series.y) == sorted(series.y)


class Played:
    """A session that notes what it is asked, and shows cells or none."""

    cells = True

    def __init__(self):
        self.asked = []

    def open(self, opened):
        self.shape = opened.frames.shape

    def preview(self, request, settings, *, device):
        self.asked.append(settings["cluster"]["bandwidth"])
        assert (request.frame, device) == (1, "cpu")
        yield None
        yield SimpleNamespace(cells=np.array([int(self.cells)]))


@pytest.fixture
def played(monkeypatch):
    sessions = []

    def session():
        sessions.append(Played())
        return sessions[-1]

    monkeypatch.setattr(_previews, "Session", session)
    monkeypatch.setattr(
        _previews,
        "SessionInput",
        lambda frames: SimpleNamespace(frames=frames),
    )
    small = SimpleNamespace(frames=np.zeros((2, 512, 512), np.uint8))
    monkeypatch.setattr(_previews, "simulate_movie", lambda *_, **__: small)
    return sessions


def test_every_preview_has_a_bandwidth_of_its_own_and_the_first_does_not_count(played):
    times = _previews.TimedPreviews(1024, "cpu", 0).seconds(40)
    (session,) = played
    assert session.shape == (2, 1024, 1024)
    assert len(times) == 40
    assert all(one >= 0 for one in times)
    assert len(set(session.asked)) == len(session.asked) == 41
    assert all(0.005 <= one <= 0.025 for one in session.asked)


def test_a_preview_without_cells_is_not_timed(played, monkeypatch):
    monkeypatch.setattr(Played, "cells", False)
    with pytest.raises(FastershiftError, match="shows no cells"):
        _previews.TimedPreviews(512, "cpu", 0)


def test_previews_without_a_window_are_told_in_milliseconds(monkeypatch):
    asked = []

    class Timed:
        def __init__(self, side, device, seed):
            asked.append((side, device, seed))

        def seconds(self, count):
            return [0.25] * count

    monkeypatch.setattr(_preview, "TimedPreviews", Timed)
    quick = _preview._previews(QUICK, 512)
    whole = _preview._previews(BenchmarkOptions(device="cpu"), 512)
    assert asked[0] == (512, "cpu", 3)
    assert set(quick) == set(whole) == {250.0}
    assert 1 < len(quick) < len(whole)
