"""The picture of the volumes: nesting, repetitions, scale; what is read back from the SVG, by a parser of its own."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import pairwise

import pictures
import pytest
from conftest import Golden
from hypothesis import given
from hypothesis import strategies as st
from networks import Group, Network, dump, layers, networks, read, written_out

import archcalc
from archcalc.analysis.analyze import Report
from archcalc.formats import Look
from archcalc.formats.drawing import picture
from archcalc.formats.drawing.boxes import Box, drawn
from archcalc.formats.drawing.markup import text
from archcalc.formats.drawing.nesting import Columns, Item, Lanes, Part, Series, flat, nest
from archcalc.formats.drawing.picture import draw
from archcalc.formats.drawing.repeats import folded, shown_by
from archcalc.formats.report import svg

ZOO = [
    "vgg16",
    "resnet50",
    "googlenet",
    "densenet121",
    "unet",
    "yolov3",
    "siamese",
    "retinanet_resnet50_fpn",
    "ssd300_vgg16",
]


def report_of(spec: str) -> Report:
    return archcalc.load(spec).analyze()


# -- boxes -------------------------------------------------------------------------------------------


def test_layers_that_keep_a_volume_are_in_the_box_of_the_layer_that_makes_it() -> None:
    found = drawn(report_of("INPUT[8x8x3] -> CONV3-4p1 -> BN -> RELU -> POOL3s1p1 -> LRN -> FC-10 -> SOFTMAX"))
    assert [[row.node.name for row in box.rows] for box in found] == [
        ["input"],
        ["conv1", "bn1", "relu1"],
        ["pool1", "lrn1"],
        ["fc1", "softmax1"],
    ]
    assert [box.family for box in found] == ["input", "conv", "pool", "fc"]
    assert found[1].what == "conv1 CONV3-4 + BN + RELU: [8x8x4]"


def test_what_others_read_in_between_has_a_box_of_its_own() -> None:
    spec = "input: 8x8x3\nlayers: [CONV3-4p1, BN, RELU, {add: {inputs: [bn1, relu1]}}]\n"
    found = drawn(read(spec).report)
    assert [[row.node.name for row in box.rows] for box in found] == [["input"], ["conv1", "bn1"], ["relu1"], ["add1"]]
    assert [(box.inputs, box.readers) for box in found] == [((), (1,)), ((0,), (2, 3)), ((1,), (3,)), ((1, 2), ())]


def test_an_output_ends_its_box() -> None:
    spec = "input: 8x8x3\noutputs: [conv1, fc1]\nlayers: [CONV3-4p1, RELU, FC-2]\n"
    assert [[row.node.name for row in box.rows] for box in drawn(read(spec).report)] == [
        ["input"],
        ["conv1"],
        ["relu1"],
        ["fc1"],
    ]


@pytest.mark.parametrize(
    ("layer", "family"),
    [
        ("CONV3-4", "conv"), ("DWCONV3", "conv"), ("DECONV2-4s2", "conv"), ("POOL2", "pool"), ("AVGPOOL2", "pool"),
        ("GAP", "pool"), ("FC-3", "fc"), ("UPSAMPLE2", "other"), ("{crop: {cropping: 1}}", "other"), ("FLATTEN", "other"),
    ],
)  # fmt: skip
def test_families(layer: str, family: str) -> None:
    assert drawn(read(f"input: 8x8x4\nlayers: [{layer}]\n").report)[-1].family == family


# -- nesting -----------------------------------------------------------------------------------------


def shape(part: Part | Item) -> str:
    """A part in short: `a b (c | d e) f`, columns as `<a, b; c>`."""
    if isinstance(part, Box):
        return part.row.node.name
    if isinstance(part, Series):
        return " ".join(map(shape, part.items))
    if isinstance(part, Lanes):
        return f"({' | '.join(map(shape, part.lanes))})"
    return f"<{'; '.join(', '.join(map(shape, column)) for column in part.columns)}>"


NESTED = [
    ("[CONV1-4]", "input conv1"),
    ("[{add: [[], [CONV1-3, CONV1-3]]}]", "input conv1 conv2 add1"),  # a skip is no lane
    ("[{add: [[CONV1-4], [CONV1-4, CONV1-4]]}, GAP]", "input (conv1 | conv2 conv3) add1 gap1"),
    ("[{add: [[], [CONV1-3], [CONV1-3]]}]", "input (conv1 | conv2) add1"),
    (
        "[{concat: [[CONV1-4], [CONV1-5, {add: [[CONV1-4], [CONV1-4]]}]]}]",
        "input (conv1 | conv2 (conv3 | conv4) add1) concat1",
    ),
    # long skips: a U
    (
        "[CONV1-4, POOL2, CONV1-4, UPSAMPLE2, {concat: {inputs: [upsample1, conv1]}}]",
        "input conv1 pool1 conv2 upsample1 concat1",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "expected"), NESTED)
def test_lanes_are_the_branches_of_the_spec(layers: str, expected: str) -> None:
    found = read(f"input: 8x8x3\nlayers: {layers}\n")
    assert not found.report.problems
    assert shape(nest(drawn(found.report))) == expected


def test_several_inputs_and_outputs_are_lanes() -> None:
    spec = """
inputs: {a: 8x8x3, b: 8x8x3}
outputs: [left, right]
layers:
  - conv: {name: one, filters: 4, kernel_size: 1, from: a}
  - conv: {name: two, filters: 4, kernel_size: 1, from: b}
  - add: {name: both, inputs: [one, two]}
  - conv: {name: left, filters: 4, kernel_size: 1, from: both}
  - conv: {name: right, filters: 4, kernel_size: 1, from: both}
"""
    assert shape(nest(drawn(read(spec).report))) == "(a one | b two) both (left | right)"


def test_what_does_not_nest_stands_in_columns() -> None:
    spec = """
input: 8x8x3
outputs: [x, y]
layers:
  - conv: {name: a, filters: 3, kernel_size: 1, from: input}
  - conv: {name: b, filters: 3, kernel_size: 1, from: input}
  - add: {name: x, inputs: [a, b]}
  - add: {name: y, inputs: [b, input]}
"""
    assert shape(nest(drawn(read(spec).report))) == "input <a, b; x, y>"


def test_two_networks_that_do_not_touch_are_lanes() -> None:
    spec = """
inputs: {a: 8x8x3, b: 4x4x3}
outputs: [x, y]
layers:
  - conv: {name: x, filters: 3, kernel_size: 1, from: a}
  - conv: {name: y, filters: 3, kernel_size: 1, from: b}
"""
    assert shape(nest(drawn(read(spec).report))) == "(a x | b y)"


# -- repetitions -------------------------------------------------------------------------------------


def times(spec: str) -> list[str]:
    return re.findall(r">\u00d7 ([\d,]+)<", draw(report_of(spec)).svg)


def test_repeated_blocks_are_drawn_once() -> None:
    """ResNet-50 has stages of 3, 4, 6 and 3 blocks, the first of each with a projection (He et al., 2015, table 1)."""
    assert times("zoo:resnet50") == ["2", "3", "5", "2"]
    assert times("zoo:resnet152") == ["2", "7", "35", "2"]
    assert times("zoo:inception_v4") == ["4", "7", "3"]
    assert times("zoo:vgg16") == []
    assert times("INPUT[8x8x3] -> CONV3-4p1 -> [CONV3-4p1 -> RELU]*1200") == ["1,200"]


@pytest.mark.parametrize("spec", ZOO)
def test_every_layer_is_drawn_once_or_in_a_fold(spec: str) -> None:
    check_layers(report_of(f"zoo:{spec}"))


repetitive = st.lists(
    st.builds(Group, st.integers(1, 9), st.lists(layers, min_size=1, max_size=3).map(tuple)), max_size=4
)
branched = st.recursive(
    st.sampled_from(["CONV1-4", "CONV3-4p1", "POOL3s1p1", "BN", "RELU"]),
    lambda inner: st.builds(
        lambda join, branches, times: {"repeat": str(times), "layers": [{join: [list(one) for one in branches]}]},
        st.sampled_from(["add", "multiply"]),
        st.lists(st.lists(inner, max_size=3), min_size=2, max_size=3),
        st.integers(1, 6),
    ),
    max_leaves=8,
)


def networks_with_branches(items: list[object]) -> Report:
    return read(dump({"input": "16x16x4", "layers": ["CONV1-4", *items]})).report


@given(st.one_of(repetitive.map(tuple), networks))
def test_random_networks_are_drawn(network: Network) -> None:
    found = read(dump({"input": "64x64x4", "rounding": "floor", "layers": written_out(network)})).report
    if found.rows:
        check_layers(found)
        check_picture(draw(found).svg)


@given(st.lists(branched, min_size=1, max_size=4))
def test_random_branches_are_drawn(items: list[object]) -> None:
    found = networks_with_branches(items)
    check_layers(found)
    check_picture(draw(found).svg)


graphs = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True), min_size=1, max_size=14)


@given(graphs)
def test_random_graphs_are_drawn(steps: list[list[int]]) -> None:
    """Each layer reads some of those a few places before it: most of these do not nest."""
    layers = []
    for number, back in enumerate(steps, 1):
        reads = sorted({max(0, number - one) for one in back})
        names = [f"n{one}" if one else "input" for one in reads]
        layers.append(
            f"  - add: {{name: n{number}, inputs: [{', '.join(names)}]}}"
            if len(names) > 1
            else f"  - conv: {{name: n{number}, filters: 3, kernel_size: 1, from: {names[0]}}}"
        )
    found = read("input: 8x8x3\nlayers:\n" + "\n".join(layers) + "\n").report
    assert found.complete
    check_layers(found)
    check_picture(draw(found).svg)


def check_layers(report: Report) -> None:
    """All rows are in boxes, all boxes in the nest once, and each is drawn or repeats one that is and does the same."""
    found = drawn(report)
    assert sorted(row.position for box in found for row in box.rows) == [row.position for row in report.rows]
    nested = nest(found)
    assert sorted(box.number for box in flat(nested)) == [box.number for box in found]
    shown = shown_by(folded(nested))
    assert sorted(shown) == [box.number for box in found]
    for number, box in shown.items():
        assert (box.volume, box.label) == (found[number].volume, found[number].label)
        assert shown[box.number] is box
    titles = [one.text or "" for one in ET.fromstring(draw(report).svg).iter(f"{SVG}title")]
    assert sorted(titles[1:]) == sorted({box.number: box.what for box in shown.values()}.values())


def test_boxes_of_a_series_follow_each_other() -> None:
    found = nest(drawn(report_of("zoo:resnet50_fpn")))
    assert any(isinstance(item, Columns) for item in found.items)
    for part in series_of(found):
        for one, other in pairwise(part.items):
            if isinstance(one, Box) and isinstance(other, Box):
                assert one.number in other.inputs


def series_of(part: Part | Item) -> Iterator[Series]:
    if isinstance(part, Series):
        yield part
        inner: tuple[Part | Item, ...] = part.items
    elif isinstance(part, Lanes):
        inner = part.lanes
    else:
        inner = tuple(one for column in part.columns for one in column) if isinstance(part, Columns) else ()
    for one in inner:
        yield from series_of(one)


# -- the picture -------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]


def points(path: str) -> Iterator[Point]:
    """Where a path goes, control points of its curves among it: M, L, C, and m, l, h, v, z."""
    x = y = 0.0
    for letter, rest in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        numbers = [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", rest)]
        if letter in "MLC":
            for x, y in zip(numbers[::2], numbers[1::2], strict=True):
                yield x, y
            continue
        if letter == "l":
            x, y = x + numbers[0], y + numbers[1]
        elif letter == "h":
            x += numbers[0]
        elif letter == "v":
            y += numbers[0]
        else:
            assert letter == "z", path
        yield x, y


def moved(element: ET.Element) -> Point:
    found = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform", ""))
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def parsed(drawing: str) -> ET.Element:
    """The SVG, with the shapes that several boxes share in each of them."""
    root = ET.fromstring(drawing)
    shapes = {one.get("id", ""): one for one in root.iter(f"{SVG}g") if one.get("id")}
    for group in root:
        for use in group.findall(f"{SVG}use"):
            shape = shapes[use.get("href", "").removeprefix("#")]
            group.remove(use)
            group.extend(shape)
            group.set("class", f"{group.get('class')} {shape.get('class')}")
    return root


def check_picture(drawing: str) -> None:
    """Well-formed, and nothing outside of the view."""
    root = parsed(drawing)
    x, y, wide, high = map(float, root.get("viewBox", "").split())
    assert (root.get("width"), root.get("height")) == (f"{wide:g}", f"{high:g}")

    def inside(px: float, py: float) -> None:
        assert x <= px <= x + wide, (px, py)
        assert y <= py <= y + high, (px, py)

    for element in root:
        dx, dy = moved(element)
        if element.tag == f"{SVG}path":
            for px, py in points(element.get("d", "")):
                inside(px, py)
        elif element.get("transform") == "rotate(45)":
            for label in element:
                a, b = float(label.get("x", "")), float(label.get("y", ""))
                inside((a - b) / 2**0.5, (a + b) / 2**0.5)
        elif element.tag == f"{SVG}g":
            for path in element.iter(f"{SVG}path"):
                for px, py in points(path.get("d", "")):
                    inside(px + dx, py + dy)
        elif element.tag == f"{SVG}rect":
            corner = float(element.get("x", "")), float(element.get("y", ""))
            inside(*corner)
            inside(corner[0] + float(element.get("width", "")), corner[1] + float(element.get("height", "")))
        elif element.tag == f"{SVG}text":
            inside(float(element.get("x", "")), float(element.get("y", "")))
        else:
            assert element.tag in {f"{SVG}title", f"{SVG}desc", f"{SVG}style", f"{SVG}defs"}


@pytest.mark.parametrize("spec", ZOO)
def test_nothing_is_outside_of_the_view(spec: str) -> None:
    check_picture(draw(report_of(f"zoo:{spec}")).svg)


@pytest.mark.parametrize(
    "spec", ["zoo:vgg16", "zoo:siamese", "zoo:googlenet", "INPUT[200x50x3] -> CONV3-16 -> FC-4096"]
)
def test_boxes_are_to_scale(spec: str) -> None:
    """What is measured in the picture: height by height, how far the back is by width, thickness by the root of the channels."""
    scales, roots = [], []
    for group in parsed(draw(report_of(spec)).svg).findall(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is None:
            continue
        found = re.search(r"\[(\d+)x(\d+)x(\d+)\]$", title.text or "")
        assert found
        width, height, channels = map(int, found.groups())
        top, _, front = (path.get("d", "") for path in group.iter(f"{SVG}path"))
        corners = list(points(front))
        thick, high = corners[1][0] - corners[0][0], corners[2][1] - corners[1][1]
        right = next(points(top.replace("M0 0", "")))[0]
        roots.append((thick, channels**0.5))
        scales += [(high, height), (right / 0.32, width)]
    for pairs in (scales, roots):
        scale = max(one for one, _ in pairs) / max(size for _, size in pairs)
        assert all(one == pytest.approx(scale * size, abs=0.25) for one, size in pairs)
    assert max(high for high, _ in scales) == pytest.approx(132, abs=0.25)


@pytest.mark.parametrize("spec", ["resnet18"])
def test_golden(spec: str, golden: Golden) -> None:
    golden(f"report/{spec}.svg", svg.render(report_of(f"zoo:{spec}"), Look()))


@pytest.mark.parametrize("name", pictures.VOLUMES)
def test_pictures_of_the_documentation_are_current(name: str) -> None:
    assert (pictures.PICTURES / f"{name}.svg").read_text(encoding="utf-8") == pictures.volumes(name), (
        "run python tests/pictures.py"
    )


def test_what_is_stated_least_has_a_broken_outline() -> None:
    found = read("input: 8x8x3\nlayers: [CONV3-4, {opaque: {volume: 4x4x9}}, FC-2]\n").report
    assert [one.get("class") for one in ET.fromstring(draw(found).svg).iter(f"{SVG}g") if one.get("class") and one.get("transform")] == [
        "b vi", "b vc", "b vo vq", "b vf",
    ]  # fmt: skip


def test_a_network_that_fails_is_drawn_until_there() -> None:
    found = read("INPUT[32x32x3] -> CONV3-8p1 -> POOL3s2 -> FC-10", one_line=True).report
    drawing = draw(found).svg
    check_picture(drawing)
    assert "incomplete: 2 of 4 layers; totals are of these" in drawing


def test_more_boxes_than_anybody_looks_at_are_left_out_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST", 4)
    found = draw(report_of("INPUT[8x8x3] -> CONV1-1 -> CONV1-2 -> RELU -> CONV1-3 -> CONV1-4 -> CONV1-5"))
    assert "2 more volumes are not drawn" in found.svg
    assert [*found.shown] == [0, 1, 2, 3, 4]
    check_picture(found.svg)


def test_deep_nesting_is_drawn() -> None:
    """A U of 120 levels, and dense reading: neither recursion nor time gives out."""
    down = "".join(f"  - conv: {{name: c{one}, filters: 3, kernel_size: 1}}\n" for one in range(120))
    up = "".join(
        f"  - add: {{name: a{one}, inputs: [{f'a{one + 1}' if one < 118 else 'c119'}, c{one}]}}\n"
        for one in reversed(range(119))
    )
    found = read(f"input: 4x4x3\nlayers:\n{down}{up}").report
    assert found.complete
    check_layers(found)
    dense = "".join(
        f"  - add: {{name: n{one}, inputs: [{', '.join(['input', *(f'n{other}' for other in range(1, one))])}]}}\n"
        for one in range(2, 50)
    )
    found = read(f"input: 4x4x3\nlayers:\n  - conv: {{name: n1, filters: 3, kernel_size: 1}}\n{dense}").report
    assert found.complete
    check_layers(found)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a<b>&\"'", "a&lt;b&gt;&amp;&quot;'"),
        ("\x00\x0b\ufffe\ud800", "\ufffd\ufffd\ufffd\ufffd"),
        ("tab\tline\n\U0001f600\u00d7", "tab\tline\n\U0001f600\u00d7"),
    ],
)
def test_text_is_text(given: str, shown: str) -> None:
    assert text(given) == shown
    assert ET.fromstring(f'<a b="{shown}">{shown}</a>').text == shown_as(given)


def shown_as(given: str) -> str:
    return re.sub("[\x00\x0b\ufffe\ud800]", "\ufffd", given)


def test_a_name_is_no_markup() -> None:
    found = read("name: '</title><script>alert(1)</script>'\ninput: 4x4x1\nlayers: [FC-2]\n").report
    title = ET.fromstring(draw(found).svg).find(f"{SVG}title")
    assert title is not None
    assert title.text == "</title><script>alert(1)</script>: [4x4x1] -> [1x1x2]"


def test_the_same_report_gives_the_same_picture() -> None:
    assert draw(report_of("zoo:googlenet")) == draw(report_of("zoo:googlenet"))
