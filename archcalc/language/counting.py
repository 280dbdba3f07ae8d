"""How many layers steps will expand to: by arithmetic, before anything is expanded.

What counts on the way, the passes of a repeat and the variables of a block, is evaluated here for the expansion too.
"""

from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from archcalc.diagnostics import Diagnostic, Label, Problems, Refusal, Span, rule
from archcalc.language.names import BAD_NAME, DUPLICATE_NAME, read_reference
from archcalc.language.steps import Block, BlockStep, BranchStep, FromStep, IfStep, LayerStep, RepeatStep, Step
from archcalc.reader.expression import Environment, Place
from archcalc.reader.integers import whole_number
from archcalc.reader.nodes import MAX_DEPTH, Scalar, Value
from archcalc.reader.text import TOO_LARGE

MAX_LAYERS = 100_000
MAX_DIFFERENT = 10_000  # layers in passes that differ: each is made and measured anew, which takes ten times as long

P = ParamSpec("P")
T = TypeVar("T")

TOO_MANY_LAYERS = rule(
    "AC130",
    "the network has more layers than archcalc expands",
    """
    Repeats are multiplied out before anything is expanded; a network has at most 100,000 layers.  In repeats whose passes
    differ from one another, because a value or a count depends on `$i`, it has at most 10,000.
    """,
)
BAD_REPEAT = rule(
    "AC131",
    "a repeat's count is not 0 or more",
    """
    `[..]*n` and `repeat: n` take a whole number from 0; 0 leaves the layers out.  A list in `from` has a name for
    every pass: `{repeat: 2, from: [p3, p4], layers: [...]}`.
    """,
)
RECURSIVE_BLOCK = rule("AC304", "a block uses itself", "A block that contains itself would never end.")
MISSING_ARGUMENT = rule(
    "AC305",
    "a block's variable is not given",
    "A block's `vars` without a value must be given where the block is used.",
)


class LayerCounter:
    """Counts; collects what cannot be evaluated in `problems`, and its steps in `broken`, by identity."""

    def __init__(self, blocks: Mapping[str, Block], variables: Environment, problems: Problems) -> None:
        self.blocks, self.variables, self.problems = blocks, variables, problems
        self.broken: set[int] = set()
        self.passes = 0
        self.within = False  # a repeat whose passes differ
        self.different = 0  # layers in such repeats
        self.counts: dict[tuple[object, ...], int] = {}
        self.read_blocks: list[str] = []

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
        if isinstance(step, LayerStep | FromStep):
            return 1
        if depth >= MAX_DEPTH:
            message = f"repeats, branches and blocks are nested deeper than {MAX_DEPTH} levels, the limit"
            raise Refusal(TOO_LARGE, message, step.span)
        if isinstance(step, BranchStep):
            return 1 + sum(self.count(branch, variables, depth + 1) for branch in step.branches)
        if isinstance(step, BlockStep):
            return self._count_block(step, variables, depth)
        if isinstance(step, IfStep):
            there = self._try(step, whole_number, step.condition, variables)
            return max(1, self.count(step.body, variables, depth + 1)) if there else 1
        times = self._try(step, repeats, step, variables) or 0
        first = 1 if step.first is None else self._try(step, beginning, step, variables)
        if times == 0 or first is None:
            return 0
        if step.name and step.name.text in variables and any(step.name.text in one.variables for one in step.body):
            name = step.name.text
            message = f"`${name}` is a variable, and in the repeat `{name}` it would be the number of the pass"
            self.problems.append(Diagnostic(DUPLICATE_NAME, message, step.name.span))
        if any(name in one.variables for one in step.body for name in step.counters):
            return self._count_passes(step, range(first, first + times), variables, depth)
        once = max(1, self.count(step.body, variables, depth + 1))
        if times * once > MAX_LAYERS:
            raise too_many(step.span, times * once, f"{times:,} x {once:,}" if once > 1 else "")
        return times * once

    def _count_passes(self, step: RepeatStep, passes: range, variables: Environment, depth: int) -> int:
        """Of a repeat whose passes differ: each is counted, and its layers will be made and measured one by one."""
        within, self.within = self.within, True
        known = 0 if within else self.different
        total = 0
        for i in passes:
            self.passes += 1
            total += max(1, self.count(step.body, {**variables, **dict.fromkeys(step.counters, i)}, depth + 1))
            if known + total > MAX_DIFFERENT:
                message = f"passes that differ from one another make more than {MAX_DIFFERENT:,} layers, the limit"
                note = f"a repeat whose passes are the same may have {MAX_LAYERS:,}"
                raise Refusal(TOO_MANY_LAYERS, message, step.span, notes=(note,))
            if self.passes > MAX_LAYERS:
                raise too_many(step.span, self.passes)
        self.within, self.different = within, known + total if not within else self.different
        return total

    def _count_block(self, step: BlockStep, variables: Environment, depth: int) -> int:
        block = self.blocks[step.block]
        if block.name in self.read_blocks:
            chain = " -> ".join([*self.read_blocks[self.read_blocks.index(block.name) :], block.name])
            labels = (Label(block.span, f"{block.name} begins here"),)
            raise Refusal(RECURSIVE_BLOCK, f"the block {block.name} uses itself: {chain}", step.span, labels=labels)
        inner = self._try(step, arguments, step, block, variables, self.variables)
        if inner is None:
            return 1
        key = (block.name, *inner.items())
        if key not in self.counts:
            self.read_blocks.append(block.name)
            self.counts[key] = max(1, self.count(block.body, inner, depth + 1))
            self.read_blocks.pop()
        return self.counts[key]

    def _try(self, step: Step, read: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | None:
        """What `read` gives; where it refuses, the problem is kept and the step marked as broken."""
        found = self.problems.attempt(read, *arguments, **options)
        if found is None:
            self.broken.add(id(step))
        return found


def repeats(step: RepeatStep, variables: Environment) -> int:
    """How often a repeat passes; Refusal (AC131) below 0, or where `from` has names for another number of passes."""
    times = whole_number(step.times, variables, "a number of repeats")
    if times < 0:
        raise Refusal(BAD_REPEAT, f"{times} repeats; 0 is the least", step.times.span)
    if step.each and times != len(step.sources):
        message = f"`from` has {len(step.sources)} name{'s' * (len(step.sources) != 1)} for {times} passes"
        raise Refusal(
            BAD_REPEAT, message, step.times.span, notes=("one name, without brackets, is where the first begins",)
        )
    return times


def beginning(step: RepeatStep, variables: Environment) -> int:
    """The number of a repeat's first pass; Refusal (AC131) below 0."""
    first = 1 if step.first is None else whole_number(step.first, variables)
    if first < 0:
        assert step.first is not None
        raise Refusal(BAD_REPEAT, f"passes are counted from {first}; 0 is the least", step.first.span)
    return first


def arguments(
    step: BlockStep,
    block: Block,
    variables: Environment,
    of_the_spec: Environment,
    find: Callable[[Scalar], int] | None = None,
) -> dict[str, int | Place]:
    """What a block sees: the spec's variables and its own, whose defaults may use what stands before them.

    Variables that stand for layers are looked up with `find`, where the block is used.  Refusal (AC305) where one
    without a default is not given.
    """
    inner: dict[str, int | Place] = {**of_the_spec}
    for name, default in block.variables.items():
        if name in block.names and name in step.arguments:
            inner[name] = _place(step.arguments[name], variables, find)
        elif name in step.arguments:
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


def _place(node: Value, variables: Environment, find: Callable[[Scalar], int] | None) -> Place:
    name = read_reference(node)
    if not name.text.startswith("$"):
        return Place(name.text, find(name) if find else -1)
    known = variables.get(name.text[1:])
    if not isinstance(known, Place):
        raise Refusal(
            BAD_NAME, f"`{name.text}` is {'no variable here' if known is None else f'{known:,}, no layer'}", node.span
        )
    return known


def too_many(span: Span, layers: int, product: str = "") -> Refusal:
    return Refusal(
        TOO_MANY_LAYERS,
        f"this makes {'at least ' if not product else ''}{layers:,} layers; the limit is {MAX_LAYERS:,}",
        span,
        notes=(f"{product} = {layers:,}",) if product else (),
    )
