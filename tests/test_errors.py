"""What users are told when something goes wrong: one sentence, and what to do."""

import errno
import os
import sys

import pytest

from fastershift.errors import (
    FastershiftError,
    InputError,
    check_ordinary,
    counted,
    explain,
    import_extra,
    is_shortage,
    refusal,
)


def test_a_sentence_does_not_know_who_shows_it_and_brings_its_options():
    error = InputError("There are 3 channels; choose one.", channel=0)
    assert str(error) == "There are 3 channels; choose one."
    assert error.options == {"channel": 0}
    assert isinstance(error, FastershiftError)
    # Who knows nothing of us catches it as what it is.
    assert isinstance(error, ValueError)


def test_our_own_sentences_are_shown_as_they_are():
    assert explain(FastershiftError("The disk is gone.")) == "The disk is gone."


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        OSError("Cannot allocate memory"),
        ImportError("failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
    ],
)
def test_every_way_to_say_that_memory_is_short_is_known(error):
    assert is_shortage(error)
    assert "is not enough" in explain(error)
    assert "smaller region" in explain(error)


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("shape")])
def test_other_errors_are_no_shortage(error):
    assert not is_shortage(error)
    assert explain(error) == (
        f"Something unexpected went wrong ({type(error).__name__}: {error})."
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full, so out.tif was not written"),
        (errno.EDQUOT, "The disk is full"),
        (errno.ENAMETOOLONG, "is too long for this disk"),
        (errno.EACCES, "out.tif cannot be written (Permission denied); choose another"),
    ],
)
def test_what_a_disk_refuses_says_what_to_do(number, words):
    assert words in refusal("out.tif", OSError(number, os.strerror(number)), "written")


def test_what_cannot_be_read_need_not_go_elsewhere():
    error = OSError(errno.EACCES, "Permission denied")
    assert refusal("in.tif", error, "read") == (
        "in.tif cannot be read (Permission denied)."
    )


def test_numpy_says_in_its_own_way_that_a_disk_is_full():
    assert "disk is full" in refusal("a.npy", OSError("512 requested and 100 written"))


def test_an_error_about_a_file_names_the_file(tmp_path):
    with pytest.raises(OSError) as caught:  # noqa: PT011
        open(tmp_path / "none" / "movie.tif", "rb")  # noqa: SIM115
    assert explain(caught.value).startswith(f"{tmp_path / 'none' / 'movie.tif'} cannot")


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_a_pipe_is_not_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="neither a file nor a folder"):
        check_ordinary(pipe)
    check_ordinary(tmp_path)
    check_ordinary(tmp_path / "not there")


def test_one_is_not_counted_in_the_plural():
    assert [counted(n, "track") for n in (0, 1, 2)] == [
        "0 tracks",
        "1 track",
        "2 tracks",
    ]


def test_a_package_that_is_missing_is_told_with_the_way_to_get_it():
    with pytest.raises(InputError) as told:
        import_extra(
            "no_such_package",
            "video",
            "Videos need one more package; install it",
            ", or save the movie as TIFF",
        )
    assert str(told.value) == (
        "Videos need one more package; install it with pip install "
        "'fastershift[video]', or save the movie as TIFF."
    )


def test_a_package_that_is_there_is_given():
    import json

    assert import_extra("json", "video", "Videos need one more package") is json
