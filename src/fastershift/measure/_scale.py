"""The pixel size and the time step that a user gives."""

from dataclasses import replace

from fastershift.errors import InputError
from fastershift.io import Movie, SavedResult

__all__ = ["with_scale"]


def with_scale(
    saved: SavedResult,
    movie: Movie | None = None,
    pixel_size: float | None = None,
    frame_interval: float | None = None,
) -> SavedResult:
    """Take the scale that the user gave, else that of the result, else of the movie.

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
    if (saved.scale is None or saved.units is None) and movie is not None:
        saved = replace(saved, scale=movie.scale, units=movie.units)
    step, height, width = saved.scale or (1.0, 1.0, 1.0)
    time, row, column = saved.units or ("pixel",) * 3
    for name, given in (("pixel size", pixel_size), ("frame interval", frame_interval)):
        if given is not None and not 0 < given < float("inf"):
            raise InputError(f"The {name} must be larger than 0, not {given:g}.")
    if pixel_size is not None:
        height, width, row, column = pixel_size, pixel_size, "micrometer", "micrometer"
    if frame_interval is not None:
        step, time = frame_interval, "minute"
    return replace(saved, scale=(step, height, width), units=(time, row, column))
