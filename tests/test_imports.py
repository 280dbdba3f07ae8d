"""The order of imports: data flows one way, and a module imports only from its left."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import archcalc

PACKAGE = Path(archcalc.__file__).parent

# The rooms, upper ones first, as CONTRIBUTING.md draws them.  A room's modules may import each other, but not in a circle.
HOUSE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```house\n")[1]
ORDER = [
    name.rstrip("/") for line in HOUSE.split("```")[0].splitlines() for name in re.split(r"\s{2,}", line)[0].split()
]


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


def wrong(modules: dict[str, Imports], order: list[str]) -> list[str]:
    """What is imported from further down."""
    place = {name: number for number, name in enumerate(order)}
    found = []
    for name, one in modules.items():
        unit = name.split(".")[0]
        for other in one.eager | one.lazy:
            target = other.split(".")[0]
            if unit and target and unit != target and place[target] > place[unit]:
                found.append(f"{name} imports {other}, which stands further down")
    return sorted(found)


MODULES = read(PACKAGE)
RECORDS = {"analysis.records", "analysis.notebook"}  # a Report gives its records and shows itself


def test_every_module_has_its_place() -> None:
    assert {name.split(".")[0] for name in MODULES} - {""} == set(ORDER), "say in CONTRIBUTING.md where it stands"


def test_every_room_says_what_it_is_for() -> None:
    for room in (path.parent for path in PACKAGE.glob("*/__init__.py")):
        assert len((ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or "").splitlines()) >= 3, (
            room
        )


def test_a_module_imports_only_from_above() -> None:
    assert wrong(MODULES, ORDER) == []


def test_there_are_no_circles() -> None:
    TopologicalSorter({name: one.eager for name, one in MODULES.items()}).prepare()
    later = {name: one.lazy for name, one in MODULES.items() if name}  # the root names what it imports when asked
    TopologicalSorter({name: one.eager | (later.get(name, set()) - RECORDS) for name, one in MODULES.items()}).prepare()


def test_the_root_imports_nothing() -> None:
    """`import archcalc` stays cheap; so does pytest, which imports the plugin at every start."""
    assert MODULES[""].eager == MODULES["pytest_plugin"].eager == set()


def test_the_graph_is_read() -> None:
    assert "diagnostics" in MODULES["reader.source"].eager
    assert "reader.quoting" in MODULES["reader.yaml_errors"].lazy
    assert "layers.conv" in MODULES["layers"].eager
    assert "analysis.analyze" in MODULES["formats"].lazy
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
    assert wrong(modules, ["c", "a", "b"]) == [
        "a imports b, which stands further down",
        "c imports a, which stands further down",
        "c imports b, which stands further down",
    ]
    with pytest.raises(CycleError):
        TopologicalSorter({name: one.eager for name, one in modules.items()}).prepare()
