"""The record of a result by name and type, and kept to the letter."""

import json
from pathlib import Path

import pytest

from lapca_bench.store.kept import stored_results
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import facts_of

SHIPPED = Path(__file__).parents[3] / "leaderboards" / "results"
RECORD = {
    "finished": "2026-11-29T10:00:00+00:00",
    "depth": 100,
    "kept": 10,
    "collection": {"name": "a/b", "version": "1", "fingerprint": "f", "queries": 7},
    "policy": {"measures": ["nDCG@10"], "average": "micro", "translations": "{query}"},
    "timings": {"encode documents": 3, "encode queries": 0.5, "rank": 0.25, "score": 0.1, "total": 4.0},
    "index_bytes": 12,
    "recall": {"recall": 0.9, "at": 10, "queries": 5},
    "of another release": [1, {"a": None}],
}


def test_what_others_rely_on_has_a_name():
    found = Provenance(RECORD)
    assert (found.finished, found.depth, found.kept, found.index_bytes) == (RECORD["finished"], 100, 10, 12)
    assert (found.encoded, found.reused) == (0, 0)
    assert (found.collection.version, found.collection.fingerprint, found.collection.queries) == ("1", "f", 7)
    assert (found.policy.measures, found.policy.average, found.policy.translations) == (
        ("nDCG@10",),
        "micro",
        "{query}",
    )
    assert (found.timings.encoding, found.timings.rank, found.timings.total) == (3.5, 0.25, 4.0)
    assert found.recall.recall == 0.9


def test_all_that_was_recorded_is_kept():
    assert dict(Provenance(RECORD)) == RECORD


def test_what_was_not_recorded():
    found = Provenance({})
    assert (found.depth, found.kept, found.recall, found.index_bytes, found.timings.encoding) == (None,) * 5
    assert (found.finished, found.collection.version, found.policy.measures) == ("", "", ())
    assert Provenance({"timings": {"rank": 1.0, "score": 0.5}}).timings.total == 1.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"depth": "100"},
        {"depth": True},
        {"finished": 3},
        {"collection": []},
        {"collection": {"version": 1}},
        {"policy": {"measures": [1]}},
        {"timings": {"rank": "fast"}},
        {"recall": {"recall": 0.5}},
    ],
    ids=str,
)
def test_an_entry_of_another_type_is_refused(wrong):
    with pytest.raises(ValueError, match="provenance: "):
        Provenance(wrong)


def test_records_of_shipped_results_are_read():
    found = list(stored_results(SHIPPED))
    assert found
    for result in found:
        again = json.loads(json.dumps(result.as_json()))
        assert dict(facts_of(again)["provenance"]) == dict(result.provenance)
        assert result.provenance.finished
        assert result.provenance.policy.measures
        assert result.provenance.timings.total > 0
