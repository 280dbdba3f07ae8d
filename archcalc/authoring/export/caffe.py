"""Caffe: a deploy prototxt, as BVLC/caffe reads it.

Pools round up unless they say `round_mode: FLOOR`.  A batch norm is BatchNorm, which keeps one value more, and Scale.
Activations and dropout work in place where nobody else reads their input.  Blobs have their layer's name.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archcalc.authoring.export._exact import Frame, Inexact, each, framed, only, pool_of
from archcalc.volume import Pair

if TYPE_CHECKING:
    from archcalc.analysis.analyze import Report, Row

FORMAT = "Caffe"
Lines = list[str]


def write(report: "Report") -> bytes:
    """The prototxt; Unwritable with every layer that Caffe has nothing for."""
    net = _Net(report)
    each(FORMAT, report, net.layer, net.odd())
    head = [f"name: {quoted(report.graph.name)}"] if report.graph.name else []
    return ("\n".join([*head, *net.lines]) + "\n").encode()


class _Net:
    def __init__(self, report: "Report") -> None:
        self.report = report
        self.lines: Lines = []
        self.blobs: list[str] = []  # of every node
        self.readers = report.graph.readers()
        self.lenders = {node.shares for node in report.graph.nodes if node.shares is not None}

    def odd(self) -> list[tuple[str, str]]:
        """What Caffe's rule that everything unread is an output makes impossible."""
        results = set(self.report.graph.results())
        names = [row.node.name for row in self.report.rows]
        found = [(names[one], "an output that another layer reads") for one in results if self.readers[one]]
        unread = (one for one, read in enumerate(self.readers) if not read and one not in results)
        return found + [(names[one], "a layer that nobody reads and that is no output") for one in unread]

    def layer(self, row: "Row") -> None:
        self.blobs.append(row.node.name)
        handler = LAYERS.get(row.node.layer.type)
        if handler is None:
            raise Inexact
        handler(Call(self, row), row.node.layer)


class Call:
    """A layer while it is written."""

    def __init__(self, net: _Net, row: "Row") -> None:
        self.net, self.row = net, row
        self.name = row.node.name
        self.x, self.y = row.inputs[0] if row.inputs else row.output, row.output

    def put(self, type: str, *settings: str, blobs: int = 0, suffix: str = "", bottoms: Lines | None = None) -> None:
        """A layer; in place where its own layer may and nobody else reads the input.  `blobs`: of how many parameters."""
        node, name = self.row.node, self.name + suffix
        bottoms = [self.net.blobs[one] for one in node.inputs] if bottoms is None else bottoms
        alone = len(node.inputs) == 1 and len(self.net.readers[node.inputs[0]]) == 1
        inplace = alone and node.layer.inplace and node.layer.type != "flatten" and node.inplace is not False
        inplace = (inplace and self.net.report.rows[node.inputs[0]].node.layer.type != "input") or bool(suffix)
        top = bottoms[0] if inplace else name
        self.net.blobs[-1] = top
        params = []
        for number in range(blobs):
            owner = self.row.position if node.shares is None else node.shares
            shared = owner in self.net.lenders
            parts = [f"name: {quoted(f'{self.net.report.rows[owner].node.name}{suffix}.{number}')}"] if shared else []
            parts += [] if node.trainable else ["lr_mult: 0"]
            params += [f"param {{ {' '.join(parts)} }}"] if parts else []
        ends = [*(f"bottom: {quoted(one)}" for one in bottoms), f"top: {quoted(top)}"]
        out = [f"name: {quoted(name)}", f"type: {quoted(type)}", *ends, *params, *settings]
        self.net.lines += ["layer {", *(f"  {one}" for one in out), "}"]


Handler = Callable[[Call, Any], None]


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def param(name: str, **values: Any) -> str:
    """The settings of a layer in a message of their own; those that are None are left out."""
    said = " ".join(f"{key}: {number(value)}" for key, value in values.items() if value is not None)
    return f"{name} {{ {said} }}" if said else ""


def number(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)


def axes(name: str, short: str, pair: Pair, default: int | None) -> dict[str, Any]:
    """`kernel_size: 3`, or `kernel_h` and `kernel_w`."""
    if pair.width == pair.height:
        return {} if pair.width == default else {name: pair.width}
    return {f"{short}_h": pair.height, f"{short}_w": pair.width}


def around(layer: Any, frame: Frame) -> dict[str, Any]:
    if not frame.even:
        raise Inexact(f"{layer.type} with more padding on one side")
    return axes("pad", "pad", Pair(frame.left, frame.top), 0)


def image(call: Call, layer: Any) -> None:
    dims = "1", layer.channels, layer.height, layer.width
    settings = f"input_param {{ shape {{ {' '.join(f'dim: {one}' for one in dims)} }} }}"
    call.put("Input", settings, bottoms=[])


def conv(call: Call, layer: Any) -> None:
    if layer.type == "dwconv":
        layer = layer.grouped(call.x.channels)
    only(layer, "filters", "kernel_size", "stride", "padding", "dilation", "groups", "bias", "rounding")
    frame = framed(layer, call.x)
    if any(frame.over):
        raise Inexact("conv that rounds up")
    if layer.dilation.width != layer.dilation.height:
        raise Inexact("conv with different dilations")
    _weighted(call, layer, frame, "Convolution", dilation=layer.dilation.width if layer.dilation.width > 1 else None)


def deconv(call: Call, layer: Any) -> None:
    only(layer, "filters", "kernel_size", "stride", "padding", "groups", "bias")
    (left, right), (top, bottom) = layer.cropped()
    if min(left, right, top, bottom) < 0:
        raise Inexact("deconv with columns behind its last window")
    _weighted(call, layer, Frame(left, right, top, bottom), "Deconvolution")


def _weighted(call: Call, layer: Any, frame: Frame, type: str, **further: Any) -> None:
    settings = param(
        "convolution_param",
        num_output=layer.filters,
        **axes("kernel_size", "kernel", layer.kernel_size, None),
        **axes("stride", "stride", layer.stride, 1),
        **around(layer, frame),
        group=layer.groups if layer.groups > 1 else None,
        bias_term=None if layer.bias else False,
        **further,
    )
    call.put(type, settings, blobs=1 + layer.bias)


def fc(call: Call, layer: Any) -> None:
    only(layer, "units", "bias")
    settings = param("inner_product_param", num_output=layer.units, bias_term=None if layer.bias else False)
    call.put("InnerProduct", settings, blobs=1 + layer.bias)


def pool(call: Call, layer: Any) -> None:
    """Rounds up; a last window that starts behind image and padding is left out where there is padding."""
    only(layer, "kernel_size", "stride", "padding", "rounding", "count_padding")
    frame, average = framed(layer, call.x), layer.type == "avgpool"
    own = Frame(frame.left, frame.right - frame.over[0], frame.top, frame.bottom - frame.over[1])
    if average and any(own.sides) and not layer.count_padding:
        raise Inexact("avgpool that does not count its padding")
    if not frame.unread:
        for axis, (extent, out, pad) in enumerate(zip(call.x[:2], call.y[:2], (own.left, own.top), strict=True)):
            f, s = layer.kernel_size[axis], layer.step[axis]
            size: int = -(-(extent + 2 * pad - f) // s) + 1
            size -= any(own.sides) and (size - 1) * s >= extent + pad
            if size != out:
                raise Inexact(f"{layer.type} whose last window Caffe keeps")
    settings = param(
        "pooling_param",
        pool="AVE" if average else "MAX",
        **axes("kernel_size", "kernel", layer.kernel_size, None),
        **axes("stride", "stride", layer.step, 1),
        **around(layer, own),
        round_mode="FLOOR" if frame.unread else None,
    )
    call.put("Pooling", settings)


def adaptive(call: Call, layer: Any) -> None:
    size = Pair(*pool_of(layer, call.x, call.y))
    method = "AVE" if layer.type == "adaptive_avgpool" else "MAX"
    windows = {**axes("kernel_size", "kernel", size, None), **axes("stride", "stride", size, 1)}
    call.put("Pooling", param("pooling_param", pool=method, **windows))


def whole(method: str) -> Handler:
    return lambda call, layer: call.put("Pooling", param("pooling_param", pool=method, global_pooling=True))


def batch_norm(call: Call, layer: Any) -> None:
    only(layer, "eps", "affine", "scale", "shift", "counted")
    call.put("BatchNorm", param("batch_norm_param", eps=None if layer.eps == 1e-5 else layer.eps))
    scale, shift = (layer.affine and one for one in (layer.scale, layer.shift))
    if scale:
        settings = param("scale_param", bias_term=True if shift else None)
        call.put("Scale", settings, blobs=1 + shift, suffix=".scale", bottoms=call.net.blobs[-1:])
    elif shift:
        call.put("Bias", blobs=1, suffix=".shift", bottoms=call.net.blobs[-1:])


def affine(call: Call, layer: Any) -> None:
    """A number, or one trained value per channel."""
    scale = layer.type == "scale"
    if layer.by is not None:
        call.put("Power", param("power_param", **{"scale" if scale else "shift": layer.by}))
    elif layer.per != "channel" or not layer.trained:
        raise Inexact(f"{layer.type} of another kind than one trained value per channel")
    else:
        call.put("Scale" if scale else "Bias", blobs=1)


def lrn(call: Call, layer: Any) -> None:
    alpha = layer.alpha * layer.size
    call.put("LRN", param("lrn_param", local_size=layer.size, alpha=alpha, beta=layer.beta, k=layer.k))


def plain(type: str, message: str = "", **keys: str) -> Handler:
    """A layer with settings from keys: theirs=ours."""

    def handler(call: Call, layer: Any) -> None:
        only(layer, *keys.values())
        settings = param(message, **{theirs: getattr(layer, ours) for theirs, ours in keys.items()}) if keys else ""
        call.put(type, *filter(None, [settings]))

    return handler


def prelu(call: Call, layer: Any) -> None:
    only(layer)
    call.put("PReLU", blobs=1)


def relu6(call: Call, layer: Any) -> None:
    call.put("Clip", param("clip_param", min=0, max=6))


def joined(type: str, *settings: str, most: int = 0) -> Handler:
    """A join of blobs of one shape; Caffe stretches none."""

    def handler(call: Call, layer: Any) -> None:
        if type == "Eltwise" and len(set(call.row.inputs)) > 1:
            raise Inexact(f"{layer.type} that stretches an input")
        if most and len(call.row.inputs) > most:
            raise Inexact(f"{layer.type} of {len(call.row.inputs)} inputs")
        call.put(type, *settings)

    return handler


def multiply(call: Call, layer: Any) -> None:
    """Eltwise, or by one value per channel Scale, which wants that without width and height."""
    inputs, nodes = call.row.inputs, call.row.node.inputs
    if len(inputs) != 2 or len(set(inputs)) == 1:
        joined("Eltwise", "eltwise_param { operation: PROD }")(call, layer)
        return
    small = next((at for at, one in enumerate(inputs) if one == (1, 1, call.y.channels)), None)
    if small is None or inputs[1 - small] != call.y:
        raise Inexact("multiply that stretches another input than one value per channel")
    image, factors = (call.net.blobs[nodes[at]] for at in (1 - small, small))
    flat = f"{call.name}.factors"
    out = [f"name: {quoted(flat)}", 'type: "Flatten"', f"bottom: {quoted(factors)}", f"top: {quoted(flat)}"]
    call.net.lines += ["layer {", *(f"  {one}" for one in out), "}"]
    call.put("Scale", "scale_param { axis: 0 }", bottoms=[image, flat])


LAYERS: dict[str, Handler] = {
    "input": image,
    "conv": conv,
    "dwconv": conv,
    "deconv": deconv,
    "fc": fc,
    "pool": pool,
    "avgpool": pool,
    "adaptive_avgpool": adaptive,
    "adaptive_pool": adaptive,
    "gap": whole("AVE"),
    "gmp": whole("MAX"),
    "bn": batch_norm,
    "scale": affine,
    "shift": affine,
    "lrn": lrn,
    "relu": plain("ReLU"),
    "leaky_relu": plain("ReLU", "relu_param", negative_slope="slope"),
    "relu6": relu6,
    "prelu": prelu,
    "elu": plain("ELU", "elu_param", alpha="alpha"),
    "sigmoid": plain("Sigmoid"),
    "tanh": plain("TanH"),
    "silu": plain("Swish"),
    "softplus": plain("BNLL"),
    "softmax": plain("Softmax"),
    "dropout": plain("Dropout", "dropout_param", dropout_ratio="rate"),
    "flatten": plain("Flatten"),
    "concat": joined("Concat"),
    "add": joined("Eltwise"),
    "subtract": joined("Eltwise", "eltwise_param { coeff: 1 coeff: -1 }", most=2),
    "maximum": joined("Eltwise", "eltwise_param { operation: MAX }"),
    "multiply": multiply,
}
