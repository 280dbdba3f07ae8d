"""Python source that builds a Keras Sequential network of literal calls, as in the CS231n notes and in tutorials.

Read through `ast`, never imported or run: `model = Sequential()`, `model.add(Conv2D(32, (3, 3)))`, `Sequential([...])`,
and names of literals.  A call in a loop, or of something that is no literal, is refused where it stands.
"""

import ast
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from archcalc.diagnostics import Diagnostic, Refusal, Span
from archcalc.interop._keras_call import Call, Literal, number
from archcalc.interop._keras_layers import LAYERS, Sequential
from archcalc.interop.reading import INEXPRESSIBLE, MAX_LAYERS, OVERSIZED, UNREADABLE, Draft, Reading, text_of
from archcalc.reader.text import in_backticks
from archcalc.records import NamedTuple
from archcalc.regex import regex
from archcalc.volume import Volume

if TYPE_CHECKING:
    from mmap import mmap

NAME = "Keras Sequential source"
LIMIT = 256 << 10  # bytes; more is no hand-written network
MAX_DEPTH = 32

_MAKES = regex(rb"\bSequential[ \t]*\(")
_LAYER = regex(rb"\b(?:Conv2D|Convolution2D|Dense|MaxPooling2D|MaxPool2D)[ \t]*\(")


def recognises(data: bytes, path: str) -> bool:
    """A text that calls `Sequential(` and a layer of Keras, and none of PyTorch's."""
    return bool(_MAKES.search(data) and _LAYER.search(data)) and b"nn.Sequential" not in data


def read(data: "bytes | mmap", path: str, *, input: Volume | None = None) -> Reading:
    if len(data) > LIMIT:
        raise Refusal(OVERSIZED, f"the file has more than {LIMIT >> 10} KiB, the limit", Span(1, 1, 1, 1))
    source = _Source(text_of(data))
    draft = Draft(source.name)
    draft.problems.extend(source.problems)
    Sequential(draft, input).read(source.calls)
    return draft.reading()


class _Model(NamedTuple):
    name: str
    calls: list[Call]


class _Source:
    """What a source says: the calls of the network that was defined last."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.values: dict[str, Literal] = {}
        self.models: dict[str, _Model] = {}
        self.problems: list[Diagnostic] = []
        self.last = ""
        self.total = 0  # calls of all networks, those that are in others several times
        self.measured: tuple[int, list[int]] = (0, [])
        for statement in self._statements(self._parsed(text).body, 0):
            self._read(statement)
        if not self.last:
            raise Refusal(UNREADABLE, "no network is built with Sequential", Span(1, 1, 1, 1))
        self.name, self.calls = self.models[self.last]

    def _parsed(self, text: str) -> ast.Module:
        """The tree; what Python's parser gives up on, for whatever reason, is broken."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(text)
        except SyntaxError as error:
            line, column = error.lineno or 1, max(1, error.offset or 1)
            place = Span(line, column, line, column + 1)
            raise Refusal(UNREADABLE, f"the text is not Python: {error.msg}", place) from None
        except (ValueError, RecursionError, MemoryError):
            raise Refusal(UNREADABLE, "the text is not Python that can be read", Span(1, 1, 1, 1)) from None

    def _statements(self, body: list[ast.stmt], depth: int) -> Iterator[ast.stmt]:
        """Statements in their order, those of functions, of `with` and of `if __name__ ...` too."""
        for one in body:
            main = isinstance(one, ast.If) and not one.orelse and _main(one.test)
            if depth < MAX_DEPTH and (main or isinstance(one, ast.FunctionDef | ast.With)):
                assert isinstance(one, ast.If | ast.FunctionDef | ast.With)
                yield from self._statements(one.body, depth + 1)
            else:
                yield one

    def _read(self, one: ast.stmt) -> None:
        if isinstance(one, ast.Assign | ast.AnnAssign) and one.value is not None:
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if isinstance(one.value, ast.Call) and _called(one.value) == "Sequential":
                model = self._sequential(one.value, names[0] if names else "")
                for name in names:
                    self.models[name] = model
                    self.last = name
            elif names:
                self._assign(names, one.value)
        elif isinstance(one, ast.Return) and isinstance(one.value, ast.Call) and _called(one.value) == "Sequential":
            self.models["return"] = self._sequential(one.value, "")
            self.last = "return"
        elif isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) and self._adds(one.value):
            self._add(one.value)
        elif found := next((call for call in ast.walk(one) if isinstance(call, ast.Call) and self._adds(call)), None):
            message = "a layer is added by a program; only literal calls are read"
            raise Refusal(INEXPRESSIBLE, message, self.span(found))

    def _assign(self, names: list[str], value: ast.expr) -> None:
        """Names of literals; other values are of no use, unless a layer needs one."""
        for name in names:
            self.values.pop(name, None)
            self.models.pop(name, None)
            if name == self.last:
                self.last = next(reversed(self.models), "")
        try:
            literal = self.literal(value)
        except Refusal:
            return
        self.values.update(dict.fromkeys(names, literal))

    def _adds(self, call: ast.Call) -> bool:
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr != "add":
            return False
        return isinstance(function.value, ast.Name) and function.value.id in self.models

    def _add(self, call: ast.Call) -> None:
        assert isinstance(call.func, ast.Attribute)
        assert isinstance(call.func.value, ast.Name)
        model = self.models[call.func.value.id]
        if len(call.args) != 1 or call.keywords:
            raise Refusal(UNREADABLE, "`add` takes one layer", self.span(call))
        self._extend(model, call.args[0])
        self.last = call.func.value.id

    def _sequential(self, call: ast.Call, name: str) -> _Model:
        """`Sequential()`, `Sequential([layer, ...], name="...")`."""
        given = {one.arg: one.value for one in call.keywords}
        layers = call.args[0] if call.args else given.get("layers")
        said = self.literal(given["name"]) if "name" in given else name
        model = _Model(said if isinstance(said, str) else name, [])
        if layers is not None:
            if not isinstance(layers, ast.List | ast.Tuple):
                raise Refusal(INEXPRESSIBLE, "Sequential takes a list of layers here", self.span(layers))
            for one in layers.elts:
                self._extend(model, one)
        return model

    def _extend(self, model: _Model, node: ast.expr) -> None:
        """Add a layer, or the layers of a network that was defined before."""
        if isinstance(node, ast.Name) and node.id in self.models:
            calls = self.models[node.id].calls
        elif isinstance(node, ast.Call):
            calls = [self._call(node)]
        else:
            raise Refusal(INEXPRESSIBLE, "a layer is a call, like Dense(10)", self.span(node))
        self.total += len(calls)
        if self.total > MAX_LAYERS:
            raise Refusal(OVERSIZED, f"the file has more than {MAX_LAYERS:,} layers, the limit", self.span(node))
        model.calls.extend(calls)

    def _call(self, node: ast.Call) -> Call:
        """A layer's call; arguments that say nothing of sizes (initializers, regularizers) need not be literals."""
        kind = _called(node)
        places: dict[str, Span] = {}
        values: dict[str, Literal] = {}
        spec = LAYERS.get(kind)
        names = spec.arguments if spec else ()
        if kind == "Convolution2D" and len(node.args) > 2:  # of Keras 1, where strides were not a third argument
            names = ("nb_filter", "nb_row", "nb_col")
        if len(node.args) > len(names) and spec:
            raise Refusal(UNREADABLE, f"{kind} takes at most {len(names)} arguments here", self.span(node))
        given = [*zip(names, node.args, strict=False), *((one.arg or "**", one.value) for one in node.keywords)]
        for name, value in given:
            places[name] = self.span(value)
            if spec and name not in spec.read:
                if name not in spec.arguments and name not in Sequential.passed:
                    raise Refusal(UNREADABLE, f"{kind} has no argument {in_backticks(name)}", places[name])
                continue
            if spec:
                values[name] = self.literal(value)
        return Call(kind, values, places, self.span(node))

    def literal(self, node: ast.expr, depth: int = 0) -> Literal:
        """Numbers, texts, True, None, tuples of them, whole arithmetic, names of literals, `tf.nn.relu` as `relu`."""
        if depth > MAX_DEPTH:
            raise Refusal(OVERSIZED, f"nested deeper than {MAX_DEPTH} levels, the limit", self.span(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
            return node.value
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(self.literal(one, depth + 1) for one in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.literal(node.operand, depth + 1)
            if isinstance(value, int | float):
                return -value
        if isinstance(node, ast.BinOp):
            found = number(node.op, self.literal(node.left, depth + 1), self.literal(node.right, depth + 1))
            if found is not None:
                return found
        if isinstance(node, ast.Name) and node.id in self.values:
            return self.values[node.id]
        if isinstance(node, ast.Attribute):
            return node.attr
        if isinstance(node, ast.Call) and _called(node) in ("Input", "LeakyReLU"):
            return None
        raise Refusal(INEXPRESSIBLE, "this is no literal, and nothing is run to find out what it is", self.span(node))

    def span(self, node: ast.expr) -> Span:
        """Where an expression stands; Python counts columns in bytes of UTF-8."""
        start = self._column(node.lineno, node.col_offset)
        end_line, end = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset + 1
        return Span(node.lineno, start, end_line, self._column(end_line, end))

    def _column(self, line: int, offset: int) -> int:
        """The column in characters of a place in bytes; the places of a line with other letters are found once."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if text.isascii():
            return offset + 1
        if self.measured[0] != line:
            ends: list[int] = []  # for every byte, the number of its character
            for number, one in enumerate(text, 1):
                ends += [number] * len(one.encode("utf-8", "replace"))
            self.measured = (line, ends)
        ends = self.measured[1]
        return ends[offset] if offset < len(ends) else len(text) + 1


def _called(call: ast.Call) -> str:
    """`layers.Conv2D(...)` and `Conv2D(...)` are one."""
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
