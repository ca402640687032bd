"""A card's bitext prompt is used where translations are sought, and nowhere else; the row says what was used."""

import json

import pytest
from toys.checkpoints import write_checkpoint
from toys.cli import in_process

from lapca_bench.experiment.prompts import prompts_of
from lapca_bench.report.comparison import comparison
from lapca_bench.search import registry
from lapca_bench.search.workspace import Workspace
from lapca_bench.store.kept import stored_results

pytest.importorskip("torch")
pytest.importorskip("transformers")

HEAD = 'name = "{name}"\ntitle = "T"\nkind = "{kind}"\nlicence = "MIT"\ncitation = "c"\nurl = "u"\nlanguages = ["*"]\n'
MARGIN = HEAD.format(name="with-margin", kind="margin") + '[margin]\nsystem = "{dense}"\n'
COLLECTION = """name = "{name}"
query_languages = {asked}
document_languages = ["en"]
measures = ["Accuracy"]
{task}
[documents]
path = "corpus.jsonl"
[splits.test]
qrels = "qrels.txt"
queries = {{ path = "queries.jsonl", fields = {{ language = "lang" }} }}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path / "model", "bert")
    return tmp_path


def card(folder, name, **prompts):
    table = {"checkpoint": str(folder / "model"), "pooling": "mean", "query_max_length": 16, "document_max_length": 16}
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"type": "transformer", **table, **prompts}.items()]
    path = folder / f"{name}.toml"
    path.write_text(HEAD.format(name=name, kind="dense") + "[encoder]\n" + "\n".join(lines))
    return str(path)


def collection(folder, name, task="", asked=("de", "fr"), pairs=12):
    """Sentences of every language of `asked`, each with its translation among the English ones."""
    place = folder / name
    place.mkdir()
    words = ["cat", "sat", "mat", "the"]
    texts = [f"{words[i % 4]} {words[i // 4]} {'abcdefghijkl'[i]}" for i in range(12)]
    (place / "corpus.jsonl").write_text(
        "".join(json.dumps({"id": f"e{i}", "text": t}) + "\n" for i, t in enumerate(texts))
    )
    rows = [(f"{x}{i}", texts[i] + " " + x, x, f"e{i}") for x in asked for i in range(pairs)]
    told = [json.dumps({"id": name, "text": text, "lang": language}) + "\n" for name, text, language, _ in rows]
    (place / "queries.jsonl").write_text("".join(told))
    (place / "qrels.txt").write_text("".join(f"{name} 0 {found} 1\n" for name, _, _, found in rows))
    (place / "card.toml").write_text(COLLECTION.format(name=name, asked=json.dumps(asked), task=task))
    return str(place / "card.toml")


def settings(path, task):
    return registry.build_system(path, Workspace(), task).identity.settings["encoder"]


def test_a_retrieval_identity_knows_nothing_of_the_bitext_prompt(here):
    plain = card(here, "plain", query_prompt="query: ", document_prompt="passage: ")
    both = card(here, "both", query_prompt="query: ", document_prompt="passage: ", bitext_prompt="")
    none = card(here, "none")
    assert settings(plain, "retrieval") == settings(both, "retrieval") == settings(plain, "bitext")
    assert settings(both, "bitext") == settings(none, "retrieval")  # so that vectors are shared, too
    assert settings(both, "bitext") != settings(both, "retrieval")


def test_the_collection_says_which_prompts_are_used_and_the_row_which_were(here, capsys):
    path = card(here, "mine", query_prompt="query: ", document_prompt="passage: ", bitext_prompt="the ")
    bare = card(here, "bare")
    retrieval, bitext = collection(here, "seek"), collection(here, "pairs", 'task = "bitext"')
    asked = ["run", "-q", "-s", path, "-s", bare]
    for name in (retrieval, bitext):
        asked += ["-c", name]
    assert in_process(*asked, capture=capsys).code == 0
    stored = {(r.system, r.collection): r for r in stored_results(here / "lapca-results")}
    assert stored["mine", "files/seek"].provenance.prompts == {"mine": ("query: ", "passage: ")}
    assert stored["mine", "files/pairs"].provenance.prompts == {"mine": ("the ", "the ")}
    assert stored["mine", "files/pairs"].provenance["first_texts"] == {
        "query": "the cat cat a de",
        "document": "the cat cat a",
    }
    assert stored["mine", "files/seek"].system_digest != stored["mine", "files/pairs"].system_digest
    assert stored["bare", "files/seek"].system_digest == stored["bare", "files/pairs"].system_digest
    shown = comparison([stored["mine", "files/pairs"], stored["bare", "files/pairs"]])
    assert 'Prompts before texts: mine "the "; bare none.' in shown.notes
    assert not any("Prompts" in note for note in comparison([stored["mine", "files/seek"]]).notes)


def test_systems_made_of_a_dense_one_are_prompted_as_it_is(here):
    path = card(here, "mine", query_prompt="query: ", bitext_prompt="the ")
    (here / "margin.toml").write_text(MARGIN.format(dense=path))
    made = [registry.build_system(str(here / "margin.toml"), Workspace(), task) for task in ("retrieval", "bitext")]
    assert [prompts_of(system) for system in made] == [{"mine": ["query: ", ""]}, {"mine": ["the ", "the "]}]
    assert made[0].identity.digest != made[1].identity.digest


def test_bitext_scores_several_languages_one_by_one_with_the_bitext_prompt(here, capsys):
    """Each language has what a collection of its own would give."""
    path = card(here, "mine", query_prompt="query: ", document_prompt="passage: ", bitext_prompt="")
    asked = ["bitext", "--json", "-s", path, "-c"]
    together = json.loads(in_process(*asked, collection(here, "both"), capture=capsys).out)
    alone = {
        x: json.loads(in_process(*asked, collection(here, x, asked=[x]), capture=capsys).out) for x in ("de", "fr")
    }
    assert len(together) == 2
    for language, found in alone.items():
        (scores,) = found.values()
        (name,) = (name for name in together if name.endswith(f"({language}-en)"))
        assert together[name] == scores
        assert scores["pairs"] == 12
    bare = card(here, "bare")
    unprompted = json.loads(
        in_process("bitext", "--json", "-s", bare, "-c", str(here / "de/card.toml"), capture=capsys).out
    )
    assert unprompted == alone["de"]


def test_bitext_says_when_sides_do_not_match_one_to_one(here, capsys):
    path = card(here, "mine")
    done = in_process("bitext", "-s", path, "-c", collection(here, "fewer", pairs=10), capture=capsys)
    assert done.code == 0, done.err
    assert "10 pairs of 10 and 12 sentences do not match one to one, so pairs were mined" in done.err


def test_a_gold_pair_of_a_sentence_that_is_not_there_is_refused(here, capsys):
    name = collection(here, "broken")
    with (here / "broken" / "qrels.txt").open("a") as out:
        out.write("de0 0 e99 1\n")
    done = in_process("bitext", "-s", card(here, "mine"), "-c", name, capture=capsys)
    assert done.code == 1
    assert "'e99'" in done.err
