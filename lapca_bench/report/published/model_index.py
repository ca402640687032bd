"""A system's measured results as the `model-index` of a model card, which lists task, data set and metrics."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lapca_bench.errors import UsageError
from lapca_bench.report.published.mteb_task import mteb_measure
from lapca_bench.store.results import StoredResult


def model_index(results: Sequence[StoredResult], name: str) -> str:
    """Metadata for the head of a model card: YAML between two lines of dashes (JSON, which YAML includes)."""
    listed = [
        {
            "task": {"type": "Retrieval"},
            "dataset": {
                "name": f"{result.collection} ({language})",
                "type": result.collection.partition("/")[0],
                "config": result.collection.partition("/")[2] or "default",
                "split": result.split,
                "revision": result.provenance.collection.version,
            },
            "metrics": [
                {"type": mteb_measure(a["measure"]) or a["measure"], "name": a["measure"], "value": 100 * a["mean"]}
                for a in result.aggregates
                if a["language"] == language and a["mean"] is not None
            ],
            "source": {"name": "lapca-bench", "url": f"lapca-bench result {result.key}"},
        }
        for result in results
        for language in result.languages
    ]
    if not listed:
        raise UsageError("no result to list", remedy="run an experiment first: lapca-bench run --help")
    index = [{"name": name, "results": listed}]
    return f"---\nmodel-index: {json.dumps(index, indent=2, ensure_ascii=False, allow_nan=False)}\n---\n"
