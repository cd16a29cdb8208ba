"""A movie that is read one frame at a time, whatever it is stored in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastershift.config import InputSettings, resolve_settings
from fastershift.errors import FastershiftError, InputError, refusal
from fastershift.io._axes import AxesPlan, plan_axes
from fastershift.io._units import unit_named

__all__ = [
    "FrameSource",
    "Lost",
    "Movie",
    "Scale",
    "Units",
    "as_movie",
    "check_range",
    "input_settings",
    "no_level",
]

Scale: TypeAlias = tuple[float, float, float]
Units: TypeAlias = tuple[str, str, str]


class FrameSource(Protocol):
    """Where the frames of a movie come from."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height and width."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""

    def read(self, t: int) -> NDArray[Any]:
        """Return frame ``t``, counted from 0, as an array of shape (Y, X)."""


@dataclass(frozen=True)
class Lost:
    """What a movie lacks of what its files speak of.

    Attributes
    ----------
    frames : frozenset of int
        The frames that cannot be read; empty where the movie ends too early.
    sentence : str
        What is missing, to go on after the name of the movie and a colon.
    partly : frozenset of int
        Those of the frames of which a part is there; the others may be zeros that were
        left out, as the background of labels is.
    """

    frames: frozenset[int]
    sentence: str
    partly: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Movie:
    """A 2-D time-lapse movie; ``movie[t]`` reads frame ``t`` and nothing else.

    Attributes
    ----------
    frames : FrameSource
        Where the frames come from.
    name : str
        Short name, for layers and messages.
    source : Path or None
        The file or folder; None for an array in memory.
    scale : (float, float, float) or None
        Time step, height and width of a pixel.
    units : (str, str, str) or None
        Units of the scale, such as ``("second", "micrometer", "micrometer")``.
    first, stop : int
        The range of frames of the source that this movie shows.
    lost : Lost or None
        What is missing of the source; None where it is whole.
    """

    frames: FrameSource
    name: str
    source: Path | None = None
    scale: Scale | None = None
    units: Units | None = None
    first: int = 0
    stop: int | None = None
    lost: Lost | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height and width in pixels."""
        stored = self.frames.shape
        stop = stored[0] if self.stop is None else self.stop
        return (stop - self.first, *stored[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel, in the byte order of this machine."""
        return _pixel_type(self.frames.dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, t: int) -> NDArray[Any]:
        """Read frame ``t``, counted from 0; an array of shape (Y, X).

        Raises
        ------
        FastershiftError
            When the file is damaged.
        """
        if not -len(self) <= t < len(self):
            raise IndexError(f"frame {t} is outside a movie of {len(self)} frames")
        number = self.first + t % len(self)
        try:
            frame = self.frames.read(number)
        except (FastershiftError, MemoryError):
            raise
        except OSError as error:
            what = f"Frame {number} of {self.name}"
            raise FastershiftError(refusal(what, error, "read")) from error
        except Exception as error:  # decoders of damaged files raise anything
            raise FastershiftError(
                f"Frame {number} of {self.name} cannot be read; the file is damaged "
                f"or packed in a way that is not known here ({error})."
            ) from error
        return np.ascontiguousarray(frame, dtype=self.dtype)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[t] for t in range(len(self)))

    def check_whole(self) -> None:
        """Refuse a movie of which something is missing.

        Raises
        ------
        InputError
            The sentence says what.
        """
        if self.lost is not None:
            raise InputError(
                f"{self.source} is not whole: {self.lost.sentence}. Copy it again."
            )

    def cut(self, first: int, stop: int) -> "Movie":
        """Show only some of the frames.

        Parameters
        ----------
        first, stop : int
            First frame, counted from 0, and the one after the last.

        Raises
        ------
        InputError
            When the range is empty or leaves the movie.
        """
        check_range(first, stop, len(self), self.name)
        return replace(self, first=self.first + first, stop=self.first + stop)


def known_scale(
    scale: Scale | None, units: Units | None
) -> tuple[Scale | None, Units | None]:
    """Take steps that are not positive numbers as not known, and name units as here.

    Parameters
    ----------
    scale, units
        As in `Movie`.

    Returns
    -------
    scale, units
        As in `Movie`; a step that is not known is 1 pixel.
    """
    if scale is None or units is None:
        return scale, units
    known = [0 < step < float("inf") for step in scale]
    if not any(known):
        return None, None
    steps = [step if k else 1.0 for step, k in zip(scale, known, strict=True)]
    names = [
        unit_named(unit) if k else "pixel" for unit, k in zip(units, known, strict=True)
    ]
    return (steps[0], steps[1], steps[2]), (names[0], names[1], names[2])


def check_range(first: int, stop: int, length: int, name: str) -> None:
    """Refuse a range of frames that is empty, or leaves a movie of some length."""
    if not 0 <= first < stop <= length:
        raise InputError(
            f"The frames {first}:{stop} cannot be taken from {name}, which has "
            f"{length}; give a range within 0:{length}."
        )


def _pixel_type(stored: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.uint8) if stored.kind == "b" else stored.newbyteorder("=")


@dataclass(frozen=True)
class ArrayFrames:
    """Frames of anything that can be indexed like an array (numpy, Dask, Zarr)."""

    array: Any
    plan: AxesPlan

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height and width."""
        return self.plan.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        stored: np.dtype[Any] = np.dtype(self.array.dtype)
        # Dask tells the kind of its pieces by an empty one.
        if isinstance(getattr(self.array, "_meta", self.array), np.ma.MaskedArray):
            stored = np.result_type(stored, np.float32)
        return self.plan.dtype(stored)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that hold a frame each, in their order; none if one file holds all."""
        return tuple(getattr(self.array, "files", ()))

    def read(self, t: int) -> NDArray[Any]:
        """Compute or load frame ``t`` alone; masked pixels become NaN."""
        block = self.array[self.plan.at(t)]
        if hasattr(block, "compute"):
            block = block.compute()
        if isinstance(block, np.ma.MaskedArray):
            kind = np.result_type(block.dtype, np.float32)
            block = np.ma.filled(block.astype(kind), np.nan)
        return self.plan.frame(np.asarray(block))


def input_settings(
    axes: str | None = None,
    channel: int | str | None = None,
    plane: int | str | None = None,
    position: int | None = None,
    level: int = 0,
) -> InputSettings:
    """Gather what is taken of an array, checked; None leaves a choice open."""
    given = {"channel": channel, "plane": plane, "position": position, "level": level}
    user = {name: value for name, value in given.items() if value is not None}
    if axes is not None:
        user["axes"] = axes
    return resolve_settings(user={"input": user}).input


def as_movie(
    array: Any,
    axes: str | None = None,
    channel: int | str | None = None,
    *,
    plane: int | str | None = None,
    position: int | None = None,
    name: str = "The array",
    source: Path | None = None,
    scale: Scale | None = None,
    units: Units | None = None,
    lost: Callable[[tuple[int | str, ...]], Lost | None] | None = None,
) -> Movie:
    """Wrap an array as a movie without copying it.

    Parameters
    ----------
    array : array-like
        With ``shape``, ``dtype`` and indexing; a lazy array (Dask, Zarr) is computed
        one frame at a time. Numbers from uint8 to float64, any byte order. Masked
        pixels become NaN.
    axes : str, optional
        One letter per axis out of T, P, C, Z, Y and X, S for the colours of an RGB
        image; by default 2-D is YX and 3-D TYX.
    channel : int or str, optional
        Which channel to take, counted from 0, where there are several; of an RGB image
        also ``"red"``, ``"green"``, ``"blue"`` or ``"grey"``, its luminance.
    plane : int or str, optional
        Which plane of a z-stack to take, counted from 0, or its projection: ``"max"``,
        ``"mean"`` or ``"min"``.
    position : int, optional
        Which position of a multi-position movie to take, counted from 0.
    name : str
        What the movie is called.
    source, scale, units
        As in `Movie`.
    lost : callable, optional
        Tells what is missing of the frames at an index of an `AxesPlan`.

    Returns
    -------
    Movie

    Raises
    ------
    InputError
        For several channels, planes or positions of which none was chosen, unclear
        axes, and pixels that are not numbers.
    """
    if not isinstance(getattr(array, "dtype", None), np.dtype):
        try:
            array = np.asarray(array)
        except (TypeError, ValueError) as error:
            raise InputError(f"{name} is not an array of frames ({error}).") from error
    if array.dtype.kind not in "buif":
        raise InputError(
            f"{name} holds pixels of type {array.dtype}; only whole and real numbers "
            "can be used."
        )
    reading = input_settings(axes, channel, plane, position)
    plan = plan_axes(tuple(array.shape), reading, name)
    gone = None if lost is None else lost(plan.index)
    return Movie(ArrayFrames(array, plan), name, source, scale, units, lost=gone)


def no_level(path: Path, level: int, count: int) -> InputError:
    """Say that an image pyramid has no such level."""
    levels = "level" if count == 1 else "levels"
    return InputError(
        f"{path.name} has {count} resolution {levels}, so there is no level {level}; "
        f"choose from 0 to {count - 1}."
    )
