"""A Chromium for the tests of pages, a site for it to ask, and axe-core.

`pip install '.[browser]'`, Debian's `chromium` and `chromium-driver`; tests are skipped where these are not there.
"""

import os
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
HEIGHT = 900


def start() -> Any:
    """A selenium driver that keeps the console's messages."""
    if not (find_spec("selenium") and CHROMIUM and DRIVER):
        pytest.skip("selenium, chromium and chromedriver are not all installed")
    webdriver = import_module("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


def view(driver: Any, width: int, *, media: str = "", **wishes: str) -> None:
    """Emulate a window and what its reader wishes: `prefers_color_scheme="dark"`, `forced_colors="active"`."""
    size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": name.replace("_", "-"), "value": value} for name, value in wishes.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


class Site:
    """A folder served on this machine, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *values: Any) -> None:
                asked.append(self.path)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.thread = Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def page(self, content: str) -> str:
        """The address of a page with this content."""
        (self.folder / "net.html").write_text(content, encoding="utf-8")
        return f"http://127.0.0.1:{self.server.server_port}/net.html"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def axe() -> str:
    """The script of axe-core: AXE_CORE names the file, or the package that has it is installed."""
    found = os.environ.get("AXE_CORE", "")
    spec = find_spec("axe_playwright_python")
    if not found and spec and spec.origin:
        found = os.path.join(os.path.dirname(spec.origin), "axe.min.js")
    if not found or not os.path.isfile(found):
        pytest.skip("axe-core is not installed")
    return Path(found).read_text(encoding="utf-8")
