"""One process that reads a TREC run and judgements, scores them per query with one library, and prints the means."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

MEASURES = {"RR@10": "mrr@10", "nDCG@10": "ndcg@10", "R@1000": "recall@1000"}  # ranx's names

PerQuery = Mapping[str, Mapping[str, float]]  # by measure, by query


def ours(run: str, qrels: str) -> PerQuery:
    """lapca_bench, as `lapca-bench score` does it."""
    from lapca_bench.scoring import score_files
    from lapca_bench.store.runs import read_qrels, read_trec

    scores = score_files(read_trec(Path(run)), read_qrels(Path(qrels)), list(MEASURES))
    return {name: scores.values(name).to_dict() for name in MEASURES}


def ir_measures(run: str, qrels: str) -> PerQuery:
    """ir_measures with its own choice of providers."""
    import ir_measures as library

    measures = {str(measure): measure for measure in map(library.parse_measure, MEASURES)}
    found: dict[str, dict[str, float]] = {name: {} for name in MEASURES}
    for metric in library.iter_calc(measures.values(), library.read_trec_qrels(qrels), library.read_trec_run(run)):
        found[str(metric.measure)][metric.query_id] = metric.value
    return found


def pytrec_eval(run: str, qrels: str) -> PerQuery:
    """pytrec_eval. It has no cut-off for the reciprocal rank, so the run is cut at 10 for it, as its users do."""
    import pytrec_eval as library

    with Path(run).open() as lines:
        ranking = library.parse_run(lines)
    with Path(qrels).open() as lines:
        judgements = library.parse_qrel(lines)
    deep = library.RelevanceEvaluator(judgements, {"ndcg_cut.10", "recall.1000"}).evaluate(ranking)
    short = {
        query: dict(sorted(documents.items(), key=lambda item: (item[1], item[0]), reverse=True)[:10])
        for query, documents in ranking.items()
    }
    reciprocal = library.RelevanceEvaluator(judgements, {"recip_rank"}).evaluate(short)
    return {
        "RR@10": {query: values["recip_rank"] for query, values in reciprocal.items()},
        "nDCG@10": {query: values["ndcg_cut_10"] for query, values in deep.items()},
        "R@1000": {query: values["recall_1000"] for query, values in deep.items()},
    }


def ranx(run: str, qrels: str) -> PerQuery:
    """Ranx, from files to per-query scores."""
    import ranx as library

    ranking = library.Run.from_file(run, kind="trec")
    library.evaluate(library.Qrels.from_file(qrels, kind="trec"), ranking, list(MEASURES.values()))
    return {name: dict(ranking.scores[theirs]) for name, theirs in MEASURES.items()}


LIBRARIES: dict[str, Callable[[str, str], PerQuery]] = {
    "ours": ours,
    "ir_measures": ir_measures,
    "pytrec_eval": pytrec_eval,
    "ranx": ranx,
}


def main() -> None:
    """`python -m benchmarks.scoring_one LIBRARY RUN QRELS`."""
    library, run, qrels = sys.argv[1:]
    found = LIBRARIES[library](run, qrels)
    print(json.dumps({name: sum(map(float, values.values())) / len(values) for name, values in found.items()}))


if __name__ == "__main__":
    main()
