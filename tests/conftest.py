"""Hypothesis without a clock, and goldens: outputs in tests/goldens, written anew by `pytest --update-goldens`."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# What is slow on a busy machine is not wrong; benchmarks measure time.
settings.register_profile("archcalc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("gate", settings.get_profile("archcalc"), derandomize=True)  # the same examples in every run
settings.register_profile("quick", settings.get_profile("gate"), max_examples=15)  # while working
no_shrinking = [one for one in Phase if one is not Phase.shrink]
settings.register_profile("mutants", settings.get_profile("quick"), phases=no_shrinking, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("gate" if os.environ.get("CI") else "archcalc"))

pytest_plugins = ["pytester"]

GOLDENS = Path(__file__).parent / "goldens"

Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write the goldens anew instead of comparing")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests, in whatever terminal, sees the same outputs."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "ARCHCALC_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(name, text)`: text is what tests/goldens/<name> holds."""
    update = request.config.getoption("--update-goldens")

    def compare(name: str, text: str) -> None:
        path = GOLDENS / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert path.is_file(), f"{path} is missing; pytest --update-goldens writes it"
        assert text == path.read_bytes().decode()

    return compare
