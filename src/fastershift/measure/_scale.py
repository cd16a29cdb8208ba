"""The pixel size and the time step that a user gives."""

from dataclasses import replace

from fastershift.errors import InputError
from fastershift.io import Movie, SavedResult

__all__ = ["with_scale"]

# Step and unit of an axis whose scale is not known.
_UNKNOWN = (1.0, "pixel")


def with_scale(
    saved: SavedResult,
    movie: Movie | None = None,
    pixel_size: float | None = None,
    frame_interval: float | None = None,
) -> SavedResult:
    """Take the scale that the user gave, else that of the result, else of the movie.

    Of each axis by itself: a result may know its pixel size alone.

    Parameters
    ----------
    saved : SavedResult
        What is to be measured.
    movie : Movie, optional
        What was tracked.
    pixel_size : float, optional
        Side of a pixel in µm.
    frame_interval : float, optional
        Minutes from frame to frame.

    Returns
    -------
    SavedResult

    Raises
    ------
    InputError
        When one of them is not larger than 0.
    """
    axes = _axes(saved)
    if movie is not None:
        both = zip(axes, _axes(movie), strict=True)
        axes = [of_movie if own == _UNKNOWN else own for own, of_movie in both]
    (step, time), (height, row), (width, column) = axes
    for name, given in (("pixel size", pixel_size), ("frame interval", frame_interval)):
        if given is not None and not 0 < given < float("inf"):
            raise InputError(f"The {name} must be larger than 0, not {given:g}.")
    if pixel_size is not None:
        height, width, row, column = pixel_size, pixel_size, "micrometer", "micrometer"
    if frame_interval is not None:
        step, time = frame_interval, "minute"
    return replace(saved, scale=(step, height, width), units=(time, row, column))


def _axes(given: Movie | SavedResult) -> list[tuple[float, str]]:
    """Tell step and unit of time, rows and columns."""
    if given.scale is None or given.units is None:
        return [_UNKNOWN] * 3
    return list(zip(given.scale, given.units, strict=True))
