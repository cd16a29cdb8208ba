"""The catalogue, third part: moments, crowds, and machines that have had enough.

The long part, for `make faults`.
"""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile

from fastershift.io import read_result
from helpers.faults import checksums
from helpers.faulty_files import MOVIE

pytest.importorskip("geff")
pytestmark = [pytest.mark.faults, pytest.mark.slow]  # processes that are started

_WRITER = """
import os, signal, sys, time
import numpy as np
from fastershift.io import SavedResult, write_saved
from fastershift.session import Autosaves
import tifffile, zarr, geff
form, place, moments = sys.argv[1], sys.argv[2], [float(m) for m in sys.argv[3:]]
def result(number):
    labels = np.zeros((6, 64, 64), np.int32)
    labels[:, 4:40, 4:40] = number
    return SavedResult(labels, [(number, 0, 5, 0)], corrections={"history": [number]})
def write(number):
    if form == "autosave":
        from pathlib import Path
        Autosaves(Path(place).parent).write(1, "movie", result(number))
    else:
        write_saved(place, result(number), format=form, overwrite=True)
for moment in moments:
    heard, tell = os.pipe()
    child = os.fork()
    if child == 0:
        number = 1
        while True:
            write(number)
            os.write(tell, b".")
            number += 1
    os.read(heard, 1)  # the first one is there
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("killed", flush=True)
    sys.stdin.readline()
"""


def _environment():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _results(folder, pattern="[!.]*"):
    """List what looks like results, without the text files beside a TIFF."""
    suffixes = ("", ".tif", ".zarr", ".geff")
    return [one for one in folder.glob(pattern) if one.suffix in suffixes]


def _whole(path):
    """A result holds one number everywhere, or there is none and the former is kept."""
    labels, tracks = read_result(path)
    (number,) = set(np.unique(labels).tolist()) - {0}
    assert tracks == [(number, 0, 5, 0)]
    assert (labels == number).sum() == 6 * 36 * 36


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "geff", "autosave"])
def test_killed_while_it_writes(tmp_path, form):
    """Fifty moments: what is there is whole, and nothing is there by halves."""
    draw = random.Random(form)
    moments = [f"{draw.uniform(0, 0.6):.4f}" for _ in range(50)]
    place = tmp_path / "result"
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, form, str(place), *moments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    seen = 0
    for _ in moments:
        assert writer.stdout.readline() == "killed\n"
        if form == "autosave":
            found = list(tmp_path.glob("autosave/*/movie.tif"))
        else:
            found = _results(tmp_path)
        for path in found:
            _whole(path)
            seen += 1
        if seen and not found:
            # Killed between two renames: the former result lies beside.
            assert list(tmp_path.glob(".*.part/old"))
        writer.stdin.write("\n")
        writer.stdin.flush()
    writer.wait()
    writer.stdin.close()
    writer.stdout.close()
    assert seen >= 25


@pytest.fixture
def movie(tmp_path):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, MOVIE, photometric="minisblack")
    return path


def _command(*words, **options):
    return [sys.executable, "-m", "fastershift.cli", *map(str, words)]


def _run(movie, output, model, *more):
    return _command(
        *("run", movie, "-o", output, "--model", model, "--diameter", 8, *more)
    )


def _fine(done):
    """A result or a sentence, and nothing of Python."""
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert "unexpected" not in said, said
    assert done.returncode in (0, 1, 2), said
    if done.returncode:
        assert "fastershift: " in said, said
    return done.returncode == 0


def _do(command, **options):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=500, **options
    )


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr"])
def test_a_command_that_is_killed(tmp_path, movie, tiny_model, form):
    """The movie stays; the result is whole or not there; the next run goes well."""
    before = movie.read_bytes()
    command = _run(movie, tmp_path / "out", tiny_model, "--format", form)
    for seconds in (1.0, 2.5, 4.0, 5.5):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert movie.read_bytes() == before
        for path in _results(tmp_path, "out*"):
            assert len(read_result(path)[0]) == len(MOVIE)
    assert _fine(_do([*command, "--overwrite"], env=_environment()))


_BATCH = """
import os, signal, sys, time
from fastershift.cli import main
import distributed, zarr, fastershift.batch
moments = [float(m) for m in sys.argv[1].split()]
for moment in moments:
    child = os.fork()
    if child == 0:
        os.close(1), os.close(2)
        os.open(os.devnull, os.O_WRONLY), os.dup(1)
        os.setsid()
        main(sys.argv[2:])
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("killed", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "geff"])
def test_a_batch_that_is_killed(tmp_path, tiny_model, form):
    """At any moment results are whole; the last run of the same command ends well."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abcd":
        tifffile.imwrite(folder / f"{name}.tif", MOVIE, photometric="minisblack")
    before = checksums(folder)
    words = ("batch", folder, "-o", tmp_path / "out", "--format", form)
    words = (*words, "--model", tiny_model, "--diameter", 8, "--chunk", 1)
    draw = random.Random(form)
    moments = [f"{draw.uniform(0, 4):.3f}" for _ in range(25)]
    killer = subprocess.Popen(
        [sys.executable, "-c", _BATCH, " ".join(moments), *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    for _ in moments:
        assert killer.stdout.readline() == "killed\n"
        assert checksums(folder) == before
        for path in _results(tmp_path / "out"):
            if path.name != "summary":
                assert len(read_result(path)[0]) == len(MOVIE)
        killer.stdin.write("\n")
        killer.stdin.flush()
    killer.communicate()
    assert _fine(_do(_command(*words), env=_environment()))
    done = [one for one in _results(tmp_path / "out") if one.name != "summary"]
    assert sorted(one.stem for one in done) == [*"abcd"]
    assert not list((tmp_path / "out").glob(".*unfinished"))


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr"])
def test_two_commands_with_one_output(tmp_path, movie, tiny_model, form):
    command = _run(movie, tmp_path / "out", tiny_model, "--format", form)
    both = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment(),
        )
        for _ in range(2)
    ]
    ended = []
    for process in both:
        out, err = process.communicate(timeout=500)
        code = process.returncode
        ended.append(_fine(subprocess.CompletedProcess(command, code, out, err)))
    assert any(ended)
    (path,) = _results(tmp_path, "out*")
    assert len(read_result(path)[0]) == len(MOVIE)


@pytest.mark.parametrize("gigabytes", [1, 2, 3])
def test_little_memory(tmp_path, movie, tiny_model, gigabytes):
    resource = pytest.importorskip("resource")

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (gigabytes * 10**9,) * 2)

    command = _run(movie, tmp_path / "out", tiny_model)
    _fine(_do(command, env=_environment(), preexec_fn=limit))


@pytest.mark.parametrize("language", ["C", "POSIX", "C.UTF-8", "de_DE.UTF-8", "tr_TR"])
def test_a_language_and_a_name_it_cannot_spell(tmp_path, movie, tiny_model, language):
    named = tmp_path / "Zellen ä µ 细胞.tif"
    movie.rename(named)
    environment = _environment() | {"LANG": language, "LC_ALL": language}
    command = _run(named, tmp_path / "out é", tiny_model)
    assert _fine(_do(command, env=environment))


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": "/proc/nothing", "XDG_CACHE_HOME": "/proc/nothing"},
        {"NUMBA_CACHE_DIR": "/proc/nothing"},
        {"TMPDIR": "/proc/nothing"},
        {"COLUMNS": "1", "TERM": "dumb"},
        {"PYTHONWARNINGS": "error"},
    ],
    ids=str,
)
def test_odd_surroundings(tmp_path, movie, tiny_model, variables):
    command = _run(movie, tmp_path / "out", tiny_model)
    _fine(_do(command, env=_environment() | variables))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB; needs to be root."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=40", "tmpfs", place]
    if not hasattr(os, "geteuid") or os.geteuid() or subprocess.run(mount).returncode:
        pytest.skip("only root can make a small disk")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "geff"])
@pytest.mark.parametrize("what", ["bytes", "files", "read-only"])
def test_a_disk_that_is_full(small_disk, form, what):
    from fastershift.errors import FastershiftError
    from fastershift.io import SavedResult, write_saved

    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, (60, 64, 64)).astype(np.int32)
    if what == "files":
        for number in range(33):
            (small_disk / f"file{number}").touch()
        labels = np.full((60, 2, 2), 1, np.int32)
        labels[:, 1] = 2
    if what == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    before, said = sorted(small_disk.iterdir()), ""
    try:
        result = SavedResult(labels, [(1, 0, 59, 0), (2, 0, 59, 0)])
        path = write_saved(small_disk / "result", result, format=form)
    except FastershiftError as error:
        said = str(error)
    else:
        assert np.array_equal(read_result(path)[0], labels)
        return
    assert "full" in said or "cannot be written" in said
    assert sorted(small_disk.iterdir()) == before, "something half is left"
