"""Comparison tables from results: columns, means, refusals, significance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lapca_bench.errors import UsageError
from lapca_bench.experiment.columns import Place
from lapca_bench.report.comparison import comparison
from lapca_bench.report.lines import Line, _observations
from lapca_bench.report.pairs import Display
from lapca_bench.run import Run
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import Result

LANGUAGES = {"x/de-en": ("de",), "x/fr-en": ("fr",), "x/mixed": ("de", "fr")}


def result(system: str, collection: str, values: dict[str, list[float]], average: str = "macro", **about) -> Result:
    rows = [(f"q{i}", language, "nDCG@10", value) for language, own in values.items() for i, value in enumerate(own)]
    provenance = {
        "finished": "2026-01-01",
        "depth": 100,
        "policy": {"average": average, "measures": ["nDCG@10"]},
        "collection": {"version": "1", "fingerprint": "f"},
    }
    collected = {"version": about.pop("version", "1"), "fingerprint": about.pop("fingerprint", "f")}
    return Result(
        key="k",
        system=system,
        title=system,
        kind="dense",
        system_digest="d",
        collection=collection,
        split=about.pop("split", "test"),
        languages=tuple(values),
        aggregates=(),
        provenance=Provenance({**provenance, **about, "collection": collected}),
        scores=pd.DataFrame(rows, columns=["query", "language", "measure", "value"]),
        run=Run.from_dict(system, {}),
    )


def cells(table, system):
    row = next(row for row in table.rows if row.system == system)
    return {column.key: cell.value for column, cell in zip(table.columns, row.cells, strict=True)}


def test_one_column_per_query_language_of_a_group():
    table = comparison(
        [result("a", "x/fr-en", {"fr": [0.2, 0.4]}), result("a", "x/de-en", {"de": [1.0, 0.0, 0.5]})], name="x/xx-en"
    )
    assert [column.key for column in table.columns] == ["de", "fr", "mean"]
    assert cells(table, "a") == pytest.approx({"de": 0.5, "fr": 0.3, "mean": 0.4})
    assert table.title == "nDCG@10 on x/xx-en"


def test_macro_and_micro():
    values = {"de": [1.0, 1.0, 1.0], "fr": [0.0]}
    assert cells(comparison([result("a", "x/mixed", values)]), "a")["mean"] == pytest.approx(0.5)
    assert cells(comparison([result("a", "x/mixed", values, "micro")]), "a")["mean"] == pytest.approx(0.75)


def test_a_missing_language_takes_the_mean_away_and_never_shrinks_it():
    whole = [result("a", "x/de-en", {"de": [0.5, 0.4]}), result("a", "x/fr-en", {"fr": [0.5, 0.6]})]
    part = result("b", "x/de-en", {"de": [0.9, 0.9]})
    table = comparison([*whole, part])
    assert cells(table, "b") == {"de": pytest.approx(0.9), "fr": None, "mean": None}
    covered = (Place("x/de-en", "de", "de"), Place("x/fr-en", "fr", "fr"))
    assert cells(comparison([part], covered=covered), "b")["mean"] is None
    assert "–" in str(table)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"version": "2"}, "version 1 and 2"),
        ({"fingerprint": "g"}, "different files"),
        ({"split": "dev"}, "split: dev, test"),
        ({"depth": 10}, "depth: 10, 100"),
    ],
)
def test_results_that_do_not_compare_are_refused(other, message):
    first = result("a", "x/de-en", {"de": [0.5]})
    with pytest.raises(UsageError, match=message):
        comparison([first, result("b", "x/de-en", {"de": [0.5]}, **other)])


def test_versions_of_one_family_are_not_mixed():
    with pytest.raises(UsageError, match="versions 1, 2"):
        comparison([result("a", "x/de-en", {"de": [0.5]}), result("a", "x/fr-en", {"fr": [0.5]}, version="2")])


def test_mr_tydi_of_ir_datasets_is_another_version_than_ours():
    ours = result("a", "mr-tydi/fi", {"fi": [0.5]}, version="1.1")
    with pytest.raises(UsageError, match=r"mr-tydi are of versions 1\.0 \(ir-datasets 0\.5\.11\), 1\.1"):
        comparison([ours, result("a", "irds/mr-tydi/te/test", {"te": [0.5]}, version="1.0 (ir-datasets 0.5.11)")])


def test_two_collections_with_one_column_are_refused():
    with pytest.raises(UsageError, match="x/de-en and x/mixed"):
        comparison([result("a", "x/de-en", {"de": [0.5]}), result("a", "x/mixed", {"de": [0.5], "fr": [0.5]})])


def test_two_results_of_one_cell_are_refused():
    with pytest.raises(UsageError, match="two results of a"):
        comparison([result("a", "x/de-en", {"de": [0.5]}), result("a", "x/de-en", {"de": [0.5]})])


def test_a_measure_that_was_not_scored():
    with pytest.raises(UsageError, match=r"not scored by AP \(scored: nDCG@10\)"):
        comparison([result("a", "x/de-en", {"de": [0.5]})], "AP")
    with pytest.raises(UsageError, match="no result"):
        comparison([])


def test_a_clear_difference_is_marked_and_noise_is_not():
    draw = np.random.default_rng(1)
    base = draw.random(200)
    results = [
        result("weak", "x/de-en", {"de": list(base)}),
        result("same", "x/de-en", {"de": list(base + draw.normal(0, 0.1, 200))}),
        result("strong", "x/de-en", {"de": list(base + 0.3)}),
    ]
    table = comparison(results)
    marks = {row.system: row.cells[-1].better_than for row in table.rows}
    assert marks == {"weak": (), "same": (), "strong": ("a", "b")}
    assert all(not cell.better_than for row in table.rows for cell in row.cells[:-1])
    every = comparison(results, display=Display("all"))
    assert every.rows[2].cells[0].better_than == ("a", "b")
    none = comparison(results, display=Display("none"))
    assert all(not row.letter and not row.cells[-1].better_than for row in none.rows)


def test_family_wise_error_of_the_marks_under_the_null():
    """Ten systems that differ by noise only: a mark appears in about 5 % of tables, not in two thirds of them."""
    draw = np.random.default_rng(5)
    marked = 0
    tables = 120
    for _ in range(tables):
        topics = draw.random(60)
        results = [result(f"s{i}", "x/de-en", {"de": list(topics + draw.normal(0, 0.1, 60))}) for i in range(10)]
        marked += any(row.cells[-1].better_than for row in comparison(results).rows)
    assert marked / tables <= 0.10  # 12 of 120: beyond the 99 % bound of a rate of 5 %


def test_translations_of_one_query_are_one_observation():
    """The same 20 values in one language or in two are 20 observations, whose mean is the system's."""
    own = pd.Series(np.random.default_rng(3).random(20), index=[f"q{i}" for i in range(20)])
    once = _observations(Line("s", "", {"de": own}), ["de"], "macro")
    twice = _observations(Line("s", "", {"de": own, "fr": own, "hi": own}), ["de", "fr", "hi"], "macro")
    assert once.to_numpy() == pytest.approx(twice.to_numpy())
    assert twice.mean() == pytest.approx(own.mean())


def test_what_a_result_recorded_of_its_collection_decides_what_an_observation_is():
    draw = np.random.default_rng(6)
    topics = draw.random(100)
    languages = ("de", "fr", "hi", "ru")
    values = {language: list(topics + draw.normal(0, 0.02, 100)) for language in languages}
    widths = []
    for stated in ("", "{language}:{query}"):
        policy = {"average": "macro", "measures": ["nDCG@10"], "translations": stated}
        made = result("a", "files/mine", values, policy=policy)
        made.scores["query"] = made.scores["language"] + ":" + made.scores["query"]
        low, high = comparison([made], display=Display(intervals=True)).rows[0].cells[-1].interval
        widths.append(high - low)
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.15)  # the square root of the four languages


def test_intervals_hold_the_mean():
    values = list(np.random.default_rng(2).random(100))
    table = comparison([result("a", "x/de-en", {"de": values})], display=Display(intervals=True))
    low, high = table.rows[0].cells[0].interval
    assert low < np.mean(values) < high
    assert "[" in str(table)


def test_order_by_mean():
    results = [
        result("low", "x/de-en", {"de": [0.1, 0.2]}),
        result("high", "x/de-en", {"de": [0.8, 0.9]}),
        result("part", "x/fr-en", {"fr": [0.8, 0.9]}),
    ]
    table = comparison(results[:2], display=Display(order="mean"))
    assert [row.system for row in table.rows] == ["high", "low"]
    assert table.rows[0].letter == "a"
    with_missing = comparison(results, display=Display(order="mean"))
    assert with_missing.rows[-1].cells[-1].value is None


def test_many_systems():
    draw = np.random.default_rng(4)
    results = [result(f"s{i:02}", "x/de-en", {"de": list(draw.random(50))}) for i in range(40)]
    table = comparison(results)
    assert len(table.rows) == 40
    assert table.rows[-1].letter == "an"


def test_the_note_names_ones_own_collections_and_the_data_set_of_others():
    own = [result("a", "files/news", {"de": [0.5]}), result("a", "files/web", {"fr": [0.5]}, version="2026")]
    table = comparison(own)
    assert table.notes[0].startswith("files/news 1, files/web 2026; split test")
    assert table.title == "nDCG@10 on files/news, files/web (2 collections)"
    assert comparison([result("a", "irds/mr-tydi/te", {"te": [0.5]})]).notes[0].startswith("mr-tydi 1; split test")
