"""Files with something wrong, made from whole ones."""

import gzip
import json
import os
import shutil
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

__all__ = [
    "FOLDERS",
    "MODELS",
    "MOVIE",
    "RESULTS",
    "SETTINGS",
    "TIFFS",
    "ZARRS",
    "make_pipe",
]

#: A movie so small that all faults are met in a minute.
MOVIE = np.random.default_rng(5).integers(100, 4000, (4, 24, 28)).astype(np.uint16)
MOVIE[:, 6:14, 8:16] += 9000

_LABELS = np.zeros((4, 24, 28), np.int32)
_LABELS[:, 6:14, 8:16] = 1
_LABELS[2:, 16:20, 2:9] = 2
_TRACKS = [(1, 0, 3, 0), (2, 2, 3, 1)]

Maker = Callable[[Path], Path]


def _bytes(name: str, change: Callable[[bytearray], bytes | bytearray]) -> Maker:
    """Write a whole TIFF of some kind, and change its bytes."""

    def make(folder: Path) -> Path:
        path = folder / "movie.tif"
        options: dict[str, Any] = {
            "stack": {},
            "packed": {"compression": "zlib"},
            "tiles": {"tile": (16, 16)},
            "OME": {"ome": True, "metadata": {"axes": "TYX"}},
            "ImageJ": {"imagej": True, "metadata": {"axes": "TYX"}},
        }[name]
        tifffile.imwrite(path, MOVIE, photometric="minisblack", **options)
        path.write_bytes(bytes(change(bytearray(path.read_bytes()))))
        return path

    return make


def _cut(share: float) -> Callable[[bytearray], bytearray]:
    return lambda data: data[: int(len(data) * share)]


def _poke(place: int, kind: str, value: int) -> Callable[[bytearray], bytearray]:
    def change(data: bytearray) -> bytearray:
        struct.pack_into(kind, data, place, value)
        return data

    return change


def _tag(code: int, field: str, value: int) -> Callable[[bytearray], bytearray]:
    """Change a tag of the first page of a classic little-endian TIFF."""
    offset, kind = {"type": (2, "<H"), "count": (4, "<I"), "value": (8, "<I")}[field]

    def change(data: bytearray) -> bytearray:
        start = struct.unpack_from("<I", data, 4)[0]
        for number in range(struct.unpack_from("<H", data, start)[0]):
            entry = start + 2 + 12 * number
            if struct.unpack_from("<H", data, entry)[0] == code:
                struct.pack_into(kind, data, entry + offset, value)
                return data
        raise KeyError(code)

    return change


def _loop(data: bytearray) -> bytearray:
    """Let the first page be followed by itself."""
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    return data


def _described(said: str, instead: str) -> Callable[[bytearray], bytearray]:
    return lambda data: bytearray(data.replace(said.encode(), instead.encode(), 1))


def _told(frames: str) -> Maker:
    """Write a TIFF whose OME text speaks of so many frames."""

    def make(folder: Path) -> Path:
        xml = tifffile.OmeXml()
        xml.addimage(np.uint16, MOVIE.shape, (4, 1, 1, 24, 28, 1), axes="TYX")
        text = xml.tostring(declaration=True)
        return _of(
            MOVIE,
            description=text.replace('SizeT="4"', f'SizeT="{frames}"'),
            metadata=None,
        )(folder)

    return make


def _written(**options: Any) -> Maker:
    """Write a whole TIFF of another kind."""

    def make(folder: Path) -> Path:
        path = folder / "movie.tif"
        tifffile.imwrite(path, MOVIE, **options)
        return path

    return make


def _with_preview(folder: Path) -> Path:
    with tifffile.TiffWriter(folder / "movie.tif") as writer:
        for frame in MOVIE:
            writer.write(frame, photometric="minisblack", contiguous=False)
        small = MOVIE[0, ::4, ::4]
        writer.write(small, photometric="minisblack", subfiletype=1)
    return folder / "movie.tif"


_FAR = 2**31 - 16
_FLAVOURS = ("stack", "packed", "tiles", "OME", "ImageJ")

#: TIFFs: the fault, how it is made, and whether it must be refused.
TIFFS: dict[str, tuple[Maker, str]] = {
    **{
        f"TIFF ({kind}) cut off at {share:.0%}": (_bytes(kind, _cut(share)), want)
        for kind in _FLAVOURS
        for share, want in ((0.0, "sentence"), (0.3, "sentence"), (0.9, "either"))
    },
    "TIFF of zeros": (_bytes("stack", lambda data: bytes(len(data))), "sentence"),
    "TIFF that is text": (_bytes("stack", lambda _: b"Dear reader,\n"), "sentence"),
    "TIFF that is a web page": (
        _bytes("stack", lambda _: b"<!DOCTYPE html><title>404</title>"),
        "sentence",
    ),
    "TIFF of the other byte order": (
        _bytes("stack", lambda data: b"MM" + bytes(data[2:])),
        "sentence",
    ),
    "TIFF of an unknown version": (_bytes("stack", _poke(2, "<H", 99)), "sentence"),
    "TIFF whose first page lies beyond its end": (
        _bytes("stack", _poke(4, "<I", _FAR)),
        "sentence",
    ),
    "TIFF whose first page lies in its head": (
        _bytes("stack", _poke(4, "<I", 2)),
        "sentence",
    ),
    "TIFF whose pages go in a circle": (_bytes("stack", _loop), "either"),
    "TIFF of width 0": (_bytes("stack", _tag(256, "value", 0)), "sentence"),
    "TIFF of absurd width": (_bytes("stack", _tag(256, "value", _FAR)), "sentence"),
    "TIFF of absurd height": (_bytes("stack", _tag(257, "value", _FAR)), "sentence"),
    "TIFF of 7 bits": (_bytes("stack", _tag(258, "value", 7)), "either"),
    "TIFF of unknown packing": (_bytes("packed", _tag(259, "value", 61)), "sentence"),
    "TIFF of false packing": (_bytes("stack", _tag(259, "value", 8)), "sentence"),
    "TIFF that is packed and of absurd width": (
        _bytes("packed", _tag(256, "value", 2**24)),
        "sentence",
    ),
    "TIFF that is packed and of absurd height": (
        _bytes("packed", _tag(257, "value", 2**29)),
        "sentence",
    ),
    "TIFF with absurdly long strips": (
        _bytes("packed", _tag(279, "value", _FAR)),
        "sentence",
    ),
    "TIFF whose pixels lie beyond its end": (
        _bytes("stack", _tag(273, "value", _FAR)),
        "sentence",
    ),
    "TIFF of absurdly many strips": (
        _bytes("stack", _tag(273, "count", _FAR)),
        "either",
    ),
    "TIFF with a tag of unknown type": (
        _bytes("stack", _tag(257, "type", 99)),
        "sentence",
    ),
    "TIFF whose OME text is cut off": (
        _bytes("OME", _described("</OME>", "<OME><")),
        "either",
    ),
    "TIFF whose OME text names more frames": (
        _bytes("OME", _described('SizeT="4"', 'SizeT="9"')),
        "sentence",
    ),
    "TIFF whose OME text names absurdly many frames": (
        _told("4000000000"),
        "sentence",
    ),
    "TIFF whose ImageJ text names fewer frames": (
        _bytes("ImageJ", _described("images=4\nframes=4", "images=2\nframes=2")),
        "sentence",
    ),
    "TIFF whose ImageJ text names more channels": (
        _bytes("ImageJ", _described("frames=4", "slices=3")),
        "sentence",
    ),
    "TIFF in which 0 is white": (_written(photometric="miniswhite"), "right"),
    "TIFF with a preview behind its frames": (_with_preview, "right"),
    "TIFF that is packed as a whole": (
        _bytes("stack", lambda data: gzip.compress(bytes(data))),
        "sentence",
    ),
    "TIFF that is longer than its frames": (
        _bytes("stack", lambda data: bytes(data) + bytes(99)),
        "right",
    ),
    "TIFF whose ImageJ text names more frames": (
        _bytes("ImageJ", _described("frames=4", "frames=9")),
        "either",
    ),
}


def _zarr(path: Path, **options: Any) -> Path:
    import zarr

    array = zarr.create_array(
        path, shape=MOVIE.shape, dtype=MOVIE.dtype, chunks=(1, 24, 28), **options
    )
    array[:] = MOVIE
    return path


def _head(**changes: Any) -> Maker:
    """Write a whole Zarr array and change what its head says."""

    def make(folder: Path) -> Path:
        path = _zarr(folder / "movie.zarr")
        head = json.loads((path / "zarr.json").read_text())
        (path / "zarr.json").write_text(json.dumps(head | changes))
        return path

    return make


def _inside(name: str, change: Callable[[bytes], bytes | None]) -> Maker:
    """Write a whole Zarr array and change a file in it; None removes the file."""

    def make(folder: Path) -> Path:
        path = _zarr(folder / "movie.zarr")
        changed = change((path / name).read_bytes())
        (path / name).unlink()
        if changed is not None:
            (path / name).write_bytes(changed)
        return path

    return make


_AXES = [
    {"name": "t", "type": "time"},
    {"name": "y", "type": "space"},
    {"name": "x", "type": "space"},
]


def _image(**changes: Any) -> Maker:
    """Write an OME-Zarr image and change its description."""

    def make(folder: Path) -> Path:
        import zarr

        path = folder / "movie.zarr"
        group = zarr.open_group(path, mode="w")
        array = group.create_array(
            "0", shape=MOVIE.shape, dtype=MOVIE.dtype, chunks=(1, 24, 28)
        )
        array[:] = MOVIE
        image = {"version": "0.5", "axes": _AXES, "datasets": [{"path": "0"}]}
        group.attrs["ome"] = {"version": "0.5", "multiscales": [image | changes]}
        return path

    return make


def _nested(depth: int) -> bytes:
    return b'{"attributes":' * depth + b"1" + b"}" * depth


def _grid(*shape: int) -> dict[str, Any]:
    return {"name": "regular", "configuration": {"chunk_shape": list(shape)}}


_CHUNK = "c/2/0/0"


def _folder_for_chunk(folder: Path) -> Path:
    path = _zarr(folder / "movie.zarr")
    (path / _CHUNK).unlink()
    (path / _CHUNK).mkdir()
    return path


def _link_for_chunk(folder: Path) -> Path:
    """Lose what a link leads to, as tools do that keep large data elsewhere."""
    path = _zarr(folder / "movie.zarr")
    (path / _CHUNK).unlink()
    (path / _CHUNK).symlink_to(folder / "gone")
    return path


def _lost_and_bright(folder: Path) -> Path:
    path = _zarr(folder / "movie.zarr", fill_value=65535)
    (path / _CHUNK).unlink()
    return path


ZARRS: dict[str, tuple[Maker, str]] = {
    "Zarr whose head is cut off": (
        _inside("zarr.json", lambda data: data[: len(data) // 2]),
        "sentence",
    ),
    "Zarr whose head is empty": (_inside("zarr.json", lambda _: b""), "sentence"),
    "Zarr whose head is a list": (_inside("zarr.json", lambda _: b"[]"), "sentence"),
    "Zarr whose head is nested deeply": (
        _inside("zarr.json", lambda _: _nested(20_000)),
        "sentence",
    ),
    "Zarr whose head is binary": (
        _inside("zarr.json", lambda _: bytes(range(256))),
        "sentence",
    ),
    "Zarr of a version to come": (_head(zarr_format=9), "sentence"),
    "Zarr of negative shape": (_head(shape=[-4, 24, 28]), "sentence"),
    "Zarr of shape 0": (_head(shape=[0, 24, 28]), "sentence"),
    "Zarr of absurd shape": (_head(shape=[4, 2**40, 2**40]), "sentence"),
    "Zarr of absurdly many frames": (_head(shape=[2**40, 24, 28]), "sentence"),
    "Zarr whose shape is text": (_head(shape="large"), "sentence"),
    "Zarr of unknown numbers": (_head(data_type="float12"), "sentence"),
    "Zarr of complex numbers": (
        _head(data_type="complex64", fill_value=[0, 0]),
        "sentence",
    ),
    "Zarr of unknown packing": (
        _head(codecs=[{"name": "bytes"}, {"name": "smaller"}]),
        "sentence",
    ),
    "Zarr without packing": (_head(codecs=[]), "sentence"),
    "Zarr with chunks of 0": (_head(chunk_grid=_grid(0, 24, 28)), "sentence"),
    "Zarr with chunks of other rank": (_head(chunk_grid=_grid(24, 28)), "sentence"),
    "Zarr with one dimension": (
        _head(shape=[24], chunk_grid=_grid(24)),
        "sentence",
    ),
    "Zarr whose fill value is text": (_head(fill_value="black"), "sentence"),
    "Zarr with a lost chunk": (_inside(_CHUNK, lambda _: None), "sentence"),
    "Zarr with a chunk that is cut off": (
        _inside(_CHUNK, lambda data: data[: len(data) // 2]),
        "sentence",
    ),
    "Zarr with an empty chunk": (_inside(_CHUNK, lambda _: b""), "sentence"),
    "Zarr with a chunk of other bytes": (
        _inside(_CHUNK, lambda data: bytes(255 - byte for byte in data)),
        "sentence",
    ),
    "Zarr with a folder in place of a chunk": (_folder_for_chunk, "sentence"),
    "Zarr with a link to nothing in place of a chunk": (_link_for_chunk, "sentence"),
    "Zarr with a lost chunk that would be bright": (_lost_and_bright, "sentence"),
    "Zarr whose level is lost": (_image(datasets=[{"path": "7"}]), "sentence"),
    "Zarr whose level leaves the folder": (
        _image(datasets=[{"path": "../../../etc"}]),
        "sentence",
    ),
    "Zarr whose level is a number": (_image(datasets=[{"path": 0}]), "either"),
    "Zarr whose levels are text": (_image(datasets="0"), "sentence"),
    "Zarr without levels": (_image(datasets=[]), "sentence"),
    "Zarr whose axes are too many": (
        _image(axes=[{"name": "c", "type": "channel"}, *_AXES]),
        "sentence",
    ),
    "Zarr whose axes have other names": (
        _image(axes=["a", "b", "c"]),
        "sentence",
    ),
    "Zarr whose axes are a number": (_image(axes=3), "sentence"),
    "Zarr whose scale is too short": (
        _image(coordinateTransformations=[{"type": "scale", "scale": [1, 1]}]),
        "sentence",
    ),
    "Zarr whose scale is text": (
        _image(coordinateTransformations=[{"type": "scale", "scale": ["a", "b", "c"]}]),
        "sentence",
    ),
    "Zarr whose scale is not a list": (
        _image(coordinateTransformations=[{"type": "scale", "scale": 7}]),
        "sentence",
    ),
}


def _folder(change: Callable[[Path], Any]) -> Maker:
    """Write a folder of whole frames, and change it."""

    def make(folder: Path) -> Path:
        path = folder / "frames"
        path.mkdir()
        for number, frame in enumerate(MOVIE):
            tifffile.imwrite(path / f"t{number:03d}.tif", frame)
        change(path)
        return path

    return make


def _of(pixels: Any, **options: Any) -> Maker:
    """Write a file of other pixels."""

    def make(folder: Path) -> Path:
        path = folder / "movie.tif"
        tifffile.imwrite(path, pixels, photometric="minisblack", **options)
        return path

    return make


def _clear(path: Path) -> None:
    for one in path.iterdir():
        one.unlink()


def _rename(path: Path, pattern: str, first: int = 0) -> None:
    for number, one in enumerate(sorted(path.iterdir()), first):
        one.rename(path / pattern.format(number))


def make_pipe(path: Path) -> Path:
    """Put a named pipe there: whoever reads it waits for someone who writes."""
    path.unlink(missing_ok=True)
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
    else:
        path.mkdir()
    return path


def _device(path: Path) -> Path:
    """Put a link to something there that never ends."""
    path.symlink_to("/dev/zero")
    return path


def _moving(path: Path) -> None:
    """Put a picture of several frames in the place of one."""
    _clear(path)
    frames = [Image.fromarray((frame >> 8).astype(np.uint8)) for frame in MOVIE]
    frames[0].save(path / "t0.png", save_all=True, append_images=frames[1:])


def _spelled_twice(path: Path) -> None:
    """Write an umlaut as one letter, and as two."""
    for number, one in enumerate(sorted(path.iterdir())):
        form = "NFD" if number % 2 else "NFC"
        one.rename(path / unicodedata.normalize(form, f"Zell\u00e4_{number}.tif"))


def _called(name: str) -> Maker:
    return lambda folder: _of(MOVIE)(folder).rename(folder / name)


def _nan() -> Any:
    movie = MOVIE.astype(np.float32)
    movie[1] = np.nan
    return movie


FOLDERS: dict[str, tuple[Maker, str]] = {
    "a folder without files": (_folder(_clear), "sentence"),
    "a folder of text": (
        _folder(lambda path: (_clear(path), (path / "notes.txt").write_text("x"))),
        "sentence",
    ),
    "a frame that is missing": (
        _folder(lambda path: (path / "t001.tif").unlink()),
        "sentence",
    ),
    "a frame that is empty": (
        _folder(lambda path: (path / "t001.tif").write_bytes(b"")),
        "sentence",
    ),
    "a frame that is a folder": (
        _folder(
            lambda path: ((path / "t001.tif").unlink(), (path / "t001.tif").mkdir())
        ),
        "sentence",
    ),
    "a frame of another size": (
        _folder(lambda path: tifffile.imwrite(path / "t002.tif", MOVIE[2, :9])),
        "sentence",
    ),
    "a frame of several pages": (
        _folder(
            lambda path: tifffile.imwrite(
                path / "t002.tif", MOVIE, photometric="minisblack"
            )
        ),
        "sentence",
    ),
    "a frame that is there twice": (
        _folder(lambda path: tifffile.imwrite(path / "t002 (1).tif", MOVIE[2])),
        "sentence",
    ),
    "a frame that is a link to nothing": (
        _folder(
            lambda path: (
                (path / "t001.tif").unlink(),
                (path / "t001.tif").symlink_to(path / "gone.tif"),
            )
        ),
        "sentence",
    ),
    "a mask among the frames": (
        _folder(
            lambda path: tifffile.imwrite(
                path / "t001_cp_masks.tif", _LABELS[1].astype(np.uint16)
            )
        ),
        "either",
    ),
    "a mean image among the frames": (
        _folder(lambda path: tifffile.imwrite(path / "mean.tif", MOVIE[0])),
        "sentence",
    ),
    "a file of a file manager among the frames": (
        _folder(lambda path: (path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")),
        "right",
    ),
    "frames with raised digits": (
        _folder(lambda path: _rename(path, "t{}\u00b2.tif")),
        "right",
    ),
    "frames with other digits": (
        _folder(lambda path: _rename(path, "t\u0661{}.tif")),
        "right",
    ),
    "frames with an absurd number": (
        _folder(lambda path: (path / "t003.tif").rename(path / f"t{10**12}.tif")),
        "sentence",
    ),
    "frames of several wells": (
        _folder(lambda path: _rename(path, "plate_A0{}_s1_w1.tif", 1)),
        "sentence",
    ),
    "frames of a clock with a hole": (
        _folder(
            lambda path: (
                [
                    one.rename(
                        path / f"VID_A1_1_00d00h{15 * n + 15 * (n > 1):02d}m.tif"
                    )
                    for n, one in enumerate(sorted(path.iterdir())[:3])
                ]
                and (path / "t003.tif").unlink()
            )
        ),
        "sentence",
    ),
    "frames of whole and real numbers": (
        _folder(
            lambda path: tifffile.imwrite(
                path / "t001.tif", MOVIE[1].astype(np.float32) / 65535
            )
        ),
        "sentence",
    ),
    "a frame that is a pipe": (
        _folder(lambda path: make_pipe(path / "t001.tif")),
        "sentence",
    ),
    "a movie that is a pipe": (
        lambda folder: make_pipe(folder / "movie.tif"),
        "sentence",
    ),
    "a movie that is a device": (
        lambda folder: _device(folder / "movie.tif"),
        "sentence",
    ),
    "a movie with an odd name": (
        _called("Zel\nle $HOME '%s' {0} [a-z] *.tif"),
        "right",
    ),
    "a movie in capitals": (_called("MOVIE.TIF"), "right"),
    "a picture of several frames": (_folder(_moving), "sentence"),
    "a frame of fewer bits": (
        _folder(
            lambda path: tifffile.imwrite(
                path / "t002.tif", (MOVIE[2] >> 8).astype(np.uint8)
            )
        ),
        "right",
    ),
    "a frame that is there twice, in capitals": (
        _folder(lambda path: tifffile.imwrite(path / "T002.TIF", MOVIE[2])),
        "sentence",
    ),
    "a frame that an editor has kept": (
        _folder(lambda path: tifffile.imwrite(path / "t002~.tif", MOVIE[2])),
        "sentence",
    ),
    "a frame that is a link to itself": (
        _folder(
            lambda path: (
                (path / "t001.tif").unlink(),
                (path / "t001.tif").symlink_to(path / "t001.tif"),
            )
        ),
        "sentence",
    ),
    "frames of two spellings": (_folder(_spelled_twice), "sentence"),
    "frames with a download that goes on": (
        _folder(lambda path: (path / "t004.tif.part").write_bytes(b"II*")),
        "right",
    ),
    "frames in a folder that holds itself": (
        _folder(lambda path: (path / "pos1").symlink_to(path)),
        "right",
    ),
    "a movie of one frame": (_of(MOVIE[:1]), "either"),
    "a frame of one pixel": (_of(MOVIE[:, :1, :1]), "either"),
    "complex numbers as pixels": (_of(MOVIE.astype(np.complex64)), "sentence"),
    "frames without numbers": (_of(_nan()), "either"),
    "a movie with unknown axes": (
        _of(np.stack([MOVIE] * 2, 1), metadata={"axes": "TQYX"}),
        "either",
    ),
}


def _settings(text: str | bytes) -> Maker:
    def make(folder: Path) -> Path:
        path = folder / "settings.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


SETTINGS: dict[str, tuple[Maker, str]] = {
    "settings that are empty": (_settings(""), "right"),
    "settings that are binary": (_settings(bytes(range(256))), "sentence"),
    "settings that are cut off": (_settings("[cluster]\nbandw"), "sentence"),
    "settings with a name that is not known": (
        _settings("[cluster]\nbandwith = 0.1"),
        "sentence",
    ),
    "settings with a part that is not known": (
        _settings("[clusters]\na = 1"),
        "sentence",
    ),
    "settings with a part that is a number": (_settings("cluster = 3"), "sentence"),
    "settings with text for a number": (
        _settings('[cluster]\nbandwidth = "wide"'),
        "sentence",
    ),
    "settings with a number that is not one": (
        _settings("[cluster]\nbandwidth = nan"),
        "sentence",
    ),
    "settings with an endless number": (
        _settings("[embed]\ndiameter = inf"),
        "sentence",
    ),
    "settings with an absurd number": (
        _settings("[cluster]\nn_initial = 99999999999999999999"),
        "sentence",
    ),
    "settings with a negative number": (
        _settings("[cluster]\nbandwidth = -1.0"),
        "sentence",
    ),
    "settings with a decimal comma": (
        _settings("[cluster]\nbandwidth = 0,1"),
        "sentence",
    ),
    "settings with a name twice": (
        _settings("[cluster]\nbandwidth = 0.1\nbandwidth = 0.2"),
        "sentence",
    ),
    "settings that are nested deeply": (
        _settings("a = " + "[" * 20_000 + "]" * 20_000),
        "sentence",
    ),
    "settings with a mark of encoding": (
        _settings("\ufeff[cluster]\nbandwidth = 0.1"),
        "either",
    ),
    "settings in UTF-16": (
        _settings("[cluster]\nbandwidth = 0.1".encode("utf-16")),
        "sentence",
    ),
    "settings that are a folder": (
        lambda folder: ((folder / "s.toml").mkdir(), folder / "s.toml")[1],
        "sentence",
    ),
    "settings that are a pipe": (
        lambda folder: make_pipe(folder / "s.toml"),
        "sentence",
    ),
    "settings that never end": (lambda folder: _device(folder / "s.toml"), "sentence"),
    "settings that are absurdly long": (_settings("# long\n" * 10**6), "sentence"),
    "settings with a model that leaves the folder": (
        _settings('[embed]\nmodel = "../../../etc/passwd"'),
        "either",
    ),
}


def _model(change: Callable[[bytes], bytes]) -> Callable[[Path], Maker]:
    def of(whole: Path) -> Maker:
        def make(folder: Path) -> Path:
            path = folder / "model.safetensors"
            path.write_bytes(change(whole.read_bytes()))
            return path

        return make

    return of


def _header(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Maker]:
    """Change the head of a model, as JSON."""

    def edited(data: bytes) -> bytes:
        size = struct.unpack_from("<Q", data)[0]
        head = json.loads(data[8 : 8 + size])
        text = json.dumps(change(head) or head).encode()
        return struct.pack("<Q", len(text)) + text + data[8 + size :]

    return _model(edited)


def _first(head: dict[str, Any]) -> dict[str, Any]:
    tensor: dict[str, Any] = head[next(key for key in head if key != "__metadata__")]
    return tensor


def _card(**changes: Any) -> Callable[[Path], Maker]:
    def change(head: dict[str, Any]) -> None:
        (name,) = head["__metadata__"]
        card = json.loads(head["__metadata__"][name])
        head["__metadata__"][name] = json.dumps(card | changes)

    return _header(change)


def _absurd(head: dict[str, Any]) -> None:
    _first(head)["shape"] = [2**40, 2**20]


def _backwards(head: dict[str, Any]) -> None:
    _first(head)["data_offsets"] = [64, 0]


def _beyond(head: dict[str, Any]) -> None:
    _first(head)["data_offsets"] = [0, 2**40]


def _lacking(head: dict[str, Any]) -> None:
    del head[next(key for key in head if key != "__metadata__")]


def _cardless(head: dict[str, Any]) -> None:
    head.pop("__metadata__")


#: Models: made from a whole one.
MODELS: dict[str, Callable[[Path], Maker]] = {
    "model that is empty": _model(lambda _: b""),
    "model that is text": _model(
        lambda _: b"version https://git-lfs.github.com/spec/v1\n"
    ),
    "model that is a pickle": _model(
        lambda _: b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02os."
    ),
    "model that is a zip": _model(lambda _: b"PK\x03\x04" + bytes(64)),
    "model whose head is cut off": _model(lambda data: data[:40]),
    "model whose numbers are cut off": _model(lambda data: data[: len(data) * 2 // 3]),
    "model whose head is absurdly long": _model(
        lambda data: struct.pack("<Q", 2**62) + data[8:]
    ),
    "model whose head is not JSON": _model(
        lambda data: data[:8] + b"x" * (len(data) - 8)
    ),
    "model of absurd shape": _header(_absurd),
    "model whose numbers lie backwards": _header(_backwards),
    "model whose numbers lie beyond its end": _header(_beyond),
    "model that lacks a layer": _header(_lacking),
    "model without a card": _header(_cardless),
    "model whose card has absurdly many filters": _card(filters=2**31),
    "model whose card has absurdly many levels": _card(levels=10_000),
    "model whose card has negative channels": _card(channels=-4),
    "model whose card has text for a number": _card(diameter="large"),
    "model whose card has a diameter of 0": _card(diameter=0),
    "model whose card advises an unknown setting": _card(
        settings={"cluster": {"x": 1}}
    ),
    "model with a number that is not one": _model(
        lambda data: data[:-4] + struct.pack("<f", float("nan"))
    ),
}


def _result(format: str, change: Callable[[Path], Any]) -> Callable[[Path], Path]:
    """Write a whole result, and change it."""

    def make(folder: Path) -> Path:
        from fastershift.io import write_result

        path = write_result(folder / "result", _LABELS, _TRACKS, format=format)
        change(path)
        return path

    return make


def _list(text: str) -> Maker:
    return _result("ctc", lambda path: (path / "res_track.txt").write_text(text))


def _edit(format: str, name: str, change: Callable[[bytes], bytes]) -> Maker:
    def edited(path: Path) -> None:
        file = path / name if path.is_dir() else path.parent / name
        file.write_bytes(change(file.read_bytes()))

    return _result(format, edited)


def _empty(_: bytes) -> bytes:
    return b""


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _no_groups(path: Path) -> None:
    for one in path.rglob("zarr.json"):
        if one.parent != path:
            one.unlink()


def _without(format: str, *inside: str) -> Callable[[Path], Path]:
    """Write a whole result, and lose a part of it."""
    return _result(format, lambda path: shutil.rmtree(path.joinpath(*inside)))


def _renumbered(*inside: str) -> Callable[[Path], None]:
    """Change the number of a cell in a Zarr, as another program might."""

    def change(path: Path) -> None:
        import zarr

        array = zarr.open_array(path.joinpath(*inside), mode="r+")
        pixels = array[:]
        array[:] = np.where(pixels == 2, 7, pixels)

    return change


def _foreign_labels(lost: int) -> Maker:
    """Write labels as an array, as other programs do, and lose a frame."""

    def make(folder: Path) -> Path:
        import zarr

        path = folder / "labels.zarr"
        zarr.create_array(path, data=_LABELS, chunks=(1, 24, 28))
        shutil.rmtree(path / "c" / str(lost))
        return path

    return make


def _large_roi(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "rois.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("0001-0001-0001.roi", b"Iout" + bytes(2**25))
    return folder / "rois.zip"


def _table(*rows: str, title: str = "track,frame,y,x") -> Maker:
    """Write a table of cells, as other programs do."""

    def make(folder: Path) -> Path:
        path = folder / "cells.csv"
        path.write_text("\n".join((title, *rows)) + "\n")
        return path

    return make


RESULTS: dict[str, tuple[Maker, str]] = {
    "list of tracks that is empty": (_list(""), "sentence"),
    "list of tracks that is text": (_list("id,first,last\n"), "sentence"),
    "list of tracks with three columns": (_list("1 0 3\n2 2 3\n"), "sentence"),
    "list of tracks with a mother that is not there": (
        _list("1 0 3 0\n2 2 3 9\n"),
        "either",
    ),
    "list of tracks with a circle": (_list("1 0 3 2\n2 2 3 1\n"), "sentence"),
    "list of tracks that lacks a track": (_list("1 0 3 0\n"), "sentence"),
    "list of tracks that is too long": (_list("1 0 3 0\n2 2 9 1\n"), "sentence"),
    "list of tracks that ends before it begins": (
        _list("1 3 0 0\n2 2 3 1\n"),
        "sentence",
    ),
    "list of tracks with a track twice": (
        _list("1 0 3 0\n1 0 3 0\n2 2 3 1\n"),
        "either",
    ),
    "list of tracks with two parents of a track": (
        _list("1 0 3 0\n2 2 3 1\n2 2 3 0\n"),
        "sentence",
    ),
    "list of tracks with absurd numbers": (
        _list(f"1 0 {10**30} 0\n2 2 3 1\n"),
        "sentence",
    ),
    "list of tracks that is a pipe": (
        _result("ctc", lambda path: make_pipe(path / "res_track.txt")),
        "sentence",
    ),
    "list of tracks whose parent is the track itself": (
        _list("1 0 3 0\n2 2 3 2\n"),
        "sentence",
    ),
    "list of tracks that is missing": (
        _result("ctc", lambda path: (path / "res_track.txt").unlink()),
        "either",
    ),
    "mask that is missing": (
        _result("ctc", lambda path: (path / "mask001.tif").unlink()),
        "sentence",
    ),
    "mask that is cut off": (_edit("ctc", "mask001.tif", _half), "sentence"),
    "mask of absurd width": (
        _edit(
            "ctc",
            "mask001.tif",
            lambda data: _tag(256, "value", 2**24)(bytearray(data)),
        ),
        "sentence",
    ),
    "mask with absurdly long strips": (
        _edit(
            "ctc", "mask001.tif", lambda data: _tag(279, "value", _FAR)(bytearray(data))
        ),
        "sentence",
    ),
    "mask that is empty": (_edit("ctc", "mask001.tif", _empty), "sentence"),
    "mask of another size": (
        _result(
            "ctc",
            lambda path: tifffile.imwrite(path / "mask001.tif", np.zeros((9, 9), "u2")),
        ),
        "sentence",
    ),
    "mask of broken numbers": (
        _result(
            "ctc",
            lambda path: tifffile.imwrite(
                path / "mask001.tif", np.full((24, 28), 0.5, np.float32)
            ),
        ),
        "sentence",
    ),
    "mask of negative numbers": (
        _result(
            "ctc",
            lambda path: tifffile.imwrite(
                path / "mask001.tif", np.full((24, 28), -3, np.int16)
            ),
        ),
        "sentence",
    ),
    "labels as TIFF that are cut off": (_edit("tiff", "result.tif", _half), "sentence"),
    "labels as TIFF whose list is cut off": (
        _edit("tiff", "result_tracks.txt", _half),
        "sentence",
    ),
    "labels as Zarr whose head is cut off": (
        _edit("zarr", "zarr.json", _half),
        "sentence",
    ),
    "labels as Zarr without arrays": (_result("zarr", _no_groups), "sentence"),
    "graph whose head is cut off": (_edit("geff", "zarr.json", _half), "sentence"),
    "graph without arrays": (_result("geff", _no_groups), "sentence"),
    "labels as Zarr with a lost frame": (_without("zarr", "0", "c", "1"), "sentence"),
    "labels as Zarr that were changed": (
        _result("zarr", _renumbered("0")),
        "sentence",
    ),
    "graph with a lost frame": (_without("geff", "labels", "c", "1"), "sentence"),
    "graph whose labels were changed": (
        _result("geff", _renumbered("labels")),
        "sentence",
    ),
    "table with a cell outside of the frames": (
        _table("1,0,9,9", "1,1,-50,9"),
        "sentence",
    ),
    "table with a cell before the first frame": (
        _table("1,-1,9,9", "1,0,9,9"),
        "sentence",
    ),
    "table with a place that is not a number": (
        _table("1,0,nan,9", "1,1,9,9"),
        "sentence",
    ),
    "table with an absurd place": (_table("1,0,1e12,9", "1,1,9,9"), "sentence"),
    "table with a parent that is not there": (
        _table("1,0,9,9,7", title="track,frame,y,x,parent"),
        "sentence",
    ),
    "table in which tracks are their own parents": (
        _table("1,0,9,9,1", title="track,frame,y,x,parent"),
        "right",
    ),
    "table with decimal commas": (
        _table("1;0;9,5;9", title="track;frame;y;x"),
        "right",
    ),
    "ROIs that unpack to far too much": (_large_roi, "sentence"),
    "table with half frames": (_table("1,0.5,9,9", "1,1.5,9,9"), "sentence"),
    "table with a track twice in a frame": (
        _table("1,0,9,9", "1,0,20,20"),
        "sentence",
    ),
    "table with cells at one place": (
        _table("1,0,9,9", "2,0,9,9", "1,1,9,9"),
        "right",
    ),
    "labels of another program with a lost frame": (_foreign_labels(1), "sentence"),
}
