"""Labels of any type of pixel come in unchanged, numbered anew, or not at all."""

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastershift.errors import InputError
from fastershift.io import (
    SavedResult,
    adopt_labels,
    read_result,
    read_saved,
    write_result,
    write_saved,
)
from fastershift.simulate import simulate_movie

LIMIT = 2**31 - 1
KINDS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", ">u2", ">f4")


def two_cells(kind, low, high):
    stack = np.zeros((2, 6, 7), kind)
    stack[:, 1:3, 1:3] = low
    stack[1, 4:6, 4:6] = high
    return stack


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_that_fit_are_kept(kind):
    adopted = adopt_labels(two_cells(kind, 3, 100))
    assert adopted.numbers is None
    assert adopted.stack().dtype == np.int32
    np.testing.assert_array_equal(adopted.stack(), two_cells("i4", 3, 100))


def test_a_mask_of_truth_values_is_one_cell():
    adopted = adopt_labels(two_cells(bool, True, True))
    np.testing.assert_array_equal(adopted.stack(), two_cells("i4", 1, 1))


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("u4", 1, 2**32 - 1),
        ("i8", 1, 2**32 + 1),
        ("i8", 2**32, 2**32 + 1),
        ("u8", 1, 2**64 - 1),
        ("u8", 5, LIMIT + 1),
        ("f8", 1, 2.0**40),
        ("f4", 7, 2.0**31),
    ],
)
def test_numbers_that_do_not_fit_are_renumbered_and_remembered(kind, low, high):
    adopted = adopt_labels(two_cells(kind, low, high))
    np.testing.assert_array_equal(adopted.stack(), two_cells("i4", 1, 2))
    assert adopted.numbers.tolist() == [0, int(low), int(high)]


def test_the_largest_number_that_fits():
    adopted = adopt_labels(two_cells("u4", 1, LIMIT))
    assert adopted.numbers is None
    assert adopted.stack().max() == LIMIT


@pytest.mark.parametrize(
    ("kind", "wrong", "told"),
    [
        ("i2", -1, "-1"),
        ("i4", -5, "-5"),
        ("i8", -(2**40), str(-(2**40))),
        ("f4", -2.0, "-2.0"),
        ("f4", 0.5, "0.5"),
        ("f8", np.nan, "nan"),
        ("f8", np.inf, "inf"),
        ("f8", 2.0**60, "1.15"),
    ],
)
def test_what_is_not_a_label_is_named(kind, wrong, told):
    with pytest.raises(
        InputError, match=r"Mine holds .* in frame 1; .*background"
    ) as e:
        adopt_labels(two_cells(kind, 1, wrong), "Mine").stack()
    assert told in str(e.value)


@pytest.mark.parametrize("kind", ["c8", "U3", "M8[s]", "O"])
def test_pixels_that_are_not_numbers(kind):
    with pytest.raises(InputError, match="labels are whole numbers"):
        adopt_labels(np.zeros((2, 3, 3), kind))


def test_no_frames():
    with pytest.raises(InputError, match="no frames"):
        adopt_labels(np.zeros((0, 3, 3), int))
    assert adopt_labels(np.zeros((2, 0, 3), int)).stack().shape == (2, 0, 3)


def test_int32_in_memory_is_not_copied():
    stack = two_cells("i4", 3, 100)
    assert adopt_labels(stack).stack() is stack


def test_narrow_types_are_read_when_asked_for_only():
    class Unread:
        dtype = np.dtype(np.uint16)

        def __len__(self):
            return 2

        def __getitem__(self, t):
            raise AssertionError("a frame was read")

    assert len(adopt_labels(Unread())) == 2


@given(
    arrays(
        st.sampled_from([np.uint32, np.int64, np.uint64]),
        (2, 2, 3),
        elements=st.one_of(st.integers(0, 4), st.integers(LIMIT - 2, 2**32 - 1)),
    )
)
def test_pixels_are_one_cell_afterwards_if_they_were_before(stack):
    adopted = adopt_labels(stack)
    new = adopted.stack()
    np.testing.assert_array_equal(new == 0, stack == 0)
    same = new.reshape(-1, 1) == new.reshape(1, -1)
    np.testing.assert_array_equal(same, stack.reshape(-1, 1) == stack.reshape(1, -1))
    if adopted.numbers is not None:
        np.testing.assert_array_equal(adopted.numbers[new], stack)


@pytest.mark.parametrize("form", ["masks", "tiff", "zarr"])
def test_files_of_others_with_large_numbers(tmp_path, form):
    stack = two_cells("u8", 2**32, 2**32 + 1)
    listed = f"{2**32} 0 1 0\n{2**32 + 1} 1 1 {2**32}\n"
    if form == "zarr":
        zarr = pytest.importorskip("zarr")
        path = tmp_path / "labels.zarr"
        zarr.create_array(path, data=stack)
    elif form == "tiff":
        path = tmp_path / "labels.tif"
        tifffile.imwrite(path, stack, photometric="minisblack")
        (tmp_path / "labels_tracks.txt").write_text(listed)
    else:
        path = tmp_path
        for t in range(2):
            tifffile.imwrite(path / f"mask{t:03d}.tif", stack[t])
        (path / "res_track.txt").write_text(listed)
    saved = read_saved(path)
    np.testing.assert_array_equal(saved.stack(), two_cells("i4", 1, 2))
    assert saved.numbers.tolist() == [0, 2**32, 2**32 + 1]
    parent = 0 if form == "zarr" else 1
    assert list(saved.tracks) == [(1, 0, 1, 0), (2, 1, 1, parent)]


def test_whole_numbers_in_real_pixels_can_be_opened(tmp_path):
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, two_cells("f4", 3, 9), photometric="minisblack")
    labels, tracks = read_result(path)
    np.testing.assert_array_equal(labels, two_cells("i4", 3, 9))
    assert tracks == [(3, 0, 1, 0), (9, 1, 1, 0)]


@pytest.mark.parametrize("form", ["ctc", "tiff", "zarr"])
def test_labels_are_saved_as_they_come_in(tmp_path, form):
    if form == "zarr":
        pytest.importorskip("zarr")
    stack = two_cells("i8", 2**33, 2**33 + 5)
    tracks = [(2**33, 0, 1, 0), (2**33 + 5, 1, 1, 2**33)]
    path = write_result(tmp_path / "out", stack, tracks, format=form)
    labels, listed = read_result(path)
    np.testing.assert_array_equal(labels, two_cells("i4", 1, 2))
    assert listed == [(1, 0, 1, 0), (2, 1, 1, 1)]
    with pytest.raises(InputError, match="whole numbers from 0"):
        write_result(tmp_path / "bad", two_cells("i4", 1, -1), None, format=form)


def test_a_number_beyond_those_that_are_listed_is_not_wrapped(tmp_path):
    stack = two_cells("i4", 3, 65_536 + 3)
    with pytest.raises(InputError, match="65539, which is not among the tracks"):
        write_saved(tmp_path / "out", SavedResult(stack, [(3, 0, 1, 0)]), format="tiff")
    assert list(tmp_path.iterdir()) == []


def test_what_a_camera_sees_is_no_label_image(tmp_path):
    movie = simulate_movie(3, (64, 80), 5, diameter=16, kind="nuclei", seed=1)
    with pytest.raises(InputError, match="holds no labels"):
        adopt_labels(movie.frames).stack()
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, movie.frames, photometric="minisblack")
    with pytest.raises(InputError, match=r"movie\.tif holds no labels"):
        read_saved(path, on_disk=True)
    np.testing.assert_array_equal(adopt_labels(movie.labels).stack(), movie.labels)


@pytest.mark.parametrize("side", [(2, 2), (1, 2), (2, 1)])
def test_the_densest_cells_are_labels(side):
    """Cells of two pixels that fill the frame, numbered as it happens."""
    rng = np.random.default_rng(0)
    numbers = 1 + rng.permutation(64 * 65).reshape(64, 65).astype(np.int32)
    frame = numbers.repeat(side[0], 0).repeat(side[1], 1)
    np.testing.assert_array_equal(adopt_labels([frame] * 3).stack()[1], frame)
