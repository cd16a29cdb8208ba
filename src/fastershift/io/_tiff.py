"""Movies in TIFF: a folder of frames, or one multi-page, OME- or ImageJ-TIFF."""

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from fastershift.errors import InputError
from fastershift.io._movie import Movie, as_movie
from fastershift.io._scale import tiff_scale

__all__ = ["find_tiffs", "read_tiff", "read_tiff_folder"]


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
    """The pages of one TIFF file as an array; one page is read at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
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

    def _examine(self, file: tifffile.TiffFile) -> None:
        series = file.series[0]
        self._offset: int | None = None
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
            self._pages = series.pages
            self.axes, self.shape = series.axes, tuple(series.shape)
            self._offset = series.dataoffset
        self.dtype = np.dtype(series.dtype)
        self._stored_type = self.dtype.newbyteorder(file.byteorder)
        lead = 0
        while np.prod(self.shape[:lead], dtype=int) < len(self._pages):
            lead += 1
        self._lead = self.shape[:lead]

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        if self._offset is not None:
            stored = np.memmap(
                self._path, self._stored_type, "r", self._offset, self.shape
            )
            return np.array(stored[index])
        lead = len(self._lead)
        if any(isinstance(entry, slice) for entry in index[:lead]):
            raise InputError(
                f"The axes given for {self._path} do not fit how it is stored; Y and X "
                "must be the two axes of its pages."
            )
        number = int(np.ravel_multi_index(index[:lead], self._lead)) if lead else 0  # type: ignore[arg-type]
        page = self._read_page(number).reshape(self.shape[lead:])
        return np.asarray(page[index[lead:]])

    def _read_page(self, number: int) -> NDArray[Any]:
        # Opened for each page, so that the file is never held open between frames.
        with self._lock:
            self._file.filehandle.open()
            try:
                return np.asarray(self._pages[number].asarray())
            finally:
                self._file.filehandle.close()


def read_tiff(path: Path, axes: str | None, channel: int | None) -> Movie:
    """Open one TIFF file; axes and voxel size come from OME or ImageJ metadata."""
    stack = _TiffStack(path)
    return as_movie(
        stack,
        stack.axes if axes is None else axes,
        channel,
        name=path.name,
        source=path,
        scale=stack.scale,
        units=stack.units,
    )


@dataclass(frozen=True)
class _TiffFolder:
    """Single-frame files, one per frame."""

    files: tuple[Path, ...]
    axes: str | None
    channel: int | None
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]

    def read(self, t: int) -> NDArray[Any]:
        frame = read_tiff(self.files[t], self.axes, self.channel)[0]
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


def read_tiff_folder(path: Path, axes: str | None, channel: int | None) -> Movie:
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
    in_file = None if axes is None else axes.upper().replace("T", "")
    if in_file == "YX":  # says nothing that the files do not say themselves
        in_file = None
    first = _TiffStack(files[0])
    movie = as_movie(first, in_file or first.axes, channel, name=files[0].name)
    if len(movie) > 1:
        raise InputError(
            f"{files[0]} holds {len(movie)} frames, but in a folder every file is one "
            "frame; give the file itself."
        )
    frames = _TiffFolder(
        tuple(files), in_file, channel, (len(files), *movie.shape[1:]), dtype
    )
    return Movie(frames, path.name, path, first.scale, first.units)
