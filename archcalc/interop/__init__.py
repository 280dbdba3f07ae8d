"""Files of other tools -> Graph: the networks people have, read with no framework and without running anything.

In: a file's bytes.  Out: a Reading, which is a Graph and what is wrong with it.  A reader is one file here, found by itself
and told by the content of the file rather than by its name; none is imported for a YAML spec.
Imports: the ground, reader, layers, graph, language.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from archcalc.diagnostics import NOWHERE, Refusal, Span
from archcalc.graph import Graph
from archcalc.language.document import Document
from archcalc.language.specfile import SpecFile, SpecText, decoded, open_spec
from archcalc.reader.text import MAX_BYTES, split_lines
from archcalc.reader.values import read_volume_text
from archcalc.records import NamedTuple
from archcalc.regex import regex
from archcalc.volume import Volume

if TYPE_CHECKING:
    from mmap import mmap

    from archcalc.interop.reading import Reading

Data: TypeAlias = "bytes | mmap"

# A line that only a spec has; Caffe's old `layers { ... }` is followed by a brace.
_SPEC_LINE = regex(rb"^(?:archcalc|extends|layers|pattern|blocks)[ \t]*:(?![ \t]*\{)", re.MULTILINE)
_SPEC_ENDINGS = (".yaml", ".yml")
TEXT_LIMIT = 16 << 20


class Reader(Protocol):
    """A module of this folder that reads one format, as `reading` says.

    `recognises` gets the first bytes of a file, at least a mebibyte where it has as many; `read` gets all of them.
    `LIMIT` is the most bytes it reads, 16 MiB unless the module says otherwise.
    """

    def recognises(self, data: bytes, path: str) -> bool: ...

    def read(self, data: Data, path: str, *, input: Volume | None = None) -> "Reading": ...


class ModelFile(NamedTuple):
    """A file of another tool, whose reader is known."""

    path: str  # as messages show it
    format: str  # the reader's name
    data: bytes  # its beginning, at least
    name: str = ""  # of the file that has the rest of it

    def read(self, input: Volume | None = None) -> "Reading":
        """The network in it; whatever is wrong with the file becomes a problem."""
        from archcalc.interop.reading import Reading

        reader = cast("Reader", import_module(f"{__name__}.{self.format}"))
        try:
            return reader.read(_whole(self, getattr(reader, "LIMIT", TEXT_LIMIT)), self.path, input=input)
        except Refusal as refusal:
            return Reading(Graph("", ()), (refusal.diagnostic,))


@cache
def readers() -> dict[str, Reader]:
    """The readers by their names: the modules of this folder that recognise files."""
    return dict(asked(""))


def asked(path: str) -> Iterator[tuple[str, Reader]]:
    """The readers in the order in which they are asked about a file, each imported when it is its turn.

    The content decides; the ending only says whom to ask first, since most files have the right one.
    """
    ending = path.rpartition(".")[2]
    names = sorted(file[:-3] for file in os.listdir(os.path.dirname(__file__)) if file.endswith(".py"))
    for name in sorted(names, key=lambda one: one != ending):
        if not name.startswith("_"):
            module = import_module(f"{__name__}.{name}")
            if hasattr(module, "recognises"):
                yield name, cast("Reader", module)


def open_source(spec: str | os.PathLike[str], *, revisions: bool = False) -> SpecText | ModelFile:
    """SPEC as the text of a spec, or as a model file that a reader recognises; with `revisions` also as git has it.

    Raises SpecUnavailable where there is nothing to read, SpecError where it is neither.
    """
    found = open_spec(spec, revisions=revisions)
    if isinstance(found, SpecText) or spec_beyond_doubt(found):
        return found if isinstance(found, SpecText) else decoded(found)
    for format, reader in asked(found.path):
        if reader.recognises(found.data, found.path):
            return ModelFile(found.path, format, found.data, found.name)
    return decoded(found)


def spec_beyond_doubt(file: SpecFile) -> bool:
    """Whether no reader needs to be asked: a file of the zoo, or a YAML file with a line that only a spec has."""
    ours = file.path.startswith("zoo:") or file.path == "<stdin>" or file.path.endswith(_SPEC_ENDINGS)
    return (ours and _SPEC_LINE.search(file.data) is not None) or not file.data.strip()


def document_of(file: ModelFile, input: str | None) -> Document:
    """A model file as a spec that was read: its graph, its problems, its lines; it has no expectations or variables."""
    volume = Volume(*read_volume_text(input, Span(1, 1, 1, 1))) if input is not None else None
    found = file.read(volume)
    placed = {*(one.span for one in found.problems), *(one.span for one in found.graph.nodes)} - {NOWHERE}
    lines = tuple(split_lines(file.data.decode("utf-8", "replace"))) if placed else ()
    return Document(found.graph.name, found.graph, found.problems, {}, {}, lines)


def _whole(file: ModelFile, limit: int) -> Data:
    """All bytes of a file: those that were read already, or the file itself, of which only what is looked at is read."""
    from archcalc.interop.reading import OVERSIZED

    if len(file.data) <= MAX_BYTES:
        return file.data
    if not file.name:
        message = f"more than {MAX_BYTES:,} bytes of a model come through a pipe; give it as a file"
        raise Refusal(OVERSIZED, message, NOWHERE)
    from mmap import ACCESS_READ, mmap

    try:
        with open(file.name, "rb") as opened:
            if os.fstat(opened.fileno()).st_size <= limit:
                return mmap(opened.fileno(), 0, access=ACCESS_READ)
    except OSError as error:
        raise Refusal(OVERSIZED, f"the file cannot be read: {error.strerror or error}", NOWHERE) from None
    raise Refusal(OVERSIZED, f"the file has more than {limit >> 20:,} MiB, the limit", NOWHERE)
