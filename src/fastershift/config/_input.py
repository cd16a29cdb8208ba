"""How channels, planes and positions are reduced to a flat movie."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from fastershift.config._field import Stage, setting

__all__ = ["COLOURS", "PROJECTIONS", "UNNAMED_AXES", "InputSettings"]

#: Names of the channels of an RGB image, in their order; grey is its luminance.
COLOURS = ("red", "green", "blue")
#: Ways to make one plane out of many.
PROJECTIONS = ("max", "mean", "min")
#: Letters that TIFF files give to axes of unknown meaning.
UNNAMED_AXES = "QI"

_Index = Annotated[int, Field(ge=0)]


def _number_or(*words: str) -> Callable[[Any], Any]:
    """Check for a number from 0 or one of a few words; texts may hold the number."""

    def check(given: Any) -> Any:
        if isinstance(given, str) and given.isdecimal():
            given = int(given)
        number = isinstance(given, int) and given >= 0
        if given is None or number or given in words:
            return given
        raise ValueError(
            f"'{given}' is neither a number from 0 nor one of {', '.join(words)}"
        )

    return check


def _letters(axes: str) -> str:
    if axes == "auto":
        return axes
    axes = axes.upper()
    known = "TPCZYXS"
    twice = any(axes.count(letter) > 1 for letter in known)
    if twice or set(axes) - set(known + UNNAMED_AXES) or not {"Y", "X"} <= set(axes):
        raise ValueError(
            "name each axis once with a letter out of T, P, C, Z, Y and X, and include "
            "Y and X, for example TCYX"
        )
    return axes


class InputSettings(Stage):
    """From a file or layer to a flat movie: axes, channel, plane, position, level."""

    axes: Annotated[str, AfterValidator(_letters)] = setting(
        "auto",
        "Order of the axes, one letter each: T time, P position, C channel, Z depth, "
        "Y row, X column, S the colours of an RGB image. 'auto' "
        "uses what the file or the layer says.",
        label="Axes",
        advanced=False,
    )
    channel: Annotated[
        int | str | None, BeforeValidator(_number_or(*COLOURS, "grey"))
    ] = setting(
        None,
        "Channel to segment, counted from 0, where there are several. Of an RGB image: "
        "red, green, blue, or grey for its luminance.",
        label="Channel",
        advanced=False,
    )
    plane: Annotated[int | str | None, BeforeValidator(_number_or(*PROJECTIONS))] = (
        setting(
            None,
            "Plane of a z-stack, counted from 0, or its projection: max, mean or min. "
            "Cells are tracked in two dimensions and time, not in depth.",
            label="Plane",
            advanced=False,
        )
    )
    position: _Index | None = setting(
        None,
        "Position (field of view) of a multi-position movie, "
        "counted from 0. Each position is a separate movie.",
        label="Position",
        advanced=False,
    )
    level: _Index = setting(
        0,
        "Resolution level of an image pyramid: 0 is full "
        "resolution. The cell diameter is in pixels of the chosen "
        "level.",
        label="Level",
        advanced=False,
    )
