"""Print how much of each room the tests run, from the data of ``make coverage``.

Beside it stands how many lines of tests there are to a line of source.
"""

import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).parents[1]
SOURCE, TESTS = ROOT / "src" / "fastershift", ROOT / "tests"
COUNTED = ("covered_branches", "num_branches", "covered_lines", "num_statements")


def room_of(module: Path) -> str:
    """Name the room of a module; a folder in a room is one, too."""
    folder = module.relative_to(SOURCE).parent
    return "/".join(folder.parts[:2]) if folder.parts else module.stem


def lines(path: Path) -> int:
    """Count the lines of a module, or of all modules in a folder."""
    if path.is_dir():
        return sum(lines(module) for module in path.glob("*.py"))
    return path.read_text(encoding="utf-8").count("\n") if path.exists() else 0


def main() -> None:
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        coverage = Coverage(data_file=ROOT / ".coverage")
        coverage.load()
        coverage.json_report(outfile=report.name)
        files = json.loads(Path(report.name).read_text(encoding="utf-8"))["files"]
    rooms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, found in files.items():
        module = (ROOT / name).resolve()
        rooms[room_of(module)] += Counter(
            {key: found["summary"][key] for key in COUNTED} | {"source": lines(module)}
        )
    print(f"{'room':24} branches  statements  test lines per source line")
    for room, counted in sorted(rooms.items()):
        tests = lines(TESTS / room) or lines(TESTS / f"test_{room}.py")
        print(
            f"{room:24}"
            f" {_share(counted['covered_branches'], counted['num_branches']):>8}"
            f" {_share(counted['covered_lines'], counted['num_statements']):>11}"
            f" {tests / counted['source']:>8.2f}"
        )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


if __name__ == "__main__":
    main()
