"""How one parameter is described, and what all groups of parameters share."""

from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Stage", "Usual", "setting"]


class Usual(NamedTuple):
    """The values that make sense, and what the others do.

    Attributes
    ----------
    low, high : float
        Values from ``low`` to ``high`` need no word.
    below, above : str
        A sentence for the values beyond.
    """

    low: float
    high: float
    below: str = ""
    above: str = ""


def setting(
    default: Any,
    help_text: str,
    *,
    label: str,
    symbol: str = "",
    unit: str = "",
    advanced: bool = True,
    step: float | None = None,
    usual: Usual | None = None,
    by_model: bool = False,
    **bounds: Any,
) -> Any:
    """Describe one parameter: its default, range and how a person reads it.

    Parameters
    ----------
    default
        Its value where nobody chose another.
    help_text : str
        What it does, in whole sentences.
    label, symbol, unit : str
        What it is called on the screen, in the papers, and what it is measured in.
    advanced : bool
        Whether most people can leave it alone.
    step : float, optional
        A change that can be noticed.
    usual : Usual, optional
        The values that make sense; the bounds are what can be computed at all.
    by_model : bool
        Whether models recommend a value of their own.
    **bounds
        ``gt``, ``ge``, ``lt``, ``le``, as for pydantic.

    Returns
    -------
    Any
        The field.
    """
    extra: dict[str, Any] = {
        "label": label,
        "symbol": symbol,
        "unit": unit,
        "advanced": advanced,
        "step": step,
        "usual": usual,
        "by_model": by_model,
    }
    return Field(default, description=help_text, json_schema_extra=extra, **bounds)


class Stage(BaseModel):
    """Base of all settings: unchangeable, and closed to unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
