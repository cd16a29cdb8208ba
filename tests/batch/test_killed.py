"""The machine may be switched off at any moment."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("zarr")

from fastershift.batch import MovieTask, Written, run_large
from fastershift.io import read_result

# Slowed down where it computes, so that there are moments to be killed in.
PROGRAM = """
import json, sys, time
from pathlib import Path
import fastershift.batch._steps as steps
from fastershift.batch import MovieTask, run_large
original = steps.cluster_pair
def slow(*given):
    time.sleep(0.05)
    return original(*given)
steps.cluster_pair = slow
source, output, settings = sys.argv[1:]
task = MovieTask(Path(source), Path(output), settings=json.loads(settings), chunk=2)
print("ready", flush=True)
for event in run_large(task):
    print(event.done if hasattr(event, "done") else "", flush=True)
"""


@pytest.mark.slow  # processes that are killed and started anew
def test_a_killed_run_loses_a_chunk_at_most(tmp_path, movie_file, settings):
    output = tmp_path / "out.zarr"
    arguments = [str(movie_file), str(output), json.dumps(settings)]
    finished = -1
    for lines in (3, 5, 7):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(lines):
            process.stdout.readline()
        time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert not output.exists()
        work = tmp_path / ".out.zarr.unfinished"
        chunks = [one for one in work.iterdir() if one.name.startswith("chunk-")]
        assert len(chunks) >= finished
        finished = len(chunks)
    assert finished >= 1
    task = MovieTask(movie_file, output, settings=settings, chunk=2)
    *_, last = run_large(task)
    assert isinstance(last, Written)
    *_, fresh = run_large(
        MovieTask(movie_file, tmp_path / "fresh.zarr", settings=settings, chunk=2)
    )
    labels, tracks = read_result(output)
    expected, expected_tracks = read_result(fresh.outcome.output)
    assert np.array_equal(labels, expected)
    assert tracks == expected_tracks
    assert not work.exists()


@pytest.mark.parametrize("moment", range(3))
def test_a_run_killed_while_it_ends_is_taken_up(
    tmp_path, movie_file, settings, monkeypatch, moment
):
    """Whatever was done last, the result is whole or not there."""
    import fastershift.batch._steps as steps

    output = tmp_path / "out.zarr"
    task = MovieTask(movie_file, output, settings=settings, chunk=4)

    class Killed(BaseException):
        pass

    def killed(*_given, **_options):
        raise Killed

    original = steps.write_saved

    def killed_after(*given, **options):
        original(*given, **options)
        raise Killed

    places = [
        (steps, "join_chunks", killed),
        (steps, "write_saved", killed),
        (steps, "write_saved", killed_after),
    ]
    with monkeypatch.context() as patched:
        patched.setattr(*places[moment])
        with pytest.raises(Killed):
            list(run_large(task))
    assert output.exists() == (moment == 2)
    *_, last = run_large(task)
    assert last.outcome.frames == 9
    assert len(read_result(output)[0]) == 9
