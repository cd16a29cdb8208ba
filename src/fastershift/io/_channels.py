"""All channels of a movie, each as a movie of its own."""

from pathlib import Path

from fastershift.config import COLOURS
from fastershift.io._movie import ArrayFrames, Movie
from fastershift.io._read import read_movie

__all__ = ["read_channels"]


def read_channels(
    path: str | Path,
    *,
    axes: str | None = None,
    plane: int | str | None = None,
    position: int | None = None,
    level: int = 0,
    frames: tuple[int, int] | None = None,
) -> dict[str, Movie]:
    """Open every channel of a movie.

    Parameters
    ----------
    path, axes, plane, position, level, frames
        As for `read_movie`.

    Returns
    -------
    dict
        Movies by the name of their channel: its number, counted from 0, or the colour
        of an RGB image.

    Raises
    ------
    InputError
        As `read_movie`.
    """

    def opened(channel: int) -> Movie:
        return read_movie(
            path,
            axes=axes,
            channel=channel,
            plane=plane,
            position=position,
            level=level,
            frames=frames,
        )

    first = opened(0)
    letter, count = _channel_axis(first)
    colours = letter == "S" and count >= len(COLOURS)
    names = COLOURS if colours else [str(number) for number in range(count)]
    return {
        name: opened(number) if number else first for number, name in enumerate(names)
    }


def _channel_axis(movie: Movie) -> tuple[str, int]:
    """Tell which axis holds the channels of a movie, and how many there are."""
    source = movie.frames
    if isinstance(source, ArrayFrames):
        sizes = dict(zip(source.plan.axes, source.array.shape, strict=True))
        for letter in "CS":
            if sizes.get(letter, 1) > 1:
                return letter, sizes[letter]
    return "", 1
