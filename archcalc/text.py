"""A text before it is read: what its lines are, and the code of one that turns out not to be YAML."""

import re

from archcalc.diagnostics import rule

BAD_YAML = rule(
    "AC010",
    "the text is not YAML",
    """
    The YAML reader stopped here.  The usual reason is a pattern that begins with `[` and is not
    quoted: YAML reads a leading `[` as a list.

        layers:
          - [CONV3-64 -> RELU]*2        # wrong
          - "[CONV3-64 -> RELU]*2"      # right
    """,
)


def split_lines(text: str) -> list[str]:
    """The lines of a text; CR LF, CR and LF each end one."""
    return re.split("\r\n|\r|\n", text) if "\r" in text else text.split("\n")
