"""What an unfinished run leaves on disk."""

import shutil
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("zarr")

from fastershift.batch import (
    BatchTask,
    MovieTask,
    Written,
    connect,
    run_alone,
    run_large,
    run_many,
)
from fastershift.batch._movie import prepare_movie
from fastershift.batch._work import WorkFolder, alone
from fastershift.errors import FastershiftError, InputError
from fastershift.io import read_result


def test_two_runs_do_not_take_each_others_chunks(tmp_path):
    """Chunks that the other has thrown away would be read as black frames."""
    place = tmp_path / "result"
    with (
        run_alone(place),
        pytest.raises(InputError, match="Another run"),
        run_alone(place),
    ):
        pass
    with run_alone(place):
        pass
    assert not list(tmp_path.iterdir())


def test_two_batches_do_not_fill_one_folder(tmp_path, movie_file, settings):
    batch = BatchTask([movie_file], tmp_path / "out", settings=settings)
    with (
        connect() as client,
        alone(batch.output),
        pytest.raises(InputError, match=r"Another run is writing .*out just now"),
    ):
        list(run_many(batch, client))
    assert not batch.output.exists()


@pytest.mark.parametrize("place", ["out", "out/movie", "out/more/movie.zarr"])
def test_a_run_is_refused_in_a_folder_that_a_batch_is_filling(tmp_path, place):
    with (
        alone(tmp_path / "out"),
        pytest.raises(InputError, match=r"A batch is filling .*out just now"),
        run_alone(tmp_path / place),
    ):
        pass
    with alone(tmp_path / "out"), run_alone(tmp_path / "beside"):
        pass
    with (
        alone(tmp_path / "out"),
        pytest.raises(InputError, match="A batch is filling"),
        alone(tmp_path / "out" / "inside"),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_a_batch_is_refused_while_a_run_writes_one_of_its_results(
    tmp_path, movie_file, settings
):
    batch = BatchTask([movie_file], tmp_path / "out", settings=settings, format="ctc")
    with (
        connect() as client,
        run_alone(tmp_path / "out" / "movie"),
        pytest.raises(InputError, match=r"Another run is writing .*out/movie just now"),
    ):
        list(run_many(batch, client))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("by", ["run", "batch"])
def test_a_run_that_is_refused_throws_nothing_away(tmp_path, movie_file, settings, by):
    """What it was to replace belongs to the run, or the batch, that is under way."""
    task = MovieTask(movie_file, tmp_path / "out.zarr", settings=settings, chunk=2)
    other = replace(
        task, settings={**settings, "cluster": {"bandwidth": 0.02}}, overwrite=True
    )
    events = run_large(task)
    while not (chunks := list(tmp_path.glob(".*.unfinished/chunk-*"))):
        next(events)
    if by == "batch":
        events.close()
    with (
        nullcontext() if by == "run" else alone(tmp_path),
        pytest.raises(InputError, match=r"Another run|A batch is filling"),
    ):
        next(run_large(other))
    assert all(chunk.exists() for chunk in chunks)
    assert WorkFolder(task.output).matches(prepare_movie(task, task.models()).signature)


def test_the_command_is_alone_from_its_beginning(tmp_path, movie_file, capsys):
    from helpers.faults import command

    place = tmp_path / "new" / "result"
    with run_alone(place), pytest.raises(FastershiftError, match="Another run"):
        command("run", movie_file, "-o", place, capture=capsys)
    (tmp_path / "m.tif").write_bytes(b"no movie")
    with pytest.raises(FastershiftError, match=r"m\.tif"):
        command("run", tmp_path / "m.tif", "-o", place, capture=capsys)
    assert not (tmp_path / "new").exists()


def _lose(path):
    path.unlink()


def _cut(path):
    path.write_bytes(path.read_bytes()[:5])


@pytest.mark.parametrize("harm", [_lose, _cut])
@pytest.mark.parametrize("labels", [0, 7])
def test_a_chunk_that_is_not_whole_is_not_black(tmp_path, harm, labels):
    work = WorkFolder(tmp_path / "result")
    pair = np.full((2, 3, 4), labels, np.int32)
    given = [(pair, [{}, {}])] * 3
    for _ in work.write(0, (3, *pair.shape), given):
        pass
    assert all(np.array_equal(read, pair) for read, _ in work.read(0))
    harm(work.path / "chunk-00000" / "c" / "1" / "1" / "0" / "0")
    with pytest.raises(FastershiftError, match="lost or damaged"):
        list(work.read(0))
    assert not work.has(0), "what is lost is computed anew"


def test_linked_frames_that_are_not_whole_are_not_black(tmp_path):
    frames = WorkFolder(tmp_path / "result").frames((3, 4, 5))
    for t in range(2):
        frames[t] = np.zeros((4, 5), np.int32)
    assert not frames[1].any()
    with pytest.raises(FastershiftError, match=r"Frame 2 .* lost"):
        frames[2]
    (array,) = (tmp_path / ".result.unfinished").iterdir()
    (array / "c" / "1" / "0" / "0").write_bytes(b"x")
    with pytest.raises(FastershiftError, match=r"Frame 1 .* lost"):
        frames[1]


@pytest.mark.parametrize("lost", [".", "c/1", "zarr.json"])
def test_what_vanishes_during_a_run_is_computed_anew(
    tmp_path, movie_file, settings, lost
):
    """Somebody clears up while chunks are being computed."""
    task = MovieTask(movie_file, tmp_path / "out.zarr", settings=settings, chunk=2)
    first = tmp_path / ".out.zarr.unfinished" / "chunk-00000"

    def cleared():
        for event in run_large(task):
            if first.exists() and not (tmp_path / "gone").exists():
                shutil.move(first / lost, tmp_path / "gone")
            yield event

    with pytest.raises(FastershiftError, match="run the same again"):
        list(cleared())
    assert not task.output.exists()
    *_, last = run_large(task)
    assert isinstance(last, Written)
    *_, fresh = run_large(
        MovieTask(movie_file, tmp_path / "fresh.zarr", settings=settings)
    )
    one, other = (read_result(place) for place in (task.output, fresh.outcome.output))
    assert np.array_equal(one[0], other[0])
