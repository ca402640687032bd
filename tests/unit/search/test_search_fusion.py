import pytest
from toys.search import ToyCollection, documents, queries

from lapca_bench.errors import UsageError
from lapca_bench.run import Run
from lapca_bench.search.fusion import FusionSystem, fuse
from lapca_bench.search.system import SystemIdentity


class Fixed:
    def __init__(self, name, ranking, notes=None):
        self.name = name
        self.identity = SystemIdentity("fixed", {"name": name})
        self._run = Run.from_dict(name, ranking)
        self._notes = notes or {}

    def search(self, collection, queries, k):
        run = self._run.cut(k)
        return Run(run.name, run.queries, run.offsets, run.codes, run.scores, run.vocabulary, self._notes)


def fused(method, weights, *rankings):
    runs = [Run.from_dict(str(i), {"q": ranking}) for i, ranking in enumerate(rankings)]
    return dict(fuse("fused", runs, method, [weights]).ranking("q"))


def test_reciprocal_ranks():
    found = fused("rrf", [1.0, 2.0], {"a": 9.0, "b": 8.0}, {"b": 0.2, "c": 0.1})
    assert found == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 2 / 61, "c": 2 / 62})


def test_interpolation_as_published():
    found = fused("interpolation", [1.0, 0.5], {"a": 10.0, "b": 5.0, "c": 0.0}, {"b": 3.0, "d": 1.0})
    # (s - (min + max) / 2) / (max - min); a document that a system lacks has that system's minimum, -1/2.
    assert found == pytest.approx({"a": 0.5 - 0.25, "b": 0.0 + 0.25, "c": -0.5 - 0.25, "d": -0.5 - 0.25})


def test_interpolation_of_a_constant_list():
    assert fused("interpolation", [1.0, 1.0], {"a": 3.0}, {"b": 2.0, "c": 2.0}) == pytest.approx(
        {"a": 0.0, "b": 0.0, "c": 0.0}
    )


@pytest.mark.parametrize("method", ["rrf", "interpolation"])
def test_a_system_that_found_nothing_changes_no_order(method):
    assert list(fused(method, [1.0, 1.0], {"a": 2.0, "b": 1.0}, {})) == ["a", "b"]


def test_ties_of_fused_scores_are_broken_by_id():
    assert list(fused("rrf", [1.0, 1.0], {"a": 1.0}, {"b": 1.0})) == ["b", "a"]


def test_weights_by_query_language():
    asked = [*queries("x", language="de"), *(query for query in queries("y", "z") if query.id == "q1")]
    ranking = {"q0": {"a": 1.0}, "q1": {"a": 1.0}}
    other = {"q0": {"b": 1.0}, "q1": {"b": 1.0}}
    system = FusionSystem([Fixed("one", ranking), Fixed("two", other)], "rrf", [1.0, 3.0], {"de": [3.0, 1.0]})
    run = system.search(ToyCollection(documents("x")), asked, 1)
    assert [run.ranking(query)[0][0] for query in ("q0", "q1")] == ["a", "b"]


@pytest.mark.parametrize(("weights", "languages"), [([1.0], None), ([], None), (None, {"de": [1.0, 2.0, 3.0]})])
def test_a_wrong_number_of_weights_is_refused(weights, languages):
    with pytest.raises(UsageError, match="weights for 2 systems"):
        FusionSystem([Fixed("one", {}), Fixed("two", {})], "rrf", weights, languages)


def test_costs_are_added_up():
    notes = {"timings": {"rank": 1.0}, "index_bytes": 5, "encoded": 2, "first_texts": {"query": "q: x"}}
    parts = [Fixed("one", {"q0": {"a": 1.0}}, notes), Fixed("two", {"q0": {"a": 1.0}}, {"timings": {"rank": 0.5}})]
    found = FusionSystem(parts).search(ToyCollection(documents("x")), queries("x"), 5).notes
    assert found["timings"] == {"rank": 1.5}
    assert (found["index_bytes"], found["encoded"]) == (5, 2)
    assert found["parts"]["one"] == {"first_texts": {"query": "q: x"}}


def test_identity_follows_method_weights_and_parts():
    one, two = Fixed("one", {}), Fixed("two", {})
    digests = {
        FusionSystem(parts, method, weights).identity.digest
        for parts in ([one, two], [two, one])
        for method in ("rrf", "interpolation")
        for weights in (None, [1.0, 2.0])
    }
    assert len(digests) == 8
