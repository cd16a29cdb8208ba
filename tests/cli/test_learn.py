"""The command that learns: what it passes on, what it writes and what it says.

What is learned is told by `training/test_learn.py`; here, answers are given in advance.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from fastershift import training
from fastershift.cli import main
from fastershift.rshn import load_model, read_card


@pytest.fixture
def learners(monkeypatch, tiny_model):
    """All that were asked to learn; each has a first answer and a better one."""
    made = []
    model = load_model(str(tiny_model))

    class Learner:
        def __init__(self, frames, start, **options):
            self.frames, self.start, self.options = frames, start, options
            made.append(self)

        def learn(self, annotations, **length):
            self.annotations, self.length = annotations, length
            for quality, way in ((0.5, "as it was"), (0.75, "head")):
                yield None
                if getattr(Learner, "interrupted_at", None) == way:
                    raise KeyboardInterrupt
                yield SimpleNamespace(
                    model=model, seconds=4.6, quality=quality, before=0.5, way=way
                )

    monkeypatch.setattr(training, "Learner", Learner)
    return made


@pytest.mark.parametrize(
    ("way", "told", "written"),
    [
        ("as it was", "nothing was written", False),
        ("head", "the model learned so far is in", True),
    ],
)
def test_an_interruption_says_what_is_there(
    learn, learners, tmp_path, capsys, way, told, written
):
    training.Learner.interrupted_at = way
    assert learn() == 130
    assert f"Interrupted: {told}" in capsys.readouterr().err
    assert (tmp_path / "mine.safetensors").exists() == written


@pytest.fixture
def learn(tmp_path, tiny_model):
    labels = np.zeros((2, 24, 30), np.int32)
    for number in range(3):
        labels[0, 3:9, 3 + 9 * number : 9 + 9 * number] = number + 1
    known = np.where(np.arange(2)[:, None, None] == 0, labels, -1)
    stacks = {"movie": labels.astype(np.uint16), "marks": known, "plain": labels}
    for name, stack in stacks.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", stack, metadata={"axes": "TYX"})

    def run(*options, marks="marks"):
        marks = marks if "." in marks else f"{marks}.tif"
        files = [tmp_path / name for name in ("movie.tif", marks)]
        place = ("-o", tmp_path / "mine.safetensors", "--model", tiny_model)
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in ("learn", *files, *place, *options)])
        return ended.value.code or 0

    return run


def test_each_answer_is_told_and_the_last_is_kept(learn, learners, tmp_path, capsys):
    assert learn("--author", "Ada", "--author", "Ben") == 0
    said = capsys.readouterr()
    first, second = said.err.strip().splitlines()[-2:]
    assert first.startswith("After 5 s: agreement with marks kept out 0.50")
    assert "only the diameter is learned" in first
    assert "0.75, before 0.50 (a head over the network)" in second
    assert "Model learned from 3 cells" in said.out
    card = read_card(tmp_path / "mine.safetensors")
    assert card.authors == ("Ada", "Ben")
    assert card.command.startswith("fastershift")


@pytest.mark.parametrize(
    ("options", "length"),
    [
        ((), {"minutes": 2.0, "iterations": None}),
        (("--minutes", 0), {"minutes": 0.0, "iterations": None}),
        (("--iterations", 7), {"minutes": None, "iterations": 7}),
    ],
)
def test_it_takes_two_minutes_unless_told(learn, learners, options, length):
    assert learn(*options, "--seed", 3, "--device", "cpu") == 0
    (learner,) = learners
    assert learner.length == length
    assert learner.options == {
        "name": "mine",
        "movie_name": "movie.tif",
        "seed": 3,
        "device": "cpu",
    }


def test_a_model_is_replaced_when_asked_only(learn, learners, tmp_path, capsys):
    assert learn() == 0
    before = (tmp_path / "mine.safetensors").read_bytes()
    assert learn() == 2
    assert "--overwrite" in capsys.readouterr().err
    assert len(learners) == 1
    assert learn("--overwrite", "--author", "Ada") == 0
    assert (tmp_path / "mine.safetensors").read_bytes() != before


@pytest.mark.parametrize(
    ("unmarked", "known"), [("background", True), ("unknown", False)]
)
def test_what_is_not_marked_is_as_it_is_told(learn, learners, capsys, unmarked, known):
    assert learn(marks="plain") == 2
    assert "background or unknown" in capsys.readouterr().err
    assert learn("--unmarked", unmarked, marks="plain") == 0
    (first,) = learners[-1].annotations.frames.values()
    assert (first == 0).any() == known


def test_a_channel_of_a_movie_is_chosen_as_in_other_commands(
    learn, learners, tmp_path, capsys
):
    movie = tifffile.imread(tmp_path / "movie.tif")
    both = np.stack([movie, movie + 7], 1)
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, both, imagej=True, metadata={"axes": "TCYX"})
    assert learn() == 2
    assert "choose one channel" in capsys.readouterr().err
    assert learn("--channel", 1) == 0
    np.testing.assert_array_equal(learners[-1].frames[0], both[0, 1])
    planes = {"imagej": True, "metadata": {"axes": "ZYX"}}
    tifffile.imwrite(path, movie, **planes)
    assert learn("--axes", "TYX", "--overwrite") == 0
    tifffile.imwrite(path, both, imagej=True, metadata={"axes": "TZYX"})
    assert learn("--plane", "max", "--overwrite") == 0
    np.testing.assert_array_equal(learners[-1].frames[0], both[0, 1])


@pytest.mark.parametrize("kind", ["slices", "real", "folder", "array"])
def test_marks_may_lie_as_masks_elsewhere(learn, learners, tmp_path, kind):
    plain = tifffile.imread(tmp_path / "plain.tif")
    name = "plain.tif"
    path = tmp_path / name
    if kind == "slices":
        slices = {"imagej": True, "metadata": {"axes": "ZYX"}}
        tifffile.imwrite(path, plain.astype(np.uint16), **slices)
    elif kind == "real":
        tifffile.imwrite(path, plain.astype(np.float32), metadata={"axes": "TYX"})
    elif kind == "folder":
        path.unlink()
        path.mkdir()
        for t, frame in enumerate(plain):
            tifffile.imwrite(path / f"mask_{t:03d}.tif", frame.astype(np.uint16))
    else:
        name = "plain.npy"
        np.save(tmp_path / name, plain)
    assert learn("--unmarked", "background", marks=name) == 0
    (first,) = learners[-1].annotations.frames.values()
    np.testing.assert_array_equal(first, plain[0])


def test_the_movie_is_no_marks_of_itself(learn, learners, capsys):
    assert learn("--unmarked", "unknown", marks="movie") == 2
    assert "the movie itself" in capsys.readouterr().err
    assert not learners
