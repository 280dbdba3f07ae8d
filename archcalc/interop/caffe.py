"""Caffe's prototxt files: deploy and train_val, of the official Caffe and of forks, and snippets of layers.

Shown is the network of the TEST phase.  Losses, accuracies and labels are no layers; what they read is an output.  What
differs from other tools: pools round up unless told otherwise, and drop a last window that starts in the padding only
where there is padding; a pool's stride is 1; LRN's alpha is divided by its size; BatchNorm trains nothing and keeps
2C + 1 values, so that the scale and shift are a layer of their own; a top that is also the bottom is computed in place.
"""

import re
from typing import TYPE_CHECKING

from archcalc.diagnostics import Refusal, Span
from archcalc.graph import UNKNOWN
from archcalc.interop._caffe_layers import LAYERS, LOSSES, OLD_NAMES, Here
from archcalc.interop._prototxt import Message, Text, parse
from archcalc.interop.reading import DANGLING, NO_SIZE, OVERSIZED, UNREADABLE, Draft, Reading, made, text_of
from archcalc.layers import Layer
from archcalc.layers.reshape import Input
from archcalc.reader.text import in_backticks
from archcalc.regex import regex
from archcalc.volume import Volume

if TYPE_CHECKING:
    from mmap import mmap

NAME = "Caffe prototxt"
LIMIT = 4 << 20  # bytes; the longest public ones have some 200,000

DATA = ("Data", "ImageData", "WindowData", "HDF5Data", "MemoryData", "DummyData", "Input", "AnnotatedData", "ReidData")
LABEL = -1  # stands for a blob that is not computed: labels, and the results of losses

_LAYER = regex(rb"^[ \t]*layers?[ \t]*:?[ \t]*\{", re.MULTILINE)
_TYPE = regex(rb"\btype[ \t]*:[ \t]*[\"'A-Z]")


def recognises(data: bytes, path: str) -> bool:
    """A file with `layer {` or `layers {` in it, and the type of one."""
    return bool(_LAYER.search(data) and _TYPE.search(data))


def read(data: "bytes | mmap", path: str, *, input: Volume | None = None) -> Reading:
    if len(data) > LIMIT:
        raise Refusal(OVERSIZED, f"the file has more than {LIMIT >> 20} MiB, the limit", Span(1, 1, 1, 1))
    root = parse(text_of(data))
    net = _Net(Draft(root.word("name")), input)
    net.inputs(root)
    for number, layer in enumerate(root.messages("layer", "layers")):
        net.read(layer, number)
    return net.draft.reading(net.outputs())


class _Net:
    """A network in the making: which node a blob's name means here."""

    def __init__(self, draft: Draft, input: Volume | None) -> None:
        self.draft, self.input = draft, input
        self.blobs: dict[str, int] = {}
        self.images = 0
        self.targets: set[int] = set()  # what losses compare with
        self.owners: dict[str, tuple[int, tuple[str, ...]]] = {}  # of parameters with a name

    def inputs(self, root: Message) -> None:
        """`input:` with four `input_dim:` each, or a message `input_shape` each."""
        shapes = [one.integers("dim") for one in root.messages("input_shape")]
        sizes = root.integers("input_dim")
        shapes = shapes or [sizes[start : start + 4] for start in range(0, len(sizes), 4)]
        for number, name in enumerate(root.texts("input")):
            if number < len(shapes):  # else an Input layer gives it, or nobody does
                self.image(name.text, name.span, _volume(shapes[number]))

    def image(self, blob: str, span: Span, volume: Volume | None, said: str = "") -> int:
        """A blob that comes from outside; the size that the user gives is that of the first."""
        if not self.images and self.input:
            volume = self.input
        self.images += 1
        try:
            if volume is None:
                message = f"{in_backticks(blob)} has no size in the file{said}; give one, like --input 227x227x3"
                raise Refusal(NO_SIZE, message, span)
            layer: Layer = made(Input, blob, span, **volume._asdict())
        except Refusal as refusal:
            self.draft.problems.append(refusal.diagnostic)
            layer = UNKNOWN
        self.blobs[blob] = self.draft.add(blob, layer, (), span)
        return self.blobs[blob]

    def read(self, layer: Message, number: int) -> None:
        """Add a layer; one that cannot be read stands in the network as unknown."""
        if not _present(layer):
            return
        type, name = layer.text("type"), layer.word("name", f"layer{number}")
        tops = layer.texts("top") or [Text(name, layer.span)]
        if type is None:
            old = layer.messages("layer")
            what = "is of the first format of Caffe, before 2014" if old else "has no type"
            raise Refusal(UNREADABLE, f"{in_backticks(name)} {what}", layer.span)
        kind = OLD_NAMES.get(type.text, type.text)
        if kind in DATA:
            self.draft.problems.attempt(self.data, layer, kind, tops)
            return
        inputs: list[int] = []
        for bottom in layer.texts("bottom"):
            found = self.draft.problems.attempt(self.blob, bottom)
            inputs.append(self.draft.add(bottom.text, UNKNOWN, (), bottom.span) if found is None else found)
        if kind in LOSSES or (kind == "Python" and "loss_weight" in layer.fields):
            self.targets.update(inputs[1:] if kind != "ContrastiveLoss" else ())
            given: list[int] | None = [LABEL]
        elif LABEL in inputs:
            message = f"{in_backticks(name)} computes with labels, or with the result of a loss"
            raise Refusal(DANGLING, message, layer.span)
        else:
            here = Here(self.draft, layer, name, inputs, tuple(one.text for one in tops), layer.span)
            given = self.draft.problems.attempt(self.computed, here, kind, type)
        if given is None:
            given = [self.draft.add(name, UNKNOWN, inputs, layer.span)]
        for place, top in enumerate(tops):
            self.blobs[top.text] = given[min(place, len(given) - 1)]

    def computed(self, here: Here, kind: str, type: Text) -> list[int]:
        """The nodes of a layer, one for each top."""
        handler = LAYERS.get(kind)
        if handler is None:
            return [self.draft.missing(type.text, here.name, here.inputs, type.span)]
        if not here.inputs:
            raise Refusal(UNREADABLE, f"{in_backticks(here.name)} has no bottom", here.span)
        self.share(here)
        given = handler(here)
        for name in here.parameters():
            self.owners.setdefault(name, (here.first, here.parameters()))
        return given

    def share(self, here: Here) -> None:
        """Whose weights a layer uses, if its parameters have names that stand before."""
        names = here.parameters()
        owners = {self.owners[name] for name in names if name in self.owners}
        if not owners:
            return
        (owner, theirs), *others = owners
        if others or theirs != names:
            message = f"{in_backticks(here.name)} shares some of its parameters and has others of its own"
            raise Refusal(UNREADABLE, message, here.span)
        here.shares = owner

    def blob(self, bottom: Text) -> int:
        """The node that a bottom reads; the first one that nothing gives, in a file without an input, is the image."""
        if bottom.text in self.blobs:
            return self.blobs[bottom.text]
        if not self.images:
            return self.image(bottom.text, bottom.span, None)
        raise Refusal(DANGLING, f"no layer before gives {in_backticks(bottom.text)}", bottom.span)

    def data(self, layer: Message, kind: str, tops: list[Text]) -> None:
        """The layer that gives images, and often labels behind them."""
        shapes: list[list[int]] = []
        for holder in ("input_param", "dummy_data_param"):
            shapes += [one.integers("dim") for one in layer.message(holder).messages("shape")]
        old = [layer.message("dummy_data_param").integers(one) for one in ("num", "channels", "height", "width")]
        shapes = shapes or [list(one) for one in zip(*old, strict=False)]
        for one in tops[1:]:
            self.blobs[one.text] = LABEL
        if kind in ("Input", "DummyData"):
            for number, top in enumerate(tops):
                shape = shapes[min(number, len(shapes) - 1)] if shapes else []
                if len(shape) == 1:
                    self.blobs[top.text] = LABEL
                else:
                    self.image(top.text, top.span, _volume(shape))
            return
        volume, said = _images(layer, kind)
        self.image(tops[0].text, tops[0].span, volume, said)

    def outputs(self) -> list[int]:
        """What no layer reads."""
        nodes = self.draft.nodes
        read = {one for node in nodes for one in node.inputs} | self.targets
        free = [n for n, node in enumerate(nodes) if n not in read and not isinstance(node.layer, Input)]
        return [] if free == [len(nodes) - 1] else free


def _present(layer: Message) -> bool:
    """Whether a layer belongs to the network of the TEST phase, at level 0 and without stages."""

    def met(rule: Message) -> bool:
        if rule.word("phase", "TEST") != "TEST" or rule.texts("stage"):
            return False
        return rule.integer("min_level", 0) <= 0 <= rule.integer("max_level", 0)

    included, excluded = layer.messages("include"), layer.messages("exclude")
    if included:
        return any(met(one) for one in included)
    return not any(met(one) for one in excluded)


def _volume(shape: list[int]) -> Volume | None:
    """A shape N, C, H, W; N, C or N, C, W.  None where it is something else."""
    if len(shape) not in (2, 3, 4):
        return None
    _, channels, *size = shape
    height, width = (1, 1, *size)[-2:]
    return Volume(width, height, channels)


def _images(layer: Message, kind: str) -> tuple[Volume | None, str]:
    """The size of the images that a layer reads from files, as far as the text says it, and what it says."""
    transform = layer.message("transform_param")
    own = {"Data": "data_param", "ImageData": "image_data_param", "WindowData": "window_data_param"}.get(kind, "")
    param, memory = layer.message(own), layer.message("memory_data_param")
    crop = transform.integer("crop_size", param.integer("crop_size", 0))
    width = crop or param.integer("new_width", memory.integer("width", 0))
    height = crop or param.integer("new_height", memory.integer("height", 0))
    colour = kind == "WindowData" or (kind == "ImageData" and param.boolean("is_color", default=True))
    means = len(transform.texts("mean_value"))
    channels = 3 if colour or transform.boolean("force_color", default=False) else memory.integer("channels", 0)
    channels = channels or (means if means > 1 else 0) or (1 if transform.boolean("force_gray", default=False) else 0)
    if width and height and channels:
        return Volume(width, height, channels), ""
    if width and height:
        return None, f", only that it is {width}x{height} with so many channels as the data has"
    return None, ""
