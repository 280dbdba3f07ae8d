"""What a layer is: a frozen record of its keys that knows its shape, its cost and its formula.

A layer type is one class.  Its keys are declared once, and the validator, the pattern notation, the
JSON Schema and the error messages read the declaration:

    class Conv(Windowed):
        type = "conv"
        filters: int = key(Integer(1), notation="-", letter="K", foreign=("out_channels",), help="...")

`dataclass_transform` gives the type checker the constructor of a dataclass; the decorator itself
would cost 0.5 ms of start-up a class.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal, dataclass_transform

from archcalc.diagnostics import rule
from archcalc.layers.misfit import MAX_SIDE, LayerError, refuse
from archcalc.reader.expression import Environment
from archcalc.reader.integers import BAD_VALUE, bad
from archcalc.reader.nodes import Scalar, Value
from archcalc.reader.values import Boolean, Choice, Kind
from archcalc.records import NamedTuple
from archcalc.volume import MAX_DIMENSION, Reach, Rounding, Volume, Window

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

TOO_LARGE_VOLUME = rule(
    "AC204",
    "a dimension is larger than 2^31 - 1",
    "No framework can index such a tensor.  Usually a stride, a number of units or `$arithmetic` is off.",
)
UNEVEN_SPLIT = rule(
    "AC212",
    "the channels cannot be split this way",
    "Layers that cut the channels into equal parts (`split`, `shuffle`, groups) need a number that divides them.",
)


class Key:
    """One hyperparameter: its kind, default, and how it is written."""

    __slots__ = ("akin", "default", "foreign", "help", "kind", "letter", "notation", "required")

    def __init__(
        self,
        kind: Kind,
        default: Any,
        notation: str | None,
        letter: str,
        foreign: tuple[str, ...],
        akin: tuple[str, ...],
        help: str,
    ) -> None:
        self.kind, self.default, self.required = kind, default, default is ...
        self.notation, self.letter, self.foreign, self.akin, self.help = notation, letter, foreign, akin, help


def key(
    kind: Kind,
    *,
    default: Any = ...,
    notation: str | None = None,
    letter: str = "",
    foreign: tuple[str, ...] = (),
    akin: tuple[str, ...] = (),
    help: str = "",
) -> Any:
    """Declare a key.

    `notation` is how a pattern writes it: "" directly behind the word (`CONV3`), "-" behind a dash
    (`CONV3-64`), a letter as suffix (`s2`).  `letter` is cs231n's.  `foreign` are other frameworks'
    names for the same, with the same values: they are answered with ours, and `archcalc fix` puts ours there.  `akin`
    are words that mean this often, not always: they are only asked about.
    """
    return Key(kind, default, notation, letter, foreign, akin, help)


class Cost(NamedTuple):
    """What a layer costs for one image.

    weights, biases: trained values.  buffers: values kept but not trained (batch norm's statistics).
    macs: multiply-accumulates of convolutions, transposed ones too, fc and locally connected layers, without
    the bias.
    flops: 2 macs, biases, and operations element by element, as `archcalc rule flop` defines them.
    unknown: the figures among these, and `params`, that nobody knows; what stands in their place is 0 and never shown.
    """

    weights: int = 0
    biases: int = 0
    buffers: int = 0
    macs: int = 0
    flops: int = 0
    unknown: tuple[str, ...] = ()

    @property
    def params(self) -> int:
        return self.weights + self.biases


class Kept(NamedTuple):
    """What PyTorch's autograd keeps of a layer for its backward pass, for one image.

    input, output: that whole tensor, which others may keep, too (it counts once).
    values: further values of the activations' type.  indices: 8-byte integers.  mask: values of a mask,
    one byte each on CUDA, as wide as an activation on the CPU.
    statistics: values kept however large the batch is.
    storage: where the output lies while training: in memory of its own, in the input's, overwritten
    (where that is allowed), or it is the input under another shape.  "cloned": it can be overwritten, too, but
    autograd then saves a copy, so that this saves memory only where there is no backward pass.
    gradient: the input's is a new tensor, the very tensor that is the output's ("same"), or a part of it.
    running: further values that are only there while the layer runs forward.
    forward, backward: further values that are only there while the layer runs without gradients, or while its
    backward pass does (beside the gradients of its output and its inputs; fewer than 0 where not all of these are there
    at once).
    viewed: the output is a view of other memory; what overwrites it costs two copies in its backward pass.
    weights: the input is kept for the gradient of the weights alone, so not where they are frozen.
    masks: values of masks of a byte each that are only there while the backward pass runs.
    autocast: what mixed precision does with the layer, on CUDA: it runs in the type it is given ("keep"), in half precision or in
    single ("softmax": that reads float16 itself), or single operands make its result so ("promoted"; "beside": a copy of the input
    in single precision is kept beside it); None: not known.
    singles: of `values`, those in single precision there, whatever the input's.
    """

    input: bool = False
    output: bool = False
    values: int = 0
    indices: int = 0
    mask: int = 0
    statistics: int = 0
    storage: Literal["new", "inplace", "view", "cloned"] = "new"
    autocast: Literal["keep", "half", "single", "softmax", "promoted", "beside"] | None = "keep"
    singles: int = 0
    masks: int = 0
    gradient: Literal["new", "same", "part"] = "new"
    running: int = 0
    forward: int = 0
    backward: int = 0
    weights: bool = False
    viewed: bool = False


class BadValue(LayerError, ValueError):
    """A value that its key does not take, given in Python; a spec's values are refused where they stand."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(key,))
class Layer:
    """A layer alone, without its place in a network; equal to any layer with the same values."""

    type: ClassVar[str] = ""
    example: ClassVar[str] = ""  # a pattern or a spec that shows it; empty: INPUT[8x8x4] -> TYPE
    aka: ClassVar[tuple[str, ...]] = ()  # other tools' names for this very layer: `fix` replaces them
    akin: ClassVar[tuple[str, ...]] = ()  # words that mean it often, not always: only asked about
    inplace: ClassVar[bool] = False  # may overwrite its input, so owns no memory of its own
    view: ClassVar[bool] = False  # at inference its output is its input, unchanged in memory
    stated: ClassVar[bool] = False  # its figures are a user's, and nothing executes it
    several: ClassVar[bool] = False  # reads any number of inputs
    sized: ClassVar[
        tuple[str, ...]
    ] = ()  # keys instead of which `like` says how large the output is; it is their `size`
    keeps: ClassVar[Kept | None] = None  # for the backward pass; None: not known
    keys: ClassVar[Mapping[str, Key]] = {}

    def __init_subclass__(cls) -> None:
        declared = {name: value for name, value in vars(cls).items() if isinstance(value, Key)}
        cls.keys = {**cls.keys, **declared}
        for name, one in declared.items():
            if one.required:
                delattr(cls, name)
            else:
                setattr(cls, name, one.default)
        if "type" in vars(cls):
            TYPES.enter(cls)

    def __init__(self, **values: Any) -> None:
        if unknown := values.keys() - self.keys.keys():
            raise TypeError(f"{self.type} has no key {min(unknown)}")
        for name, one in self.keys.items():
            if one.required and name not in values:
                raise TypeError(f"{self.type} needs {name}")
        for name, value in values.items():
            one = self.keys[name]
            if value is not one.default and not one.kind.takes(value):
                raise BadValue(BAD_VALUE, f"{name}: {value!r} stands where {one.kind.words} is expected", keys=(name,))
        vars(self).update(values)
        self.validate()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layer) and self.type == other.type and self.values() == other.values()

    def __hash__(self) -> int:
        return hash((self.type, *self.values().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"

    def values(self) -> dict[str, Any]:
        """Every key with its value, defaults included."""
        return {name: getattr(self, name) for name in self.keys}

    @classmethod
    def weighs(cls) -> bool:
        """Whether layers of this type can have weights: they say how these come about."""
        return cls.weights_formula is not Layer.weights_formula

    def validate(self) -> None:
        """First stage: raise LayerError for what is wrong whatever the input."""

    @property
    def label(self) -> str:
        """The layer in pattern notation, short: `CONV3-64`."""
        return self.type.upper()

    @property
    def infinite(self) -> bool:
        """Whether its values may be infinite, which is a mistake elsewhere."""
        return False

    def measure(self, inputs: tuple[Volume, ...]) -> tuple[Volume, Cost]:
        """Second stage: the output volume and the cost for these inputs, or LayerError."""
        (x,) = inputs
        y = self.output(x)
        if y.width > MAX_DIMENSION or y.height > MAX_DIMENSION or y.channels > MAX_DIMENSION:
            raise LayerError(TOO_LARGE_VOLUME, f"the output {y} has a dimension larger than {MAX_DIMENSION:,}")
        return y, self.cost(x, y)

    def output(self, x: Volume) -> Volume:
        """The shape rule."""
        return x

    def cost(self, x: Volume, y: Volume) -> Cost:
        return Cost()

    def weights_formula(self, x: Volume, y: Volume) -> str:
        """How the weights come about: `(3*3*64)*64`; empty where there are none."""
        return ""

    def kept(self, inputs: tuple[Volume, ...], y: Volume) -> Kept | None:
        """What autograd keeps, as measured with saved_tensors_hooks; None where that is not known."""
        return self.keeps

    def tensors(self, inputs: tuple[Volume, ...], y: Volume, cost: Cost) -> tuple[int, ...]:
        """Values of each tensor of parameters, weights before biases; 0 where there is none."""
        return cost.weights, cost.biases

    def windows(self, x: Volume) -> tuple[Window | Reach, Window | Reach] | None:
        """The windows along width and height through which an output sees the input; None: its own pixel."""
        return None

    def idle(self, x: Volume) -> bool:
        """Whether the layer changes nothing of this input, so that it needs no memory for a result."""
        return False

    def im2col(self, x: Volume, y: Volume) -> tuple[int, int] | None:
        """Rows and columns of a group's im2col matrix for one image, [F*F*C/g, W'*H']; None: there is none."""
        return None

    def workspace(self, inputs: tuple[Volume, ...], y: Volume, images: int) -> int:
        """How many values `forward` allocates besides its weights and its result (vectors along one side apart)."""
        return 0

    def forward(self, run: "Run", *inputs: "Array") -> "Array":
        """Execute the layer on arrays [N, H, W, C].

        Independent of everything above: no shape rule, no window's fit; what slicing gives is the shape.
        Arrays come from `run`, and so do weights, in a fixed order: weights, biases, buffers.
        """
        raise NotImplementedError(f"{self.type} cannot be executed")


class Types(Mapping[str, type[Layer]]):
    """The layer types by name: those that are imported, and modules named after the type that wait to be.

    Most specs need few types, and defining a class takes 50 us of every start, so a type outside of the common
    families is imported when a spec mentions it; who asks for all of them gets all.
    """

    def __init__(self) -> None:
        self._made: dict[str, type[Layer]] = {}
        self._modules: dict[str, str] = {}

    def enter(self, layer: type[Layer]) -> None:
        if layer.type in self._made:
            raise TypeError(f"two layers are of type {layer.type}")
        self._made[layer.type] = layer

    def offer(self, type: str, module: str) -> None:
        """Say which module defines a type."""
        self._modules[type] = module

    def __getitem__(self, type: str) -> type[Layer]:
        if type not in self._made:
            import_module(self._modules[type])
        return self._made[type]

    def __contains__(self, type: object) -> bool:
        return type in self._made or type in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter({**self._made, **self._modules})

    def __len__(self) -> int:
        return len({**self._made, **self._modules})


TYPES = Types()


class _Rounding(Choice):
    """How a layer rounds; Caffe's rule is one for many layers."""

    def read(self, node: Value, variables: Environment) -> str:
        if isinstance(node, Scalar) and node.text.strip() == "caffe":
            help = ("write floor, as Caffe's convolutions, or ceil, as its pools",)
            raise bad(node, "`caffe` is the rounding of a whole spec, at its top", help=help)
        return super().read(node, variables)


ROUNDING = _Rounding("exact", "floor", "ceil")
ROUNDING_OF_ALL = Choice("exact", "floor", "ceil", "caffe")  # at the top of a spec


def rounding_key() -> Any:
    return key(
        ROUNDING,
        default="exact",
        help="what to do where (W - F + 2P)/S + 1 is not whole: refuse, round down, round up",
    )


def bias_key(help: str) -> Any:
    return key(Boolean(), default=True, foreign=("use_bias", "bias_term"), akin=("biases", "no_bias"), help=help)


class Windowed(Layer):
    """A layer whose output size is (W - F + 2P)/S + 1 along each axis."""

    rounding: Rounding
    caffe: ClassVar[Rounding] = "floor"  # how Caffe rounds it

    def most_padding(self, axis: int) -> int:
        """The padding on a side beyond which nobody writes one, along width (0) or height (1)."""
        return MAX_SIDE

    def windows(self, x: Volume) -> tuple[Window, Window]:
        raise NotImplementedError

    def places(self, x: Volume) -> tuple[int, int]:
        """Number of window positions along width and height, or LayerError (AC201, AC202)."""
        sizes: list[int] = []
        for axis, window, extent in zip(("width", "height"), self.windows(x), x, strict=False):
            fit = window.fit(extent)
            if fit.size < 1 or (window.rounding == "exact" and not window.same and fit.leftover):
                limit = self.most_padding(len(sizes)) if window.before == window.after else None
                raise refuse(window, extent, axis, limit, ceil=self.caffe == "ceil")
            sizes.append(fit.size)
        return sizes[0], sizes[1]

    def kept_input(self, x: Volume) -> Kept:
        """The input; where padding is lopsided a padded copy, as only equal sides are left to the kernel.

        Its gradient is there before the input's.
        """
        fits = [window.fit(extent) for window, extent in zip(self.windows(x), x, strict=False)]
        width, height = (extent + abs(fit.before - fit.after) for fit, extent in zip(fits, x, strict=False))
        copy = 0 if (width, height) == x[:2] else width * height * x.channels
        return Kept(input=not copy, values=copy, forward=copy, backward=max(0, copy - x.size))

    def framed(self, x: Volume, images: int) -> int:
        """Values of the images with their padding; 0 where there is none and the images are not copied."""
        size = images * x.channels
        for window, extent in zip(self.windows(x), x, strict=False):
            fit = window.fit(extent)
            size *= extent + fit.before + fit.after + max(0, -fit.leftover)
        return size if size > images * x.size else 0
