"""Open a movie, whatever it is stored in."""

from pathlib import Path

from fastershift.config import InputSettings
from fastershift.errors import InputError
from fastershift.io._movie import Movie, input_settings
from fastershift.io._tiff import read_tiff, read_tiff_folder
from fastershift.io._zarr import is_zarr, read_zarr

__all__ = ["read_movie"]


def read_movie(
    path: str | Path,
    *,
    axes: str | None = None,
    channel: int | str | None = None,
    plane: int | str | None = None,
    position: int | None = None,
    level: int = 0,
    frames: tuple[int, int] | None = None,
) -> Movie:
    """Open a movie; its frames are read one at a time when asked for.

    Parameters
    ----------
    path : str or Path
        A folder of single-frame TIFF files, a multi-page, OME- or ImageJ-TIFF, a Zarr
        array or an OME-Zarr image.
    axes : str, optional
        One letter per axis out of T, P, C, Z, Y and X; by default what the file says,
        else YX for 2-D and TYX for 3-D. In a folder the files are the T axis.
    channel, plane, position, level
        What to take of a file that holds more than a flat movie, see `InputSettings`.
    frames : (int, int), optional
        First frame, counted from 0, and the one after the last.

    Returns
    -------
    Movie

    Raises
    ------
    InputError
        When there is no movie at ``path`` or it is not clear which; the sentence says
        what to do.

    Examples
    --------
    >>> movie = read_movie("Fluo-N2DL-HeLa/01", frames=(24, 36))  # doctest: +SKIP
    >>> movie.shape  # doctest: +SKIP
    (12, 700, 1100)
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is nothing at {path}; check the name.")
    try:
        movie = _open(path, input_settings(axes, channel, plane, position, level))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error})."
        ) from error
    return movie if frames is None else movie.cut(*frames)


def _open(path: Path, reading: InputSettings) -> Movie:
    if is_zarr(path):
        return read_zarr(path, reading)
    if path.is_dir():
        return read_tiff_folder(path, reading)
    if path.suffix.lower() in (".tif", ".tiff"):
        return read_tiff(path, reading)
    raise InputError(
        f"{path.name} is not a kind of file that can be read; give a folder of TIFF "
        "frames, a TIFF or a Zarr."
    )
