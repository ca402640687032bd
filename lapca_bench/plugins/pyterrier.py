"""PyTerrier: `for_pyterrier("me5-small-q4", "help-pages/de-en") >> ...`, and `from_pyterrier(pipeline)` here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lapca_bench.collections import registry as collections
from lapca_bench.collections.base import Collection
from lapca_bench.digest import digest_value
from lapca_bench.errors import InputError
from lapca_bench.experiment.systems import SystemFactory
from lapca_bench.extras import need
from lapca_bench.run import Run
from lapca_bench.search.system import SystemIdentity
from lapca_bench.types import Query

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("qid", "query", "docno", "score", "rank")


def for_pyterrier(system: object, collection: str, depth: int | None = None) -> Any:
    """A retriever of PyTerrier: topics (qid, query) in, results (qid, query, docno, score, rank) out.

    `system` is what `evaluate` takes; it searches `collection`, `depth` documents a query (default: the collection's).
    """
    transformer = need("pyterrier", "pyterrier").Transformer
    factory = SystemFactory.of([system])
    loaded = collections.load(collection)
    made = factory(factory.names[0], loaded.card.policy.task)
    languages = {query.id: query.language for query in loaded.queries()}
    first = loaded.card.query_languages[0] if loaded.card.query_languages else ""

    class LapcaRetriever(transformer):  # type: ignore[misc, valid-type]
        """A system of lapca-bench on one collection."""

        def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
            """The results of all topics."""
            import pandas as pd

            topics = dict(zip(inp["qid"].astype(str), inp["query"].astype(str), strict=True))
            asked = [Query(qid, text, languages.get(qid, first)) for qid, text in topics.items()]
            run = made.search(loaded, asked, depth or loaded.card.policy.depth)
            rows = [
                (qid, topics[qid], document, score, rank)
                for qid in topics
                for rank, (document, score) in enumerate(run.ranking(qid))
            ]
            return pd.DataFrame(rows, columns=list(_COLUMNS))

        def __repr__(self) -> str:
            return f"lapca_bench({made.name!r}, {collection!r})"

    return LapcaRetriever()


class FromPyTerrier:
    """A pipeline of PyTerrier as a system; see `from_pyterrier`."""

    def __init__(self, pipeline: Any, name: str, version: str) -> None:
        self.name = name
        self._pipeline = pipeline
        self._version = version

    @property
    def identity(self) -> SystemIdentity:
        """The pipeline as it describes itself, and the stated version: what it searches is not known here."""
        about = {"pipeline": digest_value({"text": repr(self._pipeline)}), "version": self._version}
        return SystemIdentity("pyterrier", about)

    def search(self, collection: Collection, queries: Sequence[Query], k: int) -> Run:
        """The pipeline's results for these queries; raises `InputError` where it returns none of a ranking."""
        import pandas as pd

        topics = pd.DataFrame({"qid": [q.id for q in queries], "query": [q.text for q in queries]})
        found = self._pipeline.transform(topics)
        lacking = {"qid", "docno", "score"} - set(found.columns)
        if lacking:
            message = f"{self.name}: the pipeline returns no {', '.join(sorted(lacking))}"
            raise InputError(message, remedy="end it with a stage that ranks documents")
        places = {query.id: row for row, query in enumerate(queries)}
        rows = [places[str(qid)] for qid in found["qid"]]
        documents = [str(document) for document in found["docno"]]
        scores = [float(score) for score in found["score"]]
        del collection  # a pipeline brings its own index
        return Run.from_columns(self.name, list(places), rows, documents, scores).cut(k)


def from_pyterrier(pipeline: Any, name: str, *, version: str) -> FromPyTerrier:
    """A PyTerrier pipeline from topics to results, for `evaluate`.

    Its index is that of the collection's own documents, by their ids. `version` changes when the pipeline or its index
    does: stored results are found by it.
    """
    return FromPyTerrier(pipeline, name, version)
