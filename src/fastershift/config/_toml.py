"""Settings files: TOML, whole or in part."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from fastershift.config._resolve import check_settings
from fastershift.config._settings import Settings
from fastershift.errors import InputError, check_ordinary

__all__ = ["load_settings", "save_settings"]

#: Bytes of a settings file, and many times more.
_LONGEST = 2**22


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
    check_ordinary(path)
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise InputError(f"{path} is too long for a settings file; check the name.")
        values = tomllib.loads(content.decode("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"There is no settings file at {path}.") from error
    except RecursionError as error:
        raise InputError(
            f"{path} is nested too deeply for a settings file; write a new one."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as a settings file: {error}."
        ) from error
    values.pop("provenance", None)
    check_settings(values)
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
    # Names of files may hold what no text can.
    partial.write_text(tomli_w.dumps(values), encoding="utf-8", errors="replace")
    partial.replace(path)
