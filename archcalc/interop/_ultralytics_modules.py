"""The modules of Ultralytics' files, each as layers of archcalc with the names of its parameters in PyTorch."""

from collections.abc import Callable
from math import gcd
from typing import Any

from archcalc.diagnostics import Refusal, Span
from archcalc.interop.reading import BAD_SETTING, INEXPRESSIBLE, Draft, made, typed
from archcalc.layers import Layer
from archcalc.layers.conv import Conv
from archcalc.layers.further.deconv import TransposedConv
from archcalc.layers.further.upsample import Upsample
from archcalc.layers.norm import BatchNorm
from archcalc.layers.pool import MaxPool
from archcalc.reader.nodes import Scalar, Sequence, Value, shown
from archcalc.reader.text import in_backticks
from archcalc.reader.values import Padding
from archcalc.volume import Pair, Volume

BINS = 16  # of a side of a box, in the heads of v8


class Lost(Exception):
    """A volume that is needed is not known."""


class Net:
    """A network in the making."""

    def __init__(self, draft: Draft, classes: int, anchors: int, activation: tuple[str, dict[str, float]]) -> None:
        self.draft, self.classes, self.anchors, self.activation = draft, classes, anchors, activation
        self.old = False  # of v5
        self.repeats = 0  # of all modules
        self.span = Span(1, 1, 1, 1)  # of the module being read
        self.outputs: list[int] = []

    def boxes(self) -> int:
        """Channels of a v5 head: a box, whether something is there, and the classes, for every anchor."""
        return self.anchors * (self.classes + 5)

    def volume(self, x: int) -> Volume:
        found = self.draft.volumes[x]
        if found is None:
            raise Lost
        return found

    def channels(self, x: int) -> int:
        return self.volume(x).channels

    def put(self, name: str, layer: Layer, *inputs: int, **further: Any) -> int:
        return self.draft.add(name, layer, inputs, self.span, **further)

    def plain(self, name: str, type: str, *inputs: int, **values: Any) -> int:
        return self.put(name, typed(type, name, self.span, **values), *inputs)

    def conv(
        self,
        name: str,
        x: int,
        filters: int,
        size: int | Pair = 1,
        stride: int | Pair = 1,
        padding: int | None = None,
        groups: int = 1,
        dilation: int = 1,
        act: bool = True,
    ) -> int:
        """`Conv`: a convolution without bias, batch norm, activation; it keeps the size unless told otherwise."""
        size, stride = _pair(size), _pair(stride)
        x = self.bare(f"{name}.conv", x, filters, size, stride, padding, groups, dilation, bias=False)
        x = self.put(f"{name}.bn", made(BatchNorm, name, eps=0.001), x)
        type, keys = self.activation
        return self.plain(f"{name}.act", type, x, **keys) if act and type else x

    def bare(
        self,
        name: str,
        x: int,
        filters: int,
        size: Pair = Pair(1, 1),
        stride: Pair = Pair(1, 1),
        padding: int | None = None,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> int:
        """`nn.Conv2d`, padded to keep the size."""
        across, down = ((dilation * (one - 1) + 1) // 2 if padding is None else padding for one in size)
        layer = made(
            Conv,
            name,
            self.span,
            filters=filters,
            kernel_size=size,
            stride=stride,
            padding=Padding(across, across, down, down),
            dilation=Pair(dilation, dilation),
            groups=groups,
            bias=bias,
            rounding="floor",
        )
        return self.put(name, layer, x)

    def pool(self, name: str, x: int, size: int, stride: int = 1, padding: int | None = None) -> int:
        pad = size // 2 if padding is None else padding
        window, step = Pair(size, size), Pair(stride, stride)
        sides = Padding(pad, pad, pad, pad)
        layer = made(MaxPool, name, self.span, kernel_size=window, stride=step, padding=sides, rounding="floor")
        return self.put(name, layer, x)

    def bottleneck(self, name: str, x: int, filters: int, shortcut: bool, groups: int, first: int, part: float) -> int:
        """Two convolutions, the second of 3x3; with a shortcut where the channels stay."""
        y = self.conv(f"{name}.cv1", x, int(filters * part), first)
        y = self.conv(f"{name}.cv2", y, filters, 3, groups=groups)
        return self.plain(f"{name}.add", "add", x, y) if shortcut and self.channels(x) == filters else y


class Args:
    """The arguments of a module."""

    def __init__(self, net: Net, module: str, values: list[Value], span: Span) -> None:
        self.net, self.module, self.values, self.span = net, module, values, span
        self.repeats = 1
        net.span = span

    def has(self, place: int) -> bool:
        return place < len(self.values) and self._word(place) != "None"

    def replace(self, place: int, value: int) -> None:
        self.values[place] = Scalar(str(value), self.values[place].span)

    def integer(self, place: int, default: int | None = None) -> int:
        if not self.has(place):
            if default is None:
                raise Refusal(BAD_SETTING, f"{self.module} needs an argument {place + 1}", self.span)
            return default
        word = self._word(place)
        if word == "nc":
            return self.net.classes
        if not word.lstrip("-").isdecimal() or not word.isascii() or len(word) > 9:
            node = self.values[place]
            raise Refusal(BAD_SETTING, f"{shown(node)} stands where a whole number is expected", node.span)
        return int(word)

    def boolean(self, place: int, *, default: bool) -> bool:
        word = self._word(place) if self.has(place) else str(default)
        if word.lower() not in ("true", "false", "1", "0"):
            node = self.values[place]
            raise Refusal(BAD_SETTING, f"{shown(node)} stands where True or False is expected", node.span)
        return word.lower() in ("true", "1")

    def number(self, place: int, default: float) -> float:
        try:
            found = float(self._word(place)) if self.has(place) else default
        except ValueError:
            found = -1.0
        if not 0 < found <= 16:
            node = self.values[place]
            raise Refusal(BAD_SETTING, f"{shown(node)} stands where a factor is expected", node.span)
        return found

    def pair(self, place: int, default: int) -> Pair:
        """A number, or a list with the height first."""
        node = self.values[place] if self.has(place) else None
        if isinstance(node, Sequence):
            sizes = Args(self.net, self.module, list(node.items), node.span)
            if len(node.items) == 2:
                return Pair(sizes.integer(1), sizes.integer(0))
        return _pair(self.integer(place, default))

    def integers(self, place: int, default: tuple[int, ...]) -> tuple[int, ...]:
        node = self.values[place] if self.has(place) else None
        if not isinstance(node, Sequence):
            return default
        inner = Args(self.net, self.module, list(node.items), node.span)
        return tuple(inner.integer(one) for one in range(min(16, len(node.items))))

    def _word(self, place: int) -> str:
        node = self.values[place]
        return node.text.strip() if isinstance(node, Scalar) else ""


def _pair(value: "int | Pair") -> Pair:
    return value if isinstance(value, Pair) else Pair(value, value)


Module = Callable[[Net, str, list[int], Args], int]


def _conv(net: Net, name: str, inputs: list[int], args: Args) -> int:
    padding = args.integer(3) if args.has(3) else None
    rest = {"groups": args.integer(4, 1), "dilation": args.integer(5, 1) if args.has(5) else 1}
    act = args.boolean(6, default=True) if args.has(6) else True
    return net.conv(name, inputs[0], args.integer(0), args.pair(1, 1), args.pair(2, 1), padding, **rest, act=act)


def _depthwise(net: Net, name: str, inputs: list[int], args: Args) -> int:
    filters, x = args.integer(0), inputs[0]
    groups = gcd(net.channels(x), filters)
    return net.conv(name, x, filters, args.pair(1, 1), args.pair(2, 1), groups=groups, dilation=args.integer(3, 1))


def _bottleneck(net: Net, name: str, inputs: list[int], args: Args) -> int:
    shortcut, groups, part = args.boolean(1, default=True), args.integer(2, 1), args.number(3, 0.5)
    return net.bottleneck(name, inputs[0], args.integer(0), shortcut, groups, 1 if net.old else 3, part)


Inner = Callable[[Net, str, int, Args], int]


def _c3(inner: Inner) -> Module:
    """Two paths of half the channels, one of them through modules, side by side and then 1x1."""

    def add(net: Net, name: str, inputs: list[int], args: Args) -> int:
        (x, *_), filters = inputs, args.integer(0)
        half = int(filters * args.number(3, 0.5))
        y = net.conv(f"{name}.cv1", x, half)
        for one in range(args.repeats):
            y = inner(net, f"{name}.m.{one}", y, args)
        z = net.conv(f"{name}.cv2", x, half)
        return net.conv(f"{name}.cv3", net.plain(f"{name}.cat", "concat", y, z), filters)

    return add


def _narrow(net: Net, name: str, x: int, args: Args) -> int:
    shortcut, groups = args.boolean(1, default=True), args.integer(2, 1)
    return net.bottleneck(name, x, net.channels(x), shortcut, groups, 1, 1.0)


def _ghost_inside(net: Net, name: str, x: int, args: Args) -> int:
    return net_ghost(net, name, x, net.channels(x), 3, 1)


def _cross(net: Net, name: str, x: int, args: Args) -> int:
    """A 3x1 and a 1x3 convolution."""
    filters, groups = net.channels(x), args.integer(2, 1)
    y = net.conv(f"{name}.cv1", x, filters, Pair(3, 1))
    y = net.conv(f"{name}.cv2", y, filters, Pair(1, 3), groups=groups)
    return net.plain(f"{name}.add", "add", x, y) if args.boolean(1, default=True) else y


def _csp(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """`BottleneckCSP`: the norm and the activation stand behind the join."""
    (x, *_), filters = inputs, args.integer(0)
    half = int(filters * args.number(3, 0.5))
    y = net.conv(f"{name}.cv1", x, half)
    for one in range(args.repeats):
        y = _narrow(net, f"{name}.m.{one}", y, args)
    y = net.bare(f"{name}.cv3", y, half, bias=False)
    z = net.bare(f"{name}.cv2", x, half, bias=False)
    joined = net.plain(f"{name}.cat", "concat", y, z)
    normed = net.put(f"{name}.bn", made(BatchNorm, name, eps=0.001), joined)
    return net.conv(f"{name}.cv4", net.plain(f"{name}.act", "silu", normed), filters)


def _c2f(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """Halves of the channels, and what each of several bottlenecks gives, side by side and then 1x1."""
    (x, *_), filters = inputs, args.integer(0)
    shortcut, groups, half = args.boolean(1, default=False), args.integer(2, 1), int(filters * args.number(3, 0.5))
    y = net.conv(f"{name}.cv1", x, 2 * half)
    parts = [net.plain(f"{name}.split.{one}", "split", y, parts=2, part=one + 1) for one in (0, 1)]
    for one in range(args.repeats):
        parts.append(net.bottleneck(f"{name}.m.{one}", parts[-1], half, shortcut, groups, 3, 1.0))
    return net.conv(f"{name}.cv2", net.plain(f"{name}.cat", "concat", *parts), filters)


def _spp(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """Max pools of several sizes, side by side."""
    x = net.conv(f"{name}.cv1", inputs[0], net.channels(inputs[0]) // 2)
    sizes = args.integers(1, (5, 9, 13))
    parts = [x, *(net.pool(f"{name}.m.{number}", x, size) for number, size in enumerate(sizes))]
    return net.conv(f"{name}.cv2", net.plain(f"{name}.cat", "concat", *parts), args.integer(0))


def _sppf(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """Three max pools one after the other, side by side."""
    parts = [net.conv(f"{name}.cv1", inputs[0], net.channels(inputs[0]) // 2)]
    for number in range(3):
        parts.append(net.pool(f"{name}.m.{number}", parts[-1], args.integer(1, 5)))
    return net.conv(f"{name}.cv2", net.plain(f"{name}.cat", "concat", *parts), args.integer(0))


def _focus(net: Net, name: str, inputs: list[int], args: Args) -> int:
    y = net.plain(f"{name}.cat", "space_to_depth", inputs[0], factor=2)
    net.volume(y)
    padding = args.integer(3) if args.has(3) else None
    return net.conv(f"{name}.conv", y, args.integer(0), args.pair(1, 1), args.pair(2, 1), padding, args.integer(4, 1))


def net_ghost(net: Net, name: str, x: int, filters: int, size: int, stride: int) -> int:
    """`GhostBottleneck`: two GhostConvs, between them a depthwise convolution where the image shrinks."""
    y = _ghost(net, f"{name}.conv.0", x, filters // 2, Pair(1, 1), Pair(1, 1), act=True)
    if stride == 2:
        y = net.conv(f"{name}.conv.1", y, filters // 2, size, stride, groups=filters // 2, act=False)
        x = net.conv(f"{name}.shortcut.0", x, net.channels(x), size, stride, groups=net.channels(x), act=False)
        x = net.conv(f"{name}.shortcut.1", x, filters, act=False)
    y = _ghost(net, f"{name}.conv.2", y, filters, Pair(1, 1), Pair(1, 1), act=False)
    return net.plain(f"{name}.add", "add", y, x)


def _ghost(net: Net, name: str, x: int, filters: int, size: Pair, stride: Pair, act: bool) -> int:
    """Half of the channels by a convolution, the others from them by a depthwise one of 5x5."""
    half = filters // 2
    y = net.conv(f"{name}.cv1", x, half, size, stride, act=act)
    return net.plain(f"{name}.cat", "concat", y, net.conv(f"{name}.cv2", y, half, 5, groups=half, act=act))


def _ghost_conv(net: Net, name: str, inputs: list[int], args: Args) -> int:
    return _ghost(net, name, inputs[0], args.integer(0), args.pair(1, 1), args.pair(2, 1), act=True)


def _ghost_bottleneck(net: Net, name: str, inputs: list[int], args: Args) -> int:
    return net_ghost(net, name, inputs[0], args.integer(0), args.integer(1, 3), args.integer(2, 1))


def _concat(net: Net, name: str, inputs: list[int], args: Args) -> int:
    if args.integer(0, 1) != 1:
        raise Refusal(INEXPRESSIBLE, f"{name}: side by side along an axis other than the channels'", args.span)
    return inputs[0] if len(inputs) == 1 else net.plain(name, "concat", *inputs)


def _upsample(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """`nn.Upsample`: [size, factor, mode]."""
    if args.has(0):
        raise Refusal(INEXPRESSIBLE, f"{name}: upsampling to a size", args.span)
    mode = args.values[2].text if args.has(2) and isinstance(args.values[2], Scalar) else "nearest"
    if mode not in ("nearest", "bilinear"):
        raise Refusal(INEXPRESSIBLE, f"{name}: upsampling by {in_backticks(mode)}", args.span)
    return net.put(name, made(Upsample, name, args.span, factor=args.pair(1, 1), mode=mode), inputs[0])


def _max_pool(net: Net, name: str, inputs: list[int], args: Args) -> int:
    size = args.integer(0)
    return net.pool(name, inputs[0], size, args.integer(1, size), args.integer(2, 0))


def _deconv(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """`nn.ConvTranspose2d`, whose arguments are not scaled by the original unless it stands in the table of v5."""
    pad = args.integer(3, 0)
    layer = made(
        TransposedConv,
        name,
        args.span,
        filters=args.integer(0),
        kernel_size=args.pair(1, 1),
        stride=args.pair(2, 1),
        padding=Padding(pad, pad, pad, pad),
    )
    return net.put(name, layer, inputs[0])


def _norm(net: Net, name: str, inputs: list[int], args: Args) -> int:
    return net.put(name, made(BatchNorm, name), inputs[0])


def _same(net: Net, name: str, inputs: list[int], args: Args) -> int:
    return inputs[0]


def _blocks(type: str) -> Module:
    return lambda net, name, inputs, args: net.plain(name, type, inputs[0], factor=args.integer(0, 2))


def _classify(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """1280 channels, pooled to one pixel, and a layer of classes."""
    y = net.conv(f"{name}.conv", inputs[0], 1280, args.pair(1, 1), args.pair(2, 1))
    return net.plain(f"{name}.linear", "fc", net.plain(f"{name}.pool", "gap", y), units=args.integer(0))


def _detect(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """A head of v5 is a 1x1 convolution for every input; one of v8 has paths of convolutions for boxes and classes."""
    if net.old:
        filters = (net.anchors or 1) * (args.integer(0, net.classes) + 5)
        given = [net.bare(f"{name}.m.{number}", x, filters) for number, x in enumerate(inputs)]
    else:
        given = _split_heads(net, name, inputs, args.integer(0, net.classes))
    net.outputs += given
    return given[-1]


def _split_heads(net: Net, name: str, inputs: list[int], classes: int) -> list[int]:
    """Boxes as distributions over 16 bins a side, whose mean a fixed 1x1 convolution (`dfl`) takes, and classes."""
    first = net.channels(inputs[0])
    sides, scores = max(16, first // 4, BINS * 4), max(first, min(classes, 100))
    given: list[int] = []
    for number, x in enumerate(inputs):
        boxes = _path(net, f"{name}.cv2.{number}", x, sides, BINS * 4)
        kinds = _path(net, f"{name}.cv3.{number}", x, scores, classes)
        label = f"{name}.dfl.conv" if not number else f"{name}.dfl.conv.{number}"
        volume = net.volume(boxes)
        values: dict[str, Any] = {"volume": volume._replace(channels=4), "what": "DFL", "buffers": 0}
        values |= {
            "params": 0 if number else BINS,
            "macs": volume.width * volume.height * BINS * 4,
        }  # all use the first's
        decoded = net.put(label, typed("opaque", label, net.span, **values), boxes, trainable=False)
        scored = net.plain(f"{name}.sigmoid.{number}", "sigmoid", kinds)
        given.append(net.plain(f"{name}.cat.{number}", "concat", decoded, scored))
    return given


def _path(net: Net, name: str, x: int, width: int, filters: int) -> int:
    y = net.conv(f"{name}.1", net.conv(f"{name}.0", x, width, 3), width, 3)
    return net.bare(f"{name}.2", y, filters)


def _segment(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """Boxes and classes, coefficients of masks, and the masks' prototypes from the largest image."""
    if net.old:
        raise Refusal(INEXPRESSIBLE, f"{name}: a head for masks of v5", args.span)
    masks, width = args.integer(1, 32), args.integer(2, 256)
    _detect(net, name, inputs, args)
    y = net.conv(f"{name}.proto.cv1", inputs[0], width, 3)
    sizes: dict[str, Any] = {"kernel_size": Pair(2, 2), "stride": Pair(2, 2)}
    up = made(TransposedConv, f"{name}.proto.upsample", args.span, filters=width, **sizes)
    y = net.conv(f"{name}.proto.cv2", net.put(f"{name}.proto.upsample", up, y), width, 3)
    y = net.conv(f"{name}.proto.cv3", y, masks)
    return _more(net, name, inputs, masks, [y])


def _pose(net: Net, name: str, inputs: list[int], args: Args) -> int:
    """Boxes and classes, and values for every joint."""
    if net.old:
        raise Refusal(INEXPRESSIBLE, f"{name}: a head for joints of v5", args.span)
    joints, values = args.integers(1, (17, 3))[:2] if len(args.integers(1, (17, 3))) > 1 else (17, 3)
    _detect(net, name, inputs, args)
    return _more(net, name, inputs, joints * values, [])


def _more(net: Net, name: str, inputs: list[int], values: int, further: list[int]) -> int:
    width = max(net.channels(inputs[0]) // 4, values)
    given = [_path(net, f"{name}.cv4.{number}", x, width, values) for number, x in enumerate(inputs)]
    net.outputs += [*given, *further]
    return net.outputs[-1]


# Modules whose first argument is a number of channels to be scaled, and those that take the repeats as an argument.
SCALED = {
    *("Conv", "DWConv", "Bottleneck", "C3", "C3x", "C3Ghost", "BottleneckCSP", "C2f", "SPP", "SPPF", "Focus"),
    *("GhostConv", "GhostBottleneck", "nn.ConvTranspose2d", "Classify"),
}
REPEATED = {"C3", "C3x", "C3Ghost", "BottleneckCSP", "C2f"}

MODULES: dict[str, Module] = {
    "Conv": _conv,
    "DWConv": _depthwise,
    "Bottleneck": _bottleneck,
    "BottleneckCSP": _csp,
    "C3": _c3(_narrow),
    "C3x": _c3(_cross),
    "C3Ghost": _c3(_ghost_inside),
    "C2f": _c2f,
    "SPP": _spp,
    "SPPF": _sppf,
    "Focus": _focus,
    "GhostConv": _ghost_conv,
    "GhostBottleneck": _ghost_bottleneck,
    "Concat": _concat,
    "Contract": _blocks("space_to_depth"),
    "Expand": _blocks("depth_to_space"),
    "nn.Upsample": _upsample,
    "nn.MaxPool2d": _max_pool,
    "nn.ConvTranspose2d": _deconv,
    "nn.BatchNorm2d": _norm,
    "nn.Identity": _same,
    "Classify": _classify,
    "Detect": _detect,
    "Segment": _segment,
    "Pose": _pose,
}
