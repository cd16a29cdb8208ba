"""Results to files and back: whole or not at all, and nothing foreign is lost."""

import csv
import errno
import sys
import tomllib

import numpy as np
import pytest
import tifffile

from fastershift.config import Settings, load_settings
from fastershift.errors import FastershiftError, InputError
from fastershift.io import (
    REPORT_COLUMNS,
    SavedResult,
    check_output,
    read_movie,
    read_result,
    tracks_from_labels,
    write_result,
    write_saved,
    write_simulation,
)
from fastershift.simulate import simulate_movie

FORMATS = ["ctc", "tiff", "zarr"]
SUFFIX = {"ctc": "", "tiff": ".tif", "zarr": ".zarr"}


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(6, (48, 56), 4, diameter=14, seed=1, cell_cycle=8)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", FORMATS)
def test_round_trip(tmp_path, movie, kind):
    assert any(parent for *_, parent in movie.tracks)
    path = write_result(
        tmp_path / "deep" / "result", movie.labels, movie.tracks, format=kind
    )
    assert path == tmp_path / "deep" / f"result{SUFFIX[kind]}"
    labels, tracks = read_result(path)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, movie.labels)
    assert tuple(tracks) == movie.tracks
    assert not [name for name in names(tmp_path / "deep") if "part" in name]


def test_ctc_layout(tmp_path, movie):
    reports = [dict.fromkeys(REPORT_COLUMNS, t) for t in range(6)]
    result = SavedResult(
        movie.labels,
        movie.tracks,
        reports=reports,
        settings=Settings(),
        provenance={"model": "nuclei"},
    )
    path = write_saved(tmp_path / "out", result)
    masks = [f"mask{t:03d}.tif" for t in range(6)]
    assert names(path) == [*masks, "report.csv", "res_track.txt", "settings.toml"]
    assert tifffile.imread(path / "mask002.tif").dtype == np.uint16
    lines = (path / "res_track.txt").read_bytes().decode()
    assert lines == "".join(f"{i} {b} {e} {p}\n" for i, b, e, p in movie.tracks)
    with (path / "report.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(REPORT_COLUMNS)
    assert [row[0] for row in rows[1:]] == list("012345")
    assert load_settings(path / "settings.toml")["cluster"]["bandwidth"] == 0.1
    stored = tomllib.loads((path / "settings.toml").read_text())
    assert stored["provenance"].items() >= {"model": "nuclei"}.items()


def test_ctc_numbers_many_frames_with_four_digits(tmp_path):
    labels = np.ones((1001, 4, 4), np.int32)
    path = write_result(tmp_path / "out", labels, None)
    assert (path / "mask0000.tif").exists()
    assert (path / "mask1000.tif").exists()
    assert read_result(path)[1] == [(1, 0, 1000, 0)]


def test_tiff_keeps_axes_and_voxel_size(tmp_path, movie):
    result = SavedResult(
        movie.labels,
        movie.tracks,
        (2.0, 0.5, 0.25),
        ("minute", "micrometer", "micrometer"),
        reports=[dict.fromkeys(REPORT_COLUMNS, 1)],
        settings=Settings(),
    )
    path = write_saved(tmp_path / "out.tif", result, format="tiff")
    assert names(tmp_path) == [
        "out.tif",
        "out_report.csv",
        "out_settings.toml",
        "out_tracks.txt",
    ]
    stored = read_movie(path)
    assert stored.scale == (2.0, 0.5, 0.25)
    assert stored.units == ("minute", "micrometer", "micrometer")
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert file.series[0].axes == "TYX"
        assert file.series[0].dtype == np.uint16


def test_tiff_without_a_time_step_has_none(tmp_path, movie):
    units = ("pixel", "micrometer", "micrometer")
    result = SavedResult(movie.labels, movie.tracks, (1.0, 0.5, 0.25), units)
    path = write_saved(tmp_path / "out.tif", result, format="tiff")
    assert read_movie(path).scale == (1.0, 0.5, 0.25)
    assert read_movie(path).units == ("pixel", "micrometer", "micrometer")


@pytest.mark.parametrize(
    ("units", "signs"),
    [
        (("day", "angstrom", "angstrom"), ("d", "Å")),
        (("hour", "meter", "meter"), ("h", "m")),
        (("minute", "inch", "inch"), ("min", "in")),
    ],
)
def test_tiff_spells_units_as_ome_does(tmp_path, movie, units, signs):
    result = SavedResult(movie.labels, movie.tracks, (2.0, 0.5, 0.25), units)
    path = write_saved(tmp_path / "out.tif", result, format="tiff")
    assert read_movie(path).units == units
    with tifffile.TiffFile(path) as file:
        assert f'TimeIncrementUnit="{signs[0]}"' in file.ome_metadata
        assert f'PhysicalSizeXUnit="{signs[1]}"' in file.ome_metadata


def test_traces_of_file_managers_are_not_foreign(tmp_path, movie):
    path = write_result(tmp_path / "out", movie.labels, movie.tracks)
    (path / ".DS_Store").write_bytes(b"")
    write_result(path, movie.labels, movie.tracks, overwrite=True)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_place_can_be_checked_before_a_long_run(tmp_path, movie, kind):
    path = tmp_path / f"out{SUFFIX[kind]}"
    assert check_output(tmp_path / "out", kind) == path
    assert not path.exists()
    write_result(path, movie.labels, movie.tracks, format=kind)
    with pytest.raises(InputError, match="already holds a result") as caught:
        check_output(path, kind)
    assert caught.value.options == {"overwrite": True}
    assert check_output(path, kind, overwrite=True) == path


def test_current_folder(tmp_path, movie, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_result(".", movie.labels, movie.tracks)
    assert read_result(tmp_path / "here")[0].any()
    with pytest.raises(InputError, match="has no name"):
        write_result(".", movie.labels, movie.tracks, format="tiff")


def test_zarr_keeps_voxel_size_and_settings(tmp_path, movie):
    zarr = pytest.importorskip("zarr")
    result = SavedResult(
        movie.labels,
        movie.tracks,
        (2.0, 0.5, 0.25),
        ("second", "micrometer", "micrometer"),
        settings=Settings(),
        reports=[{"frame": np.int64(0), "cells": 3}],
    )
    path = write_saved(tmp_path / "out.zarr", result, format="zarr")
    stored = read_movie(path)
    assert stored.scale == (2.0, 0.5, 0.25)
    assert stored.units == ("second", "micrometer", "micrometer")
    group = zarr.open(path, mode="r")
    assert group["0"].chunks == (1, 48, 56)
    record = group.attrs["fastershift"]
    assert record["settings"]["cluster"]["bandwidth"] == 0.1
    assert record["reports"] == [{"frame": 0, "cells": 3}]


@pytest.mark.parametrize("kind", ["tiff", "zarr"])
def test_more_tracks_than_ctc_holds(tmp_path, kind):
    labels = np.zeros((2, 8, 8), np.int32)
    labels[:, 2:4, 2:4] = 70_000
    with pytest.raises(InputError, match=r"65,535 tracks.*TIFF or Zarr"):
        write_result(tmp_path / "out", labels, [(70_000, 0, 1, 0)])
    assert names(tmp_path) == []
    path = write_result(tmp_path / "out", labels, [(70_000, 0, 1, 0)], format=kind)
    np.testing.assert_array_equal(read_result(path)[0], labels)


@pytest.mark.parametrize("kind", FORMATS)
def test_taken_name_is_refused_until_told(tmp_path, movie, kind):
    path = write_result(tmp_path / "out", movie.labels, movie.tracks, format=kind)
    before = names(tmp_path)
    with pytest.raises(InputError, match="already holds a result"):
        write_result(path, movie.labels * 0, [], format=kind)
    assert read_result(path)[0].any()
    write_result(path, movie.labels * 0, [], format=kind, overwrite=True)
    assert not read_result(path)[0].any()
    assert read_result(path)[1] == []
    assert names(tmp_path) == before


def test_an_empty_folder_is_not_taken(tmp_path, movie):
    (tmp_path / "out").mkdir()
    write_result(tmp_path / "out", movie.labels, movie.tracks)
    assert read_result(tmp_path / "out")[0].any()


@pytest.mark.parametrize("kind", FORMATS)
def test_foreign_files_are_never_replaced(tmp_path, movie, kind):
    path = write_result(tmp_path / "out", movie.labels, movie.tracks, format=kind)
    if kind == "tiff":
        path = tmp_path / "raw.tif"
        tifffile.imwrite(path, movie.frames)
    elif kind == "zarr":
        zarr = pytest.importorskip("zarr")
        path = tmp_path / "raw.zarr"
        zarr.create_array(path, shape=(2, 2), dtype="u1")
    else:
        (path / "thesis.docx").write_text("precious")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="other than a result of fastershift"):
        write_result(path, movie.labels, movie.tracks, format=kind, overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before


def fail_after(function, count, error):
    calls = iter(range(count))

    def failing(*args, **options):
        if next(calls, None) is None:
            raise error
        return function(*args, **options)

    return failing


class FailingFrames:
    """Labels whose fourth frame does not come."""

    def __init__(self, labels, error):
        self.labels, self.error, self.dtype = labels, error, labels.dtype

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, t):
        if t == 3:
            raise self.error
        return self.labels[t]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("former", [False, True])
def test_full_disk_leaves_nothing_half_written(tmp_path, movie, kind, former):
    path = tmp_path / f"out{SUFFIX[kind]}"
    if former:
        write_result(path, movie.labels, movie.tracks, format=kind)
    before = sorted(tmp_path.rglob("*"))
    full = FailingFrames(movie.labels, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(FastershiftError, match=r"disk is full.*make room") as caught:
        write_result(path, full, movie.tracks, format=kind, overwrite=True)
    assert not isinstance(caught.value, InputError)
    assert sorted(tmp_path.rglob("*")) == before
    if former:
        np.testing.assert_array_equal(read_result(path)[0], movie.labels)


def test_full_disk_while_tifffile_writes(tmp_path, movie, monkeypatch):
    error = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(tifffile, "imwrite", fail_after(tifffile.imwrite, 3, error))
    with pytest.raises(FastershiftError, match="disk is full"):
        write_result(tmp_path / "out", movie.labels, movie.tracks)
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_interruption_leaves_nothing_half_written(tmp_path, movie, kind):
    with pytest.raises(KeyboardInterrupt):
        write_result(
            tmp_path / "out",
            FailingFrames(movie.labels, KeyboardInterrupt()),
            movie.tracks,
            format=kind,
        )
    assert names(tmp_path) == []


def test_unwritable_place_is_a_sentence(tmp_path, movie):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FastershiftError, match="cannot be written"):
        write_result(tmp_path / "file" / "out", movie.labels, movie.tracks)
    with pytest.raises(InputError, match="other than a result"):
        write_result(tmp_path / "file", movie.labels, movie.tracks)


def test_missing_zarr_names_the_extra(tmp_path, movie, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(InputError, match=r"fastershift\[zarr\]"):
        write_result(tmp_path / "out", movie.labels, movie.tracks, format="zarr")
    assert names(tmp_path) == []


def test_unknown_format(tmp_path, movie):
    with pytest.raises(InputError, match="choose one of ctc, tiff, zarr"):
        write_result(tmp_path / "out", movie.labels, movie.tracks, format="hdf5")


def test_truth_folders(tmp_path, movie):
    write_simulation(movie, tmp_path / "sim")
    for folder in ("01_GT", "01_GT/TRA"):
        labels, tracks = read_result(tmp_path / "sim" / folder)
        np.testing.assert_array_equal(labels, movie.labels)
        assert tuple(tracks) == movie.tracks
    frames = read_movie(tmp_path / "sim" / "01")
    np.testing.assert_array_equal(np.stack(list(frames)), movie.frames)
    segments = tifffile.imread(tmp_path / "sim/01_GT/SEG/man_seg002.tif")
    np.testing.assert_array_equal(segments, movie.labels[2])


def test_simulation_replaces_only_simulations(tmp_path, movie):
    write_simulation(movie, tmp_path / "sim")
    with pytest.raises(InputError, match="already holds a result"):
        write_simulation(movie, tmp_path / "sim")
    write_simulation(movie, tmp_path / "sim", overwrite=True)
    (tmp_path / "sim" / "simulated.txt").unlink()
    with pytest.raises(InputError, match="other than a result of fastershift"):
        write_simulation(movie, tmp_path / "sim", overwrite=True)


@pytest.mark.parametrize("kind", ["ctc", "tiff"])
def test_tracks_come_from_labels_where_no_file_lists_them(tmp_path, movie, kind):
    path = write_result(tmp_path / "out", movie.labels, movie.tracks, format=kind)
    (path / "res_track.txt" if kind == "ctc" else tmp_path / "out_tracks.txt").unlink()
    _, tracks = read_result(path)
    assert tracks == [(i, first, last, 0) for i, first, last, _ in movie.tracks]
    assert tracks == tracks_from_labels(movie.labels)


def test_what_is_no_result_is_refused(tmp_path, movie):
    with pytest.raises(InputError, match="nothing at"):
        read_result(tmp_path / "absent")
    (tmp_path / "text").mkdir()
    with pytest.raises(InputError, match="holds no masks"):
        read_result(tmp_path / "text")
    tifffile.imwrite(tmp_path / "float.tif", movie.frames / np.float32(7))
    with pytest.raises(InputError, match="labels are whole numbers"):
        read_result(tmp_path / "float.tif")
    path = write_result(tmp_path / "out", movie.labels, movie.tracks)
    (path / "res_track.txt").write_text("1 0 2\n")
    with pytest.raises(InputError, match="four whole numbers"):
        read_result(path)
    tifffile.imwrite(path / "mask001.tif", np.zeros((9, 9), np.uint16))
    with pytest.raises(InputError, match="differ in size"):
        read_result(path)
