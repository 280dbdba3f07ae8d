"""Memory for inference and training: published figures, arithmetic by hand, and properties that must hold."""

import json
import math
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from conftest import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from runner import CliRunner

import archcalc
from archcalc.analysis.analyze import Report, analyze
from archcalc.architecture import Architecture, examine
from archcalc.cli import cli
from archcalc.language.specfile import SpecText, zoo_folder
from archcalc.layers import TYPES
from archcalc.memory.checkpointing import Checkpointed, checkpointed
from archcalc.memory.fitting import suggestions
from archcalc.memory.liveness import highest
from archcalc.memory.ordering import better_order, reordered
from archcalc.memory.plan import plan as planned
from archcalc.memory.plan import retained, stepped
from archcalc.memory.results import Plan, Training
from archcalc.memory.settings import Settings
from archcalc.precision import OPTIMIZERS, PRECISIONS

MIB = 1024**2


def read(text: str) -> Architecture:
    found = examine(SpecText("spec", text, pattern="->" in text.partition("\n")[0]))
    assert found.ok, found.diagnostics
    return found.architecture


def zoo(name: str, before: str = "", added: str = "") -> Architecture:
    """A network of the zoo, with a layer of torchvision's that its paper does not have put before a line."""
    text = Path(zoo_folder(), f"{name}.yaml").read_text()
    assert before in text
    return read(text.replace(before, f"{added}{before}", 1))


def fits(plan: Plan) -> bool:
    assert plan.budget is not None
    return plan.budget.fits


def training(plan: Plan) -> Training:
    assert plan.training is not None
    return plan.training


# Measured with PyTorch 2.14 on the CPU at batch 2, in bytes.
SAVED = [
    (zoo("cifar10_toy"), 196_608),
    (zoo("lenet5"), 72_864),
    (zoo("keras_mnist"), 1_521_360),
    (zoo("alexnet_torchvision"), 7_482_368),
    (zoo("vgg16"), 146_710_528),
    (zoo("vgg16_bn"), 255_124_480),
    (zoo("resnet18"), 44_398_080),
    (zoo("resnet50"), 172_031_488),
    (archcalc.load("zoo:squeezenet1_1"), 42_139_456),
]


@pytest.mark.parametrize(("network", "bytes"), SAVED, ids=lambda one: getattr(one, "name", ""))
def test_what_pytorch_saves(network: Architecture, bytes: int) -> None:
    for inplace in (True, False):
        found = training(network.plan(batch=2, inplace=inplace))
        assert found.saved_activations_bytes == bytes
        assert found.status == "complete"


# Measured with PyTorch 2.14: storages alive in the worst moment of a whole step, with CUDA's defaults, in bytes.
STEPS = [
    ("resnet50", "sgd-momentum", None, 1, 370_282_040),
    ("resnet18", "adam", None, 1, 234_435_172),
    ("vgg16", "adam", None, 1, 2_767_757_132),
    ("vgg16", "adam", "loop", 1, 3_036_412_588),
    ("densenet121", "adam", None, 8, 1_146_619_200),
]


@pytest.mark.parametrize(("name", "optimizer", "implementation", "batch", "bytes"), STEPS)
def test_what_a_step_needs(name: str, optimizer: str, implementation: Any, batch: int, bytes: int) -> None:
    network = archcalc.load(f"zoo:{name}")
    plan = network.plan(batch=batch, optimizer=optimizer, device="cuda", implementation=implementation)
    assert training(plan).total_bytes == bytes


def test_what_pytorch_holds_at_inference() -> None:
    """The batch, conv1's output, and the pool's with its indices of 8 bytes."""
    plan = archcalc.load("zoo:squeezenet1_1").plan(batch=8)
    assert plan.inference.activations_peak_bytes == 48_635_904
    assert plan.inference.peak_at == "pool1"


@pytest.mark.parametrize(
    ("budget", "momentum", "plain"),
    [("8 GiB", 96, 97), ("11 GiB", 133, 134), ("16 GiB", 195, 196), ("24 GiB", 294, 295), ("80 GiB", 988, 989)],
)
def test_the_largest_batches_of_resnet50(budget: str, momentum: int, plain: int) -> None:
    """A step of 97 images under plain SGD was measured: 8,521,538,712 bytes."""
    network = archcalc.load("zoo:resnet50")
    for optimizer, most in (("sgd-momentum", momentum), ("sgd", plain)):
        for batch in (most, most + 1):
            plan = network.plan(batch=batch, optimizer=optimizer, device="cuda", budget=budget, headroom=0)
            assert plan.budget is not None
            assert plan.budget.max_batch.training == most
            assert fits(plan) == (batch == most)
    assert training(network.plan(batch=97, optimizer="sgd", device="cuda")).total_bytes == 8_521_538_712


def frozen(name: str, until: str) -> Report:
    """A network of the zoo whose layers before one are not trained."""
    graph = archcalc.load(f"zoo:{name}").graph
    end = next(position for position, node in enumerate(graph.nodes) if node.name == until)
    nodes = [node._replace(trainable=position >= end) for position, node in enumerate(graph.nodes)]
    return analyze(graph._replace(nodes=tuple(nodes)))


def test_what_is_frozen_keeps_nothing() -> None:
    """Measured with PyTorch 2.14 on the CPU, the features of VGG-11 frozen, and all but the last layer of ResNet-18."""
    found = training(planned(frozen("vgg11", "fc1")))
    assert found.saved_activations_bytes == 198_656
    assert found.gradients_bytes == 4 * (25_088 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 1000 + 1000)
    found = training(planned(frozen("resnet18", "fc1"), Settings(32)))
    assert (found.total_bytes, found.peak_pass) == (273_765_860, "forward")
    assert found.optimizer_bytes == found.gradients_bytes == 4 * 513_000


@pytest.mark.parametrize(("kind", "kept"), [("CONV3-5p1", 3 + 4 + 5), ("CONV3-4p1 -> FC-5", 3 + 4)])
def test_a_frozen_layer_between_trained_ones_passes_gradients_on(kind: str, kept: int) -> None:
    """A convolution keeps its input all the same, as PyTorch's does; a matrix product keeps none."""
    graph = archcalc.load(f"INPUT[8x8x3] -> CONV3-4p1 -> {kind} -> CONV1-6").graph
    nodes = list(graph.nodes)
    nodes[-2] = nodes[-2]._replace(trainable=False)
    found = training(planned(analyze(graph._replace(nodes=tuple(nodes)))))
    last = 5 if "FC" in kind else 0  # the last layer's input is a vector
    assert found.saved_activations_bytes == 4 * (64 * kept + last)


def test_the_page_of_memory_has_the_table_of_optimizers() -> None:
    page = Path(__file__).parents[2].joinpath("docs/memory.md").read_text()
    for name, one in OPTIMIZERS.items():
        every = ["-" if of.foreach is None else str(of.foreach) for of in (one.plain, one.decaying)]
        each = ["; ".join(f"{a} + {b}" if b else str(a) for a, b in of.loop) for of in (one.plain, one.decaying)]
        cells = [name, str(one.state), *every, *each, "yes" if one.fused else ""]
        assert f"| {' | '.join(cells)} |\n" in page


def test_a_layer_says_itself_whether_it_overwrites() -> None:
    """`nn.LeakyReLU()` keeps its input, which in place would be its output, the next convolution's input."""
    graph = archcalc.load("INPUT[8x8x3] -> CONV3-4p1 -> BN -> LEAKY_RELU -> CONV3-5p1").graph
    for inplace in (True, False):
        nodes = tuple(node._replace(inplace=inplace if node.name == "leaky_relu1" else None) for node in graph.nodes)
        report = analyze(graph._replace(nodes=nodes))
        for other in (True, False):
            found = training(planned(report, Settings(inplace=other)))
            maps = 2 if inplace else 3
            assert found.saved_activations_bytes == 64 * 4 * (3 + 4 * maps) + 2 * 4 * 4


def test_headroom_and_context() -> None:
    """On CUDA a tenth is left free unless said otherwise; what the driver takes is not there in the first place."""
    network = archcalc.load("zoo:resnet50")
    plan = network.plan(device="cuda", budget="8 GiB")
    assert plan.budget is not None
    assert plan.budget.usable_bytes == 8 * 2**30 * 9 // 10
    same = network.plan(device="cuda", budget=plan.budget.usable_bytes, headroom=0).budget
    assert same is not None
    assert plan.budget.max_batch == same.max_batch
    small = network.plan(budget="1 GB", headroom=50, context="200 MB").budget
    assert small is not None
    assert (small.bytes, small.usable_bytes) == (10**9, 400_000_000)
    assert network.plan(budget="1 kB", context="2 kB").budget == (1000, False, (0, 0), 0)


FORMULAS = [  # of P parameters under Adam: bytes a device keeps of parameters, gradients at the end, and state
    ({"gpus": 4}, 4, 4 + 4, 8),  # and buckets
    ({"gpus": 4, "shard": 1}, 4, 4, 2),
    ({"gpus": 4, "shard": 2}, 4, 1, 2),
    ({"gpus": 4, "shard": 3}, 1, 1, 2),
    ({"gpus": 4, "bucket_views": True}, 4, 4, 8),  # the gradients are in them
    ({"average": True}, 8, 4, 8),
]


@pytest.mark.parametrize(("options", "parameters", "gradients", "state"), FORMULAS)
def test_several_devices(options: Any, parameters: int, gradients: int, state: int) -> None:
    """Table 1 of the ZeRO paper, in bytes of float32; every tensor here divides by 4."""
    network = archcalc.load("INPUT[4x4x4] -> CONV1-8 -> FC-4000")
    values = 4 * 8 + 8 + 128 * 4000 + 4000
    found = training(network.plan(optimizer="adam", implementation="fused", **options))
    one = training(network.plan(optimizer="adam", implementation="fused"))
    assert found.live[-1] - one.live[-1] == values * (parameters + gradients + state - 16)


def test_views_of_buckets_are_there_before_the_backward_pass() -> None:
    """And each layer's new gradients are beside them until they are copied."""
    network = archcalc.load("INPUT[4x4x4] -> CONV1-8 -> FC-4000")
    values = 4 * 8 + 8 + 128 * 4000 + 4000
    views = training(network.plan(gpus=2, bucket_views=True, optimizer="sgd"))
    kept = training(network.plan(keep_gradients=True, optimizer="sgd"))
    assert views.live == kept.live
    assert views.live[0] - training(network.plan(optimizer="sgd")).live[0] == 4 * values


def test_blocks_of_cudas_allocator() -> None:
    """Weights of 288 bytes, biases of 32, their gradients, and so on: each takes a block of 512, the loss's scalars, too."""
    network = archcalc.load("INPUT[1x1x9] -> CONV1-8")
    plan = network.plan(batch=128, optimizer="sgd", device="cuda")
    found = training(plan)
    assert found.peak_pass == "loss"
    image, classes, held = 128 * 9 * 4, 128 * 8, 128 * 8 * 4
    output, logarithms, gradients = [held], [held], [held, held]
    tensors = [9 * 8 * 4, 8 * 4, image, classes, *output, *logarithms, *gradients, 4, 4]
    assert found.total_bytes == sum(tensors)
    assert found.allocated_bytes == sum(-(-one // 512) * 512 for one in tensors)
    assert training(network.plan(batch=128)).allocated_bytes is None


def test_a_smaller_input_is_not_searched_for_long() -> None:
    """67 million sides, of which none keeps the height whole."""
    plan = archcalc.load("INPUT[2147483647x1x1] -> SELU").plan(budget="1 GiB", purpose="inference")
    assert [one.kind for one in plan.suggestions] == ["dtype", "dtype"]
    plan = archcalc.load("INPUT[640x360x3] -> CONV3-8p1").plan(budget="1 MiB", purpose="inference")
    assert "an input of [192x108x3]" in [one.text for one in plan.suggestions]  # by 32, where the height is whole


def test_running_statistics_have_a_counter() -> None:
    """GoogLeNet's with its auxiliary heads are 60,760 bytes in PyTorch; here they are not there."""
    plan = archcalc.load("zoo:googlenet").plan()
    norms = sum(row.node.layer.type == "bn" for row in archcalc.load("zoo:googlenet").report.rows)
    assert plan.inference.buffers_bytes == archcalc.load("zoo:googlenet").report.totals.buffers * 4 + 8 * norms


def test_a_plan_is_short_where_it_is_only_looked_at() -> None:
    plan = archcalc.load("zoo:lenet5").plan()
    assert repr(plan) == (
        f"<Plan LeNet-5: batch 1, inference {plan.inference.total_bytes:,} B, training {plan.total_bytes:,} B>"
    )


def test_vgg16_as_the_course_counts_it() -> None:
    plan = archcalc.load("zoo:vgg16").plan(convention="cs231n")
    found = training(plan)
    assert found.saved_activations_bytes == 15_237_608 * 4  # 58.1 MiB, with the image
    assert round((found.at_peak.saved + found.at_peak.passing) / MIB, 2) == 116.25
    assert found.parameters_bytes == 138_357_544 * 4
    assert found.parameters_bytes + found.gradients_bytes + found.optimizer_bytes == 3 * 138_357_544 * 4
    assert found.total_bytes == 4 * (2 * 15_237_608 + 3 * 138_357_544)
    assert found.live[-1] == max(found.live) == found.total_bytes


def test_three_layers_on_a_large_image_as_the_course_counts_them() -> None:
    plan = archcalc.load("INPUT[224x224x3] -> [CONV3-64p1 -> RELU]*3").plan(convention="cs231n")
    assert sum(line.saved_bytes + line.gradients_bytes for line in plan.lines[1:]) == 3 * 224 * 224 * 64 * 8  # 73.5 MiB


@pytest.mark.parametrize(
    ("optimizer", "times"), [("sgd", 2), ("sgd-momentum", 3), ("adagrad", 3), ("rmsprop", 3), ("adam", 4), ("adamw", 4)]
)
def test_what_optimizers_keep(optimizer: str, times: int) -> None:
    for convention in ("cs231n", "pytorch"):
        plan = archcalc.load("INPUT[4x4x1] -> FC-2").plan(optimizer=optimizer, convention=convention)
        found = training(plan)
        counters = (
            0 if convention == "cs231n" or optimizer.startswith("sgd") else 2 * 4
        )  # steps, for weights and biases
        kept = found.parameters_bytes + found.gradients_bytes + found.optimizer_bytes
        assert kept == times * 34 * 4 + counters
        assert sum(line.training_parameters_bytes for line in plan.lines) == times * 34 * 4


SMALL = "INPUT[8x8x3] -> CONV3-4p1 -> BN -> RELU -> DROPOUT -> POOL2 -> FC-5"
# image 192, conv out 256 (kept by BN), BN out = ReLU out 256 (ReLU), mask 256, dropout out 256 (pool), indices 64,
# pool out 64 (fc); statistics 2 x 4.  Values, except for the mask and the indices:
VALUES, MASK, INDICES, STATISTICS = 192 + 256 + 256 + 256 + 64, 256, 64, 8


@pytest.mark.parametrize(
    ("dtype", "device", "width", "mask", "statistic"),
    [
        ("float32", "cpu", 4, 4, 4),
        ("float32", "cuda", 4, 1, 4),
        ("float64", "cpu", 8, 8, 8),
        ("float16", "cpu", 2, 2, 2),
        ("bfloat16", "cuda", 2, 1, 4),
        ("mixed_float16", "cuda", 2, 1, 4),
    ],
)
def test_widths_by_dtype_and_device(dtype: str, device: Any, width: int, mask: int, statistic: int) -> None:
    found = training(archcalc.load(SMALL).plan(batch=3, dtype=dtype, device=device))
    expected = 3 * (VALUES * width + MASK * mask + INDICES * 8) + STATISTICS * statistic
    assert found.saved_activations_bytes == expected


def test_mixed_precision_keeps_float32_parameters_and_small_copies_of_weights() -> None:
    found = training(archcalc.load(SMALL).plan(dtype="mixed_bfloat16", optimizer="adam"))
    weights = 3 * 3 * 3 * 4 + 64 * 5
    params = weights + 4 + 5 + 8
    assert found.parameters_bytes == 4 * params + 2 * (weights + 4 + 5)
    assert (found.gradients_bytes, found.optimizer_bytes) == (4 * params, 8 * params + 6 * 4)  # counts of steps
    assert found.buffers_bytes == 8 * 4 + 8  # num_batches_tracked


def test_integers_are_not_trained() -> None:
    plan = archcalc.load(SMALL).plan(dtype="int8", budget="1 GiB")
    assert plan.training is None
    assert plan.budget is not None
    assert plan.budget.max_batch.training is None
    assert plan.inference.activations_peak_bytes == 192 + 256 + 64 + 64 * 8  # at the pool, whose indices have 8 bytes


def test_a_layer_without_a_rule_is_named_and_the_rest_counted() -> None:
    plan = archcalc.load("INPUT[8x8x3] -> LOCAL3-4 -> RELU -> FC-5").plan()
    found = training(plan)
    assert (found.status, plan.unknown) == ("partial", ("local1",))
    assert found.saved_activations_bytes >= 6 * 6 * 4 * 4
    assert plan.inference.status == "complete"
    assert [line.known for line in plan.lines] == [True, False, True, True]


def test_few_layer_types_are_without_a_rule() -> None:
    """A new type ought to say what autograd keeps of it; those that do not are known here."""
    from archcalc.layers import Layer

    silent = {name for name, type in TYPES.items() if type.kept is Layer.kept and type.keeps is None}
    assert silent == {"local", "opaque"}


def test_inference_of_a_chain_is_its_two_largest_neighbours() -> None:
    """In an arena; PyTorch's caller holds the image for the whole time, and the pool computes its indices."""
    network = archcalc.load("INPUT[8x8x1] -> CONV3-2p1 -> RELU -> POOL2 -> FC-3")
    inference = network.plan(batch=5, convention="arena").inference
    assert inference.activations_peak_bytes == 5 * 4 * (64 + 128)
    assert inference.peak_at == "conv1"
    assert inference.live == tuple(20 * one for one in (64, 192, 128, 160, 35))
    assert inference.total_bytes == inference.activations_peak_bytes + 4 * (18 + 2 + 96 + 3)
    inference = network.plan(batch=5).inference
    assert inference.live == tuple(20 * one for one in (64, 192, 192, 64 + 160 + 64, 64 + 35))
    assert inference.peak_at == "pool1"


def test_training_by_hand() -> None:
    """Forward: image, conv, pool and its indices; the loss; backward: fc with its gradients, pool, conv; the step."""
    found = training(archcalc.load("INPUT[4x4x1] -> CONV1-2 -> POOL2 -> FC-3").plan(optimizer="sgd"))
    image, conv, pool, index, fc, target = 64, 128, 32, 64, 12, 8
    weights = 4 * (2 + 2) + 4 * (8 * 3 + 3)
    assert found.saved_activations_bytes == image + conv + pool + index
    always = weights + image + target + 4  # the loss is a number
    last, both = always + fc, always + 4  # the last step's output; a gradient of 1
    held = conv + pool + index
    loss = (always + held + 2 * fc + 8, both + held + 3 * fc + 4, both + held + 4 * fc)
    forward = (last, last + conv, last + held, last + held + fc)
    fc_gradients, conv_gradients = 4 * 27, 4 * 4
    fc_backward = both + fc + held + fc + pool + fc_gradients
    pool_backward = both + fc + fc_gradients + conv + index + pool + conv
    conv_backward = both + fc + fc_gradients + conv + conv_gradients
    backward = (
        *(fc_backward, both + fc + fc_gradients + conv + index + pool),
        *(pool_backward, both + fc + fc_gradients + conv),
        *(conv_backward, both + fc + fc_gradients + conv_gradients),
        *(both + fc + fc_gradients + conv_gradients,) * 2,  # of the input there is no gradient
    )
    assert found.live == (*forward, *loss, *backward, always + fc + weights)
    assert (found.peak_at, found.peak_pass, found.total_bytes) == ("pool1", "backward", pool_backward)


def test_nothing_is_saved_where_no_gradient_flows() -> None:
    plan = archcalc.load("INPUT[4x4x2] -> DROPOUT -> POOL2 -> CONV1-3").plan()
    found = training(plan)
    assert found.saved_activations_bytes == 4 * 2 * 2 * 2  # the pool's output, the input of the first trained layer


# -- properties ------------------------------------------------------------------------------------------------

CHAIN = [
    "CONV3-4p1",
    "CONV1-8",
    "CONV3-6psame",
    "BN",
    "RELU",
    "LEAKY_RELU",
    "TANH",
    "SILU",
    "DROPOUT",
    "POOL2s1",
    "AVGPOOL2s1",
    "LRN",
]
chains = st.lists(st.sampled_from(CHAIN), min_size=1, max_size=6)
branches = st.lists(st.sampled_from(["CONV3-4p1", "BN", "RELU", "POOL3s1p1", "DROPOUT"]), max_size=3)


@st.composite
def networks(draw: st.DrawFn) -> Architecture:
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        lines.append(" -> ".join(draw(chains)))
        if draw(st.booleans()):
            lines.append(joined(draw(st.lists(branches, min_size=2, max_size=3))))
    return read("input: 16x16x3\nlayers:\n" + "".join(f"- {one}\n" for one in [*lines, "FC-3"]))


def joined(parts: list[list[str]]) -> str:
    return "concat: [" + ", ".join("[" + ", ".join(part) + "]" for part in parts) + "]"


conventions = st.sampled_from(["cs231n", "pytorch"])
some = settings(max_examples=40, deadline=None)


@some
@given(networks(), st.integers(1, 50), conventions)
def test_activations_are_linear_in_the_batch(network: Architecture, batch: int, convention: Any) -> None:
    one, two, many = (network.plan(batch=n, convention=convention) for n in (1, 2, batch))
    first, second, found = training(one), training(two), training(many)
    step = second.saved_activations_bytes - first.saved_activations_bytes
    assert found.saved_activations_bytes == first.saved_activations_bytes + step * (batch - 1)
    assert many.inference.activations_peak_bytes == batch * one.inference.activations_peak_bytes
    assert found.parameters_bytes == first.parameters_bytes
    for plan in (one, two, many):
        of = training(plan)
        assert of.total_bytes == sum(of.at_peak) == max(of.live)
        assert min(of.at_peak) >= 0
        assert sum(line.saved_bytes for line in plan.lines) == of.saved_activations_bytes


@some
@given(networks(), st.integers(0, 10**7), st.integers(0, 10**6), conventions)
def test_the_largest_batch_fits_and_the_next_does_not(
    network: Architecture, budget: int, more: int, convention: Any
) -> None:
    found = network.plan(budget=budget, convention=convention).budget
    assert found is not None
    purposes: tuple[Any, ...] = ("inference", "training")
    for purpose, most in zip(purposes, found.max_batch, strict=True):
        assert most is not None
        sizes = [most, most + 1] if most else [1]
        planned = [network.plan(batch=n, budget=budget, convention=convention, purpose=purpose) for n in sizes]
        assert [fits(one) for one in planned] == [True, False][-len(sizes) :]
    larger = network.plan(budget=budget + more, convention=convention).budget
    assert larger is not None
    assert larger.max_batch.inference >= found.max_batch.inference
    assert (larger.max_batch.training or 0) >= (found.max_batch.training or 0)


@some
@given(networks(), st.integers(1, 4 * 10**6))
def test_the_largest_batch_as_a_batch(network: Architecture, budget: int) -> None:
    plan = network.plan(batch="max", budget=budget)
    assert plan.budget is not None
    assert plan.batch == max(plan.budget.max_batch.training or 0, 1)
    assert plan.budget.fits == (plan.budget.max_batch.training != 0)


@some
@given(chains, st.integers(1, 4))
def test_a_repeated_block_is_the_block_unrolled(chain: list[str], times: int) -> None:
    body = " -> ".join(chain)
    folded = read(f"INPUT[32x32x3] -> [{body}]*{times} -> FC-2").plan(batch=3)
    unrolled = read(f"INPUT[32x32x3] -> {' -> '.join([body] * times)} -> FC-2").plan(batch=3)
    assert folded._replace(lines=()) == unrolled._replace(lines=())


@some
@given(st.lists(branches, min_size=2, max_size=3).flatmap(lambda one: st.tuples(st.just(one), st.permutations(one))))
def test_the_order_of_branches_changes_no_total(parts: tuple[list[list[str]], list[list[str]]]) -> None:
    one, two = (
        training(read(f"input: 8x8x4\nlayers:\n- CONV3-4p1 -> RELU\n- {joined(part)}\n- FC-2\n").plan(batch=2))
        for part in parts
    )
    for field in ("parameters_bytes", "gradients_bytes", "optimizer_bytes", "buffers_bytes", "saved_activations_bytes"):
        assert getattr(one, field) == getattr(two, field)


@some
@given(networks())
def test_nothing_needs_more_in_place(network: Architecture) -> None:
    here, apart = network.plan(), network.plan(inplace=False)
    assert here.inference.activations_peak_bytes <= apart.inference.activations_peak_bytes
    assert training(here).saved_activations_bytes <= training(apart).saved_activations_bytes


# -- orders, checkpoints, suggestions --------------------------------------------------------------------------


def test_a_better_order_of_branches() -> None:
    """The wide branch first: its result is small, so nothing else is alive while it is wide."""
    text = "input: 8x8x4\nlayers:\n- CONV1-4\n- concat: [[CONV1-16], [CONV1-64, CONV1-2]]\n"
    network = read(text)
    inference = network.plan(convention="arena").inference
    assert inference.activations_peak_bytes == 64 * 4 * (4 + 16 + 64)
    assert inference.order is not None
    assert [network.graph.nodes[one].name for one in inference.order.nodes][2:4] == ["conv3", "conv4"]
    assert inference.order.peak == 64 * 4 * (4 + 64 + 2)


@some
@given(st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=3), min_size=2, max_size=3))
def test_the_order_of_two_or_three_branches_is_the_best_there_is(widths: list[list[int]]) -> None:
    """Against all orders of whole branches; interleaving them is not considered."""

    def network(of: Iterable[list[int]]) -> Architecture:
        return read(f"input: 1x1x1\nlayers:\n- concat: {[[f'CONV1-{k}' for k in branch] for branch in of]}\n")

    best = min(network(of).plan(convention="arena").inference.activations_peak_bytes for of in permutations(widths))
    given = network(widths)
    inference = given.plan(convention="arena").inference
    if inference.order is None:
        assert inference.activations_peak_bytes == best
        return
    assert inference.order.peak == best < inference.activations_peak_bytes
    assert sorted(inference.order.nodes) == [*range(len(given.graph.nodes))]
    for place, node in enumerate(reordered(given.graph, inference.order.nodes).nodes):
        assert all(one < place for one in node.inputs)


@some
@given(networks())
def test_another_order_is_only_offered_if_it_is_better(network: Architecture) -> None:
    sizes = [row.output.size for row in network.report.rows]
    order = better_order(network.graph, sizes)
    if order is not None:
        assert order.nodes[-1] == len(sizes) - 1
        assert 4 * order.peak < network.plan(convention="arena").inference.activations_peak_bytes


def cut(network: Architecture) -> Checkpointed:
    found = checkpointed(network.report, retained(network.report, Settings()))
    assert found is not None
    return found


def test_checkpoints_every_root_of_the_layers() -> None:
    network = read("INPUT[8x8x4] -> [CONV3-4p1 -> TANH]*50")
    found = cut(network)
    whole = training(network.plan())
    one = 8 * 8 * 4 * 4
    assert all(b - a >= math.isqrt(101) for a, b in zip(found.cuts, found.cuts[1:], strict=False))
    # about 10 segments of 10 layers, of which half are saved; the image; gradients of a layer and its input
    step = stepped(network.report, Settings(), found.retained, 0)
    parameters = whole.parameters_bytes + whole.optimizer_bytes + whole.gradients_bytes
    most = highest([a + b for a, b in zip(step.image, step.fixed, strict=True)]).size - parameters
    assert most < one * (len(found.cuts) + 10 + 4) + 4 * 4 * 3 < whole.saved_activations_bytes / 2
    segments = len(found.cuts) + 1
    assert 0.85 < found.extra_macs / network.report.totals.macs < 1 - 0.5 / segments


def test_a_residual_block_is_not_cut() -> None:
    network = zoo("resnet50")
    found = cut(network)
    types = {network.graph.nodes[one].layer.type for one in found.cuts}
    assert types <= {"relu", "pool"}


def test_suggestions_are_recomputed() -> None:
    network = archcalc.load("zoo:vgg16")
    plan = network.plan(batch=256, optimizer="adam", budget="11 GiB")
    by_kind = {one.text: one for one in plan.suggestions}
    assert [one.kind for one in plan.suggestions] == [
        "batch", "dtype", "dtype", "optimizer", "optimizer", "input", "checkpointing",
    ]  # fmt: skip
    other = network.plan(batch=256, optimizer="sgd", budget="11 GiB")
    assert by_kind["optimizer sgd"].total_bytes == training(other).total_bytes
    assert other.budget is not None
    assert by_kind["optimizer sgd"].max_batch == other.budget.max_batch.training
    smaller = archcalc.load("zoo:vgg16", input="160x160x3").plan(batch=256, optimizer="adam", budget="11 GiB")
    assert by_kind["an input of [160x160x3]"].total_bytes == training(smaller).total_bytes
    assert by_kind["an input of [160x160x3]"].fits
    larger = archcalc.load("zoo:vgg16", input="192x192x3").plan(batch=256, optimizer="adam", budget="11 GiB")
    assert not fits(larger)
    assert plan.budget is not None
    assert by_kind["a batch of 130"].fits and plan.budget.max_batch.training == 130


def test_what_fits_needs_no_suggestion() -> None:
    network = archcalc.load("zoo:lenet5")
    assert network.plan(budget="1 GiB").suggestions == ()
    assert suggestions(network.report, network.plan()) == ()


@some
@given(networks(), st.sampled_from(["training", "inference"]))
def test_every_suggestion_needs_less(network: Architecture, purpose: Any) -> None:
    plan = network.plan(batch=8, budget=1, purpose=purpose, inplace=False, optimizer="adam")
    assert all(one.total_bytes < plan.total_bytes and not one.fits for one in plan.suggestions)


# -- the interface ---------------------------------------------------------------------------------------------


def test_the_spec_says_what_is_assumed() -> None:
    network = read("input: 8x8x3\nlayers: [FC-3]\ntraining: {batch: 7, optimizer: adam, dtype: float64}\n")
    plan = network.plan()
    assert (plan.batch, plan.settings.optimizer, plan.settings.dtype) == (7, "adam", "float64")
    assert network.plan(batch=2, optimizer="sgd").settings[:3] == (2, "float64", "sgd")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": "max"}, "the largest batch needs a budget"),
        ({"batch": 0}, "a batch has at least one image, not 0"),
        ({"dtype": "half"}, f"there is no dtype 'half'; there are {', '.join(PRECISIONS)}"),
        ({"convention": "cs231"}, "there is no convention 'cs231'; there are cs231n, pytorch, arena"),
        ({"device": "gpu"}, "there is no device 'gpu'; there are cpu, cuda"),
        ({"purpose": "inferenc"}, "there is no purpose 'inferenc'; there are training, inference"),
        (
            {"optimizer": "rmsprop", "implementation": "fused"},
            "rmsprop has no fused implementation; it has foreach, loop",
        ),
        ({"accumulate": 0}, "a step has at least one pass, not 0"),
        ({"optimizer": "lamb"}, f"there is no optimizer 'lamb'; there are {', '.join(OPTIMIZERS)}"),
        ({"budget": "11 G"}, "a bare G is 10^9 to some and 2^30 to others; write `11 GB` or `11 GiB`"),
    ],
)
def test_what_cannot_be_planned_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        archcalc.load(SMALL).plan(**options)
    assert str(caught.value) == message


def run(*arguments: str, code: int = 0, columns: int | None = None, color: bool = False) -> str:
    environment = {"COLUMNS": str(columns) if columns else "", "NO_COLOR": "" if color else "1"}
    result = CliRunner().invoke(cli, ["plan", *arguments], env=environment, standalone_mode=False)
    if isinstance(result.exception, Exception):
        raise result.exception
    assert result.return_value == code
    return result.stdout


def test_json() -> None:
    found = json.loads(run("zoo:vgg16", "--batch", "2", "--budget", "11 GiB", "-f", "json"))
    assert list(found)[:8] == [
        "schema_version",
        "name",
        "batch",
        "dtype",
        "optimizer",
        "convention",
        "device",
        "inplace",
    ]
    plan = archcalc.load("zoo:vgg16").plan(batch=2, budget=11 * 2**30)
    for part in (plan.inference, training(plan)):
        record = found["inference" if part is plan.inference else "training"]
        for name, value in part._asdict().items():
            if name not in ("live", "buffers", "order", "moments_forward", "at_peak"):
                assert record[name] == value
    assert sum(found["training"]["at_peak"].values()) == found["training"]["total_bytes"]
    assert found["inference"]["order"] is None
    assert found["inference"]["arena"] is None
    assert found["training"]["status"] == "complete"
    assert found["budget"] == {
        "bytes": 11 * 2**30,
        "fits": True,
        "max_batch": {"inference": 428, "training": 138},
        "usable_bytes": 11 * 2**30,
    }
    assert sum(one["saved_bytes"] for one in found["layers"]) == found["training"]["saved_activations_bytes"]


def test_json_of_what_cannot_be_trained_and_what_is_not_known() -> None:
    found = json.loads(run(SMALL, "--dtype", "int8", "-f", "json"))["training"]
    assert found["status"] == "unavailable"
    assert found["total_bytes"] is None
    found = json.loads(run("INPUT[8x8x3] -> LOCAL3-4 -> FC-5", "-f", "json"))["training"]
    assert (found["status"], found["unknown"]) == ("partial", ["local1"])


@pytest.mark.parametrize(
    ("name", "columns", "arguments"),
    [
        ("vgg16_80.txt", 80, ["zoo:vgg16", "--batch", "256", "--budget", "11 GiB", "--optimizer", "adam"]),
        ("vgg16_cs231n_120.txt", 120, ["zoo:vgg16", "--convention", "cs231n"]),
        ("resnet50_200.txt", 200, ["zoo:resnet50", "--batch", "max", "--budget", "11 GiB"]),
        ("local.txt", None, ["INPUT[8x8x3] -> LOCAL3-4 -> RELU -> FC-5", "--device", "cuda"]),
        ("int8.txt", None, [SMALL, "--dtype", "int8"]),
        ("layers_80.txt", 80, ["zoo:resnet18", "--layers", "--device", "cuda", "--optimizer", "adam"]),
        ("arena_100.txt", 100, ["zoo:googlenet", "--convention", "arena", "--layers"]),
    ],
)
def test_tables(name: str, columns: int | None, arguments: list[str], golden: Golden) -> None:
    text = run(*arguments, columns=columns, code=1 if "256" in arguments else 0)
    golden(f"plan/{name}", text)
    assert max(map(len, text.splitlines())) <= (columns or 10_000)


def test_a_table_for_a_terminal_without_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    from archcalc.formats import Look
    from archcalc.formats.plan.table import render

    plan = archcalc.load("zoo:lenet5").plan()
    render(plan, Look(width=80, unicode=False)).encode("ascii")
    assert "\x1b[" in render(plan, Look(width=80, color=True))


def test_a_name_is_no_markup() -> None:
    from archcalc.formats import Look
    from archcalc.formats.plan.table import render

    plan = read("name: '[red]x[/red]'\ninput: 8x8x3\nlayers: [FC-3]\n").plan()
    assert render(plan, Look()).startswith("[red]x[/red]: 1 image, float32, sgd-momentum (loop);")


def test_exit_codes() -> None:
    run("zoo:lenet5", "--budget", "1 GiB")
    run("zoo:lenet5", "--budget", "500 kB", code=1)
    run("zoo:lenet5", "--budget", "500 kB", "--for", "inference")
    run("zoo:lenet5", "--batch", "max", "--budget", "1 B", code=1)
    run("INPUT[8x8x3] -> CONV9-4", code=1)
    run("no/such.yaml", code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "max"], "--batch max needs --budget, the memory that is to be filled"),
        (["--optimizer", "rmsprop", "--fused"], "rmsprop has no fused implementation; it has foreach, loop"),
        (["--batch", "1e3"], "a whole number from 1 to 2,147,483,647, or max, not '1e3'"),
        (["--batch", "0"], "a whole number from 1 to 2,147,483,647, or max, not '0'"),
        (["--budget", "11G"], "a bare G is 10^9 to some and 2^30 to others; write `11 GB` or `11 GiB`"),
    ],
)
def test_usage(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(cli, ["plan", "zoo:vgg16", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
