"""From the first click to the first preview, and a machine without a screen."""

from contextlib import contextmanager, nullcontext

import pytest

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark.suites import _start
from fastershift.errors import InputError

QUICK = BenchmarkOptions(quick=True, device="cpu")


def test_without_a_screen_the_command_is_timed_alone(monkeypatch):
    @contextmanager
    def nowhere():
        raise InputError("There is no screen.")
        yield

    monkeypatch.setattr(_start, "screen", nowhere)
    result = run_suite("start", QUICK)
    assert result.summary["help_seconds"] > 0
    assert result.summary["window_seconds"] is None
    assert result.summary["held_milliseconds"] is None
    assert any("There is no screen." in note for note in result.notes)


def test_the_longest_gap_counts_but_not_that_of_an_idle_window(monkeypatch):
    window = {
        "window_seconds": 2.0,
        "first_preview_seconds": 3.0,
        "chosen_preview_seconds": 5.0,
        "gaps_ms": {
            "nothing": [900.0],
            "opening the widget": [20.0, 30.0],
            "first preview": [40.0],
            "first run": [90.0, 10.0],
        },
    }
    monkeypatch.setattr(_start, "screen", lambda: nullcontext({}))
    monkeypatch.setattr(_start, "_help", lambda: 0.25)
    monkeypatch.setattr(_start, "_window", lambda *_: window)
    result = run_suite("start", QUICK)
    assert result.summary == {
        "window_seconds": 2.0,
        "first_preview_seconds": 3.0,
        "chosen_preview_seconds": 5.0,
        "held_milliseconds": 90,
        "help_seconds": 0.25,
    }


@pytest.mark.gui
@pytest.mark.slow  # a whole napari of its own
def test_a_window_is_timed(tmp_path):
    import os

    import numpy as np

    from fastershift.simulate import simulate_movie

    made = simulate_movie(2, (96, 96), 6, diameter=24, seed=0)
    np.save(tmp_path / "movie.npy", made.frames)
    found = _start._window(QUICK, tmp_path / "movie.npy", dict(os.environ))
    assert found["window_seconds"] > 0
    assert 0 < found["first_preview_seconds"] <= found["chosen_preview_seconds"]
    assert all(found["gaps_ms"].values())
