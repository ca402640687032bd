"""One set of assertions for every collection that is on this machine, whatever its source.

Of each family the contract is tried on `SAMPLE` subsets spread over its list; LAPCA_BENCH_CONTRACT=all tries every one.
"""

import json
import os
import subprocess
import sys

import pytest

from lapca_bench.collections import card, load, names, status
from lapca_bench.digest import digest_texts
from lapca_bench.run import Qrels

SAMPLE = 3


def present():
    chosen = []
    for family in dict.fromkeys(name.partition("/")[0] for name in names()):
        here = [name for name in names() if name.startswith(f"{family}/") and status(name).present]
        step = 1 if os.environ.get("LAPCA_BENCH_CONTRACT") == "all" else max(len(here) // SAMPLE, 1)
        chosen += here[::step]
    return chosen


PRESENT = present()


@pytest.fixture
def card_collection(tmp_path):
    """A collection that needs nothing fetched, so that the contract is tried everywhere."""
    (tmp_path / "corpus.jsonl").write_text('{"id": "b", "text": "x"}\n{"id": "a", "title": "T", "text": "y"}\n')
    (tmp_path / "queries.tsv").write_text("id\ttext\nq2\tone\nq1\ttwo\n")
    (tmp_path / "qrels.txt").write_text("q2 0 a 1\nq1 0 b 1\n")
    (tmp_path / "card.toml").write_text(
        'name = "tiny"\nquery_languages = ["de"]\ndocument_languages = ["en"]\n[documents]\npath = "corpus.jsonl"\n'
        '[splits.test]\nqueries = { path = "queries.tsv" }\nqrels = "qrels.txt"\n'
    )
    return load(str(tmp_path / "card.toml"))


def keep_the_contract(collection):
    facts = collection.card
    languages, ids, first = [], set(), []
    for document in collection.documents():
        assert document.id not in ids
        assert document.id
        assert not any(character.isspace() for character in document.id)
        assert document.content().strip(), document.id
        ids.add(document.id)
        first.append(f"{document.id}\n{document.content()}")
        if not languages or languages[-1] != document.language:
            languages.append(document.language)
    assert len(languages) == len(set(languages)), "documents of one language come one after the other"
    assert set(languages) == set(facts.document_languages)
    again = [f"{document.id}\n{document.content()}" for document in collection.documents()]
    assert digest_texts(first) == digest_texts(again)

    queries = list(collection.queries())
    assert queries == list(collection.queries())
    assert queries
    assert len({query.id for query in queries}) == len(queries)
    assert all(query.text.strip() and query.language in facts.query_languages for query in queries)

    relevance = collection.relevance()
    if isinstance(relevance, Qrels):
        assert set(relevance.judgements) <= {query.id for query in queries}
        for judged in relevance.judgements.values():
            assert judged.keys() <= ids
        if facts.policy.no_relevant == "zero":
            assert any(relevance.relevant(query.id) for query in queries)
    else:
        assert set(relevance.strings) <= {query.id for query in queries}


def test_a_card_keeps_the_contract(card_collection):
    keep_the_contract(card_collection)


@pytest.mark.parametrize("name", PRESENT)
def test_present_collections_keep_the_contract(name):
    keep_the_contract(load(name))


@pytest.mark.skipif(not PRESENT, reason="no collection is on this machine")
def test_fingerprints_are_stable_across_processes_and_different_between_collections():
    here = {name: load(name).fingerprint for name in PRESENT}
    code = (
        "import json, sys\nfrom lapca_bench.collections import load\n"
        "print(json.dumps({name: load(name).fingerprint for name in json.load(sys.stdin)}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(PRESENT),
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == here
    assert len(set(here.values())) == len(here)


@pytest.mark.parametrize("name", PRESENT[::2])
def test_splits_have_their_own_fingerprints(name):
    splits = card(name).splits
    assert len({load(name, split).fingerprint for split in splits[:3]}) == len(splits[:3])
