"""Errors of the machine, told in a sentence."""

import errno

import pytest
import typer

from fastershift.cli._errors import reports_errors


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 260), "is too long"),
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


def test_a_reader_that_leaves_is_not_an_error(capsys):
    """Nothing is said when the output goes to head."""

    @reports_errors
    def command(*, debug):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        command(debug=False)
    assert capsys.readouterr().err == ""
