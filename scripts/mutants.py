"""Show which small mistakes the tests of a room would notice.

    python scripts/mutants.py editing --number 32

Each mutant is a copy of the package with one operator, constant or condition changed.
The tests of the room run on it until one fails; mutants that none of them notices are
listed. The seed decides which mutants are tried. Compiled loops are changed like any
other code.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Always in the same place, so that code compiled for one mutant serves the next.
WORK = ROOT / ".mutants"
SOURCE = WORK / "src" / "fastershift"

OPERATORS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Mutant:
    """A module in which one node is another."""

    path: Path
    node: ast.expr | ast.AugAssign
    changed: str

    def source(self) -> bytes:
        """Return the whole module with the change."""
        lines = self.path.read_bytes().splitlines(keepends=True)
        first, last = self.node.lineno - 1, self.node.end_lineno - 1
        before = lines[first][: self.node.col_offset]
        after = lines[last][self.node.end_col_offset :]
        lines[first : last + 1] = [before + self.changed.encode() + after]
        return b"".join(lines)

    def __str__(self) -> str:
        place = f"{self.path.relative_to(WORK)}:{self.node.lineno}"
        return f"{place}: {ast.unparse(self.node)}  ->  {self.changed}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    for node in code_below(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If | ast.While | ast.IfExp) and isinstance(
            node.test, ast.Name | ast.Attribute | ast.Call
        ):
            yield Mutant(path, node.test, f"(not {ast.unparse(node.test)})")
        elif changed := with_a_mistake(node):
            text = ast.unparse(changed)
            # In brackets, so that operators around it bind as before.
            yield Mutant(
                path, node, f"({text})" if isinstance(node, ast.expr) else text
            )


def code_below(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that do something: neither types and decorators nor sentences."""
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                yield child
                yield from code_below(child)


def with_a_mistake(node: ast.AST) -> ast.AST | None:
    """Return a node with another operator or constant; None where it has neither."""
    changed = copy.copy(node)
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in OPERATORS:
            changed.ops = [OPERATORS[type(operator)]()]
        case (
            ast.BinOp(op=operator)
            | ast.AugAssign(op=operator)
            | ast.BoolOp(op=operator)
        ) if type(operator) in OPERATORS:
            changed.op = OPERATORS[type(operator)]()
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            changed = operand
        case ast.Constant(value=bool(value)):
            changed.value = not value
        case ast.Constant(value=int(value) | float(value)):
            changed.value = value + 1
        case _:
            return None
    return changed


def command(room: str) -> list[str]:
    """Return the command that runs the tests of a room until one fails."""
    tests = ROOT / "tests" / room
    if not tests.is_dir():
        tests = ROOT / "tests" / f"test_{room}.py"
    if not tests.exists():
        sys.exit(f"There are no tests of '{room}' in {ROOT / 'tests'}.")
    pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    if room.startswith("plugin"):
        return [str(ROOT / ".ci" / "with-screen"), *pytest, str(tests)]
    return [*pytest, "-m", "not gui and not slow and not faults", str(tests)]


def passes(room: str, seconds: float | None = None) -> bool:
    """Run the tests of a room on the copy; False when one fails or time runs out."""
    paths = {
        "PYTHONPATH": str(WORK / "src"),
        "NUMBA_CACHE_DIR": str(WORK / "compiled"),
        "OMP_NUM_THREADS": "1",
    }
    try:
        run = subprocess.run(
            command(room),
            cwd=ROOT,
            env=os.environ | paths,
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("room", help="for example editing, evaluation, plugin/correct")
    parser.add_argument("--number", type=int, default=32, help="mutants to try")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    shutil.rmtree(WORK / "src", ignore_errors=True)
    shutil.copytree(ROOT / "src" / "fastershift", SOURCE)
    room = SOURCE / options.room
    paths = sorted(room.rglob("*.py")) if room.is_dir() else [room.with_suffix(".py")]
    every = [mutant for path in paths for mutant in mutants_of(path)]
    random.seed(options.seed)
    tried = random.sample(every, min(options.number, len(every)))

    print(f"Tests of '{options.room}' without a mistake ...", flush=True)
    if not passes(options.room):  # the first time, loops are compiled
        sys.exit("They fail; mend them first.")
    started = time.monotonic()
    passes(options.room)
    patience = 60 + 4 * (time.monotonic() - started)

    noticed = 0
    for mutant in tried:
        unchanged = mutant.path.read_bytes()
        times = mutant.path.stat()
        mutant.path.write_bytes(mutant.source())
        survived = passes(options.room, patience)
        mutant.path.write_bytes(unchanged)
        os.utime(mutant.path, ns=(times.st_atime_ns, times.st_mtime_ns))
        noticed += not survived
        print(f"{'NOT NOTICED' if survived else 'noticed':12} {mutant}", flush=True)
    print(f"{options.room}: noticed {noticed} of {len(tried)} (of {len(every)}).")


if __name__ == "__main__":
    main()
