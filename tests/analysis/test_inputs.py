"""Which input fits: the sizes that are named, tried one by one against the whole network."""

import re

import pytest

from archcalc.architecture import examine
from archcalc.diagnostics import Diagnostic
from archcalc.language.specfile import SpecText, read_spec


def problem(text: str, input: str | None = None) -> Diagnostic:
    spec = read_spec(text) if text.startswith("zoo:") else SpecText("s", text, pattern="layers" not in text)
    (one,) = [one for one in examine(spec, input=input).diagnostics if one.severity == "error"]
    return one


def test_a_network_of_five_pools() -> None:
    """1280 divides by 32 and 720 does not: 704 = 22*32 and 736 = 23*32."""
    one = problem("INPUT[1280x720x3] -> [CONV3-32p1 -> LEAKY_RELU -> POOL2]*5 -> CONV1-8")
    assert (one.code, one.message) == ("AC201", "pool5 does not fit: output height would be 22.5")
    assert one.help[0] == "the nearest inputs for which the whole network fits are 704 and 736 high"
    assert not [line for line in one.help if "nearest heights" in line]


def test_a_u_net_of_358() -> None:
    """Four halvings: 352 = 22*16 and 368 fit exactly; rounded down, a skip meets its like at 352 and 360 of three."""
    layers = "".join(
        f"- conv: {{name: down{n}, filters: 8, kernel_size: 3, padding: 1}}\n- pool: {{kernel_size: 2}}\n"
        for n in (1, 2, 3)
    )
    layers += "".join(
        f"- deconv: {{filters: 8, kernel_size: 2, stride: 2, name: up{n}}}\n- concat: {{inputs: [up{n}, down{n}]}}\n"
        for n in (3, 2, 1)
    )
    one = problem(f"input: 358x358x3\nrounding: floor\nlayers:\n{layers}")
    assert (one.code, one.message) == ("AC301", "concat: branch 2 does not match branch 1")
    assert one.help[0] == "the nearest inputs for which the whole network fits are 352x352 and 360x360"
    assert one.notes[-1] == "the last column and row of [89x89x8] were lost in pool3, POOL2"


PATTERNS = [
    "INPUT[225x225x3] -> [CONV3-8p1 -> POOL2]*3 -> FC-10",
    "INPUT[100x60x3] -> [CONV3-8 -> POOL2]*3 -> FC-10",
    "INPUT[51x51x3] -> CONV5-8s2 -> CONV3-8s2 -> POOL2",
    "INPUT[62x64x3] -> POOL2x1 -> POOL2x1 -> CONV3-8 -> POOL3x1",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_nearer_input_fits(pattern: str) -> None:
    one = problem(pattern)
    (line,) = [line for line in one.help if line.startswith("the nearest input")]
    size = re.match(r"INPUT\[(\d+)x(\d+)", pattern)
    assert size
    width, height = map(int, size.groups())

    def fits(w: int, h: int) -> bool:
        return examine(SpecText("s", re.sub(r"\[\d+x\d+", f"[{w}x{h}", pattern, count=1), pattern=True)).ok

    named = re.findall(r"(?:are|is|and) (\d+)(?:x(\d+))?", line)
    for near in named:
        one_side = int(near[0])
        if near[1]:
            assert fits(one_side, int(near[1]))
            nearer = range(1, abs(width - one_side))
            sign = 1 if one_side > width else -1
            assert not any(fits(width + sign * n, height + sign * n) for n in nearer)
        elif line.endswith("high"):
            assert fits(width, one_side)
            assert not any(fits(width, h) for h in range(min(one_side, height) + 1, max(one_side, height)))
        else:
            assert line.endswith("wide")
            assert fits(one_side, height)
            assert not any(fits(w, height) for w in range(min(one_side, width) + 1, max(one_side, width)))


def test_nothing_is_named_where_nothing_fits_or_the_layer_reads_the_input_itself() -> None:
    assert problem("INPUT[8x8x3] -> CONV3-8 -> CONV9-8 -> CONV99-4").code == "AC202"
    assert "the nearest widths that fit are 9 (-> 4) and 11 (-> 5)" in problem("INPUT[10x10x3] -> CONV3-4s2").help
