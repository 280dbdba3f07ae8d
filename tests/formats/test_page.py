"""The HTML report: self-contained and small, every layer in it once, what others wrote is text, and figures that add up."""

import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from networks import Network, dump, networks, read, written_out
from runner import CliRunner

import archcalc
from archcalc.analysis.analyze import Report
from archcalc.analysis.explanation import facts
from archcalc.architecture import from_graph
from archcalc.cli import cli
from archcalc.formats import About, Look
from archcalc.formats.diff import html as diff_html
from archcalc.formats.page.names import ids
from archcalc.formats.report import html
from archcalc.graph import Graph

VOID = {"meta", "link", "br", "input"}
CLOSED = {"html", "main", "p", "tr", "td", "th", "tbody", "thead", "tfoot", "dt", "dd"}  # HTML ends these by itself


class Page(HTMLParser):
    """What a browser would find: ids, links, texts of scripts and rules, rows of the table, text by place."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.policy = ""
        self.handlers: list[str] = []
        self.inner: dict[str, list[str]] = {}
        self.rows: list[list[str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert len(given) == len(attrs), "an attribute twice"
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        self.sources += [given[name] for name in ("src", "href", "data", "action") if name in given and tag != "a"]
        self.handlers += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag in {"script", "style", "title", "h1"}:
            self.inner.setdefault(tag, []).append("")
        if tag not in VOID | CLOSED:
            self.open.append(tag)
        if tag in {"table", "section", "div"}:
            self.last = ""
        self.last = tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in CLOSED:
            assert self.open.pop() == tag
        self.last = ""

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style", "title", "h1"}:
            self.inner[self.open[-1]][-1] += data
        if self.rows and "table" in self.open and self.rows[-1]:
            self.rows[-1][-1] += data.strip("\n")


def page_of(report: Report, look: Look = Look(), about: About = About()) -> str:
    return html.render(report, look, about)


def whole(spec: str, **options: object) -> str:
    """The page of `archcalc report`, with the plan."""
    net = archcalc.load(spec)
    return page_of(net.report, about=About(spec, (), net.plan(batch=1)))


# -- one file, small, that asks for nothing ----------------------------------------------------------


@pytest.mark.parametrize(("spec", "layers", "most"), [
    ("resnet50", 175, 150_000), ("resnet152", 515, 300_000), ("inception_v4", 494, 300_000), ("densenet121", 427, 300_000), ("vgg16", 40, 50_000),
])  # fmt: skip
def test_pages_are_small(spec: str, layers: int, most: int) -> None:
    net = archcalc.load(f"zoo:{spec}")
    assert len(net.report.rows) == layers
    assert len(whole(f"zoo:{spec}").encode()) <= most


def test_the_script_is_small() -> None:
    (script,) = Page(whole("zoo:lenet5")).inner["script"]
    assert 1_000 < len(script.encode()) <= 6_000


def test_nothing_runs_but_what_the_policy_names() -> None:
    page = Page(whole("zoo:lenet5"))
    (script,), (style,) = page.inner["script"], page.inner["style"]

    def named(content: str) -> str:
        return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"

    assert page.policy == (
        f"default-src 'none';style-src {named(style)};script-src {named(script)};img-src data:;base-uri 'none';form-action 'none'"
    )
    assert page.handlers == []  # nor styles in attributes, which the policy forbids
    assert page.sources[0] == "data:,"  # no icon is asked for
    assert all(one.startswith("#:") for one in page.sources[1:])  # shapes of the picture
    assert "url(" not in style
    assert "import" not in style + script
    assert not re.search(r"\b(fetch|XMLHttpRequest|innerHTML|eval|document\.write)\b", script)


def test_the_page_is_the_same_every_time() -> None:
    assert whole("zoo:googlenet") == whole("zoo:googlenet")


# -- every layer -------------------------------------------------------------------------------------


def check_layers(report: Report, page: Page) -> None:
    """Each layer has a place and a row that leads to it; links lead somewhere; nothing is open at the end."""
    places = ids(report)
    own = [one for one in page.ids if one in set(places.values())]
    assert sorted(own) == sorted(places.values())
    assert len(set(page.ids)) == len(page.ids)
    assert {one.removeprefix("#") for one in page.links} == set(places.values())
    assert page.open == []


@pytest.mark.parametrize("spec", ["vgg16", "resnet50", "yolov3", "siamese", "ssd300_vgg16", "unet"])
def test_every_layer_has_a_place_and_a_row(spec: str) -> None:
    report = archcalc.load(f"zoo:{spec}").report
    page = Page(whole(f"zoo:{spec}"))
    check_layers(report, page)
    shown = {row[0] for row in page.rows}
    assert {row.node.name for row in report.rows} <= shown


@given(networks)
def test_random_networks_have_pages(network: Network) -> None:
    found = read(dump({"input": "64x64x4", "rounding": "floor", "layers": written_out(network)})).report
    if found.rows:
        check_layers(found, Page(page_of(found)))


def test_layers_say_what_explain_says() -> None:
    report = archcalc.load("zoo:alexnet").report
    page = page_of(report)
    (section,) = re.findall(r"<section[^>]*>\n<h3 id=conv1>.*?</section>", page, re.DOTALL)
    conv1 = {fact.word: fact.text for fact in facts(report, report.rows[1])}
    assert conv1["width"] == "(W - F + 2P)/S + 1 = (227 - 11 + 2*0)/4 + 1 = 55; height likewise"
    for word in ("reads", "width", "parameters", "MACs", "memory", "keeps", "sees"):
        assert f"<dt>{word}<dd>{conv1[word]}" in section
    assert "<h3 id=relu1>relu1 <small>RELU" in section
    assert re.findall("<dt>read by<dd>(.*)</dl>", section) == ["pool1"]  # of lrn1, the last in the box


def test_shared_weights_count_where_they_are() -> None:
    page = page_of(archcalc.load("zoo:siamese").report)
    assert "<dt>parameters<dd>as tower1.tower1.conv1, where they count" in page


def test_what_a_layer_sees_of_the_image() -> None:
    """conv1 of AlexNet sees 11x11 pixels, every 4: the 28th of 55 values begins at 27 * 4 (Krizhevsky, 2012)."""
    page = page_of(archcalc.load("zoo:alexnet").report)
    assert re.search(r'<section data-f="108 108 11 11">\n<h3 id=conv1>', page)


def test_a_hidden_layer_knows_the_box_that_shows_it() -> None:
    page = page_of(archcalc.load("zoo:resnet50").report)
    assert re.search(r"<section data-b=conv3\.bottleneck2\.conv2 [^>]*>\n<h3 id=conv3\.bottleneck4\.conv2>", page)
    assert "#conv3.bottleneck2.conv2" in Page(page).links


# -- figures -----------------------------------------------------------------------------------------


def number(cell: str) -> int:
    return int(cell.replace(",", "") or 0)


@pytest.mark.parametrize("spec", ["vgg16", "resnet50", "siamese"])
def test_the_table_adds_up(spec: str) -> None:
    net = archcalc.load(f"zoo:{spec}")
    page = Page(page_of(net.report))
    head, *rows = page.rows
    assert head == ["layer", "type", "output", "memory", "params", "MACs", "MACs%", "field"]
    total = rows.pop()
    assert total[0] == "total"
    layers = [row for row in rows if not row[1].endswith(("layers", "layer"))]
    blocks = [row for row in rows if row not in layers]
    assert len(layers) == len(net.report.rows)
    for column, whole in ((4, net.report.totals.params), (5, net.report.totals.macs)):
        assert sum(number(row[column]) for row in layers) == number(total[column]) == whole
        inside = sum(number(row[column]) for row in layers if "." in row[0])
        assert sum(number(row[column]) for row in blocks) == inside


def test_columns_are_chosen_and_sorted() -> None:
    report = archcalc.load("zoo:alexnet").report
    page = Page(page_of(report, Look(columns=("layer", "macs", "formula"), sort="macs", top=3)))
    assert page.rows[0] == ["layer", "MACs", "parameters come from"]
    assert [row[0] for row in page.rows[1:4]] == ["conv2", "conv3", "conv1"] or len(page.rows) == 5
    counts = [number(row[1]) for row in page.rows[1:4]]
    assert counts == sorted(counts, reverse=True)
    assert "--top 3 of" in page_of(report, Look(sort="macs", top=3))


def test_blocks_are_summed_up_at_a_depth() -> None:
    page = Page(page_of(archcalc.load("zoo:resnet50").report, Look(depth=1)))
    assert [row[0] for row in page.rows[1:8]] == ["input", "conv1", "bn1", "relu1", "pool1", "conv2", "conv3"]
    assert page.rows[6][1] == "32 layers"


def test_im2col_is_a_column_where_it_is_asked_for() -> None:
    page = Page(page_of(archcalc.load("zoo:alexnet").report, Look(im2col=True)))
    assert page.rows[0][-1] == "im2col"
    assert page.rows[2][-1] == "[363 x 3025]"  # 11*11*3 x 55*55, as in the CS231n notes


def test_every_layer_is_in_the_table() -> None:
    page = Page(page_of(archcalc.load("INPUT[8x8x3] -> [RELU]*600").report))
    assert len(page.rows) == 603


def test_memory_says_what_plan_says() -> None:
    net = archcalc.load("zoo:vgg16")
    plan = net.plan(batch=2, budget="2 GiB")
    assert plan.training is not None
    page = page_of(net.report, Look(batch=2), About("zoo:vgg16", (), plan))
    rows = {row[0]: row[1] for row in Page(page).rows if len(row) == 2}
    assert rows["total"] == archcalc.units.size(plan.training.total_bytes)
    assert "2.00 GiB are usable: 370.4 MiB to spare" in page or "are usable: " in page
    curve = re.search(r'<path class="a" d="([^"]+)"', page)
    assert curve
    heights = [float(one) for one in re.findall(r"V([\d.]+)", curve[1])]
    assert min(heights) >= 18


def test_a_small_budget_is_said_and_drawn() -> None:
    net = archcalc.load("zoo:vgg16")
    page = page_of(net.report, about=About("", (), net.plan(batch=1, budget="1 GiB")))
    assert "1.00 GiB are usable: " in page
    assert "too much; the largest batch is none." in page
    assert '<path class="u"' in page
    assert "budget 1.00 GiB" in page


# -- what is not there, and what is wrong ------------------------------------------------------------


def test_problems_stand_on_top_and_volumes_go_until_there(tmp_path: Path) -> None:
    out = tmp_path / "net.html"
    pattern = "INPUT[32x32x3] -> CONV3-8p1 -> POOL3s2 -> FC-10"
    command = [sys.executable, "-m", "archcalc", "report", pattern, "--format", "html", "-o", str(out)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")
    page = out.read_text(encoding="utf-8")
    problem = page.index("<b>error[AC201]</b> pool1 does not fit: output width would be 15.5")
    assert problem < page.index("<dl class=keys>") < page.index("<svg")
    assert "(W - F + 2P)/S + 1 = (32 - 3 + 2*0)/2 + 1 = 15.5" in page
    assert "incomplete: 2 of 4 layers; totals are of these" in page
    assert "<dt>layers<dd>2 of 4<small>[32x32x3] -&gt; ?</small>" in page
    assert [row[0] for row in Page(page).rows] == ["layer", "input", "conv1", "total"]


def test_what_is_not_known_is_the_least() -> None:
    report = read("input: 8x8x3\nlayers: [CONV3-4, {opaque: {volume: 4x4x9}}, FC-2]\n").report
    page = page_of(report)
    assert "<dt>parameters<dd>at least 402<small>" in page
    assert "not stated, so that sums are the least: figures of opaque1" in page
    assert Page(page).rows[-1][4] == ">= 402"


def test_one_layer_is_a_network() -> None:
    check_layers(
        read("INPUT[8x8x3] -> FC-1", one_line=True).report,
        Page(page_of(read("INPUT[8x8x3] -> FC-1", one_line=True).report)),
    )
    report = read("INPUT[1x1x1] -> RELU", one_line=True).report
    check_layers(report, Page(page_of(report)))


# -- two networks ------------------------------------------------------------------------------------


def test_a_difference_is_a_page_without_a_script() -> None:
    a, b = (archcalc.load(f"zoo:{name}").report for name in ("vgg11", "vgg13"))
    found = archcalc.compare(a, b)
    content = diff_html.render(found, ("zoo:vgg11", "zoo:vgg13"), Look())
    page = Page(content)
    assert "script" not in page.inner
    assert "script-src" not in page.policy
    assert page.handlers == page.links == page.open == []
    assert page.rows[0] == ["", "before", "after", "change"]
    assert page.rows[1][:3] == ["params", f"{a.totals.params:,}", f"{b.totals.params:,}"]
    layers = page.rows[page.rows.index(["", "layer", "what", "params", "MACs", "memory", "field"]) + 1 :]
    assert [row[1] for row in layers if row[0] == "+ added"] == [
        change.row.node.name for change in found.changes if change.status == "added"
    ]
    drawings = re.findall("<svg .*?</svg>", content, re.DOTALL)
    assert len(drawings) == 2
    assert [len(re.findall('class="b[^"]* x"', one)) for one in drawings] == [0, 2]  # VGG-13 has two more convolutions


def test_what_changed_has_an_outline_in_both() -> None:
    a, b = (archcalc.load(f"INPUT[8x8x3] -> CONV3-{k}p1 -> RELU -> FC-10").report for k in (4, 8))
    drawings = re.findall("<svg .*?</svg>", diff_html.render(archcalc.compare(a, b), ("a", "b"), Look()), re.DOTALL)
    for drawing in drawings:
        assert re.findall('class="b [^"]* x"[^>]*><title>([^<]*)', drawing)[0].startswith("conv1 ")
        assert drawing.count(' x"') == 1


def test_equal_networks_say_so() -> None:
    report = archcalc.load("zoo:lenet5").report
    assert "<p>Equal: 12 layers." in diff_html.render(archcalc.compare(report, report), ("a<b", "c"), Look())


def test_names_of_networks_are_text() -> None:
    report = archcalc.load("zoo:lenet5").report
    page = Page(diff_html.render(archcalc.compare(report, report), (NASTY, "c"), Look()))
    assert page.inner["h1"][0].startswith(NASTY)
    assert page.handlers == []


# -- what others wrote is text -----------------------------------------------------------------------

NASTY = "</style></script><script>alert(1)</script><img src=x onerror=alert(1)>\"' &amp; ]]> <!--"


def test_a_name_is_not_markup() -> None:
    report = read(f"name: '{NASTY.replace(chr(39), chr(39) * 2)}'\ninput: 4x4x1\nlayers: [FC-2]\n").report
    assert report.graph.name == NASTY
    page = Page(page_of(report, about=About(f"{NASTY}.yaml")))
    assert page.inner["h1"] == [NASTY]
    assert page.inner["title"][0] == NASTY
    assert len(page.inner["script"]) == 1
    assert page.handlers == []
    assert page.open == []


def test_a_layers_name_is_not_markup() -> None:
    """No spec can have such names; a graph built in Python can."""
    graph = archcalc.load("INPUT[8x8x3] -> CONV3-4 -> RELU -> FC-2 -> FC-3").graph
    names = ("input", NASTY, "a b", "fc", "fc")
    nodes = tuple(node._replace(name=name) for node, name in zip(graph.nodes, names, strict=True))
    report = from_graph(Graph("", nodes)).report
    assert [*ids(report).values()] == ["input", ":1", ":2", "fc", ":4"]
    page = Page(page_of(report))
    check_layers(report, page)
    assert page.handlers == []
    assert len(page.inner["script"]) == 1
    assert NASTY in {row[0] for row in page.rows}


# -- the command -------------------------------------------------------------------------------------

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(20)


def test_an_image_is_part_of_the_page(tmp_path: Path) -> None:
    image, out = tmp_path / "cat.png", tmp_path / "net.html"
    image.write_bytes(PIXEL)
    result = CliRunner().invoke(cli, ["report", "zoo:lenet5", "-f", "html", "--photo", str(image), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert f'<image href="data:image/png;base64,{b64encode(PIXEL).decode()}" width="32"' in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-f", "csv", "--photo", "x.png"], "--photo is for html, not csv"),
        (["-f", "table", "--budget", "1 GiB"], "--budget is for html, not table"),
        (["-f", "html", "--photo", "text.png"], "--photo: text.png is no PNG, JPEG, GIF or WebP image"),
        (["-f", "html", "--photo", "none.png"], "--photo: none.png: No such file or directory"),
        (
            ["-f", "html", "--photo", "large.png"],
            "--photo: large.png has more than 4 MiB; a smaller image shows as much",
        ),
        (["-f", "html", "-o", "net.yaml"], "--output: net.yaml is the spec itself; write to another file"),
    ],
)
def test_wrong_usage(options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text("input: 4x4x1\nlayers: [FC-2]\n")
    (tmp_path / "text.png").write_text("<svg onload=alert(1)>")
    (tmp_path / "large.png").write_bytes(PIXEL + bytes(4 * 2**20))
    result = CliRunner().invoke(cli, ["report", "net.yaml", *options])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: {message}"


def test_other_formats_do_not_read_the_page() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from archcalc.cli import cli\n"
        "print(CliRunner().invoke(cli, ['report', 'zoo:lenet5']).stdout)\n"
        "print([one for one in sys.modules if 'formats.page' in one or 'drawing' in one], file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "conv1" in found.stdout
    assert found.stderr.strip() == "[]"
