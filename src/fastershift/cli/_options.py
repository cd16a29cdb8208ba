"""Every setting as an option of the command line, generated from `config`."""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from fastershift.config import SettingInfo, iter_settings
from fastershift.errors import InputError

if TYPE_CHECKING:
    from fastershift.io import SavedResult

__all__ = [
    "Axes",
    "FrameInterval",
    "Inside",
    "NeighbourDistance",
    "Outside",
    "PixelSize",
    "Plane",
    "Position",
    "Ring",
    "WithoutDrift",
    "WithoutFlicker",
    "frame_range",
    "given_place",
    "tell_lost",
    "with_settings",
]


def given_place(text: str | None) -> str | None:
    """Refuse an empty name, which would be the working folder.

    Raises
    ------
    BadParameter
        For a name without any letter, as of a variable that is not set.
    """
    if text is not None and not text.strip():
        raise typer.BadParameter("the name is empty; give a file, or leave it out.")
    return text


Inside = Annotated[
    str | None,
    typer.Option(
        callback=given_place,
        help="Mask of a region: keep only cells of which at least half lies in it. One "
        "mask for all frames, or one for each.",
    ),
]
Outside = Annotated[
    str | None,
    typer.Option(callback=given_place, help="Mask of a region: leave out its cells."),
]
Axes = Annotated[str | None, typer.Option(help="Axes of the movie: TCYX.")]
Plane = Annotated[
    str | None, typer.Option(help="Plane of a z-stack, or max, mean, min.")
]
Position = Annotated[
    int | None, typer.Option(help="Position of a multi-position movie.")
]
Ring = Annotated[
    float,
    typer.Option(help="Also measure a ring of this width around each cell."),
]
NeighbourDistance = Annotated[
    float, typer.Option(help="Cells nearer than this are neighbours; 0: they touch.")
]
WithoutDrift = Annotated[
    bool,
    typer.Option(
        "--without-drift",
        help="Remove the move that all cells share from displacements and speeds.",
    ),
]
WithoutFlicker = Annotated[
    bool,
    typer.Option(
        "--without-flicker",
        help="Remove sudden changes of brightness of whole frames from grey values.",
    ),
]
PixelSize = Annotated[
    float | None,
    typer.Option(help="Side of a pixel in µm, whatever the files say."),
]
FrameInterval = Annotated[
    float | None,
    typer.Option(help="Minutes from frame to frame, whatever the files say."),
]


def tell_lost(result: Path, saved: "SavedResult") -> None:
    """Say what of a result that was read is not there, or cannot be used."""
    from fastershift.io import describe_lost_settings, lost_parents

    for lost in (lost_parents(result), describe_lost_settings(saved.lost_settings)):
        if lost:
            typer.echo(lost, err=True)


def frame_range(text: str | None) -> tuple[int, int] | None:
    """Read ``A:B``, frames from A up to but without B.

    Raises
    ------
    InputError
        When it is not two whole numbers with a colon between them.
    """
    if text is None:
        return None
    first, colon, stop = text.partition(":")
    if not (colon and first.isdecimal() and stop.isdecimal()):
        raise InputError(
            f"'{text}' is not a range of frames; write for example 24:36 "
            "for the frames 24 to 35."
        )
    return int(first), int(stop)


def _option_type(info: SettingInfo) -> Any:
    """Choose the type an option is parsed as; pydantic checks the value itself."""
    if info.kind in (int, float, bool, str):
        return info.kind
    choices = get_args(info.kind)
    return int if int in choices and str not in choices else str


def _value(name: str, given: Any) -> Any:
    if name == "network_size":
        width, x, height = str(given).lower().partition("x")
        if not (x and width.isdecimal() and height.isdecimal()):
            raise InputError(
                f"'{given}' is not a network size; write width and height as 512x384."
            )
        return int(width), int(height)
    if name == "diameter" and given != "auto":
        try:
            return float(given)
        except ValueError as error:
            raise InputError(
                f"'{given}' is not a cell diameter; give pixels or 'auto'."
            ) from error
    return given


def _help(info: SettingInfo) -> str:
    text = f"{info.symbol}: {info.help_text}" if info.symbol else info.help_text
    return f"{text} [default: {info.default_text}]"


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting.

    Parameters
    ----------
    command : callable
        Takes a keyword argument ``settings``: the nested dictionary of the settings
        that were given on the command line, and only those.

    Returns
    -------
    callable
        What typer is to register.
    """
    own = inspect.signature(command)
    kept = [p for p in own.parameters.values() if p.name != "settings"]
    places = {info.name: info.stage for info in iter_settings()}

    @wraps(command)
    def parsed(**options: Any) -> None:
        settings: dict[str, dict[str, Any]] = {}
        for name, stage in places.items():
            if (given := options.pop(name)) is not None:
                settings.setdefault(stage, {})[name] = _value(name, given)
        command(**options, settings=settings)

    for info in iter_settings():
        flag = f"--{info.name.replace('_', '-')}"
        kind = _option_type(info)
        declared = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
        option = typer.Option(declared, help=_help(info), show_default=False)
        kept.append(
            inspect.Parameter(
                info.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind | None, option],
            )
        )
    parsed.__signature__ = own.replace(parameters=kept)  # type: ignore[attr-defined]
    parsed.__annotations__ = {p.name: p.annotation for p in kept} | {"return": None}
    return parsed
