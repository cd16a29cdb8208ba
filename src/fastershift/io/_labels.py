"""Labels of any source, brought to the numbers that are used everywhere here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from fastershift.errors import InputError
from fastershift.io._movie import Movie
from fastershift.io._zarr import is_zarr
from fastershift.io.movies import JPEG_SUFFIXES, find_images, sort_files
from fastershift.labels import is_noisy

__all__ = [
    "AdoptedLabels",
    "LabelFrames",
    "Numbers",
    "adopt_labels",
    "check_exact",
    "check_frames",
    "check_no_movie",
    "check_other_than",
    "counted_from_1",
    "read_label_frames",
    "rename_tracks",
]

_Image: TypeAlias = npt.NDArray[Any]
Numbers: TypeAlias = npt.NDArray[np.integer[Any]]

_Tracks: TypeAlias = Sequence[tuple[int, int, int, int]]

#: The largest number that labels may have.
_LARGEST = np.iinfo(np.int32).max
#: Up to here real numbers tell every whole number from the next.
_EXACT = 2**53


class LabelFrames(Protocol):
    """Labels of a movie, read one frame at a time: a stack, a list, a `Movie`."""

    def __len__(self) -> int:
        """Count the frames."""

    def __getitem__(self, t: int, /) -> _Image:
        """Return frame ``t``, (Y, X) numbers of the cells; 0 is background."""


@dataclass(frozen=True, eq=False)
class AdoptedLabels:
    """Labels as they are used here, read one frame at a time.

    Attributes
    ----------
    source : LabelFrames
        Where they come from.
    name : str
        What the source is called in a sentence.
    numbers : (n + 1,) int64 or uint64, or None
        ``numbers[k]`` is what cell ``k`` was called in the source, ascending from 0;
        None where it is called the same here.
    """

    source: LabelFrames
    name: str
    numbers: Numbers | None = None

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, t: int) -> npt.NDArray[np.int32]:
        """Return frame ``t``, (Y, X) int32.

        Raises
        ------
        InputError
            For numbers below 0, such that are not whole, and what is no label image.
        """
        frame = np.asarray(self.source[t])
        _highest(frame, t, self.name)
        if self.numbers is not None:
            frame = np.searchsorted(self.numbers, frame.astype(self.numbers.dtype))
        return frame.astype(np.int32, copy=False)

    def stack(self) -> npt.NDArray[np.int32]:
        """Read all frames, (T, Y, X) int32; without a copy where none is needed."""
        if isinstance(self.source, np.ndarray) and self.source.dtype == np.int32:
            for t in range(len(self)):
                _highest(self.source[t], t, self.name)
            return self.source
        first = self[0]
        stacked = np.empty((len(self), *first.shape), np.int32)
        stacked[0] = first
        for t in range(1, len(self)):
            stacked[t] = self[t]
        return stacked


def adopt_labels(frames: LabelFrames, name: str = "The label image") -> AdoptedLabels:
    """Bring labels of any type of pixel to int32.

    Numbers that fit are kept. Where one does not, all cells are numbered anew from 1,
    in the order of their former numbers. Nothing is ever cut off or wrapped around.

    Parameters
    ----------
    frames : LabelFrames
        Whole numbers from 0, of any type; real numbers and truth values, too.
    name : str
        What they are called in a sentence.

    Returns
    -------
    AdoptedLabels
        Types that cannot hold too large a number are read when asked for only.

    Raises
    ------
    InputError
        For numbers below 0, numbers that are not whole, pixels of another kind, and
        frames that are plainly no labels.
        Of the types that are not read yet: when the frame is asked for.
    """
    if not len(frames):
        raise InputError(f"{name} has no frames.")
    if all(_always_fits(dtype) for dtype in _dtypes(frames, name)):
        return AdoptedLabels(frames, name)
    highest = max(_highest(np.asarray(frames[t]), t, name) for t in range(len(frames)))
    if highest <= _LARGEST:
        return AdoptedLabels(frames, name)
    dtype = np.uint64 if highest > np.iinfo(np.int64).max else np.int64
    found = np.zeros(1, dtype)
    for t in range(len(frames)):
        found = np.union1d(found, np.asarray(frames[t]).astype(dtype))
    return AdoptedLabels(frames, name, found)


def check_frames(frames: LabelFrames) -> None:
    """Make sure that labels are frames of one size.

    Raises
    ------
    InputError
        When they are not.
    """
    shapes = {np.shape(frames[t]) for t in range(len(frames))}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        found = ", ".join(str(shape) for shape in sorted(shapes)) or "nothing"
        raise InputError(
            f"Labels are frames of one size, (T, Y, X), and these are {found}."
        )


def counted_from_1(frames: LabelFrames, length: int) -> bool:
    """Tell labels whose frames were counted from 1: their first frame is empty.

    Parameters
    ----------
    frames : LabelFrames
        Such as those of a table.
    length : int
        Frames of the movie.

    Returns
    -------
    bool
    """
    return len(frames) == length + 1 and not np.any(frames[0])


def check_no_movie(frame: _Image, name: str) -> None:
    """Refuse a frame that a camera has seen, see `fastershift.labels.is_noisy`.

    Parameters
    ----------
    frame : array
        Any type of pixel.
    name : str
        What it is called in a sentence.

    Raises
    ------
    InputError
        When it is plainly no frame of labels.
    """
    if is_noisy(frame):
        raise InputError(
            f"{name} holds no labels: most pixels differ from those next to them, as "
            "in a movie. Give the image in which all pixels of a cell hold its number, "
            "and those of the background 0."
        )


def check_other_than(movie: str | Path, path: str | Path) -> None:
    """Make sure that masks are not the movie itself.

    Parameters
    ----------
    movie, path : str or Path
        Where the movie and its masks are stored.

    Raises
    ------
    InputError
        When both are the same place.
    """
    if Path(path).resolve() == Path(movie).resolve():
        raise InputError(f"{path} is the movie itself; give the masks of its cells.")


def check_exact(path: str | Path) -> None:
    """Make sure that masks are in files that keep the numbers of their pixels.

    Parameters
    ----------
    path : str or Path
        Where they are stored: a file, or a folder of such.

    Raises
    ------
    InputError
        For JPEG, which blurs them.
    """
    path = Path(path)
    files = find_images(path) if path.is_dir() and not is_zarr(path) else [path]
    blurred = [one for one in files if one.suffix.lower() in JPEG_SUFFIXES]
    if blurred:
        raise InputError(
            f"{blurred[0]} is a JPEG, in which pixels near an edge have other values "
            "than they were given; save the mask anew as PNG or TIFF."
        )


def read_label_frames(path: Path, read: Callable[[str], Movie]) -> Movie:
    """Open labels in two dimensions; their only long axis is time, whatever its name.

    Parameters
    ----------
    path : Path
        Where they are stored.
    read : callable
        Opens a movie, given its axes, or ``"auto"``.

    Returns
    -------
    Movie

    Raises
    ------
    InputError
        As ``read``, when it is not clear which axis that is, and for JPEG.
    """
    check_exact(path)
    try:
        return read("auto")
    except InputError as error:
        if "axes" not in error.options or not _has_one_axis(path):
            raise
        try:
            return read(str(error.options["axes"]))
        except InputError as other:
            if "axes" not in other.options:  # it is time, and something else is wrong
                raise other from None
        raise


def _has_one_axis(path: Path) -> bool:
    """Tell whether the names in a folder count one thing; a file has axes itself."""
    if not path.is_dir() or is_zarr(path):
        return True
    names = [file.name for file in find_images(path)]
    return len(sort_files(names, str(path), all_time=False).axes) == 1


def rename_tracks(
    tracks: _Tracks, numbers: Numbers | None
) -> list[tuple[int, int, int, int]]:
    """Call tracks as `AdoptedLabels.numbers` says.

    Parameters
    ----------
    tracks : sequence of (id, first, last, parent)
        By the numbers of the source. Those of which there is no pixel are left out.
    numbers : (n + 1,) array of int, or None
        See `AdoptedLabels`; None changes nothing.

    Returns
    -------
    list of (id, first, last, parent)
    """
    if numbers is None:
        return [*tracks]
    new = {int(number): label for label, number in enumerate(numbers)}
    return [
        (new[track], first, last, new.get(parent, 0))
        for track, first, last, parent in tracks
        if track in new
    ]


def _dtypes(frames: LabelFrames, name: str) -> set[np.dtype[Any]]:
    """Tell the types of all frames, without reading more than has to be read."""
    whole = getattr(frames, "dtype", None)
    if whole is not None:
        dtypes = {np.dtype(whole)}
    else:
        dtypes = {np.asarray(frames[t]).dtype for t in range(len(frames))}
    for dtype in dtypes:
        if dtype.kind not in "buif":
            raise InputError(f"{name} holds {dtype} pixels; labels are whole numbers.")
    return dtypes


def _always_fits(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "b" or (dtype.kind in "ui" and np.iinfo(dtype).max <= _LARGEST)


def _highest(frame: _Image, t: int, name: str) -> int:
    """Return the highest number of a frame, all of whose numbers are labels."""
    if not frame.size or frame.dtype.kind == "b":
        return int(frame.any())
    wrong = frame < 0 if frame.dtype.kind in "if" else None
    if frame.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wrong |= ~(np.floor(frame) == frame) | (frame > np.float64(_EXACT))
    if wrong is not None and wrong.any():
        raise InputError(
            f"{name} holds {frame[wrong][0]} in frame {t}; labels are whole numbers "
            "from 0, and 0 is background."
        )
    check_no_movie(frame, name)
    return int(frame.max())
