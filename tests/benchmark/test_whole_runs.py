"""Suites about whole runs: what is measured, on movies small enough for a test."""

import numpy as np
import pytest

from fastershift.benchmark import BenchmarkOptions, Plot, Table, _runs
from fastershift.benchmark.suites import _pipeline, _scaling, _table2
from fastershift.errors import InputError
from fastershift.simulate import simulate_movie

QUICK = BenchmarkOptions(quick=True, device="cpu")


@pytest.fixture
def small_movie(tiny_model, monkeypatch):
    made = simulate_movie(9, (40, 44), 3, diameter=16, seed=3)
    movie = _runs.TrueMovie("simulated nuclei", made.frames, made.labels)
    embed = {"model": str(tiny_model), "diameter": 16.0}
    monkeypatch.setattr(_runs.TrueMovie, "decided", lambda *_: embed)
    for suite in (_pipeline, _table2):
        monkeypatch.setattr(suite, "movies_at_hand", lambda *_: [movie])
        monkeypatch.setattr(suite, "warm_up", lambda _: None)
    return movie


def test_the_stages_of_a_run_add_up(small_movie):
    run = _runs.timed_run(small_movie, {"embed": small_movie.decided("cpu")}, "cpu")
    stages = run.stages()
    assert set(stages) == set(_runs.STAGES)
    assert min(stages.values()) >= 0
    assert sum(stages.values()) * 9 == pytest.approx(run.seconds)
    assert run.network_shape == (20, 22)
    assert 0 <= run.tra <= 1


@pytest.mark.slow  # runs by both profiles
def test_the_pipeline_suite_compares_both_profiles(small_movie, monkeypatch):
    monkeypatch.setattr(_pipeline, "_network_pass", lambda _: (0.2, 0.15))
    monkeypatch.setattr(_pipeline, "_small_cells", lambda _: 0.5)
    result = _pipeline.run(QUICK)
    assert set(result.summary) == {
        "published_ratio",
        "tra_difference",
        "network_seconds_512",
        "convolution_share",
        "psc_seconds",
    }
    assert result.summary["convolution_share"] == 0.75
    assert result.summary["published_ratio"] > 0
    table = result.tables[0]
    profile, tra = map(table.columns.index, ("profile", "TRA"))
    found = {row[profile]: row[tra] for row in table.rows}
    assert set(found) == {"default", "published"}
    difference = found["default"] - found["published"]
    assert result.summary["tra_difference"] == pytest.approx(difference, abs=2e-4)


def test_all_convolutions_of_a_pass_are_timed(make_small_network):
    network, side = make_small_network
    shapes = [
        (reads, tuple(kernel.weight.shape))
        for hourglass in network.hourglasses
        for reads, kernel in hourglass.convolutions(side)
    ]
    assert len(shapes) == 2 * (2 + 3 * 4)
    assert shapes.count((side // 4, (16, 16, 3, 3))) == 2
    assert shapes[0] == (side, (8, 1, 1, 1))


@pytest.fixture
def make_small_network():
    import torch

    from fastershift.rshn import RSHN, StreamingNetwork

    return StreamingNetwork(RSHN(8, 3, 6), torch.device("cpu")), 64


def test_table_2_names_the_numbers_of_the_paper(small_movie):
    result = _table2.run(QUICK)
    assert result.summary["seconds_per_frame"]["simulated nuclei"] > 0
    (table,) = result.tables
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_movies_at_hand(tmp_path):
    (movie,) = _runs.movies_at_hand(BenchmarkOptions(quick=True), 2, side=64)
    assert movie.frames.shape == movie.truth.shape == (2, 64, 64)
    with pytest.raises(InputError, match="holds no movies"):
        list(_runs.movies_at_hand(BenchmarkOptions(data=tmp_path), 2))


@pytest.mark.parametrize("n_cells", [10, 50, 200, 1000])
def test_discs_cover_the_same_share_however_many(n_cells):
    labels = _scaling._grid_of_discs(n_cells, 512)
    assert len(np.unique(labels)) == n_cells + 1
    assert (labels > 0).mean() == pytest.approx(0.3, abs=0.02)


def test_exponents():
    sizes = np.array([10, 100, 1000])
    assert _scaling._exponent(sizes, 3 * sizes) == 1
    assert _scaling._exponent(sizes, np.full(3, 0.2)) == 0


def test_a_long_movie_repeats_a_short_one_to_and_fro():
    movie = _scaling._LongMovie(np.arange(4).reshape(4, 1, 1), 9)
    assert [int(movie[t][0, 0]) for t in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]


def test_the_scaling_suite(monkeypatch):
    monkeypatch.setattr(_scaling, "_of_area", lambda side, _: side**2 * 1e-6)
    monkeypatch.setattr(_scaling, "_of_cells", lambda *_: 0.1)
    monkeypatch.setattr(
        _scaling,
        "_of_length",
        lambda length, _: _scaling._Long(length * 0.02, 500_000_000 + length),
    )
    workers = {"workers_ratio": 0.6}
    monkeypatch.setattr(
        _scaling,
        "time_of_workers",
        lambda _: (workers, Table("Workers", ("workers",), ()), Plot("W", "", "", ())),
    )
    result = _scaling.run(QUICK)
    assert result.summary == workers | {
        "area_exponent": 1.0,
        "cells_exponent": pytest.approx(0, abs=1e-9),
        "frames_exponent": 1.0,
        "frames_memory_ratio": 1.0,
    }
    frames = next(table for table in result.tables if table.title == "Frames")
    assert [row[1] for row in frames.rows] == [0.2, 1.0, 4.0]
    assert {plot.title for plot in result.plots} >= {"Time and area", "Time and frames"}


@pytest.mark.slow  # a process that loads everything anew
def test_a_long_run_is_measured_in_a_process_of_its_own():
    measured = _scaling._of_length(2, QUICK)
    assert measured.seconds > 0
    assert measured.memory > 0
