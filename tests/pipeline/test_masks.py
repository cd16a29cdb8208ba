"""Masks of other programs are understood, and tracked as they are."""

import shutil
import tracemalloc

import numpy as np
import pytest
import tifffile
import torch
from skimage.segmentation import find_boundaries

from fastershift import segment_movie
from fastershift.errors import InputError
from fastershift.evaluation import score_arrays
from fastershift.io import SavedResult, read_saved, tracks_from_labels, write_saved
from fastershift.measure import measure_frames
from fastershift.pipeline import plan_run, read_confines
from fastershift.pipeline.masks import open_masks, read_masks
from fastershift.simulate import simulate_movie

WITHOUT_NETWORK = {"track": {"vote_weight": 0.0}}


@pytest.fixture(scope="module")
def movie():
    return simulate_movie(5, (128, 128), 8, diameter=24, kind="nuclei", seed=1)


def numbered_anew(labels):
    """Number the cells of each frame in any order."""
    rng = np.random.default_rng(0)
    return np.stack([np.r_[0, 1 + rng.permutation(99)][frame] for frame in labels])


def test_no_pixel_of_a_mask_changes(movie):
    result = segment_movie(None, labels=numbered_anew(movie.labels))
    np.testing.assert_array_equal(result.labels > 0, movie.labels > 0)
    both = np.stack([movie.labels[0].ravel(), result.labels[0].ravel()])
    links = set(zip(*both.tolist(), strict=True))
    assert len(links) == len({a for a, _ in links}) == len({b for _, b in links})


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.uint64])
def test_pixels_may_be_of_any_type(movie, dtype):
    labels = numbered_anew(movie.labels)
    expected = segment_movie(None, labels=labels)
    result = segment_movie(None, labels=labels.astype(dtype))
    np.testing.assert_array_equal(result.labels, expected.labels)


def test_masks_that_are_the_movie_are_told(tmp_path, movie):
    from fastershift.io import read_movie
    from fastershift.pipeline import open_masks

    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, np.asarray(movie.frames), photometric="minisblack")
    with pytest.raises(InputError, match="is the movie itself"):
        open_masks(
            tmp_path / ".." / tmp_path.name / "movie.tif", movie=read_movie(path)
        )


def test_numbers_of_tracks_are_kept(movie):
    result = segment_movie(None, labels=movie.labels)
    spans = [row[1:3] for row in result.lineage.rows()]
    assert sorted(spans) == sorted(row[1:3] for row in movie.tracks)
    assert "tracks already" in result.provenance["notices"][0]


def test_large_numbers_of_tracks_need_no_large_tables(movie):
    few, many = (
        plan_run(None, labels=movie.labels * factor).source for factor in (1, 2_000_000)
    )
    expected = few.embedding(1)
    tracemalloc.start()
    try:
        found = many.embedding(1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert torch.equal(found, expected)
    assert peak < 10_000_000


def test_numbers_of_a_single_frame_are_not_called_tracks(movie):
    result = segment_movie(None, labels=movie.labels[:1])
    assert not any("tracks" in one for one in result.provenance.get("notices", ()))


def test_a_mask_of_cells_without_numbers_is_taken_apart():
    frame = np.zeros((40, 40), bool)
    frame[5:12, 5:12] = frame[5:12, 20:27] = frame[25:32, 5:12] = True
    result = segment_movie(None, labels=np.stack([frame] * 3))
    assert len(result.lineage.tracks) == 3
    assert "one number" in result.provenance["notices"][0]


def test_copies_of_one_number_are_cells_of_their_own():
    frame = np.zeros((40, 40), np.int32)
    frame[5:12, 5:12] = frame[5:12, 20:27] = 4
    frame[25:32, 5:12], frame[25:32, 13] = 2, 0
    frame[30, 15] = 2  # a crumb stays with its cell
    result = segment_movie(None, labels=np.stack([frame] * 3))
    assert len(result.lineage.tracks) == 3
    assert "several places" in result.provenance["notices"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda labels: 1 + (labels > 0),  # ilastik: background is a class of its own
        lambda labels: np.where(labels > 0, 0, 255),  # inverted
        lambda labels: labels + 1,  # a watershed that knows no background
    ],
    ids=["classes", "inverted", "watershed"],
)
def test_a_background_that_has_a_number_is_told(movie, change):
    labels = change(movie.labels)
    number = np.bincount(labels.ravel()).argmax()
    result = segment_movie(None, labels=labels)
    told = [one for one in result.provenance["notices"] if "background" in one]
    assert len(told) == 1
    assert told[0].startswith(f"Number {number} covers most")
    both = segment_movie(None, labels={"a": labels, "b": movie.labels})
    assert f"a: {told[0]}" in both.provenance["notices"]


@pytest.mark.parametrize("numbered", [True, False])
def test_outlines_are_told(movie, numbered):
    filled = np.stack(list(movie.labels))
    outlines = np.where(
        [find_boundaries(frame, mode="inner") for frame in filled], filled, 0
    )
    for labels, hollow in ((filled, False), (outlines, True)):
        given = labels if numbered else (labels > 0).astype(np.uint8)
        told = " ".join(read_masks(given).notices)
        assert ("Most masks are hollow." in told) == hollow


def test_a_large_cell_is_not_called_background(movie):
    labels = np.zeros((3, 40, 40), np.int32)
    labels[:, 1:, :] = 7
    result = segment_movie(None, labels=labels)
    assert "covers" not in " ".join(result.provenance["notices"])
    for labels in (movie.labels, np.zeros((2, 9, 9), np.int32) + np.eye(9, dtype=int)):
        notices = segment_movie(None, labels=labels).provenance.get("notices", ())
        assert "covers" not in " ".join(notices)


def test_frames_without_a_cell_stay_empty(movie):
    labels = numbered_anew(movie.labels)
    labels[2] = 0
    result = segment_movie(None, labels=labels)
    assert not result.labels[2].any()
    assert [report.cells for report in result.reports][2] == 0


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros((5, 128, 128), int), "no cell"),
        (np.ones((4, 128, 128), int), "one label image for each frame"),
        (np.ones((5, 64, 128), int), "64 × 128"),
        (np.ones((5, 2, 128, 128), int), "axes"),
        (np.full((5, 128, 128), -1), "from 0"),
        (np.full((5, 128, 128), 0.5), "whole numbers"),
        ([np.ones((9, 9), int), np.ones((9, 8), int)], "one size"),
    ],
)
def test_masks_that_do_not_fit_are_refused_in_a_sentence(movie, labels, sentence):
    with pytest.raises(InputError, match=sentence):
        segment_movie(movie.frames, {"track": {"vote_weight": 0}}, labels=labels)


@pytest.mark.parametrize("axis", [0, 1])
def test_axes_of_size_one_are_left_out(movie, axis):
    labels = numbered_anew(movie.labels)
    expected = segment_movie(None, labels=labels)
    result = segment_movie(None, labels=np.expand_dims(labels, axis))
    np.testing.assert_array_equal(result.labels, expected.labels)


@pytest.mark.parametrize("form", ["rois", "csv", "trackmate", "acdc", "ctc"])
def test_masks_may_be_cells_of_another_tool(movie, tmp_path, form):
    source = write_saved(
        tmp_path / "cells", SavedResult(movie.labels, list(movie.tracks)), format=form
    )
    settings = {"track": {"vote_weight": 0}}
    result = segment_movie(movie.frames, settings, labels=source)
    assert result.labels.shape == movie.labels.shape
    spans = sorted(row[1:3] for row in result.lineage.rows())
    assert spans == sorted(row[1:3] for row in movie.tracks)


def test_masks_of_cellpose_are_told_from_the_images_beside_them(movie, tmp_path):
    labels = numbered_anew(movie.labels).astype(np.uint16)
    for t, frame in enumerate(movie.frames):
        tifffile.imwrite(tmp_path / f"a_t{t}.tif", frame)
        tifffile.imwrite(tmp_path / f"a_t{t}_cp_masks.tif", labels[t])
    settings = {"track": {"vote_weight": 0}}
    result = segment_movie(movie.frames, settings, labels=tmp_path)
    expected = segment_movie(None, labels=labels)
    np.testing.assert_array_equal(result.labels > 0, expected.labels > 0)
    assert len(result.lineage.tracks) == len(expected.lineage.tracks)
    # The folder is the movie, and that of its masks, too.
    same = segment_movie(tmp_path, settings, labels=tmp_path)
    np.testing.assert_array_equal(same.labels, result.labels)


def test_an_array_that_numpy_saved_is_read_and_objects_are_not(movie, tmp_path):
    labels = numbered_anew(movie.labels)
    np.save(tmp_path / "masks.npy", labels)
    expected = segment_movie(None, labels=labels)
    result = segment_movie(None, labels=tmp_path / "masks.npy")
    np.testing.assert_array_equal(result.labels, expected.labels)
    for name, reason in (("objects.npy", "cannot be read"), ("a_seg.npy", "pickle")):
        np.save(tmp_path / name, np.array({"masks": labels}), allow_pickle=True)
        with pytest.raises(InputError, match=reason):
            segment_movie(None, labels=tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_array_is_a_sentence(tmp_path, content):
    (tmp_path / "masks.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"masks\.npy cannot be read"):
        segment_movie(None, labels=tmp_path / "masks.npy")


def test_masks_may_be_a_file(movie, tmp_path):
    labels = numbered_anew(movie.labels).astype(np.uint16)
    tifffile.imwrite(tmp_path / "masks.tif", labels)
    settings = {"track": {"vote_weight": 0}}
    result = segment_movie(movie.frames, settings, labels=tmp_path / "masks.tif")
    expected = segment_movie(None, labels=labels)
    np.testing.assert_array_equal(result.labels, expected.labels)


def test_a_network_that_votes_is_asked_where_cells_were(movie):
    labels = numbered_anew(movie.labels)
    settings = {"track": {"vote_weight": 0.8}}
    result = segment_movie(movie.frames, settings, labels=labels, model="generalist")
    assert result.provenance["model"] == "generalist"
    np.testing.assert_array_equal(result.labels > 0, labels > 0)
    assert sum(report.network_ms for report in result.reports) > 0


def test_a_missing_mask_is_put_in_and_told(movie):
    labels = numbered_anew(movie.labels)
    gone = np.bincount(movie.labels[2].ravel())[1:].argmax() + 1
    labels[2][movie.labels[2] == gone] = 0
    result = segment_movie(None, labels=labels)
    assert [t for t, _ in result.provenance["filled"]] == [2]
    inside = movie.labels[2] == gone
    assert (result.labels[2][inside] > 0).mean() > 0.5
    assert "mask added" in result.provenance["notices"][0]
    settings = {"track": {"mend_masks": False}}
    as_given = segment_movie(None, settings, labels=labels)
    np.testing.assert_array_equal(as_given.labels > 0, labels > 0)


def test_a_mask_that_is_put_in_at_the_border_and_removed_there_is_not_told():
    labels = np.zeros((4, 40, 60), np.int32)
    labels[:, 10:20, 20:30] = 1
    labels[[0, 1, 3], 0:6, 40:46] = 2
    settings = {"track": {"border": 8, "vote_weight": 0}}
    result = segment_movie(None, settings, labels=numbered_anew(labels))
    assert np.unique(result.labels).tolist() == [0, 1]
    assert "filled" not in result.provenance
    assert "notices" not in result.provenance


@pytest.mark.parametrize("span", [(0, 6), (3, 3), (5, 6)])
def test_frames_that_masks_do_not_have(movie, tmp_path, span):
    from fastershift.pipeline import open_masks

    np.save(tmp_path / "masks.npy", movie.labels)
    result = SavedResult(movie.labels, movie.tracks)
    for path in (tmp_path / "masks.npy", write_saved(tmp_path / "result", result)):
        assert len(open_masks(path, (1, 5))) == 4
        with pytest.raises(InputError, match="give a range within 0:5"):
            open_masks(path, span)


@pytest.mark.parametrize("name", ["cells.csv", "cells.zip"])
def test_cells_outside_of_the_movie(movie, tmp_path, name):
    from fastershift.io import format_of
    from fastershift.pipeline import open_masks

    if name.endswith("zip"):
        pytest.importorskip("roifile")
    result = SavedResult(movie.labels, movie.tracks)
    path = write_saved(tmp_path / name, result, format=format_of(name))
    assert open_masks(path, movie=movie.frames).shape == movie.frames.shape
    with pytest.raises(InputError, match="cells outside of the movie"):
        open_masks(path, movie=movie.frames[:, :40, :40])


def test_drift_of_the_stage_is_told_and_taken_out():
    still = simulate_movie(4, (200, 200), 20, diameter=16, seed=2, cell_cycle=1e9)
    drifting = np.array(still.labels)
    for t in (2, 3):
        drifting[t] = np.roll(drifting[t], (30, 0), (0, 1))
    whole = segment_movie(None, WITHOUT_NETWORK, labels=numbered_anew(still.labels))
    result = segment_movie(None, WITHOUT_NETWORK, labels=numbered_anew(drifting))
    (said,) = [one for one in result.provenance["notices"] if "drift" in one]
    assert "in one frame, by up to" in said
    moved = np.array(result.provenance["drift"])
    assert moved.shape == (4, 2)
    assert moved[2] == pytest.approx((30, 0), abs=4)
    assert np.abs(moved[[0, 1, 3]]).max() < 4
    assert "drift" not in " ".join(whole.provenance.get("notices", ()))


def view_that_drifts(step, n_frames=10):
    """Cut a window out of a simulated movie that moves by so many columns a frame."""
    whole = simulate_movie(
        n_frames, (160, 160 + step * n_frames), 90, diameter=16, seed=3, cell_cycle=1e9
    )
    return np.stack(
        [frame[:, step * t : step * t + 160] for t, frame in enumerate(whole.labels)]
    )


def tra_of(labels, remove_drift):
    settings = {"track": {"vote_weight": 0, "remove_drift": remove_drift}}
    found = segment_movie(None, settings, labels=numbered_anew(labels))
    truth = dict(enumerate(labels))
    tracks = tracks_from_labels(labels)
    return score_arrays(found.labels, found.lineage.rows(), labels, tracks, truth).tra


def test_links_under_a_drifting_stage_are_those_without_drift():
    labels = view_that_drifts(20)
    assert tra_of(labels, remove_drift=True) > 0.99
    assert tra_of(labels, remove_drift=False) < 0.97


def test_masks_that_were_put_in_are_marked_in_the_table(movie):
    labels = np.array(movie.labels)
    track = int(labels[2].max())
    labels[2][labels[2] == track] = 0
    result = segment_movie(None, WITHOUT_NETWORK, labels=numbered_anew(labels))
    filled = {tuple(place) for place in result.provenance["filled"]}
    assert filled
    marked = {
        (int(t), int(cell))
        for table in measure_frames(result.saved())
        for t, cell, put_in in zip(
            table["frame"], table["track"], table["filled"], strict=True
        )
        if put_in
    }
    assert marked == filled
    whole = segment_movie(None, WITHOUT_NETWORK, labels=numbered_anew(movie.labels))
    assert "filled" not in next(measure_frames(whole.saved()))


@pytest.mark.parametrize("n_frames", [3, 4])
def test_a_few_frames_stored_like_colours_are_frames(movie, tmp_path, n_frames):
    path = tmp_path / "masks.tif"
    labels = movie.labels[:n_frames].astype(np.uint16)
    tifffile.imwrite(path, labels, photometric="rgb", planarconfig="separate")
    linked = segment_movie(None, labels=path)
    assert np.array_equal(linked.labels > 0, labels > 0)


def test_a_picture_of_masks_is_told_from_masks(tmp_path):
    path = tmp_path / "masks.tif"
    tifffile.imwrite(path, np.zeros((20, 30, 3), np.uint8), photometric="rgb")
    with pytest.raises(InputError, match="whole numbers, one for each cell"):
        segment_movie(None, labels=path)


@pytest.mark.parametrize("axes", ["ZYX", "CYX"])
def test_the_long_axis_of_masks_is_time(tmp_path, movie, axes):
    """Fiji calls frames slices unless it is told."""
    path, labels = tmp_path / "masks.tif", movie.labels.astype(np.uint16)
    tifffile.imwrite(path, labels, imagej=True, metadata={"axes": axes})
    np.testing.assert_array_equal(np.stack(list(open_masks(path))), labels)


@pytest.mark.parametrize("axes", ["ZYX", "CYX"])
def test_frames_that_masks_do_not_have_are_told_whatever_the_axis(
    tmp_path, movie, axes
):
    path, labels = tmp_path / "masks.tif", movie.labels[:5].astype(np.uint16)
    tifffile.imwrite(path, labels, imagej=True, metadata={"axes": axes})
    with pytest.raises(InputError, match=r"frames 0:50 .* give a range within 0:5"):
        open_masks(path, frames=(0, 50))


def test_masks_of_several_planes_are_told_so_whatever_the_frames(tmp_path, movie):
    path = tmp_path / "masks.tif"
    labels = np.stack([movie.labels[:5]] * 2, axis=1).astype(np.uint16)
    tifffile.imwrite(path, labels, imagej=True, metadata={"axes": "TZYX"})
    for frames in (None, (0, 50)):
        with pytest.raises(InputError, match="2 planes in depth"):
            open_masks(path, frames=frames)


def test_masks_and_regions_that_were_cut_off(tmp_path, movie):
    """Only a Zarr of labels may lack frames at its ends, as it leaves out what is 0."""
    stack, path = tmp_path / "masks.tif", tmp_path / "masks.zarr"
    tifffile.imwrite(stack, movie.labels.astype(np.uint16), photometric="minisblack")
    stack.write_bytes(stack.read_bytes()[: stack.stat().st_size * 2 // 3])
    zarr = pytest.importorskip("zarr")
    zarr.create_array(path, data=movie.labels, chunks=(1, 128, 128))
    last = len(movie.labels) - 1
    shutil.rmtree(path / f"c/{last}")
    for read in (read_masks, lambda path: read_confines(None, path)):
        with pytest.raises(InputError, match=r"is not whole: .*Copy it again"):
            read(stack)
    assert not open_masks(path)[last].any()
    with pytest.raises(InputError, match=r"is not whole: .*Copy it again"):
        read_confines(path, None)


@pytest.mark.parametrize("names", ["t{t}_z{n}", "s{n}_t{t}", "t{t}_c{n}"])
def test_masks_of_several_planes_are_not_one_long_movie(tmp_path, movie, names):
    for n in range(2):
        for t, frame in enumerate(movie.labels[:3]):
            name = names.format(t=t, n=n)
            tifffile.imwrite(tmp_path / f"{name}.tif", frame.astype(np.uint16))
    with pytest.raises(InputError, match=r"2 (planes|positions|channels)"):
        open_masks(tmp_path)


def test_a_folder_of_masks_that_are_called_slices(tmp_path, movie):
    for t, frame in enumerate(movie.labels):
        tifffile.imwrite(tmp_path / f"z{t}.tif", frame.astype(np.uint16))
    np.testing.assert_array_equal(np.stack(list(open_masks(tmp_path))), movie.labels)


def test_masks_and_movies_may_be_files_and_arrays_of_any_package(tmp_path, movie):
    """Arrays of Zarr do not count their frames, those of torch name types anew."""
    zarr = pytest.importorskip("zarr")
    stacks = {"movie": np.stack(list(movie.frames)), "masks": movie.labels}
    for name, stack in stacks.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", stack, photometric="minisblack")
        zarr.create_array(tmp_path / f"{name}.zarr", data=stack)
    wanted = segment_movie(None, labels=movie.labels).labels
    for seen, masks in (
        (tmp_path / "movie.tif", str(tmp_path / "masks.tif")),
        (str(tmp_path / "movie.zarr"), tmp_path / "masks.zarr"),
        (zarr.open(tmp_path / "movie.zarr"), zarr.open(tmp_path / "masks.zarr")),
        (torch.from_numpy(stacks["movie"].astype(np.int32)), torch.tensor(wanted)),
    ):
        found = segment_movie(seen, labels=masks).labels
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("given", [3, iter([np.ones((9, 9))]), object(), ""])
def test_what_is_neither_frames_nor_a_file_is_told(movie, given):
    with pytest.raises(InputError, match="of the kind"):
        segment_movie(given)
    if not isinstance(given, str) and not hasattr(given, "__next__"):
        with pytest.raises(InputError, match="of the kind"):
            segment_movie(None, labels=given)


def test_frames_that_are_counted_from_1_are_told(tmp_path, movie):
    """As in tables of many programs: the last frame is one too many."""
    path = tmp_path / "cells.csv"
    rows = [f"1,{t},50,50" for t in range(1, 1 + len(movie.frames))]
    path.write_text("\n".join(["track,frame,y,x", *rows]) + "\n")
    with pytest.raises(InputError, match="count its frames from 0, not from 1"):
        segment_movie(movie.frames, labels=path)
    saved = read_saved(path)
    with pytest.raises(InputError, match="from 0, not from 1"):
        list(measure_frames(saved, {"0": list(movie.frames)}))
