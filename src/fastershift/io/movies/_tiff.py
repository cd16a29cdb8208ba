"""Movies in one multi-page, OME- or ImageJ-TIFF."""

import logging
import os
import struct
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from fastershift.config import UNNAMED_AXES, InputSettings
from fastershift.errors import FastershiftError, InputError
from fastershift.io._axes import spell_sizes
from fastershift.io._movie import Lost, Movie, as_movie, no_level
from fastershift.io.movies._tiff_damage import (
    check_codec,
    check_description,
    check_size,
    is_stored,
    planes_told,
    says_of_more,
)
from fastershift.io.movies._tiff_scale import tiff_scale

__all__ = ["TIFF_SUFFIXES", "TiffStack", "read_tiff", "stored_axes"]

TIFF_SUFFIXES = (".tif", ".tiff")

# What tifffile finds is told in our sentences; who listens to it hears it all the same.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class TiffStack:
    """The pages of one TIFF file as an array; one page is read at a time.

    An OME-TIFF may name pages in other files; they are read from there.

    A file whose numbers lie there as they are is mapped to memory. Of a packed BigTIFF
    the zarr view of tifffile unpacks the pieces that are asked for, where zarr is
    installed; of any other file whole pages are unpacked.

    Parameters
    ----------
    path : Path
        The file.
    level : int
        Resolution level, 0 is full resolution.
    position : int or None
        Which image to take of a file that holds several of different kinds.

    Attributes
    ----------
    axes : str
        One letter per axis.
    shape : tuple of int
        Their lengths.
    dtype : dtype
        Of a pixel.
    scale, units
        As in `Movie`.
    position : int or None
        Which position is to be taken of its axes.

    Raises
    ------
    InputError
        When the file cannot be read, or it is not clear which image is meant.
    """

    def __init__(self, path: Path, level: int = 0, position: int | None = None) -> None:
        self._path = path
        self._level = level
        self._lock = threading.Lock()
        self.position, self._image = position, position or 0
        self._opened = os.stat(path)
        try:
            with tifffile.TiffFile(path) as file:
                self._file = file
                self._size = file.filehandle.size
                self._examine(file, position)
                self.scale, self.units = tiff_scale(file, self._image)
        except (InputError, OSError):
            raise
        except Exception as error:  # decoders of damaged files raise anything
            # These say only which number they stumbled on.
            numbers = isinstance(error, LookupError | struct.error)
            said = "it is damaged" if numbers else error
            raise InputError(
                f"{path} cannot be read as a TIFF file ({said})."
            ) from error
        if self.scale is not None:
            time, height, width = self.scale
            self.scale = (time, height * self._shrunk, width * self._shrunk)

    def _examine(self, file: tifffile.TiffFile, position: int | None) -> None:
        check_description(file)
        chosen = self._choose(file.series, position)
        check_codec(file.pages.first, self._path)
        first = self._at_level(chosen[0])
        across = first.axes.find("X")  # the last one, but for colours
        self._shrunk = chosen[0].shape[across] / first.shape[across]
        self._pages: list[Any] = [
            page for one in chosen for page in self._at_level(one).pages
        ]
        if first.dtype is None:
            raise ValueError("its pixels are of an unknown kind")
        heads = {id(one.keyframe): one.keyframe for one in self._pages if one}
        for page in heads.values():
            check_size(page, page.parent.filehandle.size)
        # Micro-Manager's positions are regions of interest for tifffile.
        self.axes, self.shape = first.axes.replace("R", "P"), tuple(first.shape)
        if len(chosen) > 1:
            # Frames appended one by one make one series each.
            letter = "T" if _is_frame(first) else "P"
            self.axes, self.shape = letter + self.axes, (len(chosen), *self.shape)
        together = len(chosen) == 1 and all(
            page.parent is file for page in self._pages if page
        )
        self._offset = first.dataoffset if together else None
        self._view = None
        if together and file.is_bigtiff and find_spec("zarr"):
            self._view = first
        self._complete(file)
        self.dtype = np.dtype(first.dtype)
        self._stored_type = self.dtype.newbyteorder(file.byteorder)
        lead = 0
        while np.prod(self.shape[:lead], dtype=int) < len(self._pages):
            lead += 1
        if self._offset is not None:  # one page may stand for all
            lead = max(self.axes.find("Y"), 0)
        self._lead = self.shape[:lead]
        if position is None and "P" in self.axes[:lead]:
            self._take_own()

    def _take_own(self) -> None:
        """Take the position of which this file of a set holds the frames."""
        here = [
            number
            for number, page in enumerate(self._pages)
            if page is not None and page.parent is self._file
        ]
        if here and len(here) < len(self._pages):
            places = np.unravel_index(here, self._lead)[self.axes.index("P")]
            if len(own := set(places.tolist())) == 1:
                self.position = self._image = own.pop()

    def _choose(
        self, series: list[tifffile.TiffPageSeries], position: int | None
    ) -> list[tifffile.TiffPageSeries]:
        """Take the images together where all are alike, else the one asked for.

        A file of a set tells of all positions, and holds the frames of one.
        """
        own = [n for n, one in enumerate(series) if one.keyframe.parent is self._file]
        if position is None and len(own) == 1 < len(series):
            self._image = own[0]
            return [series[self._image]]
        kinds = [(one.axes, one.shape, one.dtype) for one in series]
        if len(set(kinds)) == 1:
            return series
        if all(_is_frame(one) for one in series) and position is None:
            raise InputError(
                f"The frames in {self._path} differ in size or in their kind of pixels;"
                " give a movie whose frames are all alike."
            )
        if position is None:
            found = "; ".join(f"{n}: {_described(one)}" for n, one in enumerate(series))
            raise InputError(
                f"{self._path} holds {len(series)} images of different kinds "
                f"({found}); choose one by its number as the position.",
                position=0,
            )
        if position >= len(series):
            raise InputError(
                f"{self._path} has {len(series)} images, so there is no position "
                f"{position}; choose from 0 to {len(series) - 1}."
            )
        self.position = None
        return [series[position]]

    def _at_level(self, series: tifffile.TiffPageSeries) -> tifffile.TiffPageSeries:
        levels = series.levels
        if self._level >= len(levels):
            raise no_level(self._path, self._level, len(levels))
        return levels[self._level]

    def _complete(self, file: tifffile.TiffFile) -> None:
        """Give the stack the length that the file speaks of, not that which is left."""
        self._breaks_off = says_of_more(file)
        told, there = planes_told(file), len(file.pages)
        if told <= max(there, len(self._pages)) or self._offset is not None:
            return
        if len(self.shape) > 3 or not file.pages.first.ndim == 2:
            raise InputError(
                f"{self._path} holds {there} of the {told} images that it speaks of; "
                "copy it again."
            )
        self._pages = [*file.pages, *[None] * (told - there)]
        self.axes, self.shape = "TYX", (told, *file.pages.first.shape)
        self._view = None

    def lost(self, index: tuple[int | str, ...]) -> Lost | None:
        """Tell which frames of a movie are not in the file.

        Parameters
        ----------
        index : tuple of int or str
            How the movie lies in the stack, see `AxesPlan`.
        """
        numbers = [n for n in range(self._planes) if not self._has(n)]
        time = index.index("T") if "T" in index else None
        frames = set()
        for number in numbers:
            place = np.unravel_index(number, self._lead) if self._lead else ()
            fits = zip(place, index, strict=False)
            if all(not isinstance(at, int) or at == here for here, at in fits):
                frames.add(0 if time is None or time >= len(place) else place[time])
        if not frames and not self._breaks_off:
            return None
        count = 1 if time is None else self.shape[time]
        if not frames:
            return Lost(frozenset(), f"it breaks off after frame {count - 1}")
        verb = "is" if len(frames) == 1 else "are"
        return Lost(
            frozenset(int(frame) for frame in frames),
            f"{len(frames)} of its {count} frames {verb} not there or not whole, the "
            f"first is frame {min(frames)}",
        )

    @property
    def _planes(self) -> int:
        return int(np.prod(self._lead, dtype=int))

    def _has(self, number: int) -> bool:
        """Tell whether the pixels of a page lie within its file."""
        if self._offset is not None:
            pixels = int(np.prod(self.shape, dtype=np.int64)) // self._planes
            end = self._offset + (number + 1) * pixels * self.dtype.itemsize
            return bool(end <= self._size)
        page = self._pages[number]
        return page is not None and is_stored(page, page.parent.filehandle.size)

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        pixels = self._read(index)
        self._check_same()
        return pixels

    def _check_same(self) -> None:
        """Refuse pixels of another file, in which others lie at the same places."""
        before, now = self._opened, os.stat(self._path)
        same = (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        # A microscope may still be adding frames.
        grows = now.st_size > before.st_size and now.st_ino == before.st_ino
        if not (same or grows):
            raise FastershiftError(
                f"{self._path} has changed since it was opened; open it again."
            )

    def _read(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        if self._offset is not None:
            return self._read_mapped(index)
        if self._view is not None:
            return self._read_view(self._view, index)
        lead = len(self._lead)
        numbers = np.arange(len(self._pages)).reshape(self._lead)[index[:lead]]
        pages = [
            self._read_page(int(number)).reshape(self.shape[lead:])[index[lead:]]
            for number in np.atleast_1d(numbers).flat
        ]
        stacked = np.stack(pages)
        return stacked.reshape(*numbers.shape, *stacked.shape[1:])

    def _read_mapped(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        # A file that breaks off is mapped as far as it goes.
        offset = int(self._offset or 0)
        there = (self._size - offset) // self.dtype.itemsize
        frame = int(np.prod(self.shape[1:], dtype=np.int64))
        shape = (min(self.shape[0], there // max(frame, 1)), *self.shape[1:])
        stored = np.memmap(self._path, self._stored_type, "r", offset, shape)
        return np.array(stored[index])

    def _read_view(
        self, series: tifffile.TiffPageSeries, index: tuple[int | slice, ...]
    ) -> NDArray[Any]:
        import zarr

        with self._lock:
            self._file.filehandle.open()
            store = series.aszarr(level=0)
            try:
                return np.asarray(zarr.open_array(store, mode="r")[index])
            finally:
                store.close()
                self._file.filehandle.close()

    def _read_page(self, number: int) -> NDArray[Any]:
        # Opened for each page, so that the file is never held open between frames.
        page = self._pages[number]
        with self._lock:
            page.parent.filehandle.open()
            try:
                return np.asarray(page.asarray())
            finally:
                page.parent.filehandle.close()


def _is_frame(series: tifffile.TiffPageSeries) -> bool:
    return series.axes in ("YX", "YXS", "SYX")


def _described(series: tifffile.TiffPageSeries) -> str:
    return f"{series.axes} of {spell_sizes(series.shape)}"


def read_tiff(path: Path, reading: InputSettings) -> Movie:
    """Open one TIFF file; axes and voxel size come from OME or ImageJ metadata.

    Raises
    ------
    InputError
        When the file cannot be read, or something of it has to be chosen.
    """
    stack = TiffStack(path, reading.level, reading.position)
    return as_movie(
        stack,
        stack.axes if reading.axes == "auto" else reading.axes,
        reading.channel,
        plane=reading.plane,
        position=stack.position,
        name=path.name,
        source=path,
        scale=stack.scale,
        units=stack.units,
        lost=stack.lost,
    )


def stored_axes(path: Path) -> tuple[str, tuple[int, ...]] | None:
    """Tell what a file says about its axes.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    (str, tuple of int) or None
        One letter and one size per axis; None where the file does not say.
    """
    if path.suffix.lower() not in TIFF_SUFFIXES or not path.is_file():
        return None
    try:
        stack = TiffStack(path)
    except (InputError, OSError):
        return None
    named = not set(stack.axes) & set(UNNAMED_AXES)
    return (stack.axes, stack.shape) if named else None
