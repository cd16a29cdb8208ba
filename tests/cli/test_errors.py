"""Errors of the machine, told in a sentence."""

import errno

import pytest
import typer

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
    def command(*, debug):
        raise error

    with pytest.raises(typer.Exit) as end:
        command(debug=False)
    assert end.value.exit_code == code
    assert capsys.readouterr().err == f"fastershift: {told}\n"


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
