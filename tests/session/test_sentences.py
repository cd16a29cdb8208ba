"""What a window says of errors: a sentence, and the control that can help."""

import pickle

import pytest

from fastershift.errors import FastershiftError, InputError
from fastershift.session import describe_error, remaining


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InputError("Choose one."), "Choose one."),
        (InputError("Choose one.", channel=0), "Choose one (see Channel)."),
        (
            InputError("Choose one.", plane="max", axes="TYX"),
            "Choose one (see Plane or Axes).",
        ),
        # The window has no control for these.
        (InputError("It is there.", overwrite=True), "It is there."),
        (InputError("They differ.", frames="A:B"), "They differ."),
        (OSError(13, "Permission denied", "a.tif"), "a.tif cannot be used (Permission"),
        (KeyError("x"), "Something unexpected went wrong (KeyError: 'x')."),
    ],
)
def test_a_window_names_its_controls(error, told):
    assert describe_error(error).startswith(told)
    assert "--" not in describe_error(error)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory")])
def test_a_shortage_of_memory_says_what_to_do(error):
    assert "close other programs" in describe_error(error)


@pytest.mark.parametrize("kind", [FastershiftError, InputError])
def test_an_error_comes_back_whole_from_another_process(kind):
    error = pickle.loads(pickle.dumps(kind("Choose one.", channel=0)))
    assert (type(error), str(error)) == (kind, "Choose one.")
    assert error.options == {"channel": 0}


@pytest.mark.parametrize(("done", "left"), [(0, None), (1, 90), (5, 10), (10, 0)])
def test_the_rest_takes_as_long_as_what_was_done(monkeypatch, done, left):
    monkeypatch.setattr("time.monotonic", lambda: 110.0)
    assert remaining(100.0, done, 10) == left
