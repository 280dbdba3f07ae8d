"""Docstrings as Markdown: their code stays code, and their products stay products."""

import re

from archcalc.regex import regex

_CODE = regex(r"(`[^`]*`|^ {4}.*$)", re.MULTILINE)  # what is left as it is stands at odd places of a split


def prose(text: str) -> str:
    """A docstring's text in which no `*` outside of code makes what is between two of them italic: `F*F*C` is a product."""
    parts = _CODE.split(text)
    return "".join(part if at % 2 else part.replace("*", r"\*") for at, part in enumerate(parts))
