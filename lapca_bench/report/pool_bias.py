"""The language bias of a run, with the languages of its documents looked up in its collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lapca_bench.collections.base import Collection
from lapca_bench.errors import UsageError
from lapca_bench.experiment.rescoring import within_kept
from lapca_bench.run import Qrels, Run
from lapca_bench.store.results import StoredResult

if TYPE_CHECKING:
    from lapca_bench.scoring.bias import LanguageBias

MEASURE = "RR@20"
FIRST = 20


def pool_bias(run: Run, collection: Collection, measure: str | None = None, first: int = FIRST) -> LanguageBias:
    """The language bias of `run` in its first documents; `measure` fills the matrix.

    Raises `UsageError` where the collection is judged by answers: then no document is relevant in itself.
    """
    from lapca_bench.scoring.bias import language_bias

    relevance = collection.relevance()
    if not isinstance(relevance, Qrels):
        raise UsageError(
            f"{collection.card.name} is judged by answers", remedy="choose a collection with relevance judgements"
        )
    wanted = {*run.vocabulary.tolist(), *(d for graded in relevance.judgements.values() for d in graded)}
    languages = {document.id: document.language for document in collection.documents() if document.id in wanted}
    return language_bias(run, relevance, collection.queries(), languages, k=first, measure=measure or MEASURE)


def bias_of_result(
    result: StoredResult, collection: Collection, measure: str | None = None, first: int = FIRST
) -> LanguageBias:
    """The language bias of a stored run, looking no deeper than it was kept.

    Raises `UsageError` where `measure` looks deeper, and as `pool_bias` does.
    """
    kept = result.provenance.kept
    if kept is None:
        return pool_bias(result.run, collection, measure, first)
    if measure is not None and not within_kept(result, measure):
        raise UsageError(
            f"{measure} looks deeper than the {kept} documents per query that are kept",
            remedy=f"make the full run again: lapca-bench board rerun -s {result.system} -c {result.collection}",
        )
    first = min(first, kept)
    return pool_bias(result.run, collection, measure or f"RR@{first}", first)
