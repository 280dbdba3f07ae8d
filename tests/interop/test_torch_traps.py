"""What people write into a forward pass that a reader of modules gets wrong."""

import warnings
from collections import OrderedDict
from typing import Any

import pytest

import archcalc
from archcalc.layers import TYPES

torch = pytest.importorskip("torch")
from measured import capture, compared, measured  # noqa: E402 - it imports torch
from torch import nn  # noqa: E402
from torch.autograd import Function  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812 - as everybody calls it

pytestmark = pytest.mark.torch

SHAPE = (3, 8, 8)
CONV = nn.Conv2d


class Written(nn.Module):
    """Modules, and a forward pass of one's own over them."""

    def __init__(self, forward: Any, **modules: Any) -> None:
        super().__init__()
        for name, one in modules.items():
            setattr(self, name, one)
        self.own = forward

    def forward(self, *images: Any) -> Any:
        return self.own(self, *images)


def written(forward: Any, *shapes: tuple[int, ...], **modules: Any) -> Any:
    return compared(lambda: Written(forward, **modules), *(shapes or (SHAPE,)))


def types(found: Any) -> list[str]:
    return [node.layer.type for node in found.graph.nodes]


def test_a_list_that_changes_after_it_was_joined() -> None:
    """DenseNet appends to the list that it gave to cat."""

    def forward(net: Any, x: Any) -> Any:
        features = [net.a(x)]
        y = net.b(torch.cat(features, 1))
        features.append(y)
        z = torch.cat(features, 1)
        features.clear()
        return z

    found = written(forward, a=CONV(3, 4, 1), b=CONV(4, 5, 1))
    assert types(found) == ["input", "conv", "conv", "concat"]
    assert found.graph.nodes[3].inputs == (1, 2)


def test_what_is_done_in_place_comes_back_as_the_same_tensor() -> None:
    def forward(net: Any, x: Any) -> Any:
        y = net.a(x)
        F.relu_(y)
        z = net.b(y)
        z += y
        z.mul_(2.0)
        return z

    found = written(forward, a=CONV(3, 4, 1), b=CONV(4, 4, 3, padding=1))
    assert types(found) == ["input", "conv", "relu", "conv", "add", "scale"]
    assert found.graph.nodes[4].inputs == (3, 2)


def test_a_view_read_after_its_memory_was_overwritten_is_no_silent_gap() -> None:
    def forward(net: Any, x: Any) -> Any:
        y = net.a(x)
        before = y.view(y.shape)
        y.relu_()
        return y + before

    model = Written(forward, a=CONV(3, 4, 1))
    if "opaque" in TYPES:
        (one,) = capture(model, {"input": archcalc.Volume(8, 8, 3)}).findings
    else:
        with pytest.raises(archcalc.SpecError) as raised:
            archcalc.from_torch(model, "8x8x3")
        (one,) = raised.value.diagnostics
    assert "add: it reads a view of what relu has overwritten since" in "".join(one.notes)


def test_addresses_are_used_again() -> None:
    """A tensor that is gone leaves its address to the next one."""

    def forward(net: Any, x: Any) -> Any:
        for _ in range(50):
            net.a(x).sigmoid().tanh()
        return net.a(x)

    model = Written(forward, a=CONV(3, 4, 1))
    found = capture(model, {"input": archcalc.Volume(8, 8, 3)})
    assert types(found) == ["input", "conv"]
    assert [one.code for one in found.findings] == ["AC822"]


def test_a_dead_branch_is_left_out_and_said() -> None:
    def forward(net: Any, x: Any) -> Any:
        y = net.a(x)
        net.pool(y)
        return net.b(y)

    found = capture(
        Written(forward, a=CONV(3, 4, 1), b=CONV(4, 4, 1), pool=nn.MaxPool2d(2)), {"x": archcalc.Volume(8, 8, 3)}
    )
    assert types(found) == ["input", "conv", "conv"]
    (one,) = found.findings
    assert (one.code, one.message) == ("AC822", "nobody reads what is computed in pool")


def test_a_module_called_twice_shares_its_weights() -> None:
    def forward(net: Any, a: Any, b: Any) -> Any:
        return net.head(torch.cat([net.tower(a), net.tower(b)], 1))

    tower = nn.Sequential(CONV(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 3))
    model = Written(forward, tower=tower, head=nn.Linear(6, 1))
    found = capture(model, {"left": archcalc.Volume(8, 8, 1), "right": archcalc.Volume(8, 8, 1)})
    nodes = found.graph.nodes
    assert [node.name for node in nodes[:2]] == ["left", "right"]
    shares = {node.name: nodes[node.shares].name for node in nodes if node.shares is not None}
    assert shares == {"tower.0_2": "tower.0", "tower.1_2": "tower.1", "tower.4_2": "tower.4"}


def test_child_forward_is_not_a_call() -> None:
    """Hooks do not see it; the path is that of the weights."""
    found = written(lambda net, x: net.a.forward(x), a=CONV(3, 4, 1))
    assert found.graph.nodes[1].name == "a"


def test_several_results_are_outputs() -> None:
    def forward(net: Any, x: Any) -> Any:
        c = net.a(x)
        return OrderedDict(p3=c, more=[net.b(c), (net.c(c),)], none=None)

    model = Written(forward, a=CONV(3, 4, 1), b=CONV(4, 5, 1), c=CONV(4, 6, 1))
    found = capture(model, {"input": archcalc.Volume(8, 8, 3)})
    assert [found.graph.nodes[one].name for one in found.graph.results()] == ["a", "b", "c"]


def test_frozen_parameters_are_not_trainable() -> None:
    model = nn.Sequential(CONV(3, 4, 1), nn.BatchNorm2d(4), CONV(4, 4, 1))
    for one in model[:2].parameters():
        one.requires_grad = False
    found = capture(model, {"input": archcalc.Volume(8, 8, 3)})
    assert [node.trainable for node in found.graph.nodes] == [True, False, False, True]


def test_wrappers_are_taken_off() -> None:
    inner = nn.Sequential(CONV(3, 4, 1), nn.ReLU())
    plain = capture(inner, {"input": archcalc.Volume(8, 8, 3)}, name="net")
    for model in (nn.DataParallel(inner), torch.compile(inner)):
        assert capture(model, {"input": archcalc.Volume(8, 8, 3)}, name="net").graph == plain.graph


def test_torchscript_is_refused_by_name() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and people have it
        inner = torch.jit.script(nn.Sequential(CONV(3, 4, 1)))
    with pytest.raises(archcalc.SpecError, match=r"0 is compiled \(TorchScript\) and cannot be watched"):
        archcalc.from_torch(nn.Sequential(inner), "8x8x3")


class Swish(Function):
    """As people write it to save memory; what it keeps is its own affair."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        (x,) = ctx.saved_tensors
        s = x.sigmoid()
        return gradient * s * (1 + x * (1 - s))


class Reversal(Function):
    """Gives back what it reads, and its setup is apart."""

    @staticmethod
    def forward(x: Any, rate: float) -> Any:
        return x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.rate = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return -ctx.rate * gradient, None


class Product(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        return F.conv2d(x, w)


swish = Swish.apply


@pytest.mark.skipif("opaque" not in TYPES, reason="there is no opaque layer yet")
def test_a_function_with_its_own_backward_pass_is_told_by_name() -> None:
    """It neither vanishes, as what no operator made, nor is taken for what its forward pass does."""

    def forward(net: Any, x: Any) -> Any:
        y = net.b(swish(net.a(x)))
        return Product.apply(Reversal.apply(y, 1.0), net.w)

    model = Written(forward, a=CONV(3, 4, 1), b=CONV(4, 4, 1))
    model.w = nn.Parameter(torch.zeros(5, 4, 1, 1))
    before = {one: vars(one)["forward"] for one in (Swish, Reversal, Product)}
    found = capture(model, {"input": archcalc.Volume(8, 8, 3)})
    opaque = [node.layer for node in found.graph.nodes if node.layer.type == "opaque"]
    assert [(one.what, one.params, one.macs) for one in opaque] == [("Swish", 0, 0), ("Reversal, Product", 20, 64 * 20)]  # type: ignore[attr-defined]
    assert [one.message for one in found.findings] == [
        "opaque is opaque: Swish",
        "opaque_2 is opaque: Reversal, Product",
    ]
    assert (
        found.findings[0]
        .notes[0]
        .startswith("Swish: it is a torch.autograd.Function, whose backward pass is its own, in the model (")
    )
    assert all(vars(one)["forward"] is was for one, was in before.items())
    assert Swish.apply(torch.zeros(1)).item() == 0


def test_a_compiled_function_is_told_by_name(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compiled_activation.py").write_text("def act(x):\n    return x * x.sigmoid()\n")
    monkeypatch.syspath_prepend(tmp_path)
    import compiled_activation  # type: ignore[import-not-found] # TorchScript wants a function in a file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        act = torch.jit.script(compiled_activation.act)
    found = capture(
        Written(lambda net, x: net.b(act(net.a(x))), a=CONV(3, 4, 1), b=CONV(4, 4, 1)), {"x": archcalc.Volume(8, 8, 3)}
    )
    assert types(found) == ["input", "conv", "opaque", "conv"]
    assert "act: it is compiled (TorchScript) and cannot be watched" in found.findings[0].notes[0]


def test_another_way_for_a_larger_image_is_said() -> None:
    def forward(net: Any, x: Any) -> Any:
        y = net.a(x)
        return net.b(y) if x.shape[-1] > 20 else y.relu()

    found = capture(Written(forward, a=CONV(3, 4, 1), b=CONV(4, 4, 1)), {"input": archcalc.Volume(16, 16, 3)})
    assert types(found) == ["input", "conv", "relu"]
    (one,) = (one for one in found.findings if one.code == "AC823")
    assert one.message == "the way depends on the size: at 80x80x3 there is b instead of relu"


def test_values_that_are_set_and_random_ones_are_no_silent_gap() -> None:
    def forward(net: Any, x: Any) -> Any:
        y = net.a(x)
        y[:, 0] = 0
        z = net.b(y)
        return net.c(z + torch.randn_like(z))

    model = Written(forward, a=CONV(3, 4, 1), b=CONV(4, 4, 1), c=CONV(4, 4, 1))
    found = capture(model, {"input": archcalc.Volume(8, 8, 3)})
    assert types(found) == ["input", "conv", "opaque", "conv", "opaque", "conv"]
    said = {one.code: one.message for one in found.findings}
    assert said["AC823"].startswith("random numbers: randn_like in the model (")
    assert [one.layer.what for one in found.graph.nodes if one.layer.type == "opaque"] == ["setitem", "randn_like, add"]  # type: ignore[attr-defined]


def test_sequences_and_columns_are_given_as_such_where_images_do_not_do() -> None:
    line = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3))
    report = archcalc.from_torch(line, "100x1x2").report
    assert (report.rows[1].output, report.output, report.totals.params) == ((98, 1, 4), (1, 1, 3), 28 + 15)
    column = nn.Sequential(nn.Linear(784, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Linear(10, 4))
    assert archcalc.from_torch(column, "1x1x784").report.totals.params == 7850 + 20 + 44
    with pytest.raises(archcalc.SpecError, match=r"fails in 0 .*test_torch_traps.*|fails in 0: RuntimeError"):
        archcalc.from_torch(line, "10x10x2")


def test_what_a_model_holds_is_said_by_type_and_planned_for() -> None:
    model = nn.Sequential(CONV(3, 4, 3), nn.BatchNorm2d(4)).half()
    net = archcalc.from_torch(model, "8x8x3")
    assert net.document is not None
    (one,) = net.document.problems
    assert (one.code, one.severity) == ("AC825", "info")
    assert one.message == (
        "it holds 120 parameters as float16 (240 B), 8 buffers as float16 (16 B), 1 buffer as int64 (8 B)"
    )
    assert net.plan().settings.dtype == "float16"


def test_an_error_of_the_model_names_its_line() -> None:
    def forward(net: Any, x: Any) -> Any:
        return net.a(x.flatten(1))

    with pytest.raises(archcalc.SpecError, match=r"the model fails in a \(.*test_torch_traps\.py:\d+\): RuntimeError"):
        archcalc.from_torch(Written(forward, a=nn.Linear(5, 4)), "8x8x3")


def test_a_way_that_depends_on_values_is_said() -> None:
    def forward(net: Any, x: Any) -> Any:
        y = net.a(x)
        return net.b(y) if y.mean() > 1e9 else net.c(y)

    model = Written(forward, a=CONV(3, 4, 1), b=CONV(4, 5, 1), c=CONV(4, 6, 1))
    found = capture(model, {"input": archcalc.Volume(8, 8, 3)})
    assert [node.name for node in found.graph.nodes] == ["input", "a", "c"]
    assert {one.code for one in found.findings} == {"AC821", "AC823"}
    (depends,) = (one for one in found.findings if one.code == "AC823")
    assert depends.message.startswith("the way depends on values: __bool__ in the model (")
    assert "test_torch_traps.py:" in depends.message


def test_parameters_that_nothing_uses_are_said() -> None:
    found = written(lambda net, x: net.a(x), a=CONV(3, 4, 1), left=nn.Linear(5, 6))
    (one,) = found.findings
    assert one.message == "2 parameters (36 values) are never used: left.weight, left.bias"


def test_what_does_nothing_in_eval_is_there() -> None:
    """Dropout gives back its input, which the shortcut reads as well."""

    def forward(net: Any, x: Any) -> Any:
        y = net.a(x)
        return net.b(net.drop(y)) + y

    found = written(forward, a=CONV(3, 4, 1), b=CONV(4, 4, 1), drop=nn.Dropout(0.2))
    assert types(found) == ["input", "conv", "dropout", "conv", "add"]
    assert found.graph.nodes[4].inputs == (3, 1)


def test_a_gate_of_one_number_and_constants() -> None:
    def forward(net: Any, x: Any) -> Any:
        return 1 - net.a(x * 2 - 1).sigmoid() / 3

    assert types(written(forward, a=CONV(3, 4, 1))) == [
        "input", "scale", "shift", "conv", "sigmoid", "scale", "scale", "shift",
    ]  # fmt: skip


def test_a_constructor_that_computes() -> None:
    class Computing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = int(torch.tensor([4.0, 8.0]).sum().item())
            self.a = CONV(3, width, 1)

        def forward(self, x: Any) -> Any:
            return self.a(x)

    assert archcalc.from_torch(Computing(), "8x8x3").report.output == (8, 8, 12)
    compared(Computing, SHAPE)


@pytest.mark.skipif("opaque" not in TYPES, reason="there is no opaque layer yet")
class TestOpaque:
    class Attention(nn.Module):
        def __init__(self, channels: int, heads: int) -> None:
            super().__init__()
            self.heads, self.qkv, self.proj = heads, nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

        def forward(self, x: Any) -> Any:
            n, c, h, w = x.shape
            y = self.qkv(x.flatten(2).transpose(1, 2)).reshape(n, h * w, 3, self.heads, c // self.heads)
            q, k, v = y.permute(2, 0, 3, 1, 4).unbind(0)
            a = (q @ k.transpose(-2, -1) * 0.5).softmax(-1)
            return self.proj((a @ v).transpose(1, 2).reshape(n, h * w, c)).transpose(1, 2).reshape(n, c, h, w)

    def test_attention(self) -> None:
        model = nn.Sequential(CONV(3, 8, 1), self.Attention(8, 2), CONV(8, 4, 1))
        found = capture(model, {"input": archcalc.Volume(8, 8, 3)})
        assert types(found) == ["input", "conv", "conv", "opaque", "conv", "conv"]
        opaque: Any = found.graph.nodes[3].layer
        assert opaque.volume == (8, 8, 8)
        assert opaque.macs == 2 * 64 * 64 * 8  # q @ k and a @ v
        report = archcalc.from_torch(model, "8x8x3").report
        figures = measured(model, SHAPE)
        assert (report.totals.params, report.totals.macs) == (figures.parameters, figures.macs)
        (one,) = found.findings
        assert one.code == "AC820"
        assert one.message == "model.1 is opaque: unbind, 2 x transpose, 2 x matmul, mul, softmax, reshape"

    def test_an_operator_alone(self) -> None:
        model = nn.Sequential(CONV(3, 8, 1), nn.Softplus(beta=2), CONV(8, 4, 1))
        found = capture(model, {"input": archcalc.Volume(8, 8, 3)})
        assert [(node.name, node.layer.label) for node in found.graph.nodes[2:3]] == [("model.1", "OPAQUE softplus")]
