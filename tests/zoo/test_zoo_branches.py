"""The zoo's branched networks: published figures, sizes, names and receptive fields."""

from pathlib import Path

import pytest

import archcalc
from archcalc.language.specfile import zoo_path

FIGURES = {  # input, parameters, MACs
    "googlenet": ("224x224x3", 6_624_904, 1_498_376_192),
    # counted once with PyTorch, too: at the 224 of the paper, and at 227, whose figure is the one often quoted
    "googlenet_bvlc": ("224x224x3", 6_998_552, 1_582_671_872),
    "googlenet_bvlc at 227": ("227x227x3", 6_998_552, 1_599_884_032),
    "inception_v3": ("299x299x3", 23_834_568, 5_713_216_096),
    "inception_v4": ("299x299x3", 42_679_816, 12_253_974_624),
    "resnet18": ("224x224x3", 11_689_512, 1_814_073_344),
    "resnet34": ("224x224x3", 21_797_672, 3_663_761_408),
    "resnet50": ("224x224x3", 25_557_032, 4_089_184_256),
    "resnet101": ("224x224x3", 44_549_160, 7_801_405_440),
    "resnet152": ("224x224x3", 60_192_808, 11_513_626_624),
    "squeezenet1_0": ("224x224x3", 1_248_424, 818_924_576),
    "squeezenet1_1": ("224x224x3", 1_235_496, 349_151_936),
    "mobilenet_v1": ("224x224x3", 4_231_976, 568_740_352),
    "mobilenet_v2": ("224x224x3", 3_504_872, 300_774_272),
    "densenet121": ("224x224x3", 7_978_856, 2_834_161_664),
    # 31,030,658 is the published count of the original with 2 classes; MACs by hand, test_unet below
    "unet": ("572x572x1", 31_030_658, 150_428_424_448),
}

BEFORE_THE_CLASSIFIER = {  # the last volume that is still an image
    "googlenet": (7, 7, 1024),
    "googlenet_bvlc": (7, 7, 1024),
    "inception_v3": (8, 8, 2048),
    "inception_v4": (8, 8, 1536),
    "resnet18": (7, 7, 512),
    "resnet152": (7, 7, 2048),
    "squeezenet1_0": (13, 13, 1000),
    "squeezenet1_1": (13, 13, 1000),
    "mobilenet_v1": (7, 7, 1024),
    "mobilenet_v2": (7, 7, 1280),
    "densenet121": (7, 7, 1024),
}

LINES = {"resnet50": 40, "googlenet": 60, "densenet121": 40}


@pytest.mark.parametrize("case", FIGURES)
def test_parameters_and_macs(case: str) -> None:
    input, params, macs = FIGURES[case]
    report = archcalc.load("zoo:" + case.partition(" ")[0], input=input).analyze()
    assert (report.totals.params, report.totals.macs) == (params, macs)


@pytest.mark.parametrize("name", [name for name in FIGURES if " " not in name])
def test_the_spec_has_that_input(name: str) -> None:
    volume = archcalc.load(f"zoo:{name}").analyze().input
    assert "x".join(map(str, volume)) == FIGURES[name][0]


@pytest.mark.parametrize("name", BEFORE_THE_CLASSIFIER)
def test_the_last_image(name: str) -> None:
    rows = archcalc.load(f"zoo:{name}").analyze().rows
    assert [row.output for row in rows if row.output.width > 1][-1] == BEFORE_THE_CLASSIFIER[name]


@pytest.mark.parametrize("name", LINES)
def test_a_network_is_written_in_a_screenful(name: str) -> None:
    with open(zoo_path(name), encoding="utf-8") as file:
        assert len(file.readlines()) <= LINES[name]


@pytest.mark.parametrize(
    ("name", "layer", "size", "jump"),
    [
        # Araujo, Norris and Sim, Distill 2019, table; Inception-v3's reads its pools as valid, as here
        ("inception_v3", "c2.concat1", 1311, 32),
        ("mobilenet_v1", "separable13.relu2", 315, 32),
    ],
)
def test_published_receptive_fields(name: str, layer: str, size: int, jump: int) -> None:
    report = archcalc.load(f"zoo:{name}").analyze()
    (row,) = (row for row in report.rows if row.node.name == layer)
    field = row.receptive_field.width
    assert field is not None
    assert (field.size, field.jump) == (size, jump)


def test_the_receptive_field_of_the_first_resnet50(tmp_path: Path) -> None:
    """The paper's network, "v1", has the stride in the first 1x1 convolution; 483 is Distill's figure for that."""
    with open(zoo_path("resnet50"), encoding="utf-8") as file:
        text = file.read()
    now = "CONV1-$width -> BN -> RELU -> CONV3-($width)s($stride)p1"
    then = "CONV1-($width)s($stride) -> BN -> RELU -> CONV3-($width)p1"
    assert text.count(now) == 1
    (tmp_path / "v1.yaml").write_text(text.replace(now, then))
    for path, size in (("zoo:resnet50", 427), (tmp_path / "v1.yaml", 483)):
        row = archcalc.load(path).analyze().rows[-3]
        field = row.receptive_field.width
        assert field is not None
        assert (row.node.name, field.size, field.jump) == ("conv5.bottleneck3.relu3", size, 32)


def test_names_say_where_a_layer_stands() -> None:
    names = [node.name for node in archcalc.load("zoo:resnet50").graph.nodes]
    assert names[:5] == ["input", "conv1", "bn1", "relu1", "pool1"]
    assert names[5:8] == ["conv2.bottleneck1.conv1", "conv2.bottleneck1.bn1", "conv2.bottleneck1.relu1"]
    assert "conv3.bottleneck4.conv3" in names
    assert len(set(names)) == len(names)


def test_unet() -> None:
    report = archcalc.load("zoo:unet").analyze()
    widths = [row.output.width for row in report.rows]
    assert list(dict.fromkeys(widths)) == [572, 570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28, 56, 54,
                                           52, 104, 102, 100, 200, 198, 196, 392, 390, 388]  # fmt: skip
    macs = 0
    for width, inside, outside in [
        *((570, 1, 64), (568, 64, 64), (282, 64, 128), (280, 128, 128), (138, 128, 256), (136, 256, 256)),
        *((66, 256, 512), (64, 512, 512), (30, 512, 1024), (28, 1024, 1024), (54, 1024, 512), (52, 512, 512)),
        *((102, 512, 256), (100, 256, 256), (198, 256, 128), (196, 128, 128), (390, 128, 64), (388, 64, 64)),
    ]:
        macs += width * width * 9 * inside * outside
    for width, inside in ((28, 1024), (52, 512), (100, 256), (196, 128)):
        macs += width * width * 4 * inside * inside // 2
    assert report.totals.macs == macs + 388 * 388 * 64 * 2
    field = report.rows[-1].receptive_field.width
    assert field is not None
    assert field.jump == 1
