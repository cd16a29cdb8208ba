"""Files that lost something: told in a sentence, never a shorter or a black movie."""

import logging
import re

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastershift.errors import FastershiftError, InputError
from fastershift.io import is_result, read_movie, read_result, write_result


@pytest.fixture(scope="module")
def stack():
    return np.random.default_rng(0).integers(0, 5000, (5, 16, 20)).astype(np.uint16)


def pages(path, stack, **options):
    for frame in stack:
        tifffile.imwrite(path, frame, append=True, metadata=None, **options)


def written(**options):
    return lambda path, stack: tifffile.imwrite(
        path, stack, photometric="minisblack", **options
    )


WRITERS = {
    "stack": written(),
    "stack, packed": written(compression="zlib"),
    "pages": pages,
    "pages, packed": lambda path, stack: pages(path, stack, compression="zlib"),
    "BigTIFF": written(bigtiff=True),
    "BigTIFF, packed": written(bigtiff=True, compression="zlib"),
    "ImageJ": written(imagej=True, metadata={"axes": "TYX"}),
    "OME": written(ome=True, metadata={"axes": "TYX"}),
    "OME, packed": written(ome=True, metadata={"axes": "TYX"}, compression="zlib"),
    "tiles": written(tile=(16, 16)),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_copy_that_broke_off_is_told_or_whole(tmp_path, stack, kind):
    path = tmp_path / "movie.tif"
    WRITERS[kind](path, stack)
    data = path.read_bytes()
    np.testing.assert_array_equal(np.stack(list(read_movie(path))), stack)
    told = []
    for length in range(0, len(data), 37):
        path.write_bytes(data[:length])
        try:
            movie = read_movie(path)
        except InputError as error:
            told.append(str(error))
        else:
            np.testing.assert_array_equal(np.stack(list(movie)), stack)
    assert len(told) > len(data) // 37 * 0.9
    assert not any("\n" in sentence for sentence in told)


@pytest.mark.parametrize("imagej", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_a_copy_with_channels_that_broke_off_is_told_or_whole(
    tmp_path, stack, imagej, packed
):
    path = tmp_path / "movie.tif"
    options = {"compression": "zlib"} if packed and not imagej else {}
    both = np.stack([stack, stack + 1], axis=1)
    axes = {"axes": "TCYX"}
    tifffile.imwrite(
        path, both, imagej=imagej, photometric="minisblack", metadata=axes, **options
    )
    data = path.read_bytes()
    told = 0
    for length in range(200, len(data), 101):
        path.write_bytes(data[:length])
        try:
            movie = read_movie(path, channel=1)
        except InputError:
            told += 1
        else:
            np.testing.assert_array_equal(np.stack(list(movie)), both[:, 1])
    assert told > len(data) // 101 * 0.8


@pytest.mark.parametrize("kind", ["stack", "BigTIFF"])
def test_a_head_that_broke_off_is_no_result_and_no_movie(tmp_path, stack, kind):
    WRITERS[kind](path := tmp_path / "movie.tif", stack)
    data = path.read_bytes()
    for length in range(24):
        path.write_bytes(data[:length])
        assert not is_result(path)
        with pytest.raises(InputError, match="cannot be read as a TIFF file"):
            read_movie(path)


def test_damage_is_told_in_our_sentence_alone(tmp_path, stack, monkeypatch, capsys):
    monkeypatch.setattr(logging.root, "handlers", [])
    WRITERS["stack"](path := tmp_path / "movie.tif", stack)
    data = path.read_bytes()
    path.write_bytes(data[:4] + b"\377\377\377\177" + data[8:])
    assert not is_result(path)
    with pytest.raises(InputError, match=r"TIFF file \(it is damaged\)"):
        read_movie(path)
    assert not any(capsys.readouterr())


@pytest.mark.parametrize("kind", ["stack", "stack, packed", "pages", "tiles"])
def test_frames_that_are_there_can_be_asked_for(tmp_path, stack, kind):
    path = tmp_path / "movie.tif"
    WRITERS[kind](path, stack)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.7)])
    with pytest.raises(InputError, match="Copy it again") as caught:
        read_movie(path)
    left = int(re.fullmatch("0:([1-4])", caught.value.options["frames"])[1])
    movie = read_movie(path, frames=(0, left))
    np.testing.assert_array_equal(np.stack(list(movie)), stack[:left])


def test_pages_that_the_description_speaks_of(tmp_path, stack):
    path = tmp_path / "movie.tif"
    described = "ImageJ=1.53t\nimages=5\nframes=5\n"
    with tifffile.TiffWriter(path) as writer:
        for number, frame in enumerate(stack[:3]):
            description = None if number else described
            writer.write(
                frame, description=description, metadata=None, compression="zlib"
            )
    with pytest.raises(InputError, match=r"2 of its 5 frames .* frame 3.*0:3"):
        read_movie(path)
    movie = read_movie(path, frames=(1, 3))
    np.testing.assert_array_equal(np.stack(list(movie)), stack[1:3])


def test_planes_that_ome_speaks_of(tmp_path, stack):
    path = tmp_path / "movie.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        xml = tifffile.OmeXml()
        xml.addimage(np.uint16, (5, 16, 20), (5, 1, 1, 16, 20, 1), axes="TYX")
        for number, frame in enumerate(stack[:4]):
            description = None if number else xml.tostring(declaration=True)
            writer.write(frame, description=description, metadata=None)
    with pytest.raises(InputError, match=r"1 of its 5 frames is .* frame 4.*0:4"):
        read_movie(path)


def spread(folder, stack, **options):
    """Write each frame into a file of its own; each file names all of them."""
    names = [f"m_T{t}.ome.tif" for t in range(len(stack))]
    planes = "".join(
        f'<TiffData FirstT="{t}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{name}">urn:uuid:{t}</UUID></TiffData>'
        for t, name in enumerate(names)
    )
    rows, columns = stack[0].shape
    for t, (name, frame) in enumerate(zip(names, stack, strict=True)):
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{t}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            f'DimensionOrder="XYZCT" Type="uint16" SizeX="{columns}" SizeY="{rows}" '
            f'SizeZ="1" SizeC="1" SizeT="{len(stack)}">{planes}</Pixels></Image></OME>'
        )
        tifffile.imwrite(
            folder / name, frame, description=xml, metadata=None, **options
        )
    return [folder / name for name in names]


@pytest.mark.parametrize("options", [{"compression": "zlib"}, {"bigtiff": True}, {}])
@pytest.mark.filterwarnings("error:.*closed file")
def test_frames_in_several_files_are_looked_for_in_each_of_them(tmp_path, options):
    """The file that is opened may be far smaller than the others."""
    stack = np.zeros((3, 64, 64), np.uint16)
    stack[1:] = np.random.default_rng(0).integers(0, 60000, (2, 64, 64))
    paths = spread(tmp_path, stack, **options)
    for path in paths:
        np.testing.assert_array_equal(np.stack(list(read_movie(path))), stack)
    with paths[2].open("r+b") as file:
        file.truncate(paths[2].stat().st_size - 1000)
    with pytest.raises(InputError, match=r"1 of its 3 frames is .* frame 2"):
        read_movie(paths[1])


def test_frames_may_all_lie_in_another_file(tmp_path):
    """The one that is opened holds a picture that does not belong to the movie."""
    stack = np.random.default_rng(0).integers(0, 99, (2, 8, 8)).astype(np.uint16)
    first, other = spread(tmp_path, stack)
    xml = tifffile.tiffcomment(first).replace("m_T0.ome.tif", other.name)
    xml = xml.replace("urn:uuid:0</UUID>", "urn:uuid:1</UUID>")
    tifffile.imwrite(first, stack[0] * 0, description=xml, metadata=None)
    np.testing.assert_array_equal(read_movie(first)[0], stack[1])


def test_other_images_of_a_file_are_named(tmp_path, stack):
    path = tmp_path / "movie.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(stack, photometric="minisblack")
        writer.write(stack[:2, :8, :8], photometric="minisblack")
    words = r"2 images of different kinds \(0: .*5 × 16 × 20; 1: .*2 × 8 × 8\)"
    with pytest.raises(InputError, match=words):
        read_movie(path)
    for position, part in ((0, stack), (1, stack[:2, :8, :8])):
        movie = read_movie(path, position=position)
        np.testing.assert_array_equal(np.stack(list(movie)), part)
    with pytest.raises(InputError, match="2 images, so there is no position 2"):
        read_movie(path, position=2)


def test_stacks_one_after_the_other_are_positions(tmp_path, stack):
    path = tmp_path / "movie.tif"
    with tifffile.TiffWriter(path) as writer:
        for more in range(2):
            writer.write(stack + more, photometric="minisblack")
    with pytest.raises(InputError, match="2 positions"):
        read_movie(path)
    np.testing.assert_array_equal(read_movie(path, position=1)[3], stack[3] + 1)


def test_colour_frames_appended_one_by_one(tmp_path, stack):
    path = tmp_path / "movie.tif"
    colour = np.stack([stack, stack // 2, stack // 3], axis=-1)
    with tifffile.TiffWriter(path) as writer:
        for frame in colour:
            writer.write(frame, photometric="rgb")
    movie = read_movie(path, channel="green")
    np.testing.assert_array_equal(np.stack(list(movie)), stack // 2)


def test_a_packing_that_needs_a_package(tmp_path, stack, monkeypatch):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, stack, compression="zlib", photometric="minisblack")

    class Nothing:
        def __getitem__(self, key):
            raise KeyError(f"{key} requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", Nothing())
    words = r"packed with ADOBE_DEFLATE, which needs .*fastershift\[all\]"
    with pytest.raises(InputError, match=words):
        read_movie(path)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    kind=st.sampled_from(sorted(WRITERS)),
    place=st.floats(0, 1),
    mask=st.integers(1, 255),
    count=st.integers(1, 8),
)
@example(kind="stack", place=0.0, mask=255, count=8)
def test_a_changed_byte_is_never_a_traceback(tmp_path, stack, kind, place, mask, count):
    path = tmp_path / "movie.tif"
    path.unlink(missing_ok=True)
    WRITERS[kind](path, stack)
    data = bytearray(path.read_bytes())
    start = int(place * (len(data) - count))
    for number in range(start, start + count):
        data[number] ^= mask
    path.write_bytes(bytes(data))
    try:
        movie = read_movie(path)
        assert movie[0].ndim == 2
    except FastershiftError:
        return  # in a sentence


@pytest.fixture
def zarr():
    return pytest.importorskip("zarr")


def array(zarr, path, stack, chunks, **options):
    made = zarr.create_array(
        path, shape=stack.shape, chunks=chunks, dtype=stack.dtype, **options
    )
    made[:] = stack
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_a_lost_chunk_is_not_a_black_frame(tmp_path, stack, zarr, version):
    path = array(zarr, tmp_path / "m.zarr", stack, (1, 16, 20), zarr_format=version)
    key = "c/2/0/0" if version == 3 else "2.0.0"
    (path / key).unlink()
    with pytest.raises(InputError, match=r"1 of its 5 frames? .* frame 2.*0:2"):
        read_movie(path)
    movie = read_movie(path, frames=(3, 5))
    np.testing.assert_array_equal(np.stack(list(movie)), stack[3:])


def test_a_lost_piece_of_a_frame(tmp_path, stack, zarr):
    path = array(zarr, tmp_path / "m.zarr", stack, (2, 8, 10))
    (path / "c/1/1/0").unlink()
    with pytest.raises(InputError, match=r"2 of its 5 frames .* frame 2"):
        read_movie(path)
    assert len(read_movie(path, frames=(0, 2))) == 2


def test_pieces_that_hold_nothing_may_be_left_out(tmp_path, stack, zarr):
    stack = stack.copy()
    stack[:, :8], stack[2, :, :10] = 0, 0
    stack[2, 9, 2] = 1
    path = array(zarr, tmp_path / "m.zarr", stack, (1, 8, 10))
    assert not (path / "c/2/0/0").exists()
    np.testing.assert_array_equal(np.stack(list(read_movie(path))), stack)


def test_no_pixels_at_all(tmp_path, stack, zarr):
    path = array(zarr, tmp_path / "m.zarr", stack * 0, (1, 16, 20))
    with pytest.raises(InputError, match=r"5 of its 5 frames .*Copy it again\."):
        read_movie(path)


def test_chunks_of_the_channel_that_is_read_count(tmp_path, stack, zarr):
    both = np.stack([stack, stack + 1], axis=1)
    path = array(zarr, tmp_path / "m.zarr", both, (1, 1, 16, 20))
    (path / "c/3/1/0/0").unlink()
    movie = read_movie(path, axes="TCYX", channel=0)
    np.testing.assert_array_equal(np.stack(list(movie)), stack)
    with pytest.raises(InputError, match="frame 3"):
        read_movie(path, axes="TCYX", channel=1)


def test_a_frame_in_single_pixels_is_refused_at_once(tmp_path, zarr):
    """A damaged head may say so, and reading each of them would take minutes."""
    shape = (2, 300, 300)
    zarr.create_array(tmp_path / "m.zarr", shape=shape, chunks=(1, 1, 1), dtype="u1")
    with pytest.raises(InputError, match="its chunks are too small"):
        read_movie(tmp_path / "m.zarr")


def test_empty_frames_of_a_result_are_no_loss(tmp_path, zarr):
    labels = np.zeros((3, 8, 9), np.int32)
    labels[0, 2:4, 2:4] = 1
    path = write_result(tmp_path / "r", labels, None, format="zarr")
    np.testing.assert_array_equal(read_result(path)[0], labels)


@pytest.mark.parametrize("text", ["{", "", "[]", '{"zarr_format": 9}', "\xff"])
def test_a_broken_head_of_a_zarr(tmp_path, zarr, text):
    (tmp_path / "m.zarr").mkdir()
    (tmp_path / "m.zarr" / "zarr.json").write_text(text, encoding="latin1")
    with pytest.raises(InputError, match="cannot be read as Zarr"):
        read_movie(tmp_path / "m.zarr")
    with pytest.raises(InputError, match="cannot be read as Zarr"):
        read_result(tmp_path / "m.zarr")
