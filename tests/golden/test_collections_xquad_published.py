"""bm25s on `xquad-retrieval` gives MTEB's published `baseline-bm25s` values: documents, queries and gold are MTEB's.

In Chinese most scores are zero, and the published value comes out because the paragraph ids, which order ties, are
MTEB's as well.
"""

import json
import math
import os
from pathlib import Path

import pytest

from lapca_bench.collections.xquad import LANGUAGES, XQUAD_RETRIEVAL
from lapca_bench.run import Run

bm25s = pytest.importorskip("bm25s")
Stemmer = pytest.importorskip("Stemmer")
DATA = os.environ.get("LAPCA_BENCH_DATA")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        DATA is None or not Path(DATA, "xquad").is_dir() or not Path(DATA, "mteb-results").is_dir(),
        reason="LAPCA_BENCH_DATA names no folder with xquad and mteb-results",
    ),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_bm25s_reproduces_the_published_value(language):
    content = json.loads(Path(DATA, "mteb-results/bm25s-0_1_10/XQuADRetrieval.json").read_text())
    published = {row["hf_subset"]: row["ndcg_at_10"] for row in content["scores"]["validation"]}
    collection = XQUAD_RETRIEVAL.load(language)
    documents, queries = list(collection.documents()), collection.queries()
    stemmer = Stemmer.Stemmer("english")

    def tokens(texts):
        return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)

    index = bm25s.BM25()
    index.index(tokens([document.text for document in documents]), show_progress=False)
    places, scores = index.retrieve(tokens([query.text for query in queries]), k=len(documents), show_progress=False)
    run = Run.from_columns(
        "bm25s",
        [query.id for query in queries],
        [i for i in range(len(queries)) for _ in documents],
        [documents[place].id for row in places for place in row],
        scores.ravel(),
    ).cut(10)
    gain = sum(
        1 / math.log2(rank + 1)
        for query, document, _, rank in run.rows()
        if document in collection.relevance().relevant(query)
    )
    assert gain / len(queries) == pytest.approx(published[language], abs=1e-5)
