"""Work beside busy processes: what is compared, and that the processes end."""

import os

import psutil

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark.suites import _busy


def counting():
    return [
        child
        for child in psutil.Process().children()
        if "while True: pass" in child.cmdline()
    ]


def test_each_work_is_timed_alone_and_beside_others(monkeypatch):
    monkeypatch.setattr(_busy, "_SETTLE", 0.2)
    # As if every other process cost as much again.
    work = lambda: 1.0 + len(counting())  # noqa: E731
    monkeypatch.setattr(
        _busy, "_works", lambda _: dict.fromkeys(("run", "preview", "training"), work)
    )
    result = run_suite("busy", BenchmarkOptions(quick=True))
    cores = os.cpu_count()
    assert result.summary["run_ratio_two"] == 1 + cores
    assert result.summary["run_ratio_one"] == 1 + max(1, cores // 2)
    assert result.summary["preview_ratio_two"] == 1 + cores
    assert result.summary["training_ratio_two"] == 1 + cores
    assert not counting()
