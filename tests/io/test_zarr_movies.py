"""Movies in Zarr: axes by name, levels, plates, series, and chunks that are lost."""

import shutil
from functools import partial

import numpy as np
import pytest

from fastershift.errors import InputError
from fastershift.io import read_channels, read_movie, read_saved

zarr = pytest.importorskip("zarr")

MOVIE = np.arange(1, 4 * 6 * 8 + 1, dtype=np.uint16).reshape(4, 6, 8)


def array_at(path, data=MOVIE, names=None, chunks=None):
    """A plain Zarr array whose axes may have names."""
    made = zarr.create_array(
        path,
        shape=data.shape,
        dtype=data.dtype,
        chunks=chunks or (1, *data.shape[1:]),
        dimension_names=names,
    )
    made[:] = data
    return path


def image_at(path, data=MOVIE, levels=1, **changes):
    """An OME-Zarr image; each level is half as large as the one before."""
    image = {
        "axes": [{"name": axis, "type": "space"} for axis in "tyx"],
        "datasets": [{"path": str(level)} for level in range(levels)],
    } | changes
    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
    for level in range(levels):
        group.create_array(str(level), data=data[..., :: 2**level, :: 2**level])
    return path


def frames_of(movie):
    return np.stack(list(movie))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("t", "y", "x"), (0, 1, 2)),
        (("Time", "Row", "Column"), (0, 1, 2)),
        (("y", "x", "frame"), (1, 2, 0)),
        (None, (0, 1, 2)),
    ],
)
def test_axes_are_known_by_their_names(tmp_path, names, order):
    path = array_at(tmp_path / "m.zarr", MOVIE.transpose(order), names)
    np.testing.assert_array_equal(frames_of(read_movie(path)), MOVIE)


def test_channels_are_movies_of_their_own(tmp_path):
    two = np.stack([MOVIE, MOVIE + 500], axis=1)
    found = read_channels(image_at(tmp_path / "m.zarr", two, axes=[*"tcyx"]))
    assert list(found) == ["0", "1"]
    np.testing.assert_array_equal(frames_of(found["0"]), MOVIE)
    np.testing.assert_array_equal(frames_of(found["1"]), MOVIE + 500)
    alone = read_channels(image_at(tmp_path / "one.zarr"))
    assert list(alone) == ["0"]


def test_a_level_is_an_image_of_its_own_size(tmp_path):
    path = image_at(tmp_path / "m.zarr", levels=2)
    np.testing.assert_array_equal(
        frames_of(read_movie(path, level=1)), MOVIE[:, ::2, ::2]
    )
    for given, level in ((path, 2), (array_at(tmp_path / "a.zarr"), 1)):
        with pytest.raises(InputError, match="level"):
            read_movie(given, level=level)


def test_a_level_that_is_gone_is_a_sentence(tmp_path):
    path = image_at(tmp_path / "m.zarr", levels=2)
    shutil.rmtree(path / "1")
    with pytest.raises(InputError, match=r"level 1 of .* is lost"):
        read_movie(path, level=1)
    assert len(read_movie(path)) == 4


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"datasets": []}, "without pixels"),
        ({"axes": ["t", "y"]}, "names 2 axes .* pixels have 3"),
        ({"axes": ["t", "q", "x"]}, "called t, q, x"),
        ({"axes": ["t", "x", "x"]}, "called t, x, x"),
        (
            {"coordinateTransformations": [{"type": "scale", "scale": [1, 2]}]},
            "2 numbers for its 3 axes",
        ),
        ({"axes": 7}, "makes no sense"),
    ],
)
def test_an_image_that_contradicts_itself_is_a_sentence(tmp_path, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        read_movie(image_at(tmp_path / "m.zarr", **changes))


def test_scales_of_an_image_and_of_a_level_are_multiplied(tmp_path):
    seconds = [{"name": "t", "unit": "second"}]
    metres = [{"name": axis, "unit": "micrometer"} for axis in "yx"]
    path = image_at(
        tmp_path / "m.zarr",
        coordinateTransformations=[{"type": "scale", "scale": [30, 1, 1]}],
        datasets=[
            {
                "path": "0",
                "coordinateTransformations": [
                    {"type": "translation", "translation": [5, 5, 5]},
                    {"type": "scale", "scale": [1, 0.5, 0.25]},
                ],
            }
        ],
    )
    movie = read_movie(path)
    assert (movie.scale, movie.units) == ((30, 0.5, 0.25), ("pixel",) * 3)
    group = zarr.open_group(path)
    attributes = group.attrs["ome"]
    attributes["multiscales"][0]["axes"] = seconds + metres
    group.attrs["ome"] = attributes
    assert read_movie(path).units == ("second", "micrometer", "micrometer")
    assert read_movie(image_at(tmp_path / "plain.zarr")).scale is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (("s", "um"), ("second", "micrometer")),
        (("seconds", "micrometers"), ("second", "micrometer")),
        (("min", "micron"), ("minute", "micrometer")),
        (("\u00b5s", "\u00b5m"), ("microsecond", "micrometer")),
        ((" ", None), ("pixel", "pixel")),
    ],
)
def test_units_are_named_as_everywhere_however_they_are_spelled(
    tmp_path, written, read
):
    """Fiji writes micron, ngio wrote um and seconds."""
    axes = [{"name": "t", "unit": written[0]}]
    axes += [{"name": axis, "unit": written[1]} for axis in "yx"]
    scale = [{"type": "scale", "scale": [30, 0.5, 0.5]}]
    path = image_at(tmp_path / "m.zarr", axes=axes, coordinateTransformations=scale)
    assert read_movie(path).units == (read[0], read[1], read[1])


def test_a_group_without_an_image_names_what_is_in_it(tmp_path):
    group = zarr.open_group(tmp_path / "g.zarr", mode="w")
    with pytest.raises(InputError, match=r"\(nothing\)"):
        read_movie(tmp_path / "g.zarr")
    group.create_array("raw", data=MOVIE)
    with pytest.raises(InputError, match=r"\(raw\)"):
        read_movie(tmp_path / "g.zarr")
    np.testing.assert_array_equal(
        frames_of(read_movie(tmp_path / "g.zarr" / "raw")), MOVIE
    )


def plate_at(path):
    """A plate of two wells with two fields each."""
    root = zarr.open_group(path, mode="w", zarr_format=3)
    wells = [{"path": "A/1"}, {"path": "B/2"}]
    root.attrs["ome"] = {"version": "0.5", "plate": {"wells": wells}}
    for number, well in enumerate(wells):
        group = root.create_group(well["path"])
        images = [{"path": "0"}, {"path": "1"}]
        group.attrs["ome"] = {"version": "0.5", "well": {"images": images}}
        for field in (0, 1):
            value = 1000 * (2 * number + field)
            image_at(path / well["path"] / str(field), MOVIE + np.uint16(value))
    return path


def test_fields_of_a_plate_are_positions(tmp_path):
    path = plate_at(tmp_path / "p.zarr")
    for position in range(4):
        found = frames_of(read_movie(path, position=position))
        np.testing.assert_array_equal(found, MOVIE + 1000 * position)
    for refused in (None, 4):
        with pytest.raises(InputError, match="position"):
            read_movie(path, position=refused)
    shutil.rmtree(path / "B" / "2")
    with pytest.raises(InputError, match="a well B/2 that is not there"):
        read_movie(path, position=0)


@pytest.mark.parametrize("named", [None, ["1", "0"]])
def test_series_that_lie_side_by_side_are_positions(tmp_path, named):
    path = tmp_path / "s.zarr"
    root = zarr.open_group(path, mode="w", zarr_format=3)
    root.attrs["ome"] = {"version": "0.5", "bioformats2raw.layout": 3}
    if named is not None:
        inside = root.create_group("OME")
        inside.attrs["ome"] = {"version": "0.5", "series": named}
    for number in (0, 1):
        image_at(path / str(number), MOVIE + np.uint16(1000 * number))
    first = frames_of(read_movie(path, position=0))
    np.testing.assert_array_equal(first, MOVIE + (0 if named is None else 1000))
    shutil.rmtree(path / "1")
    if named is None:
        assert len(read_movie(path)) == 4
    else:
        with pytest.raises(InputError, match="a series 1 that is not there"):
            read_movie(path, position=0)


@pytest.mark.parametrize(
    ("chunks", "removed", "lost"),
    [
        ((1, 6, 8), ["2/0/0"], {2}),
        ((2, 6, 8), ["1/0/0"], {2, 3}),
        ((1, 3, 8), ["1/1/0"], {1}),  # half of a frame
        ((1, 6, 8), ["1/0/0", "3/0/0"], {1, 3}),
        ((1, 6, 8), [], None),
        # A part that most frames lack holds nothing but zeros.
        ((1, 3, 8), ["0/1/0", "1/1/0", "2/1/0"], None),
    ],
)
def test_frames_whose_chunks_are_gone_are_lost(tmp_path, chunks, removed, lost):
    path = array_at(tmp_path / "m.zarr", chunks=chunks, names=("t", "y", "x"))
    for chunk in removed:
        (path / "c" / chunk).unlink()
    if lost is None:
        assert len(read_movie(path)) == 4
        return
    verb = "has" if len(lost) == 1 else "have"
    told = f"{len(lost)} of its 4 frames {verb} lost pixels, the first is frame "
    with pytest.raises(InputError, match=told + str(min(lost))):
        read_movie(path)
    # The others can be had.
    for frame in range(4):
        if frame in lost:
            with pytest.raises(InputError, match="lost pixels"):
                read_movie(path, frames=(frame, frame + 1))
        else:
            (there,) = read_movie(path, frames=(frame, frame + 1))
            np.testing.assert_array_equal(there, MOVIE[frame])


def cells_that_move(background):
    """Two squares that come and go in the chunks of (1, 32, 32)."""
    movie = np.full((8, 96, 128), background, np.uint16)
    for t in range(8):
        movie[t, 8 + 8 * t : 20 + 8 * t, 20 + 6 * t : 32 + 6 * t] = 3000
        movie[t, 70:82, 100 - 6 * t : 112 - 6 * t] = 3000
    return movie


@pytest.mark.parametrize("names", [("t", "y", "x"), ("t", "x", "y")])
def test_zeros_between_cells_may_be_left_out(tmp_path, names):
    """As zarr does by itself where the background was subtracted."""
    movie = cells_that_move(0)
    stored = movie if names[1] == "y" else movie.swapaxes(1, 2)
    path = tmp_path / "m.zarr"
    made = zarr.create_array(
        path, shape=stored.shape, chunks=(1, 32, 32), dtype="u2", dimension_names=names
    )
    made[:] = stored
    assert len([*path.glob("c/*/*/*")]) < 8 * 12
    np.testing.assert_array_equal(frames_of(read_movie(path)), movie)
    # A frame of which nothing is there may be lost.
    shutil.rmtree(path / "c/3")
    with pytest.raises(InputError, match="the first is frame 3"):
        read_movie(path)


@pytest.mark.parametrize("lost", [1, 8])
def test_a_lost_part_of_a_movie_without_zeros_is_told(tmp_path, lost):
    path = tmp_path / "m.zarr"
    made = zarr.create_array(path, shape=(8, 96, 128), chunks=(1, 32, 32), dtype="u2")
    made[:] = cells_that_move(200)
    for t in range(lost):
        (path / f"c/{t}/{t % 3}/{t % 4}").unlink()
    with pytest.raises(InputError, match=f"{lost} of its 8 frames ha"):
        read_movie(path)


def test_background_of_labels_may_be_left_out(tmp_path):
    """As zarr does by itself; a whole frame between two others is lost all the same."""
    labels = np.zeros((6, 6, 8), np.uint16)
    labels[1:5, :3, :4] = 1
    labels[1, 3:, 4:] = labels[3:5, 3:, 4:] = 2
    path = tmp_path / "m.zarr"
    made = zarr.create_array(path, shape=labels.shape, chunks=(1, 3, 4), dtype="u2")
    made[:] = labels
    assert not (path / "c/2/1/1").exists()
    with pytest.raises(InputError, match="left out pixels that are all 0"):
        read_movie(path)
    np.testing.assert_array_equal(read_saved(path).stack(), labels)
    np.testing.assert_array_equal(frames_of(read_movie(path, labels=True)), labels)
    shutil.rmtree(path / "c/2")
    for read in (read_saved, partial(read_movie, labels=True)):
        with pytest.raises(InputError, match="is not whole"):
            read(path)
    assert len(read_movie(path, frames=(3, 6), labels=True)) == 3


def test_a_head_that_promises_too_much_is_refused(tmp_path):
    zarr.create_array(
        tmp_path / "m.zarr", shape=(10**5, 10**4, 10**4), chunks=(1, 64, 64), dtype="u1"
    )
    with pytest.raises(InputError, match="which no movie does"):
        read_movie(tmp_path / "m.zarr")


@pytest.mark.parametrize("version", ["2.18.7", "3.0.7"])
def test_versions_of_zarr_that_delete_files_are_refused(tmp_path, monkeypatch, version):
    zarr.create_array(tmp_path / "m.zarr", data=np.ones((2, 8, 8), np.uint8))
    monkeypatch.setattr(zarr, "__version__", version)
    with pytest.raises(InputError, match=f"zarr {version} is too old"):
        read_movie(tmp_path / "m.zarr")
    for newer in ("3.0.8", "3.1.6", "3.2.0.dev1+g12", "4.0"):
        monkeypatch.setattr(zarr, "__version__", newer)
        assert len(read_movie(tmp_path / "m.zarr")) == 2
