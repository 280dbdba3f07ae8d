"""PyTorch: one Python module with `build()`, as a person would write it and without archcalc.

What is nested becomes `nn.Sequential`, with a function for every block that occurs several times and a comprehension for
what is repeated.  Where layers reach back by name, where there are several inputs or outputs, or weights are shared, it is a
class with a `forward`.  Values of one per channel are [N, C] behind a fully connected layer, else [N, C, 1, 1].
"""

import keyword
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from archcalc.authoring.export import _pytorch_layers as modules
from archcalc.authoring.export._exact import Inexact, each, only
from archcalc.authoring.export._python import Argument, Expression, Group, Term, lines, python, repeated, statement
from archcalc.authoring.folding.blocks import Blocks, Text
from archcalc.authoring.folding.order import branch_by_branch, regrown
from archcalc.authoring.folding.parts import Branches, Call, Nesting, NotNested, Part, Step
from archcalc.graph import Graph

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row

FORMAT = "PyTorch"
MOST_VARIABLES = 8  # of a function
OWN = frozenset(("build", "nn", "torch", "self", "x", "first", "other", "others"))


def write(report: "Report") -> bytes:
    """The module's source; Unwritable with every layer that PyTorch has nothing for."""
    each(FORMAT, report, _Source(report).terms)
    body = _nested(report)
    return (_whole(report, body) + "\n").encode()


def _nested(report: "Report") -> "list[str]":
    graph = report.graph
    images = [one for one in graph.nodes if one.layer.type == "input"]
    free = len(images) == 1 and all(one.shares is None for one in graph.nodes)
    if free and graph.nodes[0] is images[0] and len(graph.nodes) > 1 and len(graph.results()) == 1:
        from archcalc.analysis.analyze import analyze

        for one in (regrown(graph), branch_by_branch(regrown(graph))):
            if one.results() != (len(one.nodes) - 1,):
                continue
            source = _Source(report if one == graph else analyze(one))
            try:
                return source.built()
            except NotNested:
                continue
    return _Source(report).network()


def _whole(report: "Report", body: "list[str]") -> str:
    """The file: what it is, what it needs, and what builds the network."""
    graph, text = report.graph, "\n".join(body)
    sizes = ", ".join(
        f"[N, {one.channels}, {one.height}, {one.width}]" for one in (row.output for row in report.inputs)
    )
    title = " ".join((graph.name or "A network").replace("\\", "/").replace('"', "'").split())
    params = f"{report.totals.params:,} parameters"
    used = [name for name in modules.MODULES if re.search(rf"\b{name}\(", text)]
    joins = [type for type, (name, *_) in modules.JOINS.items() if re.search(rf"\b{name}\(", text)]
    helpers = [modules.MODULES[one] for one in used] + [modules.joining(one) for one in joins]
    needs_torch = any("torch." in one for one in (*helpers, text))
    out = [f'"""{title}: {params}, images {sizes}.', "", "    model = build()", '"""', ""]
    out += ["import torch", "from torch import nn", ""] if needs_torch else ["from torch import nn", ""]
    return "\n".join([*out, *(f"{one}" for one in helpers), *body]).rstrip("\n")


class _Source:
    def __init__(self, report: "Report") -> None:
        self.report = report
        self.rows: Sequence[Row] = report.rows
        self.flat: list[bool] = []  # of every node, whether it gives [N, C]
        for row in report.rows:
            kind = row.node.layer.type
            read = bool(row.node.inputs) and all(self.flat[one] for one in row.node.inputs)
            self.flat.append(kind in ("fc", "flatten") or (read and (kind in modules.FLAT or kind in modules.JOINS)))
        self.blocks = Blocks(1, lambda name: name in OWN, MOST_VARIABLES)

    # -- layers ------------------------------------------------------------------------------------

    def terms(self, row: "Row") -> list[Term]:
        """The modules of a layer, with what makes a column or an image of its input."""
        layer, node = row.node.layer, row.node
        if layer.type == "input":
            return []
        if layer.type in modules.JOINS:
            only(layer)
            return []
        maker = modules.LAYERS.get(layer.type)
        if maker is None or len(node.inputs) != 1:
            raise Inexact
        flat, x = self.flat[node.inputs[0]], row.inputs[0]
        before: list[Term] = []
        if layer.type == "fc" and not flat:
            before = [Term("nn.Flatten")]
        if flat and layer.type not in modules.FLAT:
            before = [unflattened(x.channels)]
        made = maker(modules.Place(x, row.output, flat and layer.type in modules.FLAT), layer)
        if (
            node.inplace
            and layer.inplace
            and layer.type
            not in ("flatten", "sigmoid", "tanh", "softplus", "gelu", "gelu_tanh", "softmax", "log_softmax")
        ):
            made[-1] = made[-1]._replace(arguments=(*made[-1].arguments, Argument("inplace", "True", keyword=True)))
        if not node.trainable and row.cost.params:
            made[-1] = made[-1]._replace(after=".requires_grad_(False)")
        return before + made

    def ending(self, node: int, join: int) -> list[Step]:
        """What makes an image of a branch that is joined with images."""
        if self.flat[node] and not self.flat[join]:
            return [unflattened(self.rows[node].output.channels).step("unflatten")]
        return []

    def steps(self, at: int) -> list[Step]:
        row = self.rows[at]
        return [one.step(row.node.layer.type) for one in self.terms(row)]

    # -- nested ------------------------------------------------------------------------------------

    def built(self) -> list[str]:
        """Functions of the blocks, and `build`; NotNested where names are needed."""
        parts = Nesting(self.report.graph, self.steps, self.ending).parts()
        parts = self.blocks.fold(parts)
        out: list[str] = []
        for block in self.blocks.found:
            head = lines(f"{block.name}({', '.join(block.variables)})", "def ", ":")
            out += [
                "",
                *head,
                *self.returned(self.expression(block.parts, iter(block.texts))),
                "",
            ]
        return [*out, "", "def build():", *self.returned(self.expression(parts, None))]

    def returned(self, expression: Expression) -> list[str]:
        return lines(expression, "return ", "", 4)

    def expression(self, parts: Sequence[Part], texts: Iterator[Text] | None) -> Expression:
        """One part as itself, several as a Sequential."""
        items = repeated(self.growing(parts) if texts is None else [self.part(one, texts) for one in parts])
        if len(items) == 1 and not (isinstance(items[0], str) and items[0].startswith("*")):
            return items[0]
        return Group("nn.Sequential", items) if items else "nn.Identity()"

    def growing(self, parts: Sequence[Part]) -> list[Expression]:
        """The parts; three calls or more whose numbers grow by equal steps are a comprehension."""
        out: list[Expression] = []
        at = 0
        while at < len(parts):
            part, times = parts[at], 1
            steps: list[int] = []
            while isinstance(part, Call) and at + times < len(parts):
                other, before = parts[at + times], parts[at + times - 1]
                if not isinstance(other, Call) or not isinstance(before, Call) or other.block != part.block:
                    break
                now = [b - a for a, b in zip(before.values, other.values, strict=True)]
                if not any(now) or (steps and now != steps):
                    break
                steps, times = now, times + 1
            if times > 2 and isinstance(part, Call):
                said = [f"{a} + {d} * i" if d else str(a) for a, d in zip(part.values, steps, strict=True)]
                out.append(f"*[{part.block}({', '.join(said)}) for i in range({times})]")
                at += times
            else:
                out.append(self.part(part, None))
                at += 1
        return out

    def part(self, part: Part, texts: Iterator[Text] | None) -> Expression:
        if isinstance(part, Branches):
            return Group(modules.JOINS[part.type][0], tuple(self.expression(one, texts) for one in part.branches))
        if isinstance(part, Call):
            said = [str(one) for one in part.values] if texts is None else [python(next(texts)) for _ in part.values]
            return f"{part.block}({', '.join(said)})"
        assert isinstance(part, Step)
        term: Term = part.what
        return term.text(texts)

    # -- by names ----------------------------------------------------------------------------------

    def network(self) -> list[str]:
        """A class whose `forward` names what is reached back for."""
        graph = self.report.graph
        names = _identifiers(graph)
        inputs = [row.position for row in self.report.inputs]
        values = {at: names[at] for at in inputs}
        init: list[str] = []
        forward: list[str] = []
        for stretch in self.stretches():
            last = stretch[-1]
            node = graph.nodes[last]
            values[last] = names[last]
            if node.layer.type in modules.JOINS:
                forward += statement(f"{names[last]} =", self.joined(last, values), 8)
                continue
            owner = last if node.shares is None else node.shares
            if owner == last:
                terms = [one.text(None) for at in stretch for one in self.terms(self.rows[at])]
                made: Expression = terms[0] if len(terms) == 1 else Group("nn.Sequential", repeated(terms))
                init += lines(made if terms else "nn.Identity()", f"self.{names[last]} = ", "", 8)
            source = values[graph.nodes[stretch[0]].inputs[0]]
            forward += statement(f"{names[last]} =", f"self.{names[owner]}({source})", 8)
        results = ", ".join(values[one] for one in graph.results())
        title = '    """The layers by name, and how they read each other."""'
        out = [
            "",
            "class Network(nn.Module):",
            title,
            "",
            "    def __init__(self):",
            "        super().__init__()",
            *init,
            "",
        ]
        out += [
            f"    def forward(self, {', '.join(names[at] for at in inputs)}):",
            *forward,
        ]
        return [*out, *statement("return", results, 8), "", "", "def build():", "    return Network()"]

    def joined(self, at: int, values: dict[int, str]) -> str:
        node = self.rows[at].node
        read = [
            values[one] + ("[..., None, None]" if self.flat[one] and not self.flat[at] else "") for one in node.inputs
        ]
        if node.layer.type == "concat":
            return f"torch.cat([{', '.join(read)}], 1)"
        operation, said = modules.JOINS[node.layer.type][2], read[0]
        for one in read[1:]:
            said = operation.format(said, one)
        return said

    def stretches(self) -> Iterator[list[int]]:
        """Layers in a row that nobody else reads or shares, as lists; joins alone."""
        graph = self.report.graph
        readers, results = graph.readers(), set(graph.results())
        apart = {one.shares for one in graph.nodes} | {
            at for at, one in enumerate(graph.nodes) if one.shares is not None
        }
        stretch: list[int] = []
        for at, node in enumerate(graph.nodes):
            if node.layer.type == "input":
                continue
            before = stretch[-1] if stretch else -1
            single = node.layer.type in modules.JOINS or at in apart
            goes_on = node.inputs == (before,) and len(readers[before]) == 1 and before not in results
            if stretch and (
                single or not goes_on or before in apart or graph.nodes[before].layer.type in modules.JOINS
            ):
                yield stretch
                stretch = []
            stretch.append(at)
        if stretch:
            yield stretch


def unflattened(channels: int) -> Term:
    return Term("nn.Unflatten", (Argument("dim", "1"), Argument("channels", channels, form="({}, 1, 1)")))


def _identifiers(graph: Graph) -> list[str]:
    """A Python name for every node, like its own."""
    taken, found = set(OWN), list[str]()
    for node in graph.nodes:
        base = re.sub(r"\W", "_", node.name, flags=re.ASCII).strip("_") or "layer"
        base = "image" if base == "input" else base
        base = f"layer_{base}" if base[0].isdigit() or keyword.iskeyword(base) else base
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        found.append(name)
    return found
