"""The commands for large and many movies."""

import csv

import pytest
import tifffile
from typer.testing import CliRunner

from fastershift.cli import app
from fastershift.io import read_result
from fastershift.simulate import simulate_movie

pytest.importorskip("distributed")
pytest.importorskip("zarr")


@pytest.fixture
def movies(tmp_path):
    folder = tmp_path / "movies"
    folder.mkdir()
    frames = simulate_movie(3, (40, 44), 3, diameter=14, seed=1).frames
    tifffile.imwrite(
        folder / "good.tif", frames, photometric="minisblack", metadata={"axes": "TYX"}
    )
    (folder / "bad.tif").write_bytes(b"II no tiff")
    return folder


def invoke(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_batch(movies, tmp_path, tiny_model):
    output = tmp_path / "results"
    words = ("batch", movies, "-o", output, "--diameter", 14, "--model", tiny_model)
    first = invoke(*words)
    assert first.exit_code == 1
    assert "2 movies, 1 failed" in first.output
    assert "bad: " in first.output
    assert "Traceback" not in first.output
    labels, _ = read_result(output / "good")
    assert labels.shape == (3, 40, 44)
    with (output / "summary.csv").open(newline="") as file:
        statuses = {row["movie"]: row["status"] for row in csv.DictReader(file)}
    assert statuses == {"bad": "failed", "good": "done"}
    (movies / "bad.tif").write_bytes((movies / "good.tif").read_bytes())
    assert invoke(*words).exit_code == 1
    second = invoke(*words, "--retry-failed")
    assert second.exit_code == 0
    assert "2 movies, 0 failed" in second.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("batch", "nowhere", "-o", "x"), "nothing at nowhere"),
        (("batch", "*.tif", "-o", "x", "--format", "gif"), "no format 'gif'"),
        (
            ("batch", "*.tif", "-o", "x", "--workers", 2, "--scheduler", "tcp://a:1"),
            "not both",
        ),
    ],
)
def test_mistakes_are_sentences(words, sentence):
    result = invoke(*words)
    assert result.exit_code == 2
    assert sentence in result.output


def test_run_beside_the_image(tmp_path, tiny_model):
    image = tmp_path / "movie.zarr"
    made = ("--frames", 3, "--height", 40, "--width", 44, "--cells", 3)
    assert invoke("simulate", "-o", image, *made, "--diameter", 14).exit_code == 0
    place = image / "labels" / "cells"
    words = ("run", image, "-o", place, "--format", "zarr", "--model", tiny_model)
    result = invoke(*words, "--diameter", 14, "--chunk", 2)
    assert result.exit_code == 0, result.output
    labels, tracks = read_result(place)
    assert labels.shape == (3, 40, 44)
    assert f"{len(tracks)} tracks" in result.output
    again = invoke(*words, "--diameter", 14)
    assert again.exit_code == 2
    assert "--overwrite" in again.output
