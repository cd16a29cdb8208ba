"""Movies and masks that are odd and right: rare kinds of pixels, files and names."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from helpers.faulty_files import MOVIE

__all__ = ["ARRAYS", "MASKS", "MOVIES", "Made"]

#: Writes something below a folder; what has to come of it, or None for a sentence.
Made = tuple[Callable[[Path], Path], Any]

_SMALL = (MOVIE >> 8).astype(np.uint8)
_COLOURS = np.stack([_SMALL] * 4, -1)


def _empty_frame() -> np.ndarray:
    pixels = MOVIE.astype(np.float32)
    pixels[2], pixels[1, 3, 3] = np.nan, np.inf
    return pixels


#: Arrays of all kinds, and whether they are frames of a movie.
ARRAYS: dict[str, tuple[Any, bool]] = {
    "pixels of 8 bits with a sign": (_SMALL.astype(np.int8), True),
    "pixels below 0": (MOVIE.astype(np.int16) - 20_000, True),
    "pixels above 4 billion": (MOVIE.astype(np.uint32) + 4_000_000_000, True),
    "pixels of 64 bits": (MOVIE.astype(np.int64) << 40, True),
    "pixels of half precision": ((MOVIE / 16).astype(np.float16), True),
    "pixels of double precision": (MOVIE.astype(np.float64) * 1e300, True),
    "pixels that are yes or no": (MOVIE > 5000, True),
    "pixels of the other byte order": (MOVIE.astype(MOVIE.dtype.newbyteorder()), True),
    "a frame that is not a number, and an endless pixel": (_empty_frame(), True),
    "frames that are all endless": (np.full(MOVIE.shape, np.inf, np.float32), True),
    "frames of one row": (MOVIE[:, :1], True),
    "frames that may be colours": (MOVIE[:, :, :3].copy(), False),
    "frames without contrast": (np.full(MOVIE.shape, 7, np.uint16), True),
    "frames read backwards": (MOVIE[::-1, ::-1], True),
    "a frame repeated without memory": (np.broadcast_to(MOVIE[0], MOVIE.shape), True),
    "frames in lists": (MOVIE.tolist(), True),
    "frames of no row": (MOVIE[:, :0], False),
    "no frame": (MOVIE[:0], False),
    "rows of different lengths": ([[1, 2], [3]], False),
    "nothing at all": (None, False),
    "one number": (3, False),
    "one row of numbers": (np.arange(5), False),
    "pixels that are objects": (MOVIE.astype(object), False),
    "pixels that are text": (MOVIE.astype(str), False),
    "pixels that are dates": (MOVIE.astype("M8[s]"), False),
    "pixels of several parts": (np.zeros((4, 9, 9), "u2,u2"), False),
}


def _tiff(pixels: np.ndarray, want: Any = MOVIE, **options: Any) -> Made:
    def make(folder: Path) -> Path:
        options.setdefault("photometric", "minisblack")
        tifffile.imwrite(folder / "movie.tif", pixels, **options)
        return folder / "movie.tif"

    return make, want


def _pages(*pages: np.ndarray, want: Any = None, **last: Any) -> Made:
    """Write pages one by one; the last one may be of another kind."""

    def make(folder: Path) -> Path:
        with tifffile.TiffWriter(folder / "movie.tif") as file:
            for page in pages:
                more = last if page is pages[-1] else {}
                file.write(page, photometric="minisblack", contiguous=False, **more)
        return folder / "movie.tif"

    return make, want


def _named(name: str, want: Any = MOVIE) -> Made:
    def make(folder: Path) -> Path:
        tifffile.imwrite(folder / "m.tif", MOVIE, photometric="minisblack")
        return (folder / "m.tif").rename(folder / name)

    return make, want


def _with_previews(folder: Path) -> Path:
    with tifffile.TiffWriter(folder / "movie.tif") as file:
        for frame in MOVIE:
            file.write(frame, photometric="minisblack", subifds=1)
            file.write(frame[::2, ::2], photometric="minisblack", subfiletype=1)
    return folder / "movie.tif"


def _circle(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


def _zarr(chunks: tuple[int, ...], want: Any = MOVIE, **options: Any) -> Made:
    def make(folder: Path) -> Path:
        import zarr

        array = zarr.create_array(
            folder / "movie.zarr",
            shape=want.shape,
            dtype=want.dtype,
            chunks=chunks,
            **options,
        )
        array[:] = want
        return folder / "movie.zarr"

    return make, want


def _zarr_in_itself(folder: Path) -> Path:
    path = _zarr((1, 24, 28))[0](folder)
    (path / "again").symlink_to(path)
    return path


def _scaled(*scale: float) -> Made:
    def make(folder: Path) -> Path:
        import zarr

        group = zarr.open_group(folder / "movie.zarr", mode="w")
        array = group.create_array(
            "0", shape=MOVIE.shape, dtype=MOVIE.dtype, chunks=(1, 24, 28)
        )
        array[:] = MOVIE
        axes = [{"name": name, "unit": "micrometer"} for name in "tyx"]
        steps = [{"type": "scale", "scale": list(scale)}]
        level = {"path": "0", "coordinateTransformations": steps}
        image = {"version": "0.5", "axes": axes, "datasets": [level]}
        # zarr itself may refuse to write a number that is endless.
        head = folder / "movie.zarr" / "zarr.json"
        told = json.loads(head.read_text())
        told["attributes"] = {"ome": {"version": "0.5", "multiscales": [image]}}
        head.write_text(json.dumps(told))
        return folder / "movie.zarr"

    return make, MOVIE


_NAMES = (
    *("emoji 🧬.tif", "new\nline.tif", "tab\t.tif", "dots...tif", " lead.tif"),
    *("#hash?.tif", "percent%20.tif", "-dash.tif", "quote'.tif", "*.tif", "[t].tif"),
    *("${HOME}.tif", "~.tif", "right\u202eleft.tif", "a" * 240 + ".tif"),
)

#: Files and folders of movies.
MOVIES: dict[str, Made] = {
    "TIFF of 8 bits with a sign": _tiff(_SMALL.astype(np.int8), _SMALL.astype("i1")),
    "TIFF of one bit": _tiff(MOVIE > 5000, MOVIE > 5000),
    "TIFF of half precision": _tiff(
        (MOVIE / 16).astype("f2"), (MOVIE / 16).astype("f2")
    ),
    "TIFF of 64 bits": _tiff(MOVIE.astype(np.int64)),
    "TIFF of the byte order of others": _tiff(MOVIE.astype(">u2"), byteorder=">"),
    "TIFF for large files": _tiff(MOVIE, bigtiff=True),
    "TIFF in colours": _tiff(_COLOURS[..., :3], None, photometric="rgb"),
    "TIFF in colours and opacity": _tiff(
        _COLOURS, None, photometric="rgb", extrasamples=["unassalpha"]
    ),
    "TIFF in colours, one after the other": _tiff(
        np.moveaxis(_COLOURS[..., :3], -1, 1),
        None,
        photometric="rgb",
        planarconfig="separate",
    ),
    "TIFF in grey and opacity": _tiff(
        _COLOURS[..., :2], None, extrasamples=["unassalpha"], planarconfig="contig"
    ),
    "TIFF of one time and several planes": _tiff(
        MOVIE[None], None, ome=True, metadata={"axes": "TZYX"}
    ),
    "TIFF of one time and one channel": _tiff(
        MOVIE[:1, None], MOVIE[:1], ome=True, metadata={"axes": "TCYX"}
    ),
    "TIFF with a page of another size": _pages(*MOVIE, MOVIE[0, :20]),
    "TIFF with a page of other bits": _pages(*MOVIE, _SMALL[0]),
    "TIFF that begins with a small page": _pages(MOVIE[0, ::2, ::2], *MOVIE),
    "TIFF with previews in its pages": (_with_previews, MOVIE),
    "TIFF of 8 bytes": (
        lambda folder: _written(folder / "movie.tif", b"II*\0\x08\0\0\0"),
        None,
    ),
    "TIFF whose name ends in a point": _named("movie.tif.", None),
    "links that lead to one another": (_circle, None),
    **{f"TIFF called {name[:20]!r}": _named(name) for name in _NAMES},
    **{
        f"Zarr {version} in chunks of {chunks}": _zarr(chunks, zarr_format=version)
        for version in (2, 3)
        for chunks in ((3, 7, 5), (100, 100, 100), (1, 1, 28), (4, 1, 1))
    },
    "Zarr in shards": _zarr((1, 8, 7), shards=(2, 24, 28)),
    "Zarr by columns": _zarr((1, 24, 28), zarr_format=2, order="F"),
    "Zarr of the byte order of others": _zarr((1, 24, 28), MOVIE.astype(">u2")),
    "Zarr of yes and no": _zarr((1, 24, 28), MOVIE > 5000),
    "Zarr of half precision": _zarr((1, 24, 28), (MOVIE / 16).astype("f2")),
    "Zarr that holds itself": (_zarr_in_itself, MOVIE),
    "Zarr whose pixels have no size": _scaled(1.0, 0.0, 0.0),
    "Zarr whose pixels have a size below 0": _scaled(1.0, -0.5, -0.5),
    "Zarr whose pixels have an endless size": _scaled(1.0, float("inf"), 1.0),
}

_CELLS = np.zeros(MOVIE.shape, np.uint16)
_CELLS[:, 6:14, 8:16] = 1
_CELLS[2:, 16:20, 2:9] = 2
_LARGE = np.where(_CELLS == 2, np.uint64(2**40 + 1), _CELLS.astype(np.uint64))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _saved(name: str, cells: Any, **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        if path.suffix == ".npy":
            np.save(path, cells, **options)
        else:
            tifffile.imwrite(path, cells, photometric="minisblack", **options)
        return path

    return make


#: Masks of another program, and how many tracks come of them; None for a sentence.
MASKS: dict[str, Made] = {
    "masks with numbers above 2⁴⁰": (_saved("m.tif", _LARGE), 2),
    "masks in whole floats": (_saved("m.tif", _CELLS.astype(np.float32)), 2),
    "masks of 8 bits with a sign": (_saved("m.tif", _CELLS.astype(np.int8)), 2),
    "masks that are yes or no": (_saved("m.tif", _CELLS > 0), 2),
    "masks that cover everything": (_saved("m.tif", np.ones_like(_CELLS)), 1),
    "masks by columns, of the other byte order": (
        _saved("m.npy", np.asfortranarray(_CELLS.astype(">u4"))),
        2,
    ),
    "masks with halves": (_saved("m.tif", _CELLS * np.float32(0.5)), None),
    "masks that are not numbers": (
        _saved("m.tif", np.where(_CELLS, np.nan, 0).astype(np.float32)),
        None,
    ),
    "masks with absurd numbers": (_saved("m.tif", _CELLS * 1e300), None),
    "masks whose background is -1": (
        _saved("m.tif", np.where(_CELLS, 1, -1).astype(np.int8)),
        None,
    ),
    "masks without a cell": (_saved("m.tif", np.zeros_like(_CELLS)), None),
    "masks of fewer frames": (_saved("m.tif", _CELLS[:3]), None),
    "masks of more frames": (_saved("m.tif", _CELLS[[0, 1, 2, 3, 3]]), None),
    "masks of another size": (_saved("m.tif", _CELLS[:, :20]), None),
    "masks that are turned": (_saved("m.tif", np.moveaxis(_CELLS, 1, 2).copy()), None),
    "masks that are objects": (
        _saved("m.npy", np.array([_CELLS], object), allow_pickle=True),
        None,
    ),
    "masks that are cut off": (
        lambda folder: _written(
            folder / "m.npy", _saved("n.npy", _CELLS)(folder).read_bytes()[:500]
        ),
        None,
    ),
}
if os.name == "nt":
    for name in [*MOVIES]:
        if "called" in name or "point" in name:
            del MOVIES[name]
