"""The reference for programs."""

import json
from collections.abc import Iterable
from typing import Any

from archcalc.authoring.reference import Entry
from archcalc.formats import Look


def render(entries: Iterable[Entry], look: Look) -> str:
    return json.dumps({"schema_version": 1, "layers": [_record(one) for one in entries]}, indent=1) + "\n"


def render_one(one: Entry, look: Look) -> str:
    return json.dumps({"schema_version": 1, **_record(one)}, indent=1) + "\n"


def _record(one: Entry) -> dict[str, Any]:
    return {
        **one._asdict(),
        "keys": [key._asdict() for key in one.keys],
        "facts": [{"word": word, "text": text} for word, text in one.facts],
    }
