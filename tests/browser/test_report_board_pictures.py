"""Pictures of a built site for the documentation: BOARD_SITE names the site, BOARD_SCREENSHOTS where they go."""

import os
from pathlib import Path

import pytest

BOARD = "boards/xquad-retrieval.html"
SYSTEM = os.environ.get("BOARD_SYSTEM", "char-ngrams")


@pytest.fixture
def built():
    if "BOARD_SITE" not in os.environ or "BOARD_SCREENSHOTS" not in os.environ:
        pytest.skip("BOARD_SITE and BOARD_SCREENSHOTS name no site to be pictured")
    return Path(os.environ["BOARD_SITE"]).resolve()


def test_pictures_of_a_site(chrome, built, picture):
    wide = chrome(1280, 800)
    pages = {"index": "index.html", "board": BOARD, "system": f"systems/{SYSTEM}.html"}
    pages["side-by-side"] = next(str(p.relative_to(built)) for p in built.glob("collections/xquad-retrieval-en*.html"))
    for name, path in pages.items():
        wide.get((built / path).as_uri() + ("#only=" if name == "side-by-side" else ""))
        picture(wide, f"board-{name}".replace("board-board", "board"))
    dark = chrome(1280, 800)
    dark.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    dark.get((built / BOARD).as_uri())
    picture(dark, "board-dark")
    phone = chrome(390, 844)
    for name, path in (("phone-index", "index.html"), ("phone", BOARD)):
        phone.get((built / path).as_uri())
        picture(phone, f"board-{name}")
    assert all(driver.get_log("browser") == [] for driver in (wide, dark, phone))
