"""The command line, as typed."""

import csv
import json
import os
import subprocess
import sys
import tomllib

import numpy as np
import pytest
import tifffile

from fastershift.cli import main
from fastershift.config import save_settings
from fastershift.io import read_result, read_saved
from fastershift.simulate import simulate_movie


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    frames = simulate_movie(4, (64, 64), 5, diameter=16, seed=3).frames
    path = tmp_path_factory.mktemp("movie") / "movie.tif"
    tifffile.imwrite(path, frames, metadata={"axes": "TYX"}, photometric="minisblack")
    return path


def call(*arguments):
    """Run the command line; return its exit code."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code or 0
    return 0


def refused(capsys, *arguments, code=2):
    """Run a command that must fail, and return its one sentence."""
    assert call(*arguments) == code
    lines = capsys.readouterr().err.strip().splitlines()
    assert len([line for line in lines if line.startswith("fastershift:")]) == 1
    assert not any("Traceback" in line for line in lines)
    return lines[-1]


@pytest.fixture
def run(movie, tiny_model, tmp_path):
    def run(*options, out="result", source=movie):
        given = ("--model", tiny_model, "--diameter", 16)
        return call("run", source, "-o", tmp_path / out, *given, *options)

    return run


@pytest.mark.parametrize("chosen", [None, "ACTIVE"])
def test_threads_wait_passively_unless_the_user_says_otherwise(monkeypatch, chosen):
    monkeypatch.setenv("OMP_WAIT_POLICY", chosen or "")
    if chosen is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.setenv("GOMP_SPINCOUNT", "")
    monkeypatch.delenv("GOMP_SPINCOUNT")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert os.environ["OMP_WAIT_POLICY"] == (chosen or "PASSIVE")
    # Who lets threads wait actively need not be told for how long.
    assert ("GOMP_SPINCOUNT" in os.environ) == (chosen is None)


def test_run_writes_masks_tracks_settings_and_report(run, tmp_path):
    assert run("--bandwidth", 0.3, "--no-reseed", "--block", 2) == 0
    out = tmp_path / "result"
    names = {path.name for path in out.iterdir()}
    masks = {f"mask{t:03d}.tif" for t in range(4)}
    assert names == masks | {"res_track.txt", "settings.toml", "report.csv"}
    settings = tomllib.loads((out / "settings.toml").read_text())
    assert settings["cluster"]["bandwidth"] == 0.3
    assert settings["cluster"]["reseed"] is False
    assert settings["embed"]["diameter"] == 16
    assert settings["provenance"]["model"] == "tiny"
    assert settings["provenance"]["input"].endswith("movie.tif")
    with (out / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["0", "1", "2", "3"]
    first = ["frame", "cells", "clusters", "seeds", "n_min", "rounds", "iterations"]
    shares = ["converged", "foreground"]
    times = ["network_ms", "clustering_ms", "linking_ms"]
    assert list(rows[0]) == [*first, *shares, *times, "expected_f1"]


def test_settings_of_a_result_give_the_same_result(run, tmp_path, movie, tiny_model):
    assert run("--bandwidth", 0.35, "--smallest-cell", 0.2) == 0
    settings = tmp_path / "result" / "settings.toml"
    again = ("run", movie, "-o", tmp_path / "again", "--settings", settings)
    assert call(*again, "--model", tiny_model) == 0
    first, second = (read_result(tmp_path / name) for name in ("result", "again"))
    assert np.array_equal(first[0], second[0])
    assert first[1] == second[1]


def test_frames_are_numbered_from_the_first_of_the_range(run, tmp_path):
    assert run("--frames", "1:3") == 0
    masks = sorted(path.name for path in (tmp_path / "result").glob("mask*.tif"))
    assert masks == ["mask000.tif", "mask001.tif"]


def test_option_wins_over_settings_file(run, tmp_path):
    file = tmp_path / "some.toml"
    file.write_text("[cluster]\nbandwidth = 0.2\ngamma = 0.8\n")
    assert run("--settings", file, "--bandwidth", 0.25) == 0
    stored = tomllib.loads((tmp_path / "result" / "settings.toml").read_text())
    assert stored["cluster"]["bandwidth"] == 0.25
    assert stored["cluster"]["gamma"] == 0.8


def test_tiff_output(run, tmp_path):
    assert run("--format", "tiff", out="result.tif") == 0
    labels, tracks = read_result(tmp_path / "result.tif")
    assert labels.shape == (4, 64, 64)
    assert {track[0] for track in tracks} == set(np.unique(labels)) - {0}


def test_an_old_result_is_kept_unless_asked(run, tmp_path, capsys):
    assert run() == 0
    before = (tmp_path / "result" / "report.csv").stat().st_mtime_ns
    assert run() == 2
    assert "already holds a result" in capsys.readouterr().err
    assert (tmp_path / "result" / "report.csv").stat().st_mtime_ns == before
    assert run("--overwrite") == 0
    assert (tmp_path / "result" / "report.csv").stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bandwidth", "3"), "bandwidth"),
        (("--high", "3"), "2·L"),
        (("--diameter", "round"), "not a cell diameter"),
        (("--network-size", "big"), "512x384"),
        (("--preset", "Mouse"), "no preset 'Mouse'"),
        (("--profile", "fast"), "profile"),
        (("--frames", "first"), "24:36"),
        (("--frames", "\u00b2:3"), "24:36"),
        (("--frames", "2:9"), "0:4"),
        (("--format", "jpeg"), "ctc, tiff, zarr"),
        (("--settings", "missing.toml"), "no settings file"),
        (("--model", "nobody"), "no model 'nobody'"),
        (("--device", "quantum"), "quantum"),
    ],
)
def test_bad_options_are_one_sentence(movie, tmp_path, capsys, options, words):
    sentence = refused(capsys, "run", movie, "-o", tmp_path / "out", *options)
    assert words in sentence
    assert not (tmp_path / "out").exists()


def test_bad_input_is_one_sentence(tmp_path, capsys):
    text = tmp_path / "notes.tif"
    text.write_text("these are notes")
    out = tmp_path / "out"
    assert "notes.tif" in refused(capsys, "run", text, "-o", out)
    assert "nothing at" in refused(capsys, "run", tmp_path / "absent", "-o", out)
    (tmp_path / "empty").mkdir()
    assert "is empty" in refused(capsys, "run", tmp_path / "empty", "-o", out)
    assert not out.exists()


@pytest.mark.parametrize("format", ["tiff", "zarr"])
def test_the_settings_of_a_result_find_its_model_again(
    run, movie, tmp_path, tiny_model, monkeypatch, format
):
    (tmp_path / "models").mkdir()
    mine = tmp_path / "models" / "mine.safetensors"
    mine.write_bytes(tiny_model.read_bytes())
    monkeypatch.chdir(mine.parent)
    assert run("--model", mine.name, "--format", format) == 0
    saved = read_saved(tmp_path / f"result.{'tif' if format == 'tiff' else format}")
    assert saved.provenance["model"] == "mine"
    file = tmp_path / "settings.toml"
    save_settings(saved.settings, file)
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "again"
    assert call("run", movie, "-o", output, "--settings", file) == 0
    again = read_saved(output)
    assert again.provenance["model_sha256"] == saved.provenance["model_sha256"]
    assert again.provenance["model"] == "mine"


def test_an_interrupted_run_leaves_nothing(run, tmp_path, capsys, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastershift.tracking.Linker.add", interrupted)
    assert run() == 130
    assert "nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unexpected_error_is_a_sentence_unless_debugging(run, capsys, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("broken inside")

    monkeypatch.setattr("fastershift.tracking.Linker.add", broken)
    assert run() == 1
    assert "broken inside" in capsys.readouterr().err
    with pytest.raises(RuntimeError):
        run("--debug")


def test_simulate_run_evaluate(tmp_path, capsys, tiny_model):
    made = tmp_path / "made"
    simulated = ("simulate", "-o", made, "--frames", 3, "--height", 64, "--width", 64)
    assert call(*simulated, "--cells", 5, "--diameter", 16) == 0
    truth = made / "01_GT"
    result = tmp_path / "result"
    options = ("--model", tiny_model, "--diameter", 16)
    assert call("run", made / "01", "-o", result, *options) == 0
    scores = tmp_path / "scores.json"
    assert call("evaluate", result, truth, "--json", scores) == 0
    assert set(json.loads(scores.read_text())) == {"SEG", "DET", "TRA", "SEG_ST"}
    assert json.loads(scores.read_text())["SEG_ST"] is None
    assert call("evaluate", truth / "TRA", truth) == 0
    assert "TRA    1.0000" in capsys.readouterr().out


def test_models_are_listed_with_their_terms(capsys):
    assert call("models") == 0
    printed = capsys.readouterr().out
    assert "generalist" in printed
    assert "Terms:" in printed


def test_the_card_of_a_model_is_shown_whole(capsys):
    assert call("models", "show", "generalist") == 0
    printed = capsys.readouterr().out
    for part in ("BBBC038", "24 network pixels", "cluster.bandwidth = 0.01", "Terms:"):
        assert part in printed


def test_a_card_that_is_not_there_is_told(capsys):
    assert call("models", "show", "no-such-model") != 0
    assert "no-such-model" in capsys.readouterr().err


@pytest.mark.slow  # the whole demo, with a shipped network
def test_demo_prints_a_table_and_writes_a_picture(tmp_path, capsys):
    assert call("demo", "-o", tmp_path / "demo") == 0
    printed = capsys.readouterr().out
    assert "seeds N" in printed
    assert "exact ground truth: SEG" in printed
    assert (tmp_path / "demo" / "demo.png").stat().st_size > 10_000


def test_help_names_every_setting():
    shown = subprocess.run(
        [sys.executable, "-m", "fastershift.cli", "run", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": "", "TERM": "dumb"},
    ).stdout
    for flag in ("--bandwidth", "--gamma", "--n-initial", "--smallest-cell", "--axes"):
        assert flag in shown
