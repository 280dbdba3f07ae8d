"""Steps -> Graph: repeats unrolled, blocks and branches laid out, variables filled in, names given."""

from collections.abc import Mapping

from archcalc.diagnostics import Diagnostic, Problems, Refusal, Span, rule
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.language.counting import (
    MAX_LAYERS,
    TOO_MANY_LAYERS,
    LayerCounter,
    arguments,
    beginning,
    repeats,
    too_many,
)
from archcalc.language.entries import BAD_STRUCTURE
from archcalc.language.making import Layers
from archcalc.language.names import BAD_NAME, UNKNOWN_NAME, Names, Scope, filled, read_name
from archcalc.language.steps import (
    PLAIN,
    Block,
    BlockStep,
    BranchStep,
    FromStep,
    IfStep,
    LayerStep,
    Manner,
    RepeatStep,
    Step,
    unreadable,
)
from archcalc.language.suggest import MAX_SUGGESTIONS, nearest
from archcalc.layers import Layer
from archcalc.reader.expression import Environment, Place
from archcalc.reader.integers import whole_number
from archcalc.reader.nodes import Scalar

MAX_READS = 1_000_000  # of layers by layers

SEVERAL_LENGTHS = rule(
    "AC309",
    "blocks cannot share their weights",
    """
    A block with `share: head1` uses the weights of the block `head1`, a repeat with `share: true` those of its first pass,
    layer by layer.  So they have the same layers in the same order; variables may change strides and padding, not their
    number.
    """,
)


def expand(
    name: str,
    inputs: tuple[Node, ...],
    steps: tuple[Step, ...],
    variables: Environment,
    blocks: Mapping[str, Block],
    outputs: tuple[Scalar, ...] = (),
    instead: Mapping[str, tuple[Scalar, tuple[Step, ...]]] = {},
    layers: Layers | None = None,
) -> tuple[Graph, list[Diagnostic]]:
    """The graph, as far as it can be laid out, and what was wrong on the way.  The first layer reads the first input.

    `instead` has steps by the full name of the layer, block or repeat whose place they take; `layers` are those of the
    same steps for other variables.
    """
    problems = Problems()
    counter = LayerCounter(blocks, variables, problems)
    layers = layers or Layers()
    replaced = {name: found for name, (_, found) in instead.items()}
    expander = _Expander(blocks, variables, inputs, counter.broken, problems, replaced, layers)
    given: tuple[int, ...] = ()
    try:
        total = counter.count(steps, variables) + sum(counter.count(one, variables) for one in replaced.values())
        if total > MAX_LAYERS:
            raise too_many(next(iter(instead.values()))[0].span if instead else steps[0].span, total)
        scope = Scope()
        scope.begin(0)
        expander.run(steps, 0, variables, scope)
        named = [(position, one) for one in outputs for position in expander.all((one,), variables, scope)]
        given = tuple(position for position, _ in named)
        known: dict[int, Scalar] = {}
        for position, one in named:
            if position >= 0 and (same := known.setdefault(position, one)) is not one:
                problems.append(Diagnostic(BAD_STRUCTURE, f"`{one.text}` is the output `{same.text}` again", one.span))
        for missing in expander.instead:
            meant = nearest(missing, expander.names.numbers) if len(problems) < MAX_SUGGESTIONS else None
            help = (f"did you mean `{meant}`?",) if meant else ()
            place = instead[missing][0].span
            problems.append(
                Diagnostic(UNKNOWN_NAME, f"nothing is named `{missing}` that could be replaced", place, help=help)
            )
        expander.names.report_pending()
    except Refusal as refusal:
        problems.append(refusal.diagnostic)
    layers.settle(problems)
    return Graph(name, tuple(expander.nodes), tuple(one for one in dict.fromkeys(given) if one >= 0)), problems


def in_place(graph: Graph, defaults: Mapping[str, bool]) -> Graph:
    """The graph with what `defaults` say of types: layers of which nothing was said themselves, nor of their block."""
    if not defaults:
        return graph
    nodes = (
        node._replace(inplace=defaults[node.layer.type])
        if node.inplace is None and node.layer.type in defaults
        else node
        for node in graph.nodes
    )
    return graph._replace(nodes=tuple(nodes))


class _Expander:
    """Appends nodes behind the input; `broken` are the steps whose count or arguments cannot be evaluated."""

    def __init__(
        self,
        blocks: Mapping[str, Block],
        variables: Environment,
        inputs: tuple[Node, ...],
        broken: set[int],
        problems: Problems,
        instead: Mapping[str, tuple[Step, ...]],
        layers: Layers,
    ) -> None:
        self.blocks, self.variables, self.broken, self.problems = blocks, variables, broken, problems
        self.nodes = list(inputs)
        self.uses: dict[tuple[str, int], int] = {}  # a block and its last node -> its first node
        self.names = Names(self.nodes, problems)
        self.layers = layers
        self.reads = 0
        self.instead = dict(instead)  # by the full name of what is not there

    def run(self, steps: tuple[Step, ...], current: int, variables: Environment, scope: Scope) -> int:
        """Append the steps' nodes behind node `current`; return the last one."""
        for step in steps:
            if id(step) in self.broken:
                current = self._append(unreadable(step.span), UNKNOWN, (current,), scope)
            elif isinstance(step, LayerStep):
                if step.optional and self._absent(step):
                    continue
                if step.name is None and step.sources is None and step.manner is PLAIN and not self.instead:
                    current = self._append(step, self.layers.layer(step, variables, self.problems), (current,), scope)
                else:
                    current = self._layer(step, current, variables, scope)
            elif isinstance(step, RepeatStep):
                current = self._repeat(step, current, variables, scope)
            elif isinstance(step, BranchStep):
                current = self._branches(step, current, variables, scope)
            elif isinstance(step, FromStep):
                current = self._find(step.source, variables, scope)
            elif isinstance(step, IfStep):
                if whole_number(step.condition, variables):
                    current = self.run(step.body, current, variables, scope)
            else:
                current = self._block(step, current, variables, scope)
        return current

    def _layer(self, step: LayerStep, current: int, variables: Environment, scope: Scope) -> int:
        sources = (current,) if step.sources is None else tuple(self.all(step.sources, variables, scope))
        label = step.name
        if label is not None and "$" in label.text:
            label = filled(label, variables)
        if self.instead and sources:
            name = self.names.choose(label, step.type.type or "unknown", scope, exact=label is not step.name)
            if scope.prefix + name in self.instead:
                if step.name is None:  # what stands instead may be called so again
                    scope.counters[step.type.type] -= 1
                return self._replaced(scope.prefix + name, name, sources[0], scope)
        else:
            name = ""
        manner = step.manner
        if manner is PLAIN:
            return self._append(step, self.layers.layer(step, variables, self.problems), sources, scope, label, name)
        shares = None if manner.share is None else self._lender(manner.share, variables, scope)
        if shares is not None and self.nodes[shares].shares is not None:
            shares = self.nodes[shares].shares
        like = None if manner.like is None else self._find(manner.like, variables, scope)
        current = self._append(step, self.layers.layer(step, variables, self.problems), sources, scope, label, name)
        self.nodes[current] = self.nodes[current]._replace(
            shares=shares, inplace=manner.inplace, trainable=manner.trainable, like=like
        )
        return current

    def _branches(self, step: BranchStep, current: int, variables: Environment, scope: Scope) -> int:
        """A join; of one branch, where others are absent, it is that branch."""
        source = self._find(step.source, variables, scope) if step.source else current
        label = self._label(step.name, variables)
        if label and scope.prefix + label.text in self.instead:
            return self._replaced(scope.prefix + label.text, label.text, source, scope)
        if not step.loose:
            ends = [self.run(branch, source, variables, scope) for branch in step.branches]
            ends += [self._find(one, variables, scope) for one in step.sources]
            return self._append(step, step.type(), tuple(ends), scope, label)
        ends, places = [], []
        for number, branch in enumerate(step.branches, 1):
            if not self._there(branch, variables):
                continue
            ends.append(self.run(branch, source, variables, scope))
            places.append(step.places[f"branch {number}"])
        for number, one in enumerate(step.sources, len(step.branches) + 1):
            found = self.all((one,), variables, scope)
            ends += found
            places += [step.places[f"branch {number}"]] * len(found)
        if len(ends) == 1:
            if label:
                scope.latest[label.text] = ends[0]
                self.names.numbers.setdefault(scope.prefix + label.text, ends[0])
            return ends[0]
        numbered = {f"branch {number}": span for number, span in enumerate(places, 1)}
        return self._append(step._replace(places=numbered), step.type(), tuple(ends), scope, label)

    def _there(self, branch: tuple[Step, ...], variables: Environment) -> bool:
        """Whether a branch is not one `if` that does not hold."""
        first = branch[0] if len(branch) == 1 else None
        if not isinstance(first, IfStep) or id(first) in self.broken:
            return True
        return whole_number(first.condition, variables) != 0

    def _block(self, step: BlockStep, current: int, variables: Environment, scope: Scope) -> int:
        source = self._find(step.source, variables, scope) if step.source else current
        label = self._label(step.name, variables)
        name = self.names.choose(label, step.block, scope, exact=label is not step.name)
        if scope.prefix + name in self.instead:
            return self._replaced(scope.prefix + name, name, source, scope)
        block = self.blocks[step.block]
        inner = arguments(step, block, variables, self.variables, lambda one: self._find(one, variables, scope))
        manner = step.manner
        lender = None if manner.share is None else self._lender(manner.share, variables, scope)
        first = len(self.nodes)
        within = Scope(scope, name)
        within.begin(source)
        current = self.run(block.body, source, inner, within)
        self.names.enter(name, label.text if label else name, scope, current)
        if label and scope.repeated:
            scope.passes.setdefault(label.text, []).append(current)
        self.uses[step.block, current] = first
        if manner is not PLAIN:
            self._treat(manner, first)
        if manner.share is not None and lender is not None:
            begin = self.uses.get((step.block, lender))
            if begin is None:
                message = f"`{manner.share.text}` is no use of the block {step.block}, whose weights could be shared"
                self.problems.append(Diagnostic(SEVERAL_LENGTHS, message, manner.share.span))
            else:
                self._share(begin, lender + 1 - begin, first, manner.share.span)
        return current

    def _replaced(self, full: str, name: str, source: int, scope: Scope) -> int:
        """What stands instead of a layer of the base, in its place and under its name."""
        current = self.run(self.instead.pop(full), source, self.variables, scope)
        self.names.enter(name, name, scope, current)
        return current

    def _label(self, name: Scalar | None, variables: Environment) -> Scalar | None:
        """A name with its variables' numbers."""
        return filled(name, variables) if name and "$" in name.text else name

    def _find(self, name: Scalar, variables: Environment, scope: Scope, *, share: bool = False) -> int:
        """The node that a name, or a variable that stands for one, refers to; -1 where there is none yet."""
        if not name.text.startswith("$"):
            return self.names.find(name, scope, share=share)
        known = variables.get(name.text[1:])
        if isinstance(known, Place):
            return known.node
        message = f"`{name.text}` is {'no variable here' if known is None else f'{known:,}, no layer'}"
        self.problems.append(Diagnostic(BAD_NAME, message, name.span))
        return -1

    def all(self, names: tuple[Scalar, ...], variables: Environment, scope: Scope) -> list[int]:
        """The nodes of these names, where a star has all the passes of a repeat."""
        found: list[int] = []
        for one in names:
            starred = one.text.endswith("*")
            found += self.names.all_passes(one, scope) if starred else [self._find(one, variables, scope)]
        return found

    def _lender(self, name: Scalar, variables: Environment, scope: Scope) -> int | None:
        """The node that has the weights which the node of this name uses; None where there is none yet."""
        found = self._find(name, variables, scope, share=True)
        return None if found < 0 else found

    def _treat(self, manner: Manner, first: int) -> None:
        """Freeze what a block expanded to, or say whether it works in place; what a layer says of itself stands."""
        for at in range(first, len(self.nodes)):
            node = self.nodes[at]
            if node.trainable and not manner.trainable and node.layer.weighs():
                node = self.nodes[at] = node._replace(trainable=False)
            if manner.inplace is not None and node.inplace is None and node.layer.inplace:
                self.nodes[at] = node._replace(inplace=manner.inplace)

    def _share(self, begin: int, length: int, first: int, span: Span) -> None:
        """Let the nodes from `first` on use the weights of those from `begin` on, one by one."""
        own, theirs = self.nodes[first:], self.nodes[begin : begin + length]
        self.count_reads(len(own), span)
        if [node.layer.type for node in own] != [node.layer.type for node in theirs]:
            message = (
                f"{len(own):,} layers cannot share the weights of {length:,}: their types are not the same in order"
            )
            self.problems.append(Diagnostic(SEVERAL_LENGTHS, message, span))
            return
        for number, (node, other) in enumerate(zip(own, theirs, strict=True)):
            if node.layer.weighs():
                shares = begin + number if other.shares is None else other.shares
                self.nodes[first + number] = node._replace(shares=shares)

    def _absent(self, step: LayerStep) -> bool:
        """`X?` without hyperparameters of its own is there only if the defaults give them all."""
        return any(key.required and name not in step.values for name, key in step.type.keys.items()) or not step.values

    def _repeat(self, step: RepeatStep, current: int, variables: Environment, scope: Scope) -> int:
        """A named repeat numbers its passes, `block1.conv1`, `block2.conv1`; another one the layers in them."""
        if step.sources and not step.each:
            current = self._find(step.sources[0], variables, scope)
        if step.name and scope.prefix + step.name.text in self.instead:
            return self._replaced(scope.prefix + step.name.text, step.name.text, current, scope)
        count, start = repeats(step, variables), 1 if step.first is None else beginning(step, variables)
        first = len(self.nodes)
        length = 0
        inner = Scope(scope, repeated=True)
        if not step.name:
            inner.path, inner.prefix, inner.counters = scope.path, scope.prefix, scope.counters
            inner.passes = scope.passes
        base = step.name.text.partition("$")[0] if step.name else ""
        passes = scope.passes[base] = list[int]()
        for one in () if step.name else step.body:
            if one.name:
                scope.passes[one.name.text] = []
        for i in range(start, start + count):
            seen = {**variables, **dict.fromkeys(step.counters, i)}
            begin = len(self.nodes)
            if step.each:
                current = self._find(step.sources[i - start], variables, scope)
            if not step.name:
                inner.begin(current)
                current = self.run(step.body, current, seen, inner)
            else:
                label = self._label(step.name, seen)
                if label is step.name and step.first is not None:
                    label = read_name(Scalar(f"{step.name.text}{i}", step.name.span))
                if label is step.name:
                    name = self.names.number(step.name.text, scope)
                else:
                    name = self.names.choose(label, "", scope, exact=True)
                within = Scope(scope, name)
                within.begin(current)
                current = self.run(step.body, current, seen, within)
                self.names.enter(name, base, scope, current)
                passes.append(current)
            if i == start:
                length = len(self.nodes) - first
            elif step.share:
                self._share(first, length, begin, step.span)
        return current

    def count_reads(self, number: int, span: Span) -> None:
        """Refuse (AC130) what repeats, stars and shares multiply beyond measure."""
        self.reads += number
        if self.reads > MAX_READS:
            message = f"layers read one another more than {MAX_READS:,} times, the limit"
            raise Refusal(TOO_MANY_LAYERS, message, span)

    def _append(
        self,
        step: LayerStep | BranchStep,
        layer: Layer,
        inputs: tuple[int, ...],
        scope: Scope,
        label: Scalar | None = None,
        name: str = "",
    ) -> int:
        """A node of this label, or of a name that was chosen already."""
        number = len(self.nodes)
        self.reads += len(inputs)
        if self.reads > MAX_READS:
            self.count_reads(0, step.span)
        if label is None:
            name = name or self.names.number(step.type.type or "unknown", scope)
        else:
            name = name or self.names.choose(label, step.type.type or "unknown", scope, exact=label is not step.name)
            scope.latest[label.text] = number
            if scope.repeated and label is step.name:
                scope.passes.setdefault(label.text, []).append(number)
        full = scope.prefix + name
        self.names.numbers[full] = number
        self.nodes.append(Node(full, layer, inputs, step.span, step.places, scope.path))
        return number
