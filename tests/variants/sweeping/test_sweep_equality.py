"""A sweep's figures are those of the scalar analysis, which knows nothing of sweeps: `load`, `analyze`, `plan`."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.diagnostics import SpecError
from archcalc.variants.sweeping.quantities import QUANTITIES
from archcalc.variants.sweeping.sweep import Sweep

pytest.importorskip("numpy")

EVERYTHING = ",".join(name for name in QUANTITIES)


def volume(spec: str, size: Any) -> str | None:
    return None if size is None else f"{size}x{size}x{archcalc.load(spec).report.input.channels}"


def computed(spec: str, record: dict[str, Any]) -> dict[str, int | None]:
    """The figures of a network by the Python API, as a user would ask for it."""
    given = dict(record["variables"])
    net = archcalc.load(spec, set=given, input=volume(spec, given.pop("input", None)))
    totals, plan = net.report.totals, net.plan(batch=3)
    assert plan.training is not None
    width, height = net.report.outputs[0].receptive_field
    fields = [one.size if one else None for one in (width, height)]
    output = net.report.outputs[0].output
    return {
        **{name: getattr(totals, name) for name in ("params", "weights", "buffers", "macs", "flops", "activations")},
        "activation_memory": totals.activations * 4,
        "activation_memory at batch 3": totals.activations * 12,
        "inference_memory at batch 3": plan.inference.total_bytes,
        "training_memory at batch 3": plan.training.total_bytes,
        "receptive_field.width": fields[0],
        "receptive_field.height": fields[1],
        "receptive_field": None if None in fields else min(one for one in fields if one is not None),
        "output": output.size,
        **{f"output.{side}": getattr(output, side) for side in ("width", "height", "channels")},
    }


def compare(spec: str, vary: dict[Any, Any], points: int, *, seed: int = 0, chunk: int = 64) -> Sweep:
    """All points of a space, or a sample; those that fit have the scalar figures, and of the others load raises."""
    batched = ", ".join(f"{one} at batch 3" for one in ("inference_memory", "training_memory", "activation_memory"))
    found = archcalc.sweep(
        spec, vary=vary, figures=f"{EVERYTHING}, {batched}", sample=points, seed=seed, chunk=chunk, top=points
    )
    space = found.request.space
    for one in found:
        fitting = {int(number) for number in one.rows.numbers}
        for record in one.to_records():
            expected = computed(spec, record)
            assert {name: record["figures"][name] for name in expected} == expected, record
        places = found.request.points.indices(one.number)
        codes: dict[str, int] = {}
        for at in range(len(places[0])):
            if one.number * chunk + at not in fitting:
                given = dict(space.point([int(axis[at]) for axis in places]))
                size = volume(spec, given.pop("input", None))
                with pytest.raises(SpecError) as error:
                    archcalc.load(spec, set=given, input=size)
                code = next(each.code for each in error.value.diagnostics if each.severity == "error")
                codes[code] = codes.get(code, 0) + 1
        tally: dict[str, int] = {}
        for (code, _), count in one.tally.misfits.items():
            tally[code] = tally.get(code, 0) + count
        assert sum(tally.values()) == sum(codes.values()) == one.tally.networks - one.tally.fitting
    return found


@pytest.mark.parametrize(
    ("spec", "vary"),
    [
        ("zoo:vgg16_pattern", {"N": [[1, 1, 2, 2, 2], [2, 2, 3, 3, 3]], "K": [0, 2], "input": "64..256:32"}),
        ("zoo:resnet50", {"conv2": "1..3", "conv4": "1..6", "input": "64..256:1"}),
        ("zoo:lenet5", {"input": "1..40"}),
        ("zoo:alexnet", {"input": "200..260"}),
        ("zoo:googlenet", {"input": "32..300"}),
        ("zoo:unet", {"input": "188..600:2"}),
    ],
)
def test_the_zoo_at_other_sizes_and_depths(spec: str, vary: dict[str, Any]) -> None:
    compare(spec, vary, 3, chunk=3)


WORDS = {
    "conv": "CONV($k)-($w{n})p($p)",
    "strided": "CONV3-($w{n})s($s)p1",
    "relu": "RELU",
    "bn": "BN",
    "pool": "POOL($t)",
    "average": "AVGPOOL2",
    "dropout": "DROPOUT",
}


@st.composite
def specs(draw: Any) -> tuple[str, dict[str, Any]]:
    """A spec whose widths, windows, strides, repeats, joins and input vary, and how."""
    rounding = draw(st.sampled_from(["exact", "floor", "ceil"]))
    lines = [f"input: {{width: $x, height: {draw(st.sampled_from(['$x', '$y', '33']))}, channels: 3}}"]
    lines += [f"rounding: {rounding}", "vars: {w1: 8, w2: 8, k: 3, p: 1, s: 1, t: 2, n: 1, x: 32, y: 32}", "layers:"]
    for number in range(draw(st.integers(1, 5))):
        width = 1 + number % 2
        kind = draw(st.sampled_from(["row", "row", "add", "concat", "squeeze", "repeat"]))
        words = draw(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=4))
        row = " -> ".join(WORDS[word].replace("{n}", str(width)) for word in words)
        if kind == "row":
            lines.append(f"  - {row}")
        elif kind == "repeat":
            lines.append(f'  - "[{row}]*($n)"')
        elif kind == "squeeze":
            lines += [f"  - CONV1-($w{width})", f"  - multiply: [[], [GAP, CONV1-($w{width}), SIGMOID]]"]
        elif kind == "add":
            lines += [f"  - CONV1-($w{width})", f"  - add: [[], [CONV3-($w{width})p1, BN, RELU]]"]
        else:
            lines.append(f"  - concat: [[], [CONV3-($w{width})p1], [CONV1-($w{3 - width}), RELU]]")
    if draw(st.booleans()):
        lines.append("  - GAP")
    lines.append("  - FC-($w1 + 2)")
    vary: dict[str, Any] = {
        "w1": range(4, 40, draw(st.sampled_from([1, 4]))),
        "w2": draw(st.sampled_from([[8, 12, 31], [16], "$w1", "2*$w1", "$w1//3 + 1"])),
        "k": draw(st.sampled_from([[1, 3, 5], [2, 3], [3]])),
        "p": draw(st.sampled_from(["$k//2", [0, 1], [1]])),
        "s": draw(st.sampled_from([[1, 2], [1], [3, 1, 2]])),
        "t": draw(st.sampled_from([[2], [2, 3]])),
        "n": draw(st.sampled_from([[0, 1, 2], [1]])),
        "x": draw(st.sampled_from(["16..64:16", "20..70", [32]])),
        "y": [40, 44],
    }
    return "\n".join(lines) + "\n", vary


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs(), st.integers(0, 1000))
def test_random_points_of_random_specs(tmp_path_factory: pytest.TempPathFactory, spec: Any, seed: int) -> None:
    text, vary = spec
    path = tmp_path_factory.getbasetemp() / "random.yaml"
    path.write_text(text, encoding="utf-8")
    compare(str(path), vary, 12, seed=seed, chunk=12)


def test_chunks_of_any_size_find_the_same() -> None:
    space = {"N": [[1, 1, 1, 1, 1], [2, 1, 2, 1, 2], [2, 2, 3, 3, 3]], "input": "32..160:32"}
    found = [
        archcalc.sweep("zoo:vgg16_pattern", vary=space, pareto="params,macs,receptive_field:max", chunk=chunk)
        for chunk in (1, 7, 1000)
    ]
    records = [one.result().to_records() for one in found]
    assert records[0] == records[1] == records[2]
    assert len(records[0]) > 3


def test_numbers_larger_than_64_bits_are_right() -> None:
    """2^31 - 1 channels in and out have 2^62 weights a pixel, and 64 bits would overflow."""
    spec = "INPUT[2000x2000x3] -> CONV1-2147483647 -> CONV3-2147483647p1"
    found = archcalc.sweep(spec, vary={"input": range(1990, 2001)}, figures="params,macs,flops").result()
    for record in found.to_records():
        totals = archcalc.load(spec, input="{0}x{0}x3".format(record["variables"]["input"])).report.totals
        assert record["figures"] == {"params": totals.params, "macs": totals.macs, "flops": totals.flops}
        assert totals.macs > 2**64


def test_structures_that_nobody_shares_are_computed_one_by_one() -> None:
    vary = {"conv2": "1..4", "conv3": "1..4", "conv4": "1..4", "conv5": "1..2"}
    found = archcalc.sweep("zoo:resnet18", vary=vary, figures="params,depth", sample=70, top=70, seed=3).result()
    assert found.tally.single > 0
    for record in random.Random(0).sample(found.to_records(), 8):
        depths = record["variables"].values()
        assert (
            record["figures"]["params"] == archcalc.load("zoo:resnet18", set=record["variables"]).report.totals.params
        )
        assert record["figures"]["depth"] == 2 + 2 * sum(depths)
