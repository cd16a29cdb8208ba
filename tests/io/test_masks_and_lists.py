"""Masks of other programs, and lists that do or do not fit them."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from fastershift.errors import InputError
from fastershift.io import read_result, read_segmentation_truth, write_result
from fastershift.pipeline import open_masks

#: A cell that divides: 1 is there in frames 0 and 1, its children from 2 on.
TRACKS = [(1, 0, 1, 0), (2, 2, 3, 1), (3, 2, 3, 1)]


@pytest.fixture
def divided():
    stack = np.zeros((4, 8, 9), np.uint16)
    stack[:2, 2:6, 2:6] = 1
    stack[2:, 2:4, 2:6], stack[2:, 5:7, 2:6] = 2, 3
    return stack


def masks(folder, stack, numbers, name="mask{:03d}.tif"):
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in zip(numbers, stack, strict=True):
        tifffile.imwrite(folder / name.format(number), frame)
    return folder


def listed(path, rows, **options):
    path.write_text("".join("{} {} {} {}\n".format(*row) for row in rows), **options)


def shifted(rows, by):
    return [
        (track, first + by, last + by, parent) for track, first, last, parent in rows
    ]


@pytest.mark.parametrize("first", [0, 1, 7])
@pytest.mark.parametrize("counted_from_0", [True, False])
@pytest.mark.parametrize("stem", ["mask", "man_track"])
def test_masks_may_begin_with_any_number(
    tmp_path, divided, first, counted_from_0, stem
):
    name = {"mask": "res_track.txt", "man_track": "man_track.txt"}[stem]
    masks(tmp_path, divided, range(first, first + 4), stem + "{:03d}.tif")
    listed(tmp_path / name, TRACKS if counted_from_0 else shifted(TRACKS, first))
    labels, tracks = read_result(tmp_path)
    np.testing.assert_array_equal(labels, divided)
    assert tracks == TRACKS


def test_a_hole_in_the_masks_is_named(tmp_path, divided):
    masks(tmp_path, divided, (0, 1, 3, 6))
    listed(tmp_path / "res_track.txt", TRACKS)
    with pytest.raises(
        InputError, match=r"number 2, .* follow mask001.tif, and 2 more"
    ):
        read_result(tmp_path)


def test_two_masks_of_one_number(tmp_path, divided):
    masks(tmp_path, divided, range(4))
    tifffile.imwrite(tmp_path / "mask2.tif", divided[2])
    with pytest.raises(InputError, match="have the same number"):
        read_result(tmp_path)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (shifted(TRACKS, 1), "track 1 is listed in frames 1 to 2 and seen in frames 0"),
        (TRACKS[:2], "track 3 is not listed and seen in frames 2 to 3"),
        ([*TRACKS, (9, 0, 0, 0)], "track 9 is listed in frames 0 to 0 and not seen"),
        ([], r"track 1 is not listed .*\(and 2 more\)"),
    ],
)
@pytest.mark.parametrize("form", ["masks", "tiff"])
def test_a_list_that_does_not_fit_is_told(tmp_path, divided, rows, told, form):
    if form == "masks":
        path = masks(tmp_path / "r", divided, range(4))
        listed(path / "res_track.txt", rows)
    else:
        path = write_result(tmp_path / "r.tif", divided, TRACKS, format="tiff")
        listed(tmp_path / "r_tracks.txt", rows)
    with pytest.raises(InputError, match=f"does not fit its labels: {told}"):
        read_result(path)


def test_a_cell_may_be_unseen_in_between(tmp_path, divided):
    divided[1] = 0
    divided[2][divided[2] == 2] = 1
    masks(tmp_path, divided, range(4))
    rows = [(1, 0, 2, 0), (2, 3, 3, 1), (3, 2, 3, 0)]
    listed(tmp_path / "res_track.txt", rows)
    assert read_result(tmp_path)[1] == rows


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff1 0 1 0\n2 2 3 1\n3 2 3 1\n",
        "1.0 0.0 1.0 0.0\n2.0 2 3 1\n3 2 3 1e0\n",
        "1\t0\t1\t0\r\n2\t2\t3\t1\r\n\r\n3\t2\t3\t1",
    ],
)
def test_lists_as_spreadsheets_write_them(tmp_path, divided, text):
    masks(tmp_path, divided, range(4))
    (tmp_path / "res_track.txt").write_bytes(text.encode())
    assert read_result(tmp_path)[1] == TRACKS


@pytest.mark.parametrize(
    "text", [b"1 0 1.5 0\n", b"1 0 1\n", b"1 0 1 0 9\n", b"a b c d\n", b"\xff\xfe1"]
)
def test_lists_that_are_not_numbers(tmp_path, divided, text):
    masks(tmp_path, divided, range(4))
    (tmp_path / "res_track.txt").write_bytes(text)
    with pytest.raises(InputError, match="every line must hold four whole numbers"):
        read_result(tmp_path)


def test_names_in_other_capitals(tmp_path, divided):
    masks(tmp_path, divided, range(4), "Mask{:03d}.TIF")
    listed(tmp_path / "RES_TRACK.TXT", TRACKS)
    labels, tracks = read_result(tmp_path)
    np.testing.assert_array_equal(labels, divided)
    assert tracks == TRACKS


def test_a_stack_is_not_a_mask(tmp_path, divided):
    path = tmp_path / "mask000.tif"
    tifffile.imwrite(path, divided, photometric="minisblack")
    with pytest.raises(InputError, match="is not a mask"):
        read_result(tmp_path)


def test_segments_of_some_frames(tmp_path, divided):
    masks(tmp_path / "SEG", divided[[1, 3]].astype(np.float32), (1, 3), "man_seg{}.tif")
    found = read_segmentation_truth(tmp_path)
    assert sorted(found) == [1, 3]
    np.testing.assert_array_equal(found[3], divided[3])
    assert found[3].dtype == np.int32
    assert read_segmentation_truth(tmp_path / "SEG") == {}


@pytest.mark.parametrize("stem", ["mask", "mask_", "MASK", "man_track", "man_seg"])
@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_masks_of_the_challenge_are_linked_however_they_are_spelled(
    tmp_path, divided, stem, suffix
):
    for number, frame in enumerate(divided):
        path = tmp_path / f"{stem}{number:04d}{suffix}"
        if suffix == ".tif":
            tifffile.imwrite(path, frame)
        else:
            Image.fromarray(frame).save(path)
    np.testing.assert_array_equal(open_masks(tmp_path), divided)
    np.testing.assert_array_equal(read_result(tmp_path)[0], divided)


def test_segmentations_of_the_challenge_are_read(tmp_path, divided):
    masks(tmp_path / "01_ST" / "SEG", divided, range(4), "man_seg{:03d}.tif")
    for place in (tmp_path / "01_ST", tmp_path / "01_ST" / "SEG"):
        labels, tracks = read_result(place)
        np.testing.assert_array_equal(labels, divided)
        assert tracks == [(1, 0, 1, 0), (2, 2, 3, 0), (3, 2, 3, 0)]
        np.testing.assert_array_equal(open_masks(place), divided)


def test_a_parent_below_0_is_none(tmp_path, divided):
    """As many programs in Python list tracks that have none."""
    masks(tmp_path, divided, range(4))
    rows = [(*row[:3], row[3] or -1) for row in TRACKS]
    listed(tmp_path / "res_track.txt", rows)
    labels, tracks = read_result(tmp_path)
    assert tracks == TRACKS
    place = write_result(tmp_path / "r.xml", labels, tracks, format="trackmate")
    assert read_result(place)[1] == TRACKS


@pytest.mark.parametrize("name", ["cells.h5", "cells.txt", "cells.xlsx", "res_track"])
def test_what_is_no_kind_of_cells_is_told_what_is(tmp_path, name):
    (tmp_path / name).write_bytes(b"1 0 4 0")
    with pytest.raises(InputError, match="not a kind of file from which cells"):
        read_result(tmp_path / name)


def test_a_tiff_of_cells_needs_no_suffix(tmp_path, divided):
    place = write_result(tmp_path / "r.tif", divided, None, format="tiff")
    place.rename(tmp_path / "SHA256E-s1--0af3")
    labels, _ = read_result(tmp_path / "SHA256E-s1--0af3")
    np.testing.assert_array_equal(labels, divided)


def test_the_list_that_trackmate_exports_is_told_from_its_file(tmp_path):
    """Its action *Export tracks to XML file* leaves out what the image was."""
    path = tmp_path / "movie_Tracks.xml"
    path.write_text('<Tracks nTracks="1"><particle nSpots="1"/></Tracks>')
    with pytest.raises(InputError, match="that its button Save writes"):
        read_result(path)
