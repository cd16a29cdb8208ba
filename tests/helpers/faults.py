"""The table of faults: what is wrong, where it is met, and what must come of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastershift.errors import FastershiftError

__all__ = ["Outcome", "Row", "Want", "checksums", "command", "hold"]

#: What must come of a fault: one plain sentence, a right result, or either of them.
#: In every case no file of the user is changed.
Want = Literal["sentence", "right", "either"]

#: What must not be said: the words of the last resort, and of Python.
_LAST_RESORT = ("Something unexpected", "Traceback", "Error:", "object at 0x")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    fault : str
        What is wrong; one name for one fault.
    place : str
        Where it is met: Python, command or window.
    want : Want
        What must come of it.
    make : callable
        Writes what is faulty below a folder, and returns it.
    use : callable
        Uses it, as a person in that place does; returns what must be true of it.
    """

    fault: str
    place: str
    want: Want
    make: Callable[[Path], Any]
    use: Callable[[Any, Path], bool]

    def __str__(self) -> str:
        return f"{self.fault} | {self.place}"


@dataclass(frozen=True)
class Outcome:
    """What came of a fault."""

    said: str | None
    right: bool


def checksums(folder: Path) -> dict[str, str]:
    """Remember every file below a folder."""
    return {
        str(one.relative_to(folder)): hashlib.sha256(one.read_bytes()).hexdigest()
        for one in sorted(folder.rglob("*"))
        if one.is_file()
    }


def command(*words: Any, capture: Any) -> None:
    """Give a command in this process; what it says becomes an error as in Python."""
    from fastershift.cli import main

    code: Any = 0
    try:
        main([str(word) for word in words])
    except SystemExit as ended:
        code = ended.code
    said = capture.readouterr()
    if not code:
        return
    last = said.err.strip().splitlines()[-1]
    assert code in (1, 2), f"ends with {code}"
    assert last.startswith("fastershift: "), last
    raise FastershiftError(last.removeprefix("fastershift: "))


def hold(row: Row, folder: Path) -> Outcome:
    """Meet a fault, and check what the table says of it."""
    mine = folder / "mine"
    mine.mkdir()
    faulty = row.make(mine)
    before = checksums(mine)
    said, right = None, False
    try:
        right = row.use(faulty, folder)
    except FastershiftError as error:
        said = str(error)
    assert checksums(mine) == before, "a file of the user was changed"
    if said is not None:
        assert not any(word in said for word in _LAST_RESORT), said
        assert "\n" not in said.strip(), said
        assert said.strip().endswith((".", ")", "'", '"')), said
        assert len(said) > 20, said
    if row.want == "sentence":
        assert said is not None, "nothing was said"
    elif row.want == "right":
        assert said is None, said
        assert right, "the result is wrong"
    else:
        assert said is not None or right, "the result is wrong, and nothing was said"
    return Outcome(said, right)
