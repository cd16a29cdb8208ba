"""Whole runs as published and by default: which ratios and differences are told."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark._runs import STAGES, TrueMovie
from fastershift.benchmark.suites import _pipeline
from fastershift.errors import InputError

CPU = BenchmarkOptions(device="cpu")

#: Seconds of a frame and TRA, by movie and profile.
RUNS = {
    ("Fluo-N2DH-SIM+", "default"): (0.5, 0.9),
    ("Fluo-N2DH-SIM+", "published"): (6.0, 0.85),
    ("other", "default"): (0.5, 0.8),
    ("other", "published"): (4.0, 0.95),
}


@pytest.fixture
def ran(monkeypatch):
    asked = []

    def timed(movie, settings, device):
        profile = settings.get("profile", "default")
        seconds, tra = RUNS[movie.name, profile]
        asked.append((movie.name, profile, settings["embed"]))
        return SimpleNamespace(
            stages=lambda first=0: (
                dict.fromkeys(STAGES, 0.0) | {"network": seconds, "rest": first / 1000}
            ),
            tra=tra,
            network_shape=(40, 48),
            result=SimpleNamespace(labels=np.zeros((17, 20, 24))),
        )

    movies = [TrueMovie(name, np.zeros((17, 20, 24)), None) for name, _ in [*RUNS][::2]]
    monkeypatch.setattr(_pipeline, "warm_up", lambda _: None)
    monkeypatch.setattr(_pipeline, "_network_pass", lambda _: (0.4, 0.1))
    monkeypatch.setattr(_pipeline, "_small_cells", lambda _: 0.75)
    monkeypatch.setattr(_pipeline, "movies_at_hand", lambda *_: movies)
    monkeypatch.setattr(_pipeline, "timed_run", timed)
    monkeypatch.setattr(
        TrueMovie,
        "decided",
        lambda self, _: {"model": "nuclei", "diameter": float(len(self.name))},
    )
    return asked


def test_the_movie_that_gains_least_counts(ran):
    summary = run_suite("pipeline", CPU).summary
    # Of a published run the frames after its first window are taken.
    assert summary["published_ratio"] == pytest.approx((4.0 + 0.008) / 0.5, abs=0.05)
    assert summary["tra_difference"] == pytest.approx(0.8 - 0.95)
    assert summary["convolution_share"] == 0.25
    assert summary["network_seconds_512"] == 0.4
    assert summary["psc_seconds"] == 0.75


def test_both_profiles_run_with_the_same_model_and_diameter(ran):
    run_suite("pipeline", CPU)
    for movie in ("Fluo-N2DH-SIM+", "other"):
        default, published = (embed for name, _, embed in ran if name == movie)
        diameter = float(len(movie))
        assert default == published == {"model": "nuclei", "diameter": diameter}


def test_the_quick_form_is_of_one_movie_and_says_so(ran):
    result = run_suite("pipeline", BenchmarkOptions(quick=True, device="cpu"))
    assert {name for name, *_ in ran} == {"Fluo-N2DH-SIM+"}
    assert "Cut down to one movie." in result.notes
    assert "Cut down to one movie." not in run_suite("pipeline", CPU).notes


def test_another_movie_is_run_where_that_one_is_missing(ran, monkeypatch):
    movies = [TrueMovie("other", np.zeros((17, 20, 24)), None)]
    monkeypatch.setattr(_pipeline, "movies_at_hand", lambda *_: movies)
    result = run_suite("pipeline", BenchmarkOptions(quick=True, device="cpu"))
    assert result.summary["published_ratio"] == 8.0


def test_movies_without_frames_after_the_first_window_are_left_out(ran, monkeypatch):
    long, short = (TrueMovie("other", np.zeros((n, 20, 24)), None) for n in (9, 8))
    monkeypatch.setattr(_pipeline, "movies_at_hand", lambda *_: [short, long])
    assert len(run_suite("pipeline", CPU).tables[0].rows) == 2
    monkeypatch.setattr(_pipeline, "movies_at_hand", lambda *_: [short])
    with pytest.raises(InputError, match="more than 8 frames"):
        run_suite("pipeline", CPU)


def test_without_a_truth_no_difference_is_told(ran, monkeypatch):
    for key, (seconds, _) in list(RUNS.items()):
        monkeypatch.setitem(RUNS, key, (seconds, None))
    result = run_suite("pipeline", CPU)
    assert result.summary["tra_difference"] is None
    tra = result.tables[0].columns.index("TRA")
    assert all(row[tra] is None for row in result.tables[0].rows)


def test_each_run_is_a_bar_of_its_stages(ran):
    result = run_suite("pipeline", CPU)
    (plot,) = result.plots
    assert plot.kind == "bars"
    assert [series.name for series in plot.series] == list(STAGES)
    network = dict(zip(plot.series[0].x, plot.series[0].y, strict=True))
    assert network["other, published"] == 4.0
    for row in result.tables[0].rows:
        named = dict(zip(result.tables[0].columns, row, strict=True))
        stages = sum(named[f"{stage}, s"] for stage in STAGES)
        assert named["s a frame"] == pytest.approx(stages, abs=1e-3)
        assert (named["frames"], named["network size"]) == (17, "48 × 40")
        assert named["model"] == "nuclei"


def test_the_median_of_calls_counts_and_the_first_warms_up(monkeypatch):
    clock = iter(range(1000))
    seconds = iter([50.0, 1.0, 9.0, 2.0])
    times = []
    for one in seconds:
        times += [0.0, one]
    clock = iter(times)
    monkeypatch.setattr(_pipeline, "_REPEATS", 3)
    monkeypatch.setattr(_pipeline.time, "perf_counter", lambda: next(clock))
    assert _pipeline._seconds(lambda: torch.zeros(2)) == 2.0
