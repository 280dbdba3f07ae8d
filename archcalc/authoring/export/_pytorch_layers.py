"""PyTorch's modules for layers, as the calls that make them.

What `torch.nn` has no module for is a few lines of its own in the file, or refused.  Padding that a module does not know
stands in a module before it, and a crop is padding below zero, as in PyTorch itself.
"""

from collections.abc import Callable
from typing import Any

from archcalc.authoring.export._exact import Frame, Inexact, framed, only
from archcalc.authoring.export._python import Argument, Term
from archcalc.layers.conv import Conv
from archcalc.records import NamedTuple
from archcalc.volume import Pair, Volume

NOT_FINITE = 'float("-inf")'
WINDOW = ("kernel_size", "stride", "padding", "rounding")


class Place(NamedTuple):
    """Where a layer stands: what it reads and gives; `flat`: that is [N, C]."""

    x: Volume
    y: Volume
    flat: bool


Maker = Callable[[Place, Any], list[Term]]


def size(label: str, pair: Pair, *, keyword: bool = False, default: int | None = None) -> Argument:
    """A number, or height and width."""
    value: int | str = pair.width if pair.width == pair.height else f"({pair.height}, {pair.width})"
    return Argument(label, value, keyword, default)


def named(label: str, value: str | int | None, default: int | None = None) -> list[Argument]:
    """An argument by its name; none for None."""
    return [] if value is None else [Argument(label, value, keyword=True, default=default)]


def padded(layer: Any, frame: Frame, most: Pair | None = None, fill: str = "") -> tuple[list[Term], list[Argument]]:
    """The padding as an argument, or as a module where it is uneven or more than the module takes (`most`)."""
    if frame.even and not any(frame.over) and (most is None or (frame.left <= most.width and frame.top <= most.height)):
        return [], [size("padding", Pair(frame.left, frame.top), keyword=True, default=0)]
    return [zeros(frame.sides, fill)], []


def zeros(sides: tuple[int, ...], fill: str = "") -> Term:
    said = str(sides[0]) if len(set(sides)) == 1 else str(sides)
    if fill:
        return Term("nn.ConstantPad2d", (Argument("padding", said), Argument("value", fill)))
    return Term("nn.ZeroPad2d", (Argument("padding", said),))


def conv(place: Place, layer: Any) -> list[Term]:
    if layer.type == "dwconv":
        layer = layer.grouped(place.x.channels)
    only(layer, *WINDOW, "filters", "dilation", "groups", "bias")
    before, padding = padded(layer, framed(layer, place.x))
    return [
        *before,
        Term(
            "nn.Conv2d",
            (
                Argument("in_channels", place.x.channels),
                Argument("out_channels", layer.filters),
                size("kernel_size", layer.kernel_size),
                size("stride", layer.stride, keyword=True, default=1),
                *padding,
                size("dilation", layer.dilation, keyword=True, default=1),
                *named("groups", layer.groups, 1),
                *named("bias", None if layer.bias else "False"),
            ),
        ),
    ]


def separable(place: Place, layer: Any) -> list[Term]:
    """A depthwise convolution, and one of 1x1 behind it."""
    only(layer, *WINDOW, "filters", "dilation", "multiplier", "bias")
    values = {name: getattr(layer, name) for name in (*WINDOW, "dilation")}
    middle = layer.multiplier * place.x.channels
    first = Conv(filters=middle, groups=place.x.channels, bias=False, **values)
    second = Conv(filters=layer.filters, kernel_size=Pair(1, 1), bias=layer.bias)
    between = Place(place.y._replace(channels=middle), place.y, flat=False)
    return [*conv(place, first), *conv(between, second)]


def transposed(place: Place, layer: Any) -> list[Term]:
    only(layer, *WINDOW, "filters", "output_padding", "dilation", "groups", "bias")
    (left, right), (top, bottom) = layer.cropped()
    added = Pair(left - right, top - bottom)
    own = min(left, top, *added) >= 0 and added.width < layer.stride.width and added.height < layer.stride.height
    behind: list[Term] = []
    if not own:
        if min(left, right, top, bottom) < 0:
            raise Inexact("deconv with columns behind its last window")
        behind, added, left, top = [zeros((-left, -right, -top, -bottom))], Pair(0, 0), 0, 0
    made = Term(
        "nn.ConvTranspose2d",
        (
            Argument("in_channels", place.x.channels),
            Argument("out_channels", layer.filters),
            size("kernel_size", layer.kernel_size),
            size("stride", layer.stride, keyword=True, default=1),
            size("padding", Pair(left, top), keyword=True, default=0),
            size("output_padding", added, keyword=True, default=0),
            *named("groups", layer.groups, 1),
            *named("bias", None if layer.bias else "False"),
            size("dilation", layer.dilation, keyword=True, default=1),
        ),
    )
    return [made, *behind]


def pool(place: Place, layer: Any) -> list[Term]:
    """PyTorch pads a pool by half its window at most."""
    only(layer, *WINDOW, "dilation", "count_padding")
    maximum, kernel = layer.type == "pool", layer.kernel_size
    frame = framed(layer, place.x)
    ceil = any(frame.over)
    own = Frame(frame.left, frame.right - frame.over[0], frame.top, frame.bottom - frame.over[1])
    before, padding = padded(layer, own, Pair(kernel.width // 2, kernel.height // 2), NOT_FINITE if maximum else "")
    further = named("ceil_mode", "True" if ceil else None)
    if maximum:
        spread = getattr(layer, "dilation", Pair(1, 1))
        further = [size("dilation", spread, keyword=True, default=1), *further]
        if before and ceil:
            before, further = [zeros(frame.sides, NOT_FINITE)], further[:1]
    elif before and (ceil or not layer.count_padding):
        raise Inexact("avgpool with more padding on one side")
    elif any(own.sides) and not layer.count_padding:
        further += named("count_include_pad", "False")
    stride = [] if layer.step == kernel else [size("stride", layer.step, keyword=True)]
    function = "nn.MaxPool2d" if maximum else "nn.AvgPool2d"
    return [*before, Term(function, (size("kernel_size", kernel), *stride, *padding, *further))]


def power(place: Place, layer: Any) -> list[Term]:
    only(layer, "kernel_size", "stride", "rounding")
    frame = framed(layer, place.x)
    stride = [] if layer.step == layer.kernel_size else [size("stride", layer.step, keyword=True)]
    ceil = named("ceil_mode", "True" if any(frame.over) else None)
    if ceil:
        raise Inexact("l2pool that rounds up")
    return [Term("nn.LPPool2d", (Argument("norm_type", "2"), size("kernel_size", layer.kernel_size), *stride))]


def adaptive(function: str) -> Maker:
    return lambda place, layer: [Term(function, (size("output_size", Pair(*place.y[:2])),))]


def fc(place: Place, layer: Any) -> list[Term]:
    only(layer, "units", "bias")
    features = Argument("in_features", place.x.size), Argument("out_features", layer.units)
    return [Term("nn.Linear", (*features, *named("bias", None if layer.bias else "False")))]


def batch_norm(place: Place, layer: Any) -> list[Term]:
    only(layer, "affine", "eps", "statistics", "counted")
    dims = "1d" if place.flat else "2d"
    return [Term(f"nn.BatchNorm{dims}", (Argument("channels", place.x.channels), *_norm(layer, 1e-5),
                 *named("track_running_stats", None if layer.statistics else "False")))]  # fmt: skip


def _norm(layer: Any, usual: float) -> list[Argument]:
    return [
        *named("eps", None if layer.eps == usual else repr(layer.eps)),
        *named("affine", None if layer.affine else "False"),
    ]


def group_norm(place: Place, layer: Any) -> list[Term]:
    only(layer, "affine", "eps", "groups")
    return [
        Term(
            "nn.GroupNorm",
            (Argument("groups", layer.groups), Argument("channels", place.x.channels), *_norm(layer, 1e-5)),
        )
    ]


def instance_norm(place: Place, layer: Any) -> list[Term]:
    only(layer, "affine", "eps", "statistics")
    further = [
        *named("eps", None if layer.eps == 1e-5 else repr(layer.eps)),
        *named("affine", "True" if layer.affine else None),
    ]
    further += named("track_running_stats", "True" if layer.statistics else None)
    return [Term("nn.InstanceNorm2d", (Argument("channels", place.x.channels), *further))]


def layer_norm(place: Place, layer: Any) -> list[Term]:
    """PyTorch's own is over the last axis."""
    only(layer, "eps", "affine")
    further = [
        *named("eps", None if layer.eps == 1e-5 else repr(layer.eps)),
        *named("elementwise_affine", None if layer.affine else "False"),
    ]
    return [Term("nn.LayerNorm" if place.flat else "LayerNorm2d", (Argument("channels", place.x.channels), *further))]


def lrn(place: Place, layer: Any) -> list[Term]:
    only(layer, "size", "alpha", "beta", "k")
    values = layer.alpha * layer.size, layer.beta, layer.k
    return [Term("nn.LocalResponseNorm", (Argument("size", layer.size), *(
        Argument(name, repr(value), keyword=True) for name, value in zip(("alpha", "beta", "k"), values, strict=True))))]  # fmt: skip


def plain(function: str, *texts: str, **keys: str) -> Maker:
    """A module with arguments as they are, and those from keys: theirs=ours."""

    def maker(place: Place, layer: Any) -> list[Term]:
        only(layer, *keys.values())
        said = [Argument("", one) for one in texts]
        said += [Argument(theirs, _literal(getattr(layer, ours))) for theirs, ours in keys.items()]
        return [Term(function, tuple(said))]

    return maker


def _literal(value: Any) -> int | str:
    return value if type(value) is int else repr(value)


def prelu(place: Place, layer: Any) -> list[Term]:
    only(layer, "per")
    return [Term("nn.PReLU", (Argument("channels", place.x.channels if layer.per == "channel" else 1, default=1),))]


def hardtanh(place: Place, layer: Any) -> list[Term]:
    return [Term("nn.Hardtanh", tuple(Argument("", repr(float(one))) for one in layer.values().values()))]


def clamp(place: Place, layer: Any) -> list[Term]:
    if layer.low is None or layer.high is None:
        raise Inexact("clamp on one side")
    return [Term("nn.Hardtanh", (Argument("", repr(float(layer.low))), Argument("", repr(float(layer.high)))))]


def pad(place: Place, layer: Any) -> list[Term]:
    sides = layer.sides(place.x)[:4]
    if layer.mode in ("zeros", "lowest"):
        return [zeros(sides, NOT_FINITE if layer.mode == "lowest" else "")]
    function = "nn.ReflectionPad2d" if layer.mode == "reflect" else "nn.ReplicationPad2d"
    return [zeros(sides)._replace(function=function)]


def crop(place: Place, layer: Any) -> list[Term]:
    return [zeros(tuple(-one for one in layer.sides(place.x)[:4]))]


def channels(place: Place, layer: Any) -> list[Term]:
    count = place.y.channels
    start = (layer.part - 1) * count if layer.type == "split" else layer.offset
    return [Term("Channels", (Argument("start", start), Argument("end", start + count)))]


def upsample(place: Place, layer: Any) -> list[Term]:
    """By a whole factor, or to a size."""
    further = named("mode", '"bilinear"' if layer.mode == "bilinear" else None)
    further += named("align_corners", "True" if layer.align_corners else None)
    if isinstance(layer.factor, Pair):
        return [Term("nn.Upsample", (size("scale_factor", layer.factor, keyword=True), *further))]
    if layer.factor is not None:
        raise Inexact("upsample by a fraction")
    return [Term("nn.Upsample", (size("size", layer.size, keyword=True), *further))]


def affine(place: Place, layer: Any) -> list[Term]:
    function = "Scale" if layer.type == "scale" else "Shift"
    if layer.by is not None:
        return [Term(f"{function}By", (Argument("", repr(layer.by)),))]
    if not layer.trained or layer.per not in ("channel", "layer"):
        raise Inexact(f"{layer.type} of another kind than trained values")
    return [Term(function, (Argument("channels", place.x.channels if layer.per == "channel" else 1),))]


def layer_scale(place: Place, layer: Any) -> list[Term]:
    return [Term("Scale", (Argument("channels", place.x.channels), *named("initial", repr(layer.initial))))]


def unshuffled(function: str) -> Maker:
    def maker(place: Place, layer: Any) -> list[Term]:
        factor = next(iter(layer.values().values()))
        if isinstance(factor, Pair) and factor.width != factor.height:
            raise Inexact(f"{layer.type} by different factors")
        return [Term(function, (Argument("factor", factor.width if isinstance(factor, Pair) else factor),))]

    return maker


# Layers that leave [N, C] as it is, and those that want an image.
FLAT: dict[str, Maker] = {
    "fc": fc,
    "flatten": plain("nn.Flatten"),
    "bn": batch_norm,
    "layer_norm": layer_norm,
    "dropout": plain("nn.Dropout", p="rate"),
    "relu": plain("nn.ReLU"),
    "relu6": plain("nn.ReLU6"),
    "leaky_relu": plain("nn.LeakyReLU", negative_slope="slope"),
    "prelu": prelu,
    "elu": plain("nn.ELU", alpha="alpha"),
    "celu": plain("nn.CELU", alpha="alpha"),
    "selu": plain("nn.SELU"),
    "gelu": plain("nn.GELU"),
    "silu": plain("nn.SiLU"),
    "mish": plain("nn.Mish"),
    "gelu_tanh": plain("nn.GELU", 'approximate="tanh"'),
    "tanh": plain("nn.Tanh"),
    "sigmoid": plain("nn.Sigmoid"),
    "softplus": plain("nn.Softplus"),
    "hardswish": plain("nn.Hardswish"),
    "hardsigmoid": plain("nn.Hardsigmoid"),
    "hardtanh": hardtanh,
    "clamp": clamp,
    "softmax": plain("nn.Softmax", "1"),
    "log_softmax": plain("nn.LogSoftmax", "1"),
}
IMAGE: dict[str, Maker] = {
    "conv": conv,
    "dwconv": conv,
    "sepconv": separable,
    "deconv": transposed,
    "pool": pool,
    "avgpool": pool,
    "l2pool": power,
    "gap": plain("nn.AdaptiveAvgPool2d", "1"),
    "gmp": plain("nn.AdaptiveMaxPool2d", "1"),
    "adaptive_avgpool": adaptive("nn.AdaptiveAvgPool2d"),
    "adaptive_pool": adaptive("nn.AdaptiveMaxPool2d"),
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "lrn": lrn,
    "dropout2d": plain("nn.Dropout2d", p="rate"),
    "drop_path": plain("DropPath", rate="rate"),
    "pad": pad,
    "crop": crop,
    "split": channels,
    "slice": channels,
    "shuffle": plain("nn.ChannelShuffle", groups="groups"),
    "upsample": upsample,
    "scale": affine,
    "shift": affine,
    "layer_scale": layer_scale,
    "pixel_shuffle": unshuffled("nn.PixelShuffle"),
    "pixel_unshuffle": unshuffled("nn.PixelUnshuffle"),
}
LAYERS = {**FLAT, **IMAGE}

# How inputs are joined, in a class and between names.
JOINS = {
    "add": ("Add", "The branches' sum.", "{} + {}"),
    "multiply": ("Multiply", "The branches' product.", "{} * {}"),
    "subtract": ("Subtract", "The first branch less the others.", "{} - {}"),
    "divide": ("Divide", "The first branch over the others.", "{} / {}"),
    "maximum": ("Maximum", "The largest value of the branches.", "torch.maximum({}, {})"),
    "minimum": ("Minimum", "The smallest value of the branches.", "torch.minimum({}, {})"),
    "concat": ("Concat", "The branches' channels on top of each other.", ""),
}
MODULES = {
    "LayerNorm2d": '''
class LayerNorm2d(nn.LayerNorm):
    """Over the channels of an image."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
''',
    "Channels": '''
class Channels(nn.Module):
    """Some of the channels."""

    def __init__(self, start, end):
        super().__init__()
        self.start, self.end = start, end

    def forward(self, x):
        return x[:, self.start : self.end]
''',
    "DropPath": '''
class DropPath(nn.Module):
    """At training leaves an image's branch out with this probability."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if not self.training or not self.rate:
            return x
        kept = torch.rand(len(x), 1, 1, 1, dtype=x.dtype, device=x.device) >= self.rate
        return x * kept / (1 - self.rate)
''',
    "Scale": '''
class Scale(nn.Module):
    """Trained factors."""

    def __init__(self, channels, initial=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), initial))

    def forward(self, x):
        return x * self.weight
''',
    "Shift": '''
class Shift(nn.Module):
    """Trained summands."""

    def __init__(self, channels):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x):
        return x + self.bias
''',
    "ScaleBy": """
class ScaleBy(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor
""",
    "ShiftBy": """
class ShiftBy(nn.Module):
    def __init__(self, summand):
        super().__init__()
        self.summand = summand

    def forward(self, x):
        return x + self.summand
""",
}


def joining(type: str) -> str:
    """The class of a join."""
    name, words, operation = JOINS[type]
    if type == "concat":
        body = "        return torch.cat([branch(x) for branch in self], 1)\n"
    else:
        body = (
            "        first, *others = (branch(x) for branch in self)\n"
            "        for other in others:\n"
            f"            first = {operation.format('first', 'other')}\n"
            "        return first\n"
        )
    start = "    def __init__(self, *branches):\n        super().__init__(branches)\n"
    return f'\nclass {name}(nn.ModuleList):\n    """{words}"""\n\n{start}\n    def forward(self, x):\n{body}'
