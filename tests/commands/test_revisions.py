"""Specs as git has them: what is read, what is refused, and that nothing of a repository runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from runner import CliRunner

import archcalc
from archcalc.cli import cli
from archcalc.language.revision import named_revision
from archcalc.reader.text import MAX_BYTES

OLD, NEW = (f"input: 8x8x3\nlayers: [CONV3-{filters}p1]\n" for filters in (4, 8))
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")

if shutil.which("git") is None:
    pytest.skip("no git", allow_module_level=True)


def git(*words: str) -> None:
    subprocess.run([*GIT, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """net.yaml as it was and is, and a folder with a spec that extends another."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "repository"
    (folder / "nets").mkdir(parents=True)
    monkeypatch.chdir(folder)
    git("init", "--quiet", ".")
    (folder / "net.yaml").write_text(OLD)
    (folder / "nets" / "base.yaml").write_text(OLD)
    (folder / "nets" / "wide.yaml").write_text("extends: base\nappend: [RELU]\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    (folder / "net.yaml").write_text(NEW)
    (folder / "nets" / "base.yaml").write_text(NEW)
    return folder


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, words, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value, result.stdout, result.stderr


def test_diff_with_what_was_committed(repository: Path) -> None:
    code, out, err = run("diff", "HEAD:net.yaml", "net.yaml")
    assert (code, err) == (1, "")
    assert out.startswith("- HEAD:net.yaml\n+ net.yaml\n")
    assert "conv1 CONV3-4: filters 4 -> 8" in out
    assert run("diff", "HEAD:net.yaml", "HEAD:net.yaml")[0] == 0


def test_what_is_extended_is_of_the_same_revision(repository: Path) -> None:
    """3*3*3*4 + 4 parameters as committed, not the 3*3*3*8 + 8 of the files."""
    for spec in ("HEAD:nets/wide.yaml", "HEAD:./nets/wide.yaml"):
        assert f"{spec}: ok [8x8x3] -> [8x8x4], 112 params" in run("check", spec)[1]
    assert "[8x8x3] -> [8x8x8], 224 params" in run("check", "nets/wide.yaml")[1]


def test_paths_are_from_the_current_folder(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "nets")
    assert "112 params" in run("check", "HEAD:wide.yaml")[1]
    assert "112 params" in run("check", "HEAD:../net.yaml")[1]


@pytest.mark.parametrize("revision", ["HEAD", "HEAD~0", "HEAD^{commit}", "HEAD@{0}", "@"])
def test_revisions_as_git_writes_them(repository: Path, revision: str) -> None:
    assert "112 params" in run("check", f"{revision}:net.yaml")[1]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("HEAD:none.yaml", "there is no none.yaml at HEAD"),
        ("HEAD:nets", "it is a folder at HEAD"),
        ("HEAD:../outside.yaml", "../outside.yaml is outside of the repository"),
        ("HEAD~7:net.yaml", "git knows no revision HEAD~7"),
        ("nope:net.yaml", "git knows no revision nope"),
        ("HEAD:/net.yaml", "No such file or directory"),
        ("HEAD:", "No such file or directory"),
        ("--output=x:net.yaml", "No such file or directory"),
        ("HEAD:net\n.yaml", "a path at a revision has no control characters"),
    ],
)
def test_what_cannot_be_read(repository: Path, spec: str, reason: str) -> None:
    code, out, err = run("check", "--", spec)
    shown = spec.replace("\n", "\\x0a")
    assert (code, out, err) == (2, "", f"archcalc: cannot read {shown}: {reason}\n")


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    reason = "the current folder is in no git repository"
    assert run("check", "HEAD:net.yaml") == (2, "", f"archcalc: cannot read HEAD:net.yaml: {reason}\n")


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = (2, "", "archcalc: cannot read HEAD:net.yaml: git is not installed\n")
    monkeypatch.setenv("PATH", str(repository / "nets"))
    assert run("check", "HEAD:net.yaml") == missing
    program = repository / "git"  # one that came with the checkout
    program.write_text(f"#!/bin/sh\ntouch {repository}/ran\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(repository))
    assert run("check", "HEAD:net.yaml") == missing
    assert not (repository / "ran").exists()


def test_a_file_of_that_name_comes_first(repository: Path) -> None:
    (repository / "HEAD:net.yaml").write_text(NEW)
    assert "224 params" in run("check", "HEAD:net.yaml")[1]
    assert named_revision("zoo:vgg16") is named_revision("torch:a:b") is None


def test_the_limit_of_a_spec_holds(repository: Path) -> None:
    (repository / "large.yaml").write_text("#" * (MAX_BYTES + 10))
    git("add", "large.yaml")
    git("commit", "--quiet", "--message", "large")
    code, out, _ = run("check", "HEAD:large.yaml")
    assert code == 1
    assert out.startswith("HEAD:large.yaml")
    assert "1 MiB" in out or "1,048,576" in out


def test_nothing_of_the_repository_runs(repository: Path) -> None:
    """Hooks, filters, textconv, pagers, monitors and programs that transports name: each would leave a file."""
    ran = repository / "ran"
    program = repository.parent / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    (repository / ".gitattributes").write_text("*.yaml filter=bad diff=bad\n")
    for setting in (
        "filter.bad.smudge",
        "filter.bad.clean",
        "diff.bad.textconv",
        "diff.bad.command",
        "diff.external",
        "core.fsmonitor",
        "core.pager",
        "pager.cat-file",
        "core.sshCommand",
        "core.editor",
        "credential.helper",
        "alias.cat-file",
    ):
        git("config", setting, str(program))
    git("config", "remote.origin.url", f"ext::{program}")
    git("config", "remote.origin.promisor", "true")
    git("config", "remote.origin.partialclonefilter", "blob:none")
    hooks = repository / ".git" / "hooks"
    for name in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(program, hooks / name)
    assert "112 params" in run("check", "HEAD:net.yaml")[1]
    name = subprocess.run(
        [*GIT, "rev-parse", "HEAD:nets/base.yaml"], check=True, capture_output=True, text=True
    ).stdout.strip()
    ran.unlink(missing_ok=True)
    os.unlink(repository / ".git" / "objects" / name[:2] / name[2:])  # as in a partial clone
    code, _, err = run("check", "HEAD:nets/base.yaml")
    assert (code, err[:42]) == (2, "archcalc: cannot read HEAD:nets/base.yaml:")
    assert not ran.exists()


def test_the_python_api_runs_no_git(repository: Path) -> None:
    with pytest.raises(Exception, match="No such file or directory"):
        archcalc.load("HEAD:net.yaml")


def test_subprocess_is_not_imported_for_a_file(repository: Path) -> None:
    code = "import sys; from archcalc.cli import cli; cli(['check', 'net.yaml'], standalone_mode=False); print('subprocess' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.endswith("False\n")
