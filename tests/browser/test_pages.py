"""Pages in a real Chromium: nothing is asked for, the console is silent, axe finds nothing, keys and a page without scripts work."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from chromium import Site, axe, start, view

import archcalc
from archcalc.architecture import examine
from archcalc.formats import About, Look
from archcalc.formats.diff import html as diff_html
from archcalc.formats.report import html
from archcalc.interop import open_source

pytestmark = pytest.mark.browser

RIGHT, LEFT, ESCAPE, ENTER, TAB = "\ue014", "\ue012", "\ue00c", "\ue007", "\ue004"  # WebDriver's names of keys


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    driver = start()
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """The driver as it was: light, 1400 pixels wide, nothing in its log."""
    chromium.get("about:blank")
    chromium.get_log("browser")
    view(chromium, 1400)
    yield chromium
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    served = Site(tmp_path)
    yield served
    served.close()


def report(spec: str, budget: str | None = None) -> str:
    net = archcalc.load(spec)
    return html.render(net.report, Look(), About(spec, (), net.plan(batch=1, budget=budget)))


def failing() -> str:
    found = examine(open_source("INPUT[32x32x3] -> CONV3-8p1 -> POOL3s2 -> FC-10"))
    return html.render(found.report, Look(), About(found.path, found.diagnostics))


def difference() -> str:
    a, b = archcalc.load("zoo:vgg11").report, archcalc.load("zoo:vgg13").report
    return diff_html.render(archcalc.compare(a, b), ("zoo:vgg11", "zoo:vgg13"), Look())


PAGES: dict[str, Callable[[], str]] = {
    "residual": lambda: report("zoo:resnet18", "300 MiB"),
    "outputs": lambda: report("zoo:yolov3"),
    "inputs": lambda: report("zoo:siamese"),
    "failing": failing,
    "diff": difference,
}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_asked_for_and_nothing_is_said(name: str, browser: Any, site: Site) -> None:
    browser.get(site.page(PAGES[name]()))
    assert browser.execute_script("return document.readyState") == "complete"
    assert site.asked == ["/net.html"]
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", [one for one in PAGES if one != "outputs"])  # 247 layers take axe minutes
def test_axe_finds_nothing(name: str, width: int, scheme: str, browser: Any, site: Site) -> None:
    script = axe()
    view(browser, width, prefers_color_scheme=scheme)
    browser.get(site.page(PAGES[name]()) + ("#conv1" if name == "failing" else "#conv2"))
    browser.set_script_timeout(600)
    browser.execute_script(script)
    found = browser.execute_async_script("axe.run().then(arguments[0])")
    assert [
        (one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in found["violations"]
    ] == []
    assert len(found["passes"]) > 15
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def selected(browser: Any) -> str:
    """The heading of the layer that is shown, as a reader sees it."""
    return str(
        browser.execute_script(
            "return [...document.querySelectorAll('.panel h3')].filter(one => one.checkVisibility() && one.matches(':target'))"
            ".map(one => one.id).join()"
        )
    )


def press(browser: Any, keys: str) -> None:
    browser.switch_to.active_element.send_keys(keys)


def test_layers_are_selected_by_keys(browser: Any, site: Site) -> None:
    browser.get(site.page(report("zoo:resnet50")))
    assert selected(browser) == ""
    for _ in range(3):  # the picture's frame, its first box, the next
        browser.find_element("css selector", "body").send_keys(TAB) if _ == 0 else press(browser, TAB)
    press(browser, ENTER)
    assert selected(browser) == "conv1"
    assert browser.execute_script("return document.querySelector('.net a.on').getAttribute('href')") == "#conv1"
    for expected in ("bn1", "relu1", "pool1", "conv2.bottleneck1.conv1"):
        press(browser, RIGHT)
        assert selected(browser) == expected
    press(browser, LEFT)
    assert selected(browser) == "pool1"
    assert browser.execute_script("return document.querySelector('tr.on th').textContent") == "pool1"
    press(browser, ESCAPE)
    assert selected(browser) == ""
    assert browser.get_log("browser") == []


def test_a_layer_is_selected_by_a_click_and_by_its_name(browser: Any, site: Site) -> None:
    address = site.page(report("zoo:alexnet"))
    browser.get(address)
    browser.execute_script(
        "document.querySelector('.net a[href=\"#conv3\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert selected(browser) == "conv3"
    browser.get("about:blank")
    browser.get(f"{address}#conv1")
    assert selected(browser) == "conv1"
    seen = "return ['x', 'y', 'width', 'height'].map(one => document.querySelector('.panel rect').getAttribute(one)).join()"
    assert browser.execute_script(seen) == "108,108,11,11"
    assert "(W - F + 2P)/S + 1 = (227 - 11 + 2*0)/4 + 1 = 55" in browser.find_element("css selector", ".panel").text


def test_a_layer_in_a_fold_marks_the_box_that_shows_it(browser: Any, site: Site) -> None:
    browser.get(site.page(report("zoo:resnet50")) + "#conv3.bottleneck4.bn2")
    assert selected(browser) == "conv3.bottleneck4.bn2"
    assert (
        browser.execute_script("return document.querySelector('.net a.on').getAttribute('href')")
        == "#conv3.bottleneck2.conv2"
    )


def names(browser: Any) -> list[str]:
    """The layers in the rows that a reader sees, in order."""
    script = "return [...document.querySelectorAll('.layers tbody tr:not(.g)')].filter(one => one.checkVisibility()).map(one => one.cells[0].textContent)"
    return list(browser.execute_script(script))


def test_the_table_is_sorted_filtered_and_folded(browser: Any, site: Site) -> None:
    net = archcalc.load("zoo:resnet50").report
    order = [row.node.name for row in net.rows]
    browser.get(site.page(report("zoo:resnet50")))
    assert names(browser) == order
    heads = browser.find_elements("css selector", ".layers thead button")
    heads[5].click()  # MACs, the largest first
    by_macs = sorted(net.rows, key=lambda row: -row.cost.macs)
    assert names(browser) == [row.node.name for row in by_macs]
    heads[5].click()
    assert names(browser)[-1] == by_macs[0].node.name
    heads[5].click()  # and as the network runs
    assert names(browser) == order
    heads[3].click()  # memory: KiB and MiB among each other
    sizes = {row.node.name: row.activations for row in net.rows}
    assert [sizes[name] for name in names(browser)] == sorted(sizes.values(), reverse=True)
    heads[0].click()
    assert names(browser) == sorted(order)
    heads[0].click()
    heads[0].click()
    box = browser.find_element("css selector", "input[type=search]")
    box.send_keys("conv1-2048")
    assert (
        names(browser)
        == [row.node.name for row in net.rows if row.node.layer.label == "CONV1-2048"]
        + [row.node.name for row in net.rows if row.node.layer.label == "CONV1-2048s2"]
        or len(names(browser)) == 4
    )
    assert browser.find_element("css selector", "[role=status]").text == "4 of 175"
    box.clear()
    box.send_keys("x" + "\ue003")
    assert names(browser) == order
    browser.find_element("css selector", ".g button").click()
    assert names(browser) == [name for name in order if not name.startswith("conv2.")]
    fold = browser.find_element("css selector", ".tools button")
    fold.click()
    fold.click()
    assert names(browser) == [name for name in order if "." not in name]
    assert browser.get_log("browser") == []


def test_pages_can_be_read_without_scripts(browser: Any, site: Site) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(site.page(report("zoo:resnet50")) + "#conv2.bottleneck1.conv2")
    root = browser.execute_cdp_cmd("DOM.getDocument", {"depth": 0})["root"]["nodeId"]

    def place(selector: str) -> dict[str, Any]:
        node = browser.execute_cdp_cmd("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        return dict(browser.execute_cdp_cmd("DOM.getBoxModel", {"nodeId": node})["model"])

    missing = import_module("selenium.common.exceptions").WebDriverException
    assert place('[id="conv2.bottleneck1.conv2"]')["height"] > 10
    assert place(".layers tbody:last-of-type tr:last-child")["height"] > 10
    assert place(".mem")["height"] > 100
    with pytest.raises(missing):  # another layer's is not shown
        place('[id="conv1"]')
    with pytest.raises(missing):  # what needs a script is not there
        place(".tools")


def test_on_paper_and_in_forced_colours(browser: Any, site: Site) -> None:
    browser.get(site.page(report("zoo:resnet50")) + "#conv1")
    shown = "return [...document.querySelectorAll('.panel, .tools')].some(one => one.checkVisibility())"
    assert browser.execute_script(shown)
    view(browser, 800, media="print", prefers_color_scheme="dark")
    assert not browser.execute_script(shown)
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.execute_script("return document.querySelector('.net').getBoundingClientRect().width") <= 800
    view(browser, 1400, forced_colors="active")
    stroke = "return getComputedStyle(document.querySelector('.net a')).stroke"
    assert browser.execute_script(stroke) != "none"
