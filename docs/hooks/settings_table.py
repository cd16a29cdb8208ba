"""Write the tables of settings into the pages, from `fastershift.config`.

A line ``<!-- settings: cluster -->`` becomes the table of that stage.
"""

import math
import re
from typing import Any, Literal, get_args, get_origin

from fastershift.config import SettingInfo, iter_settings

_MARK = re.compile(r"^<!-- settings: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page."""
    return _MARK.sub(lambda mark: settings_table(mark[1]), markdown)


def settings_table(stage: str) -> str:
    """Return the settings of a stage as a table, one row for each."""
    rows = [_row(info) for info in iter_settings() if info.stage == stage]
    if not rows:
        raise ValueError(f"There is no stage of settings called '{stage}'.")
    head = [
        "| name | in the widget | default | range | meaning |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _row(info: SettingInfo) -> str:
    symbol = f" ({info.symbol})" if info.symbol else ""
    cells = (
        f"`{info.name}`",
        f"{info.label}{symbol}",
        info.default_text,
        _range(info),
        info.help_text,
    )
    return f"| {' | '.join(cells)} |"


def _range(info: SettingInfo) -> str:
    if get_origin(info.kind) is Literal:
        return " or ".join(get_args(info.kind))
    ends = []
    if math.isfinite(info.low):
        ends.append(f"{'>' if info.above_low else '≥'} {info.low:,g}")
    if math.isfinite(info.high):
        ends.append(f"{'<' if info.below_high else '≤'} {info.high:,g}")
    return ", ".join(ends)
