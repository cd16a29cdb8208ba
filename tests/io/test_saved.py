"""A result comes back with all that was saved with it."""

import tomllib
import tracemalloc

import numpy as np
import pytest
import tifffile

from fastershift.config import resolve_settings
from fastershift.errors import InputError
from fastershift.io import (
    REPORT_COLUMNS,
    SavedResult,
    describe_lost_settings,
    lost_parents,
    read_saved,
    write_saved,
)

SCALE, UNITS = (30.0, 0.5, 0.25), ("second", "micrometer", "micrometer")
FORMATS = ("ctc", "tiff", "zarr", "geff")


@pytest.fixture
def labels():
    """A cell that is always there, and one that comes later."""
    stack = np.zeros((3, 12, 14), np.int32)
    stack[:, 2:6, 3:8] = 4
    stack[1:, 8:10, 3:8] = 5
    return stack


TRACKS = [(4, 0, 2, 0), (5, 1, 2, 0)]


def saved_at(path, form, result, **options):
    if form in ("zarr", "geff"):
        pytest.importorskip(form)
    return write_saved(path, result, format=form, **options)


def saved(path, form, result, **options):
    return read_saved(saved_at(path, form, result, **options))


@pytest.mark.parametrize("form", FORMATS)
def test_all_formats_bring_everything_back(tmp_path, labels, form):
    reports = [dict.fromkeys(REPORT_COLUMNS, 2) | {"frame": t} for t in range(3)]
    given = SavedResult(
        labels,
        TRACKS,
        SCALE,
        UNITS,
        [row | {"converged": 0.25} for row in reports],
        resolve_settings(user={"cluster": {"bandwidth": 0.2}}),
        {"model": "nuclei", "seconds": 1.5},
        {"history": [1, 2]},
    )
    read = saved(tmp_path / "r", form, given)
    np.testing.assert_array_equal(read.stack(), labels)
    assert read.stack().dtype == np.int32
    assert read.shape == labels.shape
    assert read.tracks == TRACKS
    assert read.reports == given.reports
    assert read.settings == given.settings
    assert read.provenance.items() >= given.provenance.items()
    assert read.corrections == given.corrections
    if form == "ctc":
        assert read.scale is None, "masks of the Challenge know no scale"
    else:
        np.testing.assert_allclose(read.scale, SCALE)
        assert read.units == UNITS


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_not_saved_is_none(tmp_path, labels, form):
    read = saved(tmp_path / "r", form, SavedResult(labels, TRACKS))
    np.testing.assert_array_equal(read.stack(), labels)
    assert read.corrections is None
    assert read.settings is None
    assert not read.reports
    assert not read.provenance
    # OME-Zarr always has a scale.
    assert read.scale in (None, (1.0, 1.0, 1.0))


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_of_a_former_result_is_left(tmp_path, labels, form):
    full = SavedResult(
        labels,
        TRACKS,
        reports=[dict.fromkeys(REPORT_COLUMNS, 2)],
        settings=resolve_settings(),
        corrections={"history": [1]},
    )
    saved(tmp_path / "r", form, full)
    bare = SavedResult(labels, TRACKS)
    read = saved(tmp_path / "r", form, bare, overwrite=True)
    assert read.settings is read.corrections is None
    assert not read.reports


@pytest.mark.parametrize("form", ["ctc", "tiff"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.toml", "no settings"),
        ("settings.toml", "[cluster]\nbandwidth = = 3\n"),
        ("report.csv", ",".join(REPORT_COLUMNS) + "\n0,1\n"),
        ("report.csv", ",".join(REPORT_COLUMNS) + "\n0" + ",one" * 12 + "\n"),
        ("report.csv", ",".join(REPORT_COLUMNS) + "\n0" + ",1" * 13 + "\n"),
        ("report.csv", "\0\377"),
        ("corrections.json", "{"),
    ],
)
def test_damaged_texts_are_refused(tmp_path, labels, form, name, text):
    path = write_saved(tmp_path / "r", SavedResult(labels, TRACKS), format=form)
    damaged = path / name if path.is_dir() else path.with_name(f"{path.stem}_{name}")
    damaged.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="cannot be read; the labels can be opened"):
        read_saved(path)
    damaged.unlink()
    np.testing.assert_array_equal(read_saved(path).stack(), labels)


def test_a_list_of_tracks_that_was_left_behind_is_told(tmp_path, labels):
    path = write_saved(tmp_path / "r", SavedResult(labels, TRACKS), format="tiff")
    assert lost_parents(path) is None
    (tmp_path / "r_tracks.txt").rename(tmp_path / "elsewhere.txt")
    assert "r_tracks.txt" in lost_parents(path)
    tifffile.imwrite(tmp_path / "other.tif", labels, photometric="minisblack")
    assert lost_parents(tmp_path / "other.tif") is None
    for other in (tmp_path, tmp_path / "not there.tif"):
        assert lost_parents(other) is None


@pytest.mark.parametrize("text", ["[unheard]\nof = 1\n", "[cluster]\nbandwidth = -3\n"])
def test_settings_of_another_version_are_kept_as_they_are(tmp_path, labels, text):
    result = SavedResult(labels, TRACKS, settings=resolve_settings())
    path = write_saved(tmp_path / "ctc", result)
    (path / "settings.toml").write_text(text)
    for form in ("tiff", "zarr", "geff", "ctc"):
        read = read_saved(path)
        assert read.settings is None
        assert read.lost_settings == tomllib.loads(text)
        assert "cannot be used" in describe_lost_settings(read.lost_settings)
        np.testing.assert_array_equal(read.stack(), labels)
        path = write_saved(tmp_path / f"to {form}", read, format=form)
    kept = tomllib.loads((path / "settings.toml").read_text())
    assert kept.pop("provenance")
    assert kept == tomllib.loads(text)
    assert describe_lost_settings({}) == ""


def test_settings_that_an_editor_has_marked_are_read(tmp_path, labels):
    result = SavedResult(labels, TRACKS, settings=resolve_settings())
    path = write_saved(tmp_path / "r", result)
    text = (path / "settings.toml").read_text(encoding="utf-8")
    (path / "settings.toml").write_text(text, encoding="utf-8-sig")
    assert read_saved(path).settings == result.settings


@pytest.mark.parametrize("text", ["", "frame;cells\n0;1\n", "frame,cells\n0,1\n"])
def test_a_report_of_other_columns_is_left_out(tmp_path, labels, text):
    path = write_saved(tmp_path / "r", SavedResult(labels, TRACKS))
    (path / "report.csv").write_text(text)
    assert read_saved(path).reports == []


def test_a_graph_bridges_frames_in_which_a_cell_is_not_seen(tmp_path):
    geff = pytest.importorskip("geff")
    labels = np.zeros((4, 8, 9), np.int32)
    labels[[0, 1, 3], 2:4, 2:4] = 7
    labels[3, 5:7, 5:7] = 9
    result = SavedResult(labels, [(7, 0, 3, 0), (9, 3, 3, 0), (11, 2, 3, 99)])
    path = write_saved(tmp_path / "r", result, format="geff")
    reader = geff.GeffReader(path)
    reader.read_node_props()
    graph = reader.build()
    frames = graph["node_props"]["t"]["values"]
    assert [(frames[a], frames[b]) for a, b in graph["edge_ids"]] == [(0, 1), (1, 3)]


def test_a_graph_leads_from_parents_to_children(tmp_path):
    geff = pytest.importorskip("geff")
    labels = np.zeros((2, 8, 9), np.int32)
    labels[0, 2:6, 2:6] = 3
    labels[1, 2:4, 2:4], labels[1, 5:7, 2:4] = 1, 8
    result = SavedResult(labels, [(3, 0, 0, 0), (1, 1, 1, 3), (8, 1, 1, 3)])
    path = write_saved(tmp_path / "r", result, format="geff")
    reader = geff.GeffReader(path)
    reader.read_node_props()
    graph = reader.build()
    track = graph["node_props"]["track"]["values"]
    assert {(track[a], track[b]) for a, b in graph["edge_ids"]} == {(3, 1), (3, 8)}


@pytest.mark.parametrize(
    "record", [{}, {"tracks": [[1, 2]]}, {"tracks": 3}, {"tracks": [["a"] * 4]}]
)
def test_a_damaged_record_is_a_sentence(tmp_path, labels, record):
    zarr = pytest.importorskip("zarr")
    path = write_saved(tmp_path / "r", SavedResult(labels, TRACKS), format="zarr")
    zarr.open_group(path, mode="a").attrs["fastershift"] = record
    with pytest.raises(InputError, match="are damaged; copy the result again"):
        read_saved(path)


def test_nothing_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="nothing at"):
        read_saved(tmp_path / "missing")


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr"])
def test_labels_that_stay_on_disk_are_never_all_in_memory(tmp_path, form):
    stack = np.zeros((60, 200, 300), np.int32)
    stack[:, 20:60, 30:80] = 4
    stack[5:, 80:120, 30:80] = 5
    tracks = [(4, 0, 59, 0), (5, 5, 59, 0)]
    place = saved_at(tmp_path / "r", form, SavedResult(stack, tracks))
    tracemalloc.start()
    read = read_saved(place, on_disk=True)
    for t, frame in enumerate(stack):
        np.testing.assert_array_equal(read.labels[t], frame)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read.tracks == tracks
    assert peak < stack.nbytes / 4


def test_masks_of_two_sizes_are_told_although_they_stay_on_disk(tmp_path, labels):
    folder = saved_at(tmp_path / "r", "ctc", SavedResult(labels, TRACKS))
    (folder / "mask002.tif").unlink()
    tifffile.imwrite(folder / "mask002.tif", np.zeros((3, 3), np.uint16))
    with pytest.raises(InputError, match="differ in size"):
        read_saved(folder, on_disk=True)


def test_a_time_step_without_a_unit_stays_unknown(tmp_path, labels):
    given = SavedResult(labels, TRACKS, (5.0, 0.5, 0.25), ("pixel", *UNITS[1:]))
    read = saved(tmp_path / "r", "tiff", given)
    assert read.scale == (1.0, 0.5, 0.25)
    assert read.units == given.units


def test_a_result_of_which_every_file_is_a_link(tmp_path, labels):
    """As git-annex and DVC keep them; beside what a link leads to is nothing else."""
    given = SavedResult(labels, [TRACKS[0], (5, 1, 2, 4)], corrections={"history": [1]})
    path = saved_at(tmp_path / "r", "tiff", given)
    for number, file in enumerate(sorted(tmp_path.iterdir())):
        place = tmp_path / "objects" / str(number)
        place.mkdir(parents=True)
        file.rename(place / f"MD5-{number}")
        file.symlink_to(place / f"MD5-{number}")
    read = read_saved(path)
    assert read.tracks == given.tracks
    assert read.corrections == given.corrections


@pytest.mark.parametrize("on_disk", [False, True])
def test_labels_of_another_program_that_were_cut_off(tmp_path, on_disk):
    noise = np.random.default_rng(0).integers(0, 9, (6, 40, 40))
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, noise.astype(np.uint16), photometric="minisblack")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"is not whole: .*Copy it again"):
        read_saved(path, on_disk=on_disk)


@pytest.mark.parametrize(
    "stored",
    [
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"photometric": "rgb", "planarconfig": "separate"},
        {"imagej": True, "metadata": {"axes": "CYX"}},
    ],
)
def test_the_long_axis_of_labels_is_time(tmp_path, labels, stored):
    """Fiji calls frames slices unless it is told; tifffile takes three for colours."""
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, labels.astype(np.uint16), **stored)
    read = read_saved(path)
    np.testing.assert_array_equal(read.stack(), labels)
    assert read.tracks == TRACKS


@pytest.mark.parametrize("form", ["tiff", "trackmate"])
@pytest.mark.parametrize(
    ("time", "length"),
    [
        ("millisecond", "angstrom"),
        ("second", "nanometer"),
        ("minute", "millimeter"),
        ("hour", "centimeter"),
        ("day", "meter"),
        ("second", "inch"),
    ],
)
def test_units_are_read_as_they_are_written(tmp_path, labels, form, time, length):
    units = (time, length, length)
    given = SavedResult(labels, TRACKS, SCALE, units)
    assert saved(tmp_path / "saved", form, given).units == units
