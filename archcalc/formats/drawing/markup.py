"""Text in SVG and HTML, whoever wrote it: escaped, between tags and in attributes with double quotes, and of characters that XML has."""

from html import escape

from archcalc.regex import regex

_NO_TEXT = regex("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """`a<b` as `a&lt;b`; what no XML file may hold, as the mark of a character that is not there."""
    return escape(_NO_TEXT.sub("\ufffd", value), quote=False).replace('"', "&quot;")


def number(value: float) -> str:
    """A length of the picture with one decimal, and none where it is 0."""
    shown = f"{value:.1f}".removesuffix(".0")
    return "0" if shown == "-0" else shown
