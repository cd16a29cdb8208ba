"""Write the columns of measurements into the page, from `fastershift.measure`.

A line ``<!-- measurements -->`` becomes their table.
"""

from typing import Any

from fastershift.measure import Column, columns_of

_MARK = "<!-- measurements -->"
_UNITS = {
    "length": "µm",
    "area": "µm²",
    "time": "min",
    "speed": "µm/min",
    "degree": "°",
    "pixel": "pixel",
    "intensity": "grey value",
}
_ONLY = {
    "": "",
    "ring": " Only with `--ring`.",
    "drift": " Only with `--without-drift`.",
    "doubt": " Only where doubtful places were looked for.",
    "filled": " Only where there are any.",
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page."""
    return markdown.replace(_MARK, measurements_table())


def measurements_table() -> str:
    """Return the columns as a table, one row for each."""
    head = ["| column | unit | definition |", "|---|---|---|"]
    return "\n".join([*head, *map(_row, columns_of())])


def _row(column: Column) -> str:
    unit = _UNITS.get(column.quantity, "")
    return f"| `{column.name}` | {unit} | {column.definition}{_ONLY[column.asked]} |"
