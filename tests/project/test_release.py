"""What a release needs: one place that says where the project lives, and a workflow that cannot be moved from under it."""

import re
import runpy
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import archcalc

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLACE = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]
OWNED = PLACE["repository"].removeprefix("https://github.com/")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# How a text names the repository, the site, and a version of it.
MENTIONS = [
    (re.compile(r"(?<=github\.com/)[\w.-]+/archcalc\b"), OWNED),
    (re.compile(r"(?<=uses: )[\w.-]+/archcalc(?=@)"), OWNED),
    (re.compile(r"https://[\w.-]+\.github\.io/archcalc/"), PLACE["documentation"]),
    (re.compile(rf"(?<=uses: {re.escape(OWNED)}@)v[\w.]+|(?<=rev: )v[\w.]+"), f"v{archcalc.__version__}"),
]
TEXTS = [ROOT / "README.md", ROOT / "CITATION.cff", ROOT / "CONTRIBUTING.md", *ROOT.glob("README.*.md")]
TEXTS += [*ROOT.glob("docs/*.md"), *ROOT.glob("mkdocs*.yml")]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_the_repository_and_the_version_are_what_pyproject_says(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")
    expected = text
    for mention, wanted in MENTIONS:
        expected = mention.sub(wanted, expected)
    if request.config.getoption("--update-goldens") and text != expected:
        path.write_text(expected, encoding="utf-8")
        text = expected
    assert text == expected, "pytest --update-goldens tests/project/test_release.py writes it anew"
    assert "OWNER" not in text


def test_a_move_is_seen_everywhere() -> None:
    moved = "see https://github.com/somebody/archcalc/issues\n- uses: another/archcalc@v0.0.1\n  rev: v0.0.1\n"
    for mention, wanted in MENTIONS:
        moved = mention.sub(wanted, moved)
    version = archcalc.__version__
    assert moved == f"see {PLACE['repository']}/issues\n- uses: {OWNED}@v{version}\n  rev: v{version}\n"


def test_the_registry_page_needs_no_file_beside_it() -> None:
    pytest.importorskip("hatchling")
    absolute = runpy.run_path(str(ROOT / "hatch_build.py"))["absolute"]
    text = "![picture](.github/a.svg) [page](docs/a.md#b) [here](#c) [there](https://x.org/a)"
    assert absolute(text, "https://github.com/a/b", "1.2") == (
        "![picture](https://github.com/a/b/raw/v1.2/.github/a.svg) [page](https://github.com/a/b/blob/v1.2/docs/a.md#b) "
        "[here](#c) [there](https://x.org/a)"
    )
    page = absolute((ROOT / "README.md").read_text(encoding="utf-8"), PLACE["repository"], archcalc.__version__)
    targets = re.findall(r"\]\(([^)\s]+)\)", page)
    assert len(targets) > 5
    assert all(target.startswith(("https://", "#")) for target in targets), targets
    at_tag = f"{PLACE['repository']}/{{}}/v{archcalc.__version__}/"
    for target in targets:  # what is linked to is there
        for kind in ("raw", "blob"):
            if target.startswith(at_tag.format(kind)):
                assert (ROOT / target.removeprefix(at_tag.format(kind)).partition("#")[0]).exists(), target


def test_the_metadata_are_complete() -> None:
    project = PROJECT["project"]
    assert set(project["dynamic"]) == {"version", "readme", "urls"}
    trove = pytest.importorskip("trove_classifiers")
    assert set(project["classifiers"]) <= trove.classifiers
    stated = {one.rpartition(":: ")[2] for one in project["classifiers"] if re.search(r":: 3\.\d+$", one)}
    tested = re.search(r"^for minor in ([\d ]+); do$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert tested is not None
    assert stated == {f"3.{minor}" for minor in tested[1].split()}
    assert project["requires-python"] == f">={min(stated, key=lambda one: int(one[2:]))}"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert (citation["version"], citation["license"]) == (archcalc.__version__, project["license"])
    assert citation["repository-code"] == PLACE["repository"]


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_the_action_stands_on_commits_too() -> None:
    uses = re.findall(r"uses: (\S+)(.*)$", (ROOT / "action.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert uses
    for one, comment in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one), one
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{one}: which tag was that?"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_stand_on_commits(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    uses = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert uses
    for one in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one), one
        assert re.search(rf"{one} # v\d+\.\d+\.\d+$", text, re.MULTILINE), f"{one}: which tag was that?"
    assert not any("${{" in step.get("run", "") for step in steps(workflow)), "an expression would be run as code"
    assert yaml.safe_load(text)["permissions"] == {}, "each job says what it needs"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_scripts_of_workflows_are_bash(workflow: Path) -> None:
    for step in steps(workflow):
        if "run" in step:
            subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)


def test_what_is_published_is_attested_and_without_a_secret() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    publish = yaml.safe_load(text)["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write", "attestations": "write"}
    used = [step["uses"].partition("@")[0] for step in publish["steps"]]
    assert used.index("actions/attest-build-provenance") < used.index("pypa/gh-action-pypi-publish")
    assert "actions/attest-sbom" in used
    assert "secrets." not in text
    assert "password" not in text


RELEASE = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": OWNED,
    "GITHUB_REF_NAME": f"v{archcalc.__version__}",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        (
            {"GITHUB_REPOSITORY": "a/b"},
            [f"pyproject.toml says that the repository is {PLACE['repository']}, and this is https://github.com/a/b"],
        ),
        ({"GITHUB_REF_NAME": "v9.9"}, [f"the tag is v9.9, and the version {archcalc.__version__}"]),
    ],
)
def test_a_release_from_elsewhere_or_of_another_version_is_refused(
    change: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    for name in ("pyproject.toml", "CITATION.cff"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## {archcalc.__version__} - 2026-12-01\n")
    (tmp_path / "archcalc").mkdir()
    (tmp_path / "archcalc" / "__init__.py").write_bytes((ROOT / "archcalc" / "__init__.py").read_bytes())
    problems = runpy.run_path(str(ROOT / ".github" / "release_check.py"))["problems"]
    assert problems(tmp_path, {**RELEASE, **change}) == expected


def test_a_release_without_its_changelog_is_refused() -> None:
    problems = runpy.run_path(str(ROOT / ".github" / "release_check.py"))["problems"]
    unreleased = f"\n## {archcalc.__version__}" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    expected = [f"CHANGELOG.md has no section ## {archcalc.__version__}"] if unreleased else []
    assert problems(ROOT, RELEASE) == expected
