"""Who decides a value: user, file, preset, model card or default."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fastershift.config._presets import PRESETS, PUBLISHED
from fastershift.config._settings import Settings
from fastershift.errors import InputError

__all__ = ["check_settings", "resolve_settings"]


def _merge(layers: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay nested mappings over each other; later ones win."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping):
                merged[key] = _merge([merged.get(key, {}), value])
            else:
                merged[key] = value
    return merged


def check_settings(values: Mapping[str, Any]) -> Settings:
    """Make settings of nested values; those that are missing are defaults."""
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        # Deeper parts name a choice of types, which is no place in the settings.
        place = ".".join(str(part) for part in first["loc"][:2]) or "settings"
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            reason = "there is none of that name in this version of fastershift"
        elif first["input"] != first["input"]:
            reason = "it is not a number"
        elif len(first["loc"]) == 1 and first["type"] == "value_error":
            # Of several settings at once; the reason names them.
            raise InputError(f"These settings cannot be used: {reason}.") from error
        raise InputError(f"The setting {place} cannot be used: {reason}.") from error
    _check_switches(values, settings)
    return settings


def _check_switches(values: Mapping[str, Any], settings: Settings) -> None:
    """Refuse true and false for numbers, which would be 1 and 0."""
    for part, fields in values.items():
        for name, value in fields.items() if isinstance(fields, Mapping) else ():
            taken = getattr(getattr(settings, part), name)
            if isinstance(value, bool) and not isinstance(taken, bool):
                raise InputError(
                    f"The setting {part}.{name} cannot be used: it is not a switch."
                )


def resolve_settings(
    *,
    user: Mapping[str, Any] | None = None,
    file: Mapping[str, Any] | None = None,
    preset: str | None = None,
    card: Mapping[str, Any] | None = None,
) -> Settings:
    """Decide every value: user, then file, preset, model card, and default.

    Parameters
    ----------
    user, file, card : mapping, optional
        Nested as in the settings file, holding only what was set there
        (``{"cluster": {"bandwidth": 0.2}}``). With the profile ``"published"`` the
        values of the papers stand above the model card.
    preset : str, optional
        Name of a published data set, a key of `PRESETS`.

    Returns
    -------
    Settings
        With every field decided.

    Raises
    ------
    InputError
        For a value out of range, an unknown name or an unknown preset.
    """
    if preset is not None and preset not in PRESETS:
        known = ", ".join(sorted(PRESETS))
        raise InputError(f"There is no preset '{preset}'; choose one of {known}.")
    profile = (user or {}).get("profile") or (file or {}).get("profile") or "default"
    layers = [
        card or {},
        PUBLISHED if profile == "published" else {},
        PRESETS[preset] if preset else {},
        file or {},
        user or {},
        {"profile": profile},
    ]
    return check_settings(_merge(layers))
