"""The command that measures speed and accuracy; suites are given in advance."""

import json

import pytest

from fastershift import benchmark
from fastershift.benchmark import SuiteResult, Table, read_record
from fastershift.cli import main

SUITES = ("fig4", "preview", "start")


@pytest.fixture
def ran(monkeypatch):
    """Names of the suites that ran, of three, and errors of those that cannot."""
    names = []
    failing = {}

    def run_suite(name, options):
        names.append(name)
        if name in failing:
            raise failing[name]
        table = Table(f"Table of {name}", ("a",), ((len(names),),))
        return SuiteResult({"count": len(names)}, (table,), notes=("A note.",))

    monkeypatch.setattr(benchmark, "run_suite", run_suite)
    monkeypatch.setattr(benchmark, "SUITES", dict.fromkeys(SUITES, ""))
    return names, failing


def call(*words):
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", *map(str, words)])
    return ended.value.code or 0


def test_a_suite_prints_what_it_writes(ran, tmp_path, capsys):
    assert call("fig4", "--quick", "-o", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("\n# fig4, quick: ")
    for part in ("Table of fig4", "A note.", "count: 1", str(tmp_path / "out")):
        assert part in printed
    assert read_record(tmp_path / "out" / "fig4")["summary"] == {"count": 1}


def test_plots_that_cannot_be_drawn_are_told(ran, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "can_draw", lambda: False)
    assert call("fig4", "-o", tmp_path / "out") == 0
    assert "pip install 'fastershift[benchmark]'" in capsys.readouterr().out


def test_figures_are_replaced_by_those_of_the_same_suite_alone(ran, tmp_path):
    figures = tmp_path / "figures.json"
    words = ("-o", tmp_path / "out", "--json", figures)
    assert call("fig4", *words) == 0
    assert call("fig4", *words) == 0
    assert json.loads(figures.read_text()) == {"count": 2}
    assert call("start", *words) == 2
    assert ran[0] == ["fig4", "fig4"]
    assert json.loads(figures.read_text()) == {"count": 2}


def test_what_was_measured_as_asked_is_kept_on_resuming(ran, tmp_path):
    names, _ = ran
    out = ("-o", tmp_path / "out")
    assert call("fig4", "--quick", *out) == 0
    assert call("start", *out) == 0
    figures = tmp_path / "all.json"
    assert call("all", "--quick", "--resume", *out, "--json", figures) == 0
    # The long form is not taken for the short one.
    assert names == ["fig4", "start", "preview", "start"]
    assert json.loads(figures.read_text())["fig4"] == {"count": 1}
    assert call("all", "--quick", *out) == 0
    assert names[4:] == list(SUITES)


@pytest.mark.parametrize("other", ["--data=.", "--device=cpu", "--seed=1"])
def test_what_was_measured_otherwise_is_not_kept_on_resuming(ran, tmp_path, other):
    words = ("all", "--resume", "-o", tmp_path / "out")
    for more in ((), (), (other,), (other,)):
        assert call(*words, *more) == 0
    assert ran[0] == [*SUITES, *SUITES]


def test_a_suite_that_fails_spares_the_others(ran, tmp_path, capsys):
    names, failing = ran
    failing["preview"] = RuntimeError("no display")
    words = ("all", "-o", tmp_path / "out", "--json", tmp_path / "all.json")
    assert call(*words) == 1
    assert names == list(SUITES)
    assert "preview (RuntimeError: no display)" in capsys.readouterr().err
    assert set(json.loads((tmp_path / "all.json").read_text())) == {"fig4", "start"}
    with pytest.raises(RuntimeError):
        main(["benchmark", *map(str, words), "--debug"])


@pytest.mark.parametrize(
    ("suite", "told"),
    [
        ("fig4", "nothing was written"),
        ("preview", "the results of finished suites are in {}; the same command with"),
    ],
)
def test_an_interruption_says_what_is_there(ran, tmp_path, capsys, suite, told):
    ran[1][suite] = KeyboardInterrupt()
    assert call("all", "-o", tmp_path / "out") == 130
    assert f"Interrupted: {told.format(tmp_path / 'out')}" in capsys.readouterr().err


def test_a_folder_of_movies_that_is_not_there_is_told_first(ran, tmp_path, capsys):
    assert call("all", "-o", tmp_path / "out", "--data", tmp_path / "gone") == 2
    assert "There is no folder" in capsys.readouterr().err
    assert ran[0] == []
