"""The catalogue of faults, first part: input that is damaged, foreign or hostile.

Every row is a fault at a place. What must come of it is a sentence, a right result, or
either of them; the words of the last resort are never said, nothing half is left, and
no file of the user is changed.
"""

import os
import sys

import numpy as np
import pytest
import tifffile

from fastershift.config import load_settings
from fastershift.errors import FastershiftError
from fastershift.io import as_movie, read_movie, read_result
from fastershift.pipeline import plan_run
from helpers.faults import Row, command, hold
from helpers.faulty_files import (
    FOLDERS,
    MODELS,
    MOVIE,
    RESULTS,
    SETTINGS,
    TIFFS,
    ZARRS,
)

pytest.importorskip("zarr")
pytest.importorskip("geff")

_MOVIES = {**TIFFS, **ZARRS, **FOLDERS}


@pytest.fixture
def given(tiny_model):
    """Options of a run that takes a moment."""
    return ["--model", tiny_model, "--diameter", "8", "--device", "cpu"]


def _read(path, _):
    frames = np.stack(list(read_movie(path)))
    return frames.ndim == 3 and len(frames) > 0 and _same(path, frames)


def _same(path, frames):
    """Damaged movies are whole or refused; others hold what they hold."""
    return (
        path.name == "frames"
        or frames.shape != MOVIE.shape
        or (frames.dtype != MOVIE.dtype or np.array_equal(frames, MOVIE))
    )


def _rows(faults, place, use):
    return [Row(name, place, want, make, use) for name, (make, want) in faults.items()]


def _ids(rows):
    return [str(row) for row in rows]


def _leaves_nothing_half(folder, output):
    left = [one.name for one in folder.iterdir() if one.name != "mine"]
    assert output.exists() or not left, left


PYTHON = _rows(_MOVIES, "Python", _read)


@pytest.mark.parametrize("row", PYTHON, ids=_ids(PYTHON))
def test_movies_in_python(row, tmp_path):
    hold(row, tmp_path)


def _run(capture, given, *more):
    def use(path, folder):
        output = folder / "out"
        try:
            command("run", path, "-o", output, *given, *more, capture=capture)
        except FastershiftError:
            _leaves_nothing_half(folder, output)
            assert not output.exists()
            raise
        return len(read_result(output)[0]) >= 1

    return use


COMMAND = _rows(_MOVIES, "command", None)


@pytest.mark.parametrize("row", COMMAND, ids=_ids(COMMAND))
def test_movies_by_command(row, tmp_path, given, capsys):
    use = _run(capsys, given)
    hold(Row(row.fault, row.place, row.want, row.make, use), tmp_path)


def _many(tiny_model):
    """Do what *Run on many…* and the command batch do first with each movie."""

    def use(path, folder):
        from fastershift.batch._movie import MovieTask, prepare_movie

        embed = {"model": str(tiny_model), "diameter": 8.0}
        task = MovieTask(path, folder / "out.zarr", settings={"embed": embed})
        prepared = prepare_movie(task, task.models())
        # The frames are read where they are computed.
        return np.stack(list(prepared.task.open())).shape == prepared.shape

    return use


MANY = _rows(_MOVIES, "many", None)


@pytest.mark.parametrize("row", MANY, ids=_ids(MANY))
def test_movies_among_many(row, tmp_path, tiny_model):
    use = _many(tiny_model)
    hold(Row(row.fault, row.place, row.want, row.make, use), tmp_path)


def _load(path, _):
    return isinstance(load_settings(path), dict)


SETTINGS_ROWS = [
    *_rows(SETTINGS, "Python", _load),
    *_rows(SETTINGS, "command", None),
]


@pytest.mark.parametrize("row", SETTINGS_ROWS, ids=_ids(SETTINGS_ROWS))
def test_settings(row, tmp_path, given, capsys):
    use = row.use

    if use is None:

        def use(path, folder):
            movie = tmp_path / "movie.tif"
            tifffile.imwrite(movie, MOVIE, photometric="minisblack")
            output = tmp_path / "out"
            command(
                *("run", movie, "-o", output, "--settings", path, *given),
                capture=capsys,
            )
            return len(read_result(output)[0]) == len(MOVIE)

    hold(Row(row.fault, row.place, row.want, row.make, use), tmp_path)


MODEL_ROWS = [(name, place) for name in MODELS for place in ("Python", "command")]


@pytest.mark.parametrize(("name", "place"), MODEL_ROWS, ids=map(" | ".join, MODEL_ROWS))
def test_models(name, place, tmp_path, tiny_model, capsys):
    def in_python(path, _):
        plan_run(as_movie(MOVIE), {"embed": {"model": str(path), "diameter": 8.0}})
        return False

    def by_command(path, folder):
        movie = tmp_path / "movie.tif"
        tifffile.imwrite(movie, MOVIE, photometric="minisblack")
        words = ("run", movie, "-o", tmp_path / "out", "--model", path)
        command(*words, "--diameter", 8, capture=capsys)
        return False

    use = in_python if place == "Python" else by_command
    hold(Row(name, place, "sentence", MODELS[name](tiny_model), use), tmp_path)


def _read_result(path, _):
    labels, tracks = read_result(path)
    listed = {track for track, *_ in tracks}
    return set(np.unique(labels).tolist()) - {0} <= listed


def _open(path, _):
    from fastershift.plugin.files._open_result import result_layers

    return len(result_layers(path)) >= 1


RESULT_ROWS = [
    *_rows(RESULTS, "Python", _read_result),
    *_rows(RESULTS, "window", _open),
    *_rows(RESULTS, "command", None),
]


@pytest.mark.parametrize("row", RESULT_ROWS, ids=_ids(RESULT_ROWS))
def test_results(row, tmp_path, capsys):
    use = row.use
    if use is None:

        def use(path, folder):
            table = folder / "cells.csv"
            command("measure", path, "-o", table, capture=capsys)
            return table.exists()

    elif use is _open:
        pytest.importorskip("napari")
    hold(Row(row.fault, row.place, row.want, row.make, use), tmp_path)


#: A name that is no text: as old disks have them, and archives of other languages.
_NO_TEXT = os.fsdecode(b"m\xff\x01.tif")
_SUFFIXED = ("tiff", "zarr", "geff", "trackmate", "csv")
_ALL = ("ctc", "tiff", "zarr", "geff", "trackmate", "csv", "acdc", "newick")


@pytest.mark.skipif(sys.platform != "linux", reason="other disks take text alone")
@pytest.mark.parametrize("words", [("run", form) for form in _ALL] + [("batch", "ctc")])
def test_a_name_that_is_no_text(words, tmp_path, given, capsys):
    kind, form = words
    movie = tmp_path / _NO_TEXT
    tifffile.imwrite(tmp_path / "m.tif", MOVIE, photometric="minisblack")
    (tmp_path / "m.tif").rename(movie)
    output = tmp_path / "out"
    command(kind, movie, "-o", output, "--format", form, *given, capture=capsys)
    if kind == "batch":
        assert "1 movie, 0 failed" in (output / "summary.html").read_text()
        output /= movie.stem
    if form != "newick":
        (found,) = output.parent.glob("out.*" if form in _SUFFIXED else output.name)
        assert len(read_result(found)[0]) == len(MOVIE)


def test_the_table_is_as_long_as_is_said():
    rows = [*PYTHON, *COMMAND, *MANY, *SETTINGS_ROWS, *RESULT_ROWS]
    faults = {row.fault for row in rows} | set(MODELS)
    assert len(faults) >= 60
    assert len(rows) + len(MODEL_ROWS) >= 200
