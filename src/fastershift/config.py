"""Settings of every stage: one default, one range and one help text per parameter.

The widget, the command line, the documentation and the provenance stored with each
result are generated from these models.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from fastershift._setting import Stage, Usual
from fastershift._settings import (
    ClusterSettings,
    EmbedSettings,
    Precision,
    Profile,
    Settings,
    TrackSettings,
)
from fastershift._settings_input import (
    COLOURS,
    PROJECTIONS,
    UNNAMED_AXES,
    InputSettings,
)
from fastershift.errors import InputError

__all__ = [
    "COLOURS",
    "PRESETS",
    "PROJECTIONS",
    "UNNAMED_AXES",
    "ClusterSettings",
    "EmbedSettings",
    "InputSettings",
    "Precision",
    "Profile",
    "Settings",
    "TrackSettings",
    "explain_value",
    "iter_settings",
    "load_settings",
    "resolve_settings",
    "save_settings",
]

#: What the published method does otherwise.
_PUBLISHED: dict[str, Any] = {
    "profile": "published",
    "embed": {
        "window": 8,
        "tile": 256,
        "tile_overlap": 128,
        "precision": "float32",
    },
    "cluster": {
        "bandwidth": 0.1,
        "mean": "raw",
        "reseed": False,
        "min_cluster_size": 1,
        "coordinate_weight": 0.005,
        "local_modes": False,
        "join_alike": False,
        "split_large": False,
        "carry_seeds": True,
    },
    "track": {"merge_tiles": True},
}


def _preset(
    size: tuple[int, int],
    smallest: int,
    border: int,
    dilation: int,
    search: int,
    shortest: int = 2,
    zoom: float = 1.0,
) -> dict[str, Any]:
    return {
        "embed": {"network_size": size, "zoom": zoom},
        "track": {
            "smallest_cell_pixels": smallest,
            "border": border,
            "parent_dilation": dilation,
            "division_search": search,
            "shortest_track": shortest,
        },
    }


#: Constants the RSHN authors used per data set (network width × height first).
PRESETS: Mapping[str, dict[str, Any]] = {
    "DIC-C2DH-HeLa": _preset((256, 256), 500, 50, 0, 8),
    "Fluo-C2DL-MSC": _preset((256, 256), 100, 50, 0, 8, zoom=0.95),
    "Fluo-N2DH-GOWT1": _preset((512, 512), 100, 50, 5, 2),
    "Fluo-N2DH-SIM+": _preset((512, 512), 100, 0, 5, 2),
    "Fluo-N2DL-HeLa": _preset((1100, 700), 50, 25, 3, 2),
    "PhC-C2DH-U373": _preset((512, 384), 500, 50, 0, 8),
    "PhC-C2DL-PSC": _preset((720, 576), 50, 25, 0, 2, shortest=5),
}


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
    'Windows this large join neighbouring cells.'
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


def _validated(values: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        # Deeper parts name a choice of types, which is no place in the settings.
        place = ".".join(str(part) for part in first["loc"][:2]) or "settings"
        reason = first["msg"].removeprefix("Value error, ")
        raise InputError(f"The setting {place} cannot be used: {reason}.") from error


def resolve_settings(
    *,
    user: Mapping[str, Any] | None = None,
    file: Mapping[str, Any] | None = None,
    preset: str | None = None,
    card: Mapping[str, Any] | None = None,
    profile: Profile = "default",
) -> Settings:
    """Decide every value: user, then file, preset, model card, and default.

    Parameters
    ----------
    user, file, card : mapping, optional
        Nested as in the settings file, holding only what was set there
        (``{"cluster": {"bandwidth": 0.2}}``).
    preset : str, optional
        Name of a published data set, a key of `PRESETS`.
    profile : {"default", "published"}
        With ``"published"`` the values of the papers stand above the model card.

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
    profile = (user or {}).get("profile") or (file or {}).get("profile") or profile
    layers = [
        card or {},
        _PUBLISHED if profile == "published" else {},
        PRESETS[preset] if preset else {},
        file or {},
        user or {},
        {"profile": profile},
    ]
    return _validated(_merge(layers))


def load_settings(path: str | Path) -> dict[str, Any]:
    """Read a settings file.

    Parameters
    ----------
    path : str or Path
        A TOML file as `save_settings` writes it; it may hold any part of the settings.

    Returns
    -------
    dict
        Nested values, checked, holding only what the file sets.

    Raises
    ------
    InputError
        When the file is missing, is not TOML or holds an unusable value.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"There is no settings file at {path}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as a settings file: {error}."
        ) from error
    values.pop("provenance", None)
    _validated(values)
    return values


def save_settings(
    settings: Settings | Mapping[str, Any],
    path: str | Path,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write settings as TOML.

    Parameters
    ----------
    settings : Settings or mapping
        What to write; a mapping may hold any part of the settings.
    path : str or Path
        Target file; replaced whole or not at all.
    provenance : mapping, optional
        What made the result (versions, model hash, input); written as a table of its
        own that `load_settings` skips.
    """
    path = Path(path)
    if isinstance(settings, Settings):
        values = settings.model_dump(mode="json", exclude_none=True)
    else:
        values = dict(settings)
    if provenance:
        values["provenance"] = dict(provenance)
    partial = path.with_name(path.name + ".part")
    partial.write_text(tomli_w.dumps(values), encoding="utf-8")
    partial.replace(path)
