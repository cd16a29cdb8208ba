"""What can be said of a setting: its stage, and what an unusual value does."""

from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from fastershift.config._field import Stage, Usual
from fastershift.config._settings import Settings

__all__ = ["explain_value", "iter_settings"]


def iter_settings() -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield every parameter of every stage.

    Yields
    ------
    stage : str
        ``"input"``, ``"embed"``, ``"cluster"`` or ``"track"``.
    name : str
        Name of the parameter, unique over all stages.
    field : pydantic.fields.FieldInfo
        Its default, bounds (``metadata``), help (``description``) and, in
        ``json_schema_extra``, label, symbol, unit, step, usual values and whether it
        is advanced.
    """
    for stage, stage_field in Settings.model_fields.items():
        model = stage_field.annotation
        if isinstance(model, type) and issubclass(model, Stage):
            for name, field in model.model_fields.items():
                yield stage, name, field


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
    found = (f.json_schema_extra for _, n, f in iter_settings() if n == name)
    extra = next(found, None)
    given = extra.get("usual") if isinstance(extra, dict) else None
    if not isinstance(given, dict) or not isinstance(value, int | float):
        return ""
    usual = Usual(**given)  # type: ignore[arg-type]
    if value < usual.low:
        return usual.below
    return usual.above if value > usual.high else ""
