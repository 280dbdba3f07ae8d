"""Steps -> Graph: repeats unrolled, blocks and branches laid out, variables filled in, names given."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from archcalc.diagnostics import Diagnostic, Label, Refusal, Span, rule
from archcalc.expression import Environment
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.integers import whole_number
from archcalc.layers import Layer
from archcalc.misfit import LayerError
from archcalc.nodes import MAX_DEPTH, Scalar
from archcalc.nodes import Node as Value
from archcalc.steps import (
    DUPLICATE_NAME,
    BlockStep,
    BranchStep,
    LayerStep,
    RepeatStep,
    Step,
    duplicate_name,
    unreadable,
)
from archcalc.suggest import MAX_SUGGESTIONS, nearest
from archcalc.text import TOO_LARGE

MAX_LAYERS = 100_000

T = TypeVar("T")

TOO_MANY_LAYERS = rule(
    "AC130",
    "the network has more layers than archcalc expands",
    "Repeats are multiplied out before anything is expanded; a network has at most 100,000 layers.",
)
BAD_REPEAT = rule(
    "AC131",
    "a repeat's count is not 0 or more",
    "`[..]*n` and `repeat: n` take a whole number from 0; 0 leaves the layers out.",
)
UNKNOWN_NAME = rule(
    "AC303",
    "a name is not known here",
    """
    `from` and `inputs` name a layer, block or join that stands earlier.  Names are looked up from the inside out: first
    in the block or repeat around, then in what is around that; from outside, what is inside is
    reached by its full name, like `stage2.block3.conv1`.
    """,
)
RECURSIVE_BLOCK = rule("AC304", "a block uses itself", "A block that contains itself would never end.")
MISSING_ARGUMENT = rule(
    "AC305",
    "a block's variable is not given",
    "A block's `vars` without a value must be given where the block is used.",
)
FORWARD_REFERENCE = rule(
    "AC306",
    "a name stands later",
    "`from` and `inputs` reach back only, so that a spec can be read from its top to its end.  Move the layer up.",
)
CYCLE = rule(
    "AC307",
    "a layer reads itself, by way of others",
    "The output of a layer in a cycle would depend on itself.  A ConvNet has no cycles; one of the layers reads the wrong one.",
)


class Block(NamedTuple):
    """A named list of steps with its variables; None is a variable that has no default."""

    name: str
    variables: Mapping[str, Value | None]
    body: tuple[Step, ...]
    span: Span


class Pending(NamedTuple):
    """A name that was not known when node number `reader` read it."""

    source: Scalar
    scope: "Scope"
    reader: int


class Scope:
    """Where names are looked up: the repeats and blocks around a step."""

    def __init__(self, parent: "Scope | None" = None, name: str = "", *, repeated: bool = False) -> None:
        self.parent = parent
        self.path: tuple[str, ...] = (*(parent.path if parent else ()), name) if name else ()
        self.prefix = "".join(part + "." for part in self.path)
        self.repeated = repeated  # names inside are numbered
        self.counters: dict[str, int] = {}
        self.latest: dict[str, int] = {}


class Expander:
    def __init__(self, blocks: Mapping[str, Block], variables: Environment) -> None:
        self.blocks, self.variables = blocks, variables
        self.nodes: list[Node] = []
        self.problems: list[Diagnostic] = []
        self.names: dict[str, int] = {}
        self.written: dict[str, Span] = {}  # where a name stands that was given, by the full name
        self.pending: list[Pending] = []
        self.layers: dict[tuple[object, ...], Layer] = {}
        self.passes = 0
        self.counts: dict[tuple[object, ...], int] = {}
        self.read_blocks: list[str] = []
        self.broken: set[int] = set()  # steps whose count or arguments cannot be evaluated

    # -- how many layers there will be, by arithmetic --------------------------------------------

    def count(self, steps: tuple[Step, ...], variables: Environment, depth: int = 0) -> int:
        """Number of layers after expansion; Refusal where it passes the limit (or the nesting does).

        A pass of a repeat and a use of a block count as one at least, even of nothing: they take time.
        """
        total = 0
        for step in steps:
            total += self._count_one(step, variables, depth)
            if total > MAX_LAYERS:
                raise too_many(step.span, total)
        return total

    def _count_one(self, step: Step, variables: Environment, depth: int) -> int:
        if isinstance(step, LayerStep):
            return 1
        if depth >= MAX_DEPTH:
            message = f"repeats, branches and blocks are nested deeper than {MAX_DEPTH} levels, the limit"
            raise Refusal(TOO_LARGE, message, step.span)
        if isinstance(step, BranchStep):
            return 1 + sum(self.count(branch, variables, depth + 1) for branch in step.branches)
        if isinstance(step, BlockStep):
            return self._count_block(step, variables, depth)
        times = self._try(step, lambda: self.times(step, variables)) or 0
        if times == 0:
            return 0
        if step.name and step.name.text in variables and any(step.name.text in one.variables for one in step.body):
            name = step.name.text
            message = f"`${name}` is a variable, and in the repeat `{name}` it would be the number of the pass"
            self.problems.append(Diagnostic(DUPLICATE_NAME, message, step.name.span))
        if any(name in one.variables for one in step.body for name in step.counters):
            total = 0
            for i in range(1, times + 1):
                self.passes += 1
                total += max(1, self.count(step.body, {**variables, **dict.fromkeys(step.counters, i)}, depth + 1))
                if max(total, self.passes) > MAX_LAYERS:
                    raise too_many(step.span, max(total, self.passes))
            return total
        once = max(1, self.count(step.body, variables, depth + 1))
        if times * once > MAX_LAYERS:
            raise too_many(step.span, times * once, f"{times:,} x {once:,}" if once > 1 else "")
        return times * once

    def _count_block(self, step: BlockStep, variables: Environment, depth: int) -> int:
        block = self.blocks[step.block]
        if block.name in self.read_blocks:
            chain = " -> ".join([*self.read_blocks[self.read_blocks.index(block.name) :], block.name])
            labels = (Label(block.span, f"{block.name} begins here"),)
            raise Refusal(RECURSIVE_BLOCK, f"the block {block.name} uses itself: {chain}", step.span, labels=labels)
        inner = self._try(step, lambda: self.arguments(step, variables))
        if inner is None:
            return 1
        key = (block.name, *inner.items())
        if key not in self.counts:
            self.read_blocks.append(block.name)
            self.counts[key] = max(1, self.count(block.body, inner, depth + 1))
            self.read_blocks.pop()
        return self.counts[key]

    def _try(self, step: Step, read: Callable[[], T]) -> T | None:
        """What `read` gives; where it refuses, the problem is kept and the step marked as broken."""
        try:
            return read()
        except Refusal as refusal:
            self.problems.append(refusal.diagnostic)
            self.broken.add(id(step))
            return None

    def times(self, step: RepeatStep, variables: Environment) -> int:
        times = whole_number(step.times, variables, "a number of repeats")
        if times < 0:
            raise Refusal(BAD_REPEAT, f"{times} repeats; 0 is the least", step.times.span)
        return times

    def arguments(self, step: BlockStep, variables: Environment) -> dict[str, int]:
        """What a block sees: the spec's variables and its own, whose defaults may use what stands before them."""
        block = self.blocks[step.block]
        inner = dict(self.variables)
        for name, default in block.variables.items():
            if name in step.arguments:
                inner[name] = whole_number(step.arguments[name], variables)
            elif default is not None:
                inner[name] = whole_number(default, inner)
            else:
                raise Refusal(
                    MISSING_ARGUMENT,
                    f"the block {block.name} needs `{name}`",
                    step.span,
                    labels=(Label(block.span, f"its variables: {', '.join(block.variables)}"),),
                )
        return inner

    # -- laying out -------------------------------------------------------------------------------

    def run(self, steps: tuple[Step, ...], current: int, variables: Environment, scope: Scope) -> int:
        """Append the steps' nodes behind node `current`; return the last one."""
        for step in steps:
            if id(step) in self.broken:
                current = self._append(unreadable(step.span), UNKNOWN, (current,), scope)
            elif isinstance(step, LayerStep):
                if step.optional and self._absent(step):
                    continue
                source = self._find(step.sources[0], scope) if step.sources else current
                current = self._append(step, self.layer(step, variables), (source,), scope)
            elif isinstance(step, RepeatStep):
                current = self._repeat(step, current, variables, scope)
            elif isinstance(step, BranchStep):
                source = self._find(step.source, scope) if step.source else current
                ends = [self.run(branch, source, variables, scope) for branch in step.branches]
                ends += [self._find(one, scope) for one in step.sources]
                current = self._append(step, step.type(), tuple(ends), scope)
            else:
                current = self._block(step, current, variables, scope)
        return current

    def _block(self, step: BlockStep, current: int, variables: Environment, scope: Scope) -> int:
        source = self._find(step.source, scope) if step.source else current
        name = self._name(step.name, step.block, scope)
        current = self.run(self.blocks[step.block].body, source, self.arguments(step, variables), Scope(scope, name))
        scope.latest[step.name.text if step.name else name] = current
        self.names.setdefault(scope.prefix + name, current)
        return current

    def _absent(self, step: LayerStep) -> bool:
        """`X?` without hyperparameters of its own is there only if the defaults give them all."""
        return any(key.required and name not in step.values for name, key in step.type.keys.items()) or not step.values

    def _repeat(self, step: RepeatStep, current: int, variables: Environment, scope: Scope) -> int:
        """A named repeat numbers its passes, `block1.conv1`, `block2.conv1`; another one the layers in them."""
        if step.source:
            current = self._find(step.source, scope)
        inner = Scope(scope, repeated=True)
        if not step.name:
            inner.path, inner.prefix, inner.counters = scope.path, scope.prefix, scope.counters
        for i in range(1, self.times(step, variables) + 1):
            seen = {**variables, **dict.fromkeys(step.counters, i)}
            if not step.name:
                current = self.run(step.body, current, seen, inner)
                continue
            name = self._number(step.name.text, scope)
            current = self.run(step.body, current, seen, Scope(scope, name))
            scope.latest[step.name.text] = current
            self.names.setdefault(scope.prefix + name, current)
        return current

    def layer(self, step: LayerStep, variables: Environment) -> Layer:
        """The step's layer for these variables, made once; UNKNOWN where its values are wrong."""
        key = (id(step), *(variables.get(name) for name in step.variables)) if step.variables else (id(step),)
        made = self.layers.get(key)
        if made is None:
            made = self.layers[key] = self._equal(step, variables)
        return made

    def _equal(self, step: LayerStep, variables: Environment) -> Layer:
        """The layer of an equal step read before, else a new one, so that equal layers are measured once."""
        texts = [node.text for node in step.values.values() if isinstance(node, Scalar)]
        if step.variables or len(texts) < len(step.values):
            return self._make(step, variables)
        key = (step.type, *step.values, *texts)
        made = self.layers.get(key)
        if made is None:
            made = self._make(step, variables)
            if made is not UNKNOWN:  # what is wrong is wrong in every place
                self.layers[key] = made
        return made

    def _make(self, step: LayerStep, variables: Environment) -> Layer:
        if step.type is Layer:
            return UNKNOWN
        values = {}
        wrong = False
        for name, node in step.values.items():
            try:
                values[name] = step.type.keys[name].kind.read(node, variables)
            except Refusal as refusal:
                self.problems.append(_about(refusal.diagnostic, f"{step.type.type}: {name}"))
                wrong = True
        if wrong or any(key.required and name not in values for name, key in step.type.keys.items()):
            return UNKNOWN
        try:
            return step.type(**values)
        except LayerError as error:
            self.problems.append(placed(error, step.type.type, step.span, step.places))
            return UNKNOWN

    def _append(self, step: LayerStep | BranchStep, layer: Layer, inputs: tuple[int, ...], scope: Scope) -> int:
        name = self._name(step.name, step.type.type or "unknown", scope)
        if step.name:
            scope.latest[step.name.text] = len(self.nodes)
        full = scope.prefix + name
        self.names[full] = len(self.nodes)
        self.nodes.append(Node(full, layer, inputs, step.span, step.places, scope.path))
        return len(self.nodes) - 1

    def _name(self, given: Scalar | None, type: str, scope: Scope) -> str:
        """A step's name in its scope: the given one, numbered in repeats, or the type with a number."""
        if given is None:
            return self._number(type, scope)
        if scope.repeated:
            return self._number(given.text, scope)
        full = scope.prefix + given.text
        if full in self.names:
            first = self.written.get(full, self.nodes[self.names[full]].span)
            self.problems.append(duplicate_name(given, first))
        self.written.setdefault(full, given.span)
        return given.text

    def _number(self, base: str, scope: Scope) -> str:
        counters, names = scope.counters, self.names
        while True:
            number = counters[base] = counters.get(base, 0) + 1
            if f"{scope.prefix}{base}{number}" not in names:
                return f"{base}{number}"

    # -- names ------------------------------------------------------------------------------------

    def _find(self, source: Scalar, scope: Scope) -> int:
        """The node a name refers to; -1 where there is none yet, which is sorted out at the end."""
        found = self._lookup(source.text, scope)
        if found < 0:
            self.pending.append(Pending(source, scope, len(self.nodes)))
        return found

    def _lookup(self, name: str, scope: Scope) -> int:
        """From the inside out; -1 where the name is not known."""
        around: Scope | None = scope
        while around is not None:
            if name in around.latest:
                return around.latest[name]
            if (full := around.prefix + name) in self.names:
                return self.names[full]
            around = around.parent
        return -1

    def report_pending(self) -> None:
        """Names that were not known where they were read: unknown, standing later, or part of a cycle."""
        once: dict[int, Pending] = {}  # what is repeated is said once
        for one in self.pending:
            once.setdefault(id(one.source), one)
        for number, (source, scope, reader) in enumerate(once.values()):
            found, thorough = self._lookup(source.text, scope), number < MAX_SUGGESTIONS
            if found < 0:
                meant = nearest(source.text, self.names) if thorough else None
                problem = Diagnostic(
                    UNKNOWN_NAME,
                    f"no layer is named `{source.text}`",
                    source.span,
                    help=(f"did you mean `{meant}`?",) if meant else (),
                )
            elif thorough and (chain := self._chain(reader, found)):
                names = [self.nodes[one].name for one in chain]
                problem = Diagnostic(
                    CYCLE,
                    f"{names[0]} reads itself" + (f" by way of `{source.text}`" if len(names) > 1 else ""),
                    source.span,
                    labels=() if found == reader else (Label(self.nodes[found].span, f"`{source.text}`"),),
                    notes=(f"the cycle: {' -> '.join(_shortened([*names, names[0]]))}",),
                )
            else:
                problem = Diagnostic(
                    FORWARD_REFERENCE,
                    f"`{source.text}` stands later, on line {self.nodes[found].span.line}",
                    source.span,
                    labels=(Label(self.nodes[found].span, f"`{source.text}`"),),
                    notes=("`from` and `inputs` reach back only",),
                )
            self.problems.append(problem)

    def _chain(self, reader: int, found: int) -> list[int]:
        """The nodes from `reader` on by which its output reaches node `found`; none if it does not."""
        before: dict[int, int] = {found: found}
        todo = [found]
        for one in todo:
            for source in self.nodes[one].inputs:
                if source >= reader and source not in before:
                    before[source] = one
                    todo.append(source)
        if reader not in before:
            return []
        chain = [reader]
        while chain[-1] != found:
            chain.append(before[chain[-1]])
        return chain


def _shortened(names: list[str]) -> list[str]:
    return names if len(names) <= 8 else [*names[:4], "...", *names[-3:]]


def too_many(span: Span, layers: int, product: str = "") -> Refusal:
    return Refusal(
        TOO_MANY_LAYERS,
        f"this makes {'at least ' if not product else ''}{layers:,} layers; the limit is {MAX_LAYERS:,}",
        span,
        notes=(f"{product} = {layers:,}",) if product else (),
    )


def placed(error: LayerError, name: str, span: Span, places: Mapping[str, Span]) -> Diagnostic:
    """A layer's error at the place of the key it names first, else at the layer."""
    at = next((places[key] for key in error.keys if key in places), span)
    labels = tuple(Label(places[key], text) for key, text in error.labels if key in places)
    joiner = " " if error.message.startswith(("does", "cannot")) else ": "
    return Diagnostic(
        error.code,
        f"{name}{joiner}{error.message}",
        at,
        text=error.text,
        labels=labels,
        notes=error.notes,
        help=error.help,
    )


def _about(one: Diagnostic, where: str) -> Diagnostic:
    return one._replace(message=f"{where}: {one.message}")


def expand(
    name: str, input: Node, steps: tuple[Step, ...], variables: Environment, blocks: Mapping[str, Block]
) -> tuple[Graph, list[Diagnostic]]:
    """The graph, as far as it can be laid out, and what was wrong on the way."""
    expander = Expander(blocks, variables)
    expander.nodes.append(input)
    expander.names[input.name] = 0
    try:
        expander.count(steps, variables)
        expander.run(steps, 0, variables, Scope())
        expander.report_pending()
    except Refusal as refusal:
        expander.problems.append(refusal.diagnostic)
    return Graph(name, tuple(expander.nodes)), expander.problems
