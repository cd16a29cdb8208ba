"""The pages say what the code does."""

import re
import tomllib
from pathlib import Path

import pytest

from fastershift.config import iter_settings, resolve_settings

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
ON_OFF = {"True": "on", "False": "off"}


def shown(value):
    return ON_OFF.get(str(value), str(value))


def departures():
    """Map each setting in which the profiles differ to both of its values."""
    published, default = (
        resolve_settings(user={"profile": name}) for name in ("published", "default")
    )
    found = {}
    for info in iter_settings():
        pair = [
            getattr(getattr(each, info.stage), info.name)
            for each in (published, default)
        ]
        if pair[0] != pair[1]:
            found[info.name] = tuple(map(shown, pair))
    return found


def test_method_page_lists_every_departure_with_its_values():
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    section = page.partition("## Departures")[2].partition("\n## ")[0]
    rows = re.findall(
        r"^\| `(\w+)` \| (\S+) \| (\S+) \| (.+?) \|", section, re.MULTILINE
    )
    assert {name: (published, default) for name, published, default, _ in rows} == (
        departures()
    )


def test_readme_begins_with_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```bash\n(.*?)```", readme, re.DOTALL)
    assert block
    commands = [line.partition("#")[0].strip() for line in block[1].splitlines()]
    assert commands == ["make demo", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_file_in_a_page_can_be_loaded(page):
    blocks = re.findall(
        r"^```toml\n(.*?)^```",
        page.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    for block in blocks:
        resolve_settings(file=tomllib.loads(block))
