"""The pages in Chromium, from `file://`."""

import csv
import io
import json
import shutil
import subprocess
import time

import pytest

BOARD = "boards/xquad-retrieval.html"
MEAN, FIRST = 3, 4  # places of the mean and of the first task among a row's cells
HOSTILE_START = '<script>document.title="owned"</script>'


def names(driver):
    """Systems of the shown rows, top down."""
    return driver.execute_script(
        "return [...document.querySelectorAll('#board tbody tr')].filter(r => !r.hidden)"
        ".map(r => r.querySelector('th.name bdi').textContent)"
    )


def column(driver, number):
    return driver.execute_script(
        "return [...document.querySelectorAll('#board tbody tr')].filter(r => !r.hidden)"
        f".map(r => r.cells[{number}].textContent)"
    )


def click(driver, selector):
    driver.execute_script("document.querySelector(arguments[0]).click()", selector)


def choose(driver, identifier, value):
    driver.execute_script(
        "const c = document.getElementById(arguments[0]); c.value = arguments[1];"
        "c.dispatchEvent(new Event(c.type === 'search' ? 'input' : 'change', {bubbles: true}))",
        identifier,
        value,
    )


def numbers(texts):
    return [float(text.split("[")[0].replace("printed", "")) for text in texts if text[0].isdigit()]


def test_every_kind_of_page_loads_without_error_or_request(site, visit, requests, picture):
    pages = ["index.html", BOARD, "boards/mr-tydi.html", "systems/me5-small-q4.html"]
    pages += [str(p.relative_to(site)) for p in site.glob("collections/xquad-r-mixed*.html")]
    pages += [str(p.relative_to(site)) for p in site.glob("systems/script*.html")]
    assert len(pages) == 6
    for path in pages:
        driver = visit(path)
        assert requests(driver) == [], path
        assert driver.get_log("browser") == [], path
        assert "lapca-bench" in driver.title
        picture(driver, path.replace("/", "-").removesuffix(".html")[:40])


def test_the_policy_refuses_scripts_styles_and_requests_from_outside(visit):
    driver = visit(BOARD)
    outcome = driver.execute_async_script(
        """const done = arguments[0]; const blocked = [];
        document.addEventListener('securitypolicyviolation', e => blocked.push(e.effectiveDirective));
        const add = (name, values) => document.body.append(Object.assign(document.createElement(name), values));
        add('script', {textContent: 'window.owned = 1'}); add('style', {textContent: 'body{}'});
        add('img', {src: 'https://example.invalid/x.png'});
        setTimeout(() => done([window.owned, blocked]), 300)"""
    )
    assert outcome[0] is None
    assert {"script-src-elem", "style-src-elem", "img-src"} <= set(outcome[1])


def test_a_hostile_name_stays_text(visit):
    driver = visit(BOARD)
    assert "owned" not in driver.title
    (name,) = [n for n in names(driver) if n.startswith("<script>")]
    assert name.startswith(HOSTILE_START + '" onmouseover="x"')
    assert "\u202e" not in name
    assert len(name) > 450
    width = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]


def test_sorting_by_a_column_and_back(visit):
    driver = visit(BOARD)
    before = names(driver)
    click(driver, "[data-sort=t0]")
    down = numbers(column(driver, FIRST))
    assert down == sorted(down, reverse=True)
    assert "sort=t0" in driver.current_url
    assert (
        driver.execute_script("return document.querySelector('[data-sort=t0]').closest('th').ariaSort") == "descending"
    )
    click(driver, "[data-sort=t0]")
    assert numbers(column(driver, FIRST)) == sorted(down)
    assert column(driver, FIRST)[-1] == "–"
    click(driver, "[data-sort=name]")
    assert names(driver) == sorted(names(driver), key=str.lower)
    click(driver, "#c-reset")
    assert names(driver) == before


def test_filters_and_search(visit):
    driver = visit(BOARD)
    choose(driver, "c-origin", "measured")
    assert len(names(driver)) == 6
    choose(driver, "c-kind", "dense")
    assert len(names(driver)) == 4
    choose(driver, "c-search", "ME5")
    assert names(driver) == ["me5-small-q4"]
    assert "q=ME5" in driver.current_url
    choose(driver, "c-search", "no such system")
    assert names(driver) == []
    assert driver.execute_script("return document.getElementById('c-hint').textContent").startswith("0 of 10 systems")


def test_the_address_holds_the_view(visit, browser):
    driver = visit(BOARD)
    choose(driver, "c-origin", "measured")
    click(driver, "[data-sort=t2]")
    click(driver, '[data-script="Latin"]')
    address, shown = driver.current_url, (names(driver), column(driver, MEAN))
    driver.get("about:blank")
    driver.get(address)
    assert (names(driver), column(driver, MEAN)) == shown
    assert (
        driver.execute_script("return document.querySelectorAll('#board thead th:not([hidden])').length") == FIRST + 6
    )  # de en es ro tr vi


def test_a_system_that_lacks_a_language_has_no_mean_until_the_language_is_hidden(visit):
    driver = visit(BOARD)

    def of(system):
        place = names(driver).index(system)
        covers = driver.execute_script(
            "return [...document.querySelectorAll('#board .covers')].map(c => c.textContent)"
        )
        return column(driver, 1)[place], column(driver, MEAN)[place], covers[place]

    assert of("lacks Chinese")[1:] == ("–", "5/12")
    assert of("me5-small-q4")[1] == "–"
    keys = driver.execute_script(
        "return JSON.parse(document.getElementById('board-data').textContent).tasks.map(t => t.key)"
    )
    keep = [key for key in keys if key in {"ar", "de", "el", "en", "hi"}]
    driver = visit(BOARD, f"cols={','.join(keep)}")
    rank, mean, covered = of("lacks Chinese")
    assert covered == ""
    assert float(mean) > 50
    assert rank == ""
    assert "Ranks are tested for the macro mean of all columns only" in driver.page_source


def test_ranks_are_shared_by_what_no_test_separates(site, visit):
    (path,) = site.glob("boards/xquad-r-mixed*.html")
    driver = visit(str(path.relative_to(site)))
    ranks = dict(zip(names(driver), column(driver, 1), strict=True))
    assert ranks["me5-small-q4"] == ranks["rrf(bm25s, me5-small-q4)"] == "1"
    assert int(ranks["bm25s"]) == 6


def test_borda_and_micro_are_computed_over_the_shown_columns(site, visit):
    (path,) = site.glob("boards/xquad-r-mixed*.html")
    driver = visit(str(path.relative_to(site)))
    macro = column(driver, MEAN)
    choose(driver, "c-average", "micro")
    assert numbers(column(driver, MEAN)) == pytest.approx(
        numbers(macro), abs=0.06
    )  # equally many queries in each column
    choose(driver, "c-average", "borda")
    points = numbers(column(driver, MEAN))
    systems, columns = 6, 6
    assert sum(points) == columns * systems * (systems - 1) / 2
    assert "one point per system that is beaten" in driver.page_source
    assert set(column(driver, 1)) == {""}


def test_measures_and_intervals_change_the_cells(site, visit):
    (path,) = site.glob("boards/xquad-r-mixed*.html")
    driver = visit(str(path.relative_to(site)))
    first = column(driver, FIRST)
    choose(driver, "c-measure", "RR@10")
    second = column(driver, FIRST)
    assert first != second
    click(driver, "#c-intervals")
    assert all("[" in text for text in column(driver, FIRST))
    click(driver, "#c-intervals")
    assert column(driver, FIRST) == second


def test_downloads_hold_the_view(chrome, site, tmp_path):
    driver = chrome(downloads=tmp_path)
    driver.get((site / BOARD).as_uri() + "#origin=measured&sort=t0")
    shown = names(driver)
    for form in ("csv", "tex", "json"):
        click(driver, f"[data-download={form}]")
    deadline = time.monotonic() + 10
    wanted = {f"xquad-retrieval.{form}" for form in ("csv", "tex", "json")}
    while not wanted <= {path.name for path in tmp_path.iterdir()} and time.monotonic() < deadline:
        time.sleep(0.1)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "xquad-retrieval.csv").read_text())))
    assert [row["system"] for row in rows] == shown
    assert 0 < float(rows[0]["ar"]) < 1
    document = json.loads((tmp_path / "xquad-retrieval.json").read_text())
    assert [row["system"] for row in document["rows"]] == shown
    tex = (tmp_path / "xquad-retrieval.tex").read_text()
    assert tex.count(r" \\") == 1 + len(shown)
    assert tex.count(r"\textbf{") >= 6
    assert "<script>" not in tex
    if shutil.which("pdflatex"):
        head = "\\documentclass{article}\\usepackage{booktabs}\\usepackage[T1]{fontenc}\\begin{document}\n"
        (tmp_path / "whole.tex").write_text(f"{head}{tex}\\end{{document}}\n")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "whole.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]


def test_two_systems_side_by_side(site, visit, picture):
    driver = visit(BOARD)
    driver.execute_script(
        "for (const row of document.querySelectorAll('#board tbody tr')) {"
        " const name = row.querySelector('th.name bdi').textContent;"
        " if (['me5-small-q4', 'bm25s'].includes(name)) row.querySelector('input').click(); }"
    )
    address = driver.execute_script("return document.getElementById('c-compare').href")
    assert "/collections/xquad-retrieval" in address
    driver.get(address)
    text = driver.execute_script("return document.getElementById('q-names').textContent")
    assert {"me5-small-q4", "bm25s"} <= set(text.replace(",", "").split())
    wins, losses, ties = (
        int(driver.execute_script(f"return document.getElementById('q-{part}').textContent"))
        for part in ("wins", "losses", "ties")
    )
    assert wins + losses + ties == 40
    assert wins == 40 or losses == 40
    rows = driver.execute_script(
        "return [...document.querySelectorAll('#q-rows tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    assert len(rows) == 40
    assert driver.execute_script("return document.getElementById('q-n').textContent") == "40"
    assert driver.execute_script("return document.getElementById('q-p').textContent") == "< 0.001"
    first = next(place for place, text in enumerate(rows[0]) if "." in text)  # a column of languages may come before
    scores = [[float(text) for text in row[first : first + 3]] for row in rows]
    assert all(a - b == pytest.approx(difference, abs=0.11) for a, b, difference in scores)
    assert rows[0][first + 3].startswith("d")
    picture(driver, "side-by-side")
    choose(driver, "q-only", "ties")
    assert driver.execute_script("return document.querySelectorAll('#q-rows tr').length") == ties


def test_the_pages_test_pairs_as_the_tables_do(site, visit):
    """p and interval of paired.js are scipy's, for few and many observations, alike and far apart."""
    from scipy import stats

    (path,) = site.glob("collections/xquad-retrieval-de*.html")
    driver = visit(str(path.relative_to(site)))
    for n, shift in ((2, 0.0), (3, 0.2), (40, 0.0), (40, 0.5), (1181, 0.01), (1181, 0.3)):
        values = [shift + ((7919 * i) % 101 - 50) / 101 for i in range(n)]
        given = [{"value": value, "language": "de", "observation": i} for i, value in enumerate(values)]
        found = driver.execute_script("return PAIRED.test(arguments[0])", given)
        expected = stats.ttest_1samp(values, 0.0)
        assert found["p"] == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-300), n
        interval = expected.confidence_interval(0.95)
        assert found["interval"] == pytest.approx([interval.low, interval.high], abs=1e-8), n
    # Translations of a query are one observation, and languages of different size count alike.
    given = [{"value": v, "language": x, "observation": o} for v, x, o in ((1, "a", 0), (0, "a", 1), (1, "b", 0))]
    assert driver.execute_script("return PAIRED.test(arguments[0])", given)["mean"] == pytest.approx(0.75)


def test_keys_alone_open_and_close_a_menu(visit):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    driver = visit(BOARD)
    driver.execute_script("document.querySelector('.menu > summary').focus()")
    ActionChains(driver).send_keys(Keys.ENTER, Keys.TAB).perform()
    assert driver.execute_script("return document.activeElement.closest('.menu').open")
    ActionChains(driver).send_keys(Keys.ESCAPE).perform()
    assert driver.execute_script("return [document.activeElement.tagName, document.querySelector('.menu').open]") == [
        "SUMMARY",
        False,
    ]


def test_fourteen_languages_fit_and_a_phone_sees_the_table_at_once(chrome, site):
    (path,) = site.glob("boards/help-pages-xx-en*.html")
    wide = chrome(1280, 800)
    wide.get(path.as_uri())
    table = "const t = document.getElementById('board').getBoundingClientRect(); return [t.top, t.right]"
    top, right = wide.execute_script(table)
    assert (top < 300, right <= 1280) == (True, True)
    wide.execute_script("scrollTo(0, document.getElementById('board').getBoundingClientRect().top + 60)")
    assert wide.execute_script("return document.querySelector('#board thead').getBoundingClientRect().top") == 0
    phone = chrome(390, 844)
    for place in (path, site / BOARD):
        phone.get(place.as_uri())
        assert phone.execute_script(table)[0] < 400
        width = "return document.querySelector('#board tbody th.name').offsetWidth"
        assert phone.execute_script(width) <= 0.4 * 390


def test_many_languages_are_a_strip_that_opens_into_numbers(visit):
    driver = visit("boards/tatoeba.html")
    wide = "return document.querySelector('#board tbody td:last-child').offsetWidth"
    table = "return document.getElementById('board').scrollWidth <= innerWidth"
    assert driver.execute_script(table)
    narrow = driver.execute_script(wide)
    click(driver, "#c-zoom")
    assert "zoom=1" in driver.current_url
    assert driver.execute_script(wide) > 3 * narrow
    assert not driver.execute_script(table)


def test_the_same_two_systems_on_another_language(site, visit):
    (path,) = site.glob("collections/xquad-retrieval-de*.html")
    driver = visit(str(path.relative_to(site)), "a=bm25s-validation-x")  # an unknown system is not an error
    choose(driver, "q-b", driver.execute_script("return [...document.getElementById('q-b').options].at(-1).value"))
    chosen = [
        driver.execute_script(f"return document.getElementById('q-{x}').selectedOptions[0].textContent") for x in "ab"
    ]
    choose(driver, "q-sibling", next(p.stem for p in site.glob("collections/xquad-retrieval-ar*.html")))
    assert driver.execute_script("return document.querySelector('h1').textContent") == "xquad-retrieval/ar"
    after = [
        driver.execute_script(f"return document.getElementById('q-{x}').selectedOptions[0].textContent") for x in "ab"
    ]
    assert after == chosen


def test_the_queries_of_one_system_alone(visit):
    driver = visit("systems/me5-small-q4.html")
    driver.get(driver.execute_script("return document.querySelector('.provenance a').href"))
    assert driver.execute_script("return document.getElementById('q-b').value") == ""
    assert driver.execute_script("return document.getElementById('q-wins').closest('.versus-only').hidden")
    values = numbers(
        driver.execute_script("return [...document.querySelectorAll('#q-rows tr')].map(r => r.cells[1].textContent)")
    )
    assert len(values) == 40
    assert values == sorted(values)
    mean = float(driver.execute_script("return document.getElementById('q-mean').textContent"))
    assert mean == pytest.approx(sum(values) / 40, abs=0.06)


def test_the_index_finds_systems(visit):
    driver = visit("index.html")
    shown = (
        "return [...document.querySelectorAll('#i-systems tbody tr')]"
        ".filter(r => !r.hidden).map(r => r.cells[0].textContent)"
    )
    everything = driver.execute_script(shown)
    choose(driver, "i-origin", "measured")
    assert len(driver.execute_script(shown)) == 6
    choose(driver, "i-search", "ME5")
    assert [name.split()[0].startswith(("me5", "rrf")) for name in driver.execute_script(shown)] == [True, True]
    choose(driver, "i-origin", "")
    choose(driver, "i-search", "labse")
    assert 0 < len(driver.execute_script(shown)) < len(everything)


def test_dark_mode_follows_the_reader(chrome, site, picture):
    driver = chrome()
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    driver.get((site / BOARD).as_uri())
    color = "return getComputedStyle(document.body).backgroundColor"
    dark = driver.execute_script(color)
    picture(driver, "board-dark")
    click(driver, ".theme")
    light = driver.execute_script(color)
    assert dark == "rgb(20, 22, 26)"
    assert light == "rgb(252, 252, 251)"
    driver.get((site / "index.html").as_uri())
    assert driver.execute_script(color) == light


def test_keys_reach_the_search_and_move_between_cells(visit):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    driver = visit(BOARD, "origin=measured")
    ActionChains(driver).send_keys("/").perform()
    assert driver.switch_to.active_element.get_attribute("id") == "c-search"
    focusable = driver.execute_script("return document.querySelectorAll('#board tbody a[tabindex=\"0\"]').length")
    assert focusable == 1
    driver.execute_script("document.querySelector('#board tbody a[tabindex=\"0\"]').focus()")
    place = "const c = document.activeElement.closest('td'); return [c.parentElement.rowIndex, c.cellIndex]"
    row, cell = driver.execute_script(place)
    ActionChains(driver).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN).perform()
    assert driver.execute_script(place) == [row + 1, cell + 1]


def test_a_cell_leads_to_its_provenance(site, visit):
    driver = visit(BOARD, "origin=measured")
    address = driver.execute_script(
        "return document.querySelector('#board tbody tr:not([hidden]) td.num a[href]').href"
    )
    driver.get(address)
    target = driver.execute_script("return document.querySelector(':target').textContent")
    assert "digest of run.parquet" in target
    assert "lapca-bench run --system x" in target


def test_a_phone_shows_the_page_without_sideways_scrolling(chrome, site, picture):
    driver = chrome(390, 844)
    for path in ("index.html", BOARD, "systems/me5-small-q4.html"):
        driver.get((site / path).as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 390, path
        picture(driver, f"phone-{path.split('/')[-1].removesuffix('.html')}")


def test_it_prints(chrome, site):
    driver = chrome()
    driver.get((site / BOARD).as_uri())
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = driver.execute_script("return getComputedStyle(document.querySelector('.controls')).display")
    flow = driver.execute_script("return getComputedStyle(document.querySelector('.scroller')).overflow")
    assert (hidden, flow) == ("none", "visible")
    assert len(driver.execute_cdp_cmd("Page.printToPDF", {"landscape": True})["data"]) > 10_000


def test_without_script_the_table_is_there(chrome, site):
    driver = chrome()
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver.get((site / BOARD).as_uri())
    from selenium.webdriver.common.by import By

    assert len(driver.find_elements(By.CSS_SELECTOR, "#board tbody tr")) == 10
    assert not driver.find_element(By.ID, "c-search").is_displayed()


def test_accessibility(site, visit, axe):
    pages = ["index.html", "about.html", "changes.html", BOARD, "boards/tatoeba.html", "systems/me5-small-q4.html"]
    pages += [str(p.relative_to(site)) for p in site.glob("collections/xquad-r-mixed*.html")]
    for path in pages:
        driver = visit(path)
        driver.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        driver.execute_script(axe)
        found = driver.execute_async_script("const done = arguments[0]; axe.run().then(r => done(r.violations))")
        told = [
            (v["id"], v["impact"], v["nodes"][0]["html"][:120], v["nodes"][0]["failureSummary"][:300]) for v in found
        ]
        assert told == [], path
