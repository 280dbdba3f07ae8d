"""What other repositories use: the pre-commit hook and the GitHub action."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[2]
GOOD = "input: 8x8x3\nlayers: [CONV3-4p1 -> RELU]\n"
BAD = "input: 224x224x3\nlayers: [CONV11-96s4]\n"


# -- the action --------------------------------------------------------------------------------------


def action() -> dict[str, Any]:
    read = yaml.safe_load((ROOT / "action.yml").read_text())
    assert isinstance(read, dict)
    return read


def test_the_action_is_one() -> None:
    schema = json.loads((ROOT / "tests" / "schemas" / "github-action.json").read_text())
    Draft7Validator(schema).validate(action())


def test_inputs_reach_scripts_as_variables_only() -> None:
    """An input inside of a script's text would be run as a part of it."""
    for step in action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout, with archcalc where the action's installation puts it."""
    programs = tmp_path / "temporary" / "archcalc" / "bin"
    programs.mkdir(parents=True)
    program = programs / "archcalc"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m archcalc "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    checkout = tmp_path / "checkout"
    (checkout / "specs").mkdir(parents=True)
    (checkout / ".git").touch()
    (checkout / "specs" / "good.yaml").write_text(GOOD)
    (checkout / "two words.yaml").write_text(BAD)
    return checkout


def act(workspace: Path, name: str = "Check", **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step as the runner does: in the checkout."""
    described = action()
    (step,) = (one for one in described["runs"]["steps"] if one.get("name") == name)
    values = {name: str(one["default"]) for name, one in described["inputs"].items()} | inputs
    values |= {"github.event.pull_request.number": "7", "github.repository": "somebody/nets"}
    values["github.action_path"] = str(workspace.parent / "archcalc-1-py3-none-any.whl")
    environment = {
        name: values[text.removeprefix("${{ ").removeprefix("inputs.").removesuffix(" }}")]
        for name, text in step["env"].items()
    }
    bash = shutil.which("bash")
    assert bash
    return subprocess.run(
        [bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        check=False,
        capture_output=True,
        text=True,
        cwd=workspace,
        env={
            **os.environ,
            **environment,
            "RUNNER_TEMP": str(workspace.parent / "temporary"),
            "GITHUB_STEP_SUMMARY": str(workspace.parent / "summary.md"),
            "PATH": f"{workspace.parent}{os.pathsep}{os.environ['PATH']}",
        },
    )


def test_the_action_checks_specs(workspace: Path) -> None:
    result = act(workspace)
    assert (result.returncode, result.stdout) == (0, "archcalc: specs: 1, error: 0, warning: 0, info: 0\n")


def test_the_action_shows_problems(workspace: Path) -> None:
    result = act(workspace, specs="specs\n\ntwo words.yaml\n")
    assert result.returncode == 1
    assert result.stdout.startswith("::error file=two words.yaml,line=2,endLine=2,col=20,")


def test_the_action_leaves_a_report(workspace: Path) -> None:
    result = act(workspace, **{"specs": "two words.yaml", "sarif-file": "out.sarif"})
    assert result.returncode == 1
    (run,) = json.loads((workspace / "out.sarif").read_text())["runs"]
    assert [one["ruleId"] for one in run["results"]] == ["AC201"]


def test_the_action_takes_its_other_inputs(workspace: Path) -> None:
    assert act(workspace, **{"specs": "two words.yaml", "fail-on": "never"}).returncode == 0
    assert act(workspace, baseline="missing.json").returncode == 2
    assert act(workspace, specs="").returncode == 2


def test_nothing_in_an_input_is_run(workspace: Path) -> None:
    hostile = '$(touch ran)`touch ran`"; touch ran; "\n--help'
    for step in ("Summary", "Check"):
        for name in ("specs", "fail-on", "baseline", "sarif-file", "summary", "comment"):
            act(workspace, step, **{name: hostile})
    (workspace.parent / "gh").symlink_to("/bin/true")
    act(workspace, "Comment", token=hostile, comment=hostile)
    assert not list(workspace.parent.rglob("ran"))


def test_the_action_writes_a_summary(workspace: Path) -> None:
    """What is found is there before the step that it fails."""
    steps = [one.get("name") for one in action()["runs"]["steps"]]
    assert steps.index("Summary") < steps.index("Comment") < steps.index("Check") == len(steps) - 1
    result = act(workspace, "Summary", specs="specs\ntwo words.yaml")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    summary = (workspace.parent / "summary.md").read_text()
    assert summary.startswith("### archcalc: 1 error\n\n<table>\n")
    assert "<tr><td><code>two words.yaml:2:20</code></td><td><code>error[AC201]: conv1 does not fit" in summary
    assert "<code>[8x8x3] -&gt; [8x8x4], 112 params, 6.91K MACs, 448 activations</code>" in summary
    act(workspace, "Summary", summary="false", comment="true")
    assert (workspace.parent / "summary.md").read_text() == summary


GH = """#!{python}
import json, os, sys
from pathlib import Path
log = Path({log!r})
words = sys.argv[1:]
body = next((Path(one.partition("@")[2]).read_text() for one in words if one.startswith("body=@")), "")
with log.open("a") as file:
    file.write(json.dumps([words, body, os.environ["GH_TOKEN"]]) + "\\n")
if "--jq" in words and {known!r}:
    print({known!r})
sys.exit({code})
"""


def gh(workspace: Path, *, known: str = "", code: int = 0) -> Path:
    """GitHub's program, which writes down what it is asked to do."""
    log = workspace.parent / "gh.log"
    program = workspace.parent / "gh"
    program.write_text(GH.format(python=sys.executable, log=str(log), known=known, code=code))
    program.chmod(0o755)
    return log


@pytest.mark.parametrize(
    ("known", "last"),
    [
        ("", ["--method", "POST", "repos/somebody/nets/issues/7/comments"]),
        ("41\n42", ["--method", "PATCH", "repos/somebody/nets/issues/comments/41"]),
    ],
)
def test_the_action_writes_one_comment(workspace: Path, known: str, last: list[str]) -> None:
    log = gh(workspace, known=known)
    act(workspace, "Summary", specs="two words.yaml")
    result = act(workspace, "Comment", token="t0ken")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    asked, written = (json.loads(line) for line in log.read_text().splitlines())
    assert asked[0][:3] == ["api", "--paginate", "repos/somebody/nets/issues/7/comments"]
    assert asked[0][4].startswith('.[] | select(.user.type == "Bot" and (.body | startswith("<!-- archcalc')
    assert written[0] == ["api", *last, "--field", "body=@archcalc/comment.md"]
    assert written[1].startswith("<!-- archcalc: the findings of this pull request -->\n### archcalc: 1 error\n")
    assert written[2] == "t0ken"


def test_a_comment_that_may_not_be_written_fails_nothing(workspace: Path) -> None:
    gh(workspace, code=1)
    act(workspace, "Summary")
    result = act(workspace, "Comment")
    warning = "::warning title=archcalc::no comment was written; the job needs permissions: pull-requests: write\n"
    assert (result.returncode, result.stdout) == (0, warning)


def test_comments_are_asked_for(workspace: Path) -> None:
    (comment,) = (one for one in action()["runs"]["steps"] if one.get("name") == "Comment")
    assert comment["if"] == "inputs.comment == 'true' && github.event_name == 'pull_request'"
    assert action()["inputs"]["comment"]["default"] == "false"
    assert "pull-requests: write" in action()["inputs"]["comment"]["description"]


def test_a_summary_holds_no_markup_of_a_spec(workspace: Path) -> None:
    """A table of HTML without an empty line, in which Markdown reads nothing; every text of a spec in `code`."""
    name = "a</code></td><img src=x onerror=alert(1)>@team #1 [b](http:x) `c` <!--.yaml"
    (workspace / "specs" / name.replace("/", "\u2215")).write_text(
        'input: 8x8x3\nlayers: [FC-2: "</table>\\n\\n# big"]\n'
    )
    (workspace / "specs" / "more.yaml").write_text("input: 8x8x3\n'</table><h1>': 1\nlayers: ['CONV<b>@x']\n")
    act(workspace, "Summary")
    summary = (workspace.parent / "summary.md").read_text()
    for table in re.findall(r"<table>\n.*?</table>\n\n", summary, re.DOTALL):
        inside = table.removeprefix("<table>\n").removesuffix("</table>\n\n")
        assert "\n\n" not in inside
        assert set(re.findall(r"</?[a-z!][^>]*>", inside)) <= {
            "<tr>", "</tr>", "<th align='left'>", "</th>", "<td>", "</td>", "<code>", "</code>", "<br>",
        }  # fmt: skip
        for text in re.split(r"<code>.*?</code>", inside):
            assert "@" not in text
    assert summary.count("<table>") == 2
    assert "&lt;img src=x" in summary
    assert "&lt;h1&gt;" in summary


def test_no_file_of_a_pull_request_runs(workspace: Path) -> None:
    """Python puts the current folder first where it looks for modules; the installation shall not look there."""
    for name in ("venv", "pip", "ensurepip", "os", "sitecustomize", "usercustomize", "archcalc"):
        (workspace / f"{name}.py").write_text(f"open({str(workspace / 'ran')!r}, 'w').close()\nraise SystemExit(3)\n")
    with zipfile.ZipFile(workspace.parent / "archcalc-1-py3-none-any.whl", "w") as wheel:
        about = "archcalc-1.dist-info"
        wheel.writestr("archcalc_installed.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: archcalc\nVersion: 1\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    installed = act(workspace, "Install archcalc")
    assert installed.returncode == 0, installed.stderr
    assert list((workspace.parent / "temporary" / "archcalc").rglob("archcalc_installed.py"))
    assert act(workspace).returncode == 0
    assert not (workspace / "ran").exists()


# -- the hook ----------------------------------------------------------------------------------------


def hook() -> dict[str, Any]:
    (one,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert isinstance(one, dict)
    return one


def test_the_hook_is_a_command_of_ours() -> None:
    command, *arguments = hook()["entry"].split()
    assert command == "archcalc"
    subprocess.run([sys.executable, "-m", "archcalc", *arguments, "zoo:vgg16"], check=True)


def test_the_hook_is_valid() -> None:
    pytest.importorskip("pre_commit")
    subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")], check=True
    )


def test_the_hook_in_another_repository(tmp_path: Path) -> None:
    """`pre-commit try-repo` installs this repository as a user's pre-commit would; it needs the package index."""
    pytest.importorskip("pre_commit")
    if not (ROOT / ".git").exists():
        pytest.skip("no repository to try")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "good.yaml").write_text(GOOD)
    (tmp_path / "other.yaml").write_text("not: a spec\n")

    def tried() -> subprocess.CompletedProcess[str]:
        subprocess.run([*git, "add", "."], cwd=tmp_path, check=True)
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "try-repo", str(ROOT), "archcalc", "--all-files"],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / ".git" / "home")},
        )

    passed = tried()
    assert passed.returncode == 0, passed.stdout + passed.stderr
    (tmp_path / "specs" / "bad.yaml").write_text(BAD)
    failed = tried()
    assert failed.returncode == 1
    assert "specs/bad.yaml:2:20: error[AC201]: conv1 does not fit: output width would be 54.25" in failed.stdout
