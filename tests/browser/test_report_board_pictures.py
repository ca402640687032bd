"""Pictures of a built site for the documentation: BOARD_SITE names the site, BOARD_SCREENSHOTS where they go."""

import os
from pathlib import Path

import pytest

BOARD = "boards/help-pages-xx-en-heldout.html"
STRIP = "boards/tatoeba.html"
SYSTEM = os.environ.get("BOARD_SYSTEM", "lapca-r-small")
WIDE, WIDEST, PHONE = (1280, 800), (1920, 1080), (390, 844)


@pytest.fixture
def built():
    if "BOARD_SITE" not in os.environ or "BOARD_SCREENSHOTS" not in os.environ:
        pytest.skip("BOARD_SITE and BOARD_SCREENSHOTS name no site to be pictured")
    return Path(os.environ["BOARD_SITE"]).resolve()


def test_pictures_of_a_site(chrome, built, picture):
    side = next(str(p.relative_to(built)) for p in built.glob("collections/help-pages-de-en*.html")) + "#only="
    shots = [
        ("board-index", "index.html", WIDE, "light", "screen"),
        ("board", BOARD, WIDE, "light", "screen"),
        ("board-strip", STRIP, WIDE, "light", "screen"),
        ("board-system", f"systems/{SYSTEM}.html", WIDE, "light", "screen"),
        ("board-side-by-side", side, WIDE, "light", "screen"),
        ("board-dark", BOARD, WIDEST, "dark", "screen"),
        ("board-print", BOARD, (1100, 780), "light", "print"),
        ("board-phone-index", "index.html", PHONE, "light", "screen"),
        ("board-phone", BOARD, PHONE, "light", "screen"),
        ("board-phone-dark", STRIP, PHONE, "dark", "screen"),
    ]
    for name, path, size, theme, media in shots:
        driver = chrome(*size)
        driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"media": media, "features": [{"name": "prefers-color-scheme", "value": theme}]},
        )
        place, _, view = path.partition("#")
        driver.get((built / place).as_uri() + (f"#{view}" if view else ""))
        picture(driver, name)
        assert driver.get_log("browser") == [], name
