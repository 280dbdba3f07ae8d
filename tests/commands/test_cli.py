"""The command line as a stranger uses it: exit codes, streams, widths."""

import subprocess
import sys
from pathlib import Path

import pytest

SPEC = "input: 32x32x3\nvars: {width: 8}\nlayers: [CONV3-($width)p1 -> RELU -> FC-10]\n"


def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    clean = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "archcalc", *arguments],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        env={**clean, **environment},
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("check", "zoo:vgg16", "--input", "foo"), 2, "Invalid value for '--input': `foo` is no volume"),
        (("check", "zoo:vgg16", "--set", "width"), 2, "--set takes NAME=WHOLE_NUMBER, not 'width'"),
        (("check", "zoo:vgg16", "--set", "width=3"), 2, "archcalc: --set: zoo:vgg16: the spec has no variable width; it has none"),
        (("report", "nothing.yaml"), 2, "archcalc: cannot read nothing.yaml: No such file or directory"),
        (("report", "vgg16"), 2, "archcalc: there is no file vgg16; did you mean zoo:vgg16?"),
        (("report", "zoo:resnet500"), 2, "archcalc: the zoo has no resnet500; did you mean resnet50?"),
        (("report", "zoo:../vgg16"), 2, "archcalc: the zoo has no ../vgg16; did you mean vgg16?"),
        (("report", "zoo:vgg16", "--batch", "0"), 2, "a whole number from 1 to 2,147,483,647, not '0'"),
        (("nothing",), 2, "No such command 'nothing'"),
        (("check",), 2, "Missing argument 'SPEC...'"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_exit_2(arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_one_spec_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(SPEC)
    bad.write_text("input: 10x10x3\nlayers: [CONV3-4s2]\n")
    result = run("check", str(tmp_path / "none.yaml"), str(bad), str(good))
    assert result.returncode == 2
    assert f"{bad}:2:18: error[AC201]: conv1 does not fit: output width would be 4.5" in result.stdout
    assert f"{good}: ok [32x32x3] -> [1x1x10]" in result.stdout
    assert "No such file" in result.stderr


def test_a_folder_stands_for_its_specs(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", ".hidden.txt", "sub/c.yaml", ".git/d.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(SPEC)
    names = [line.split(":")[0].rpartition("/")[2] for line in run("check", str(tmp_path)).stdout.splitlines()]
    assert names == ["a.yml", "b.yaml", "c.yaml", "3 specs"]


def test_standard_input_and_variables() -> None:
    assert "[1x1x10], 10 params" not in run("check", "-", stdin=SPEC).stdout
    narrow, wide = (run("report", "-", "-f", "csv", "--set", f"width={n}", stdin=SPEC).stdout for n in (8, 16))
    assert ",CONV3-8," in narrow
    assert ",CONV3-16," in wide


def test_a_spec_that_fails_is_shown_as_far_as_it_goes() -> None:
    result = run("report", "INPUT[224x224x3] -> CONV3-8p1 -> CONV11-96s4 -> FC-10")
    assert result.returncode == 1
    assert "conv1" in result.stdout
    assert "conv2" in result.stdout
    assert "fc1" not in result.stdout
    assert "incomplete: 2 of 4 layers" in result.stdout
    assert "error[AC201]" in result.stderr
    assert run("report", "INPUT[10x10x3] -> CONV3-4s2", "-f", "json").stdout == ""


@pytest.mark.parametrize("columns", ["40", "80", "100", "120", "200"])
def test_the_table_keeps_within_the_terminal(columns: str) -> None:
    result = run("report", "zoo:vgg16", COLUMNS=columns)
    assert max(map(len, result.stdout.splitlines())) <= max(int(columns), 72)
    assert "138.4M" in result.stdout


def test_color_only_where_it_is_wanted() -> None:
    assert "\x1b[" not in run("report", "zoo:vgg16").stdout
    assert "\x1b[" in run("report", "zoo:vgg16", FORCE_COLOR="1").stdout
    assert "\x1b[" not in run("report", "zoo:vgg16", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_an_ascii_terminal_gets_ascii() -> None:
    result = run("report", "zoo:vgg16", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert result.returncode == 0
    assert result.stdout.isascii()


def test_a_bug_is_one_line_and_exit_70(tmp_path: Path) -> None:
    code = (
        "import archcalc.architecture as a, archcalc.cli, sys\n"
        "a.examine = lambda *x, **y: 1 // 0\n"
        "sys.argv = ['archcalc', 'check', 'zoo:vgg16']\n"
        "archcalc.cli.main()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 70
    assert result.stderr.startswith("archcalc: a bug: ZeroDivisionError")
    assert "Traceback" not in result.stderr


def test_findings_are_never_cut_in_silence() -> None:
    spec = "input: 9x9x3\nlayers:\n" + "".join(f"  - relu: {{a{number}: 1}}\n" for number in range(120))
    for command in ("report", "plan", "verify"):
        assert run(command, "-", stdin=spec).stderr.endswith(
            "<stdin>: and 20 more like these; archcalc check --format json has all\n"
        )


def test_no_docstrings_no_catalogue() -> None:
    result = subprocess.run(
        [sys.executable, "-OO", "-m", "archcalc", "rule"], check=False, capture_output=True, text=True
    )
    message = "archcalc: it cannot run without docstrings; run Python without -OO\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", message)


def test_a_zip_application_is_refused_in_a_line(tmp_path: Path) -> None:
    from zipfile import ZipFile

    import archcalc

    package = Path(archcalc.__file__).parent
    with ZipFile(tmp_path / "archcalc.pyz", "w") as file:
        for path in package.rglob("*.py"):
            file.write(path, path.relative_to(package.parent))
        file.writestr("__main__.py", "from archcalc.cli import main\nmain()\n")
    command = [sys.executable, "-P", str(tmp_path / "archcalc.pyz"), "check", "zoo:vgg16"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    message = "archcalc: it cannot run from inside a zip file; install it, or unpack the file\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", message)
