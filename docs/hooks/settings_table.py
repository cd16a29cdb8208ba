"""Write the tables of settings into the pages, from `fastershift.config`.

A line ``<!-- settings: cluster -->`` becomes the table of that stage.
"""

import re
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from fastershift.config import iter_settings

_MARK = re.compile(r"^<!-- settings: (\w+) -->$", re.MULTILINE)
_SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page."""
    return _MARK.sub(lambda mark: settings_table(mark[1]), markdown)


def settings_table(stage: str) -> str:
    """Return the settings of a stage as a table, one row for each."""
    rows = [
        _row(name, field) for owner, name, field in iter_settings() if owner == stage
    ]
    if not rows:
        raise ValueError(f"There is no stage of settings called '{stage}'.")
    head = [
        "| name | in the widget | default | range | meaning |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _row(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    symbol = f" ({extra['symbol']})" if extra["symbol"] else ""
    default = "none" if field.default is None else _plain(field.default)
    if extra["unit"] and isinstance(field.default, int | float):
        default += f" {extra['unit']}"
    cells = (
        f"`{name}`",
        f"{extra['label']}{symbol}",
        default,
        _range(field),
        field.description or "",
    )
    return f"| {' | '.join(cells)} |"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _range(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " or ".join(get_args(field.annotation))
    return ", ".join(
        f"{sign} {getattr(bound, name):,}"
        for bound in field.metadata
        for name, sign in _SIGNS.items()
        if hasattr(bound, name)
    )
