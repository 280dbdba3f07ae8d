"""The site is built with warnings as errors by the generator of the extra `docs`, and by MkDocs with its Material theme where that is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module", params=["zensical", "mkdocs"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip(
        "zensical" if request.param == "zensical" else "material", reason="the site needs the extra docs"
    )
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    command = [sys.executable, "-m", request.param, "build", "--strict"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "site"


def test_every_page_is_there(site: Path) -> None:
    pages = [path.stem for path in (ROOT / "docs").glob("*.md") if path.stem != "index"]
    assert [one for one in pages if not (site / one / "index.html").is_file()] == []


def test_no_page_asks_another_machine_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(https?://[^\"'\s>]+)", html)
        loaded += re.findall(
            r"<link\b[^>]*\brel=[\"']?(?:stylesheet|preconnect|icon)[^>]*\bhref=[\"']?(https?://[^\"'\s>]+)", html
        )
        assert loaded == [], page


def test_no_link_leads_to_a_file_that_is_not_on_the_site(site: Path) -> None:
    for page in site.rglob("*.html"):
        links = re.findall(r'href="?([^"\s>#]+)', page.read_text(encoding="utf-8"))
        assert [one for one in links if one.endswith(".md") and not one.startswith("https://github.com/")] == [], page


def test_the_navigation_names_every_page() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = set(re.findall(r": ([\w.]+\.md)$", nav, re.MULTILINE))
    assert named == {path.name for path in (ROOT / "docs").glob("*.md")}
