"""The command that trains, as typed."""

import signal

import pytest
import tifffile

from fastershift.cli import main
from fastershift.io import read_result
from fastershift.rshn import read_card
from fastershift.simulate import simulate_movie


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    movie = simulate_movie(5, (40, 48), 4, diameter=14, seed=2)
    folder = tmp_path_factory.mktemp("movie")
    for name, stack in (("cells", movie.frames), ("truth", movie.labels)):
        path = folder / f"{name}.tif"
        tifffile.imwrite(path, stack, metadata={"axes": "TYX"})
    return folder


def train(pair, output, *options):
    """Run the command line; return its exit code."""
    named = f"{pair / 'cells.tif'}={pair / 'truth.tif'}"
    given = ["train", named, "-o", output, "--device", "cpu", *options]
    try:
        main([str(one) for one in given])
    except SystemExit as stop:
        return stop.code or 0
    return 0


SMALL = ("--filters", 4, "--levels", 2, "--batch", 1)


@pytest.mark.slow  # trains, goes on and runs
def test_train_resume_and_run(pair, tmp_path, capsys):
    model = tmp_path / "m.safetensors"
    assert train(pair, model, *SMALL, "--iterations", 2, "--author", "Ada") == 0
    said = capsys.readouterr()
    assert "5 frames labelled" in said.err
    assert "Iteration 2: SEG" in said.err
    assert "Model after 2 iterations" in said.out
    assert read_card(model).authors == ("Ada",)
    assert train(pair, model, "--resume", "--iterations", 1) == 0
    assert "Model after 3 iterations" in capsys.readouterr().out
    out = tmp_path / "out"
    main_arguments = ["run", str(pair / "cells.tif"), "-o", str(out)]
    with pytest.raises(SystemExit) as ended:
        main([*main_arguments, "--model", str(model)])
    assert not ended.value.code
    assert read_result(out)[0].shape == (5, 40, 48)


def test_interrupting_leaves_a_model(pair, tmp_path, capsys, monkeypatch):
    from fastershift.training import Trainer

    step = Trainer._step

    def interrupted(trainer, slowed):
        if trainer.iteration == 1:
            signal.raise_signal(signal.SIGINT)
        return step(trainer, slowed)

    monkeypatch.setattr(Trainer, "_step", interrupted)
    model = tmp_path / "m.safetensors"
    # Who started the tests may have told them to ignore interrupts.
    before = signal.getsignal(signal.SIGINT)
    assert train(pair, model, *SMALL, "--minutes", 60) == 130
    said = capsys.readouterr()
    assert "Model after 2 iterations" in said.out
    assert "--resume continues" in said.err
    assert read_card(model).filters == 4
    assert (tmp_path / "m.state.safetensors").is_file()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("saved", [False, True])
def test_interrupting_twice_says_what_is_there(
    pair, tmp_path, capsys, monkeypatch, saved
):
    from fastershift.training import Trainer

    step = Trainer._step

    def interrupted(trainer, slowed):
        if trainer.iteration == 1:
            for _ in range(2):
                signal.raise_signal(signal.SIGINT)
        return step(trainer, slowed)

    monkeypatch.setattr(Trainer, "_step", interrupted)
    if saved:
        monkeypatch.setattr("fastershift.training._run._SAVE_EVERY", -1)
    # Who started the tests may have told them to ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert train(pair, tmp_path / "m.safetensors", *SMALL, "--minutes", 60) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    told = capsys.readouterr().err.splitlines()[-1]
    state = tmp_path / "m.state.safetensors"
    assert state.exists() == saved
    assert (f"learned so far is in {state}; " in told) == saved
    assert ("no model was written" in told) != saved


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--minutes", 1, "--iterations", 1), "not both"),
        (("--resume",), "no training to resume"),
        (("--init", "nobody"), "no model 'nobody'"),
        (("--levels", 0), "levels"),
        (("--iterations", 0), "more than 0"),
        (("--border", -1), "negative"),
        (("--device", "quantum"), "quantum"),
    ],
)
def test_bad_options_are_one_sentence(pair, tmp_path, capsys, options, words):
    model = tmp_path / "m.safetensors"
    assert train(pair, model, *options) == 2
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert not model.exists()


def test_a_model_is_kept_unless_asked(pair, tmp_path, capsys):
    model = tmp_path / "m.safetensors"
    model.write_text("precious")
    assert train(pair, model, *SMALL) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert model.read_text() == "precious"
