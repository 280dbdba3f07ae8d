"""Where a Keras file keeps its configuration: a JSON text, an entry of a zip (`.keras`), an attribute in HDF5 (`.h5`).

Keras is never imported and nothing of the file is run: loading a model with Keras executes what its configuration says
(CVE-2025-1550, -8747, -9905, -9906).  Of a zip one entry is read, under a limit that does not believe the header; in HDF5
the text is found by how it begins, since attributes lie in one piece.
"""

import json
from typing import TYPE_CHECKING, Any

from archcalc.diagnostics import NOWHERE, Refusal
from archcalc.interop.reading import OVERSIZED, UNREADABLE

if TYPE_CHECKING:
    from archcalc.interop import Data

MAX_CONFIG = 16 << 20  # bytes; the longest of keras.applications has 700,000
MAX_DEPTH = 64
MAX_ENTRIES = 10_000  # of a zip

ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_BEGINNINGS = (b'{"class_name":', b'{"module": "keras', b'{"name": ')


def looks_like_keras(data: bytes) -> bool:
    """Whether these are the first bytes of a Keras file."""
    if data.startswith(ZIP):
        return b"config.json" in data[:4096] or b"metadata.json" in data[:4096]
    if data.startswith(HDF5):
        return any(word in data for word in (b"model_config", b"keras_version", b"model_weights"))
    begin = data[:65536].lstrip()
    return begin.startswith(b"{") and b'"class_name"' in begin and b'"config"' in begin


def read_config(data: "Data") -> dict[str, Any]:
    """The configuration of the model; Refusal where there is none or it is damaged."""
    if data[:4] == ZIP:
        text = _from_zip(data)
    elif data[:8] == HDF5:
        text = _from_hdf5(data)
    else:
        if len(data) > MAX_CONFIG:
            raise _too_large()
        text = bytes(data)
    return parsed(text)


def parsed(text: bytes) -> dict[str, Any]:
    """A JSON object; a text that goes on behind it is cut off there."""
    _check_depth(text)
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    try:
        found, _ = decoder.raw_decode(text.decode("utf-8-sig", "replace").lstrip())
    except ValueError as error:  # JSON's, and numbers of thousands of digits
        raise Refusal(UNREADABLE, f"the configuration is not JSON: {str(error)[:100]}", NOWHERE) from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
        raise Refusal(UNREADABLE, "the configuration has no `config` that describes a model", NOWHERE)
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal(UNREADABLE, f"the configuration has the key `{twice[:40]}` twice", NOWHERE)
    return found


def _check_depth(text: bytes) -> None:
    """The parser recurses in C, so brackets are counted first, those in texts apart."""
    depth, at, end = 0, 0, len(text)
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return
    import re

    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text, re.DOTALL):
        mark = token.group()[0]
        depth += (mark in b"[{") - (mark in b"]}")
        if depth > MAX_DEPTH:
            raise _too_deep()
        if depth == 0 and mark in b"]}":
            return
        at = token.end()
    assert at <= end


def _too_deep() -> Refusal:
    return Refusal(OVERSIZED, f"the configuration is nested more than {MAX_DEPTH} levels deep, the limit", NOWHERE)


def _too_large() -> Refusal:
    return Refusal(OVERSIZED, f"the configuration has more than {MAX_CONFIG >> 20} MiB, the limit", NOWHERE)


def _from_zip(data: "Data") -> bytes:
    import zlib
    from io import BytesIO
    from zipfile import BadZipFile, ZipFile

    file: Any = BytesIO(data) if isinstance(data, bytes) else data
    try:
        with ZipFile(file) as archive:
            if len(archive.infolist()) > MAX_ENTRIES:
                raise Refusal(OVERSIZED, f"the zip has more than {MAX_ENTRIES:,} entries, the limit", NOWHERE)
            with archive.open("config.json") as entry:
                text = entry.read(MAX_CONFIG + 1)
    except KeyError:
        raise Refusal(UNREADABLE, "the zip has no config.json", NOWHERE) from None
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise Refusal(UNREADABLE, f"the zip is damaged: {str(error)[:100]}", NOWHERE) from None
    if len(text) > MAX_CONFIG:
        raise _too_large()
    return text


def _from_hdf5(data: "Data") -> bytes:
    at = min((place for place in (data.find(one) for one in _BEGINNINGS) if place >= 0), default=-1)
    if at < 0:
        raise Refusal(UNREADABLE, "the HDF5 file holds no configuration of a model, perhaps weights alone", NOWHERE)
    return data[at : at + MAX_CONFIG]
