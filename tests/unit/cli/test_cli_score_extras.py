"""`score` beyond a run and qrels: XOR-Retrieve's prediction files, tie bounds, Parquet runs; and `bias`."""

import json
import math

import pytest
from toys.cli import in_process

from lapca_bench.collections import registry
from lapca_bench.errors import InputError
from lapca_bench.run import Answers, Run
from lapca_bench.scoring.predictions import Prediction, budget_recall, macro, read_predictions
from lapca_bench.store.runs import write_parquet
from lapca_bench.types import Query

ANSWERS = Answers({"1": ("Paris",), "2": ("Rome", "yes"), "3": ("Oslo",), "4": ("yes",)})
LANGUAGES = {"1": "te", "2": "te", "3": "bn", "4": "bn"}


class Asked:
    """A collection of these questions."""

    split = "dev"

    def relevance(self):
        return ANSWERS

    def queries(self):
        return [Query(name, "?", language) for name, language in LANGUAGES.items()]


def recall(*predictions, budget=5):
    (found,) = budget_recall([Prediction(*p) for p in predictions], ANSWERS, LANGUAGES, [budget], str.split)
    return found


def test_official_leaves_out_what_is_not_predicted_and_strict_counts_it():
    found = recall(("1", "te", ("in Paris now",)), ("4", "bn", ("yes",)), ("9", "te", ("Paris",)))
    assert found.official == {"te": 1.0}
    assert found.strict == {"te": 0.5, "bn": 0.0}
    assert (macro(found.official), macro(found.strict)) == (1.0, 0.25)


def test_the_budget_cuts():
    passages = ("a b c d", "e Paris")
    assert recall(("1", "te", passages)).official == {"te": 0.0}
    assert recall(("1", "te", passages), budget=6).official == {"te": 1.0}


def test_duplicates_other_languages_and_strangers_are_refused():
    with pytest.raises(InputError, match="predicted more than once, such as '1'"):
        recall(("1", "te", ()), ("1", "te", ("Paris",)))
    with pytest.raises(InputError, match="predicted as 'bn', it is 'te'"):
        recall(("1", "bn", ("Paris",)))
    with pytest.raises(InputError, match="no prediction belongs"):
        recall(("9", "te", ("Paris",)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[{]", "not JSON"),
        (b"{}", "a list of predictions is needed, not dict"),
        (b'[{"id": "1", "lang": "te", "ctxs": ["a"]}, {"id": "2", "lang": "te"}]', "prediction 2 is not"),
        (b'[{"id": "1", "lang": "te", "ctxs": [{"text": "a"}]}]', "prediction 1 is not"),
    ],
)
def test_malformed_predictions_are_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_predictions(content, tmp_path / "p.json")


@pytest.fixture
def files(tmp_path):
    """Three documents in a tie, one of them relevant, and a run that lacks the second query."""
    (tmp_path / "a.run").write_text("".join(f"q1 Q0 d{i} {i} 1.0 a\n" for i in (1, 2, 3)))
    (tmp_path / "qrels").write_text("q1 0 d1 1\nq2 0 d9 1\n")
    return tmp_path


def test_tie_bounds_by_hand(files, capsys):
    done = in_process(
        "score", str(files / "a.run"), str(files / "qrels"), "--ties", "-m", "RR", "--json", capture=capsys
    )
    found = json.loads(done.out)
    expected = {"worst": 1 / 6, "expected": (1 + 1 / 2 + 1 / 3) / 6, "canonical": 1 / 6, "best": 1 / 2}
    assert found["measures"]["RR"] == pytest.approx(expected, abs=1e-12)
    assert (found["tied_results"], found["groups"], found["queries"]) == (3, 1, 1)
    shown = in_process("score", str(files / "a.run"), str(files / "qrels"), "--ties", "-m", "RR", capture=capsys)
    assert shown.out.splitlines()[1].split() == ["RR", "0.1667", "0.3056", "0.1667", "0.5000"]


def test_a_parquet_run_scores_like_its_trec_file(files, capsys):
    write_parquet(Run.from_dict("a", {"q1": {"d1": 1.0, "d2": 1.0, "d3": 1.0}}), files / "a.parquet")
    both = [
        in_process("score", str(files / name), str(files / "qrels"), capture=capsys).out
        for name in ("a.run", "a.parquet")
    ]
    assert both[0] == both[1]


@pytest.fixture
def pool(tmp_path):
    """Two questions, in German and French; each has one German and one French document."""
    rows = [{"id": f"{x}{i}", "text": "t", "lang": x} for x in ("de", "fr") for i in (1, 2)]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "queries.jsonl").write_text(
        '{"id": "q1", "text": "a", "lang": "de"}\n{"id": "q2", "text": "b", "lang": "fr"}\n'
    )
    (tmp_path / "qrels.txt").write_text("".join(f"q{i} 0 {x}{i} 1\n" for i in (1, 2) for x in ("de", "fr")))
    (tmp_path / "card.toml").write_text(
        'name = "pool"\nversion = "1"\nquery_languages = ["de", "fr"]\ndocument_languages = ["de", "fr"]\n'
        'measures = ["RR@20"]\n[documents]\npath = "corpus.jsonl"\nfields = { language = "lang" }\n'
        '[splits.test]\nqueries = { path = "queries.jsonl", fields = { language = "lang" } }\nqrels = "qrels.txt"\n'
    )
    (tmp_path / "a.run").write_text(
        "q1 Q0 de1 1 4 a\nq1 Q0 fr1 2 3 a\nq2 Q0 de2 1 4 a\nq2 Q0 de1 2 3 a\nq2 Q0 fr2 3 2 a\n"
    )
    return tmp_path


def test_language_bias_by_hand(pool, capsys):
    asked = ("bias", "-c", str(pool / "card.toml"), "--run", str(pool / "a.run"))
    found = json.loads(in_process(*asked, "--json", capture=capsys).out)
    assert found["retrieved"] == pytest.approx({"de": (1 / 2 + 2 / 3) / 2, "fr": (1 / 2 + 1 / 3) / 2})
    assert found["relevant"] == {"de": 0.5, "fr": 0.5}
    assert found["penalty"] == pytest.approx({"de": (-0.5 - 1.0) / 2, "fr": (0.5 + 1.0) / 2})
    assert found["same_language_first"] == 0.5
    assert found["matrix"]["values"] == {"de": {"de": 1.0, "fr": 0.5}, "fr": {"de": 1.0, "fr": pytest.approx(1 / 3)}}
    assert found["matrix"]["macro"] == pytest.approx((1 + 1 / 2 + 1 + 1 / 3) / 4)
    assert (found["lpr"], found["complete"], found["worst_rank"]) == (0.5, 1.0, 2.5)
    assert found["lang_ndcg"] == pytest.approx((1 + 2 / (2 + 1 / math.log2(3))) / 2)
    assert found["first"] == {
        "relevant_same": 0.5, "relevant_other": 0.5, "irrelevant_same": 0, "irrelevant_other": 0, "nothing": 0
    }  # fmt: skip
    shown = in_process(*asked, capture=capsys)
    assert "same language first  50.0%" in shown.out
    assert "\nMaxRank (Max@R)      2.5\n" in shown.out
    assert "\nrelevant        50.0%                       50.0%\n" in shown.out
    assert shown.code == 0


def test_bias_needs_one_run(pool, capsys):
    done = in_process("bias", "-c", str(pool / "card.toml"), capture=capsys)
    assert (done.code, "name one run" in done.err) == (2, True)


def test_predictions_of_no_question_are_told(tmp_path, monkeypatch, capsys):
    """The authors' script leaves them out without a word; so a typing error in an id looked like a missed question."""
    monkeypatch.setattr(registry, "load", lambda *_: Asked())
    monkeypatch.setattr("lapca_bench.scoring.answers.default_tokenizer", lambda: str.split)
    told = [{"id": name, "lang": "te", "ctxs": ["in Paris"]} for name in ("1", "x1", "x2", "x3", "x4")]
    (tmp_path / "p.json").write_text(json.dumps(told))
    done = in_process("score", str(tmp_path / "p.json"), "-c", "xor-retrieve/all", capture=capsys)
    assert done.code == 0, done.err
    assert "4 of 5 predictions belong to no question of xor-retrieve/all (dev)" in done.err
    assert "'x1', 'x2', 'x3', …" in done.err
    (tmp_path / "p.json").write_text(json.dumps(told[:1]))
    assert "belong" not in in_process("score", str(tmp_path / "p.json"), "-c", "xor-retrieve/all", capture=capsys).err
