"""Results and collections as files that other tools read: TREC runs and judgements, TSV queries, JSONL documents."""

from __future__ import annotations

import json
from pathlib import Path

from lapca_bench.atomic import atomic_path
from lapca_bench.collections.base import Collection
from lapca_bench.errors import UsageError
from lapca_bench.run import Qrels
from lapca_bench.store.runs import write_qrels


def export_qrels(collection: Collection, path: Path) -> None:
    """Write the judgements in TREC format; raises `UsageError` for a collection that judges by answer strings."""
    relevance = collection.relevance()
    if not isinstance(relevance, Qrels):
        raise UsageError(
            f"{collection.card.name} has answer strings and no judgements of documents",
            remedy="score its runs with lapca-bench, which reads the passages",
        )
    write_qrels(relevance, path)


def export_queries(collection: Collection, path: Path) -> None:
    """Write one query per line: id, language, text, separated by tabs; white space inside a text becomes one blank."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", errors="replace") as out:
        for query in collection.queries():
            out.write(f"{query.id}\t{query.language}\t{' '.join(query.text.split())}\n")


def export_documents(collection: Collection, path: Path) -> None:
    """Write one JSON object per line: id, title, text, language."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        for document in collection.documents():
            record = {"id": document.id, "title": document.title, "text": document.text, "language": document.language}
            out.write(json.dumps(record) + "\n")
