"""Settings files: TOML, whole or in part."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from fastershift.config._resolve import check_settings
from fastershift.config._settings import Settings
from fastershift.errors import InputError, check_ordinary

__all__ = ["load_settings", "save_settings", "without_none"]

#: Bytes of a settings file, and many times more.
_LONGEST = 2**22

_NOT_UTF_8 = (
    "cannot be read as a settings file, as its text is in another encoding than "
    "UTF-8; open it in an editor and save it as UTF-8."
)

#: What a result in a folder calls its settings.
_IN_RESULT = "settings.toml"

#: A line such as ``bandwidth = 0,1``, which TOML never allows.
_COMMA = re.compile(r"\s*(\w+)\s*=\s*([-+]?\d+),(\d+)\s*(#.*)?")


def load_settings(path: str | Path) -> dict[str, Any]:
    """Read a settings file.

    Parameters
    ----------
    path : str or Path
        A TOML file as `save_settings` writes it; it may hold any part of the settings.
        Or the folder of a result, whose settings are taken.

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
    if path.is_dir():
        path /= _IN_RESULT
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise InputError(f"{path} is too long for a settings file; check the name.")
        # Editors of Windows put a mark before the text.
        text = content.decode("utf-8-sig")
        values = tomllib.loads(text)
    except FileNotFoundError as error:
        raise InputError(f"There is no settings file at {path}.") from error
    except RecursionError as error:
        raise InputError(
            f"{path} is nested too deeply for a settings file; write a new one."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} {_NOT_UTF_8}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} {_what_is_wrong(text, error)}") from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read as a settings file: {error}."
        ) from error
    values.pop("provenance", None)
    check_settings(values)
    return values


def _what_is_wrong(text: str, error: tomllib.TOMLDecodeError) -> str:
    """Say what keeps a text from being TOML, after the name of the file."""
    if "\0" in text:
        # As of UTF-16 without a mark at its start.
        return _NOT_UTF_8
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _COMMA.fullmatch(line):
            name, whole, part, _ = found.groups()
            return (
                f"cannot be read as a settings file: there is a comma in line {number},"
                f" '{line.strip()}'; numbers have a decimal point, so write {name} = "
                f"{whole}.{part}."
            )
    return f"cannot be read as a settings file: {error}."


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
        settings = settings.model_dump(mode="json")
    values = without_none(settings)
    if provenance:
        values["provenance"] = dict(provenance)
    partial = path.with_name(path.name + ".part")
    # Names of files may hold what no text can.
    partial.write_text(tomli_w.dumps(values), encoding="utf-8", errors="replace")
    partial.replace(path)


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not set, as a settings file does.

    Parameters
    ----------
    values : mapping
        Nested settings.

    Returns
    -------
    dict
    """
    return {
        name: without_none(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value is not None
    }
