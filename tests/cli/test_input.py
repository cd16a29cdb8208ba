"""Movies with more than time, rows and columns, on the command line."""

import tomllib

import numpy as np
import pytest
import tifffile

from fastershift.cli import main
from fastershift.io import read_result
from fastershift.simulate import simulate_movie


@pytest.fixture(scope="module")
def frames():
    return simulate_movie(3, (64, 64), 5, diameter=16, seed=3).frames


@pytest.fixture(scope="module")
def deep(frames, tmp_path_factory):
    """A file whose second channel is the movie in the lower of two planes."""
    dark = np.zeros_like(frames)
    planes = np.stack([dark, frames], axis=1)
    pixels = np.stack([np.zeros_like(planes), planes], axis=2)
    path = tmp_path_factory.mktemp("deep") / "movie.tif"
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TZCYX"})
    return path


@pytest.fixture
def run(tiny_model, tmp_path):
    def run(source, *options, out="out"):
        given = ("--model", tiny_model, "--diameter", 16, "--device", "cpu")
        words = ["run", source, "-o", tmp_path / out, *given, *options]
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        return ended.value.code or 0

    return run


def test_masks_are_linked_without_a_movie(tmp_path, capsys):
    masks = np.zeros((3, 40, 40), np.uint16)
    masks[:, 5:15, 5:15], masks[:, 25:35, 25:35] = 4, 9
    tifffile.imwrite(tmp_path / "masks.tif", masks, photometric="minisblack")
    words = ["run", "-o", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--labels", str(tmp_path / "masks.tif")])
    assert not ended.value.code
    labels, tracks = read_result(tmp_path / "out")
    np.testing.assert_array_equal(labels > 0, masks > 0)
    assert [track[1:3] for track in tracks] == [(0, 2), (0, 2)]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "Give a movie" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [
        ("--channel", 3),
        ("--level", 2),
        ("--axes", "ZYX"),
        ("--model", "nosuch"),
        ("--device", "tpu"),
        ("--no-reseed",),
        ("--vote-weight", 2),
    ],
)
def test_what_has_no_effect_on_masks_alone_is_refused(tmp_path, capsys, option):
    masks = np.ones((3, 40, 40), np.uint16)
    tifffile.imwrite(tmp_path / "masks.tif", masks, photometric="minisblack")
    words = ["run", "-o", tmp_path / "out", "--labels", tmp_path / "masks.tif", *option]
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, words)))
    assert ended.value.code == 2
    name = option[0].replace("no-", "")
    assert f"{name} has no effect on masks alone" in capsys.readouterr().err


def test_a_channel_and_a_projection(run, deep, frames, tmp_path):
    flat = tmp_path / "flat.tif"
    tifffile.imwrite(flat, frames, photometric="minisblack")
    assert run(flat, out="flat") == 0
    expected, _ = read_result(tmp_path / "flat")
    assert expected.any()
    assert run(deep, "--channel", 1, "--plane", "max") == 0
    labels, _ = read_result(tmp_path / "out")
    np.testing.assert_array_equal(labels, expected)
    # The settings that were written do the same.
    file = tmp_path / "out" / "settings.toml"
    stored = tomllib.loads(file.read_text())["input"]
    assert stored == {"axes": "auto", "channel": 1, "plane": "max", "level": 0}
    assert run(deep, "--settings", file, out="again") == 0
    np.testing.assert_array_equal(read_result(tmp_path / "again")[0], expected)
    # What is typed wins over the file.
    assert run(deep, "--settings", file, "--plane", 1, out="plane") == 0
    np.testing.assert_array_equal(read_result(tmp_path / "plane")[0], expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "choose a plane from 0 to 1"),
        (["--plane", "max"], "choose one channel, from 0 to 1"),
        (["--plane", "sum", "--channel", 0], "neither a number from 0 nor one of"),
        (["--plane", 5, "--channel", 0], "no plane 5"),
        (["--axes", "TZC"], "name each axis once"),
        (["--level", 1, "--plane", 0, "--channel", 0], "no level 1"),
        (["--position", "x"], "input.position cannot be used"),
    ],
)
def test_what_is_missing_or_wrong_is_one_sentence(run, deep, capsys, options, words):
    assert run(deep, *options) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert words in told[-1]
    assert told[-1].startswith("fastershift: ")
