"""Torch7's Lua files: `model:add(nn.SpatialConvolution(3, 64, 11, 11, 4, 4))`, calls with literal arguments.

Nothing is run.  Arguments are in Torch's order, width first; windows are rounded down unless `:ceil()` is called.  What a
module says of its input's channels is compared with what it gets.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archcalc.diagnostics import Refusal, Span
from archcalc.graph import UNKNOWN
from archcalc.interop._lua import Module, Program, parse
from archcalc.interop.reading import (
    BAD_SETTING,
    INEXPRESSIBLE,
    MAX_LAYERS,
    NO_SIZE,
    OVERSIZED,
    UNREADABLE,
    Draft,
    Reading,
    made,
    text_of,
    typed,
)
from archcalc.layers import Layer
from archcalc.layers.conv import Conv
from archcalc.layers.dense import FullyConnected
from archcalc.layers.further.deconv import TransposedConv
from archcalc.layers.norm import BatchNorm, Dropout, LocalResponseNorm
from archcalc.layers.pool import AveragePool, MaxPool
from archcalc.layers.reshape import Input, Pad
from archcalc.reader.values import Padding
from archcalc.regex import regex
from archcalc.volume import Pair, Volume

if TYPE_CHECKING:
    from mmap import mmap

NAME = "Torch7 Lua"
LIMIT = 1 << 20
MAX_DEPTH = 64

_ADD = regex(rb"^[ \t]*\w+[ \t]*:[ \t]*add[ \t]*\([ \t]*(?:nn|cudnn|cunn|inn)[ \t]*\.", re.MULTILINE)


def recognises(data: bytes, path: str) -> bool:
    """A file with a line like `model:add(nn.`."""
    return bool(_ADD.search(data))


def read(data: "bytes | mmap", path: str, *, input: Volume | None = None) -> Reading:
    if len(data) > LIMIT:
        raise Refusal(OVERSIZED, f"the file has more than {LIMIT >> 20} MiB, the limit", Span(1, 1, 1, 1))
    program = parse(text_of(data))
    model = _model(program)
    draft = Draft()
    net = _Net(draft)
    layer: Layer = UNKNOWN
    if input:
        layer = made(Input, "input", model.span, **input._asdict())
    else:
        first = next((one for one in _leaves(model) if one.name in _CONVOLUTIONS), None)
        channels = first.arguments[0] if first and first.arguments else None
        said = f", only that it has {channels} channels" if isinstance(channels, int) else ""
        message = f"the file does not say how large its input is{said}; give a size, like --input 224x224x3"
        net.refused(Refusal(NO_SIZE, message, model.span))
    net.read(model, [draft.add("input", layer, (), model.span)], 0)
    return draft.reading()


def _model(program: Program) -> Module:
    """What the file returns, or else the last of its containers that is not added to another."""
    if program.returned:
        return program.returned
    added = {id(child) for one in program.modules.values() for child in one.children}
    free = [one for one in program.modules.values() if id(one) not in added and one.children]
    if not free:
        raise Refusal(UNREADABLE, "no module is added to a network", Span(1, 1, 1, 1))
    return program.modules["model"] if program.modules.get("model") in free else free[-1]


def _leaves(model: Module) -> list[Module]:
    """The first modules that are no containers, some of them at least."""
    found, stack = [], [model]
    for _ in range(1000):
        if not stack:
            break
        one = stack.pop()
        stack.extend(reversed(one.children))
        if not one.children:
            found.append(one)
    return found


class _Net:
    """A network in the making.  Values between modules are lists, of several behind a ConcatTable."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.steps = 0
        self.counts: dict[str, int] = {}
        self.first: dict[int, int] = {}  # the node of a module that is added several times

    def refused(self, refusal: Refusal) -> None:
        self.draft.problems.append(refusal.diagnostic)

    def read(self, module: Module, inputs: list[int], depth: int) -> list[int]:
        self.steps += 1
        if depth > MAX_DEPTH or self.steps > MAX_LAYERS:
            what = (
                f"nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else f"more than {MAX_LAYERS:,} modules"
            )
            raise Refusal(OVERSIZED, f"{what}, the limit", module.span)
        if module.name == "Sequential":
            for child in module.children:
                inputs = self.read(child, inputs, depth + 1)
            return inputs
        if module.name in ("ConcatTable", "Concat", "DepthConcat"):
            branches = [one for child in module.children for one in self.read(child, inputs, depth + 1)]
            if module.name == "ConcatTable":
                return branches or inputs
            if module.arguments[:1] not in ([2], []) or module.name == "DepthConcat":
                self.refused(
                    Refusal(INEXPRESSIBLE, f"{module.name} along an axis other than the channels'", module.span)
                )
                return [self.draft.add(self.named(module), UNKNOWN, branches, module.span)]
            return self.joined(module, "concat", branches)
        return self.leaf(module, inputs)

    def leaf(self, module: Module, inputs: list[int]) -> list[int]:
        join = _JOINS.get(module.name)
        if join:
            return self.joined(module, join, inputs)
        if module.name in ("Identity", "Copy", "Contiguous"):
            return inputs
        name = self.named(module)
        if len(inputs) > 1 or module.name not in _MODULES:
            return [self.draft.missing(module.name, name, inputs, module.span)]
        made_layer = self.draft.problems.attempt(_MODULES[module.name], self, module, name, inputs[0])
        if made_layer is None:
            return [self.draft.add(name, UNKNOWN, inputs, module.span)]
        shares = self.first.get(id(module)) if made_layer.type in _WEIGHTY else None
        position = self.draft.add(name, made_layer, inputs, module.span, shares=shares)
        self.first.setdefault(id(module), position)
        return [position]

    def joined(self, module: Module, type: str, inputs: list[int]) -> list[int]:
        if len(inputs) < 2:
            return inputs
        name = self.named(module)
        return [self.draft.add(name, typed(type, name, module.span), inputs, module.span)]

    def named(self, module: Module) -> str:
        """Modules have no names; `conv1` is what the notes and papers call the first convolution."""
        short = _SHORT.get(module.name, module.name.lower())
        self.counts[short] = self.counts.get(short, 0) + 1
        return f"{short}{self.counts[short]}"

    def expects(self, module: Module, name: str, x: int, place: int = 0) -> None:
        """Refuse an input that has other channels than the module says."""
        volume, said = self.draft.volumes[x], _integer(module, place)
        if volume and said != volume.channels:
            message = f"{name} is made for {said} channels and gets {volume}"
            raise Refusal(BAD_SETTING, message, module.spans[place])


def _integer(module: Module, place: int, default: int | None = None) -> int:
    value = module.arguments[place] if place < len(module.arguments) else None
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        span = module.spans[place] if place < len(module.spans) else module.span
        raise Refusal(BAD_SETTING, f"{module.name} needs a whole number as argument {place + 1}", span)
    return value


def _number(module: Module, place: int, default: float) -> float:
    value = module.arguments[place] if place < len(module.arguments) else None
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Refusal(BAD_SETTING, f"{module.name} needs a number as argument {place + 1}", module.spans[place])
    return float(value)


def _sides(width: int, height: int) -> Padding:
    return Padding(width, width, height, height)


def _bias(module: Module) -> bool:
    return "noBias" not in module.methods


def _convolution(net: _Net, module: Module, name: str, x: int) -> Layer:
    """(nInputPlane, nOutputPlane, kW, kH, [dW], [dH], [padW], [padH], and groups with cudnn or dilations)."""
    net.expects(module, name, x)
    pad = _integer(module, 6, 0)
    values: dict[str, Any] = {
        "filters": _integer(module, 1),
        "kernel_size": Pair(_integer(module, 2), _integer(module, 3)),
        "stride": Pair(_integer(module, 4, 1), _integer(module, 5, 1)),
        "padding": _sides(pad, _integer(module, 7, pad)),
        "bias": _bias(module),
        "rounding": "floor",
    }
    if module.name == "SpatialDilatedConvolution":
        values["dilation"] = Pair(_integer(module, 8, 1), _integer(module, 9, 1))
    else:
        values["groups"] = _integer(module, 8, 1)
    return made(Conv, name, module.span, **values)


def _full_convolution(net: _Net, module: Module, name: str, x: int) -> Layer:
    net.expects(module, name, x)
    values: dict[str, Any] = {
        "filters": _integer(module, 1),
        "kernel_size": Pair(_integer(module, 2), _integer(module, 3)),
        "stride": Pair(_integer(module, 4, 1), _integer(module, 5, 1)),
        "padding": _sides(_integer(module, 6, 0), _integer(module, 7, 0)),
        "output_padding": Pair(_integer(module, 8, 0), _integer(module, 9, 0)),
        "bias": _bias(module),
    }
    return made(TransposedConv, name, module.span, **values)


def _pool(net: _Net, module: Module, name: str, x: int) -> Layer:
    """(kW, kH, [dW], [dH], [padW], [padH]); an average counts padding unless told otherwise."""
    width, height = _integer(module, 0), _integer(module, 1)
    rounding = [one for one in module.methods if one in ("ceil", "floor")][-1:] or ["floor"]
    values: dict[str, Any] = {
        "kernel_size": Pair(width, height),
        "stride": Pair(_integer(module, 2, width), _integer(module, 3, height)),
        "padding": _sides(_integer(module, 4, 0), _integer(module, 5, 0)),
        "rounding": rounding[0],
    }
    if module.name == "SpatialMaxPooling":
        return made(MaxPool, name, module.span, **values)
    return made(AveragePool, name, module.span, **values, count_padding="setCountExcludePad" not in module.methods)


def _linear(net: _Net, module: Module, name: str, x: int) -> Layer:
    volume, said = net.draft.volumes[x], _integer(module, 0)
    if volume and said != volume.size:
        raise Refusal(
            BAD_SETTING, f"{name} is made for {said} values and gets {volume.size}, {volume}", module.spans[0]
        )
    bias = _bias(module) and module.arguments[2:3] != [False]
    return made(FullyConnected, name, module.span, units=_integer(module, 1), bias=bias)


def _batch_norm(net: _Net, module: Module, name: str, x: int) -> Layer:
    """(nFeature, [eps], [momentum], [affine])."""
    net.expects(module, name, x)
    return made(BatchNorm, name, module.span, eps=_number(module, 1, 1e-5), affine=module.arguments[3:4] != [False])


def _lrn(net: _Net, module: Module, name: str, x: int) -> Layer:
    """(size, [alpha], [beta], [k]), with alpha over size."""
    size = _integer(module, 0)
    alpha, beta, k = _number(module, 1, 0.0001), _number(module, 2, 0.75), _number(module, 3, 1)
    return made(LocalResponseNorm, name, module.span, size=size, alpha=alpha / max(1, size), beta=beta, k=k)


def _view(net: _Net, module: Module, name: str, x: int) -> Layer:
    """To one column of values; a -1 stands for the images, or for as many as there are."""
    sizes = [one for one in module.arguments if isinstance(one, int) and not isinstance(one, bool)]
    volume = net.draft.volumes[x]
    if len(sizes) < len(module.arguments) or len([one for one in sizes if one != -1]) > 1:
        raise Refusal(INEXPRESSIBLE, f"{name}: a shape that is not one column of values", module.span)
    if volume and sizes and sizes[-1] not in (-1, volume.size):
        raise Refusal(BAD_SETTING, f"{name} makes {sizes[-1]} values of {volume.size}, {volume}", module.span)
    return typed("flatten", name, module.span)


def _zero_padding(net: _Net, module: Module, name: str, x: int) -> Layer:
    """(left, right, top, bottom)."""
    left = _integer(module, 0)
    sides = Padding(left, _integer(module, 1, left), _integer(module, 2, left), _integer(module, 3, left))
    return made(Pad, name, module.span, padding=sides)


def _upsampling(net: _Net, module: Module, name: str, x: int) -> Layer:
    factor, mode = _integer(module, 0), "bilinear" if "Bilinear" in module.name else "nearest"
    return typed("upsample", name, module.span, factor=Pair(factor, factor), mode=mode)


def _dropout(net: _Net, module: Module, name: str, x: int) -> Layer:
    return made(Dropout, name, module.span, rate=_number(module, 0, 0.5))


def _threshold(net: _Net, module: Module, name: str, x: int) -> Layer:
    """As networks before 2014 write ReLU: a threshold of 0, with 0 below it."""
    if _number(module, 0, 1e-6) > 1e-5 or _number(module, 1, 0):
        raise Refusal(INEXPRESSIBLE, f"{name}: a threshold other than 0", module.span)
    return typed("relu", name, module.span)


def _slope(net: _Net, module: Module, name: str, x: int) -> Layer:
    return typed("leaky_relu", name, module.span, slope=_number(module, 0, 0.01))


def _prelu(net: _Net, module: Module, name: str, x: int) -> Layer:
    if not _integer(module, 0, 0):
        raise Refusal(INEXPRESSIBLE, f"{name}: one slope for all channels", module.span)
    return typed("prelu", name, module.span)


def _constant(net: _Net, module: Module, name: str, x: int) -> Layer:
    type = "scale" if module.name == "MulConstant" else "shift"
    return typed(type, name, module.span, by=_number(module, 0, 0))


def _plain(type: str) -> "Maker":
    return lambda net, module, name, x: typed(type, name, module.span)


Maker = Callable[[_Net, Module, str, int], Layer]
_CONVOLUTIONS = ("SpatialConvolution", "SpatialConvolutionMM", "SpatialDilatedConvolution", "SpatialFullConvolution")
_WEIGHTY = ("conv", "deconv", "fc", "bn", "prelu")
_JOINS = {"CAddTable": "add", "CMulTable": "multiply", "CMaxTable": "maximum", "JoinTable": "concat"}
_SHORT = {
    **dict.fromkeys(_CONVOLUTIONS, "conv"),
    **dict.fromkeys(("SpatialMaxPooling", "SpatialAveragePooling"), "pool"),
    **dict.fromkeys(("SpatialBatchNormalization", "BatchNormalization"), "bn"),
    **dict.fromkeys(("View", "Reshape"), "flatten"),
    "SpatialFullConvolution": "deconv",
    "SpatialCrossMapLRN": "lrn",
    "SpatialDropout": "dropout",
    "SpatialZeroPadding": "pad",
    "Linear": "fc",
    "Threshold": "relu",
    "CAddTable": "add",
    "CMulTable": "multiply",
    "Concat": "concat",
    "JoinTable": "concat",
}
_MODULES: dict[str, Maker] = {
    **dict.fromkeys(_CONVOLUTIONS[:3], _convolution),
    **dict.fromkeys(("SpatialMaxPooling", "SpatialAveragePooling"), _pool),
    **dict.fromkeys(("SpatialBatchNormalization", "BatchNormalization"), _batch_norm),
    **dict.fromkeys(("View", "Reshape"), _view),
    **dict.fromkeys(("Dropout", "SpatialDropout"), _dropout),
    **dict.fromkeys(("SpatialUpSamplingNearest", "SpatialUpSamplingBilinear"), _upsampling),
    **dict.fromkeys(("MulConstant", "AddConstant"), _constant),
    "SpatialFullConvolution": _full_convolution,
    "Linear": _linear,
    "SpatialCrossMapLRN": _lrn,
    "SpatialZeroPadding": _zero_padding,
    "Threshold": _threshold,
    "LeakyReLU": _slope,
    "PReLU": _prelu,
    "ReLU": _plain("relu"),
    "ReLU6": _plain("relu6"),
    "ELU": _plain("elu"),
    "Tanh": _plain("tanh"),
    "HardTanh": _plain("hardtanh"),
    "Sigmoid": _plain("sigmoid"),
    "SoftPlus": _plain("softplus"),
    **dict.fromkeys(("SoftMax", "SpatialSoftMax"), _plain("softmax")),
    **dict.fromkeys(("LogSoftMax", "SpatialLogSoftMax"), _plain("log_softmax")),
}
