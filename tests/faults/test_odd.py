"""The catalogue, fifth part: what is odd and right, and what changes meanwhile.

Rare kinds of pixels, files, names and arrays are read to the last pixel, or refused in
a sentence. A file that is changed while it is in use is told; what is read is never of
two files.
"""

import os
import shutil

import numpy as np
import pytest
import tifffile

from fastershift.errors import FastershiftError, InputError
from fastershift.io import (
    SavedResult,
    as_movie,
    read_movie,
    read_result,
    read_saved,
    write_result,
    write_saved,
)
from fastershift.pipeline import TrackingRun, plan_run
from helpers.faults import Row, command, hold
from helpers.faulty_files import MOVIE
from helpers.odd_files import ARRAYS, MASKS, MOVIES

pytest.importorskip("zarr")
pytest.importorskip("geff")


def _want(right):
    return "sentence" if right is None else "right"


@pytest.mark.parametrize("name", MOVIES)
def test_movies_in_python(name, tmp_path):
    make, want = MOVIES[name]

    def use(path, _):
        movie = read_movie(path)
        assert movie.scale is None or all(0 < step < np.inf for step in movie.scale)
        return np.array_equal(np.stack(list(movie)), want, equal_nan=True)

    hold(Row(name, "Python", _want(want), make, use), tmp_path)


@pytest.fixture
def given(tiny_model):
    return ["--model", tiny_model, "--diameter", "8", "--device", "cpu"]


@pytest.mark.parametrize("name", MOVIES)
def test_movies_by_command(name, tmp_path, given, capsys):
    make, want = MOVIES[name]

    def use(path, folder):
        command("run", "-o", folder / "out", *given, "--", path, capture=capsys)
        return read_result(folder / "out")[0].shape == want.shape

    hold(Row(name, "command", _want(want), make, use), tmp_path)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name, tmp_path, tiny_model):
    array, good = ARRAYS[name]

    def use(_, folder):
        settings = {"embed": {"model": str(tiny_model), "diameter": 8.0}}
        run = TrackingRun(plan_run(as_movie(array), settings, device="cpu"))
        for _ in run:
            pass
        return len(run.result.labels) == len(array)

    want = "right" if good else "sentence"
    hold(Row(name, "Python", want, lambda folder: folder, use), tmp_path)


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("place", ["command", "alone"])
def test_masks(name, place, tmp_path, given, capsys):
    make, tracks = MASKS[name]
    alone = ("fewer", "more", "another size", "turned")
    if place == "alone" and any(word in name for word in alone):
        tracks = 2  # without a movie there is nothing that they do not fit

    def use(path, folder):
        tifffile.imwrite(folder / "movie.tif", MOVIE, photometric="minisblack")
        words = ("--labels", path, "-o", folder / "out")
        if place == "command":
            words = (folder / "movie.tif", *words, *given)
        command("run", *words, capture=capsys)
        return len(read_result(folder / "out")[1]) == tracks

    hold(Row(name, place, _want(tracks), make, use), tmp_path)


_LABELS = np.zeros((4, 24, 28), np.int32)
_LABELS[:, 6:14, 8:16] = 1


@pytest.mark.parametrize(
    ("labels", "tracks"),
    [
        (_LABELS[0], None),
        (_LABELS[None], None),
        (_LABELS[:0], None),
        ([_LABELS[0], _LABELS[1, :5]], None),
        (_LABELS, [(9, 0, 3, 0)]),
        (_LABELS, [(1, 0, 2, 0)]),
        (_LABELS, []),
    ],
    ids=["no time", "four axes", "no frame", "sizes", "other", "shorter", "lacking"],
)
@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "geff", "csv", "acdc"])
def test_nothing_is_written_that_could_not_be_read(tmp_path, labels, tracks, form):
    with pytest.raises(InputError):
        write_result(tmp_path / "out", labels, tracks, format=form)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "geff", "trackmate", "acdc"])
@pytest.mark.parametrize("step", [np.nan, 0.0, -1.0, np.inf])
def test_a_size_that_is_none_is_not_known(tmp_path, form, step):
    units = ("second", "micrometer", "micrometer")
    saved = SavedResult(_LABELS, [(1, 0, 3, 0)], (2.0, step, step), units)
    read = read_saved(write_saved(tmp_path / "out", saved, format=form))
    if form != "ctc":
        assert read.scale == (2.0, 1.0, 1.0)
        assert read.units == ("second", "pixel", "pixel")


_OTHER = MOVIE[::-1] // 2


def _by_name(path):
    tifffile.imwrite(path.with_name("n.tif"), _OTHER, photometric="minisblack")
    os.replace(path.with_name("n.tif"), path)


def _in_place(path):
    tifffile.imwrite(path.with_name("n.tif"), _OTHER, photometric="minisblack")
    with path.open("r+b") as file:
        file.write(path.with_name("n.tif").read_bytes())


def _cut(path):
    with path.open("r+b") as file:
        file.truncate(1000)


def _packed(path):
    tifffile.imwrite(path, _OTHER, photometric="minisblack", compression="zlib")


def _folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("form", [None, "zarr"], ids=["memory", "disk"])
@pytest.mark.parametrize(
    "change", [_by_name, _in_place, _cut, _packed, _folder, os.unlink]
)
def test_a_movie_that_is_changed_while_it_is_open(tmp_path, change, form, compression):
    path = tmp_path / "movie.tif"
    options = {"photometric": "minisblack", "compression": compression}
    tifffile.imwrite(path, MOVIE, bigtiff=form == "zarr", **options)
    os.utime(path, (1, 1))
    movie = read_movie(path)
    assert np.array_equal(movie[0], MOVIE[0])
    change(path)
    with pytest.raises(FastershiftError, match=r"changed|cannot be read"):
        _ = movie[1]


def test_a_movie_that_grows_meanwhile_is_the_same(tmp_path):
    path = tmp_path / "movie.tif"
    for frame in MOVIE:
        tifffile.imwrite(path, frame, photometric="minisblack", append=True)
    movie = read_movie(path)
    tifffile.imwrite(path, MOVIE[0], photometric="minisblack", append=True)
    assert np.array_equal(np.stack(list(movie)), MOVIE)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("what", ["a chunk", "everything"])
def test_a_zarr_whose_disk_is_taken_out_is_not_black(tmp_path, version, what):
    import zarr

    path = tmp_path / "movie.zarr"
    zarr.create_array(path, data=MOVIE, chunks=(1, 12, 28), zarr_format=version)
    movie = read_movie(path)
    if what == "everything":
        shutil.rmtree(path)
    else:
        next(path.rglob("2.1.0" if version == 2 else "c/2/1/0")).unlink()
    with pytest.raises(FastershiftError, match="not there any more"):
        list(movie)


def test_a_frame_that_is_lost_meanwhile_is_told(tmp_path):
    for t, frame in enumerate(MOVIE):
        tifffile.imwrite(tmp_path / f"t{t}.tif", frame)
    movie = read_movie(tmp_path)
    (tmp_path / "t2.tif").unlink()
    with pytest.raises(FastershiftError, match="Frame 2 of"):
        list(movie)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr", "csv"])
def test_a_link_that_leads_to_itself_is_not_replaced(tmp_path, given, capsys, form):
    from fastershift.io import result_place

    tifffile.imwrite(tmp_path / "m.tif", MOVIE, photometric="minisblack")
    place = result_place(tmp_path / "out", form)
    place.symlink_to(place)
    words = ("run", tmp_path / "m.tif", "-o", place, "--format", form, *given)
    with pytest.raises(FastershiftError, match="link that leads to itself"):
        command(*words, capture=capsys)
    assert place.is_symlink()
