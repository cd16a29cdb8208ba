"""Movies from files and arrays: formats, axes, metadata, and what is refused."""

import sys

import numpy as np
import pytest
import tifffile

from fastershift.errors import FastershiftError, InputError
from fastershift.io import as_movie, read_movie

zarr = pytest.importorskip("zarr")


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 999, (5, 32, 40)).astype(np.uint16)


def same(movie, stack):
    assert movie.shape == stack.shape
    assert len(movie) == len(stack)
    assert movie.dtype.isnative
    for t, frame in enumerate(movie):
        assert frame.dtype == movie.dtype
        np.testing.assert_array_equal(frame, stack[t])
    np.testing.assert_array_equal(movie[-1], stack[-1])
    with pytest.raises(IndexError):
        movie[len(stack)]


def folder_of(path, stack, name="t{:03d}.tif"):
    path.mkdir()
    for t, frame in enumerate(stack):
        tifffile.imwrite(path / name.format(t), frame)
    return path


@pytest.mark.parametrize("name", ["t{:03d}.tif", "frame{}.TIFF"])
def test_folder(tmp_path, stack, name):
    stack = np.concatenate([stack] * 3)
    folder = folder_of(tmp_path / "01", stack, name)
    (folder / "notes.txt").write_text("not a frame")
    (folder / "._t000.tif").write_text("left by macOS")
    movie = read_movie(folder)
    same(movie, stack)
    assert movie.name == "01"
    assert movie.source == folder


def test_folder_is_read_one_file_at_a_time(tmp_path, stack):
    folder = folder_of(tmp_path / "01", stack)
    movie = read_movie(folder)
    (folder / "t003.tif").unlink()
    np.testing.assert_array_equal(movie[2], stack[2])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_multi_page(tmp_path, stack, compression, bigtiff, byteorder):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(
        path, stack, compression=compression, bigtiff=bigtiff, byteorder=byteorder
    )
    same(read_movie(path), stack)


def test_one_page_that_stands_for_all(tmp_path, stack):
    tifffile.imwrite(tmp_path / "movie.tif", stack, truncate=True)
    same(read_movie(tmp_path / "movie.tif"), stack)


def test_pages_appended_one_by_one(tmp_path, stack):
    path = tmp_path / "movie.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in stack:
            writer.write(frame)
    same(read_movie(path), stack)


@pytest.mark.parametrize(
    "dtype",
    ["bool", "uint8", "int16", "uint16", "int32", "float32", "float64", ">u2", ">f4"],
)
def test_every_number_type(tmp_path, stack, dtype):
    stack = (stack % 2 if dtype == "bool" else stack % 200).astype(dtype)
    same(as_movie(stack), stack)
    if dtype != "bool":
        tifffile.imwrite(tmp_path / "movie.tif", stack, compression="zlib")
        same(read_movie(tmp_path / "movie.tif"), stack)
        same(read_movie(folder_of(tmp_path / "01", stack)), stack)


def test_one_frame(tmp_path, stack):
    same(as_movie(stack[0]), stack[:1])
    tifffile.imwrite(tmp_path / "one.tif", stack[0])
    same(read_movie(tmp_path / "one.tif"), stack[:1])


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_ome(tmp_path, stack, compression):
    path = tmp_path / "movie.ome.tif"
    both = np.stack([stack, stack + 1], axis=1)
    metadata = {
        "axes": "TCYX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeY": 0.25,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeYUnit": "µm",
        "TimeIncrement": 3.0,
        "TimeIncrementUnit": "min",
    }
    tifffile.imwrite(path, both, metadata=metadata, compression=compression)
    movie = read_movie(path, channel=1)
    same(movie, stack + 1)
    assert movie.scale == (3.0, 0.25, 0.5)
    assert movie.units == ("minute", "micrometer", "micrometer")
    with pytest.raises(InputError, match="2 channels; choose one"):
        read_movie(path)
    with pytest.raises(InputError, match="no channel 2; choose from 0 to 1"):
        read_movie(path, channel=2)
    with pytest.raises(InputError, match="neither a number from 0"):
        read_movie(path, channel=-1)


@pytest.mark.parametrize(
    ("times", "unit", "step"),
    [
        ([0, 301, 600, 899, 1200], "s", 300),
        ([0, 0.5, 1, 1.5, 2], "ms", 0.5),
        ([0, 300, 900, 1000, 2000], "s", None),
        ([0, 0, 0, 0, 0], "s", None),
        (None, None, None),
    ],
    ids=["uneven clock", "milliseconds", "pauses", "not taken", "not told"],
)
def test_the_times_of_planes_tell_the_time_between_frames(
    tmp_path, stack, times, unit, step
):
    """Bio-Formats and Micro-Manager write these alone."""
    path = tmp_path / "movie.ome.tif"
    metadata = {"axes": "TCYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    if times is not None:
        late = [time + 0.1 * channel for time in times for channel in (0, 1)]
        metadata["Plane"] = {"DeltaT": late, "DeltaTUnit": [unit] * len(late)}
    tifffile.imwrite(path, np.stack([stack, stack], 1), metadata=metadata)
    movie = read_movie(path, channel=0)
    name = {"s": "second", "ms": "millisecond"}[unit] if step else "pixel"
    assert movie.scale == pytest.approx((step or 1, 0.5, 0.5), rel=0.01)
    assert movie.units == (name, "micrometer", "micrometer")


@pytest.mark.parametrize("unit", ["micrometers", "Microns", "nanometres", "mm"])
@pytest.mark.parametrize("time", ["hrs", "mins", "secs", "usec"])
def test_units_of_one_or_many(tmp_path, stack, unit, time):
    path = tmp_path / "movie.tif"
    metadata = {"axes": "TYX", "unit": unit, "tunit": time, "finterval": 2.5}
    tifffile.imwrite(path, stack, imagej=True, metadata=metadata, resolution=(4, 2))
    movie = read_movie(path)
    assert movie.scale == (2.5, 0.5, 0.25)
    assert "pixel" not in movie.units


def test_imagej(tmp_path, stack):
    path = tmp_path / "movie.tif"
    metadata = {"axes": "TYX", "unit": "\\u00B5m", "finterval": 2.5}
    tifffile.imwrite(path, stack, imagej=True, metadata=metadata, resolution=(4, 2))
    movie = read_movie(path)
    same(movie, stack)
    assert movie.scale == (2.5, 0.5, 0.25)
    assert movie.units == ("second", "micrometer", "micrometer")


def test_imagej_slices_can_be_called_frames(tmp_path, stack):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(InputError, match="5 planes in depth") as caught:
        read_movie(path)
    assert caught.value.options == {"plane": "max", "axes": "TYX"}
    same(read_movie(path, axes="TYX"), stack)


def test_plain_metadata_is_no_scale(tmp_path, stack):
    tifffile.imwrite(tmp_path / "movie.tif", stack, resolution=(72, 72))
    movie = read_movie(tmp_path / "movie.tif")
    assert movie.scale is None
    assert movie.units is None


def test_channel_folder(tmp_path, stack):
    both = np.stack([stack, stack + 1], axis=1)
    folder = tmp_path / "01"
    folder.mkdir()
    for t, frame in enumerate(both):
        tifffile.imwrite(folder / f"t{t}.tif", frame, photometric="minisblack")
    same(read_movie(folder, axes="TCYX", channel=1), stack + 1)


def test_zarr_array(tmp_path, stack):
    path = tmp_path / "movie.zarr"
    array = zarr.create_array(path, shape=stack.shape, chunks=(1, 32, 40), dtype="u2")
    array[:] = stack
    same(read_movie(path), stack)
    (path / "c" / "4" / "0" / "0").write_bytes(b"damaged")
    np.testing.assert_array_equal(read_movie(path)[1], stack[1])
    with pytest.raises(FastershiftError, match=r"Frame 4 .* cannot be read"):
        read_movie(path)[4]


@pytest.mark.parametrize("version", [0.4, 0.5])
def test_ome_zarr(tmp_path, stack, version):
    path = tmp_path / "movie"
    image = {
        "axes": [
            {"name": "t", "type": "time", "unit": "second"},
            {"name": "c", "type": "channel"},
            {"name": "z", "type": "space", "unit": "micrometer"},
            {"name": "y", "type": "space", "unit": "micrometer"},
            {"name": "x", "type": "space", "unit": "micrometer"},
        ],
        "datasets": [
            {
                "path": "0",
                "coordinateTransformations": [
                    {"type": "scale", "scale": [5.0, 1.0, 1.0, 0.5, 0.25]}
                ],
            }
        ],
        "version": "0.4",
    }
    attributes = {"multiscales": [image]}
    if version == 0.5:
        attributes = {"ome": {"version": "0.5", **attributes}}
    group = zarr.create_group(
        path, zarr_format=2 if version == 0.4 else 3, attributes=attributes
    )
    data = np.stack([stack, stack + 1], axis=1)[:, :, None]
    group.create_array("0", shape=data.shape, dtype=data.dtype)[:] = data
    movie = read_movie(path, channel=1)
    same(movie, stack + 1)
    assert movie.scale == (5.0, 0.5, 0.25)
    assert movie.units == ("second", "micrometer", "micrometer")


def test_zarr_group_without_image(tmp_path):
    zarr.create_group(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="without an image"):
        read_movie(tmp_path / "a.zarr")


def test_missing_zarr_names_the_extra(tmp_path, monkeypatch):
    zarr.create_array(tmp_path / "a.zarr", shape=(2, 8, 8), dtype="u1")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(InputError, match=r"fastershift\[zarr\]"):
        read_movie(tmp_path / "a.zarr")


def test_dask_computes_one_frame_at_a_time(stack):
    da = pytest.importorskip("dask.array")
    computed = []

    def note(block, block_info=None):
        computed.append(block_info[0]["chunk-location"][0])
        return block

    lazy = da.from_array(stack, chunks=(1, 32, 40)).map_blocks(
        note, dtype=stack.dtype, meta=np.empty((0, 0, 0), stack.dtype)
    )
    np.testing.assert_array_equal(as_movie(lazy)[3], stack[3])
    assert computed == [3]


@pytest.mark.parametrize(
    ("axes", "order"),
    [("TYX", (0, 1, 2)), ("YXT", (1, 2, 0)), ("XYT", (2, 1, 0)), ("tyx", (0, 1, 2))],
)
def test_axes_in_any_order(stack, axes, order):
    same(as_movie(stack.transpose(order), axes=axes), stack)


def test_singleton_axes_are_dropped(stack):
    same(as_movie(stack[:, None, None], axes="TCZYX"), stack)
    same(as_movie(stack[None], axes="ZTYX", channel=0), stack)


def test_cut(stack):
    same(as_movie(stack).cut(1, 4), stack[1:4])
    same(as_movie(stack).cut(1, 4).cut(1, 2), stack[2:3])


def test_frames_of_a_file(tmp_path, stack):
    tifffile.imwrite(tmp_path / "movie.tif", stack)
    same(read_movie(tmp_path / "movie.tif", frames=(2, 5)), stack[2:5])
    for wrong in [(2, 6), (-1, 3), (3, 3), (4, 2)]:
        with pytest.raises(InputError, match="give a range within 0:5"):
            read_movie(tmp_path / "movie.tif", frames=wrong)


def refused(words, *args, **options):
    with pytest.raises(InputError, match=words) as caught:
        read_movie(*args, **options)
    text = str(caught.value)
    assert text.endswith((".", "…."))
    assert "\n" not in text


def test_rgb_is_refused(tmp_path, stack):
    colour = np.stack([stack] * 3, axis=-1).astype(np.uint8)
    tifffile.imwrite(tmp_path / "one.tif", colour[0], photometric="rgb")
    tifffile.imwrite(tmp_path / "many.tif", colour, photometric="rgb")
    folder = tmp_path / "01"
    folder.mkdir()
    for t in range(2):
        tifffile.imwrite(folder / f"{t}.tif", colour[t], photometric="rgb")
    for path in (tmp_path / "one.tif", tmp_path / "many.tif", folder):
        refused("RGB image; choose one channel", path)
    refused("RGB image; choose one channel", folder, axes="TYX")
    same(read_movie(folder, channel=1), colour[:2, ..., 1])
    same(read_movie(tmp_path / "many.tif", channel=2), colour[..., 2])
    for array in (colour, colour[0]):
        with pytest.raises(InputError, match="RGB image; choose one channel"):
            as_movie(array)


def test_different_sizes_are_refused(tmp_path, stack):
    folder = folder_of(tmp_path / "01", stack)
    tifffile.imwrite(folder / "t009.tif", stack[0, :-1])
    refused("differ in size: t009.tif", folder)
    with tifffile.TiffWriter(tmp_path / "movie.tif") as writer:
        writer.write(stack[0])
        writer.write(stack[0, :-1])
    refused("differ in size", tmp_path / "movie.tif")


def test_mixed_types_keep_their_values(tmp_path, stack):
    folder = folder_of(tmp_path / "01", stack)
    tifffile.imwrite(folder / "t000.tif", (stack[0] % 7).astype(np.uint8))
    movie = read_movie(folder)
    assert movie.dtype == np.uint16
    np.testing.assert_array_equal(movie[1], stack[1])


def test_four_axes_without_names_are_refused(tmp_path, stack):
    four = np.stack([stack, stack])
    tifffile.imwrite(tmp_path / "movie.tif", four)
    refused(r"2 × 5 × 32 × 40.*for example TCYX", tmp_path / "movie.tif")
    same(read_movie(tmp_path / "movie.tif", axes="CTYX", channel=1), stack)
    with pytest.raises(InputError, match="not clear what they are"):
        as_movie(four)


@pytest.mark.parametrize("axes", ["TY", "TYXW", "YYX", "CYX "])
def test_senseless_axes_are_refused(stack, axes):
    with pytest.raises(InputError, match="cannot be used: name each axis once"):
        as_movie(stack, axes=axes)


def test_wrong_number_of_axes_is_refused(stack):
    with pytest.raises(InputError, match="one letter per axis"):
        as_movie(stack, axes="TCYX")


def test_text_named_tif_is_refused(tmp_path):
    (tmp_path / "movie.tif").write_text("frame,cells\n0,12\n")
    refused("cannot be read as a TIFF", tmp_path / "movie.tif")
    (tmp_path / "empty.tif").write_bytes(b"")
    refused("cannot be read as a TIFF", tmp_path / "empty.tif")
    folder = tmp_path / "01"
    folder.mkdir()
    (folder / "t000.tif").write_text("no image")
    refused("cannot be read as a TIFF", folder)


@pytest.mark.parametrize(("compression", "kept"), [(None, 3000), ("zlib", -100)])
def test_cut_off_file_is_refused(tmp_path, stack, compression, kept):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, stack, compression=compression)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"is not whole: .* Copy it again"):
        read_movie(path)


def test_folders_without_a_movie_are_refused(tmp_path, stack):
    (tmp_path / "empty").mkdir()
    refused("is empty", tmp_path / "empty")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("a")
    refused("no images, only files of the kinds .txt", tmp_path / "text")
    refused("nothing at .*; check the name", tmp_path / "absent")
    refused("not a kind of file", tmp_path / "text" / "a.txt")
    folder = folder_of(tmp_path / "stacks", [stack, stack])
    refused("every file is one frame; give the file itself", folder)


def test_senseless_pixels_are_refused(stack):
    with pytest.raises(InputError, match="complex"):
        as_movie(stack.astype(complex))
    with pytest.raises(InputError, match="is empty"):
        as_movie(stack[:0])


def test_challenge_movie(shared):
    movie = read_movie(shared / "data/Fluo-N2DL-HeLa/01", frames=(24, 36))
    assert movie.shape == (12, 700, 1100)
    expected = tifffile.imread(shared / "data/Fluo-N2DL-HeLa/01/t024.tif")
    np.testing.assert_array_equal(movie[0], expected)


def test_a_packed_bigtiff_is_read_piece_by_piece(tmp_path, monkeypatch):
    """By the zarr view of tifffile: what is not asked for is not unpacked."""
    pytest.importorskip("zarr")
    stack = np.random.default_rng(4).integers(0, 99, (6, 2, 96, 80), dtype=np.uint16)
    path = tmp_path / "big.tif"
    tifffile.imwrite(
        path,
        stack,
        bigtiff=True,
        ome=True,
        metadata={"axes": "TCYX"},
        photometric="minisblack",
        compression="zlib",
        tile=(32, 48),
    )
    movie = read_movie(path, channel=1)
    unpacked = []
    original = tifffile.TiffPage.decode.func

    def counted(page):
        decode = original(page)
        return lambda *given, **options: (
            unpacked.append(given[1]) or decode(*given, **options)
        )

    monkeypatch.setattr(tifffile.TiffPage, "decode", property(counted))
    monkeypatch.setattr(tifffile.TiffPage, "asarray", None)
    assert np.array_equal(movie[4], stack[4, 1])
    assert len(unpacked) == 3 * 2
    for t in range(6):
        assert np.array_equal(movie[t], stack[t, 1])
    path.unlink()  # it is not held open


def test_a_packed_bigtiff_without_zarr(tmp_path, monkeypatch):
    stack = np.random.default_rng(4).integers(0, 99, (3, 40, 50), dtype=np.uint16)
    path = tmp_path / "big.tif"
    tifffile.imwrite(
        path, stack, bigtiff=True, compression="zlib", photometric="minisblack"
    )
    monkeypatch.setattr("fastershift.io.movies._tiff.find_spec", lambda _name: None)
    movie = read_movie(path, axes="TYX")
    assert np.array_equal(np.stack(list(movie)), stack)
