"""Movies in TIFF: a folder of frames, or one multi-page, OME- or ImageJ-TIFF."""

import re
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from fastershift.config import UNNAMED_AXES, InputSettings
from fastershift.errors import InputError
from fastershift.io._movie import Movie, as_movie
from fastershift.io._scale import tiff_scale

__all__ = ["find_tiffs", "no_level", "read_tiff", "read_tiff_folder", "stored_axes"]


def find_tiffs(folder: Path) -> list[Path]:
    """List the TIFF files of a folder, ``t2`` before ``t10``."""
    files = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in (".tif", ".tiff") and not path.name.startswith(".")
    ]
    return sorted(files, key=_natural_order)


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"(\d+)|(\D+)", path.stem)
    return [(int(d) if d else -1, text) for d, text in parts], path.name


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} cannot be read as a TIFF file ({error}).")


def _open(path: Path) -> tifffile.TiffFile:
    try:
        return tifffile.TiffFile(path)
    except (tifffile.TiffFileError, ValueError) as error:
        raise _unreadable(path, error) from error


class _TiffStack:
    """The pages of one TIFF file as an array; one page is read at a time.

    A file whose numbers lie there as they are is mapped to memory. Of a packed BigTIFF
    the zarr view of tifffile unpacks the pieces that are asked for, where zarr is
    installed; of any other file whole pages are unpacked.
    """

    def __init__(self, path: Path, level: int = 0) -> None:
        self._path = path
        self._level = level
        self._lock = threading.Lock()
        with _open(path) as file:
            self._file = file
            try:
                self._examine(file)
            except (IndexError, KeyError, ValueError, tifffile.TiffFileError) as error:
                if isinstance(error, InputError):
                    raise
                raise _unreadable(path, error) from error
            self.scale, self.units = tiff_scale(file)
            if self.scale is not None:
                time, height, width = self.scale
                self.scale = (time, height * self._shrunk, width * self._shrunk)

    def _examine(self, file: tifffile.TiffFile) -> None:
        series = file.series[0]
        self._offset: int | None = None
        self._view: tifffile.TiffPageSeries | None = None
        self._shrunk = 1.0
        # Frames appended one by one make one series each.
        if len(file.series) > 1 and all(one.axes == "YX" for one in file.series):
            if len({one.shape for one in file.series}) > 1:
                raise InputError(
                    f"The frames in {self._path} differ in size; give a movie whose "
                    "frames all have the same size."
                )
            self._pages = [one.pages[0] for one in file.series]
            self.axes = "TYX"
            self.shape: tuple[int, ...] = (len(file.series), *series.shape)
        else:
            series, whole = self._at_level(series), series
            self._shrunk = whole.shape[-1] / series.shape[-1]
            self._pages = series.pages
            self.axes, self.shape = series.axes, tuple(series.shape)
            self._offset = series.dataoffset
            if file.is_bigtiff and find_spec("zarr"):
                self._view = series
            self._add_positions(file)
        self.dtype = np.dtype(series.dtype)
        self._stored_type = self.dtype.newbyteorder(file.byteorder)
        lead = 0
        while np.prod(self.shape[:lead], dtype=int) < len(self._pages):
            lead += 1
        self._lead = self.shape[:lead]

    def _at_level(self, series: tifffile.TiffPageSeries) -> tifffile.TiffPageSeries:
        levels = series.levels
        if self._level >= len(levels):
            raise no_level(self._path, self._level, len(levels))
        return levels[self._level]

    def _add_positions(self, file: tifffile.TiffFile) -> None:
        """Take the images of an OME file as positions where all are alike."""
        others = [self._at_level(one) for one in file.series]
        alike = {(one.axes, one.shape, one.dtype) for one in others}
        if not file.is_ome or len(others) < 2 or len(alike) > 1:
            return
        self._pages = [page for one in others for page in one.pages]
        self._view = None
        self.axes, self.shape = "P" + self.axes, (len(others), *self.shape)
        self._offset = None

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        if self._offset is not None:
            stored = np.memmap(
                self._path, self._stored_type, "r", self._offset, self.shape
            )
            return np.array(stored[index])
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
        with self._lock:
            self._file.filehandle.open()
            try:
                return np.asarray(self._pages[number].asarray())
            finally:
                self._file.filehandle.close()


def no_level(path: Path, level: int, count: int) -> InputError:
    """Say that an image pyramid has no such level."""
    levels = "level" if count == 1 else "levels"
    return InputError(
        f"{path.name} has {count} resolution {levels}, so there is no level {level}; "
        f"choose from 0 to {count - 1}."
    )


def read_tiff(path: Path, reading: InputSettings) -> Movie:
    """Open one TIFF file; axes and voxel size come from OME or ImageJ metadata."""
    stack = _TiffStack(path, reading.level)
    return _as_movie(stack, path, reading)


def _as_movie(stack: _TiffStack, path: Path, reading: InputSettings) -> Movie:
    return as_movie(
        stack,
        stack.axes if reading.axes == "auto" else reading.axes,
        reading.channel,
        plane=reading.plane,
        position=reading.position,
        name=path.name,
        source=path,
        scale=stack.scale,
        units=stack.units,
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
    if path.suffix.lower() not in (".tif", ".tiff") or not path.is_file():
        return None
    try:
        stack = _TiffStack(path)
    except InputError:
        return None
    named = not set(stack.axes) & set(UNNAMED_AXES)
    return (stack.axes, stack.shape) if named else None


@dataclass(frozen=True)
class _TiffFolder:
    """Single-frame files, one per frame."""

    files: tuple[Path, ...]
    reading: InputSettings
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]

    def read(self, t: int) -> NDArray[Any]:
        frame = read_tiff(self.files[t], self.reading)[0]
        if frame.shape != self.shape[1:]:
            raise _differs(self.files[t], self.files[0])
        return frame


def _differs(path: Path, first: Path) -> InputError:
    return InputError(
        f"The frames in {path.parent} differ in size: {path.name} is not as large as "
        f"{first.name}; take out what does not belong to the movie."
    )


def _common_type(files: list[Path]) -> np.dtype[Any]:
    """Compare all frames now, by their headers, rather than in the middle of a run."""
    shapes, types = [], set()
    for path in files:
        with _open(path) as file:
            if not len(file.pages):
                raise InputError(f"{path} holds no image; take it out of the folder.")
            page = file.pages[0]
            shapes.append(page.shape)
            types.add(page.dtype or np.dtype(np.uint8))
        if shapes[-1] != shapes[0]:
            raise _differs(path, files[0])
    return np.result_type(*types)


def read_tiff_folder(path: Path, reading: InputSettings) -> Movie:
    """Open a folder that holds one TIFF file per frame."""
    files = find_tiffs(path)
    if not files:
        raise InputError(
            f"The folder {path} holds no TIFF files; give the folder with the frames "
            "themselves, such as 01 of a Cell Tracking Challenge data set."
            if any(path.iterdir())
            else f"The folder {path} is empty; give one that holds the frames."
        )
    dtype = _common_type(files)
    in_file = reading.axes if reading.axes == "auto" else reading.axes.replace("T", "")
    if in_file == "YX":  # says nothing that the files do not say themselves
        in_file = "auto"
    reading = reading.model_copy(update={"axes": in_file})
    first = _TiffStack(files[0], reading.level)
    movie = _as_movie(first, files[0], reading)
    if len(movie) > 1:
        raise InputError(
            f"{files[0]} holds {len(movie)} frames, but in a folder every file is one "
            "frame; give the file itself."
        )
    shape = (len(files), *movie.shape[1:])
    dtype = np.result_type(dtype, movie.dtype)
    frames = _TiffFolder(tuple(files), reading, shape, dtype)
    return Movie(frames, path.name, path, first.scale, first.units)
