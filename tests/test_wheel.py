"""The wheel, built and installed as a user gets it, outside the checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True)
    return folder


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed / "site")}
    return subprocess.run(
        [sys.executable, "-P", str(installed / "site" / "bin" / "archcalc"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=installed,
        env=environment,
    )


def test_the_zoo_travels_in_the_wheel(installed: Path) -> None:
    result = run(installed, "report", "zoo:vgg16", "--format", "cs231n")
    assert result.returncode == 0, result.stderr
    assert "TOTAL params: 138,344,128 weights + 13,416 biases = 138,357,544" in result.stdout
    assert (
        str(installed)
        in subprocess.run(
            [sys.executable, "-P", "-c", "import archcalc; print(archcalc.__file__)"],
            check=True,
            capture_output=True,
            text=True,
            cwd=installed,
            env={**os.environ, "PYTHONPATH": str(installed / "site")},
        ).stdout
    )


def test_a_broken_spec_from_the_wheel(installed: Path) -> None:
    result = run(installed, "check", "INPUT[10x10x3] -> CONV3-4s2")
    assert result.returncode == 1
    assert "error[AC201]: conv1 does not fit: output width would be 4.5" in result.stdout


def test_the_wheel_holds_every_file(installed: Path) -> None:
    (wheel,) = installed.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "archcalc").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected <= names
    assert {f"archcalc/specs/{path.name}" for path in (ROOT / "specs").glob("*.yaml")} <= names


def test_the_pytest_plugin_is_found(installed: Path) -> None:
    (installed / "wrong.yaml").write_text("input: 10x10x3\nlayers: [conv: {filters: 4, kernel_size: 3, stride: 2}]\n")
    result = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--archcalc", "wrong.yaml"],
        check=False,
        capture_output=True,
        text=True,
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed / "site")},
    )
    assert result.returncode == 1, result.stderr
    assert "\nwrong.yaml:2:53: error[AC201]: conv1 does not fit: output width would be 4.5\n" in result.stdout


def test_only_what_a_command_needs_is_imported(installed: Path) -> None:
    code = """
import sys
from click.testing import CliRunner
from archcalc.cli import cli
result = CliRunner().invoke(cli, sys.argv[1:])
print(*(name for name in ("numpy", "rich", "json", "pathlib", "dataclasses") if name in sys.modules))
"""

    def imported(*arguments: str) -> list[str]:
        environment = {**os.environ, "PYTHONPATH": str(installed / "site")}
        out = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            check=True,
            capture_output=True,
            text=True,
            cwd=installed,
            env=environment,
        ).stdout
        return out.split()

    assert "rich" not in imported("check", "zoo:vgg16")
    assert "rich" not in imported("check", "--format", "json", "zoo:vgg16")
    assert "rich" not in imported("report", "zoo:vgg16")
    assert "rich" in imported("plan", "zoo:vgg16")
    assert "numpy" not in imported("report", "zoo:vgg16")


def built(source: Path, folder: Path, target: str, epoch: str = "1700000000") -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)],
        check=True,
        capture_output=True,
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
    )
    (path,) = folder.iterdir()
    return path


def test_the_sdist_is_the_repository_and_makes_the_same_wheel_to_the_byte(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    sdist = built(ROOT, tmp_path / "sdist", "sdist")
    assert sdist.read_bytes() == built(ROOT, tmp_path / "again", "sdist").read_bytes()
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    listed = subprocess.run(["git", "ls-files"], check=False, capture_output=True, text=True, cwd=ROOT)
    if listed.returncode == 0:  # the sdist's own tests have no repository
        assert set(listed.stdout.splitlines()) <= files | {".gitignore"}

    wheel = built(ROOT, tmp_path / "wheel", "wheel").read_bytes()
    assert wheel == built(unpacked, tmp_path / "from_sdist", "wheel").read_bytes()
    assert wheel != built(ROOT, tmp_path / "later", "wheel", "1800000000").read_bytes()  # the time is told, not taken
