"""What can be said of a setting: its stage, and what an unusual value does."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic.fields import FieldInfo

from fastershift.config._field import Stage, Usual
from fastershift.config._settings import Settings

__all__ = ["SettingInfo", "explain_value", "find_setting", "iter_settings"]


@dataclass(frozen=True)
class SettingInfo:
    """What the widget, the command line and the pages need to know of a setting.

    Attributes
    ----------
    stage : str
        ``"input"``, ``"embed"``, ``"cluster"`` or ``"track"``; empty for the profile.
    name : str
        Name of the parameter, unique over all stages.
    kind : Any
        Its type.
    default : Any
        Its value where nobody chose another.
    help_text : str
        What it does, in whole sentences.
    label : str
        What it is called on the screen.
    symbol, unit : str
        What it is called in the papers, and what it is measured in; may be empty.
    advanced : bool
        Whether most people can leave it alone.
    step : float or None
        A change that can be noticed.
    usual : Usual or None
        The values that make sense.
    by_model : bool
        Whether models recommend a value of their own.
    low, high : float
        The least and the largest value; infinite where there is no bound.
    above_low, below_high : bool
        Whether the bound itself is excluded.
    """

    stage: str
    name: str
    kind: Any
    default: Any
    help_text: str
    label: str
    symbol: str
    unit: str
    advanced: bool
    step: float | None
    usual: Usual | None
    by_model: bool
    low: float
    high: float
    above_low: bool
    below_high: bool

    @property
    def default_text(self) -> str:
        """The default in words, with its unit, and who may know better."""
        match self.default:
            case None:
                text = "none"
            case bool():
                text = "on" if self.default else "off"
            case int() | float():
                text = f"{self.default:,} {self.unit}".strip()
            case _:
                text = str(self.default)
        if self.by_model:
            text += ", unless the model recommends another"
        return text


def _info(stage: str, name: str, field: FieldInfo) -> SettingInfo:
    extra: Any = field.json_schema_extra
    rules = {
        end: float(getattr(rule, end))
        for rule in field.metadata
        for end in ("gt", "ge", "lt", "le")
        if getattr(rule, end, None) is not None
    }
    return SettingInfo(
        stage,
        name,
        field.annotation,
        field.default,
        field.description or "",
        low=rules.get("gt", rules.get("ge", -math.inf)),
        high=rules.get("lt", rules.get("le", math.inf)),
        above_low="gt" in rules,
        below_high="lt" in rules,
        **extra,
    )


@cache
def _all_settings() -> tuple[SettingInfo, ...]:
    found = [_info("", "profile", Settings.model_fields["profile"])]
    for stage, stage_field in Settings.model_fields.items():
        model = stage_field.annotation
        if isinstance(model, type) and issubclass(model, Stage):
            fields = model.model_fields.items()
            found += [_info(stage, name, field) for name, field in fields]
    return tuple(found)


def iter_settings() -> Iterator[SettingInfo]:
    """Yield every parameter of every stage, in the order of the stages."""
    yield from (info for info in _all_settings() if info.stage)


def find_setting(name: str) -> SettingInfo | None:
    """Return the description of a parameter, the profile included; None if unknown."""
    return next((info for info in _all_settings() if info.name == name), None)


def explain_value(name: str, value: Any) -> str:
    """Say what a value does that lies outside the usual ones.

    Parameters
    ----------
    name : str
        Name of a parameter.
    value
        Its value.

    Returns
    -------
    str
        One sentence; empty for a value that needs none.

    Examples
    --------
    >>> explain_value("bandwidth", 0.7)
    'Such large values merge neighbouring cells.'
    >>> explain_value("bandwidth", 0.1)
    ''
    """
    info = find_setting(name)
    if info is None or info.usual is None or not isinstance(value, int | float):
        return ""
    if value < info.usual.low:
        return info.usual.below
    return info.usual.above if value > info.usual.high else ""
