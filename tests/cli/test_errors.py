"""Errors of the machine, told in a sentence."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import typer

from fastershift.cli import main
from fastershift.cli._errors import reports_errors
from fastershift.errors import FastershiftError, InputError


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 260), "is too long"),
        (OSError(errno.ENOSPC, "No space left on device", "a.tif"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "a.tif"), "a.tif cannot"),
        (MemoryError(), "memory of this machine"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory of this machine"),
        (ImportError("x.so: failed to map segment"), "memory of this machine"),
        (RuntimeError("can't start new thread"), "memory of this machine"),
        (RuntimeError("Failed to initialize cpuinfo!"), "where /proc can be read"),
    ],
)
def test_the_machine_has_a_sentence(capsys, error, sentence):
    @reports_errors
    def command(*, debug):
        raise error

    with pytest.raises(typer.Exit) as end:
        command(debug=False)
    told = capsys.readouterr().err
    assert end.value.exit_code == 1
    assert sentence in told
    assert "unexpected" not in told


@pytest.mark.parametrize(
    "words",
    [
        ("--debug", "convert", "nowhere", "x"),
        ("convert", "nowhere", "x", "--debug"),
        ("--debug", "models", "show", "nowhere"),
        ("models", "--debug", "show", "nowhere"),
    ],
)
def test_debugging_may_be_asked_for_before_the_command(words):
    with pytest.raises(InputError, match="nowhere"):
        main(list(words))


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (InputError("Choose one."), 2, "Choose one."),
        (InputError("Choose one.", channel=0), 2, "Choose one (--channel 0)."),
        (
            InputError("Try again.", retry_failed=True, tile=512),
            2,
            "Try again (--retry-failed, or --tile 512).",
        ),
        (FastershiftError("It ran out.", tile=512), 1, "It ran out (--tile 512)."),
    ],
)
def test_the_command_line_names_its_options(capsys, error, code, told):
    @reports_errors
    def command(*, debug, **options):
        raise error

    with pytest.raises(typer.Exit) as end:
        command(debug=False, channel=None, retry_failed=False, tile=None)
    assert end.value.exit_code == code
    assert capsys.readouterr().err == f"fastershift: {told}\n"


def test_options_that_a_command_lacks_are_not_named(tmp_path, capsys):
    two = np.ones((3, 2, 9, 9), np.uint16)
    axes = {"axes": "TCYX"}
    tifffile.imwrite(tmp_path / "two.tif", two, imagej=True, metadata=axes)
    with pytest.raises(SystemExit) as end:
        main(["convert", str(tmp_path / "two.tif"), str(tmp_path / "two.csv")])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "has 2 channels" in said
    assert "--" not in said


def test_a_fault_says_how_to_find_it(capsys):
    @reports_errors
    def command(*, debug):
        raise RuntimeError("who knows")

    with pytest.raises(typer.Exit):
        command(debug=False)
    told = capsys.readouterr().err
    assert "(RuntimeError: who knows)" in told
    assert "--debug" in told


def test_a_reader_that_leaves_is_not_an_error(capsys):
    """Nothing is said when the output goes to head."""

    @reports_errors
    def command(*, debug):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        command(debug=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["mask{:03d}.tif", "t{:03d}_cp_masks.tif"])
def test_masks_are_not_segmented(tmp_path, capsys, name):
    folder = tmp_path / "masks"
    folder.mkdir()
    for t in range(3):
        tifffile.imwrite(folder / name.format(t), np.ones((9, 9), np.uint16))
    with pytest.raises(SystemExit) as end:
        main(["run", str(folder), "-o", str(tmp_path / "out")])
    assert end.value.code == 2
    assert "masks rather than images" in capsys.readouterr().err


def test_nothing_is_computed_without_compiling(tmp_path, capsys, monkeypatch):
    """It would take hours, as a look at the processor shows nobody."""
    tifffile.imwrite(tmp_path / "m.tif", np.ones((9, 9), np.uint16))
    monkeypatch.setattr("numba.config.DISABLE_JIT", 1)
    with pytest.raises(SystemExit) as end:
        main(["run", str(tmp_path / "m.tif"), "-o", str(tmp_path / "out")])
    assert end.value.code == 2
    assert "NUMBA_DISABLE_JIT" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["models", "convert /a /b", "simulate -o x"])
def test_a_working_folder_that_was_removed(tmp_path, monkeypatch, capsys, words):
    def removed():
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr("os.getcwd", removed)
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert end.value.code == 2
    assert "The folder that you work in was removed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["simulate -o x", "learn x y -o z", "train x=y -o z", "benchmark table1"]
)
def test_a_seed_below_zero(capsys, words):
    with pytest.raises(SystemExit) as end:
        main([*words.split(), "--seed", "-1"])
    assert end.value.code == 2
    assert "seed" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_who_interrupts_what_is_being_loaded_sees_a_sentence():
    """Loading takes a second; Python has to come up before anything can be caught."""
    code = """
import os, signal, sys
# A shell may have told its jobs to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupts:
    def find_spec(self, name, *rest):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
from fastershift.cli import main
main(["models"])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 130
    assert ended.stderr == "fastershift: Interrupted: nothing was written.\n"
