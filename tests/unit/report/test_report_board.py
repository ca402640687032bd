"""Boards: what stands in a row, who is ranked, what is refused, and pages that keep hostile names as text."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from toys import board_results as made

from lapca_bench.errors import InputError, UsageError
from lapca_bench.report.board import build as board
from lapca_bench.report.board.cost import cost_of
from lapca_bench.report.board.data import boards, measured_boards, recipe_board
from lapca_bench.report.board.model import Entry, Score, Task
from lapca_bench.report.board.queries import Texts, side_by_side
from lapca_bench.report.board.rank import by_queries, observations, stand
from lapca_bench.report.board.site import embedded, page, policy, slug
from lapca_bench.report.board.surroundings import Surroundings
from lapca_bench.report.published import tables as recipes
from lapca_bench.report.published.published import published
from lapca_bench.run import Run
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import stored_results
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import newest

GROUPS = {"help-pages/xx-en": ("help-pages/de-en", "help-pages/fi-en")}
AROUND = Surroundings(GROUPS, {"good": ("help-pages",), "bad": ()})


@pytest.fixture
def stored(tmp_path):
    """A function that stores results and gives them back as read from disk."""

    def write(*results):
        return list(made.write(tmp_path / "results", results).all())

    return write


def pages_of(results, tmp_path):
    out = tmp_path / "site"
    built = board.build(out, [results])
    return out, built


@pytest.fixture(autouse=True)
def _no_cards(monkeypatch):
    monkeypatch.setattr(board, "_trained_on", dict)
    monkeypatch.setattr(board, "_systems", dict)


def group(stored, *systems, languages=("de", "fi"), **other):
    return stored(
        *(
            made.result(system, f"help-pages/{x}-en", quality, languages=(x,), seed=n, **other)
            for system, quality in systems
            for n, x in enumerate(languages)
        )
    )


def only(found):
    (one,) = found
    return one


def entry(found, system):
    return next(e for e in found.entries if e.system == system)


def test_a_group_of_collections_is_one_board_with_a_column_per_language(stored):
    found = only(measured_boards(group(stored, ("good", 0.7), ("bad", 0.3)), AROUND))
    assert found.name == "help-pages-xx-en-test"
    assert [task.label for task in found.tasks] == ["de", "fi"]
    assert [task.queries for task in found.tasks] == [40, 40]
    assert {e.system: e.setting for e in found.entries} == {"good": "supervised", "bad": "zero-shot"}


def test_macro_is_the_mean_of_columns_and_needs_all_of_them(stored):
    results = group(stored, ("good", 0.7), ("bad", 0.3))
    found = only(
        measured_boards([r for r in results if (r.system, r.collection) != ("bad", "help-pages/fi-en")], AROUND)
    )
    good, bad = entry(found, "good"), entry(found, "bad")
    by_hand = [r.scores.query("measure == 'nDCG@10'")["value"].mean() for r in results if r.system == "good"]
    assert good.standings["nDCG@10"].macro == pytest.approx(sum(by_hand) / 2)
    assert bad.standings["nDCG@10"].macro is None
    assert bad.standings["nDCG@10"].rank is None
    assert bad.covered("nDCG@10", found.tasks) == 1


def test_systems_that_no_test_separates_share_a_rank(stored):
    found = only(measured_boards(group(stored, ("a", 0.7), ("b", 0.7001), ("c", 0.4)), AROUND))
    ranks = {e.system: e.standings["nDCG@10"].rank for e in found.entries}
    assert ranks == {"a": 1, "b": 1, "c": 3}


def test_intervals_hold_the_mean(stored):
    found = only(measured_boards(group(stored, ("a", 0.5)), AROUND))
    standing = entry(found, "a").standings["nDCG@10"]
    assert standing.interval[0] < standing.macro < standing.interval[1]
    assert standing.rank == 1
    for score in entry(found, "a").scores.values():
        assert score.interval[0] <= score.mean <= score.interval[1]


def test_translations_of_a_query_are_one_observation():
    part = pd.Series({"q1": 1.0, "q2": 0.0})
    found = observations([[part, part + 1], [part, part]])
    assert found.shape == (2, 2)
    assert found.mean(axis=1) == pytest.approx([(0.5 + 1.5) / 2, 0.5])
    assert found[0] == pytest.approx([1.5, 0.5])


def test_query_ids_of_one_kind_have_one_number():
    first = pd.Index(["q1", "q2"])
    assert by_queries([first, pd.Index(["q1", "q2"]), pd.Index(["q1", "q3"]), first]) == [0, 0, 1, 0]
    assert by_queries([]) == []


def test_a_pool_of_several_question_languages_is_a_board_of_its_own(stored):
    results = stored(
        made.result("a", "xquad-r/mixed", 0.4, languages=("ar", "de")),
        made.result("a", "xquad-r/ar", 0.4, languages=("ar",)),
    )
    names = {
        found.name: [task.label for task in found.tasks] for found in measured_boards(results, Surroundings({}, {}))
    }
    assert names == {"xquad-r-mixed-test": ["ar", "de"], "xquad-r-test": ["ar"]}


def test_two_collections_in_one_language_are_two_columns(stored):
    results = stored(*(made.result("a", f"grid/{x}", 0.4, languages=("de",)) for x in ("de-en", "de-fr")))
    found = only(measured_boards(results, Surroundings({}, {})))
    assert [task.label for task in found.tasks] == ["de-en", "de-fr"]


def test_the_newest_result_counts(stored):
    old = made.result("a", "help-pages/de-en", 0.2, finished="2026-01-01")
    new = made.result("a", "help-pages/de-en", 0.8, finished="2026-03-01")
    assert only(newest(stored(old, new)).values()).provenance["finished"] == "2026-03-01"


def test_reported_and_measured_rows_stay_apart(stored):
    results = stored(made.result("bm25s", "xquad-retrieval/ar", 0.5, languages=("ar",), split="validation"))
    found = recipe_board(only(recipes.find("xquad-retrieval")), published(), results, AROUND)
    assert found.count("measured") == 1
    assert found.count("reported") == 4
    reported = entry(found, "mteb/baseline-bm25s")
    assert reported.standings["nDCG@10"].rank is None
    assert reported.scores["nDCG@10", "ar"].interval is None
    assert found.citations[reported.scores["nDCG@10", "ar"].provenance].title.startswith("MTEB results")
    assert found.citations[reported.scores["nDCG@10", "ar"].provenance].url.startswith("https://")


def test_results_on_another_split_do_not_enter_a_recipes_board(stored):
    results = stored(made.result("bm25s", "xquad-retrieval/ar", 0.5, languages=("ar",), split="test"))
    found = boards([only(recipes.find("xquad-retrieval"))], published(), results, AROUND)
    assert [b.count("measured") for b in found] == [0, 1]


def test_an_unpublished_recipe_is_refused():
    odd = only(recipes.find("xquad-retrieval")).model_copy(update={"measures": ("nDCG@11",)})
    with pytest.raises(UsageError, match="nothing published"):
        recipe_board(odd, published(), [], AROUND)


def test_micro_weights_by_queries_and_needs_their_number():
    tasks = [Task("a", "a", "a", queries=3), Task("b", "b", "b", queries=1)]
    scores = {("m", "a"): Score(1.0, "r"), ("m", "b"): Score(0.0, "r")}
    one = only(stand([Entry("s", "dense", "zero-shot", "reported", scores)], {}, "m", tasks))
    assert one.standings["m"].macro == 0.5
    assert one.standings["m"].micro == 0.75
    unknown = [tasks[0], replace(tasks[1], queries=None)]
    assert only(stand([one], {}, "m", unknown)).standings["m"].micro is None


def test_cost_is_a_sum_over_all_results_or_nothing(stored):
    first, second = group(stored, ("a", 0.5))
    cost = cost_of([first, second])
    assert cost.encode_seconds == pytest.approx(16.0)
    assert cost.queries_per_second == pytest.approx(80.0)
    second = replace(second, provenance=Provenance({**second.provenance, "timings": {}}))
    assert cost_of([first, second]).encode_seconds is None
    reused = replace(first, provenance=Provenance({**first.provenance, "reused": 7}))
    assert cost_of([reused]).encode_seconds is None


def test_side_by_side_holds_scores_documents_and_relevance(stored):
    from lapca_bench.run import Qrels

    results = group(stored, ("a", 0.6), ("b", 0.4), languages=("de",), queries=5)
    judgements = Qrels({"de-1": {"d7": 1}})
    data = side_by_side(results, Texts({"de-1": "Frage"}, {"d7": "Antwort " * 40}, judgements))
    place = data["queries"].index("de-1")
    assert data["texts"][place] == "Frage"
    assert [data["documents"][d] for d in data["relevant"][place]] == ["d7"]
    assert [data["documents"][d] for d in data["systems"][0]["top"][place]][:2] == ["d7", "d10"]
    value = results[0].scores.query("measure == 'nDCG@10' and query == 'de-1'")["value"].iloc[0]
    assert data["systems"][0]["scores"]["nDCG@10"][place] == pytest.approx(value, abs=1e-4)


def test_side_by_side_of_many_queries_is_sampled_and_says_so(stored, monkeypatch):
    from lapca_bench.report.board import queries as board_queries

    monkeypatch.setattr(board_queries, "MOST_QUERIES", 10)
    data = side_by_side(group(stored, ("a", 0.6), ("b", 0.4), languages=("de",), queries=25))
    assert len(data["queries"]) == 9
    assert data["left_out"] == 16


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of scripts by type."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.scripts, self.styles, self._inside = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = (tag, dict(attrs)) if tag in {"script", "style"} else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside and self._inside[0] == "script":
            self.scripts.append((self._inside[1].get("type", ""), data))
        elif self._inside:
            self.styles.append(data)


def test_the_site_is_self_contained_and_keeps_hostile_names_as_text(tmp_path):
    names = [(made.HOSTILE, 0.6), ("b", 0.5)]
    made.write(
        tmp_path / "results",
        [made.result(s, f"help-pages/{x}-en", q, languages=(x,)) for s, q in names for x in ("de", "fi")],
    )
    out, built = pages_of(tmp_path / "results", tmp_path)
    assert built.results == 4
    pages = sorted(out.rglob("*.html"))
    assert len(pages) == built.pages
    targets = {str(path.relative_to(out)) for path in out.rglob("*")}
    for path in pages:
        text = path.read_text()
        found = Elements(text)
        assert "onmouseover" not in {name for _, attributes in found.tags for name in attributes}
        assert not [name for _, a in found.tags for name in a if name.startswith("on") or name == "style"]
        assert not [a for _, a in found.tags if "src" in a or a.get("rel") == "stylesheet"]
        allowed = next(a["content"] for t, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
        code = [script for kind, script in found.scripts if kind != "application/json"]
        assert allowed == policy(found.styles[0], code)
        assert "\u202e" not in text
        for tag, attributes in found.tags:
            href = attributes.get("href", "")
            if tag == "a" and href and not href.startswith(("#", "https://")):
                target = (path.parent / href.partition("#")[0]).resolve().relative_to(out.resolve())
                assert str(target) in targets, (path, href)
        for kind, script in found.scripts:
            if kind == "application/json":
                json.loads(script)


def test_links_of_cells_reach_their_provenance(tmp_path):
    made.write(
        tmp_path / "results", [made.result("a b", "help-pages/de-en", 0.5), made.result("c", "help-pages/de-en", 0.4)]
    )
    out, _ = pages_of(tmp_path / "results", tmp_path)
    text = next((out / "boards").glob("help-pages*.html")).read_text()
    links = re.findall(r'href="\.\./systems/([^"#]+)#(r-[0-9a-f]+)"', text)
    assert links
    for name, anchor in links:
        assert f'id="{anchor}"' in (out / "systems" / name).read_text()
    cited = re.findall(r'href="#(c\d+)"', (out / "boards" / "mr-tydi.html").read_text())
    assert cited
    assert all(f'id="{anchor}"' in (out / "boards" / "mr-tydi.html").read_text() for anchor in cited)


def test_a_mean_printed_over_fewer_languages_is_not_shown_as_the_boards(tmp_path):
    (tmp_path / "results").mkdir()
    out, _ = pages_of(tmp_path / "results", tmp_path)
    text = (out / "boards" / "mr-tydi.html").read_text()
    data = json.loads(re.search(r'id="board-data">(.*?)</script>', text)[1])
    place = next(i for i, s in enumerate(data["systems"]) if s["name"].startswith("ColBERT-XM"))
    assert data["standings"]["MRR@100"][place]["printed"] is None
    place = next(i for i, s in enumerate(data["systems"]) if s["name"] == "mDPR (NQ)")
    assert data["standings"]["MRR@100"][place]["printed"] == pytest.approx(0.226)


def test_a_second_build_replaces_the_first_and_nothing_else(tmp_path):
    (tmp_path / "results").mkdir()
    out, built = pages_of(tmp_path / "results", tmp_path)
    (out / "boards" / "stale.html").write_text("old")
    assert board.build(out, [tmp_path / "results"]).pages == built.pages
    assert not (out / "boards" / "stale.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "site"]
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.tex").write_text("dear")
    with pytest.raises(UsageError, match="something else"):
        board.build(other, [tmp_path / "results"])
    assert (other / "chapter.tex").read_text() == "dear"
    with pytest.raises(InputError, match="no such folder"):
        board.build(out, [tmp_path / "nowhere"])


@pytest.mark.parametrize("name", ["a", "A", "a/b", "a b", "", "日本語", made.HOSTILE, "x" * 300, "..", "con"])
def test_file_names_are_safe(name):
    assert re.fullmatch(r"[a-z0-9-]{1,60}", slug(name))


def test_file_names_of_different_names_differ():
    names = ["a b", "a-b", "A-B", "a_b", "a.b", "ä-b"]
    assert len({slug(name) for name in names}) == len(names)


def test_embedded_json_cannot_end_its_element():
    text = embedded({"x": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"x": "</script><!--&\u2028"}


def test_links_are_web_addresses_or_text():
    facts = {
        "name": "n",
        "facts": [],
        "fetch": "",
        "example": None,
        "url": "javascript:alert(1)",
        "boards": [],
        "systems": [],
        "measures": [],
        "biases": [],
    }
    text = page("collection.html.j2", "n", {**facts, "compare": None, "languages": [], "sampled": ""})
    assert "javascript:" not in text


@pytest.fixture
def pool(monkeypatch):
    """A pool of two documents and two questions that is on this machine."""
    from lapca_bench.collections import registry
    from lapca_bench.collections.base import CollectionCard, Policy
    from lapca_bench.collections.family import Presence
    from lapca_bench.run import Qrels
    from lapca_bench.types import Document, Query

    class Pool:
        card = CollectionCard(
            "pool/mixed", "pool", "Pool", "1", "free", "", "", Policy(("RR@10",)), ("de", "fi"), ("de", "fi")
        )
        fingerprint = "f"

        def documents(self):
            return (Document(f"d-{x}", "text", language=x) for x in ("de", "fi"))

        def queries(self):
            return [Query(f"{x}-0", "question", x) for x in ("de", "fi")]

        def relevance(self):
            return Qrels({f"{x}-0": {"d-de": 1, "d-fi": 1} for x in ("de", "fi")})

    monkeypatch.setattr(board, "_cards", lambda _: {"pool/mixed": Pool.card})
    monkeypatch.setattr(registry, "status", lambda _: Presence(True))
    monkeypatch.setattr(registry, "load", lambda *_: Pool())


def on_pool(system):
    result = made.result(system, "pool/mixed", 0.5, languages=("de", "fi"), queries=1)
    run = Run.from_dict(system, {"de-0": {"d-de": 1.0, "d-fi": 0.5}, "fi-0": {"d-de": 1.0, "d-fi": 0.9}})
    return replace(result, run=run)


def test_a_pool_shows_the_language_bias_of_every_system(pool, tmp_path):
    site = board.site_of(list(made.write(tmp_path, [on_pool("s")]).all()))
    assert site.left_out == []
    text = next(text for name, text in site.pages().items() if name.startswith("collections/pool-mixed"))
    assert "first document in the question&#39;s language</dt><dd>50.0 %" in text
    assert "LPR@" in text
    assert "Lang_nDCG@" in text
    assert "Complete@" in text
    rows = re.findall(r'<tr><th scope="row">(\w\w)</th>(.*?)</tr>', text)
    assert {x: re.findall(r">([\d.]+)<", cells) for x, cells in rows} == {
        "de": ["100.0", "50.0"],
        "fi": ["100.0", "50.0"],
    }


def test_a_result_of_another_version_of_a_pool_is_on_the_board_without_its_bias(pool, tmp_path):
    elsewhere = {"version": "1", "fingerprint": "other files"}
    older = {"version": "0", "fingerprint": "f"}
    foreign = made.result("foreign", "pool/mixed", 0.5, languages=("de", "fi"), queries=1)  # its documents are unknown
    others = [
        replace(on_pool("other"), provenance=Provenance({**on_pool("other").provenance, "collection": elsewhere})),
        replace(on_pool("older"), provenance=Provenance({**on_pool("older").provenance, "collection": older})),
    ]
    site = board.site_of(list(made.write(tmp_path, [on_pool("s"), foreign, *others]).all()))
    reasons = {line.split(" of ")[1].split(" on ")[0]: line.split(": ")[1] for line in site.left_out}
    assert reasons == {
        "foreign": "document 'd0' has no language",
        "other": "made from other files of the collection than those here",
        "older": "made from version 0, here is 1",
    }
    assert len(site.biases) == 1
    (found,) = site.boards[-1:]
    assert {e.system for e in found.entries} == {"s", "foreign", "other", "older"}


def test_kept_results_make_the_board_of_the_full_ones(stored, tmp_path):
    whole = group(stored, ("good", 0.8), ("bad", 0.4))
    keep(whole, tmp_path / "kept", 6)
    full, _ = pages_of(tmp_path / "results", tmp_path)
    before = {path.relative_to(full): path.read_text() for path in full.rglob("*") if path.is_file()}
    out, built = pages_of(tmp_path / "kept", tmp_path)
    after = {path.relative_to(out): path.read_text() for path in out.rglob("*") if path.is_file()}
    assert built.results == len(whole)
    said = "<dt>kept</dt><dd>6</dd>"  # the one thing that a page says of it
    assert before == {path: text.replace(said, "") for path, text in after.items()}
    assert sum(said in text for text in after.values()) == 2


def test_side_by_side_shows_the_first_documents_that_are_kept(stored, tmp_path):
    whole = group(stored, ("good", 0.8), ("bad", 0.4))
    keep(whole, tmp_path / "kept", 2)
    shown = [side_by_side(list(results)) for results in (whole, stored_results(tmp_path / "kept"))]
    names = [
        {s["key"]: [[page["documents"][d] for d in first] for first in s["top"]] for s in page["systems"]}
        for page in shown
    ]
    assert {key: [first[:2] for first in tops] for key, tops in names[0].items()} == names[1]
