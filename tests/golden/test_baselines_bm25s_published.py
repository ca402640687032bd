"""System `bm25s` gives the values that MTEB published for `baseline-bm25s` on XQuADRetrieval."""

import json
import os
from pathlib import Path

import pytest

from lapca_bench.collections.xquad import LANGUAGES, XQUAD_RETRIEVAL
from lapca_bench.scoring.aggregation import aggregate
from lapca_bench.scoring.scorer import score
from lapca_bench.search.registry import Workspace, build_system

pytest.importorskip("bm25s")
DATA = os.environ.get("LAPCA_BENCH_DATA")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        DATA is None or not Path(DATA, "xquad").is_dir() or not Path(DATA, "mteb-results").is_dir(),
        reason="LAPCA_BENCH_DATA names no folder with xquad and mteb-results",
    ),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_system_reproduces_the_published_value(tmp_path, language):
    content = json.loads(Path(DATA, "mteb-results/bm25s-0_1_10/XQuADRetrieval.json").read_text())
    published = {row["hf_subset"]: row["ndcg_at_10"] for row in content["scores"]["validation"]}
    collection = XQUAD_RETRIEVAL.load(language)
    queries = collection.queries()
    run = build_system("bm25s", Workspace(tmp_path)).search(collection, queries, 10)
    scores = score(run, collection.relevance(), ["nDCG@10"], queries, collection.card.policy, engine="numpy")
    assert aggregate(scores)["nDCG@10"].macro == pytest.approx(published[language], abs=1e-5)
