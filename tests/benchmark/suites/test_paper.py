"""Tables and figures of the paper: which runs are made, and which figures are told."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fastershift.benchmark import BenchmarkOptions, run_suite
from fastershift.benchmark._runs import STAGES, TrueMovie
from fastershift.benchmark._sweep import Swept
from fastershift.benchmark.suites import (
    _appendix_a,
    _fig4,
    _fig9,
    _table1_fig1,
    _table2,
    _table3_table4,
)
from fastershift.benchmark.suites._table1_fig1 import _expected, _Measured
from fastershift.meanshift import coverage_probability

QUICK = BenchmarkOptions(quick=True, device="cpu")
WHOLE = BenchmarkOptions(device="cpu")


def row_of(table, **wanted):
    """The one row of a table that has these values, by column."""
    found = [
        dict(zip(table.columns, row, strict=True))
        for row in table.rows
        if all(
            row[table.columns.index(column)] == value
            for column, value in wanted.items()
        )
    ]
    (only,) = found
    return only


class TestTable1:
    def measured(self, method, n, warm, **more):
        return _Measured(method, 18, n, warm, **more)

    def test_time_follows_from_the_last_size_by_its_power(self):
        known = [self.measured("ours", 100, 1.0), self.measured("ours", 200, 3.0)]
        assert _expected(known, 400, 1.0) == 6.0
        assert _expected(known, 400, 2.0) == 12.0
        assert _expected([], 400, 2.0) == 0.0

    def test_what_is_extrapolated_is_in_the_table_and_not_in_the_summary(
        self, monkeypatch
    ):
        rows = [
            self.measured("ours", 100, 0.5, cold=0.7, peak=3_000_000, ari=1.0),
            self.measured("ours", 200, 1.0, ari=0.9),
            self.measured("GPU_P", 100, 2.0, ari=1.0),
            self.measured("GPU_P", 200, 8.0, extrapolated=True),
        ]
        asked = []

        def compare(options, sizes, dimensions, *, limit, fresh):
            asked.append((sizes, dimensions, limit, fresh))
            return rows

        monkeypatch.setattr(_table1_fig1, "compare", compare)
        result = run_suite("table1", QUICK)
        seconds = {"ours": {"100": 0.5, "200": 1.0}, "GPU_P": {"100": 2.0}}
        assert result.summary == {"d2": seconds, "d18": seconds}
        table = result.tables[0]
        first = row_of(table, method="ours", n=100)
        assert first["peak over input (MB)"] == 3.0
        assert (first["cold (s)"], first["extrapolated"]) == (0.7, "")
        assert row_of(table, method="GPU_P", n=200)["extrapolated"] == "yes"
        curves = {series.name: series for series in result.plots[0].series}
        assert curves["ours"].y == (0.5, 1.0)
        assert (curves["ours"].dashed, curves["GPU_P"].dashed) == (False, True)
        assert [one[1] for one in asked] == [2, 18]
        assert all(not fresh for *_, fresh in asked)
        run_suite("table1", WHOLE)
        sizes, _, limit, fresh = asked[-1]
        assert (sizes, limit) == (fresh, 1800.0)
        assert len(sizes) > len(asked[0][0])

    @pytest.mark.parametrize(("device", "cold"), [("cpu", 2.0), ("meta", None)])
    def test_cold_time_and_memory_are_told_of_the_cpu_alone(
        self, monkeypatch, device, cold
    ):
        monkeypatch.setattr(
            _table1_fig1, "choose_device", lambda _: torch.device(device)
        )
        monkeypatch.setattr(_table1_fig1, "fresh_process", lambda *_: (2.0, 8_000_000))
        peers = {"ours": lambda points, *_: np.zeros(len(points))}
        monkeypatch.setattr(_table1_fig1, "PEERS", peers)
        (one,) = _table1_fig1.compare(WHOLE, (20,), 18, limit=1, fresh=(20,))
        assert one.cold == cold
        assert (one.peak is None) == (cold is None)

    def test_figure_1_has_two_images_and_smaller_sets_before_them(self, monkeypatch):
        asked = []

        def compare(options, sizes, dimensions, **limits):
            asked.append((sizes, dimensions, limits["fresh"]))
            return [self.measured("ours", n, 1.0) for n in sizes]

        monkeypatch.setattr(_table1_fig1, "compare", compare)
        result = run_suite("fig1", WHOLE)
        ((sizes, dimensions, fresh),) = asked
        assert sizes[-2:] == fresh == (256**2, 512**2)
        assert sizes == tuple(sorted(sizes))
        assert dimensions == 18
        assert result.summary["ours"]["262144"] == 1.0


def swept(clustering, **more):
    figures = {"network": 0.2, "linking": 0.1, "seeds": 64, "clusters": 9, "tra": 0.9}
    return Swept("nuclei", clustering=clustering, **(figures | more))


@pytest.fixture
def two_movies(monkeypatch):
    """Two movies at hand, and runs whose clustering takes as long as their value."""
    frames = np.zeros((2, 16, 16), np.uint8)
    movies = [TrueMovie(name, frames, None) for name in ("DIC-C2DH-HeLa", "other")]
    asked = []

    def sweep(movie, variants, device):
        assert device == "cpu"
        asked.append((movie.name, variants))
        return [swept(float(next(iter(one.values())))) for one in variants]

    for suite in (_table3_table4, _fig9):
        monkeypatch.setattr(suite, "sweep", sweep)
        monkeypatch.setattr(suite, "movies_at_hand", lambda *_: movies)
    return asked


@pytest.mark.parametrize(
    ("name", "setting", "values", "symbol"),
    [
        ("table3", "n_initial", (64, 128, 256), "N_initial"),
        ("table4", "high", (4, 8, 16), "H"),
    ],
)
def test_one_setting_is_changed_at_a_time(two_movies, name, setting, values, symbol):
    result = run_suite(name, WHOLE)
    assert two_movies == [
        (movie, [{setting: value} for value in values])
        for movie in ("DIC-C2DH-HeLa", "other")
    ]
    for movie in ("DIC-C2DH-HeLa", "other"):
        for value in values:
            seconds = 0.2 + value + 0.1
            assert result.summary[movie][str(value)] == pytest.approx(seconds)
            row = row_of(result.tables[0], movie=movie, **{symbol: value})
            assert row["model"] == "nuclei"
            assert row["frame (s)"] == pytest.approx(seconds)
            assert row["clustering (s)"] == value
            assert (row["paper, frame (s)"] is None) == (movie == "other")
    # The paper's own default has the same time in both of its tables.
    published = row_of(result.tables[0], movie="DIC-C2DH-HeLa", **{symbol: values[1]})
    assert published["paper, frame (s)"] == 2.74
    curves = {series.name: series.y for series in result.plots[0].series}
    assert curves["other"] == tuple(map(float, values))


@pytest.mark.parametrize("name", ["table3", "table4", "fig9"])
def test_the_quick_form_is_of_one_movie(two_movies, name):
    run_suite(name, QUICK)
    assert [movie for movie, _ in two_movies] == ["DIC-C2DH-HeLa"]


def test_figure_9_has_fixed_numbers_of_seeds_and_a_bound(two_movies, monkeypatch):
    def sweep(movie, variants, device):
        return [swept(0.1, tra=1 - 1 / one["n_initial"]) for one in variants]

    monkeypatch.setattr(_fig9, "sweep", sweep)
    result = run_suite("fig9", WHOLE)
    found = result.summary["other"]
    assert found["8"] == 1 - 1 / 8
    assert found["bound"] == 1 - 1 / 4096
    assert "4096" not in found
    measured, bound = result.plots[0].series[:2]
    assert measured.y[0] == 1 - 1 / 8
    assert set(bound.y) == {1 - 1 / 4096}
    assert (measured.dashed, bound.dashed) == (False, True)


def test_seeds_of_figure_9_are_neither_added_nor_tried_again(two_movies):
    run_suite("fig9", QUICK)
    ((_, variants),) = two_movies
    for one in variants:
        assert one["n_initial"] == one["max_seeds"]
        assert one["reseed"] is False


class TestTable2:
    STAGES = dict.fromkeys(STAGES, 0.25)

    @pytest.fixture
    def ran(self, monkeypatch):
        asked = []
        names = ("DIC-C2DH-HeLa", "other")
        frames = np.zeros((30, 20, 24), np.uint8)

        def timed(movie, settings, device):
            asked.append((movie.name, len(movie.frames), settings.get("profile")))
            slow = settings.get("profile") == "published"
            return SimpleNamespace(
                stages=lambda first=0: (
                    {"network": 10.0 + first} if slow else dict(self.STAGES)
                ),
                result=SimpleNamespace(labels=np.zeros((30, 20, 24))),
                network_shape=(40, 48),
            )

        monkeypatch.setattr(_table2, "warm_up", lambda _: None)
        monkeypatch.setattr(_table2, "timed_run", timed)
        embed = {"model": "nuclei", "diameter": 9.0}
        monkeypatch.setattr(TrueMovie, "decided", lambda *_: embed)
        monkeypatch.setattr(
            _table2,
            "movies_at_hand",
            lambda *_: [TrueMovie(n, frames, None) for n in names],
        )
        return asked

    def test_a_frame_is_told_by_its_stages_beside_the_paper(self, ran):
        result = run_suite("table2", WHOLE)
        assert result.summary == {
            "seconds_per_frame": {"DIC-C2DH-HeLa": 1.0, "other": 1.0}
        }
        row = row_of(result.tables[0], movie="DIC-C2DH-HeLa")
        assert (row["image"], row["network size"]) == ("24 × 20", "48 × 40")
        assert (row["paper: CPU, s"], row["paper: GPU, s"]) == (25.58, 2.74)
        assert row_of(result.tables[0], movie="other")["paper: GPU, s"] is None
        assert all(row[f"{stage}, s"] == 0.25 for stage in STAGES)
        # As published a few frames are run; those of the first window do not count.
        assert row["as published, s a frame"] == 18.0
        assert ("other", 10, "published") in ran

    def test_without_frames_after_the_first_window_that_field_is_empty(
        self, ran, monkeypatch
    ):
        movie = TrueMovie("short", np.zeros((8, 20, 24), np.uint8), None)
        monkeypatch.setattr(_table2, "movies_at_hand", lambda *_: [movie])
        row = row_of(run_suite("table2", WHOLE).tables[0], movie="short")
        assert row["as published, s a frame"] is None
        assert (row["model"], row["s a frame"]) == ("nuclei", 1.0)

    def test_the_quick_form_leaves_the_published_profile_out(self, ran):
        result = run_suite("table2", QUICK)
        assert not any(profile for *_, profile in ran)
        row = row_of(result.tables[0], movie="other")
        assert row["as published, s a frame"] is None


class TestFigure4:
    def test_found_shares_stand_beside_what_is_expected(self, monkeypatch):
        monkeypatch.setattr(
            _fig4, "_share_found", lambda simulation, n, runs, seed: min(1, n / 100)
        )
        result = run_suite("fig4", QUICK)
        assert result.summary["circles"]["64"] == 0.64
        row = row_of(result.tables[0], simulation="background and 3", N=16)
        assert row["found"] == 0.16
        assert row["exact"] == pytest.approx(
            coverage_probability(16, 3, 0.5, exact=True)
        )
        assert row["Eq 14"] == pytest.approx(
            coverage_probability(16, 3, 0.5, exact=False)
        )
        assert len(result.plots) == 3
        assert [series.dashed for series in result.plots[0].series] == [
            False,
            True,
            True,
        ]

    def test_runs_that_find_all_are_counted(self, monkeypatch):
        monkeypatch.setattr(_fig4, "_finds_all", lambda _, n, seed: seed % 4 == 0)
        assert _fig4._share_found(None, 8, 100, 40) == 0.25

    @pytest.mark.parametrize("simulation", _fig4.FIGURE_4, ids=lambda one: one.name)
    def test_many_seeds_find_every_cluster_and_few_cannot(self, simulation):
        assert _fig4._finds_all(simulation, 512, 0)
        few = simulation.instances // 2
        assert not _fig4._finds_all(simulation, few, 0)


def test_discs_without_noise_are_all_found_where_all_are_seen(monkeypatch):
    monkeypatch.setattr(_appendix_a, "_QUICK_SIDE", 100)
    result = run_suite("appendix-a", QUICK)
    assert set(result.summary) == {"0.39", "0.35", "0.3", "0.25", "0.2", "0.15", "0.1"}
    assert result.summary["0.39"] > 0.95
    for row in (
        dict(zip(result.tables[0].columns, r, strict=True))
        for r in result.tables[0].rows
    ):
        assert row["discs found"] <= row["discs visible"] == 8
        if row["re-seeding"]:
            assert row["ARI"] > 0.99
    # Fewer covered pixels need more seeds.
    wanted = {row[0]: row[1] for row in result.tables[0].rows}
    assert list(wanted.values()) == sorted(wanted.values())
