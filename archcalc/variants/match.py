"""Whether two networks compute the same: a spec as the contract of a model."""

from archcalc.analysis.analyze import Report
from archcalc.variants.canonical import canonical
from archcalc.variants.diff import Comparison, compare


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
