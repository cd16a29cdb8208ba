"""Which axis of an array is time, which is channel, and what to do with the rest."""

from dataclasses import dataclass

from fastershift.errors import InputError

__all__ = ["AxesPlan", "plan_axes"]

_NAMES = {"T": "time", "C": "channel", "S": "colour", "Z": "depth"}
_UNNAMED = "QI"  # how tifffile calls an axis of unknown meaning


@dataclass(frozen=True)
class AxesPlan:
    """How to take the (Y, X) frames out of an array.

    Attributes
    ----------
    shape : (int, int, int)
        Frames, height and width.
    index : tuple of int or str
        One entry per axis of the array: ``"T"``, ``"Y"`` or ``"X"``, or the fixed
        position on any other axis.
    """

    shape: tuple[int, int, int]
    index: tuple[int | str, ...]

    def at(self, t: int) -> tuple[int | slice, ...]:
        """Index of frame ``t`` in the array."""
        return tuple(
            entry if isinstance(entry, int) else t if entry == "T" else slice(None)
            for entry in self.index
        )

    @property
    def transposed(self) -> bool:
        """Whether X comes before Y."""
        return self.index.index("X") < self.index.index("Y")


def _named(shape: tuple[int, ...], axes: str | None, what: str) -> str:
    """Axes as upper-case letters, one per axis; guessed where there are none."""
    if axes is not None:
        axes = axes.upper()
        unknown = set(axes) - set(_NAMES) - set("YX" + _UNNAMED)
        twice = {axis for axis in axes if axes.count(axis) > 1 and axis not in _UNNAMED}
        if unknown or twice or not {"Y", "X"} <= set(axes):
            raise InputError(
                f"The axes '{axes}' cannot be used: name each axis once with a letter "
                "out of T, C, Z, Y and X, and include Y and X, for example TCYX."
            )
        if len(axes) != len(shape):
            raise InputError(
                f"{what} has {len(shape)} axes of sizes {_sizes(shape)}, but the axes "
                f"'{axes}' name {len(axes)}; give one letter per axis."
            )
        return axes
    guess = {2: "YX", 3: "TYX"}.get(len(shape), "")
    if len(shape) in (3, 4) and shape[-1] in (3, 4):
        guess = "TYXS"[-len(shape) :]  # an image 3 or 4 pixels wide is a colour image
    if not guess:
        raise _unclear(shape, what)
    return guess


def _sizes(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)


def _unclear(shape: tuple[int, ...], what: str) -> InputError:
    return InputError(
        f"{what} has {len(shape)} axes of sizes {_sizes(shape)} and it is not clear "
        "what they are; say so with axes, for example TCYX (--axes TCYX)."
    )


def _time_for_unnamed(shape: tuple[int, ...], axes: str, what: str) -> str:
    """Read the one unnamed axis that is longer than 1 as time."""
    long = [i for i, a in enumerate(axes) if a in _UNNAMED and shape[i] > 1]
    if len(long) > 1 or (long and "T" in axes):
        raise _unclear(shape, what)
    if long:
        axes = axes[: long[0]] + "T" + axes[long[0] + 1 :]
    return axes


def _check_channel(channel: int, count: int, what: str) -> None:
    if not 0 <= channel < count:
        plural = "channel" if count == 1 else "channels"
        raise InputError(
            f"{what} has {count} {plural}, so there is no channel {channel}; choose "
            f"from 0 to {count - 1}."
        )


def plan_axes(
    shape: tuple[int, ...], axes: str | None, channel: int | None, what: str
) -> AxesPlan:
    """Decide how a movie lies in an array.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    axes : str, optional
        One letter per axis out of T, C, Z, Y, X (S = the colours of an RGB image). By
        default 2-D is YX and 3-D is TYX.
    channel : int, optional
        Which channel to take, from 0.
    what : str
        What the array is called in a sentence.

    Returns
    -------
    AxesPlan

    Raises
    ------
    InputError
        When the axes are unclear, a channel has to be chosen, or there is depth.
    """
    axes = _time_for_unnamed(shape, _named(shape, axes, what), what)
    size = dict(zip(axes, shape, strict=True))
    if size.get("Z", 1) > 1:
        raise InputError(
            f"{what} has {size['Z']} planes in depth, and only flat movies are "
            "tracked; choose one plane, or, if the planes are frames, give the axes "
            "with T in place of Z (--axes TYX)."
        )
    letter = "S" if size.get("S", 1) > 1 else "C"
    channels = size.get(letter, 1)
    if channels > 1 and channel is None:
        kind = "is an RGB image" if letter == "S" else f"has {channels} channels"
        frames = "" if letter == "S" else "; if they are frames, give the axes as TYX"
        raise InputError(
            f"{what} {kind}; choose one channel, from 0 to {channels - 1} "
            f"(--channel 0){frames}."
        )
    _check_channel(channel or 0, channels, what)
    fixed = {letter: channel or 0}
    index = tuple(a if a in "TYX" else fixed.get(a, 0) for a in axes)
    plan = AxesPlan((size.get("T", 1), size["Y"], size["X"]), index)
    if 0 in plan.shape:
        raise InputError(f"{what} is empty; its sizes are {_sizes(shape)}.")
    return plan
