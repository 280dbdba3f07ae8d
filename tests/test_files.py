"""Files of a repository that may be hostile: links that lead out of it, FIFOs, devices, names that say something."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archcalc import load
from archcalc.files import Unreadable, check_links, read_bounded, same_file, shown_path
from archcalc.language.specfile import SpecUnavailable
from archcalc.output import OutputError, write_whole

GOOD = "input: 8x8x3\nlayers: [CONV3-4p1 -> RELU]\n"
SECRET = "root:x:0:0:secret\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, the current folder, beside which a secret lies."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "passwd").write_text(SECRET)
    (tmp_path / "secret" / "good.yaml").write_text(GOOD)
    inside = tmp_path / "repository"
    (inside / ".git").mkdir(parents=True)
    (inside / "specs").mkdir()
    (inside / "specs" / "good.yaml").write_text(GOOD)
    monkeypatch.chdir(inside)
    return inside


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "archcalc", *arguments]
    root = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=root, **options)  # type: ignore[call-overload, no-any-return]


LEADS_OUT = "it is a link that leads out of its repository"


@pytest.mark.parametrize("form", ["text", "json", "github", "gitlab", "sarif", "junit"])
def test_a_link_out_of_the_repository_is_not_read(repository: Path, form: str) -> None:
    (repository / "specs" / "link.yaml").symlink_to("../../secret/passwd")
    result = run("check", "specs", "--format", form)
    assert result.returncode == 2
    assert result.stderr == f"archcalc: cannot read specs/link.yaml: {LEADS_OUT}\n"
    assert "root" not in result.stdout


@pytest.mark.parametrize("command", ["check", "report", "plan", "verify", "fix", "convert", "diff"])
def test_no_command_follows_it(repository: Path, command: str) -> None:
    (repository / "specs" / "link.yaml").symlink_to("../../secret/good.yaml")
    options = {"convert": ["--fc-to-conv"], "diff": ["zoo:lenet5"]}.get(command, [])
    result = run(command, "specs/link.yaml", *options)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"archcalc: cannot read specs/link.yaml: {LEADS_OUT}\n"


def test_a_folder_that_is_a_link(repository: Path) -> None:
    (repository / "linked").symlink_to("../secret")
    for path in ("linked/good.yaml", "specs/../linked/good.yaml", str(repository / "linked" / "good.yaml")):
        with pytest.raises(SpecUnavailable, match=LEADS_OUT):
            load(path)
    (repository / "specs" / "deep").symlink_to("/")
    assert run("check", "specs").returncode == 0  # walking follows no link


def test_links_inside_are_followed(repository: Path) -> None:
    (repository / "link.yaml").symlink_to("specs/good.yaml")
    (repository / "folder").symlink_to("specs")
    (repository / "twice.yaml").symlink_to("folder/good.yaml")
    for path in ("link.yaml", "folder/good.yaml", "twice.yaml"):
        assert load(path).analyze().complete


def test_a_repository_that_is_reached_by_a_link(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(repository)
    assert load(tmp_path / "way" / "specs" / "good.yaml").analyze().complete
    assert run("check", "specs", cwd=tmp_path / "way").returncode == 0


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "good.yaml").write_text(GOOD)
    link = tmp_path / "here" / "link.yaml"
    link.symlink_to("../there/good.yaml")
    monkeypatch.chdir(tmp_path)  # the current folder holds both
    assert load("here/link.yaml").analyze().complete
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(SpecUnavailable, match="it is a link that leads out of its folder"):
        load("link.yaml")
    check_links("link.yaml", anywhere=False)
    (tmp_path / "way").symlink_to("there")
    assert load(tmp_path / "way" / "good.yaml").analyze().complete


def test_links_of_the_system() -> None:
    assert run("check", "/dev/stdin", input=GOOD).returncode == 0


def test_a_baseline_is_read_under_a_bound(repository: Path) -> None:
    os.mkfifo("fifo")
    Path("zero").symlink_to("/dev/zero")
    Path("large").write_bytes(b" " * (5 << 20))
    Path("secret").symlink_to("../secret/passwd")
    for name, why in [
        ("fifo", "fifo is no baseline: it is not JSON"),
        ("/dev/zero", "/dev/zero is no baseline: it has more than 4,194,304 bytes"),
        ("zero", f"cannot read zero: {LEADS_OUT}"),
        ("large", "large is no baseline: it has more than 4,194,304 bytes"),
        ("secret", f"cannot read secret: {LEADS_OUT}"),
        ("a\nb", "cannot read a\\x0ab: No such file or directory"),
    ]:
        result = run("check", "specs", "--baseline", name)
        assert (result.returncode, result.stdout, result.stderr) == (2, "", f"archcalc: {why}\n")


def test_a_configuration_is_a_file_of_the_repository(repository: Path) -> None:
    Path("pyproject.toml").symlink_to("../secret/passwd")
    result = run("check", "specs")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"archcalc: cannot read {repository}/pyproject.toml: {LEADS_OUT}\n"


def test_a_folder_whose_name_is_a_command(tmp_path: Path) -> None:
    folder = tmp_path / "a\n::error::b"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[tool.archcalc]\nselct = []\n")
    result = run("check", "zoo:lenet5", "--format", "github", cwd=folder)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "a\\x0a::error::b/pyproject.toml: [tool.archcalc] has no key 'selct'" in result.stderr


def test_a_current_folder_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    script = f'mkdir -p "{gone}" && cd "{gone}" && rmdir "{gone}" && exec "{sys.executable}" -P -m archcalc "$@"'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

    def there(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-c", script, "-", *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)

    pattern = "INPUT[8x8x3] -> CONV3-4p1"
    for arguments in (
        ["check", pattern],
        ["report", pattern],
        ["plan", "zoo:lenet5"],
        ["check", pattern, "--format", "sarif"],
    ):
        result = there(*arguments)
        assert (result.returncode, result.stderr) == (0, ""), arguments
    result = there("check", "spec.yaml")
    assert (result.returncode, result.stderr) == (2, "archcalc: cannot read spec.yaml: No such file or directory\n")
    result = there("new", "net")
    assert (result.returncode, result.stderr) == (2, "archcalc: cannot write net.yaml: no file can be made there\n")


def test_what_is_written_does_not_leave_the_repository(repository: Path, tmp_path: Path) -> None:
    (repository / "out").symlink_to("../secret")
    with pytest.raises(OutputError) as raised:
        write_whole("out/report.sarif", "x")
    assert str(raised.value) == "cannot write out/report.sarif: its folder is a link that leads out of the repository"
    assert not (tmp_path / "secret" / "report.sarif").exists()
    (repository / "inside").symlink_to("specs")
    write_whole("inside/report.sarif", "x")
    assert (repository / "specs" / "report.sarif").read_text() == "x"


def test_no_output_over_what_is_read(repository: Path) -> None:
    Path("specs/base.yaml").write_text(GOOD)
    Path("specs/more.yaml").write_text("extends: base\nlayers: [CONV3-8p1]\n")
    Path("link.yaml").symlink_to("specs/good.yaml")
    Path("known.json").write_text('{"schema_version": 1, "findings": []}')
    before = {path: path.read_text() for path in repository.rglob("*") if path.is_file()}
    spec, checked = "specs/good.yaml", "is a spec that is checked; write to another file"
    for arguments, message in [
        ([spec, "-o", spec], f"--output: {spec} {checked}"),
        ([spec, "-o", f"./{spec}"], f"--output: ./{spec} {checked}"),
        (["specs", "-o", spec], f"--output: {spec} {checked}"),
        ([spec, "-o", "link.yaml"], f"--output: link.yaml {checked}"),
        ([spec, "--write-baseline", spec], f"--write-baseline: {spec} {checked}"),
        ([spec, "-o", "new", "--write-baseline", "./new"], "--output and --write-baseline name one file, new"),
        ([spec, "-o", "known.json", "--baseline", "known.json"], "--output: known.json is the baseline; write to another file"),
        (["specs/more.yaml", "-o", "specs/base.yaml"], "--output: specs/base.yaml is a spec that another one extends; write to another file"),
        (["specs/more.yaml", "--write-baseline", "specs/base.yaml"], "--write-baseline: specs/base.yaml is a spec that another one extends; write to another file"),
    ]:  # fmt: skip
        result = run("check", *arguments)
        assert result.returncode == 2, arguments
        assert result.stderr.splitlines()[-1] == f"Error: {message}"
        assert {path: path.read_text() for path in repository.rglob("*") if path.is_file()} == before
    result = run("convert", "--fc-to-conv", spec, "-o", spec)
    assert result.returncode == 2
    assert result.stderr.endswith(f"--output: {spec} is the spec itself; write to another file\n")
    written = run("check", spec, "-o", "out.txt", "--write-baseline", "new.json")
    assert (written.returncode, json.loads(Path("new.json").read_text())["findings"]) == (0, [])


def test_reading_and_comparing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bounded(str(tmp_path / "a"), 3) == b"1234"
    for path, why in [
        (str(tmp_path), "it is a folder"),
        ("a\0b", "embedded null"),
        (str(tmp_path / "b"), "No such file"),
    ]:
        with pytest.raises(Unreadable, match=why):
            read_bounded(path, 3)
    assert same_file(str(tmp_path / "b"), f"{tmp_path}/x/../b")
    assert not same_file(str(tmp_path / "a"), str(tmp_path / "b"))
    assert not same_file(str(tmp_path / "a"), "a\0b")
    assert shown_path("a\u202eb\x1b[31m é") == "a\\x202eb\\x1b[31m é"
