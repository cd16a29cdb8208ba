"""Suites by name, tables, records, the command."""

import csv
import json

import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

from fastershift import benchmark
from fastershift.benchmark import (
    SUITES,
    BenchmarkOptions,
    Plot,
    Series,
    SuiteResult,
    Table,
    read_record,
    run_suite,
    table_text,
    write_record,
)
from fastershift.benchmark._data import blobs
from fastershift.benchmark._measure import fresh_process
from fastershift.benchmark._peers import PEERS
from fastershift.benchmark.suites._table1_fig1 import compare
from fastershift.cli import app
from fastershift.errors import InputError

RESULT = SuiteResult(
    summary={"ratio": 12.5},
    tables=(Table("Table X", ("method", "s"), (("ours", 0.001234), ("theirs", None))),),
    plots=(
        Plot("Plot X", "n", "s", (Series("ours", (1.0, 2.0), (0.1, None)),)),
        Plot("Bars", "", "s", (Series("ours", ("a", "b"), (1.0, 2.0)),), kind="bars"),
    ),
    notes=("A note.",),
)


def test_a_table_is_text_that_markdown_understands():
    lines = table_text(RESULT.tables[0]).splitlines()
    assert lines[0] == "Table X"
    assert lines[2:] == [
        "| method |       s |",
        "|--------|--------:|",
        "| ours   | 0.00123 |",
        "| theirs |       – |",
    ]


def test_a_record_is_written_whole_and_read_back(tmp_path):
    folder = tmp_path / "x"
    told = {"machine": {"cores": 2}, "options": BenchmarkOptions(quick=True)}
    for _ in range(2):
        write_record(folder, RESULT, **told, seconds=1.23)
    assert {path.name for path in folder.iterdir()} == {
        "record.json",
        "table-x.csv",
        "plot-x.svg",
        "bars.svg",
    }
    with (folder / "table-x.csv").open(newline="") as file:
        assert list(csv.reader(file))[1] == ["ours", "0.001234"]
    record = read_record(folder)
    assert record is not None
    assert (record["summary"], record["quick"]) == ({"ratio": 12.5}, True)
    assert read_record(tmp_path) is None


def test_the_command_writes_what_a_suite_says(tmp_path, monkeypatch):
    ran = []

    def stand_in(name, options):
        ran.append(name)
        if name == "preview":
            raise RuntimeError("no display")
        return RESULT

    monkeypatch.setattr(benchmark, "run_suite", stand_in)
    out, figures = str(tmp_path / "out"), tmp_path / "figures.json"
    one = ["benchmark", "fig4", "--quick", "-o", out, "--json", str(figures)]
    done = CliRunner().invoke(app, one)
    assert done.exit_code == 0, done.output
    assert json.loads(figures.read_text()) == {"ratio": 12.5}
    all_of_them = ["benchmark", "all", "--quick", "--resume", "-o", out]
    # Figures of one suite are not replaced by those of all.
    done = CliRunner().invoke(app, [*all_of_them, "--json", str(figures)])
    assert done.exit_code == 2
    assert json.loads(figures.read_text()) == {"ratio": 12.5}
    whole = tmp_path / "all.json"
    done = CliRunner().invoke(app, [*all_of_them, "--json", str(whole)])
    assert done.exit_code == 1
    assert "preview (RuntimeError: no display)" in done.output
    nested = json.loads(whole.read_text())
    assert set(nested) == set(SUITES) - {"preview"}
    assert ran.count("fig4") == 1


def test_wrong_names_are_told(tmp_path):
    with pytest.raises(InputError, match="no benchmark 'speed'"):
        run_suite("speed", BenchmarkOptions())
    with pytest.raises(InputError, match="no folder"):
        run_suite("fig4", BenchmarkOptions(data=tmp_path / "none"))


@pytest.mark.parametrize("method", PEERS)
@pytest.mark.parametrize("dimensions", [2, 18])
def test_all_methods_find_the_same_clusters(method, dimensions):
    points = blobs(600, dimensions, seed=0)
    labels = PEERS[method](points, 0.1, 0, 128)
    assert adjusted_rand_score(torch.arange(600) % 10, labels) == 1


def test_sizes_that_would_take_too_long_are_extrapolated():
    measured = compare(BenchmarkOptions(device="cpu"), (200, 400), 18, limit=1e-9)
    first = [one for one in measured if one.points == 200]
    second = [one for one in measured if one.points == 400]
    assert all(one.ari == 1 and not one.extrapolated for one in first)
    assert all(one.extrapolated and one.ari is None for one in second)
    grown = {b.method: b.warm / a.warm for a, b in zip(first, second, strict=True)}
    assert grown["ours"] == pytest.approx(2)
    assert grown["GPU_P"] == pytest.approx(4)


@pytest.mark.slow  # a process that loads everything anew
def test_a_fresh_process_tells_time_and_memory():
    points = blobs(200_000, 18, seed=0)
    seconds, peak = fresh_process(points, "ours", 0.1)
    assert 0 < seconds < 60
    # A copy of the vectors at length 1 at least.
    assert 0.7 * points.nbytes < peak < 2**30


def test_a_record_says_what_the_processor_multiplies_with(monkeypatch):
    units = benchmark.describe_machine("cpu")["units"]
    assert units
    assert "held to" not in units
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert (
        "held to ONEDNN_MAX_CPU_ISA=AVX2" in benchmark.describe_machine("cpu")["units"]
    )


def test_data_may_hold_movies_stills_or_both(tmp_path):
    """Every suite takes the folder that holds all data, and the one it needs."""
    options = BenchmarkOptions(data=tmp_path)
    assert options.movies == options.kinds == tmp_path
    for name in ("data", "kinds"):
        (tmp_path / name).mkdir()
    assert options.movies == tmp_path / "data"
    assert options.kinds == tmp_path / "kinds"
    assert BenchmarkOptions().movies is BenchmarkOptions().kinds is None
