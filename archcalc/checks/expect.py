"""`expect:`: what a pipeline asserts about a network, held against what was computed.

    expect:
      output: 1x1x1000                # also of a layer: {pool5: 7x7x512}
      params: 138_357_544             # exact
      macs: 15.5G +- 1%               # with a tolerance, also +- 100M
      activations: 10M .. 20M         # a range
      activation_memory: <= 60 MiB    # compared; YAML wants quotes around ">= 1M", which begins with >
      training_memory: <= 11 GiB at batch 64
      max_batch: ">= 64 at 11 GiB"

Memory is that of the batch, dtype and optimizer of `training:` unless it says `at batch N`.  Every value becomes
a range of whole numbers; nothing is rounded.
"""

import re
from collections.abc import Iterator

from archcalc import units
from archcalc.analysis.analyze import Report, Row
from archcalc.checks.figures import Wanted, difference, read_count, read_figure
from archcalc.checks.quantities import QUANTITIES, Case, NotKnown, Quantity
from archcalc.diagnostics import Diagnostic, Refusal, rule
from archcalc.language.document import Document
from archcalc.language.entries import entries_of, unknown_key
from archcalc.language.suggest import nearest
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value, shown
from archcalc.reader.values import PAIR, read_volume_text
from archcalc.volume import Volume

MISSED = rule(
    "AC401",
    "an expectation is missed",
    """
    The spec's `expect` says otherwise than what was computed.  Either the network has changed and should not
    have, or the expectation is out of date.

        expect:
          output: 1x1x1000
          params: 138_357_544
          training_memory: <= 11 GiB at batch 64
    """,
)
MALFORMED = rule(
    "AC402",
    "an expectation cannot be read",
    """
    A figure is exact (`138_357_544`, `25.6M`), compared (`<= 5M`, `< 5M`, `">= 1000"`, `"> 1000"`), a range (`1M .. 2M`) or
    has a tolerance (`25.6M +- 1%`, `25.6M +- 100K`).  Counts take K, M, G and T, powers of 1000; memory takes
    B, kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (powers of 1024), and no bare G, which people read as
    either.  A volume is `1x1x1000`.  What begins with `>` is quoted, since YAML reads it as a folded text.
    """,
)
NOT_KNOWN = rule(
    "AC403",
    "what is expected is not known",
    """
    archcalc cannot compute the figure for this network, so it can say neither that the expectation is met nor that
    it is missed.  What is not known never passes.
    """,
)


def expectations(document: Document, report: Report, *, judged: bool) -> list[Diagnostic]:
    """What of the spec's `expect` is missed, cannot be read, or is not known.

    How figures are written is looked at in any case; held against the report they are where `judged`, which the
    caller leaves off for a network with errors.
    """
    if "expect" not in document.entries:
        return []
    problems: list[Diagnostic] = []
    try:
        entries = entries_of(document.entries["expect"][1], "expect")
    except Refusal as refusal:
        return [refusal.diagnostic]
    for word, (key, node) in entries.items():
        if word not in KEYS:
            meant = _FOREIGN.get(word.lower()) or nearest(word, KEYS)
            problems.append(unknown_key("expect", key, meant, ", ".join(KEYS)))
            continue
        try:
            problems += _expectation(word, node, Case(document, report, judged and report.complete))
        except Refusal as refusal:
            problems.append(refusal.diagnostic)
        except NotKnown as reason:
            problems.append(Diagnostic(NOT_KNOWN, f"{word} is not known: {reason}", node.span))
    return problems


def _outputs(case: Case) -> dict[str, Row]:
    """The outputs as `outputs` has them: a block's name is that of its last layer."""
    node = case.document.entries["outputs"][1] if "outputs" in case.document.entries else None
    names = [one.text for one in node.items if isinstance(one, Scalar)] if isinstance(node, Sequence) else []
    found = case.report.outputs
    return dict(zip(names, found, strict=True)) if len(names) == len(found) else {}


def _expectation(word: str, node: Value, case: Case) -> Iterator[Diagnostic]:
    if word in QUANTITIES:
        yield from _quantity(word, node, case)
        return
    hold = _output if word == "output" else _field
    if not isinstance(node, Mapping):
        yield from hold(
            word, _text(word, node), node, case.report.outputs[0] if case.judged else None, case.report.rows
        )
        return
    rows = {**_outputs(case), **{row.node.name: row for row in case.report.rows}}
    for key, value in node.entries:
        if key.text not in rows and case.judged:
            meant = nearest(key.text, rows)
            help = (f"did you mean `{meant}`?",) if meant else ()
            yield Diagnostic(MALFORMED, f"{word}: no layer is named {shown(key)}", key.span, help=help)
            continue
        yield from hold(f"{word} of {key.text}", _text(word, value), value, rows.get(key.text), case.report.rows)


def _quantity(word: str, node: Value, case: Case) -> Iterator[Diagnostic]:
    one = QUANTITIES[word]
    text = _text(word, node)
    figure, *rest = re.split(r"\s+at\s+", text, maxsplit=1)
    try:
        wanted = read_figure(figure, one.read)
        if one.at == "budget" and not rest:
            raise ValueError("of which memory? write `64 at 11 GiB`")
        if rest:
            case = _at(case, one, rest[0])
    except ValueError as error:
        raise _malformed(word, str(error), node) from None
    if case.judged:
        value = one.value(case)
        if by := difference(value, wanted, one.show):
            yield _missed(word, one.show(value), text, by, node, _tolerance(figure, wanted, value))


def _at(case: Case, one: Quantity, text: str) -> Case:
    if one.at == "budget":
        return case._replace(budget=units.read_size(text))
    batch = re.fullmatch(r"batch\s+(\d{1,10})", text, re.ASCII)
    if one.at != "batch" or not batch or int(batch[1]) < 1:
        raise ValueError(f"`at {text}` is not expected here" + ("; write `at batch 64`" if one.at else ""))
    return case._replace(batch=int(batch[1]))


def _output(word: str, text: str, node: Value, row: Row | None, rows: tuple[Row, ...]) -> Iterator[Diagnostic]:
    try:
        wanted = Volume(*read_volume_text(text, node.span))
    except Refusal as refusal:
        raise _malformed(word, refusal.diagnostic.message, node) from None
    if row is not None and row.output != wanted:
        parts = zip(("width", "height", "channels"), row.output, wanted, strict=True)
        by = [f"{name}: {difference(a, Wanted(b, b, b))}" for name, a, b in parts if a != b]
        yield _missed(word, str(row.output), str(wanted), ", ".join(by), node)


def _field(word: str, text: str, node: Value, row: Row | None, rows: tuple[Row, ...]) -> Iterator[Diagnostic]:
    """One figure for both axes, or a pair like 7x1."""
    pair = PAIR.fullmatch(text)
    try:
        wanted = [read_figure(one, read_count) for one in (pair.groups() if pair else (text, text))]
    except ValueError as error:
        raise _malformed(word, str(error), node) from None
    if row is None:
        return
    fields = row.receptive_field
    if fields.width is None or fields.height is None:
        stated = next((one.node for one in rows if one.node.layer.stated), None)
        why = f"{stated.name} does not say what it sees" if stated else "branches with different strides meet before it"
        raise NotKnown(why)
    sizes = fields.width.size, fields.height.size
    by = [difference(size, one) for size, one in zip(sizes, wanted, strict=True)]
    if any(by):
        said = (
            by[0]
            if by[0] == by[1]
            else ", ".join(f"{n}: {one}" for n, one in zip(("width", "height"), by, strict=True) if one)
        )
        yield _missed(word, f"{sizes[0]}x{sizes[1]}" if sizes[0] != sizes[1] else str(sizes[0]), text, said, node)


def _text(word: str, node: Value) -> str:
    if not isinstance(node, Scalar):
        raise _malformed(word, f"{shown(node)} stands where a figure is expected", node)
    if not node.text.strip():
        folded = node.style == ">"
        raise _malformed(
            word, "YAML reads this `>` as a folded text; quote it" if folded else "nothing is expected", node
        )
    return " ".join(node.text.split())


def _malformed(word: str, message: str, node: Value) -> Refusal:
    if word.startswith("output"):
        accepted = "a volume is width x height x channels, like 1x1x1000"
    else:
        low, middle, high = ("4M", "5M", "6M")
        if word.endswith("memory"):
            low, middle, high = ("10 GiB", "11 GiB", "12 GiB")
        elif word == "max_batch" or word.startswith("receptive_field"):
            low, middle, high = ("32", "64", "128")
        accepted = f'accepted are `{middle}`, `<= {middle}`, `">= {middle}"`, `{low} .. {high}`, `{middle} +- 1%`'
        if word == "max_batch":
            accepted += ", each with `at 11 GiB` behind"
    return Refusal(MALFORMED, f"{word}: {message}", node.span, notes=(accepted,))


def _missed(word: str, value: str, text: str, by: str, node: Value, help: tuple[str, ...] = ()) -> Diagnostic:
    return Diagnostic(MISSED, f"{word} is {value}, expected {text}: {by}", node.span, help=help)


def _tolerance(figure: str, wanted: Wanted, value: int) -> tuple[str, ...]:
    """For a rounded figure that was meant to be near."""
    rounded = wanted.low == wanted.high and re.search(r"[A-Za-z]", figure)
    if rounded and wanted.about and not difference(value, read_figure(f"{wanted.about} +- 1%", read_count)):
        return (f"a rounded figure needs a tolerance: `{figure} +- 1%`",)
    return ()


KEYS = {
    "output": "the volume at the end, or of a layer: {pool5: 7x7x512}",
    "receptive_field": "pixels that the output sees along each axis, or a layer: {pool5: 212}",
    **{word: one.words for word, one in QUANTITIES.items()},
}
_FOREIGN = {
    "parameters": "params",
    "param_count": "params",
    "output_shape": "output",
    "shape": "output",
    "mac": "macs",
    "madds": "macs",
    "memory": "training_memory",
    "train_memory": "training_memory",
    "batch": "max_batch",
    "batch_size": "max_batch",
}
