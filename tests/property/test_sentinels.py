"""Three systems whose numbers are known beforehand, on every kind of relevance: they catch a harness that flatters.

A scorer that gives every document the same score must get what the order of ids gives, whatever order documents came
in; a ranking handed over backwards must score as it did; random scores must find what chance finds. An example is 200
queries with 100 documents each, so the long profile draws a tenth as many of them as of other properties.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapca_bench.collections.base import Policy
from lapca_bench.run import Answers, Qrels, Run
from lapca_bench.scoring import score
from lapca_bench.types import Document, Query

DOCUMENTS = [f"d{i:03}" for i in range(100)]
QUERIES = [Query(f"q{i}", "text", ("de", "fr")[i % 2]) for i in range(200)]
TEXTS = {name: Document(name, f"word{i} filler") for i, name in enumerate(DOCUMENTS)}
# One relevant document per query, spread evenly over the ids.
RELEVANT = {query.id: DOCUMENTS[(7 * i) % 100] for i, query in enumerate(QUERIES)}
KINDS = {
    "judgements": (Qrels({query: {document: 1} for query, document in RELEVANT.items()}), ["R@10", "RR"]),
    "aligned sentences": (Qrels({query: {document: 1} for query, document in RELEVANT.items()}), ["Accuracy"]),
    "answers": (
        Answers({query: (f"word{DOCUMENTS.index(document)}",) for query, document in RELEVANT.items()}),
        ["AnswerRecall@10"],
    ),
}
TENTH = settings(max_examples=max(60, settings().max_examples // 10))


def values(run: Run, kind: str) -> dict[str, float]:
    relevance, measures = KINDS[kind]
    scores = score(run, relevance, measures, QUERIES, Policy(tuple(measures)), texts=TEXTS)
    return {measure: float(scores.frame.query("measure == @measure")["value"].mean()) for measure in scores.measures}


def ranked(scored: dict[str, dict[str, float]], backwards: bool = False) -> Run:
    if backwards:
        scored = {query: dict(reversed(found.items())) for query, found in reversed(scored.items())}
    made = Run.from_dict("sentinel", scored)
    return (
        made
        if not backwards
        else Run.from_dict("sentinel", {query.id: dict(made.ranking(query.id)) for query in QUERIES})
    )


@pytest.mark.parametrize("kind", list(KINDS))
@TENTH
@given(value=st.floats(-1e6, 1e6, width=32), shuffler=st.randoms(use_true_random=False))
def test_a_constant_score_gets_what_the_order_of_ids_gives(kind, value, shuffler):
    order = list(DOCUMENTS)
    shuffler.shuffle(order)
    run = ranked({query.id: dict.fromkeys(order, value) for query in QUERIES})
    places = {document: 99 - i for i, document in enumerate(DOCUMENTS)}  # descending ids: the last one comes first
    found = [places[document] for document in RELEVANT.values()]
    expected = {
        "judgements": [np.mean([place < 10 for place in found]), np.mean([1 / (place + 1) for place in found])],
        "aligned sentences": [np.mean([place == 0 for place in found])],
        "answers": [np.mean([place < 10 for place in found])],
    }[kind]
    assert list(values(run, kind).values()) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", list(KINDS))
@TENTH
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_insertion_takes_no_part(kind, seed):
    draw = np.random.default_rng(seed)
    scored = {query.id: dict(zip(DOCUMENTS, draw.integers(0, 9, 100).tolist(), strict=True)) for query in QUERIES}
    assert values(ranked(scored), kind) == values(ranked(scored, backwards=True), kind)


@pytest.mark.parametrize("kind", list(KINDS))
def test_random_scores_find_what_chance_finds(kind):
    """Of 100 documents one is relevant: R@10 = 0.1, accuracy 0.01, reciprocal rank H(100)/100, within 4 deviations."""
    draw = np.random.default_rng(8)
    scored = {query.id: dict(zip(DOCUMENTS, draw.random(100).tolist(), strict=True)) for query in QUERIES}
    chance = {"R@10": 0.1, "AnswerRecall@10": 0.1, "Accuracy": 0.01, "RR": sum(1 / i for i in range(1, 101)) / 100}
    for measure, value in values(ranked(scored), kind).items():
        expected = chance[measure]
        deviation = np.sqrt(expected * (1 - expected) / len(QUERIES))
        assert abs(value - expected) < 4 * deviation, (measure, value)
