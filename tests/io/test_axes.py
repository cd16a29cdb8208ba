"""What is taken of files and arrays with more than time, rows and columns."""

import numpy as np
import pytest
import tifffile

from fastershift.errors import InputError
from fastershift.io import as_movie, read_movie, stored_axes

SIZES = {"T": 3, "P": 2, "C": 2, "Z": 4, "Y": 16, "X": 20}


def array(axes: str, kind: type = np.uint16) -> np.ndarray:
    """Pixels that are all different."""
    shape = [SIZES[axis] for axis in axes]
    return np.arange(np.prod(shape)).reshape(shape).astype(kind)


def taken(pixels: np.ndarray, axes: str, **index: int) -> np.ndarray:
    """The (T, Y, X) frames at fixed places of the other axes, by plain indexing."""
    left = "".join(axis for axis in axes if axis not in index)
    found = pixels[tuple(index.get(axis, slice(None)) for axis in axes)]
    return found.transpose([left.index(axis) for axis in "TYX"])


@pytest.mark.parametrize("axes", ["TCZYX", "TZCYX", "PTCZYX", "CTPYX", "ZTYXC"])
def test_a_plane_of_a_channel_of_a_position(axes):
    pixels = array(axes)
    chosen = {"C": 1, "Z": 2, "P": 1}
    index = {axis: place for axis, place in chosen.items() if axis in axes}
    movie = as_movie(
        pixels,
        axes,
        channel=1,
        plane=2 if "Z" in axes else None,
        position=1 if "P" in axes else None,
    )
    np.testing.assert_array_equal(np.stack(list(movie)), taken(pixels, axes, **index))


@pytest.mark.parametrize("how", ["max", "mean", "min"])
@pytest.mark.parametrize("axes", ["TZYX", "ZTXY", "TYXZ"])
def test_a_projection(how, axes):
    pixels = np.random.default_rng(0).permutation(array(axes).ravel())
    pixels = pixels.reshape([SIZES[axis] for axis in axes])
    movie = as_movie(pixels, axes, plane=how)
    planes = [taken(pixels, axes, Z=z) for z in range(SIZES["Z"])]
    expected = getattr(np, how)(planes, axis=0)
    np.testing.assert_allclose(np.stack(list(movie)), expected)
    assert movie.dtype == (np.float32 if how == "mean" else np.uint16)
    assert movie[0].dtype == movie.dtype


@pytest.mark.parametrize("how", ["max", "mean", "min"])
def test_a_projection_passes_over_what_is_not_known(how):
    pixels = array("TZYX", np.float32)
    pixels[:, 1, 3, 4] = np.nan
    pixels[:, :, 5, 6] = np.nan
    frame = as_movie(pixels, "TZYX", plane=how)[0]
    assert np.isnan(frame[5, 6])
    assert np.isnan(frame).sum() == 1
    known = getattr(np, how)(pixels[0, [0, 2, 3], 3, 4])
    assert frame[3, 4] == pytest.approx(known)


def test_colours_by_name():
    pixels = np.random.default_rng(0).integers(0, 255, (3, 16, 20, 3), dtype=np.uint8)
    for place, name in enumerate(("red", "green", "blue")):
        movie = as_movie(pixels, channel=name)
        np.testing.assert_array_equal(movie[1], pixels[1, ..., place])
    skimage = pytest.importorskip("skimage.color")
    grey = as_movie(pixels, channel="grey")
    np.testing.assert_allclose(grey[2], 255 * skimage.rgb2gray(pixels[2]), rtol=1e-4)
    assert grey.dtype == np.float32
    with pytest.raises(InputError, match="red, green, blue, or grey"):
        as_movie(pixels)
    with pytest.raises(InputError, match="not an RGB image, so there is no channel"):
        as_movie(array("TCYX"), "TCYX", channel="red")


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ("TZYX", "two dimensions and time: choose a plane from 0 to 3"),
        ("TPYX", "2 positions, each a separate movie; choose one, from 0 to 1"),
        ("TCYX", "2 channels; choose one channel, from 0 to 1"),
    ],
)
def test_what_has_to_be_chosen(axes, words):
    with pytest.raises(InputError, match=words):
        as_movie(array(axes), axes)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"plane": 4}, "no plane 4; choose from 0 to 3"),
        ({"position": 2}, "no position 2; choose from 0 to 1"),
        ({"plane": "median"}, "neither a number from 0 nor one of max, mean, min"),
        ({"channel": 5}, "no channel 5"),
    ],
)
def test_what_is_not_there(chosen, words):
    with pytest.raises(InputError, match=words):
        as_movie(array("TPZYX"), "TPZYX", **({"plane": 0, "position": 0} | chosen))


def test_axes_of_length_1_need_no_letter():
    pixels = array("TYX")
    for shape in ((3, 1, 16, 20), (1, 3, 1, 16, 20)):
        movie = as_movie(pixels.reshape(shape), "TYX")
        np.testing.assert_array_equal(np.stack(list(movie)), pixels)
    with pytest.raises(InputError, match="one letter per axis"):
        as_movie(array("TCYX"), "TYX")


def test_masked_pixels_are_not_known():
    mask = np.zeros((3, 16, 20), bool)
    mask[:, :4] = True
    movie = as_movie(np.ma.masked_array(array("TYX"), mask))
    assert movie.dtype == np.float32
    assert np.isnan(movie[1][:4]).all()
    np.testing.assert_array_equal(movie[1][4:], array("TYX")[1][4:])


def test_masked_pixels_of_a_lazy_array():
    da = pytest.importorskip("dask.array")
    lazy = da.ma.masked_less(da.from_array(array("TYX"), chunks=(1, 16, 20)), 10)
    movie = as_movie(lazy)
    assert movie.dtype == np.float32
    assert np.isnan(movie[0]).sum() == 10


def test_a_lazy_stack_is_projected_one_frame_at_a_time():
    da = pytest.importorskip("dask.array")
    computed = []

    def note(block, block_info=None):
        computed.append(block_info[0]["chunk-location"])
        return block

    lazy = da.from_array(array("TZYX"), chunks=(1, 1, 16, 20)).map_blocks(
        note, dtype=np.uint16, meta=np.empty((0,) * 4, np.uint16)
    )
    movie = as_movie(lazy, "TZYX", plane="max")
    np.testing.assert_array_equal(movie[1], array("TZYX")[1].max(0))
    assert {place[0] for place in computed} == {1}
    computed.clear()
    assert as_movie(lazy, "TZYX", plane=2)[2].shape == (16, 20)
    assert [place[:2] for place in computed] == [(2, 2)]


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_files_offer_the_same(tmp_path, compression):
    pixels = array("TZCYX")
    path = tmp_path / "movie.ome.tif"
    tifffile.imwrite(path, pixels, metadata={"axes": "TZCYX"}, compression=compression)
    assert stored_axes(path) == ("TZCYX", pixels.shape)
    movie = read_movie(path, channel=1, plane="max")
    np.testing.assert_array_equal(np.stack(list(movie)), pixels[:, :, 1].max(1))
    movie = read_movie(path, channel=0, plane=3)
    np.testing.assert_array_equal(np.stack(list(movie)), pixels[:, 3, 0])


def test_images_of_an_ome_file_are_positions(tmp_path):
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for place in range(2):
            writer.write(array("TYX") + place, metadata={"axes": "TYX"})
    movie = read_movie(path, position=1)
    np.testing.assert_array_equal(np.stack(list(movie)), array("TYX") + 1)
    with pytest.raises(InputError, match="2 positions") as caught:
        read_movie(path)
    assert caught.value.options["position"] == 0


@pytest.mark.parametrize("other", [(4, 3, 2), (2, 5, 6)])
def test_each_image_of_an_ome_file_has_its_own_scale(tmp_path, other):
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for shape, size in (((4, 3, 2), 0.5), (other, 0.25)):
            told = {"PhysicalSizeY": size, "PhysicalSizeX": size}
            pixels = np.zeros(shape, np.uint8)
            writer.write(pixels, metadata={"axes": "TYX", **told})
    for place, size in enumerate((0.5, 0.25)):
        assert read_movie(path, position=place).scale == (1.0, size, size)


def test_a_level_of_a_pyramid_of_colours_in_a_tiff(tmp_path):
    path = tmp_path / "pyramid.ome.tif"
    full = np.zeros((64, 64, 3), np.uint8)
    size = {"PhysicalSizeY": 0.5, "PhysicalSizeX": 0.25}
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(
            full, subifds=1, metadata={"axes": "YXS", **size}, photometric="rgb"
        )
        writer.write(full[::2, ::2], subfiletype=1, photometric="rgb")
    coarse = read_movie(path, level=1, channel="grey")
    assert coarse.scale == (1.0, 1.0, 0.5)


def test_a_level_of_a_pyramid_in_a_tiff(tmp_path):
    path = tmp_path / "pyramid.ome.tif"
    full = np.arange(3 * 64 * 64, dtype=np.uint16).reshape(3, 64, 64)
    with tifffile.TiffWriter(path, ome=True) as writer:
        metadata = {"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
        writer.write(full, subifds=1, metadata=metadata, tile=(32, 32))
        writer.write(full[:, ::2, ::2], subfiletype=1, tile=(32, 32))
    coarse = read_movie(path, level=1)
    np.testing.assert_array_equal(coarse[2], full[2, ::2, ::2])
    assert coarse.scale == (1.0, 1.0, 1.0)
    assert read_movie(path).scale == (1.0, 0.5, 0.5)
    with pytest.raises(InputError, match="2 resolution levels, so there is no level 2"):
        read_movie(path, level=2)


def test_a_level_of_an_ome_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": [
                {"type": "scale", "scale": [5, 0.5 * 2**level, 0.5 * 2**level]}
            ],
        }
        for level in range(2)
    ]
    axes = [{"name": name} for name in "tyx"]
    image = {"axes": axes, "datasets": datasets, "version": "0.4"}
    group = zarr.create_group(tmp_path / "a.zarr", attributes={"multiscales": [image]})
    for level in range(2):
        part = array("TYX")[:, :: 2**level, :: 2**level]
        group.create_array(str(level), shape=part.shape, dtype=part.dtype)[:] = part
    coarse = read_movie(tmp_path / "a.zarr", level=1)
    np.testing.assert_array_equal(coarse[1], array("TYX")[1, ::2, ::2])
    assert coarse.scale == (5, 1, 1)
    with pytest.raises(InputError, match="no level 2"):
        read_movie(tmp_path / "a.zarr", level=2)


def test_a_folder_of_frames_with_depth(tmp_path):
    pixels = array("TZYX")
    for t, frame in enumerate(pixels):
        tifffile.imwrite(
            tmp_path / f"t{t}.tif", frame, imagej=True, metadata={"axes": "ZYX"}
        )
    movie = read_movie(tmp_path, plane="mean")
    np.testing.assert_allclose(movie[1], pixels[1].mean(0), rtol=1e-6)
    assert movie.dtype == np.float32


@pytest.mark.parametrize(
    ("axes", "advised"),
    [("TCYX", None), ("CYX", "TYX"), ("TZYX", None), ("ZYX", "TYX")],
)
def test_frames_are_advised_where_there_are_none(axes, advised):
    shape = dict(zip("TCZYX", (3, 2, 5, 16, 20), strict=True))
    with pytest.raises(InputError) as told:
        as_movie(np.zeros([shape[letter] for letter in axes], np.uint8), axes=axes)
    assert told.value.options.get("axes") == advised
    assert ("frames" in str(told.value)) == (advised is not None)


@pytest.mark.parametrize("long", "CZP")
def test_frames_are_advised_where_time_has_length_one(long):
    axes = "TPCZYX"
    shape = {"T": 1, "P": 1, "C": 1, "Z": 1, "Y": 16, "X": 20} | {long: 5}
    with pytest.raises(InputError) as told:
        as_movie(np.zeros([shape[letter] for letter in axes], np.uint8), axes=axes)
    assert told.value.options["axes"] == "TYX"
