"""SPEC as a file of another tool: which reader is asked, what every command makes of it, and what is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

import archcalc
from archcalc import interop
from archcalc.diagnostics import NOWHERE, Refusal, headline
from archcalc.graph import Graph, Node
from archcalc.interop import Data, ModelFile, open_source, readers
from archcalc.interop.reading import UNREADABLE, Reading
from archcalc.language.specfile import SpecText
from archcalc.layers import TYPES
from archcalc.layers.reshape import Input
from archcalc.volume import Pair, Volume

SPEC = b"input: 8x8x3\nlayers: [relu]\n"


class Toy:
    """A reader of files that begin with TOY and the number of filters."""

    LIMIT = 3 << 20
    seen: list[int]

    def __init__(self) -> None:
        self.seen = []

    def recognises(self, data: bytes, path: str) -> bool:
        self.seen.append(len(data))
        return data.startswith(b"TOY ")

    def read(self, data: Data, path: str, *, input: Volume | None = None) -> Reading:
        self.seen.append(len(data))
        words = data[:20].split()
        if not words[1].isdigit():
            raise Refusal(UNREADABLE, "the number of filters is no number", NOWHERE)
        w, h, c = input or (8, 8, 3)
        image = Node("input", Input(width=w, height=h, channels=c), ())
        conv = TYPES["conv"](filters=int(words[1]), kernel_size=Pair(3, 3))
        return Reading(Graph("toy", (image, Node("/a/Conv", conv, (0,)))))


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    one = Toy()
    monkeypatch.setattr(interop, "asked", lambda path: iter([("toy", one)]))
    monkeypatch.setattr(interop, "import_module", lambda name: one)
    return one


def file(folder: Path, data: bytes, name: str = "net.bin") -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def test_a_model_file_is_a_spec(toy: Toy, tmp_path: Path) -> None:
    net = archcalc.load(file(tmp_path, b"TOY 4 "))
    assert str(net.report.output) == "[6x6x4]"
    assert net.name == "toy"
    assert [row.node.name for row in net.report.rows] == ["input", "/a/Conv"]
    assert net.plan(batch=1).batch == 1
    assert net.verify().ok


def test_the_input_is_the_readers_business(toy: Toy, tmp_path: Path) -> None:
    assert str(archcalc.load(file(tmp_path, b"TOY 4 "), input="16x10x1").report.output) == "[14x8x4]"


def test_there_are_no_variables_to_set(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(archcalc.UnknownVariable, match=r"^a model file has no variables, so there is no width$"):
        archcalc.load(file(tmp_path, b"TOY 4 "), set={"width": 3})


def test_what_a_reader_refuses_is_a_finding(toy: Toy, tmp_path: Path) -> None:
    path = file(tmp_path, b"TOY x ")
    (found,) = archcalc.check(path)
    assert headline(path, found) == f"{path}: error[AC701]: the number of filters is no number"


@pytest.mark.parametrize(
    ("name", "data", "asked"),
    [
        ("net.yaml", SPEC, False),
        ("net.yml", b"# said\nlayers :  [relu]\ninput: 8x8x3", False),
        ("net.yaml", b"extends: other\n", False),
        ("net.yaml", b"input: 8x8x3\nlayer: [relu]\n", True),
        ("net.yaml", b"layers: {conv: 3}\n", True),
        ("net", SPEC, True),
        ("net.prototxt", b"layers: {\n}", True),
        ("net.yaml", b"", False),
    ],
)
def test_who_is_asked(toy: Toy, tmp_path: Path, name: str, data: bytes, asked: bool) -> None:
    assert isinstance(open_source(file(tmp_path, data, name)), SpecText)
    assert bool(toy.seen) == asked


def test_patterns_and_the_zoo_ask_nobody(toy: Toy) -> None:
    open_source("INPUT[8x8x3] -> RELU")
    open_source("zoo:vgg16")
    assert toy.seen == []


def test_a_large_file_is_mapped_and_has_a_limit(toy: Toy, tmp_path: Path) -> None:
    opened = open_source(file(tmp_path, b"TOY 4 ".ljust(3 << 20, b"\0")))
    assert isinstance(opened, ModelFile)
    assert opened.read().problems == ()
    assert toy.seen == [(1 << 20) + 1, 3 << 20]
    (found,) = archcalc.check(file(tmp_path, b"TOY 4 ".ljust((3 << 20) + 1, b"\0")))
    assert (found.code, found.message) == ("AC702", "the file has more than 3 MiB, the limit")


def test_a_large_model_does_not_come_through_a_pipe(toy: Toy) -> None:
    (found,) = ModelFile("<stdin>", "toy", b"TOY 4 ".ljust((1 << 20) + 1, b"\0")).read().problems
    assert found.message == "more than 1,048,576 bytes of a model come through a pipe; give it as a file"


def test_a_file_that_vanished(toy: Toy, tmp_path: Path) -> None:
    gone = ModelFile("x", "toy", b"TOY".ljust((1 << 20) + 1, b"\0"), str(tmp_path / "gone"))
    assert [one.message for one in gone.read().problems] == ["the file cannot be read: No such file or directory"]


def test_readers_are_the_modules_that_recognise_files() -> None:
    assert "reading" not in readers()
    for name, reader in readers().items():
        assert not reader.recognises(SPEC, "net"), name
        assert not reader.recognises(b"", "net"), name


def test_no_reader_is_imported_for_a_spec(tmp_path: Path) -> None:
    path = file(tmp_path, SPEC, "net.yaml")
    script = f"import archcalc, sys; archcalc.load({path!r}); print([m for m in sys.modules if m.startswith('archcalc.interop')])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['archcalc.interop']"
