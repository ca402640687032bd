"""A real browser on pages from a file; skipped with the reason where Chromium or selenium is not here.

Debian: `apt-get install chromium chromium-driver`; `pip install selenium`; for the accessibility test `make axe`,
or AXE_CORE=path/to/axe.min.js. With BOARD_SCREENSHOTS=folder the tests leave pictures there, and
with BOARD_SITE=folder also pictures of that site, such as those in the documentation.
"""

import json
import os
import shutil
from pathlib import Path

import pytest
from toys import board_results as made

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


def pytest_collection_modifyitems(items):
    reason = None
    try:
        import selenium  # noqa: F401
    except ImportError:
        reason = "selenium is not installed (pip install selenium)"
    if BINARY is None or DRIVER is None:
        reason = "chromium or chromedriver is not installed (Debian: chromium chromium-driver)"
    for item in items:
        if reason and Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def chrome():
    """A function that starts a browser of a given size; all are closed at the end."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    started = []

    def start(width=1400, height=900, downloads=None):
        options = Options()
        options.binary_location = BINARY
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"):
            options.add_argument(flag)
        options.add_argument(f"--window-size={width},{height}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        if downloads:
            several = "profile.default_content_setting_values.automatic_downloads"  # a test's clicks are not a user's
            options.add_experimental_option("prefs", {"download.default_directory": str(downloads), several: 1})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        started.append(driver)
        return driver

    yield start
    for driver in started:
        driver.quit()


@pytest.fixture(scope="session")
def browser(chrome):
    return chrome()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A site with measured systems of several kinds, a hostile name, one that lacks a language, and a pool.

    The results are made up, so the site must be the same whether or not this machine has the collections they name.
    """
    from lapca_bench.collections.family import Presence
    from lapca_bench.report.board import build as board

    folder = tmp_path_factory.mktemp("board")
    languages = ("ar", "de", "el", "en", "hi", "zh")
    systems = (
        ("me5-small-q4", 0.82, "dense"),
        ("use-multilingual", 0.70, "dense"),
        ("bm25s", 0.45, "bm25"),
        ("rrf(bm25s, me5-small-q4)", 0.821, "fusion"),
        (made.HOSTILE, 0.6, "dense"),
        ("lacks Chinese", 0.81, "dense"),
    )
    results = [
        made.result(s, f"xquad-retrieval/{x}", q - 0.01 * n, languages=(x,), seed=n, split="validation", kind=kind)
        for s, q, kind in systems
        for n, x in enumerate(languages)
        if (s, x) != ("lacks Chinese", "zh")
    ]
    results += [
        made.result(s, "xquad-r/mixed", q / 2, languages=languages, seed=9, kind=kind) for s, q, kind in systems
    ]
    results += [
        made.result(s, f"help-pages/{x}-en", q, languages=(x,), seed=n, kind=kind, shared_ids=True)
        for s, q, kind in systems
        for n, x in enumerate(languages)
        if x != "en" and (s, x) != ("lacks Chinese", "zh")
    ]
    made.write(folder / "results", results)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board, "_trained_on", lambda: {"me5-small-q4": ["mr-tydi"], "bm25s": []})
        patch.setattr(board, "_systems", dict)
        patch.setattr(board.collections, "status", lambda _: Presence(False))
        board.build(folder / "site", [folder / "results"])
    return folder / "site"


@pytest.fixture
def visit(browser, site):
    """Open a page of the site (below its folder), afresh; gives the driver."""

    def go(path, fragment="", driver=None, width=None):
        driver = driver or browser
        driver.get("about:blank")
        driver.get_log("browser")
        driver.get_log("performance")
        address = (site / path).as_uri()
        driver.get(f"{address}#{fragment}" if fragment else address)
        return driver

    return go


@pytest.fixture
def picture():
    """Leave a screenshot where BOARD_SCREENSHOTS names a folder."""

    def take(driver, name):
        folder = os.environ.get("BOARD_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    return take


@pytest.fixture
def requests():
    """Addresses other than files that the page asked for since `visit`."""

    def asked(driver):
        messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
        urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(("file:", "data:", "blob:", "about:"))]

    return asked


@pytest.fixture(scope="session")
def axe():
    """The text of axe-core, or a skip that says how to get it."""
    fetched = sorted((Path(__file__).parents[2] / "build").glob("axe-core-*/axe.min.js"))
    given = [Path(place) for place in [os.environ.get("AXE_CORE", "")] if place]
    found = next((path for path in [*given, *fetched] if path.is_file()), None)
    if found is None:
        pytest.skip("axe-core is not here (make axe, or set AXE_CORE)")
    return found.read_text(encoding="utf-8")
