"""For tests: assert what a network is and costs.

    assert_architecture("specs/net.yaml", output="1x1x1000", params="25.6M +- 1%", training_memory="<= 11 GiB")

The figures are those of a spec's `expect`, and written like them.
"""

from collections.abc import Mapping as Table
from typing import Any

from archcalc.architecture import Architecture, Examination, Spec, examine, unreadable
from archcalc.checks.expect import MISSED, NOT_KNOWN, expectations
from archcalc.diagnostics import Diagnostic, Span, SpecError, explained
from archcalc.interop import open_source
from archcalc.language.document import Document
from archcalc.language.entries import UNKNOWN_KEY
from archcalc.reader.nodes import Mapping, Scalar, Value
from archcalc.variants.diff import Comparison, compare
from archcalc.volume import Volume

_NOWHERE = Span(1, 1, 1, 1)


def assert_architecture(
    spec: Spec | Architecture,
    *,
    set: Table[str, int] | None = None,
    input: str | None = None,
    same_as: Spec | Architecture | None = None,
    **expected: Any,
) -> "Tested":
    """Assert that SPEC is right, meets what it expects itself, and what is expected here; returns it.

    The keywords are the keys of `expect`, the values as they are written there: numbers, texts like `25.6M +- 1%`,
    `<= 11 GiB at batch 64` or `1x1x1000`, a Volume, and for `output` and `receptive_field` also a dict of layers.
    `same_as` is a spec that describes the same network; `set` and `input` are about SPEC alone.

    Raises AssertionError with every finding, each with the wanted, the actual and their difference, and the
    differences from `same_as` layer by layer; TypeError for a keyword and ValueError for a value that cannot be read.

    >>> net = assert_architecture("zoo:vgg16", output="1x1x1000", params=138_357_544, macs="15.5G +- 1%")
    >>> assert_architecture("zoo:vgg16", params="<= 100M", output={"pool5": "7x7x256"})
    Traceback (most recent call last):
        ...
    AssertionError: zoo:vgg16 is not what is asserted
      params is 138,357,544, expected <= 100M: 38,357,544 (38.4%) more
      output of pool5 is [7x7x512], expected [7x7x256]: channels: 256 (100%) more
    """
    __tracebackhide__ = True
    found = _examined(spec, set, input)
    if not found.ok:
        raise AssertionError(findings(found))
    missed = _missed(found, expected)
    if missed:
        lines = [f"{found.path} is not what is asserted", *(f"  {one.message}" for one in missed)]
        raise AssertionError("\n".join(lines))
    if same_as is not None:
        other = _examined(same_as, None, None)
        if not other.ok:
            raise AssertionError(findings(other))
        comparison = compare(other.report, found.report)
        if not comparison.equal:
            raise AssertionError(f"{found.path} is not the same as {other.path}\n{_shown(comparison, other, found)}")
    return Tested(*found.architecture)


class Tested(Architecture):
    """An architecture that is what was asserted, and can be asserted of more."""

    __slots__ = ()

    def matches(self, model: Any, input: Any = None, *, strict: bool = False, values: bool = False) -> bool:
        """Assert that a torch.nn.Module computes what the spec says; true, so that it reads well behind `assert`.

        The model's forward pass runs once, on the spec's inputs or on others (`input` as for `archcalc.from_torch`); it
        makes no difference how either is written (`archcalc match` says what does).  With `values` the spec's layers are
        executed in NumPy with the model's weights, and must give what it gives.  Raises AssertionError with what
        is missing, more or different, by the module's path; ImportError where torch is not there.
        """
        __tracebackhide__ = True
        from archcalc.models import captured, from_torch
        from archcalc.variants.match import compare_values, match

        given = {row.node.name: row.output for row in self.report.rows if not row.inputs} if input is None else input
        other = from_torch(model, given)
        comparison = match(self.report, other.report, strict=strict)
        if not comparison.equal:
            raise AssertionError(f"{other.path} is not {self.path}\n{_shown(comparison, self, other)}")
        if values:
            run = captured(model, given, values=True)
            found = compare_values(self.report, run)
            if not found.equal:
                where = f", first in {run.graph.nodes[found.parted[0]].name}" if found.parted else ""
                raise AssertionError(
                    f"{other.path} does not give what {self.path} gives: {found.furthest:.1e} apart{where}"
                )
        return True


def _shown(comparison: Comparison, a: Architecture | Examination, b: Architecture | Examination) -> str:
    from archcalc.formats import Look
    from archcalc.formats.diff.text import render

    return render(comparison, (a.path, b.path), Look(width=100)).rstrip("\n")


def findings(found: Examination) -> str:
    """What is wrong with a spec, as `archcalc check` prints it."""
    from archcalc.formats.check.text import SHOWN, finding

    return "".join(finding(found.path, one, found.document.lines) for one in found.diagnostics[:SHOWN]).rstrip("\n")


def examination(spec: Spec, **options: Any) -> Examination:
    """Examine SPEC, also one that is not even text; raises SpecUnavailable where there is none."""
    try:
        return examine(open_source(spec), **options)
    except SpecError as error:
        return unreadable(error)


def _examined(spec: Spec | Architecture, set: Table[str, int] | None, input: str | None) -> Examination:
    if not isinstance(spec, Architecture):
        return examination(spec, set=set, input=input)
    if set is not None or input is not None:
        raise TypeError("set and input belong to a spec that is yet to be read")
    document = spec.document or Document(spec.name, spec.graph, (), training=spec.training)
    found = expectations(document, spec.report, judged=True)
    if document.extension:
        found = list(document.extension.placed(found))
    return Examination(spec.path, document, spec.report, tuple(found))


def _missed(found: Examination, expected: Table[str, Any]) -> list[Diagnostic]:
    """What of the expected is missed or not known."""
    entries = {**found.document.entries, "expect": (_scalar("expect"), _node(expected))}
    said = expectations(found.document._replace(entries=entries), found.report, judged=True)
    for one in said:
        if one.code not in (MISSED, NOT_KNOWN):
            raise (TypeError if one.code == UNKNOWN_KEY else ValueError)("\n".join(explained(one)))
    return said


def _node(value: Any) -> Value:
    """A Python value as the reader would give it."""
    if isinstance(value, Table):
        return Mapping(tuple((_scalar(str(key)), _node(one)) for key, one in value.items()), _NOWHERE)
    if isinstance(value, Volume):
        return _scalar("x".join(map(str, value)))
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return _scalar(str(value))
    raise TypeError(f"a figure is a number or a text, not {value!r}")


def _scalar(text: str) -> Scalar:
    return Scalar(text, _NOWHERE, '"')
