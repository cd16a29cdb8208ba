"""The catalogue of faults, fourth part: places where a file of the user lies.

Every command that writes is given such a place, and is allowed to replace what it has
written itself before. It says one sentence, and the file stays as it is.
"""

import json
import zipfile

import numpy as np
import pytest
import tifffile

from fastershift.io import SavedResult, write_saved
from helpers.faults import Row, command, hold
from helpers.faulty_files import MOVIE, make_pipe

pytest.importorskip("geff")
pytest.importorskip("roifile")

_LABELS = np.zeros((4, 24, 28), np.int32)
_LABELS[:, 6:14, 8:16] = 1
_TRACKS = [(1, 0, 3, 0)]


def _result(folder, name="result", format="ctc"):
    return write_saved(folder / name, SavedResult(_LABELS, _TRACKS), format=format)


def _movie(folder):
    tifffile.imwrite(folder / "movie.tif", MOVIE, photometric="minisblack")
    return folder / "movie.tif"


def _truth(folder):
    place = folder / "01_GT" / "TRA"
    place.mkdir(parents=True)
    for t, frame in enumerate(_LABELS):
        tifffile.imwrite(place / f"man_track{t:03d}.tif", frame.astype(np.uint16))
    (place / "man_track.txt").write_text("1 0 3 0\n")
    return folder / "01_GT"


def _written(path, content):
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content)
    return path


def _zip(path):
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("0001-0002.roi", b"x")
    return path


def _weights(path):
    from safetensors.numpy import save_file

    save_file({"weights": np.zeros(3)}, path)
    return path


def _converted(name, make):
    return lambda f: ("convert", _result(f), make(f / name), "--overwrite")


def _trained(name, make):
    def words(folder):
        marks = folder / "masks.tif"
        tifffile.imwrite(marks, _LABELS.astype(np.uint16), photometric="minisblack")
        make(folder / name)
        asked = ("--iterations", 1, "--filters", 4, "--levels", 2, "--overwrite")
        data = f"{_movie(folder)}={marks}"
        return ("train", data, "-o", folder / "m.safetensors", *asked)

    return words


def _learned(folder):
    place = _weights(folder / "m.safetensors")
    return ("learn", _movie(folder), _movie(folder), "-o", place, "--overwrite")


def _evaluated(folder):
    place = _written(folder / "mine.json", '{"my": "figures"}')
    return ("evaluate", _result(folder), _truth(folder), "--json", place)


def _measured(name, content):
    def words(folder):
        place = _written(folder / name, content)
        return ("measure", _result(folder), "-o", place, "--overwrite")

    return words


def _measured_onto_itself(folder):
    cells = _result(folder, "cells.csv", "csv")
    return ("measure", cells, "-o", cells, "--overwrite")


def _measured_into_result(folder):
    result = _result(folder)
    return ("measure", result, "-o", result / "cells.csv")


def _demonstrated(folder):
    _written(folder / "demo.png", b"mine")
    return ("demo", "-o", folder)


def _simulated(folder):
    out = folder / "s.zarr"
    sizes = ("--frames", 4, "--height", 24, "--width", 28, "--cells", 1)
    asked = ("simulate", "-o", out, *sizes)
    from fastershift.cli import main

    with pytest.raises(SystemExit):
        main([str(word) for word in asked])
    _result(out / "labels", "cells", "zarr")
    return (*asked, "--overwrite")


def _beside_another(other, name):
    """Write a result, and ask for one whose files would have the same names."""

    def words(folder):
        _result(folder, other, "tiff" if other.endswith(".tif") else "csv")
        return ("convert", _result(folder), folder / name, "--overwrite")

    return words


def _many(name, make):
    def words(folder):
        output = folder / "out"
        (output / name).parent.mkdir(parents=True)
        make(output / name)
        return ("batch", _movie(folder), "-o", output, "--overwrite")

    return words


_MADE = {
    "a user's figures where scores go": _evaluated,
    "a user's figures where those of a benchmark go": lambda f: (
        *("benchmark", "all", "-o", f / "b"),
        *("--json", _written(f / "mine.json", '{"my": "figures"}')),
    ),
    "a user's table where measurements go": _measured("mine.csv", "a,b\n1,2\n"),
    "a user's table of tracks where measurements go": _measured(
        "mine.csv", "track,frame,mean\n1,0,7\n"
    ),
    "the result where measurements go": _measured_onto_itself,
    "a place inside the result for measurements": _measured_into_result,
    "a user's tree where one goes": _converted(
        "t.nwk", lambda path: _written(path, "(Homo:1,Pan:1);\n")
    ),
    "a user's TrackMate file where one goes": _converted(
        "t.xml", lambda path: _written(path, "<TrackMate><Log>mine</Log></TrackMate>")
    ),
    "a user's ROIs where some go": _converted("t.zip", _zip),
    "a user's table of cells where one goes": _converted(
        "t.csv", lambda path: _written(path, "track,frame,y,x\n1,0,3,4\n")
    ),
    "a user's table where links go": _converted(
        "t.csv",
        lambda path: (_written(path.with_name("t_links.csv"), "mine\n"), path)[1],
    ),
    "text files of another result, of a.tif where a.tiff goes": _beside_another(
        "a.tif", "a.tiff"
    ),
    "links of another result where cells go": _beside_another("a.csv", "a_links.csv"),
    "cells of another result where links go": _beside_another("a_links.csv", "a.csv"),
    "a user's weights where a model goes": _trained("m.safetensors", _weights),
    "a user's weights where a state goes": _trained("m.state.safetensors", _weights),
    "a user's picture where one of a training goes": _trained(
        "m_validation.png", lambda path: _written(path, b"mine")
    ),
    "a user's weights where a learned model goes": _learned,
    "a user's picture where the demonstration goes": _demonstrated,
    "a user's labels in a simulation": _simulated,
    "a user's table where a summary goes": _many(
        "summary.csv", lambda path: _written(path, "mine\n")
    ),
    "a device where scores go": lambda f: (
        *("evaluate", _result(f), _truth(f)),
        *("--json", "/dev/zero"),
    ),
    "a pipe where a table goes": _converted("t.csv", make_pipe),
    "masks of a batch that are all that is given": lambda f: (
        *("batch", _movie(f), "-o", f / "out", "--labels", f),
    ),
    "the movie where its masks are asked for": lambda f: (
        *("run", _movie(f), "-o", f / "out", "--labels", f / "movie.tif"),
    ),
    "a user's page where a summary goes": _many(
        "summary.html", lambda path: _written(path, "<title>mine</title>")
    ),
    "a user's folder where a summary goes": _many(
        "summary/notes.txt", lambda path: _written(path, "mine")
    ),
}


@pytest.fixture
def use(capsys):
    def give(words, folder):
        command(*words, capture=capsys)
        return False

    return give


@pytest.mark.parametrize("fault", _MADE)
def test_a_file_of_the_user_in_the_way(fault, tmp_path, use):
    hold(Row(fault, "command", "sentence", _MADE[fault], use), tmp_path)


def test_what_was_written_before_is_replaced(tmp_path, capsys):
    result, truth = _result(tmp_path), _truth(tmp_path)
    scores, table = tmp_path / "s.json", tmp_path / "cells.csv"
    for _ in range(2):
        command("evaluate", result, truth, "--json", scores, capture=capsys)
        command("measure", result, "-o", table, "--overwrite", capture=capsys)
        command("convert", result, tmp_path / "t.nwk", "--overwrite", capture=capsys)
    assert json.loads(scores.read_text())["TRA"] == 1.0


def test_a_batch_that_is_done_anew_forgets_its_own_records_alone(tmp_path):
    from fastershift.batch._outcome import Outcome
    from fastershift.batch._summary import Summary

    summary = Summary(tmp_path)
    assert summary.begin({"settings": "a"})
    summary.put(Outcome("m", "done"), b"picture")
    (tmp_path / "summary" / "notes.json").write_text('{"my": "notes"}')
    summary.restart({"settings": "b"})
    assert summary.get("m") is None
    left = sorted(one.name for one in (tmp_path / "summary").iterdir())
    assert left == ["notes.json", "request"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"movie": "m"}', "\0"])
def test_a_damaged_record_of_a_batch_is_none(tmp_path, content):
    from fastershift.batch._summary import Summary

    (tmp_path / "summary").mkdir()
    (tmp_path / "summary" / "m.json").write_text(content)
    assert Summary(tmp_path).get("m") is None
    (tmp_path / "summary" / "request").write_text(content)
    assert not Summary(tmp_path).begin({"settings": "a"})


@pytest.mark.parametrize("content", ["", "{", "[1]", "\0"])
def test_a_damaged_note_of_an_unfinished_run(tmp_path, content):
    from fastershift.batch._work import WorkFolder
    from fastershift.errors import InputError

    work = WorkFolder(tmp_path / "out")
    work.path.mkdir()
    (work.path / "signature.json").write_text(content)
    assert not work.matches({"settings": "a"})
    with pytest.raises(InputError, match="was started with other settings"):
        work.begin({"settings": "a"})
    work.begin({"settings": "a"}, anew=True)
    assert work.matches({"settings": "a"})
