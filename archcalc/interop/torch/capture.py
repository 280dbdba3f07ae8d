"""The run: a model's operators are watched as its modules call them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import torch
from torch.nn.modules import module as modules
from torch.overrides import TorchFunctionMode

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.closed import called_through
from archcalc.interop.torch.idioms import spelled_out
from archcalc.interop.torch.operators import HANDLERS
from archcalc.interop.torch.operators.views import VIEWS
from archcalc.interop.torch.source import calling
from archcalc.interop.torch.tracing import Known, Made, Murky, NotUnderstood, Trace, Value, Weight, Where, Work, made
from archcalc.records import NamedTuple

QUIET = frozenset(("dim", "size", "numel", "is_floating_point", "stride", "is_contiguous", "requires_grad_", "__len__"))
ASKING = frozenset(("__bool__", "__int__", "__float__", "__index__", "item", "tolist", "nonzero", "equal", "numpy"))
RANDOM = frozenset(
    ("rand", "randn", "rand_like", "randn_like", "randint", "bernoulli", "normal", "uniform", "randperm")
)
MULTIPLYING = frozenset(
    (
        "matmul",
        "bmm",
        "mm",
        "baddbmm",
        "addmm",
        "einsum",
        "linear",
        "bilinear",
        "scaled_dot_product_attention",
        "multi_head_attention_forward",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose2d",
        "conv_transpose3d",
    )
)


class Entered(NamedTuple):
    """A module that is being called."""

    path: str
    call: int
    leaf: bool


class Recorder(TorchFunctionMode):  # type: ignore[misc] # torch is an extra
    """Hands every operator to the handler of its name; what has none, or is refused by it, is work without a layer."""

    def __init__(self, paths: Mapping[int, str], named: dict[int, tuple[str, Any]]) -> None:
        super().__init__()
        self.paths = paths
        self.stack: list[Entered] = []
        self.calls = 0
        self.asked: list[tuple[str, Where]] = []  # operators whose answer depends on the image's values
        self.random: list[tuple[str, Where]] = []
        self.hidden = 0  # functions being called in which nothing is to be seen
        self.trace = Trace(named, self.where, spelled_out)

    # -- modules ----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.hooks = [
            modules.register_module_forward_pre_hook(self.entered),
            modules.register_module_forward_hook(self.left),
        ]
        self.closed = called_through(self.closed_call)
        self.closed.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.closed.__exit__(None, None, None)
        for hook in self.hooks:
            hook.remove()

    def entered(self, module: Any, inputs: Any) -> None:
        path = self.paths.get(id(module))
        if path is None:  # made while the model runs
            path = ".".join(filter(None, [self.where().path, type(module).__name__.lower()]))
        self.calls += 1
        self.stack.append(Entered(path, self.calls, next(module.children(), None) is None))

    def left(self, module: Any, inputs: Any, result: Any) -> Any:
        """What a module gave; a copy where it is one of those that do nothing in eval and leave no trace of themselves."""
        try:
            if type(module).__name__ == "FrozenBatchNorm2d" and isinstance(result, torch.Tensor):
                self.trace.frozen_norm(module, result)
            rate = dropped(module) if isinstance(result, torch.Tensor) else 0.0
            known = self.trace.known.get(id(result))
            if rate and isinstance(known, Value) and any(result is one for one in inputs):
                node = self.trace.emit(made("drop_path", rate=rate), (known.node,), inplace=False)
                copy = result.detach().clone()
                self.trace.set(copy, Value(node, known.layout))
                return copy
            for one in tensors(result):
                if isinstance(murky := self.trace.known.get(id(one)), Murky):
                    self.trace.settle(one, murky)
        except NotUnderstood:
            pass
        finally:
            self.stack.pop()
        return None

    def where(self) -> Where:
        return Where(*(self.stack[-1] if self.stack else ("", 0, False)), calling())

    # -- operators --------------------------------------------------------------------------------

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", type(func).__name__)
        result = func(*args, **kwargs)
        if self.hidden or name in QUIET or (name in ("__get__", "__set__") and not isinstance(result, torch.Tensor)):
            return result
        if name == "__get__":  # .T, .data: the attribute's name is the descriptor's
            name = func.__self__.__name__
        return self.saw(func, name, args, kwargs, result)

    def saw(self, func: Any, name: str, args: Any, kwargs: Any, result: Any) -> Any:
        """Note what an operator made; gives its result, or a copy where a layer gave back what it read."""
        trace = self.trace
        plain = name.strip("_")
        if plain in RANDOM:
            self.random.append((plain, self.where()))
        read = {id(one): one for one in tensors((args, kwargs))}
        made = [*tensors(result)]
        if name in ASKING and any(not isinstance(trace.known.get(one), Weight | None) for one in read):
            self.asked.append((name, self.where()))
        if name == "__setitem__":
            made = [args[0]]
        if not made:
            return result
        written = id(made[0]) in read and (_overwrites(name) or kwargs.get("inplace") is True)
        operator = plain[1:] if name.startswith("__i") and written else plain
        drafts = len(trace.drafts)
        try:
            before = [trace.get(one) for one in read.values()]
            weights = [known for known in before if isinstance(known, Weight)]
            values: list[Known]
            if len(weights) == len(before):
                values = [stored(operator, args, kwargs, weights)] * len(made)
            else:
                values = [*self.handled(operator, args, kwargs, result, inplace=written)]
            if written:
                trace.overwritten(made[0], plain)
            elif len(trace.drafts) > drafts and any(id(one) in read for one in made):
                result = result.clone()  # what does nothing in eval gives back its input, which others may read
                made = [result]
            for one, value in zip(made, values, strict=True):
                if isinstance(value, Value):
                    trace.result(one, value)
                else:
                    trace.set(one, value)
        except NotUnderstood as error:
            del trace.drafts[drafts:]
            macs = _counted(func, args, kwargs)[1] if operator in MULTIPLYING else 0
            murky = self.unknown(operator, str(error), macs, args, kwargs)
            alike = self.alike(args, kwargs)
            if written:
                trace.overwritten(made[0], plain)
            for one in made:
                trace.set(one, murky._replace(alike=alike.get(tuple(one.shape))))
        return result

    def closed_call(self, name: str, why: str, function: Any, args: Any, kwargs: Any) -> Any:
        """A function that hides what it does: work without a layer, with what it multiplies."""
        self.hidden += 1
        try:
            result, macs = _counted(function, args, kwargs)
        finally:
            self.hidden -= 1
        read = [*tensors((args, kwargs))]
        if self.hidden or not read:
            return result
        copies = {id(one): one.view_as(one) for one in tensors(result) if any(one is other for other in read)}
        result = _replaced(result, copies)  # it may give back what it read
        alike = self.alike(args, kwargs)
        images = [one for one in read if self.reads_image(one)]  # asks of all of them, so that weights are noted
        if images:
            murky = self.unknown(name, why, macs, args, kwargs)
            for one in tensors(result):
                self.trace.set(one, murky._replace(alike=alike.get(tuple(one.shape))))
        return result

    def reads_image(self, tensor: Any) -> bool:
        try:
            return not isinstance(self.trace.get(tensor), Weight)
        except NotUnderstood:  # of what has been overwritten
            return True

    def handled(self, name: str, args: Any, kwargs: Any, result: Any, *, inplace: bool) -> list[Value]:
        """What the operator's handler makes of it."""
        handler = HANDLERS.get(name)
        if handler is None:
            raise NotUnderstood("no layer does this")
        for one in tensors((args, kwargs)):
            if isinstance(murky := self.trace.known.get(id(one)), Murky):
                value = self.trace.idioms(self.trace, murky)
                if value is not None:
                    self.trace.set(one, value)
        given = handler(Call(self.trace, name, args, kwargs, result, inplace=inplace))
        return [given] if isinstance(given, Value) else [*given]

    def unknown(self, name: str, why: str, macs: int, args: Any, kwargs: Any) -> Murky:
        """Work without a layer, and what it reads."""
        nodes: dict[int, None] = {}
        work: dict[int, None] = {}
        sources: dict[int, None] = {}
        before: dict[int, Known] = {}
        for one in tensors((args, kwargs)):
            if (known := self.trace.known.get(id(one))) is not None:
                before[id(one)] = known
            match known:
                case Value(node, _):
                    nodes[node] = None
                case Weight(made_of, _):
                    sources.update(dict.fromkeys(made_of))
                case Murky(read, done, _):
                    nodes.update(dict.fromkeys(read))
                    work.update(dict.fromkeys(done))
        self.trace.work.append(Work(name, why, macs, tuple(sources), self.where(), args, kwargs, before))
        return Murky(tuple(nodes), (*work, len(self.trace.work) - 1))

    def alike(self, args: Any, kwargs: Any) -> dict[tuple[int, ...], Value]:
        """What the operands of an operator are values like, by their shape."""
        found: dict[tuple[int, ...], Value] = {}
        for one in tensors((args, kwargs)):
            known = self.trace.known.get(id(one))
            value = known.alike if isinstance(known, Murky) else known
            if isinstance(value, Value):
                found.setdefault(tuple(one.shape), value)
        return found


def stored(name: str, args: Any, kwargs: Any, weights: Sequence[Weight]) -> Weight:
    """What is made of parameters and constants alone: which ones, and how it is computed where it is not only viewed."""
    made_of = tuple(dict.fromkeys(source for known in weights for source in known.sources))
    if name in VIEWS and weights:
        return Weight(made_of, weights[0].made)
    if name == "batch_norm":
        tensor, mean, _, gain, bias, training, _, eps = (*args, *[None] * 8)[:8]
        mean, gain, bias = kwargs.get("running_mean", mean), kwargs.get("weight", gain), kwargs.get("bias", bias)
        if mean is None and bias is None and kwargs.get("training", training):
            return Weight(made_of, Made(name, True, tensor, gain, float(kwargs.get("eps", eps or 1e-5))))
    return Weight(made_of, Made(name))


def tensors(value: Any) -> Iterator[Any]:
    """The tensors in nested lists, tuples and mappings, in their order, which are read now: a list may change later."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors(one)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tensors(one)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from tensors(getattr(value, name))


def dropped(module: Any) -> float:
    """The rate of a module of stochastic depth, by the names that timm and torchvision give it; 0 for any other."""
    if type(module).__name__ not in ("DropPath", "StochasticDepth"):
        return 0.0
    return float(getattr(module, "drop_prob", None) or getattr(module, "p", None) or 0.0)


def _overwrites(name: str) -> bool:
    """Whether an operator's name says that it writes where it reads: `add_`, `__iadd__`, `__setitem__`."""
    if name.startswith("__"):
        return (name.startswith("__i") and name != "__invert__") or name == "__setitem__"
    return name.endswith("_")


def _counted(func: Any, args: Any, kwargs: Any) -> tuple[Any, int]:
    """What a function gives, and its multiply-accumulates by PyTorch's own counter."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        result = func(*args, **kwargs)
    flops: int = counter.get_total_flops()
    return result, flops // 2


def _replaced(value: Any, copies: Mapping[int, Any]) -> Any:
    """A tensor, or a list or tuple of them, with copies in place of some."""
    if isinstance(value, torch.Tensor):
        return copies.get(id(value), value)
    if copies and type(value) in (list, tuple):
        return type(value)(_replaced(one, copies) for one in value)
    return value
