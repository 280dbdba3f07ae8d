"""A published design space: RegNetX (Radosavovic et al., arXiv:2003.13678), whose widths and depths follow from four numbers."""

import math
from pathlib import Path

import pytest

import archcalc

pytest.importorskip("numpy")

SPEC = """\
input: 224x224x3
rounding: floor
defaults: {conv: {bias: false}}
vars: {w1: 32, w2: 64, w3: 160, w4: 384, d1: 1, d2: 2, d3: 7, d4: 12, g: 16}
blocks:
  body:
    vars: {width: , stride: 1}
    layers: [CONV1-$width -> BN -> RELU -> CONV3-($width)s($stride)p1g($width//$g) -> BN -> RELU -> CONV1-$width -> BN]
  stage:
    vars: {width: , depth: }
    layers:
      - add: ["CONV1-($width)s2 -> BN", [body: {width: $width, stride: 2}]]
      - RELU
      - repeat: $depth - 1
        layers: [add: [[], [body: {width: $width}]], RELU]
layers:
  - CONV3-32s2p1 -> BN -> RELU
  - stage: {width: $w1, depth: $d1}
  - stage: {width: $w2, depth: $d2}
  - stage: {width: $w3, depth: $d3}
  - stage: {width: $w4, depth: $d4}
  - GAP -> FC-1000
"""
NAMES = ("w1", "w2", "w3", "w4", "d1", "d2", "d3", "d4")


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "regnet.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def regnet(depth: int, w0: int, slope: float, factor: float, group: int) -> tuple[int, ...] | None:
    """Widths and depths of the four stages, by equations 2 to 4 of the paper; None where there are not four."""
    widths = [w0 + slope * block for block in range(depth)]
    powers = [round(math.log(one / w0) / math.log(factor)) for one in widths]
    quantised = [round(w0 * factor**one / 8) * 8 for one in powers]
    stages = sorted(set(quantised))
    if len(stages) != 4:
        return None
    compatible = [max(group, round(one / group) * group) for one in stages]
    return (*compatible, *(quantised.count(one) for one in stages))


def test_regnetx_400mf_of_the_paper_and_torchvisions(spec: str) -> None:
    """Widths 32, 64, 160, 384 have 5,157,512 parameters, the 5.16 M of the model zoo; torchvision's 400 has 5,495,976."""
    paper = regnet(22, 24, 24.48, 2.54, 16)
    assert paper == (32, 64, 160, 384, 1, 2, 7, 12)
    found = archcalc.sweep(spec, vary={"w4": [384, 400]}, figures="params,macs").result().to_records()
    assert [(one["variables"]["w4"], one["figures"]["params"]) for one in found] == [(384, 5_157_512), (400, 5_495_976)]
    assert 395e6 < found[0]["figures"]["macs"] < 405e6


def test_the_space_sampled_at_360_to_400_million_macs(spec: str) -> None:
    models = {
        made
        for depth in (13, 22)
        for w0 in (24, 32, 48)
        for slope in (16.0, 24.5, 36.0)
        for factor in (2.2, 2.54)
        if (made := regnet(depth, w0, slope, factor, 16))
    }
    points = sorted(models)
    found = archcalc.sweep(spec, vary={NAMES: points}, where="360M <= macs <= 400M", best="params", top=100).result()
    assert found.tally.networks == len(points) > 10
    inside = []
    for one in points:
        totals = archcalc.load(spec, set=dict(zip(NAMES, one, strict=True))).report.totals
        if 360e6 <= totals.macs <= 400e6:
            inside.append((totals.params, one))
    records = [(one["figures"]["params"], tuple(one["variables"].values())) for one in found.to_records()]
    assert records == sorted(inside)
    assert records
