"""Where the project lives, said once: `repository` under [tool.hatch.metadata.hooks.custom] in pyproject.toml.

From it come the package's URLs and the links of its long description.  README's links lead to files beside it, which a registry's
page does not have; there they are absolute, to the tag of this version, so that a release shows the pictures of its time.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)(\[[^\]]*\])\((?![a-z]+:|#)([^)\s]+)\)")


class Links(MetadataHookInterface):
    """Fills in what pyproject.toml calls dynamic: `readme` and `urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        repository = self.config["repository"]
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, repository, metadata["version"])}
        metadata["urls"] = {
            "Homepage": repository,
            "Documentation": self.config["documentation"],
            "Repository": repository,
            "Issues": f"{repository}/issues",
            "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        }


def absolute(text: str, repository: str, version: str) -> str:
    """A README whose links and pictures do not need the files beside it."""
    return _LINK.sub(
        lambda found: f"{found[1]}{found[2]}({repository}/{'raw' if found[1] else 'blob'}/v{version}/{found[3]})", text
    )
