"""Whether two networks compute the same: a spec as the contract of a model."""

from typing import TYPE_CHECKING

from archcalc.analysis.analyze import Report, analyze
from archcalc.layers.merge import Merge
from archcalc.variants.canonical import canonical
from archcalc.variants.diff import Comparison, compare

if TYPE_CHECKING:
    from archcalc.interop.torch.model import Captured
    from archcalc.interop.torch.values import Values


def match(a: Report, b: Report, *, strict: bool = False) -> Comparison:
    """What differs from `a` to `b`, both complete, apart from how they are written down.

    Makes no difference: rounding where nothing is left over, padding by name or by number, sums in sums and concats in
    concats, the order of a sum's branches, flatten before fc, average pools of the whole image, grouped or depthwise,
    names, what is in place or frozen.  `strict` also compares eps, slopes, and what is frozen.

    >>> import archcalc
    >>> a = archcalc.load("INPUT[8x8x3] -> CONV3-4psame -> RELU -> GAP -> FC-10").report
    >>> b = archcalc.load("INPUT[8x8x3] -> CONV3-4p1 -> RELU -> ADAPTIVE_AVGPOOL1 -> FLATTEN -> FC-10").report
    >>> match(a, b).equal, archcalc.compare(a, b).equal
    (True, False)
    """
    return compare(canonical(a, strict=strict).report, canonical(b, strict=strict).report)


def compare_values(spec: Report, found: "Captured") -> "Values":
    """The spec's layers with the weights of a model that it matches, executed in NumPy, against what the model computed.

    Raises ValueError where a layer is opaque, or the networks are not the same.
    """
    from archcalc.interop.torch.values import compared

    model = analyze(found.graph)
    opaque = [node.name for node in found.graph.nodes if node.layer.stated]
    if opaque:
        raise ValueError(f"values cannot be computed through what is opaque: {', '.join(opaque[:5])}")
    if not match(spec, model).equal:
        raise ValueError("values are compared of networks that match")
    layers = [node.layer for node in found.graph.nodes]
    for a, b in zip(canonical(spec).origins, canonical(model).origins, strict=True):
        ours = spec.graph.nodes[a].layer
        if ours.type == layers[b].type and not isinstance(ours, Merge):
            layers[b] = ours
    return compared(found, layers)
