"""The documentation is run: its specs are checked, its commands executed in order, its Python too, and its outputs are compared.

A page is a session in a folder of its own.  A block with a title is written there as that file; of `sh` blocks every line that begins with
`archcalc`, `pytest` or `mkdir` is run, and must end with 0 or, with `# exits 1` behind it, with 1.  A `text` block right behind is what the last of
them prints: all of it, or, where a line `...` stands for what is left out, its lines in order.  `pytest --update-goldens` writes such blocks anew,
but for those with a `...`.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from runner import CliRunner

from archcalc.architecture import examine
from archcalc.cli import cli
from archcalc.language.specfile import SpecText

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted(ROOT.glob("docs/*.md"))]
FENCE = re.compile(
    r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
TRANSLATED = [
    (path.with_name(path.name.replace(".ko.md", ".md")), path) for path in PAGES if path.name.endswith(".ko.md")
]


OF_A_PROJECT = (
    "guide.md",
)  # pages that begin where there are specs; the others begin with nothing, as their readers do


class Block(NamedTuple):
    """A fenced block; `after` is whether it stands right behind the one before, `span` where its text is."""

    language: str
    title: str | None
    text: str
    after: bool
    span: tuple[int, int]


def blocks(page: str) -> Iterator[Block]:
    end = 0
    for found in FENCE.finditer(page):
        between = page[end : found.start()]
        yield Block(
            found["language"], found["title"], found["text"], end > 0 and not between.strip(), found.span("text")
        )
        end = found.end()


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("archcalc ", "pytest ", "mkdir "))]


def execute(command: str) -> tuple[int, str]:
    """The exit code and what is printed, the redirected part of it in its file."""
    line, _, file = command.partition(" > ")
    words = shlex.split(line, comments=True)
    if words[0] == "mkdir":
        Path(words[-1]).mkdir(parents="-p" in words, exist_ok="-p" in words)
        return 0, ""
    if words[0] == "pytest":
        module = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words[1:]]
        ran = subprocess.run(module, check=False, capture_output=True, text=True)
        return ran.returncode, ran.stdout
    result = CliRunner().invoke(cli, words[1:], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    if file:
        Path(file.partition(" #")[0].strip()).write_text(result.stdout, encoding="utf-8")
    return int(result.return_value or 0), result.stdout if not file else ""


def plain(text: str) -> str:
    """Without what differs from run to run and between machines, or at the end of a line."""
    return "\n".join(re.sub(r"\b\d+\.\d+ (s|ms)\b", "0 s", line).rstrip() for line in text.strip("\n").splitlines())


def differs(shown: str, printed: str) -> str:
    """Why the block is not what is printed; empty where it is."""
    wanted, got = plain(shown).splitlines(), plain(printed).splitlines()
    if "..." not in (line.strip() for line in wanted):
        return "" if wanted == got else "it is printed otherwise"
    at = 0
    for line in wanted:
        if line.strip() == "...":
            continue
        if line not in got[at:]:
            return f"this line is not printed, or not there: {line}"
        at = got.index(line, at) + 1
    return ""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_a_session(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    page = path.read_text(encoding="utf-8")
    if path.name in OF_A_PROJECT:
        shutil.copytree(ROOT / "specs", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    anew: list[tuple[tuple[int, int], str]] = []
    printed = ""
    for block in blocks(page):
        if block.title:
            Path(block.title).parent.mkdir(parents=True, exist_ok=True)
            Path(block.title).write_text(block.text, encoding="utf-8")
        if block.language == "sh":
            for command in commands(block.text):
                code, printed = execute(command)
                assert code == ("# exits 1" in command), f"{command}\n{printed}"
        elif block.language == "python":
            exec(compile(block.text, path.name, "exec"), {})
        elif block.language == "text" and block.after and printed:
            difference = differs(block.text, printed)
            if difference and request.config.getoption("--update-goldens") and "\n...\n" not in block.text:
                anew.append((block.span, plain(printed) + "\n"))
            else:
                assert not difference, f"{path.name}: {difference}\n{printed}"
        printed = printed if block.language == "sh" else ""
    for (start, end), text in reversed(anew):
        page = page[:start] + text + page[end:]
    if anew:
        path.write_text(page, encoding="utf-8")


SPECS = [
    pytest.param(block.text, block.language == "pattern", id=f"{path.name}-{number}")
    for path in PAGES
    for number, block in enumerate(blocks(path.read_text(encoding="utf-8")))
    if block.language == "pattern"
    or (block.language == "yaml" and re.search(r"^(inputs?|extends):", block.text, re.MULTILINE))
]


@pytest.mark.parametrize(("text", "pattern"), SPECS)
def test_every_spec_is_clean(text: str, pattern: bool) -> None:
    found = examine(SpecText("docs", text, pattern=pattern))
    assert not [one for one in found.diagnostics if one.severity != "info"] or "# wrong" in text, found.diagnostics


def test_every_command_is_documented_and_has_help() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in cli.list_commands(None):  # type: ignore[arg-type]
        assert f"`archcalc {name}" in readme, name
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0
        assert len(result.output.splitlines()) > 5


def figures(text: str) -> list[str]:
    """The numbers of a text outside of its blocks, those in code among them, in the order of their size."""
    return sorted(re.findall(r"\d+(?:[.,]\d+)*", FENCE.sub("", text)))


@pytest.mark.parametrize(("original", "translated"), TRANSLATED, ids=lambda path: path.name)
def test_a_translation_has_the_same_blocks_and_figures(original: Path, translated: Path) -> None:
    one, other = original.read_text(encoding="utf-8"), translated.read_text(encoding="utf-8")
    assert [block[:4] for block in blocks(one)] == [block[:4] for block in blocks(other)]
    sections = [re.split(r"^#+ ", FENCE.sub("", text), flags=re.MULTILINE) for text in (one, other)]
    if sections[0][-1].startswith("Speed\n"):  # figures of one machine: the translation says where they are
        assert figures(sections[1].pop()) == []
        sections[0].pop()
    assert len(sections[0]) == len(sections[1])
    for here, there in zip(*sections, strict=True):
        assert figures(here) == figures(there), there[:80]
    links = [[re.sub(r"\.ko\.md", ".md", link) for link in re.findall(r"\]\(([^)#]+)", text)] for text in (one, other)]
    assert sorted(set(links[0]) - {original.name}) == sorted(set(links[1]) - {original.name})


ITALIC = re.compile(r"(?<![\\*])\*(?![*\s])[^*\n]+\*(?!\*)")  # what would be shown so, a product most likely


@pytest.mark.parametrize("path", [*PAGES, ROOT / "archcalc" / "CATALOGUE.md"], ids=lambda path: path.name)
def test_no_product_is_shown_in_italics(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    prose = re.sub(r"`[^`]*`|^ {4}.*$|\*\*|^\* ", "", text, flags=re.MULTILINE)
    assert ITALIC.findall(prose) == []


def test_what_the_tests_of_pages_would_notice() -> None:
    assert differs("a\nb\n", "a\nb\n") == ""
    assert differs("a\nb\n", "a\nc\n")
    assert differs("a\n...\nc\n", "a\nb\nc\n") == ""
    assert differs("c\n...\na\n", "a\nb\nc\n") == "this line is not printed, or not there: a"
    assert ITALIC.search("F*F*C")
    assert not ITALIC.search(r"F\*F\*C and 2 * 3 * 4")
    assert [block.after for block in blocks("```sh\na\n```\n\n```text\nb\n```\nc\n```text\nd\n```\n")] == [
        False,
        True,
        False,
    ]


def test_the_picture_is_current() -> None:
    from importlib.metadata import version

    if int(version("rich").partition(".")[0]) < 14:
        pytest.skip("rich before 14 breaks the lines of an SVG elsewhere")
    from pictures import PICTURE, draw

    def text(svg: str) -> str:
        return re.sub(r"<style>.*?</style>|<[^>]*>", "", svg, flags=re.DOTALL)

    assert text(draw()) == text(PICTURE.read_text(encoding="utf-8")), "run python tests/pictures.py"
