"""Darknet: a cfg as pjreddie/darknet and AlexeyAB/darknet read it.

A convolution, the batch norm behind it and the activation behind that are one section.  Layers have numbers and no names,
so the names stand in comments.  What reads another layer than the one before says so with a `[route]` of one layer, which
copies it.  Darknet adds 1e-5 to a variance and nothing else.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archcalc.authoring.export._exact import Inexact, each, framed, only, pool_of, whole_factor

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row

FORMAT = "Darknet"
EPS = 1e-5


def write(report: "Report") -> bytes:
    """The cfg; Unwritable with every layer that Darknet has nothing for."""
    net = _Net(report)
    each(FORMAT, report, net.layer, net.odd())
    return ("\n".join(net.lines) + "\n").encode()


class _Net:
    def __init__(self, report: "Report") -> None:
        self.report = report
        self.lines: list[str] = [f"# {report.graph.name}"] if report.graph.name else []
        self.sections = 0
        self.given: list[int] = []  # the section that gives each node's values; -1: the image
        self.done: dict[int, int] = {}  # nodes that stand in the section of an earlier one
        self.only = _only_readers(report)

    def odd(self) -> list[tuple[str, str]]:
        nodes, last = self.report.graph.nodes, len(self.report.rows) - 1
        found = [
            (nodes[one].name, "an output that is not the last layer")
            for one in self.report.graph.results()
            if one != last
        ]
        found += [(node.name, "a second input") for node in nodes[1:] if node.layer.type == "input"]
        return found + [(node.name, "a frozen layer") for node in nodes if not node.trainable]

    def layer(self, row: "Row") -> None:
        if row.position in self.done:
            self.given.append(self.done[row.position])
            return
        self.given.append(self.sections)  # what would have been, where it is refused
        handler = LAYERS.get(row.node.layer.type)
        call = Call(self, row)
        try:
            if handler is None:
                raise Inexact
            section = handler(call, row.node.layer)
        except Inexact:
            self.sections += 1
            raise
        self.given[-1] = self.sections - 1 if section is None else section
        self.done.update(dict.fromkeys(call.absorbed, self.given[-1]))

    def section(self, kind: str, comment: str, **options: Any) -> None:
        said = [f"{key}={value}" for key, value in options.items() if value is not None]
        self.lines += ["", f"# {comment}", f"[{kind}]", *said]
        self.sections += kind != "net"


def _only_readers(report: "Report") -> list[int]:
    """For every node the one that reads it, where that is one and it is no output of the network; else -1."""
    results = report.graph.results()
    return [read[0] if len(read) == 1 and at not in results else -1 for at, read in enumerate(report.graph.readers())]


class Call:
    """A layer while it is written, with what stands in its section."""

    def __init__(self, net: _Net, row: "Row") -> None:
        self.net, self.row = net, row
        self.x, self.y = row.inputs[0] if row.inputs else row.output, row.output
        self.names = [row.node.name]
        self.absorbed: list[int] = []

    def put(self, kind: str, **options: Any) -> None:
        """A section that reads the layer's first input."""
        self.begin(self.row.node.inputs[0] if self.row.node.inputs else -1)
        self.net.section(kind, " ".join(self.names), **options)

    def begin(self, node: int) -> None:
        """Make a node's values those of the last section, by a route where they are not."""
        if node < 0:
            return
        section = self.net.given[node]
        if section != self.net.sections - 1:
            if section < 0:
                raise Inexact(f"{self.row.node.layer.type} of the image, which other layers have read")
            self.net.section("route", f"{self.net.report.rows[node].node.name} again", layers=section)

    def behind(self, at: int, *types: str) -> "Row | None":
        """The layer that alone reads a node, where it is of one of these types."""
        reader = self.net.only[at]
        row = self.net.report.rows[reader] if reader >= 0 else None
        return row if row is not None and row.node.layer.type in types else None

    def absorb(self, row: "Row") -> None:
        self.absorbed.append(row.position)
        self.names.append(row.node.name)

    def activation(self, at: int) -> str:
        """The activation behind a node, which then stands in this section."""
        row = self.behind(at, *ACTIVATIONS, "leaky_relu")
        word = _word(row.node.layer) if row is not None else ""
        if row is None or not word:
            return "linear"
        self.absorb(row)
        return word

    def normed(self, bias: bool) -> tuple[int, int | None]:
        """The node that the section gives before its activation, and whether there is a batch norm."""
        at = self.row.position
        norm = self.behind(at, "bn")
        if bias:  # the norm has a section of its own
            return at, None
        if norm is None or not _plain_norm(norm.node.layer):
            kind = self.row.node.layer.type
            raise Inexact(
                f"{kind} without bias or batch norm" if norm is None else f"{kind} with a batch norm of another eps"
            )
        self.absorb(norm)
        return norm.position, 1


def _word(layer: Any) -> str:
    if layer.type == "leaky_relu":
        return {0.1: "leaky", 0.01: "relie"}.get(layer.slope, "")
    if any(getattr(layer, name) != key.default for name, key in layer.keys.items()):
        return ""
    return ACTIVATIONS.get(layer.type, "")


def _plain_norm(layer: Any) -> bool:
    return all(getattr(layer, name) == (EPS if name == "eps" else key.default) for name, key in layer.keys.items())


ACTIVATIONS = {
    **{one: one for one in ("relu", "relu6", "tanh", "elu", "selu", "mish")},
    "sigmoid": "logistic",
    "silu": "swish",
    "hardtanh": "hardtan",
}
Handler = Callable[[Call, Any], int | None]  # the section, where it is not the last


def image(call: Call, layer: Any) -> None:
    call.net.section("net", call.names[0], width=layer.width, height=layer.height, channels=layer.channels)


def conv(call: Call, layer: Any) -> None:
    """Square filters.  A dilated one is padded by dilation*(size/2)."""
    if layer.type == "dwconv":
        layer = layer.grouped(call.x.channels)
    only(layer, "filters", "kernel_size", "stride", "padding", "dilation", "groups", "bias", "rounding")
    size, across, dilation = layer.kernel_size.width, layer.stride, layer.dilation.width
    frame = framed(layer, call.x)
    if layer.kernel_size.height != size or layer.dilation.height != dilation:
        raise Inexact("conv whose window is not square")
    if any(frame.over) or len(set(frame.sides)) > 1:
        raise Inexact("conv that rounds up" if any(frame.over) else "conv with more padding on one side")
    pad, rest = divmod(frame.left, dilation)
    if rest or (dilation > 1 and 2 * pad != size - 1):
        raise Inexact("conv that is dilated and does not keep the size")
    strides = (
        {"stride": across.width}
        if across.width == across.height
        else {"stride_x": across.width, "stride_y": across.height}
    )
    at, norm = call.normed(layer.bias)
    half = {"pad": 1} if pad == size // 2 and pad else {"padding": pad or None}
    call.put(
        "convolutional",
        batch_normalize=norm,
        filters=layer.filters,
        size=size,
        **strides,
        **half,
        dilation=dilation if dilation > 1 else None,
        groups=layer.groups if layer.groups > 1 else None,
        share_index=None if call.row.node.shares is None else call.net.given[call.row.node.shares],
        activation=call.activation(at),
    )


def connected(call: Call, layer: Any) -> None:
    only(layer, "units", "bias")
    if call.row.node.shares is not None:
        raise Inexact("fc with the weights of another")
    at, norm = call.normed(layer.bias)
    call.put("connected", batch_normalize=norm, output=layer.units, activation=call.activation(at))


def pool(call: Call, layer: Any) -> None:
    """Padding in all, half of it, rounded down, on the left and top."""
    only(layer, "kernel_size", "stride", "padding", "rounding", "count_padding")
    size, stride, frame = layer.kernel_size, layer.step, framed(layer, call.x)
    if size.width != size.height:
        raise Inexact(f"{layer.type} whose window is not square")
    left, right, top, bottom = frame.sides
    total = left + right
    if (left, right) != (top, bottom) or left != total // 2:
        raise Inexact(f"{layer.type} with padding that is not the same all around")
    strides = (
        {"stride": stride.width}
        if stride.width == stride.height
        else {"stride_x": stride.width, "stride_y": stride.height}
    )
    if layer.type == "avgpool" and (stride.width != stride.height or (any(frame.sides) and layer.count_padding)):
        raise Inexact("avgpool that counts its padding" if any(frame.sides) else "avgpool with different strides")
    kind = "maxpool" if layer.type == "pool" else "local_avgpool"
    call.put(kind, size=size.width, **strides, padding=total)


def adaptive(call: Call, layer: Any) -> None:
    width, height = pool_of(layer, call.x, call.y)
    average = layer.type == "adaptive_avgpool"
    if average and call.y[:2] == (1, 1):
        call.put("avgpool")
    elif width != height:
        raise Inexact(f"{layer.type} whose windows are not square")
    else:
        call.put("local_avgpool" if average else "maxpool", size=width, stride=width, padding=0)


def average(call: Call, layer: Any) -> None:
    call.put("avgpool")


def largest(call: Call, layer: Any) -> None:
    if call.x.width != call.x.height:
        raise Inexact("gmp of an image that is not square")
    call.put("maxpool", size=call.x.width, stride=call.x.width, padding=0)


def batch_norm(call: Call, layer: Any) -> None:
    if not _plain_norm(layer):
        only(layer, "eps")
        raise Inexact(f"bn with eps: {layer.eps}")
    call.put("batchnorm")


def activation(call: Call, layer: Any) -> None:
    word = _word(layer)
    if not word:
        only(layer)
        raise Inexact
    call.put("activation", activation=word)


def flatten(call: Call, layer: Any) -> int:
    """Nothing where only fully connected layers read it, which flatten by themselves."""
    if call.x[:2] != (1, 1) and not _ends_in_fc(call.net, call.row.position):
        raise Inexact("flatten that another layer than fc reads")
    return call.net.given[call.row.node.inputs[0]]


def _ends_in_fc(net: _Net, at: int) -> bool:
    readers = [row for row in net.report.rows if at in row.node.inputs]
    passed = ("dropout", "relu", "flatten")
    return bool(readers) and all(
        row.node.layer.type == "fc" or (row.node.layer.type in passed and _ends_in_fc(net, row.position))
        for row in readers
    )


def softmax(call: Call, layer: Any) -> None:
    only(layer)
    call.put("softmax", spatial=None if call.x[:2] == (1, 1) else 1)


def dropout(call: Call, layer: Any) -> None:
    call.put("dropout", probability=layer.rate)


def lrn(call: Call, layer: Any) -> None:
    call.put("normalization", size=layer.size, alpha=layer.alpha, beta=layer.beta, kappa=layer.k)


def upsample(call: Call, layer: Any) -> None:
    only(layer, "factor", "size")
    factor = whole_factor(layer, call.x, call.y)
    if factor.width != factor.height:
        raise Inexact("upsample by different factors")
    call.put("upsample", stride=factor.width)


def split(call: Call, layer: Any) -> None:
    section = call.net.given[call.row.node.inputs[0]]
    _known(call, [section])
    call.net.section("route", call.names[0], layers=section, groups=layer.parts, group_id=layer.part - 1)


def concat(call: Call, layer: Any) -> None:
    sections = [call.net.given[one] for one in call.row.node.inputs]
    _known(call, sections)
    call.net.section("route", call.names[0], layers=",".join(str(one) for one in sections))


def add(call: Call, layer: Any) -> None:
    """The last section plus others; the one that stands last is read as such."""
    if len(set(call.row.inputs)) > 1:
        raise Inexact("add that stretches an input")
    nodes = list(call.row.node.inputs)
    here = max(nodes, key=lambda one: call.net.given[one])
    nodes.remove(here)
    _known(call, [call.net.given[one] for one in nodes])
    word = call.activation(call.row.position)
    call.begin(here)
    others = ",".join(str(call.net.given[one]) for one in nodes)
    call.net.section("shortcut", " ".join(call.names), **{"from": others, "activation": word})


def multiply(call: Call, layer: Any) -> None:
    """By one value per channel, which stands last; or by values of the same shape."""
    nodes, inputs = call.row.node.inputs, call.row.inputs
    if len(nodes) != 2:
        raise Inexact(f"multiply of {len(nodes)} inputs")
    small = 1 if inputs[1][:2] == (1, 1) else 0
    gate = inputs[small] == (1, 1, call.y.channels) and inputs[1 - small] == call.y
    if not gate and len(set(inputs)) > 1:
        raise Inexact("multiply that stretches another input than one value per channel")
    other = call.net.given[nodes[1 - small]]
    _known(call, [other])
    word = call.activation(call.row.position)
    call.begin(nodes[small])
    kind = "scale_channels" if gate else "sam"
    call.net.section(kind, " ".join(call.names), **{"from": other, "activation": word})


def _known(call: Call, sections: list[int]) -> None:
    if min(sections) < 0:
        raise Inexact(f"{call.row.node.layer.type} of the image itself")


LAYERS: dict[str, Handler] = {
    "input": image,
    "conv": conv,
    "dwconv": conv,
    "fc": connected,
    "pool": pool,
    "avgpool": pool,
    "adaptive_avgpool": adaptive,
    "adaptive_pool": adaptive,
    "gap": average,
    "gmp": largest,
    "bn": batch_norm,
    **dict.fromkeys((*ACTIVATIONS, "leaky_relu"), activation),
    "flatten": flatten,
    "softmax": softmax,
    "dropout": dropout,
    "lrn": lrn,
    "upsample": upsample,
    "split": split,
    "concat": concat,
    "add": add,
    "multiply": multiply,
}
