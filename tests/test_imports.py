"""The order of imports: data flows one way, and a module imports only from its left."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import archcalc

PACKAGE = Path(archcalc.__file__).parent

# From left to right.  A package stands for its modules, which may import each other, but not in a circle.
LINE = """
    diagnostics volume text precision align catalogue fingerprint output config blocks fold
    nodes quoting yaml_errors source suppress expression integers values units figures misfit receptive run arrays
    layers suggest notation starters graph joins cursor pattern entries names steps counting expand compiler general
    extends training definitions input document
    specfile write liveness analyze convert diff arena ordering autograd plan checkpointing fitting against verify
    quantities expect schema advice rules architecture fix baseline formats testing commands cli __main__ pytest_plugin
"""
ORDER = LINE.split()

# What is wanted only at a wish of the user, through a function of something further left.
DOORS = {
    ("analyze", "formats"),  # a Report shows itself in a notebook and gives its records
}


class Imports(NamedTuple):
    """Whom a module imports when it is imported, and whom only its functions and the type checker do."""

    eager: set[str]
    lazy: set[str]


def read(folder: Path) -> dict[str, Imports]:
    """The imports between the modules of a package; its root, which has no name here, is ''."""
    files = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found = {}
    for name, path in files.items():
        one = found[name] = Imports(set(), set())
        for node, lazy in statements(ast.parse(path.read_text(encoding="utf-8")).body):
            for target in targets(node, folder.name, files):
                (one.lazy if lazy else one.eager).add(target)
            if not lazy and isinstance(node, ast.For) and "import_module" in ast.dump(node):  # a package finds its own
                one.eager.update(other for other in files if other.startswith(f"{name}."))
    return found


def statements(body: list[ast.stmt], lazy: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Every statement, and whether it runs later than the module, or never."""
    for node in body:
        yield node, lazy
        later = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        later = later or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        inner = [one for field in ("body", "orelse", "finalbody") for one in getattr(node, field, [])]
        inner += [one for handler in getattr(node, "handlers", []) for one in handler.body]
        yield from statements(inner, later)


def targets(node: ast.stmt, package: str, files: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, "imports are absolute"
        whole = [f"{node.module}.{alias.name}" for alias in node.names]
        names = [one if one.removeprefix(f"{package}.") in files else node.module or "" for one in whole]
    else:
        return
    for name in names:
        if name == package or name.startswith(f"{package}."):
            yield name.removeprefix(package).removeprefix(".")


def wrong(modules: dict[str, Imports], order: list[str], doors: set[tuple[str, str]]) -> list[str]:
    """What is imported from the right, and doors that nobody uses."""
    place = {name: number for number, name in enumerate(order)}
    found, used = [], set()
    for name, one in modules.items():
        unit = name.split(".")[0]
        for lazy, other in [(False, one) for one in one.eager] + [(True, one) for one in one.lazy]:
            target = other.split(".")[0]
            if not unit or not target or unit == target or place[target] < place[unit]:
                continue
            if lazy and (unit, target) in doors:
                used.add((unit, target))
            else:
                found.append(f"{name} imports {other} from its right")
    return sorted(found + [f"nobody uses the door from {one} to {other}" for one, other in doors - used])


MODULES = read(PACKAGE)


def test_every_module_has_its_place() -> None:
    assert {name.split(".")[0] for name in MODULES} - {""} == set(ORDER), "say in ORDER where it stands"


def test_a_module_imports_only_from_its_left() -> None:
    assert wrong(MODULES, ORDER, DOORS) == []


def test_there_are_no_circles() -> None:
    TopologicalSorter({name: one.eager for name, one in MODULES.items()}).prepare()
    doors = {name: {to for to in one.lazy if (name, to.split(".")[0]) not in DOORS} for name, one in MODULES.items()}
    doors[""] = set()  # the root names what it imports when asked
    TopologicalSorter({name: one.eager | doors[name] for name, one in MODULES.items()}).prepare()


def test_the_root_imports_nothing() -> None:
    """`import archcalc` stays cheap; so does pytest, which imports the plugin at every start."""
    assert MODULES[""].eager == MODULES["pytest_plugin"].eager == set()


def test_the_graph_is_read() -> None:
    assert "diagnostics" in MODULES["source"].eager
    assert "quoting" in MODULES["yaml_errors"].lazy
    assert "layers.conv" in MODULES["layers"].eager
    assert "analyze" in MODULES["formats"].lazy
    assert MODULES["cli"].eager == {"", "commands._common", "diagnostics"}


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("import house.b\nif TYPE_CHECKING:\n    from house import c\n")
    (package / "b.py").write_text("try:\n    from house.a import x\nexcept ImportError:\n    pass\n")
    (package / "c.py").write_text("def f():\n    from house import a, b\n")
    modules = read(package)
    assert modules["a"] == Imports({"b"}, {"c"})
    assert modules["b"] == Imports({"a"}, set())
    assert modules["c"] == Imports(set(), {"a", "b"})
    assert wrong(modules, ["a", "b", "c"], {("a", "c")}) == ["a imports b from its right"]
    assert wrong(modules, ["b", "a", "c"], {("b", "c")}) == [
        "a imports c from its right",
        "b imports a from its right",
        "nobody uses the door from b to c",
    ]
    with pytest.raises(CycleError):
        TopologicalSorter({name: one.eager for name, one in modules.items()}).prepare()
