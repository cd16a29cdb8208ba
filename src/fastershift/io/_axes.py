"""Which axis of an array is time, and what is taken of channels, planes, positions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastershift.config import COLOURS, PROJECTIONS, UNNAMED_AXES, InputSettings
from fastershift.errors import InputError

__all__ = [
    "AxesPlan",
    "SeveralPositions",
    "choose_position",
    "plan_axes",
    "spell_sizes",
]

_LUMINANCE = np.array([0.2125, 0.7154, 0.0721], np.float32)  # of Rec. ITU-R BT.709
_REDUCERS = {"max": np.fmax.reduce, "min": np.fmin.reduce}  # both pass NaN over


class SeveralPositions(InputError):
    """A file holds several positions, each a movie, and none was chosen.

    Parameters
    ----------
    sentence : str
        As for `InputError`.
    count : int
        How many there are.
    """

    def __init__(self, sentence: str, count: int) -> None:
        super().__init__(sentence, position=0)
        self.count = count


@dataclass(frozen=True)
class AxesPlan:
    """How to take the (Y, X) frames out of an array.

    Attributes
    ----------
    axes : str
        One letter per axis of the array.
    shape : (int, int, int)
        Frames, height and width.
    index : tuple of int or str
        One entry per axis of the array: ``"T"``, ``"Y"`` or ``"X"``, the letter of an
        axis that is reduced, or the fixed position on any other axis.
    reductions : tuple of (str, str)
        Letter of an axis and how it is reduced: a projection, or ``"grey"``.
    """

    axes: str
    shape: tuple[int, int, int]
    index: tuple[int | str, ...]
    reductions: tuple[tuple[str, str], ...] = ()

    def at(self, t: int) -> tuple[int | slice, ...]:
        """Index of all that frame ``t`` is made of in the array."""
        return tuple(
            entry if isinstance(entry, int) else t if entry == "T" else slice(None)
            for entry in self.index
        )

    def dtype(self, stored: np.dtype[Any]) -> np.dtype[Any]:
        """Type of a frame's pixels, from that of the array."""
        averaged = any(how in ("mean", "grey") for _, how in self.reductions)
        return np.result_type(stored, np.float32) if averaged else stored

    def frame(self, block: NDArray[Any]) -> NDArray[Any]:
        """Turn what was read with `at` into a (Y, X) frame."""
        left = [entry for entry in self.index if isinstance(entry, str)]
        left = [entry for entry in left if entry != "T"]
        for letter, how in self.reductions:
            block = _reduced(block, left.index(letter), how)
            left.remove(letter)
        return block.T if left == ["X", "Y"] else block


def _reduced(block: NDArray[Any], axis: int, how: str) -> NDArray[Any]:
    if how in _REDUCERS:
        return np.asarray(_REDUCERS[how](block, axis=axis))
    values = np.moveaxis(block, axis, -1).astype(
        np.result_type(block.dtype, np.float32), copy=False
    )
    if how == "grey":
        return np.asarray(values[..., : len(COLOURS)] @ _LUMINANCE)
    known = np.isfinite(values)
    count = known.sum(-1)
    total = np.where(known, values, 0).sum(-1)
    # A pixel that is known in no plane is not known in their mean.
    return np.where(count, total / np.maximum(count, 1), np.nan).astype(values.dtype)


def _named(shape: tuple[int, ...], axes: str, what: str) -> str:
    """One letter for each axis; guessed for "auto"."""
    if axes != "auto":
        return _one_each(shape, axes, what)
    guess = {2: "YX", 3: "TYX"}.get(len(shape), "")
    if len(shape) in (3, 4) and shape[-1] in (3, 4):
        guess = "TYXS"[-len(shape) :]  # an image 3 or 4 pixels wide is a colour image
    if not guess:
        raise _unclear(shape, what)
    return guess


def _one_each(shape: tuple[int, ...], axes: str, what: str) -> str:
    """Give axes of length 1 that were not named a letter of no meaning."""
    if len(axes) == len(shape):
        return axes
    named = iter(axes)
    long = [size > 1 for size in shape]
    if sum(long) == len(axes):
        return "".join(next(named) if each else "Q" for each in long)
    raise InputError(
        f"{what} has {len(shape)} axes of sizes {spell_sizes(shape)}, but the axes "
        f"'{axes}' name {len(axes)}; give one letter per axis.",
        axes={2: "YX", 3: "TYX"}.get(len(shape), "TCYX"),
    )


def spell_sizes(shape: Iterable[int]) -> str:
    """Write the sizes of axes in a sentence."""
    return " × ".join(str(size) for size in shape)


def _unclear(shape: tuple[int, ...], what: str) -> InputError:
    return InputError(
        f"{what} has {len(shape)} axes of sizes {spell_sizes(shape)} and it is not "
        "clear what they are; say so with axes, for example TCYX.",
        axes="TCYX",
    )


def _time_for_unnamed(shape: tuple[int, ...], axes: str, what: str) -> str:
    """Read the one unnamed axis that is longer than 1 as time."""
    long = [i for i, a in enumerate(axes) if a in UNNAMED_AXES and shape[i] > 1]
    if len(long) > 1 or (long and "T" in axes):
        raise _unclear(shape, what)
    if long:
        axes = axes[: long[0]] + "T" + axes[long[0] + 1 :]
    return axes


def _within(value: int, count: int, name: str, what: str) -> int:
    if not 0 <= value < count:
        plural = name if count == 1 else f"{name}s"
        raise InputError(
            f"{what} has {count} {plural}, so there is no {name} {value}; choose "
            f"from 0 to {count - 1}."
        )
    return value


def _channel(axes: str, count: int, chosen: int | str | None, what: str) -> int | str:
    """Decide which channel or colour is taken; "grey" for all colours together."""
    colours = "S" in axes and count >= len(COLOURS)
    if chosen is None:
        if count == 1:
            return 0
        if colours:
            # Tifffile stores three or four images of eight or sixteen bits so.
            frames = {"axes": "TYX"} if axes == "SYX" else {}
            raise InputError(
                f"{what} is an RGB image; choose one channel: "
                f"{', '.join(COLOURS)}, or grey"
                + ("; if they are frames, give the axes as TYX." if frames else "."),
                channel="grey",
                **frames,
            )
        otherwise, frames = "", {}
        if "T" not in axes:
            frames = {"axes": axes.replace("C", "T").replace("S", "T")}
            otherwise = f"; if they are frames, give the axes as {frames['axes']}"
        raise InputError(
            f"{what} has {count} channels; choose one channel, from 0 to "
            f"{count - 1}{otherwise}.",
            channel=0,
            **frames,
        )
    if isinstance(chosen, int):
        return _within(chosen, count, "channel", what)
    if not colours:
        raise InputError(
            f"{what} is not an RGB image, so there is no channel "
            f"{chosen}; choose from 0 "
            f"to {count - 1}."
        )
    return chosen if chosen == "grey" else COLOURS.index(chosen)


def _plane(axes: str, count: int, chosen: int | str | None, what: str) -> int | str:
    """Decide which plane is taken, or how all are projected."""
    if isinstance(chosen, int):
        return _within(chosen, count, "plane", what)
    if count == 1:
        return 0
    if chosen is None:
        otherwise, frames = "", {}
        if "T" not in axes:
            frames = {"axes": axes.replace("Z", "T")}
            otherwise = (
                "; or, if the planes are frames, give the axes with T in place of Z"
            )
        raise InputError(
            f"{what} has {count} planes in depth, and cells are tracked in two "
            f"dimensions and time: choose a plane from 0 to {count - 1}, or a "
            f"projection: {', '.join(PROJECTIONS)}{otherwise}.",
            plane="max",
            **frames,
        )
    return chosen


def choose_position(
    count: int,
    chosen: int | None,
    what: str,
    *,
    where: str = "",
    frames: bool = False,
) -> int:
    """Decide which position is taken.

    Parameters
    ----------
    count : int
        How many there are.
    chosen : int or None
        What the user has chosen.
    what : str
        What holds the positions, in a sentence.
    where : str
        Where they lie, to go on in the sentence.
    frames : bool
        Whether axes may say that they are frames.

    Returns
    -------
    int
        Its number, from 0.

    Raises
    ------
    InputError
        When there is no such position, or several that may be frames.
    SeveralPositions
        When there are several of which none was chosen.
    """
    if chosen is not None:
        return _within(chosen, count, "position", what)
    if count == 1:
        return 0
    sentence = (
        f"{what} has {count} positions{where}, each a separate movie; choose one, from "
        f"0 to {count - 1}"
    )
    if frames:
        raise InputError(
            f"{sentence}; or, if they are frames, give the axes with T in place of P.",
            position=0,
            axes="TYX",
        )
    raise SeveralPositions(f"{sentence}.", count)


def plan_axes(shape: tuple[int, ...], reading: InputSettings, what: str) -> AxesPlan:
    """Decide how a movie lies in an array.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    reading : InputSettings
        Axes, and what is taken of channels, planes and positions. Without axes 2-D is
        YX and 3-D is TYX; axes of length 1 need no letter.
    what : str
        What the array is called in a sentence.

    Returns
    -------
    AxesPlan

    Raises
    ------
    InputError
        When the axes are unclear, something has to be chosen, or there is no such
        channel, plane or position.
    """
    axes = _time_for_unnamed(shape, _named(shape, reading.axes, what), what)
    size = dict(zip(axes, shape, strict=True))
    letter = "S" if size.get("S", 1) > 1 else "C"
    if letter == "S" and size.get("C", 1) > 1:
        raise InputError(
            f"{what} has both channels and colours; give axes with one of C and S."
        )
    # Axes of length 1 need no letter, and one of time holds no frames then.
    long = "".join(one for one in axes if one in "YX" or size[one] > 1)
    frames = "T" not in long
    position = choose_position(size.get("P", 1), reading.position, what, frames=frames)
    taken: dict[str, int | str] = {
        "P": position,
        "Z": _plane(long, size.get("Z", 1), reading.plane, what),
        letter: _channel(long, size.get(letter, 1), reading.channel, what),
    }
    reductions = tuple((a, how) for a, how in taken.items() if isinstance(how, str))
    fixed = {a: 0 if isinstance(at, str) else at for a, at in taken.items()}
    kept = {"T", "Y", "X", *(a for a, _ in reductions)}
    index = tuple(a if a in kept else fixed.get(a, 0) for a in axes)
    plan = AxesPlan(axes, (size.get("T", 1), size["Y"], size["X"]), index, reductions)
    if 0 in plan.shape:
        raise InputError(f"{what} is empty; its sizes are {spell_sizes(shape)}.")
    return plan
