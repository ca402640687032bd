"""Stored results for tests of boards: any number of systems on any collections, seeded, small, written by the store."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pandas as pd

from lapca_bench.digest import digest_texts
from lapca_bench.experiment.rescoring import means_of
from lapca_bench.run import Run
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import Result, ResultStore

HOSTILE = '<script>document.title="owned"</script>" onmouseover="x" \u202egnihtemos ' + "long " * 95


def result(
    system,
    collection,
    quality,
    *,
    languages=("de",),
    queries=40,
    seed=0,
    split="test",
    measures=("nDCG@10", "RR@10"),
    kind="dense",
    finished="2026-01-01T00:00:00+00:00",
    shared_ids=False,
):
    """A result whose per-query values scatter around `quality`; systems of one seed meet the same hard queries."""
    hard = np.random.default_rng(seed)
    own = np.random.default_rng(crc32(f"{system} {collection}".encode("utf-8", "surrogatepass")))
    rows, ranking = [], {}
    for language in languages:
        difficulty = hard.normal(0, 0.12, queries)
        for number in range(queries):
            query = f"q{number}" if shared_ids else f"{language}-{number}"
            base = quality + difficulty[number]
            for place, measure in enumerate(measures):
                value = float(np.clip(base + own.normal(0, 0.03) - 0.02 * place, 0, 1))
                rows.append((query, language, measure, value))
            ranking[query] = {f"d{(number * 7 + k * 3) % 50}": 1.0 - 0.1 * k for k in range(8)}
    frame = pd.DataFrame(rows, columns=["query", "language", "measure", "value"])
    return Result(
        key=digest_texts([system, collection, split, finished]),
        system=system,
        title=system,
        kind=kind,
        system_digest="0" * 64,
        collection=collection,
        split=split,
        languages=list(languages),
        aggregates=list(means_of(frame, measures, languages)),
        provenance=Provenance(
            {
                "finished": finished,
                "command": "lapca-bench run --system x",
                "commit": "abc",
                "versions": {"numpy": "2.4"},
                "depth": 100,
                "policy": {"average": "macro"},
                "collection": {
                    "version": "1",
                    "fingerprint": "f",
                    "queries": queries * len(languages),
                    "licence": "free",
                },
                "timings": {"encode documents": 3.0 + 10 * quality, "rank": 0.5, "score": 0.2, "total": 9.0},
                "encoded": 100,
                "reused": 0,
                "index_bytes": int(1e6 * (1 + quality)),
            }
        ),
        scores=frame,
        run=Run.from_dict(system, ranking),
    )


def write(root, results):
    """A store with these results."""
    store = ResultStore(root)
    for one in results:
        store.write(one)
    return store
