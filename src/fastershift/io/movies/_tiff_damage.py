"""What a TIFF file says about itself, and what of that is there."""

import re
import struct
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from fastershift.errors import InputError

__all__ = [
    "check_codec",
    "check_description",
    "check_size",
    "is_stored",
    "planes_told",
    "says_of_more",
]

_DESCRIPTION = 270

# What an OME description says of the number of planes, and more than there can be.
_SIZES = re.compile(r"\bSize[TZC]=[\"'](\d+)")
_MOST_PLANES = 10**7
#: Bytes of pixels that one byte of a file can hold where it is packed, by how that is
#: done; pages below so many bytes are never refused.
_PACKED = {1: 1, 5: 1400, 8: 1040, 32773: 64, 32946: 1040}
_MOST_PACKED = 10**5
_SMALL = 2**24


def is_stored(page: Any, size: int) -> bool:
    """Tell whether all pixels of a page lie within a file of so many bytes."""
    pieces = zip(page.dataoffsets, page.databytecounts, strict=False)
    return all(offset + count <= size for offset, count in pieces)


def _directory(file: tifffile.TiffFile, offset: int) -> tuple[list[int], int]:
    """Read the tags of a page, and where the next page is; 0 for none."""
    tiff, handle = file.tiff, file.filehandle
    handle.seek(offset)
    (count,) = struct.unpack(tiff.tagnoformat, handle.read(tiff.tagnosize))
    tags = handle.read(count * tiff.tagsize)
    codes = [
        struct.unpack_from(f"{tiff.byteorder}H", tags, start)[0]
        for start in range(0, count * tiff.tagsize, tiff.tagsize)
    ]
    (following,) = struct.unpack(tiff.offsetformat, handle.read(tiff.offsetsize))
    return codes, following


def says_of_more(file: tifffile.TiffFile) -> bool:
    """Tell whether the last page points to one that is not there."""
    if file.is_ndpi:  # counts differently
        return False
    offsets = [page.offset for page in file.pages]
    try:
        _, following = _directory(file, offsets[-1])
    except struct.error:
        return True
    return following != 0 and following not in offsets


def check_description(file: tifffile.TiffFile) -> None:
    """Make sure that what the file says about its axes could be read.

    Raises
    ------
    ValueError
        When there is a description that could not.
    """
    page = file.pages.first
    codes, _ = _directory(file, page.offset)
    if _DESCRIPTION in codes and _DESCRIPTION not in page.tags:
        raise ValueError("its description is lost, the file is damaged")
    if any(
        int(size) > _MOST_PLANES for size in _SIZES.findall(file.ome_metadata or "")
    ):
        raise ValueError("it says that it has more planes than any movie")
    _check_imagej(file)


def _check_imagej(file: tifffile.TiffFile) -> None:
    """Make sure that ImageJ speaks of as many images as there are."""
    said = file.imagej_metadata if file.is_imagej and not file.is_mmstack else None
    if not said:
        return
    images = int(said.get("images", 1))
    sizes = {name: int(said.get(name, 1)) for name in ("channels", "slices", "frames")}
    if sizes["channels"] * sizes["slices"] > 1 and prod(sizes.values()) != images:
        found = ", ".join(f"{size} {name}" for name, size in sizes.items())
        raise ValueError(f"it speaks of {found}, but of {images} images")
    if images < len(file.pages):
        raise ValueError(f"it holds {len(file.pages)} images and speaks of {images}")


def planes_told(file: tifffile.TiffFile) -> int:
    """Count the pages that the description speaks of; 0 where it does not say."""
    if file.is_imagej and file.imagej_metadata:
        return int(file.imagej_metadata.get("images", 0))
    if file.is_shaped and file.shaped_metadata:
        shape = file.shaped_metadata[0].get("shape", ())
        page = int(np.prod(file.pages.first.shape, dtype=np.int64))
        return int(np.prod(shape, dtype=np.int64)) // max(page, 1)
    return 0


def check_size(page: Any, size: int) -> None:
    """Refuse a page that no file of so many bytes can hold; its head alone says so.

    Raises
    ------
    ValueError
        When its pixels, or one of its pieces, would be too many.
    """
    piece = int(np.prod(page.chunks, dtype=np.int64)) * page.dtype.itemsize
    promised = max(int(page.nbytes), piece)
    if promised > _SMALL and promised > size * _PACKED.get(
        int(page.compression), _MOST_PACKED
    ):
        raise ValueError(f"it speaks of {promised:,} bytes of pixels in {size:,} bytes")


def check_codec(page: Any, path: Path) -> None:
    """Make sure that a page can be unpacked.

    Raises
    ------
    InputError
        When that needs a package that is not installed.
    """
    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
    except KeyError as error:
        name = getattr(page.compression, "name", page.compression)
        raise InputError(
            f"{path} is packed with {name}, which needs one more package; install it "
            "with pip install 'fastershift[all]', or save the movie without packing."
        ) from error
