"""Boards for programs, what changed between builds, and builds that one broken result does not stop."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from toys import board_results as made

from lapca_bench.report.board import feed
from lapca_bench.report.board.build import build
from lapca_bench.report.board.usable import readable, usable
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import ResultStore

ATOM = "{http://www.w3.org/2005/Atom}"


def results(*names, **more):
    return [made.result(name, "my/de", 0.5 + 0.1 * n, **more) for n, name in enumerate(names)]


@pytest.fixture
def store(tmp_path):
    return made.write(tmp_path / "results", results("one", "two"))


def built(tmp_path):
    return build(tmp_path / "site", [tmp_path / "results"])


def test_every_board_is_json_and_news_are_a_feed(store, tmp_path):
    built(tmp_path)
    board = json.loads((tmp_path / "site" / "boards" / "my-test.json").read_text())
    assert [entry["system"] for entry in board["systems"]] == ["one", "two"]
    values = {one.system: float(one.scores[one.scores["measure"] == "nDCG@10"]["value"].mean()) for one in store.all()}
    assert {one["system"]: one["means"]["nDCG@10"] for one in board["systems"]} == pytest.approx(values)
    root = ElementTree.parse(tmp_path / "site" / "feed.xml").getroot()  # noqa: S314 - just written
    entries = root.findall(f"{ATOM}entry")
    assert {entry.findtext(f"{ATOM}title") for entry in entries} == {"one on my/de (test)", "two on my/de (test)"}
    for entry in entries:
        page, _, anchor = entry.find(f"{ATOM}link").get("href").partition("#")
        assert f'id="{anchor}"' in (tmp_path / "site" / page).read_text()
    page = (tmp_path / "site" / "boards" / "my-test.html").read_text()
    assert 'id="measured-one"' in page
    assert "as of 2026-01-01T00:00:00+00:00, lapca-bench" in page


def test_what_changed_is_told_and_older_states_are_kept(store, tmp_path):
    built(tmp_path)
    assert "There is no earlier build" in (tmp_path / "site" / "changes.html").read_text()
    first = json.loads((tmp_path / "site" / "boards.json").read_text())
    for one in results("two", "three", finished="2026-02-01T00:00:00+00:00", seed=5):
        store.write(one)
    for path in (tmp_path / "results").glob("one/**/result.json"):
        path.unlink()
    built(tmp_path)
    page = (tmp_path / "site" / "changes.html").read_text()
    for line in ("new: three", "gone: one", "two: nDCG@10"):
        assert line in page
    (kept,) = (tmp_path / "site" / "history").glob("*.json")
    assert json.loads(kept.read_text()) == first
    built(tmp_path)  # again, with nothing new
    assert [path.name for path in (tmp_path / "site" / "history").glob("*.json")] == [kept.name]


def test_a_snapshot_that_is_none_is_left_out(tmp_path):
    (tmp_path / "history").mkdir()
    for name, text in (
        ("a", "{"),
        ("b", "[]"),
        ("c", '{"as_of": 1, "boards": {}}'),
        ("d", '{"as_of": "x", "boards": []}'),
    ):
        (tmp_path / "history" / f"{name}.json").write_text(text)
    assert feed.earlier(tmp_path) == []


def manifest(store, name):
    return next(store.root.glob(f"{name}/**/result.json"))


def scores_gone(store):
    next(store.root.glob("two/**/scores-*.parquet")).unlink()


def scores_garbled(store):
    next(store.root.glob("two/**/scores-*.parquet")).write_bytes(b"PAR1")


def manifest_garbled(store):
    manifest(store, "two").write_text("{")


def manifest_of_another_time(store):
    manifest(store, "two").write_text("{}")


def rewritten(**changes):
    def change(store):
        result = replace(results("one", "two")[1], **changes)
        ResultStore(store.root).write(result)

    return change


def scores_otherwise(change):
    def rewrite(store):
        result = results("one", "two")[1]
        ResultStore(store.root).write(replace(result, scores=change(result.scores)))

    return rewrite


@pytest.mark.parametrize(
    "broken",
    [
        scores_gone,
        scores_garbled,
        manifest_garbled,
        manifest_of_another_time,
        rewritten(languages=['=HYPERLINK("http://x")', "de"]),
        rewritten(languages=[]),
        rewritten(aggregates=[]),
        rewritten(aggregates=[{"measure": "no measure", "language": "de", "mean": 0.5, "queries": 1}]),
        rewritten(aggregates=[{"measure": "nDCG@10", "language": "de", "mean": 0.99, "queries": 40}]),
        scores_otherwise(lambda scores: scores.iloc[:0]),
        scores_otherwise(lambda scores: scores.assign(value="high")),
        scores_otherwise(lambda scores: scores.assign(value=float("nan"))),
        scores_otherwise(lambda scores: scores.assign(query=3)),
        scores_otherwise(lambda scores: scores.assign(measure=None)),
        scores_otherwise(lambda scores: scores.iloc[[0] * 9]),
    ],
)
def test_a_broken_result_is_named_and_the_rest_is_built(store, tmp_path, broken):
    broken(store)
    done = built(tmp_path)
    assert done.results == 1
    assert any("two" in line for line in done.left_out)
    assert "one" in (tmp_path / "site" / "boards" / "my-test.html").read_text()


def test_an_older_sound_result_stands_where_the_newest_is_broken(store, tmp_path):
    later = replace(
        results("one")[0],
        key="f" * 64,
        provenance=Provenance({**results("one")[0].provenance, "finished": "2026-03-01T00:00:00+00:00"}),
        aggregates=[],
    )
    store.write(later)
    found, unread = readable([tmp_path / "results"])
    sound, broken = usable(found)
    assert unread == []
    assert [one.key == "f" * 64 for one in sound] == [False, False]
    assert len(broken) == 1


def test_a_board_says_which_of_its_results_cannot_be_checked(store, tmp_path):
    built(tmp_path)
    page = (tmp_path / "site" / "boards" / "my-test.html").read_text()
    assert "Not checked: the collection is not known here: one on my/de, two on my/de" in page
