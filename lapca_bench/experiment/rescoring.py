"""Scoring a run with what its measures need of the collection, and the means that are stored with its scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lapca_bench.collections.base import Collection, document_texts
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import Scores, parse, score
from lapca_bench.scoring.aggregation import aggregate_frame
from lapca_bench.scoring.scorer import Engine
from lapca_bench.store.results import Facts, StoredMean
from lapca_bench.types import Document

if TYPE_CHECKING:
    import pandas as pd


def within_kept(stored: Facts, measure: str) -> bool:
    """Whether the stored run holds all that `measure` looks at; one that was cut (`keep`) may not."""
    kept, depth = stored.provenance.kept, parse(measure).depth
    return kept is None or (depth is not None and depth <= kept)


def score_run(
    run: Run,
    collection: Collection,
    measures: Sequence[str],
    documents: set[str] | None = None,
    engine: Engine = "ranx",
) -> Scores:
    """Score a run with what its measures need: texts for answers, languages of documents for fairness.

    `documents`, all ids of the collection, are given for a run of unknown origin: others are then refused.
    """
    needs = {need for measure in measures for need in parse(measure).needs}
    texts: Mapping[str, Document] | None = None
    languages: Mapping[str, str] | None = None
    retrieved = set(run.vocabulary.tolist())
    if "texts" in needs:
        texts = document_texts(collection, retrieved)
    if "document languages" in needs:
        relevance = collection.relevance()
        judged = relevance.judgements.values() if isinstance(relevance, Qrels) else ()
        wanted = retrieved.union(*(graded.keys() for graded in judged))
        languages = {document.id: document.language for document in collection.documents() if document.id in wanted}
    return score(
        run,
        collection.relevance(),
        measures,
        collection.queries(),
        collection.card.policy,
        texts=texts,
        document_languages=languages,
        documents=documents,
        engine=engine,
    )


def means_of(frame: pd.DataFrame, measures: Iterable[str], languages: Sequence[str]) -> Iterator[StoredMean]:
    """Means of scores per language, then over languages ("": macro) and over queries ("*": micro)."""
    for measure in measures:
        found = aggregate_frame(frame[frame["measure"] == measure], measure, languages)
        for language, mean in found.means.items():
            yield {"measure": found.measure, "language": language, "mean": mean, "queries": found.queries[language]}
        queries = sum(found.queries.values())
        if list(found.means) != [""]:
            yield {"measure": found.measure, "language": "", "mean": found.macro, "queries": queries}
        yield {"measure": found.measure, "language": "*", "mean": found.micro, "queries": queries}
