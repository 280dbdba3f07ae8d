"""What a step holds besides what is saved, at single moments, by hand: float32, one image."""

import archcalc
from archcalc.analysis.analyze import analyze
from archcalc.memory.checkpointing import checkpointed
from archcalc.memory.liveness import Buffer, live
from archcalc.memory.moments import Moments
from archcalc.memory.plan import retained
from archcalc.memory.results import Training
from archcalc.memory.settings import Settings


def training(spec: str) -> Training:
    found = archcalc.load(spec).plan().training
    assert found is not None
    return found


def test_a_layer_in_python_has_maps_that_pass_also_where_no_gradient_is_wanted() -> None:
    """Local response normalization writes two maps beside its output; tanh none.  Both are before the first trained layer."""
    one, other = (training(f"INPUT[8x8x4] -> {layer} -> GAP -> FC-2") for layer in ("LRN5", "TANH"))
    assert one.live[1] - other.live[1] == 2 * (8 * 8 * 4) * 4
    assert one.live[0] == other.live[0]
    assert one.live[2:] == other.live[2:]


def test_a_forward_pass_with_checkpoints_holds_what_a_layer_reads_and_writes() -> None:
    """Of a chain of maps of 1,024 bytes: the image, what a layer reads and writes, and a map for every checkpoint passed."""
    report = archcalc.load("INPUT[8x8x4] -> [CONV3-4p1 -> TANH]*20").report
    found = checkpointed(report, retained(report, Settings()))
    assert found is not None
    alive = live([*found.retained.output_buffers, *found.retained.extra_buffers], Moments(41).count)
    one = 8 * 8 * 4 * 4
    for layer in range(1, max(found.cuts) + 1):
        assert alive[layer] == one * len({0, layer - 1, layer} | {cut for cut in found.cuts if cut < layer}), layer


def test_copies_in_half_precision() -> None:
    """Autocast's copies are there until the loss, those a product's gradient needs until its backward pass.

    The first product's input has no gradient, and a frozen one's copies are not kept at all.
    """
    graph = archcalc.load("INPUT[4x4x4] -> FC-8 -> FC-6").graph
    for frozen in (False, True):
        nodes = tuple(node._replace(trainable=not (frozen and node.name == "fc1")) for node in graph.nodes)
        found = retained(analyze(graph._replace(nodes=nodes)), Settings(dtype="mixed_float16"))
        first, second = found.execution.homes[1:]
        moments = Moments(len(found.execution.operations))
        end = first if frozen else moments.loss
        until = moments.loss if frozen else moments.backward(second)  # of what reads a map without a gradient
        assert set(found.copies_buffers) == {
            Buffer(64 * 8 * 2, first, end),
            Buffer(8 * 2, first, end),
            Buffer(8 * 6 * 2, second, until),
            Buffer(6 * 2, second, moments.loss),
        }


def test_what_is_alive_at_inference_grows_with_the_batch() -> None:
    network = archcalc.load("INPUT[8x8x4] -> CONV3-4p1 -> TANH -> CONV1-9 -> FC-3")
    one, three = (network.plan(batch=batch).inference for batch in (1, 3))
    assert three.live == tuple(3 * each for each in one.live)
    assert three.activations_peak_bytes == 3 * one.activations_peak_bytes == 3 * max(one.live)
