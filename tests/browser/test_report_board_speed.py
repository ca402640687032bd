"""A board of 300 systems × 60 columns: how long it takes to load and to sort."""

import os
import random

import pytest

from lapca_bench.report.board.model import Board, Entry, Score, Task
from lapca_bench.report.board.pages import Site
from lapca_bench.report.board.rank import stand

SYSTEMS, COLUMNS = 300, 60
LOAD_SECONDS, SORT_SECONDS = 1.0, 0.1

# Click on a column's head; the layout that follows belongs to the sort.
SORT = """const [column, done] = arguments; const start = performance.now();
document.querySelector(`[data-sort=t${column}]`).click();
document.getElementById('board').getBoundingClientRect();
done((performance.now() - start) / 1000)"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    rng = random.Random(7)
    tasks = [Task(f"t{n}", f"t{n}", "", queries=1000) for n in range(COLUMNS)]
    entries = [
        Entry(
            f"organisation/model-{n:03d}-multilingual",
            rng.choice(["dense", "lexical", "hybrid"]),
            "zero-shot",
            "measured",
            {("m", t.key): Score(rng.random(), f"r-{n:012d}", (0.1, 0.9)) for t in tasks},
        )
        for n in range(SYSTEMS)
    ]
    board = Board("large", "Large", "large", "p", "test", ["m"], tasks, stand(entries, {}, "m", tasks), [])
    folder = tmp_path_factory.mktemp("large")
    for name, text in Site([board], [], 0, {}, {}, {}).pages().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "boards" / "large.html"


def test_a_large_board_loads_and_sorts_fast(chrome, large, capsys):
    driver = chrome()
    loads, sorts = [], []
    for _ in range(5):
        driver.get("about:blank")
        driver.get(large.as_uri())
        loads.append(
            driver.execute_script(
                "const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd / 1000"
            )
        )
        sorts += [driver.execute_async_script(SORT, column) for column in (3, 17, 17)]
    with capsys.disabled():
        print(  # noqa: T201 - the figure is the point
            f"\n{SYSTEMS} systems x {COLUMNS} columns: load {min(loads):.2f} s, sort {min(sorts) * 1000:.0f} ms"
        )
    slow = min(loads) >= LOAD_SECONDS or sorted(sorts)[len(sorts) // 2] >= SORT_SECONDS
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if slow and load > cores:
        pytest.skip(
            f"too slow, but other work keeps this machine busy (load {load:.1f} on {cores} cores): run it again"
        )
    assert not slow, (loads, sorts)
