"""Open a movie, whatever it is stored in."""

from pathlib import Path
from typing import Any

from fastershift.config import InputSettings
from fastershift.errors import InputError, check_ordinary, refusal
from fastershift.io._axes import SeveralPositions
from fastershift.io._movie import Lost, Movie, as_movie, input_settings
from fastershift.io._zarr import is_zarr
from fastershift.io.movies import (
    IMAGE_SUFFIXES,
    MICROSCOPE_SUFFIXES,
    TIFF_SUFFIXES,
    VIDEO_SUFFIXES,
    read_folder,
    read_microscope_file,
    read_picture,
    read_tiff,
    read_video,
    read_zarr,
)

__all__ = ["count_positions", "frames_of", "read_movie"]

#: Who reads a file, by its suffix; TIFFs are images, too.
_READERS = (
    (TIFF_SUFFIXES, read_tiff),
    (IMAGE_SUFFIXES, read_picture),
    (VIDEO_SUFFIXES, read_video),
    (MICROSCOPE_SUFFIXES, read_microscope_file),
)


def read_movie(
    path: str | Path,
    *,
    axes: str | None = None,
    channel: int | str | None = None,
    plane: int | str | None = None,
    position: int | None = None,
    level: int = 0,
    frames: tuple[int, int] | None = None,
    labels: bool = False,
) -> Movie:
    """Open a movie; its frames are read one at a time when asked for.

    Parameters
    ----------
    path : str or Path
        A folder of single-frame TIFF, PNG, JPEG or BMP files, a multi-page, OME- or
        ImageJ-TIFF, a Zarr array or an OME-Zarr image, a video (extra ``video``), or a
        file of a microscope: nd2, czi, lif (extra ``bioio``).
    axes : str, optional
        One letter per axis out of T, P, C, Z, Y and X; by default what the file says,
        else YX for 2-D and TYX for 3-D. In a folder the names tell what each file is;
        with axes that hold T every file is a frame.
    channel, plane, position, level
        What to take of a file that holds more than a flat movie, see `InputSettings`.
    frames : (int, int), optional
        First frame, counted from 0, and the one after the last. A movie that lacks
        frames can be read in part.
    labels : bool
        Whether its pixels are labels, of which a Zarr may leave out background, and
        frames without a cell at both ends.

    Returns
    -------
    Movie

    Raises
    ------
    InputError
        When there is no movie at ``path``, it is not clear which, or it lacks frames;
        the sentence says what to do.

    Examples
    --------
    >>> movie = read_movie("Fluo-N2DL-HeLa/01", frames=(24, 36))  # doctest: +SKIP
    >>> movie.shape  # doctest: +SKIP
    (12, 700, 1100)
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is nothing at {path}; check the name.")
    check_ordinary(path)
    try:
        movie = _open(path, input_settings(axes, channel, plane, position, level))
    except OSError as error:
        raise InputError(refusal(path, error, "read")) from error
    if frames is not None:
        movie = movie.cut(*frames)
    if movie.lost is not None:
        labels = labels and is_zarr(path)
        _check_whole(movie, movie.lost, asked=frames is not None, labels=labels)
    return movie


def count_positions(path: str | Path, reading: InputSettings) -> int:
    """Tell how many movies a file or a folder holds.

    Parameters
    ----------
    path : str or Path
        As for `read_movie`.
    reading : InputSettings
        How it is to be read.

    Returns
    -------
    int
        1 where the position was chosen, and for what cannot be read.
    """
    try:
        read_movie(path, **reading.model_dump())
    except SeveralPositions as several:
        return several.count
    except InputError:
        pass  # whoever runs it is told why
    return 1


def _check_whole(movie: Movie, lost: Lost, *, asked: bool, labels: bool) -> None:
    """Refuse a movie that lacks frames, unless others were asked for."""
    shown, gone = range(movie.first, movie.first + len(movie)), lost.frames
    if labels:
        gone = lost.frames - lost.partly
        there = {*range(movie.frames.shape[0])} - gone
        gone &= {*range(min(there, default=0), max(there, default=0))}
    if (asked or lost.frames) and not gone.intersection(shown):
        return
    left = [frame for frame in shown if frame not in lost.frames]
    part, options = "", {}
    if left:
        after = (frame for frame in lost.frames if frame > left[0])
        span = f"{left[0]}:{min(after, default=shown.stop)}"
        part = f", or take only frames that are there, such as {span}"
        options = {"frames": span}
    raise InputError(
        f"{movie.source} is not whole: {lost.sentence}. Copy it again{part}.", **options
    )


def _open(path: Path, reading: InputSettings) -> Movie:
    if is_zarr(path):
        return read_zarr(path, reading)
    if path.is_dir():
        return read_folder(path, reading)
    for suffixes, read in _READERS:
        if path.suffix.lower() in suffixes:
            return read(path, reading)
    raise InputError(
        f"{path.name} is not a kind of file that can be read; give a folder of frames "
        "(TIFF, PNG, JPEG or BMP), a TIFF, a Zarr or a video."
    )


def frames_of(movie: Any) -> Any:
    """Take the frames of whatever is given for a movie in Python.

    Parameters
    ----------
    movie : sequence of (Y, X) frames, array_like, str or Path, or None
        A movie, or where it is stored.

    Returns
    -------
    sequence of (Y, X) frames, or None
        The same where it has frames already.

    Raises
    ------
    InputError
        When it has none, or cannot be read.
    """
    if isinstance(movie, str | Path) and str(movie):
        return read_movie(movie)
    if movie is None or (hasattr(movie, "__len__") and not isinstance(movie, str)):
        return movie
    if hasattr(movie, "shape") and hasattr(movie, "dtype"):
        return as_movie(movie)  # arrays of Zarr do not count their frames
    raise InputError(
        "A movie is an array (time, row, column) or the name of a file; what was given "
        f"is neither, but of the kind {type(movie).__name__}."
    )
