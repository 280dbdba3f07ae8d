"""Darknet's cfg files: its geometry by its own formulas, its files' published figures, and every message."""

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.analysis.analyze import Report, analyze
from archcalc.diagnostics import headline
from archcalc.interop import darknet
from archcalc.interop.reading import Reading
from archcalc.layers import TYPES
from archcalc.layers.reshape import Input
from archcalc.volume import Volume

MODELS = Path(__file__).parents[3] / "shared" / "models" / "darknet"
NET = "[net]\nwidth=32\nheight=24\nchannels=3\n"
RECURRENT = {"pjr_gru", "pjr_rnn", "pjr_rnn.train"}


def read(text: str, input: Volume | None = None) -> Reading:
    return darknet.read(text.encode(), "net.cfg", input=input)


def shapes(text: str) -> dict[str, str]:
    found = read(text)
    assert found.problems == ()
    report = analyze(found.graph)
    assert report.problems == ()
    return {row.node.name: str(row.output) for row in report.rows}


def outputs(reading: Reading, report: Report) -> list[str]:
    return [str(report.rows[one].output) for one in reading.graph.results()]


def messages(text: str) -> list[str]:
    return [headline("net.cfg", one) for one in read(text).problems]


def test_a_network_is_read() -> None:
    text = (
        NET
        + "[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3\nstride=1\npad=1\nactivation=leaky\n"
        + "[maxpool]\nsize=2\nstride=2\n[conv]\nfilters=4\n[avgpool]\n[connected]\noutput=10\nactivation=linear\n"
        + "[softmax]\n[cost]\n"
    )
    assert shapes(text) == {
        "input": "[32x24x3]",
        "conv0": "[32x24x8]",
        "conv0.bn": "[32x24x8]",
        "conv0.leaky": "[32x24x8]",
        "pool1": "[16x12x8]",
        "conv2": "[16x12x4]",
        "conv2.logistic": "[16x12x4]",  # the default
        "gap3": "[1x1x4]",
        "fc4": "[1x1x10]",
        "softmax5": "[1x1x10]",
    }
    report = analyze(read(text).graph)
    assert report.totals.params == 8 * 3 * 9 + 2 * 8 + 4 * 8 + 4 + 10 * 4 + 10
    assert report.totals.buffers == 2 * 8


def test_the_size_of_the_input_may_be_another() -> None:
    found = read(NET + "[maxpool]\nsize=2\nstride=2\n", Volume(8, 6, 5))
    assert str(analyze(found.graph).output) == "[4x3x5]"
    vector = read("[net]\ninputs=256\n[connected]\noutput=3\n")
    assert str(analyze(vector.graph).input) == "[1x1x256]"


def test_routes_shortcuts_and_heads() -> None:
    """Several heads are several outputs; a route of one layer is that layer, and a head's route counts it."""
    text = (
        NET
        + "[conv]\nfilters=8\nsize=3\npad=1\nstride=2\nactivation=relu\n"  # 0: 16x12x8
        + "[conv]\nfilters=8\nactivation=linear\n"  # 1
        + "[shortcut]\nfrom=-2\nactivation=linear\n"  # 2
        + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"  # 3: 16x12x4
        + "[yolo]\n"  # 4
        + "[route]\nlayers = -2, 0\n"  # 5: 4 + 8 channels
        + "[upsample]\nstride=2\n"  # 6
        + "[route]\nlayers=5\n"  # 7
        + "[region]\n"  # 8
    )
    found = read(text)
    report = analyze(found.graph)
    assert [one.name for one in found.graph.nodes] == [
        *("input", "conv0", "conv0.relu", "conv1", "shortcut2", "route3", "route5", "upsample6")
    ]
    assert outputs(found, report) == ["[16x12x4]", "[16x12x12]"]
    assert [found.graph.nodes[one].name for one in found.graph.nodes[4].inputs] == ["conv1", "conv0.relu"]
    assert found.graph.nodes[5].layer == TYPES["split"](parts=2, part=2)


def test_a_shortcut_of_a_larger_layer_takes_every_second_pixel() -> None:
    text = (
        NET
        + "[conv]\nfilters=8\nactivation=linear\n[conv]\nfilters=8\nstride=2\nactivation=linear\n[shortcut]\nfrom=0\n"
    )
    assert shapes(text)["shortcut2.step"] == "[16x12x8]"
    assert shapes(text)["shortcut2"] == "[16x12x8]"


def test_layers_may_share_weights() -> None:
    text = NET + "[conv]\nfilters=3\nsize=3\npad=1\nactivation=linear\n" * 2 + "share_index=0\n"
    found = read(text)
    assert [one.shares for one in found.graph.nodes] == [None, None, 1]
    assert messages(text.replace("share_index=0", "share_index=7")) == [
        "net.cfg:15:1: error[AC705]: conv1 shares the weights of layer 7, which is no convolution before it"
    ]


@given(
    extent=st.integers(1, 40), size=st.integers(1, 7), stride=st.integers(1, 4), padding=st.none() | st.integers(0, 12)
)
def test_max_pools_lie_where_darknet_has_them(extent: int, size: int, stride: int, padding: int | None) -> None:
    """make_maxpool_layer: out_w = (w + padding - size)/stride + 1; forward_maxpool_layer: offset -padding/2."""
    text = f"[net]\nwidth={extent}\nheight={extent}\nchannels=1\n[maxpool]\nsize={size}\nstride={stride}\n"
    found = read(text if padding is None else f"{text}padding={padding}\n")
    total = size - 1 if padding is None else padding
    report = analyze(found.graph)
    if total - total // 2 >= size:  # a window of nothing but padding
        assert [one.code for one in found.problems] == ["AC206"]
    elif extent + total < size:
        assert [one.code for one in report.problems] == ["AC202"]
    else:
        assert report.output == Volume((extent + total - size) // stride + 1, (extent + total - size) // stride + 1, 1)
        assert found.graph.nodes[1].layer.windows(Volume(extent, extent, 1))[0].before == total // 2  # type: ignore[index, union-attr]


@given(
    extent=st.integers(1, 40),
    size=st.integers(1, 7),
    stride=st.integers(1, 4),
    pad=st.booleans(),
    padding=st.integers(0, 4),
)
def test_convolutions_pad_half_their_size(extent: int, size: int, stride: int, pad: bool, padding: int) -> None:
    """parse_convolutional: if(pad) padding = size/2; out_w = (w + 2*padding - size)/stride + 1."""
    options = f"size={size}\nstride={stride}\npad={int(pad)}\npadding={padding}\nactivation=linear\n"
    found = read(f"[net]\nwidth={extent}\nheight=9\nchannels=2\n[convolutional]\nfilters=3\n{options}")
    total = 2 * (size // 2 if pad else padding)
    report = analyze(found.graph)
    if min(extent, 9) + total < size:
        assert [one.code for one in report.problems] == ["AC202"]
    else:
        out = Volume((extent + total - size) // stride + 1, (9 + total - size) // stride + 1, 3)
        assert report.output == out
        assert report.totals.macs == size * size * 2 * 3 * out.width * out.height


def test_the_first_of_two_equal_keys_counts() -> None:
    assert shapes(NET + "[conv]\nfilters=5\nfilters=7\n")["conv0"] == "[32x24x5]"


def test_spaces_and_comments_count_nowhere() -> None:
    text = "# a comment\r\n ; another\n[net]\r\nwid th = 3 2\nheight=24\nchannels = 3 # colours\n\n[conv]\n fil ters = 1 6\n"
    assert shapes(text)["conv0"] == "[32x24x16]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[conv]\nfilters=8\n", ["2:1: error[AC701]: the first section is [net], not [conv]"]),
        ("[net]\n[conv]\n", ["1:1: error[AC706]: [net] gives no width, height and channels; give a size, like --input 416x416x3"]),
        (NET + "[conv]\nfilters\n", ["6:1: error[AC701]: `filters` is no `key=value`"]),
        (NET + "[conv]\nfilters=many\n", ["6:1: error[AC707]: filters is `many`, which is no whole number"]),
        (NET + "[conv]\nfilters=0\n", ["6:1: error[AC707]: conv0: filters cannot be 0; it is a whole number from 1"]),
        (NET + "[conv]\nfilters=" + "9" * 19, [f"6:1: error[AC707]: filters is `{'9' * 19}`, which is no whole number"]),
        (NET + "[dropout]\nprobability=x\n", ["6:1: error[AC707]: probability is `x`, which is no number"]),
        (NET + "[route]\nlayers=-1\n", ["6:1: error[AC705]: layer 0 reads layer -1, which does not stand before it"]),
        (NET + "[route]\n", ["5:1: error[AC707]: route needs `layers`, whole numbers with commas between them"]),
        (NET + "[rnn]\n[gru]\n[rnn]\n", ["5:1: error[AC703]: operators that are not known: `rnn (recurrent)` (2), `gru (recurrent)` (1)"]),
        (NET + "[conv]\nactivation=stair\n", ["6:1: error[AC703]: operators that are not known: `activation=stair` (1)"]),
        (NET + "[conv]\nfilters=4\ngroups=2\n", []),
        (NET + "[upsample]\nscale=2\n", ["6:1: error[AC704]: upsample0: values that are scaled while they are copied"]),
    ],
)  # fmt: skip
def test_messages(text: str, expected: list[str]) -> None:
    found = messages(text if text.startswith("[net") else "\n" + text)
    assert found == [f"net.cfg:{one}" for one in expected]


def test_what_is_recognised() -> None:
    assert darknet.recognises(b"\xef\xbb\xbf# hello\n\n [net]\nx=1\n[convolutional]\n", "x.txt")
    assert not darknet.recognises(b"[net]\nx=1\n", "yolo.cfg")
    assert not darknet.recognises(b"[tool]\n[net]\n[convolutional]\n", "yolo.cfg")


def test_a_file_too_large_is_refused() -> None:
    assert archcalc_code(b"[net]\n" + b"#" * (1 << 20)) == "AC702"
    assert archcalc_code(b"[net]\n" + b"x\n" * 101) == "AC702"


def archcalc_code(data: bytes) -> str:
    from archcalc.diagnostics import Refusal

    with pytest.raises(Refusal) as caught:
        darknet.read(data, "x.cfg")
    return caught.value.diagnostic.code


class Figures(NamedTuple):
    """What https://pjreddie.com/darknet/ publishes: billions of operations, and the weights file in bytes where known."""

    billions: float
    size: int = 0
    input: Volume | None = None


PUBLISHED = {
    "alexnet": Figures(2.27),
    "darknet": Figures(0.96),
    "vgg-16": Figures(30.94),
    "extraction": Figures(8.52),
    "darknet19": Figures(7.29),
    "darknet19_448": Figures(22.33),
    "darknet53": Figures(18.57),
    "darknet53_448": Figures(56.87),
    "densenet201": Figures(10.85),
    "resnet50": Figures(9.74),
    "resnet101": Figures(19.70),
    "resnet152": Figures(29.39),
    "resnext50": Figures(10.11),
    "yolov2": Figures(62.94),
    "yolov2-tiny": Figures(5.41),
    "yolov3": Figures(65.86, 248_007_048, Volume(416, 416, 3)),
    "yolov3-tiny": Figures(5.56, 35_434_956),
    "yolov3-spp": Figures(141.45),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures(name: str) -> None:
    path = MODELS / f"pjr_{name}.cfg"
    if not path.exists():
        pytest.skip("the file is not here")
    billions, size, input = PUBLISHED[name]
    found = darknet.read(path.read_bytes(), str(path), input=input)
    assert found.problems == ()
    report = analyze(found.graph)
    assert report.complete
    assert abs(2 * report.totals.macs / 1e9 - billions) < 0.01
    if size:
        assert 20 + 4 * (report.totals.params + report.totals.buffers) == size


def floats(text: str) -> int:
    """The values of a weights file, from the cfg alone by Darknet's formulas for channels and sizes, in 30 lines."""
    sections: list[dict[str, str]] = []
    for line in text.splitlines():
        line = "".join(line.split())
        if line.startswith("["):
            sections.append({"": line.strip("[]")})
        elif line and line[0] not in "#;":
            sections[-1].setdefault(*line.split("=", 1))
    w, h, c = (int(sections[0][key]) for key in ("width", "height", "channels"))
    layers: list[tuple[int, int, int]] = []
    total = 0
    for one in sections[1:]:
        kind, size, stride = one[""], int(one.get("size", 1)), int(one.get("stride", 1))
        if kind in ("convolutional", "local"):
            n = int(one["filters"])
            pad = size // 2 if one.get("pad", "0") != "0" else int(one.get("padding", 0))
            w, h = (w + 2 * pad - size) // stride + 1, (h + 2 * pad - size) // stride + 1
            places = w * h if kind == "local" else 1
            total += (n * (c // int(one.get("groups", 1))) * size * size + n) * places
            total += 3 * n * (one.get("batch_normalize", "0") == "1")
            c = n
        elif kind == "connected":
            n = int(one["output"])
            total += n * w * h * c + n + 3 * n * (one.get("batch_normalize", "0") == "1")
            w, h, c = 1, 1, n
        elif kind == "maxpool":
            size = int(one.get("size", stride))
            pad = int(one.get("padding", size - 1))
            w, h = (w + pad - size) // stride + 1, (h + pad - size) // stride + 1
        elif kind == "avgpool":
            w = h = 1
        elif kind == "upsample":
            w, h = w * stride, h * stride
        elif kind == "reorg":
            w, h, c = w // stride, h // stride, c * stride * stride
        elif kind == "crop":
            w, h = int(one["crop_width"]), int(one["crop_height"])
        elif kind == "route":
            read = [layers[int(n) if int(n) >= 0 else len(layers) + int(n)] for n in one["layers"].split(",")]
            w, h, c = *read[0][:2], sum(part[2] for part in read)
        layers.append((w, h, c))
    return total


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.cfg")), ids=lambda path: path.stem)
def test_real_files(path: Path) -> None:
    data = path.read_bytes()
    assert darknet.recognises(data, path.name)
    found = darknet.read(data, str(path))
    report = analyze(found.graph)
    if path.stem in RECURRENT:
        assert [one.code for one in found.problems] == ["AC703"]
        assert "(recurrent)" in found.problems[0].message
        return
    assert all(one.severity == "info" for one in found.problems)
    assert report.complete
    assert isinstance(found.graph.nodes[0].layer, Input)
    assert report.totals.params + report.totals.buffers == floats(data.decode())
    heads = data.count(b"\n[yolo]") + data.count(b"\n[region]") + data.count(b"\n[detection]")
    assert len(found.graph.results()) == max(1, heads)
