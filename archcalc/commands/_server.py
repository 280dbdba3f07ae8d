"""The language server: what `editing` says, in the words of the protocol (3.17), by pygls.

A YAML file is a spec where a line of it says so; others are left alone.  Documents are sent whole, so that their lines are ours and not
those of `str.splitlines`.  What is typed is looked at when nothing has come for a moment.
"""

import asyncio
import gc
import os
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from archcalc import __version__
from archcalc.architecture import Examination, examine, unreadable
from archcalc.authoring.fix import fix
from archcalc.diagnostics import Diagnostic, Edit, Span, SpecError, Unusable, explained
from archcalc.editing.completion import Item, complete
from archcalc.editing.hover import hover
from archcalc.editing.positions import Place, column, stretch
from archcalc.editing.repairs import repairs
from archcalc.graph import Graph
from archcalc.language.document import KEYS
from archcalc.language.specfile import SpecText
from archcalc.project.config import Configuration, find_configuration
from archcalc.reader.text import split_lines

PAUSE = 0.15  # seconds without a change before a text is looked at
MOST = 200  # findings of a text
MOST_REPAIRED = 20  # findings of a range whose repairs are tried: each takes as long as a check

_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "info": lsp.DiagnosticSeverity.Information,
}
_KINDS = {
    "key": lsp.CompletionItemKind.Property,
    "type": lsp.CompletionItemKind.Class,
    "word": lsp.CompletionItemKind.Keyword,
    "variable": lsp.CompletionItemKind.Variable,
    "layer": lsp.CompletionItemKind.Reference,
    "value": lsp.CompletionItemKind.EnumMember,
    "file": lsp.CompletionItemKind.File,
}


class Opened:
    """A document as it was last looked at."""

    def __init__(self, uri: str, text: str, version: int | None) -> None:
        self.uri, self.text, self.version = uri, text, version
        self.lines = split_lines(text)
        path = _path(uri)
        self.folder = os.path.dirname(path) if path else None
        self.spec = SpecText(path or uri, text, folder=self.folder)

    def examined(self) -> Examination:
        configuration = self.configuration()
        select: Any = None if configuration.select is None else configuration
        try:
            found = examine(self.spec, select=select)
        except SpecError as error:
            found = unreadable(error)
        kept = [one for one in found.diagnostics if configuration.keeps(self.spec.path, one)]
        return found._replace(diagnostics=tuple(kept))

    def configuration(self) -> Configuration:
        try:
            return find_configuration(self.folder) if self.folder else Configuration()
        except Unusable:
            return Configuration()


class Server(LanguageServer):
    """pygls' server, with the networks as they could last be read: names to complete while a text is broken."""

    def __init__(self) -> None:
        super().__init__("archcalc", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.graphs: dict[str, Graph] = {}

    @property
    def encoding(self) -> str:
        return str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding))

    def opened(self, uri: str) -> Opened:
        document = self.workspace.get_text_document(uri)
        return Opened(uri, document.source, document.version)

    def range(self, document: Opened, span: Span) -> lsp.Range:
        start, end = stretch(document.lines, span, self.encoding)
        return lsp.Range(_position(start), _position(end))

    def at(self, document: Opened, position: lsp.Position) -> tuple[int, int]:
        """Line and column from 1."""
        return position.line + 1, column(document.lines, position.line, position.character, self.encoding)

    def look(self, uri: str) -> None:
        """Examine a document and publish what was found."""
        document = self.opened(uri)
        found = document.examined() if is_spec(document.text) else None
        shown = [self.diagnostic(document, one) for one in found.diagnostics[:MOST]] if found else []
        if found and found.document.graph.nodes:
            self.graphs[uri] = found.document.graph
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri=uri, diagnostics=shown, version=document.version)
        )

    def diagnostic(self, document: Opened, one: Diagnostic) -> lsp.Diagnostic:
        related = [
            lsp.DiagnosticRelatedInformation(
                lsp.Location(document.uri, self.range(document, label.span)), label.text or "here"
            )
            for label in one.labels
        ]
        return lsp.Diagnostic(
            range=self.range(document, one.span),
            severity=_SEVERITIES[one.severity],
            code=one.code,
            source="archcalc",
            message="\n".join(explained(one)),
            related_information=related,
        )

    def edit(self, document: Opened, edits: Sequence[Edit]) -> lsp.WorkspaceEdit:
        changes = [lsp.TextEdit(self.range(document, one.span), one.text) for one in edits]
        return lsp.WorkspaceEdit(changes={document.uri: changes})


def is_spec(text: str) -> bool:
    """Whether a YAML file is a spec, by the keys at its margin: those that only specs have, or none but those that specs have."""
    keys = set(re.findall(r"^([A-Za-z_]\w*)[ \t]*:", text, re.MULTILINE | re.ASCII))
    if keys & {"archcalc", "pattern"} or len(keys & {"input", "inputs", "layers", "extends"}) > 1:
        return True
    if re.search(r"^input:[ \t]*\d+[xX]\d+", text, re.MULTILINE):
        return True
    return "extends" in keys and keys <= set(KEYS)


def server() -> Server:
    """A server with everything it answers."""
    made = Server()

    @made.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(server: Server, parameters: lsp.DidOpenTextDocumentParams) -> None:
        server.look(parameters.text_document.uri)

    @made.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(server: Server, parameters: lsp.DidChangeTextDocumentParams) -> None:
        uri, version = parameters.text_document.uri, parameters.text_document.version
        await asyncio.sleep(PAUSE)
        documents = server.workspace.text_documents
        if uri in documents and documents[uri].version == version:
            server.look(uri)

    @made.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(server: Server, parameters: lsp.DidSaveTextDocumentParams) -> None:
        for uri in list(server.workspace.text_documents):  # others may extend what was saved
            server.look(uri)

    @made.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(server: Server, parameters: lsp.DidCloseTextDocumentParams) -> None:
        uri = parameters.text_document.uri
        server.graphs.pop(uri, None)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri=uri, diagnostics=[]))

    @made.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hovered(server: Server, parameters: lsp.HoverParams) -> lsp.Hover | None:
        document = server.opened(parameters.text_document.uri)
        if not is_spec(document.text):
            return None
        found = hover(document.examined(), *server.at(document, parameters.position))
        if found is None:
            return None
        text = found.text.replace("```", "'''")
        content = lsp.MarkupContent(lsp.MarkupKind.Markdown, f"```text\n{text}\n```")
        return lsp.Hover(content, server.range(document, found.span))

    @made.feature(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=["$", ">", " ", ":", "-", "["])
    )
    def completed(server: Server, parameters: lsp.CompletionParams) -> lsp.CompletionList:
        document = server.opened(parameters.text_document.uri)
        line, place = server.at(document, parameters.position)
        graph = server.graphs.get(document.uri)
        items = complete(document.lines, line, place, graph, document.folder)
        return lsp.CompletionList(False, [_item(server, document, one, line, place) for one in items])

    @made.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.SourceFixAll]),
    )
    def acted(server: Server, parameters: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        document = server.opened(parameters.text_document.uri)
        if not is_spec(document.text):
            return []
        only = parameters.context.only
        actions: list[lsp.CodeAction] = []
        if _wanted(only, lsp.CodeActionKind.QuickFix):
            actions += _quick(server, document, parameters.range)
        if only and _wanted(only, lsp.CodeActionKind.SourceFixAll):
            fixed = fix(document.spec)
            if fixed.text != document.text:
                whole = Span(1, 1, len(document.lines), len(document.lines[-1]) + 1)
                edit = server.edit(document, [Edit(whole, fixed.text)])
                actions.append(lsp.CodeAction("archcalc fix", kind=lsp.CodeActionKind.SourceFixAll, edit=edit))
        return actions

    return made


def serve() -> None:
    """Answer over standard input and output, which nothing else may write to."""
    gc.enable()  # this process is not a short one
    with os.fdopen(os.dup(0), "rb") as asked, os.fdopen(os.dup(1), "wb") as answered:
        os.dup2(2, 1)
        server().start_io(asked, answered)


def _quick(server: Server, document: Opened, range: lsp.Range) -> list[lsp.CodeAction]:
    """The repairs of the findings in a range, the certain ones first."""
    found = document.examined()
    actions: list[lsp.CodeAction] = []
    within = [(one, server.diagnostic(document, one)) for one in found.diagnostics[:MOST]]
    for one, shown in [two for two in within if not _apart(two[1].range, range)][:MOST_REPAIRED]:
        actions += [
            lsp.CodeAction(
                repair.title,
                kind=lsp.CodeActionKind.QuickFix,
                diagnostics=[shown],
                is_preferred=repair.certain,
                edit=server.edit(document, repair.edits),
            )
            for repair in repairs(document.spec, found, one)
        ]
    return sorted(actions, key=lambda action: not action.is_preferred)


def _item(server: Server, document: Opened, one: Item, line: int, place: int) -> lsp.CompletionItem:
    span = Span(line, one.start, line, place)
    return lsp.CompletionItem(
        one.word,
        kind=_KINDS[one.kind],
        detail=one.about or None,
        filter_text=one.word,
        text_edit=lsp.TextEdit(server.range(document, span), one.word),
    )


def _wanted(only: Sequence[lsp.CodeActionKind | str] | None, kind: lsp.CodeActionKind) -> bool:
    """Whether a client asks for this kind: it names it, one that it is under, or none."""
    asked = [str(getattr(one, "value", one)) for one in only or ()]
    return not asked or any(kind.value == one or kind.value.startswith(f"{one}.") for one in asked)


def _apart(a: lsp.Range, b: lsp.Range) -> bool:
    def key(position: lsp.Position) -> tuple[int, int]:
        return position.line, position.character

    return key(a.end) < key(b.start) or key(b.end) < key(a.start)


def _position(place: Place) -> lsp.Position:
    return lsp.Position(*place)


def _path(uri: str) -> str | None:
    """The file that a URI names; None for what is no file of this machine, such as a text that was never saved."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = unquote(parts.path)
    return path[1:].replace("/", os.sep) if os.name == "nt" and re.match(r"/[A-Za-z]:", path) else path
