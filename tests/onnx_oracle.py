"""What the onnx package says about a model, to compare the reader with."""

from typing import Any

import onnx

from archcalc.analysis.analyze import Report, analyze
from archcalc.interop._onnx_file import FLOATS, looks_like_onnx, read_file
from archcalc.interop.onnx import Interpretation, interpreted


def interpretation(data: bytes) -> Interpretation:
    assert looks_like_onnx(data)
    return interpreted(read_file(data), None)


def analyzed(found: Interpretation) -> Report:
    assert [one.message for one in found.reading.problems if one.severity == "error"] == []
    report = analyze(found.reading.graph)
    assert report.problems == ()
    assert report.complete
    return report


def inferred(model: Any) -> dict[str, tuple[int, ...]]:
    """The static shapes that onnx.shape_inference gives."""
    whole = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    found = {}
    for one in [*whole.graph.value_info, *whole.graph.output]:
        dims = one.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            found[one.name] = tuple(dim.dim_value for dim in dims)
    return found


def floats_by_use(model: Any) -> int:
    """The floats of the file, those that two operators use twice; a single value is a constant."""
    sizes: dict[str, int] = {}
    for one in model.graph.initializer:
        if one.data_type in FLOATS:
            sizes[one.name] = size_of(one.dims)
    for node in model.graph.node:
        if node.op_type == "Identity" and node.input[0] in sizes:
            sizes[node.output[0]] = sizes[node.input[0]]
        if node.op_type == "ConstantOfShape":  # how the light models leave out their weights
            dims = next(one for one in model.graph.initializer if one.name == node.input[0])
            sizes[node.output[0]] = size_of(onnx.numpy_helper.to_array(dims))
    used = (name for node in model.graph.node if node.op_type != "Identity" for name in node.input)
    return sum(sizes.get(name, 0) for name in used if sizes.get(name, 0) > 1)


def size_of(dims: Any) -> int:
    size = 1
    for one in dims:
        size *= int(one)
    return size


def agrees(model: Any) -> Report:
    """Every tensor's shape and the number of parameters are as the onnx package has them."""
    found = interpretation(model.SerializeToString())
    report = analyzed(found)
    expected = inferred(model)
    ours = found.network.kept_shapes
    results = {name for node in model.graph.node for name in node.output if name in expected}
    assert sorted(results - ours.keys()) == []  # no tensor goes without a shape
    both = expected.keys() & ours.keys()
    assert {name: ours[name] for name in both} == {name: expected[name] for name in both}
    totals = report.totals
    assert totals.params + totals.buffers == floats_by_use(model)
    return report
