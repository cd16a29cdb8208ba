"""What suites say of themselves: names, records, tables, the data they find."""

import csv
import inspect
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from fastershift.benchmark import (
    SUITES,
    BenchmarkOptions,
    Plot,
    Series,
    SuiteResult,
    Table,
    read_record,
    table_text,
    write_record,
)
from fastershift.benchmark import suites as home
from fastershift.benchmark._data import blobs, movie_folders
from fastershift.benchmark._measure import least_seconds, seconds_of
from fastershift.errors import InputError

CPU = torch.device("cpu")
QUICK = BenchmarkOptions(quick=True)


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_takes_options_and_gives_a_result(name):
    module, _, function = SUITES[name].rpartition(".")
    run = getattr(import_module(module), function)
    assert list(inspect.signature(run).parameters) == ["options"]
    hints = inspect.get_annotations(run, eval_str=True)
    assert (hints["options"], hints["return"]) == (BenchmarkOptions, SuiteResult)


def test_no_suite_lies_about_without_a_name():
    named = {place.split(".")[-2] for place in SUITES.values()}
    for path in Path(home.__path__[0]).glob("_*.py"):
        if "\ndef run(options" in path.read_text(encoding="utf-8"):
            assert path.stem in named


def test_numbers_in_tables_have_three_figures_and_counts_all_of_theirs():
    table = Table(
        "T",
        ("a", "b"),
        ((1234567, 0.00012345), (None, 123456.7), (True, False), ("x", 1.0)),
    )
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table_text(table).splitlines()[4:]
    ]
    assert cells == [
        ["1234567", "0.000123"],
        ["–", "123457"],
        ["yes", "no"],
        ["x", "1"],
    ]


def test_columns_are_as_wide_as_their_widest_cell():
    table = Table("T", ("long heading", "b"), (("x", "a long cell"),))
    lines = table_text(table).splitlines()[2:]
    assert len({len(line) for line in lines}) == 1


def test_a_record_holds_everything_that_was_measured(tmp_path):
    result = SuiteResult(
        {"f1": 0.5, "kinds": {"rods": {"f1": 1.0}}},
        (Table("Kept: by change", ("a", "b"), ((1, 0.5), (None, "x"))),),
        (Plot("Time, and cells", "n", "s", (Series("x", (1.0,), (2.0,)),)),),
        ("A note.",),
    )
    folder = tmp_path / "suite"
    options = BenchmarkOptions(data=tmp_path, seed=3)
    write_record(folder, result, machine={"cores": 2}, options=options, seconds=2.26)
    record = read_record(folder)
    assert record["summary"] == {"f1": 0.5, "kinds": {"rods": {"f1": 1.0}}}
    assert (record["machine"], record["quick"]) == ({"cores": 2}, False)
    assert (record["device"], record["seed"]) == ("auto", 3)
    assert record["data"] == str(tmp_path.resolve())
    assert (record["seconds"], record["notes"]) == (2.3, ["A note."])
    assert record["tables"][0]["rows"] == [[1, 0.5], [None, "x"]]
    with (folder / "kept-by-change.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["1", "0.5"], ["", "x"]]


def test_only_what_a_former_record_names_is_replaced(tmp_path):
    def write(*titles):
        result = SuiteResult(
            {"count": len(titles)}, tuple(Table(one, ("a",), ()) for one in titles)
        )
        write_record(tmp_path, result, machine={}, options=QUICK, seconds=1)

    (tmp_path / "thesis.csv").write_text("precious")
    write("First", "Second")
    write("Second")
    assert read_record(tmp_path)["summary"] == {"count": 1}
    names = {"record.json", "second.csv", "thesis.csv"}
    assert {path.name for path in tmp_path.iterdir()} == names
    with pytest.raises(InputError, match=r"thesis\.csv holds something other"):
        write("Thesis")
    assert (tmp_path / "thesis.csv").read_text() == "precious"
    assert read_record(tmp_path)["summary"] == {"count": 1}


def test_a_record_of_something_else_is_not_replaced(tmp_path):
    path = tmp_path / "record.json"
    path.write_text('{"summary": {}}')
    with pytest.raises(InputError):
        write_record(tmp_path, SuiteResult({}), machine={}, options=QUICK, seconds=1)
    assert path.read_text() == '{"summary": {}}'


@pytest.mark.parametrize("content", ["", "[1]", '{"summary": {}}', "\udc80"])
def test_a_damaged_record_is_none(tmp_path, content):
    path = tmp_path / "record.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert read_record(tmp_path) is None


def test_movies_are_found_beside_their_truth(tmp_path):
    for name in ("A", "Fluo-N2DL-HeLa", "Z"):
        (tmp_path / name / "01").mkdir(parents=True)
        (tmp_path / name / "01_GT").mkdir()
    (tmp_path / "no truth" / "01").mkdir(parents=True)
    names = [folder.parent.name for folder in movie_folders(tmp_path)]
    assert names == ["Fluo-N2DL-HeLa", "A", "Z"]
    with pytest.raises(InputError, match="holds no movie laid out as SET/01"):
        movie_folders(tmp_path / "A")


@pytest.mark.parametrize(("dimensions", "clusters"), [(2, 10), (18, 10), (5, 8)])
def test_points_lie_around_directions_that_differ(dimensions, clusters):
    points = blobs(400, dimensions, seed=3, n_clusters=clusters)
    assert points.shape == (400, dimensions)
    centres = np.stack([points[n::clusters].mean(0).numpy() for n in range(clusters)])
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=0.01)
    cosines = centres @ centres.T - 2 * np.eye(clusters)
    widest = np.cos(2 * np.pi / clusters) if dimensions == 2 else 0.0
    assert cosines.max() == pytest.approx(widest, abs=0.02)
    assert torch.equal(points, blobs(400, dimensions, seed=3, n_clusters=clusters))
    assert not torch.equal(points, blobs(400, dimensions, seed=4, n_clusters=clusters))


def test_the_least_time_counts_and_the_first_call_warms_up(monkeypatch):
    from fastershift.benchmark import _measure

    calls = []
    clock = iter([0.0, 3.0, 10.0, 11.0, 20.0, 22.0])
    monkeypatch.setattr(_measure.time, "perf_counter", lambda: next(clock))
    assert least_seconds(lambda: calls.append(1), CPU, 3) == 1.0
    assert len(calls) == 4


def test_an_answer_comes_with_its_time():
    answer, seconds = seconds_of(lambda: 42, CPU)
    assert answer == 42
    assert seconds >= 0
