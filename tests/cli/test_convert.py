"""The command that converts."""

import numpy as np
import pytest

from fastershift.cli import main
from fastershift.io import SavedResult, read_saved, write_saved


@pytest.fixture
def result(tmp_path):
    labels = np.zeros((3, 20, 24), np.int32)
    labels[:2, 4:10, 5:11] = 1
    labels[2, 4:7, 5:11], labels[2, 8:10, 5:11] = 2, 3
    tracks = [(1, 0, 1, 0), (2, 2, 2, 1), (3, 2, 2, 1)]
    return write_saved(tmp_path / "result", SavedResult(labels, tracks))


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["convert", *map(str, arguments)])
    return ended.value.code


def test_there_and_back_by_suffix_and_by_name(result, tmp_path, capsys):
    assert run(result, tmp_path / "r.xml") == 0
    assert "3 frames, 3 tracks" in capsys.readouterr().out
    assert run(tmp_path / "r.xml", tmp_path / "r", "--format", "acdc") == 0
    assert run(tmp_path / "r", tmp_path / "again") == 0
    before, after = read_saved(result), read_saved(tmp_path / "again")
    np.testing.assert_array_equal(after.stack(), before.stack())
    assert sorted(after.tracks) == sorted(before.tracks)


def test_settings_that_cannot_be_used_are_told_and_kept(result, tmp_path, capsys):
    (result / "settings.toml").write_text("[track]\ndivision_cost = -9\n")
    assert run(result, tmp_path / "a.zarr") == 0
    said = capsys.readouterr().err
    assert said.count("The setting track.division_cost cannot be used") == 1
    assert run(tmp_path / "a.zarr", tmp_path / "b") == 0
    assert "division_cost = -9" in (tmp_path / "b" / "settings.toml").read_text()
    assert capsys.readouterr().err == said


def test_what_cannot_be_is_a_sentence(result, tmp_path, capsys):
    assert run(result, tmp_path / "r.docx") == 2
    assert "does not tell a format" in capsys.readouterr().err
    assert run(result, tmp_path / "r", "--format", "word") == 2
    assert "no format 'word'" in capsys.readouterr().err
    assert run(result, result) == 2
    assert run(tmp_path / "missing", tmp_path / "r.xml") == 2
    (tmp_path / "img_seg.npy").touch()
    assert run(tmp_path / "img_seg.npy", tmp_path / "r.xml") == 2
    assert "pickle" in capsys.readouterr().err


def test_a_result_is_not_called_a_movie(tmp_path, capsys):
    (tmp_path / "a.tif").touch()
    with pytest.raises(SystemExit):
        main(["convert", str(tmp_path / "a.tif"), str(tmp_path / "a.tif")])
    assert "is the result itself" in capsys.readouterr().err
