"""Stops a release whose tag, version, changelog or repository are not those that the files state.

Run by the release workflow in the checkout, with the standard library alone; says what is wrong, a line each.
"""

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path


def problems(root: Path, environment: Mapping[str, str]) -> list[str]:
    """What keeps this checkout from being released from where it is; empty where nothing does."""
    found = re.search(
        r'^__version__ = "(.+)"$', (root / "archcalc/__init__.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    version = found[1] if found else "none"
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    repository = project["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    here = f"{environment['GITHUB_SERVER_URL']}/{environment['GITHUB_REPOSITORY']}"
    wrong = []
    if repository != here:
        wrong.append(f"pyproject.toml says that the repository is {repository}, and this is {here}")
    if environment["GITHUB_REF_NAME"] != f"v{version}":
        wrong.append(f"the tag is {environment['GITHUB_REF_NAME']}, and the version {version}")
    if f"\n## {version}" not in (root / "CHANGELOG.md").read_text(encoding="utf-8"):
        wrong.append(f"CHANGELOG.md has no section ## {version}")
    if f"\nversion: {version}\n" not in (root / "CITATION.cff").read_text(encoding="utf-8"):
        wrong.append(f"CITATION.cff is not of version {version}")
    return wrong


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(), os.environ)))
