"""The pytest plugin: spec files as tests, and the fixture `architecture`.

pytest imports this module at every start, so it imports nothing of archcalc before something is used.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from archcalc.architecture import Architecture, Examination, Spec
    from archcalc.testing import Tested


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("archcalc")
    group.addoption(
        "--archcalc",
        action="store_true",
        dest="archcalc_specs",
        help="Test every .yaml and .yml file that is come across as a ConvNet architecture.",
    )
    parser.addini("archcalc_specs", "Patterns of files to test as ConvNet architectures, like specs/*.yaml", "args")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "SpecFile | None":
    config = parent.config
    wanted = config.option.archcalc_specs and file_path.suffix in (".yaml", ".yml")
    if wanted or any(file_path.match(pattern) for pattern in config.getini("archcalc_specs")):
        return SpecFile.from_parent(parent, path=file_path)
    return None


class SpecFile(pytest.File):
    """A spec; its one test is that it has no errors and meets what it expects."""

    def collect(self) -> Iterable["SpecItem"]:
        yield SpecItem.from_parent(self, name="architecture")


class SpecItem(pytest.Item):
    def runtest(self) -> None:
        from archcalc.testing import findings

        found = self.examined()
        if not found.ok:
            raise Rejected(findings(found))
        if found.diagnostics:
            self.add_report_section("call", "archcalc", findings(found))

    def examined(self) -> "Examination":
        """The spec, with the findings that the project wants to see, as `archcalc check` shows them."""
        from archcalc.diagnostics import Unusable
        from archcalc.language.specfile import SpecUnavailable
        from archcalc.project.config import find_configuration
        from archcalc.testing import examination

        try:
            configuration = find_configuration(str(self.config.rootpath))
            select = None if configuration.select is None else configuration
            found = examination(self.path, select=select)
        except (SpecUnavailable, Unusable) as error:
            raise Rejected(str(error)) from None
        kept = tuple(one for one in found.diagnostics if configuration.keeps(str(self.path), one))
        return found._replace(path=_shown(self.path), diagnostics=kept)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Rejected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"architecture of {_shown(self.path)}"


class Rejected(Exception):
    """A spec that is not right; says why in full, so that no traceback is needed."""


@pytest.fixture(scope="session")
def architecture(pytestconfig: pytest.Config) -> Callable[..., "Tested"]:
    """`architecture("specs/net.yaml", output="1x1x1000", params="<= 26M")` loads a spec and asserts what it is,
    and `.matches(model)` that a PyTorch model is the same.

    The function is archcalc.testing.assert_architecture, with paths that count from pytest's root.
    """
    from archcalc.language.specfile import is_path
    from archcalc.testing import assert_architecture

    def located(spec: Any) -> Any:
        named = isinstance(spec, str | os.PathLike) and is_path(spec)
        return _shown(pytestconfig.rootpath / spec) if named else spec

    def load(spec: "Spec", *, same_as: "Spec | Architecture | None" = None, **options: Any) -> "Tested":
        __tracebackhide__ = True
        return assert_architecture(located(spec), same_as=located(same_as), **options)

    return load


def _shown(path: Path) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:  # on another drive
        return os.fspath(path)
