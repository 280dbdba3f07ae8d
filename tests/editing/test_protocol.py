"""`archcalc lsp` as an editor has it: a process, spoken to in the protocol."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls")

from client import Editor

import archcalc

URI = "file:///tmp/nets/net.yaml"
BAD = "input: 32x32x3\nlayers:\n  - CONV3-8p1 -> CONV4-8s3\n  - conv: {filters: 4, kernal_size: 3}\n"


@pytest.fixture
def editor() -> Iterator[Editor]:
    one = Editor()
    yield one
    assert one.end() == (0, b"")


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """A text with an editor's edits, whose columns are UTF-16 code units."""
    lines = text.split("\n")

    def index(place: dict[str, int]) -> int:
        before = sum(len(line) + 1 for line in lines[: place["line"]])
        line = lines[place["line"]].encode("utf-16-le")
        return before + len(line[: 2 * place["character"]].decode("utf-16-le"))

    for edit in sorted(edits, key=lambda one: index(one["range"]["start"]), reverse=True):
        start, end = (index(edit["range"][side]) for side in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


def places(found: list[dict[str, Any]]) -> list[tuple[str, int, int, int]]:
    out = []
    for one in found:
        start, end = one["range"]["start"], one["range"]["end"]
        out.append((one["code"], start["line"], start["character"], end["character"]))
    return out


def test_what_it_can(editor: Editor) -> None:
    assert editor.capabilities["positionEncoding"] == "utf-16"
    assert editor.capabilities["textDocumentSync"]["change"] == 1  # whole texts
    assert editor.capabilities["hoverProvider"] is True
    assert editor.capabilities["codeActionProvider"]["codeActionKinds"] == ["quickfix", "source.fixAll"]


def test_findings_are_those_of_check(editor: Editor) -> None:
    found = editor.open(URI, BAD)
    assert places(found) == [("AC201", 2, 25, 26), ("AC102", 3, 23, 34)]
    first, second = found
    assert (first["severity"], first["source"]) == (1, "archcalc")
    assert first["message"].splitlines()[:2] == [
        "conv2 does not fit: output width would be 10.333...",
        "(W - F + 2P)/S + 1 = (32 - 4 + 2*0)/3 + 1 = 10.333...",
    ]
    assert "help: did you mean `kernel_size`?" in second["message"].splitlines()


def test_findings_follow_what_is_typed(editor: Editor) -> None:
    editor.open(URI, BAD)
    for version, text in enumerate(("input: 32", "input: 32x32x3\n", BAD.replace("4-8s3", "4-8s4")), 2):
        editor.change(URI, text, version)
    assert places(editor.wait(URI, 4)) == [("AC102", 3, 23, 34)]
    editor.tell("textDocument/didClose", textDocument={"uri": URI})
    while editor.published[URI]:
        editor.receive()


def test_a_base_that_is_saved_changes_what_extends_it(editor: Editor, tmp_path: Path) -> None:
    base, top = tmp_path / "base.yaml", tmp_path / "top.yaml"
    base.write_text("input: 8x8x3\nlayers: [CONV3-4p1]\n")
    top.write_text("extends: base\n")
    assert editor.open(top.as_uri(), top.read_text()) == []
    base.write_text("input: 8x8x3\nlayers: [CONV4-4s3]\n")
    editor.tell("textDocument/didSave", textDocument={"uri": top.as_uri()})
    editor.receive()
    assert [one["code"] for one in editor.published[top.as_uri()]] == ["AC201"]
    assert editor.published[top.as_uri()][0]["message"].startswith("base.yaml:2:")


def test_columns_are_utf16(editor: Editor) -> None:
    """Two characters beyond the basic plane before the finding: four code units where Python counts two."""
    text = 'name: x\ninput: 8x8x3\nlayers: [{conv: {name: c, filters: 4, "kernel\U0001f600\U0001f600": 3, kernel_size: 3}}, CONV4-4s9]\n'
    line = text.split("\n")[2]
    found = editor.open(URI, text)
    start = len(line[: line.index('"kernel')].encode("utf-16-le")) // 2
    assert places(found)[0] == ("AC102", 2, start, start + len('"kernel\U0001f600\U0001f600"'.encode("utf-16-le")) // 2)
    word = line.index("CONV4")
    units = len(line[:word].encode("utf-16-le")) // 2
    assert units == word + 2
    hover = editor.ask("textDocument/hover", **editor.at(URI, 2, units + 1))
    assert hover["contents"]["value"].startswith("```text\nconv1: CONV4-4s9\n")
    assert hover["range"]["start"] == {"line": 2, "character": units}


@pytest.mark.parametrize(("encoding", "before"), [("utf-8", 4), ("utf-32", 1)])
def test_another_encoding_is_agreed_on(encoding: str, before: int) -> None:
    editor = Editor(general={"positionEncodings": [encoding, "utf-16"]})
    assert editor.capabilities["positionEncoding"] == encoding
    (found,) = editor.open(URI, 'input: 8x8x3\nlayers: [FC-2]\n"\U0001f600": 1\n')
    assert found["range"]["end"]["character"] == before + 2
    assert editor.end() == (0, b"")


def test_hover_is_what_explain_says(editor: Editor) -> None:
    editor.open(
        URI,
        "input: 227x227x3\nvars: {k: 96}\nlayers:\n  - CONV11-($k)s4 -> RELU\n  - conv:\n      filters: 2\n      kernel_size: 3\n",
    )
    hover = editor.ask("textDocument/hover", **editor.at(URI, 3, 6))
    assert hover["contents"]["kind"] == "markdown"
    lines = hover["contents"]["value"].splitlines()
    assert lines[:4] == ["```text", "conv1: CONV11-96s4", "  reads      input [227x227x3]", "  gives      [55x55x96]"]
    assert "  width      (W - F + 2P)/S + 1 = (227 - 11 + 2*0)/4 + 1 = 55; height likewise" in lines
    assert any(line.startswith("  parameters (11*11*3)*96 + 96 = 34,944") for line in lines)
    assert editor.ask("textDocument/hover", **editor.at(URI, 3, 13))["contents"]["value"] == "```text\n$k = 96\n```"
    key = editor.ask("textDocument/hover", **editor.at(URI, 6, 8))["contents"]["value"]
    assert key.startswith("```text\nconv2: CONV3-2\n")
    assert "rounding: what" not in key
    assert editor.ask("textDocument/hover", **editor.at(URI, 2, 2))["contents"]["value"].startswith(
        "```text\nlayers: the network"
    )
    assert editor.ask("textDocument/hover", **editor.at(URI, 40, 2)) is None


def test_completion_keeps_names_while_the_text_is_broken(editor: Editor) -> None:
    editor.open(URI, "input: 8x8x3\nlayers:\n  - conv: {name: stem, filters: 4, kernel_size: 3}\n  - relu\n")
    broken = "input: 8x8x3\nlayers:\n  - conv: {name: stem, filters: 4, kernel_size: 3}\n  - relu: {from: st\n"
    editor.change(URI, broken, 2)
    editor.wait(URI, 2)
    found = editor.ask("textDocument/completion", **editor.at(URI, 3, 19))
    assert [one["label"] for one in found["items"]] == ["stem"]
    (item,) = found["items"]
    assert applied(broken, [item["textEdit"]]) == broken.replace("from: st\n", "from: stem\n")


def actions(editor: Editor, text: str, *only: str) -> dict[str, str]:
    """What is offered for a text, each by what it makes of it."""
    lines = text.split("\n")
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": len(lines), "character": 0}}
    context = {"diagnostics": [], **({"only": [*only]} if only else {})}
    found = editor.ask("textDocument/codeAction", textDocument={"uri": URI}, range=whole, context=context)
    return {one["title"]: applied(text, one["edit"]["changes"][URI]) for one in found}


def test_quick_fixes_work(editor: Editor) -> None:
    editor.open(URI, BAD)
    offered = actions(editor, BAD)
    assert offered == {
        "padding: 1": BAD.replace("CONV4-8s3", "CONV4-8s3p1"),
        "stride: 4": BAD.replace("CONV4-8s3", "CONV4-8s4"),
        "rounding: floor": "rounding: floor\n" + BAD,
        "write kernel_size": BAD.replace("kernal_size", "kernel_size"),
    }
    left = {title: {one.code for one in check(text)} for title, text in offered.items()}
    assert left == {
        "padding: 1": {"AC102"},
        "stride: 4": {"AC102"},
        "rounding: floor": {"AC102"},
        "write kernel_size": {"AC201"},
    }


def check(text: str) -> list[archcalc.Diagnostic]:
    from archcalc.architecture import examine
    from archcalc.language.specfile import SpecText

    return [one for one in examine(SpecText("net.yaml", text)).diagnostics if one.severity == "error"]


def test_what_fix_is_certain_of_comes_first(editor: Editor) -> None:
    text = (
        "input: 8x8x3\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3}\n  - Conv2d: {filters: 2, kernel_size: 1}\n"
    )
    editor.open(URI, text)
    whole = {"start": {"line": 2, "character": 10}, "end": {"line": 2, "character": 11}}
    found = editor.ask("textDocument/codeAction", textDocument={"uri": URI}, range=whole, context={"diagnostics": []})
    assert [(one["title"], one["isPreferred"], one["kind"]) for one in found] == [("write filters", True, "quickfix")]
    assert actions(editor, text, "source.fixAll") == {
        "archcalc fix": text.replace("out_channels", "filters").replace("Conv2d", "conv")
    }
    assert actions(editor, text, "refactor") == {}


def test_other_yaml_is_left_alone(editor: Editor) -> None:
    uri = "file:///tmp/docker-compose.yaml"
    assert editor.open(uri, "services:\n  web:\n    image: x\nlayers: 3\n") == []
    assert editor.ask("textDocument/hover", **editor.at(uri, 3, 2)) is None


def test_hostile_texts_are_findings(editor: Editor) -> None:
    for text in (
        "input: 8x8x3\nlayers: " + "[" * 5000,
        "layers: [CONV3-4]\ninput: 1x1x1\n\x00",
        "archcalc: 1\n\ud83d".encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"),
        "",
    ):
        assert isinstance(editor.open(URI, text), list)
    untitled = "untitled:Untitled-1"
    (one,) = editor.open(untitled, "extends: base\n")
    assert one["code"] == "AC140"
    assert "there is nothing beside a spec that is not a file" in one["message"]


def test_without_the_extra() -> None:
    code = "import sys; sys.modules['pygls'] = None; sys.modules['pygls.lsp'] = None; sys.modules['lsprotocol'] = None; sys.argv = ['archcalc', 'lsp']; from archcalc.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env={**os.environ}
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "Error: lsp needs the lsp extra, pip install 'archcalc[lsp]' (" in result.stderr


def test_nothing_of_it_is_imported_elsewhere() -> None:
    code = "import sys; from archcalc.cli import cli; cli(['check', 'zoo:lenet5'], standalone_mode=False); print([one for one in sys.modules if one.split('.')[0] in ('pygls', 'lsprotocol', 'asyncio') or one.startswith('archcalc.editing')])"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.endswith("\n[]\n")
