"""Steps -> Graph: repeats unrolled, blocks and branches laid out, variables filled in, names given."""

from collections.abc import Mapping
from typing import Any

from archcalc.diagnostics import Diagnostic, Problems, Refusal, Span, rule
from archcalc.graph import UNKNOWN, Graph, Node
from archcalc.language.counting import LayerCounter, arguments, repeats
from archcalc.language.entries import BAD_STRUCTURE, variables_in
from archcalc.language.names import Names, Scope
from archcalc.language.steps import (
    PLAIN,
    Block,
    BlockStep,
    BranchStep,
    LayerStep,
    Manner,
    RepeatStep,
    Step,
    unreadable,
)
from archcalc.layers import Layer
from archcalc.layers.misfit import LayerError, placed
from archcalc.reader.expression import Environment
from archcalc.reader.nodes import Scalar

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
) -> tuple[Graph, list[Diagnostic]]:
    """The graph, as far as it can be laid out, and what was wrong on the way.  The first layer reads the first input."""
    problems = Problems()
    counter = LayerCounter(blocks, variables, problems)
    expander = _Expander(blocks, variables, inputs, counter.broken, problems)
    given: tuple[int, ...] = ()
    try:
        counter.count(steps, variables)
        scope = Scope()
        expander.run(steps, 0, variables, scope)
        given = tuple(expander.names.find(one, scope) for one in outputs)
        known: dict[int, Scalar] = {}
        for position, one in zip(given, outputs, strict=True):
            if position >= 0 and (same := known.setdefault(position, one)) is not one:
                problems.append(Diagnostic(BAD_STRUCTURE, f"`{one.text}` is the output `{same.text}` again", one.span))
        expander.names.report_pending()
    except Refusal as refusal:
        problems.append(refusal.diagnostic)
    return Graph(name, tuple(expander.nodes), tuple(one for one in dict.fromkeys(given) if one >= 0)), problems


class _Expander:
    """Appends nodes behind the input; `broken` are the steps whose count or arguments cannot be evaluated."""

    def __init__(
        self,
        blocks: Mapping[str, Block],
        variables: Environment,
        inputs: tuple[Node, ...],
        broken: set[int],
        problems: Problems,
    ) -> None:
        self.blocks, self.variables, self.broken, self.problems = blocks, variables, broken, problems
        self.nodes = list(inputs)
        self.uses: dict[tuple[str, int], int] = {}  # a block and its last node -> its first node
        self.names = Names(self.nodes, problems)
        self.layers: dict[tuple[object, ...], Layer] = {}
        self.constants: dict[int, dict[str, Any]] = {}  # a step -> its values that no variable changes

    def run(self, steps: tuple[Step, ...], current: int, variables: Environment, scope: Scope) -> int:
        """Append the steps' nodes behind node `current`; return the last one."""
        for step in steps:
            if id(step) in self.broken:
                current = self._append(unreadable(step.span), UNKNOWN, (current,), scope)
            elif isinstance(step, LayerStep):
                if step.optional and self._absent(step):
                    continue
                sources: tuple[int, ...] = (current,)
                if step.sources is not None:
                    sources = tuple(self.names.find(one, scope) for one in step.sources)
                manner = step.manner
                shares = None if manner.share is None else self._lender(manner.share, scope)
                if shares is not None and self.nodes[shares].shares is not None:
                    shares = self.nodes[shares].shares
                like = None if manner.like is None else self.names.find(manner.like, scope)
                current = self._append(step, self.layer(step, variables), sources, scope)
                if manner is not PLAIN:
                    self.nodes[current] = self.nodes[current]._replace(
                        shares=shares, inplace=manner.inplace, trainable=manner.trainable, like=like
                    )
            elif isinstance(step, RepeatStep):
                current = self._repeat(step, current, variables, scope)
            elif isinstance(step, BranchStep):
                source = self.names.find(step.source, scope) if step.source else current
                ends = [self.run(branch, source, variables, scope) for branch in step.branches]
                ends += [self.names.find(one, scope) for one in step.sources]
                current = self._append(step, step.type(), tuple(ends), scope)
            else:
                current = self._block(step, current, variables, scope)
        return current

    def _block(self, step: BlockStep, current: int, variables: Environment, scope: Scope) -> int:
        source = self.names.find(step.source, scope) if step.source else current
        name = self.names.choose(step.name, step.block, scope)
        block = self.blocks[step.block]
        inner = arguments(step, block, variables, self.variables)
        manner = step.manner
        lender = None if manner.share is None else self._lender(manner.share, scope)
        first = len(self.nodes)
        current = self.run(block.body, source, inner, Scope(scope, name))
        self.names.enter(name, step.name.text if step.name else name, scope, current)
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

    def _lender(self, name: Scalar, scope: Scope) -> int | None:
        """The node that has the weights which the node of this name uses; None where there is none yet."""
        found = self.names.find(name, scope, share=True)
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
            current = self.names.find(step.sources[0], scope)
        count = repeats(step, variables)
        first = len(self.nodes)
        length = 0
        inner = Scope(scope, repeated=True)
        if not step.name:
            inner.path, inner.prefix, inner.counters = scope.path, scope.prefix, scope.counters
        for i in range(1, count + 1):
            seen = {**variables, **dict.fromkeys(step.counters, i)}
            begin = len(self.nodes)
            if step.each:
                current = self.names.find(step.sources[i - 1], scope)
            if not step.name:
                current = self.run(step.body, current, seen, inner)
            else:
                name = self.names.number(step.name.text, scope)
                current = self.run(step.body, current, seen, Scope(scope, name))
                self.names.enter(name, step.name.text, scope, current)
            if i == 1:
                length = len(self.nodes) - first
            elif step.share:
                self._share(first, length, begin, step.span)
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
        if step.variables or step.uncertain or len(texts) < len(step.values):
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
        known = self.constants.setdefault(id(step), {}) if step.variables else {}
        values = {}
        wrong = False
        for name, node in step.values.items():
            if name in known:
                values[name] = known[name]
                continue
            try:
                values[name] = step.type.keys[name].kind.read(node, variables)
            except Refusal as refusal:
                one = refusal.diagnostic
                self.problems.append(one._replace(message=f"{step.type.type}: {name}: {one.message}"))
                wrong = True
            else:
                if step.variables and not variables_in(node):  # the same in every pass
                    known[name] = values[name]
        if wrong or step.uncertain or any(key.required and name not in values for name, key in step.type.keys.items()):
            return UNKNOWN
        try:
            return step.type(**values)
        except LayerError as error:
            self.problems.append(placed(error, step.type.type, step.span, step.places))
            return UNKNOWN

    def _append(self, step: LayerStep | BranchStep, layer: Layer, inputs: tuple[int, ...], scope: Scope) -> int:
        number = len(self.nodes)
        name = self.names.choose(step.name, step.type.type or "unknown", scope)
        if step.name:
            scope.latest[step.name.text] = number
        full = scope.prefix + name
        self.names.numbers[full] = number
        self.nodes.append(Node(full, layer, inputs, step.span, step.places, scope.path))
        return number
