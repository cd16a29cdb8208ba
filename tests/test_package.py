"""What holds for the package as a whole: its names, its metadata and its rooms."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from graphlib import TopologicalSorter
from importlib.util import find_spec
from pathlib import Path

import pytest

import fastershift

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "fastershift"
MODULES = sorted(SOURCE.rglob("*.py"))

# The picture in docs/architecture.md, from the ground up.
FLOORS = (
    {"errors", "compiled"},
    {"labels", "config", "simulate", "devices"},
    {"tracking", "meanshift", "rshn"},
    {"instances", "editing", "io"},
    {"pipeline", "evaluation", "measure"},
    {"session", "batch", "training"},
    {"plugin", "benchmark"},
    {"cli"},
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
# Private modules beside the rooms, and the room each is a part of.
ANNEXES = {
    "_compiled": "compiled",
    "_devices": "devices",
}


def relative(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


# Windows that are timed run in processes of their own.
WINDOWED = r"cli/|plugin/|benchmark/suites/_(timed_\w+|living)\.py"
WINDOWLESS = [path for path in MODULES if not re.match(WINDOWED, relative(path))]

# Most modules of a folder beside its __init__; every suite is a module.
MOST_MODULES = 16
SUITES = "benchmark/suites"

# Most lines of a function without its docstring.
MOST_LINES = 80


def room_of(dotted: str) -> str:
    """Name the room of ``fastershift.<room>...``; the package itself is ''."""
    _, _, rest = dotted.partition(".")
    name = rest.partition(".")[0]
    return ANNEXES.get(name, name)


def dotted_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree_of(path)))


@cache
def imports(path: Path) -> list[str]:
    """Name everything a module imports, wherever it does."""
    return list(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(dotted: str) -> str:
    """Name the folder of the plugin that a module lies in; '' beside the folders."""
    parts = dotted.split(".")
    is_part = (
        parts[:2] == ["fastershift", "plugin"]
        and (SOURCE / "plugin" / "".join(parts[2:3])).is_dir()
    )
    return parts[2] if is_part and len(parts) > 2 else ""


def rooms_used() -> dict[str, set[str]]:
    """Map each room to the other rooms it imports from."""
    used: dict[str, set[str]] = {}
    for path in MODULES:
        room = room_of(dotted_name(path))
        others = {room_of(name) for name in imports(path) if is_own(name)}
        used.setdefault(room, set()).update(others - {room})
    del used[""]
    return used


def is_own(name: str) -> bool:
    return name.partition(".")[0] == "fastershift"


def test_import_is_light():
    heavy = ("torch", "napari", "sklearn", "qtpy", "skimage", "numba", "scipy", "rich")
    code = (
        "import sys, fastershift, fastershift.cli; dir(fastershift); "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", fastershift.__all__)
def test_public_name_resolves(name):
    home = fastershift._HOMES.get(name)
    if home and find_spec(home) is None:
        pytest.skip(f"{home} does not exist yet")
    assert getattr(fastershift, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = fastershift.no_such_name


def test_modules_say_what_they_export():
    silent = set()
    for path in MODULES:
        body = tree_of(path).body
        targets = {
            ast.unparse(target)
            for node in body
            if isinstance(node, ast.Assign)
            for target in node.targets
        }
        code = ast.FunctionDef | ast.ClassDef | ast.ImportFrom
        if "__all__" not in targets and any(isinstance(node, code) for node in body):
            silent.add(relative(path))
    assert not silent


def test_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == fastershift.__version__
    assert not [
        relative(path)
        for path in MODULES
        if fastershift.__version__ in path.read_text(encoding="utf-8")
    ]


def test_changelog_and_citation_name_the_version():
    version = re.escape(fastershift.__version__)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {version}\b", changelog, re.MULTILINE)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: {version}$", citation, re.MULTILINE)


def test_manifest_at_the_root_is_the_real_one():
    at_root = ROOT / "napari.yaml"
    if sys.platform == "win32" and not at_root.is_symlink():
        pytest.skip("this checkout has no symbolic links")
    assert at_root.read_bytes() == (SOURCE / "napari.yaml").read_bytes()


def test_no_window_toolkit_is_forced_on_anyone():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = " ".join(project["project"]["dependencies"]).lower()
    assert not re.search(r"pyqt[56]|pyside|napari\[", required)


def test_every_module_has_a_room():
    assert {room_of(dotted_name(path)) for path in MODULES} - {""} <= set(FLOOR_OF)


def test_rooms_import_only_from_floors_below():
    upward = [
        f"{room} imports {other}"
        for room, others in rooms_used().items()
        for other in others
        if other and FLOOR_OF.get(other, len(FLOORS)) >= FLOOR_OF[room]
    ]
    assert not upward


def test_rooms_do_not_import_the_front_door():
    assert not [room for room, others in rooms_used().items() if "" in others]


def test_rooms_import_in_no_circle():
    list(TopologicalSorter(rooms_used()).static_order())


def test_rooms_are_entered_by_their_front():
    """What another room needs is listed in ``__init__``; all else may change."""
    assert not [
        f"{relative(path)} imports {name}"
        for path in MODULES
        for name in imports(path)
        if is_own(name)
        and room_of(name) != room_of(dotted_name(path))
        and "._" in name.split(".", 2)[-1]
    ]


def test_parts_of_the_plugin_import_in_no_circle():
    used: dict[str, set[str]] = {}
    for path in MODULES:
        if part := part_of(dotted_name(path)):
            others = {part_of(name) for name in imports(path)}
            used.setdefault(part, set()).update(others - {part, ""})
    assert not used["qt"]
    assert used["layers"] == {"qt"}
    list(TopologicalSorter(used).static_order())


def importing(paths: Sequence[Path], packages: set[str]) -> list[str]:
    """Name the modules that import one of some packages."""
    return [
        f"{relative(path)} imports {name}"
        for path in paths
        for name in imports(path)
        if name.partition(".")[0] in packages
    ]


def test_only_the_plugin_knows_the_window():
    window = {"magicgui", "napari", "pyqtgraph", "qtpy", "superqt", "PyQt6", "PySide6"}
    assert not importing(WINDOWLESS, window)


def test_no_pickle_is_ever_loaded():
    picklers = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
    assert not importing(MODULES, picklers)
    loading = set()
    for path in MODULES:
        for node in nodes_of(path):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load":
                loading.add(f"{relative(path)}: torch.load")
            allows = isinstance(node, ast.keyword) and node.arg == "allow_pickle"
            if allows and ast.unparse(node.value) != "False":
                loading.add(f"{relative(path)}: allow_pickle")
    assert not loading


@cache
def compiled_names(path: Path) -> set[str]:
    return {
        node.name
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef)
        and {"compiled", "compiled_as_written"}
        & {ast.unparse(one) for one in node.decorator_list}
    }


def test_compiled_functions_call_those_of_their_own_module_only():
    """What is kept of a compiled function is renewed with its own module alone."""
    outward = set()
    for path in MODULES:
        body, own = tree_of(path).body, compiled_names(path)
        if not own:
            continue
        imported = {
            alias.name
            for node in body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        others = (compiled_names(other) for other in MODULES if other != path)
        elsewhere = set().union(*others) & imported
        for node in body:
            if isinstance(node, ast.FunctionDef) and node.name in own:
                names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                if names & elsewhere:
                    outward.add(f"{relative(path)}:{node.name}")
    assert not outward


def test_modules_can_be_read_in_one_sitting():
    lines = {
        relative(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES
    }
    assert not {path: count for path, count in lines.items() if count > 450}


def test_only_the_command_line_knows_its_options():
    """A sentence does not know who shows it: options stand beside it."""
    told = re.compile(r"\(--\w|with --\w|then --\w")
    assert not [
        f"{relative(path)}: {node.value}"
        for path in MODULES
        if room_of(dotted_name(path)) not in ("cli", "benchmark")
        for node in nodes_of(path)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and told.search(node.value)
    ]


def names_given(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Name what statements of a module define, but for what depends on a condition.

    Overloads are one function, and what stands under ``if`` and ``try`` is an
    alternative.
    """
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        yield part.id
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and not any(
            ast.unparse(one) in ("overload", "typing.overload")
            for one in node.decorator_list
        ):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def test_a_name_of_a_module_means_one_thing():
    """The second of two constants with one name would silently replace the first."""
    twice = {
        relative(path): again
        for path in MODULES
        if (
            again := [
                name
                for name, count in Counter(names_given(tree_of(path).body)).items()
                if count > 1
            ]
        )
    }
    assert not twice


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("A = 1\nB = A\nA = 2", ["A"]),
        ("A: int = 1\n(A, B) = 1, 2", ["A"]),
        ("from x import f\ndef f(): pass", ["f"]),
        ("@overload\ndef f(): ...\ndef f(): pass", []),
        ("try:\n    A = 1\nexcept E:\n    A = 2\nif B:\n    A = 3", []),
        ("def f():\n    a = 1\n    a = 2", []),
        ("A = {}\nA['x'] = 1\nA['y'] = 2", []),
    ],
)
def test_names_that_are_given_twice_are_found(code, names):
    counts = Counter(names_given(ast.parse(code).body))
    assert [name for name, count in counts.items() if count > 1] == names


def test_a_slow_test_says_why():
    silent = [
        f"{path.name}: {line.strip()}"
        for path in Path(__file__).parent.rglob("test_*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\bmark\.slow\b(?!.*  # \w)", line)
    ]
    assert not silent


def test_tests_lie_where_the_code_lies():
    tests = Path(__file__).parent
    for path in tests.rglob("test_*.py"):
        folder = path.parent.relative_to(tests)
        # The catalogue of faults goes through all rooms.
        apart = folder.parts[:1] in (("helpers",), ("faults",))
        assert apart or (SOURCE / folder).is_dir(), path


def test_folder_can_be_taken_in_at_a_glance():
    counts = Counter(
        path.parent.relative_to(SOURCE).as_posix()
        for path in MODULES
        if path.name != "__init__.py"
    )
    del counts[SUITES]
    assert not {folder for folder, count in counts.items() if count > MOST_MODULES}


def lines_without_docstring(node: ast.FunctionDef) -> int:
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is not None:
        docstring = node.body[0]
        assert docstring.end_lineno is not None
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def test_function_fits_on_a_screen():
    """Compiled loops may be longer: numba compiles and keeps each on its own."""
    long = set()
    for path in MODULES:
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef) and (
                lines_without_docstring(node) > MOST_LINES
                and node.name not in compiled_names(path)
            ):
                long.add(f"{relative(path)}:{node.name}")
    assert not long
