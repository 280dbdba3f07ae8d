"""A page as one file: its rules, its script and its picture in it, and a policy under which it asks for nothing else."""

import os
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from archcalc.formats.drawing.colours import style
from archcalc.formats.drawing.markup import text
from archcalc.formats.page.table import rules as columns


def page(title: str, body: Iterable[str], *, script: bool = True) -> str:
    """HTML of its own; the policy names the rules and the script by their hashes, so that nothing else runs."""
    rules = f"{style()}\n{_beside('style.css')}\n{columns()}"
    code = _beside("script.js") if script else ""
    runs = f"script-src {_hash(code)};" if script else ""
    policy = f"default-src 'none';style-src {_hash(rules)};{runs}img-src data:;base-uri 'none';form-action 'none'"
    lines = [
        "<!doctype html>",
        '<html lang="en"><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">',
        f"<title>{text(title)}</title>",
        f"<style>{rules}</style>",
        "<main>",
        *body,
        "</main>",
        *([f"<script>{code}</script>"] if script else []),
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _beside(name: str) -> str:
    """A file of this folder, without what only its readers need: comments on lines of their own, and indentation."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        lines = map(str.strip, file)
        return "\n".join(line for line in lines if line and not line.startswith("//"))


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
