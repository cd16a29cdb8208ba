"""Nothing of the user's is lost: results go only where nothing else lies."""

import json
import os
from contextlib import suppress

import numpy as np
import pytest
import tifffile

from fastershift.config import load_settings, resolve_settings, save_settings
from fastershift.errors import FastershiftError, InputError
from fastershift.io import (
    REPORT_COLUMNS,
    SavedResult,
    check_output,
    is_result,
    read_result,
    read_saved,
    write_or_keep,
    write_result,
    write_saved,
)

FORMATS = ("ctc", "tiff", "zarr", "geff")
SUFFIX = {"ctc": "", "tiff": ".tif", "zarr": ".zarr", "geff": ".geff"}
FOREIGN = "other than a result of fastershift"


@pytest.fixture
def labels():
    stack = np.zeros((2, 8, 9), np.int32)
    stack[:, 2:5, 3:6] = 3
    return stack


@pytest.fixture(params=FORMATS)
def form(request):
    if request.param in ("zarr", "geff"):
        pytest.importorskip(request.param)
    return request.param


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refused(folder, words, path, labels, **options):
    """Neither before a run nor when it is over does anything change."""
    before = contents(folder)
    result = SavedResult(labels, [(3, 0, 1, 0)], settings=resolve_settings())
    with pytest.raises(InputError, match=words):
        check_output(path, **options)
    with pytest.raises(InputError, match=words):
        write_saved(path, result, **options)
    assert contents(folder) == before


def test_a_movie_with_a_list_beside_it_is_not_a_result(tmp_path, labels):
    tifffile.imwrite(tmp_path / "movie.tif", labels.astype(np.uint16))
    (tmp_path / "movie_tracks.txt").write_text("1 0 1 0\n")
    path = tmp_path / "movie.tif"
    assert not is_result(path)
    refused(tmp_path, FOREIGN, path, labels, format="tiff", overwrite=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("res_tracks.txt", "my own notes"),
        ("res_report.csv", "sample,dose\n1,3\n"),
        ("res_settings.toml", "mine = 1\n"),
        ("res_settings.toml", "[cluster]\nbandwidth = 0.2\n"),
        ("res_corrections.json", "[]"),
        ("res_corrections.json", "{"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_files_of_the_user_beside_a_new_tiff(tmp_path, labels, name, text, overwrite):
    (tmp_path / name).write_text(text)
    where = tmp_path / "res.tif"
    refused(tmp_path, name, where, labels, format="tiff", overwrite=overwrite)


@pytest.mark.parametrize("name", ["settings.toml", "report.csv", "corrections.json"])
def test_a_table_of_the_user_inside_a_former_result(tmp_path, labels, name):
    path = write_result(tmp_path / "res", labels, None)
    (path / name).write_text("mine\n")
    refused(tmp_path, FOREIGN, path, labels, overwrite=True)


def test_masks_of_another_program(tmp_path, labels):
    for t in range(2):
        tifffile.imwrite(tmp_path / f"mask{t:03d}.tif", labels[t].astype(np.uint16))
    (tmp_path / "res_track.txt").write_text("3 0 1 0\n")
    assert not is_result(tmp_path)
    refused(tmp_path, FOREIGN, tmp_path, labels, overwrite=True)


def test_masks_that_another_program_has_edited(tmp_path, labels):
    path = write_result(tmp_path / "res", labels, None)
    tifffile.imwrite(path / "mask001.tif", labels[1].astype(np.uint16))
    refused(tmp_path, FOREIGN, path, labels, overwrite=True)


@pytest.mark.parametrize("form", ["zarr", "geff"])
def test_arrays_of_the_user_inside_a_former_result(tmp_path, labels, form):
    zarr = pytest.importorskip(form) and pytest.importorskip("zarr")
    path = write_result(tmp_path / "res", labels, None, format=form)
    assert is_result(path)
    zarr.open_group(path, mode="a").create_array("dose", shape=(3,), dtype="u1")
    refused(tmp_path, FOREIGN, path, labels, format=form, overwrite=True)


def test_a_graph_of_another_program(tmp_path, labels):
    zarr = pytest.importorskip("zarr")
    pytest.importorskip("geff")
    path = write_result(tmp_path / "res", labels, None, format="geff")
    del zarr.open_group(path, mode="a").attrs["fastershift"]
    assert not is_result(path)
    refused(tmp_path, FOREIGN, path, labels, format="geff", overwrite=True)
    # It can be read, as any graph, but is not taken for a result of our own.
    np.testing.assert_array_equal(read_result(path)[0] > 0, labels > 0)


def test_what_was_written_here_is_a_result_and_can_be_replaced(tmp_path, labels, form):
    full = SavedResult(
        labels,
        [(3, 0, 1, 0)],
        reports=[dict.fromkeys(REPORT_COLUMNS, 1)],
        settings=resolve_settings(),
        corrections={"history": []},
    )
    path = write_saved(tmp_path / "res", full, format=form)
    assert is_result(path)
    names = sorted(contents(tmp_path))
    with pytest.raises(InputError, match="already holds a result"):
        write_saved(path, full, format=form)
    write_saved(path, full, format=form, overwrite=True)
    assert sorted(contents(tmp_path)) == names


def test_settings_of_a_result_can_be_loaded(tmp_path, labels):
    result = SavedResult(labels, [(3, 0, 1, 0)], settings=resolve_settings())
    path = write_saved(tmp_path / "res", result)
    assert load_settings(path / "settings.toml")["cluster"]
    save_settings({"cluster": {"bandwidth": 0.2}}, path / "settings.toml")
    refused(tmp_path, FOREIGN, path, labels, overwrite=True)


def test_output_is_the_movie(tmp_path, labels, form):
    movie = tmp_path / f"movie{SUFFIX[form]}"
    write_result(movie, labels, None, format=form)
    before = contents(tmp_path)
    for path in (movie, tmp_path / "x" / ".." / movie.name):
        with pytest.raises(InputError, match="is the movie itself"):
            check_output(path, form, overwrite=True, source=movie)
    assert contents(tmp_path) == before


def test_output_inside_the_movie(tmp_path, form):
    movie = tmp_path / "movie"
    movie.mkdir()
    for name in ("res", "t000", "deeper/res"):
        with pytest.raises(InputError, match="lies inside the movie"):
            check_output(movie / name, form, source=movie)
    assert check_output(tmp_path / "movie-res", form, source=movie)
    assert check_output(tmp_path / "res", form, source=movie)


def test_output_inside_the_movie_by_a_link(tmp_path):
    movie = tmp_path / "movie"
    movie.mkdir()
    (tmp_path / "link").symlink_to(movie)
    with pytest.raises(InputError, match="is the movie itself"):
        check_output(tmp_path / "link", source=movie)
    with pytest.raises(InputError, match="lies inside the movie"):
        check_output(movie / "res", source=tmp_path / "link")


def test_labels_may_lie_in_the_labels_of_their_image(tmp_path, labels):
    pytest.importorskip("zarr")
    image = write_result(tmp_path / "movie.zarr", labels, None, format="zarr")
    place = image / "labels" / "cells"
    assert check_output(place, "zarr", source=image) == place
    with pytest.raises(InputError, match="lies inside the movie"):
        check_output(image / "0" / "cells", "zarr", source=image)


def test_a_link_to_a_folder_is_followed(tmp_path, labels, form):
    if form == "tiff":
        pytest.skip("a TIFF is a file")
    real = tmp_path / f"real{SUFFIX[form]}"
    real.mkdir()
    link = tmp_path / f"link{SUFFIX[form]}"
    link.symlink_to(real)
    for overwrite in (False, True):
        write_result(link, labels, None, format=form, overwrite=overwrite)
        assert link.is_symlink()
        np.testing.assert_array_equal(read_result(real)[0], labels)


@pytest.mark.parametrize("there", [False, True])
def test_a_link_to_a_file_is_followed(tmp_path, labels, there):
    (tmp_path / "disk").mkdir()
    real, link = tmp_path / "disk" / "real.tif", tmp_path / "link.tif"
    if there:
        write_result(real, labels * 0, None, format="tiff")
    link.symlink_to(real)
    write_result(link, labels, [(3, 0, 1, 0)], format="tiff", overwrite=there)
    assert link.is_symlink()
    for path in (link, real):
        found, tracks = read_result(path)
        np.testing.assert_array_equal(found, labels)
        assert tracks == [(3, 0, 1, 0)]


def test_a_link_to_a_movie_is_not_written_through(tmp_path, labels):
    tifffile.imwrite(tmp_path / "raw.tif", labels.astype(np.uint16))
    (tmp_path / "link.tif").symlink_to(tmp_path / "raw.tif")
    link = tmp_path / "link.tif"
    refused(tmp_path, FOREIGN, link, labels, format="tiff", overwrite=True)


def test_a_link_to_nothing_leads_to_a_new_result(tmp_path, labels):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "missing")
    write_result(link, labels, None)
    assert link.is_symlink()
    np.testing.assert_array_equal(read_result(tmp_path / "missing")[0], labels)


@pytest.mark.parametrize(
    ("error", "failing"), [(OSError, {2}), (KeyboardInterrupt, {2}), (OSError, {2, 3})]
)
def test_a_former_folder_is_never_lost(tmp_path, labels, monkeypatch, error, failing):
    """Whatever ends the program, or fails, between the two steps that replace it."""
    path = write_result(tmp_path / "res", labels, None)
    rename, steps = os.rename, []

    def renamed(one, other):
        steps.append(one)
        if len(steps) in failing:
            raise error("something fails")
        rename(one, other)

    monkeypatch.setattr("pathlib.Path.rename", renamed)
    with pytest.raises((FastershiftError, KeyboardInterrupt)) as caught:
        write_result(path, labels * 2, None, overwrite=True)
    if failing == {2, 3}:
        assert "What was there is now in" in str(caught.value)
        (path,) = tmp_path.glob(".res.*/old")
        assert (path.parent / "new").is_dir()
    else:
        assert os.listdir(tmp_path) == ["res"]
    assert read_result(path)[0].max() == 3


class Frames:
    """Labels; something happens when the second frame is asked for."""

    def __init__(self, labels, happens):
        self.labels, self.happens = labels, happens

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, t):
        if t == 1:
            self.happens()
        return self.labels[t]


def test_a_result_that_came_in_the_meantime_is_kept(tmp_path, labels, form):
    path = tmp_path / f"res{SUFFIX[form]}"

    def other_run():
        if not path.exists():
            write_result(path, labels * 2, None, format=form)

    late = SavedResult(Frames(labels, other_run), [(3, 0, 1, 0)])
    with pytest.raises(InputError, match="already holds a result"):
        write_saved(path, late, format=form)
    assert read_result(path)[0].max() == 6
    assert not [one for one in os.listdir(tmp_path) if one.endswith(".part")]


def test_a_place_that_cannot_be_written_is_told_before(tmp_path, form):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "res", tmp_path / "file" / "a" / "res"):
        with pytest.raises(FastershiftError, match="cannot be written"):
            check_output(path, form)
    with pytest.raises(FastershiftError, match="too long for this disk"):
        check_output(tmp_path / ("n" * 260), form)
    with pytest.raises(FastershiftError, match="too long for this disk"):
        check_output(tmp_path / ("n" * 260) / "res", form)
    assert os.listdir(tmp_path) == ["file"], "trying leaves nothing behind"


def test_a_disk_itself_is_not_replaced(tmp_path, labels, form, monkeypatch):
    """As the folder of a container that lies outside of it."""
    disk = tmp_path / f"disk{SUFFIX[form]}"
    disk.mkdir()
    monkeypatch.setattr("os.path.ismount", lambda path: str(path) == str(disk))
    refused(tmp_path, "disk of its own; name a folder", disk, labels, format=form)
    check_output(disk / "res", form)


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path, form):
    check_output(tmp_path / "new" / "deep" / "res", form)
    check_output(tmp_path / ("n" * 230), form)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="folders are not read-only on Windows")
def test_a_read_only_folder_is_told_before(tmp_path, form, monkeypatch):
    def denied(path, *_args, **_options):
        raise PermissionError(13, "Permission denied", str(path))

    # By what mkdir says: nothing is forbidden to the administrator.
    monkeypatch.setattr("pathlib.Path.mkdir", denied)
    with pytest.raises(FastershiftError, match=r"cannot be written \(Permission"):
        check_output(tmp_path / "res", form)


def failing(errno):
    def fail():
        raise OSError(errno, os.strerror(errno))

    return fail


def keep_in(monkeypatch, temporary, cache):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(temporary))
    monkeypatch.setattr("fastershift.io._result.user_cache_path", lambda _name: cache)


@pytest.mark.parametrize("there", [True, False])
def test_a_result_that_cannot_be_written_is_kept_elsewhere(
    tmp_path, labels, monkeypatch, there
):
    (tmp_path / "file").write_text("in the way")
    temporary = tmp_path / "tmp" if there else tmp_path / "file" / "tmp"
    keep_in(monkeypatch, temporary, tmp_path / "cache")
    result = SavedResult(labels, [(3, 0, 1, 0)], settings=resolve_settings())
    with pytest.raises(FastershiftError, match="cannot be written") as caught:
        write_or_keep(tmp_path / "file" / "res", result)
    (kept,) = tmp_path.glob("*/fastershift-kept-*.tif")
    assert kept.parent.name == ("tmp" if there else "cache")
    assert f"The result was kept in {kept}." in str(caught.value)
    found = read_saved(kept)
    np.testing.assert_array_equal(found.stack(), labels)
    assert found.settings == result.settings


def test_a_result_that_can_be_kept_nowhere(tmp_path, labels, monkeypatch):
    keep_in(monkeypatch, tmp_path, tmp_path)
    full = SavedResult(Frames(labels, failing(28)), [(3, 0, 1, 0)])
    with pytest.raises(FastershiftError, match=r"disk is full.*choose another disk\.$"):
        write_or_keep(tmp_path / "res", full)
    assert os.listdir(tmp_path) == []


def test_too_many_tracks_for_the_challenge_are_kept(tmp_path, monkeypatch):
    keep_in(monkeypatch, tmp_path / "tmp", tmp_path / "cache")
    labels = np.full((1, 4, 4), 70_000, np.int32)
    result = SavedResult(labels, [(70_000, 0, 0, 0)])
    with pytest.raises(InputError, match=r"65,535 tracks.* was kept in"):
        write_or_keep(tmp_path / "res", result)
    (kept,) = tmp_path.glob("tmp/*.tif")
    np.testing.assert_array_equal(read_result(kept)[0], labels)


def test_a_record_of_corrections_is_recognised(tmp_path, labels):
    """As the editor writes it."""
    from fastershift.editing import Editor
    from fastershift.tracking import Lineage, Track

    editor = Editor(labels, Lineage((Track(3, 0, 1),)))
    result = SavedResult(labels, editor.lineage.rows(), corrections=editor.record())
    path = write_saved(tmp_path / "res", result)
    assert json.loads((path / "corrections.json").read_text())["history"] == []
    assert is_result(path)


def test_a_result_of_the_first_version_is_replaced_but_not_what_was_edited_since(
    tmp_path, labels
):
    """Masks did not say then who has written them; the settings did, and came last."""
    path = tmp_path / "result"
    result = SavedResult(labels, [(3, 0, 1, 0)], settings=resolve_settings())
    write_saved(path, result)
    masks = sorted(path.glob("mask*.tif"))
    for mask in masks:
        tifffile.imwrite(mask, tifffile.imread(mask))
        os.utime(mask, (100, 100))
    os.utime(path / "settings.toml", (101, 101))
    assert is_result(path)
    write_saved(path, result, overwrite=True)
    for mask in masks:
        tifffile.imwrite(mask, tifffile.imread(mask))
    os.utime(path / "settings.toml", (101, 101))
    refused(tmp_path, FOREIGN, path, labels, overwrite=True)


@pytest.mark.parametrize("step", range(2, 7))
def test_files_that_were_written_are_put_in_place_later(
    tmp_path, labels, monkeypatch, step
):
    """A program that ends between two files leaves a whole result."""
    import fastershift.io._atomic as atomic

    class Ended(BaseException):
        pass

    path = tmp_path / "result.tif"
    old = SavedResult(labels, [(3, 0, 1, 0)], corrections={"history": [1]})
    new = SavedResult(labels * 2, [(6, 0, 1, 0)], settings=resolve_settings())
    write_saved(path, old, format="tiff")
    replace, steps = os.replace, []

    def ended(*given):
        steps.append(given)
        if len(steps) == step:
            raise Ended
        replace(*given)

    with monkeypatch.context() as patched:
        patched.setattr(atomic.os, "replace", ended)
        with suppress(Ended):
            write_saved(path, new, format="tiff", overwrite=True)
    found = read_saved(path)
    assert found.tracks == [(6, 0, 1, 0)]
    assert found.corrections is None
    assert not list(tmp_path.glob(".*"))
    assert is_result(path)


def test_what_is_saved_after_a_failure_stays(tmp_path, labels, monkeypatch):
    """As where a table is open in a spreadsheet program when it is to be replaced."""
    path, links = tmp_path / "cells.csv", tmp_path / "cells_links.csv"
    old = SavedResult(labels, [(3, 0, 1, 0)])
    new = SavedResult(labels * 2, [(6, 0, 1, 0)])
    write_saved(path, old, format="csv")
    replace, saved = os.replace, path.read_text() + "3,1,9,9,9,0\n"

    def write(is_open):
        def replaced(one, other):
            if other in is_open:
                raise PermissionError(13, "Permission denied")
            replace(one, other)

        with monkeypatch.context() as patched:
            patched.setattr("os.replace", replaced)
            with pytest.raises(FastershiftError, match="cannot be written"):
                write_saved(path, new, format="csv", overwrite=True)
        path.write_text(saved)
        os.utime(path, (2e9, 2e9))

    write([path, links])
    assert {*os.listdir(tmp_path)} == {path.name, links.name}
    write([path])
    with pytest.raises(InputError, match="already holds a result"):
        write_saved(path, new, format="csv")
    assert path.read_text() == saved
    assert {*os.listdir(tmp_path)} == {path.name, links.name}


def test_the_movie_by_another_name_is_the_movie(tmp_path, labels):
    """As where names that differ in their capitals are the same, or linked hard."""
    movie = tmp_path / "movie.tif"
    tifffile.imwrite(movie, labels.astype(np.uint16))
    os.link(movie, tmp_path / "MOVIE.tif")
    with pytest.raises(InputError, match="is the movie itself"):
        check_output(tmp_path / "MOVIE.tif", "tiff", overwrite=True, source=movie)
