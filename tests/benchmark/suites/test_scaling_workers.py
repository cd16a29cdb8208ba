"""Time against workers."""

import pytest

pytest.importorskip("distributed")

from fastershift.benchmark import BenchmarkOptions
from fastershift.benchmark.suites import _scaling_workers as scaling


def test_the_slope_of_a_straight_line(monkeypatch):
    monkeypatch.setattr(scaling.os, "cpu_count", lambda: 9)
    seen = []

    def seconds(place, workers, device):
        assert len(list((place / "movies").iterdir())) == 4
        assert len(list((place / "first").iterdir())) == 8
        seen.append(workers)
        return 12 / workers

    monkeypatch.setattr(scaling, "_seconds", seconds)
    options = BenchmarkOptions(quick=True, data=None, device="cpu")
    summary, table, plot = scaling.time_of_workers(options)
    assert seen == [1, 2, 4, 8]
    assert summary == {"workers_exponent": -1.0}
    assert table.rows[1] == (2, 6.0, 40.0, 2.0)
    assert plot.log_x
    assert plot.log_y


def test_one_core_has_no_slope(monkeypatch):
    monkeypatch.setattr(scaling.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(scaling, "_seconds", lambda *_: 3.0)
    options = BenchmarkOptions(quick=True, data=None, device="cpu")
    summary, table, _ = scaling.time_of_workers(options)
    assert summary == {}
    assert len(table.rows) == 1
