"""XQuAD-R at full depth gives the authors' AP (sklearn's); AP@1000 keeps to the bound that its documentation states."""

import os
from pathlib import Path

import numpy as np
import pytest

from lapca_bench.collections.sentence_pools.lareqa import POOL_DEPTH, XQUAD_R
from lapca_bench.run import Qrels, Run
from lapca_bench.scoring.scorer import score

metrics = pytest.importorskip("sklearn.metrics")
DATA = os.environ.get("LAPCA_BENCH_DATA")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        DATA is None or not Path(DATA, "lareqa-xquad-r").is_dir(),
        reason="LAPCA_BENCH_DATA names no folder with lareqa-xquad-r",
    ),
]


def test_full_depth_is_the_authors_value_and_the_cut_is_bounded():
    collection = XQUAD_R.load("th-mixed")
    documents = [document.id for document in collection.documents()]
    place = {name: i for i, name in enumerate(documents)}
    queries = list(collection.queries())[:40]
    judged = {query.id: collection.relevance().judgements[query.id] for query in queries}
    random = np.random.default_rng(1)
    scores = random.standard_normal((len(queries), len(documents))).astype(np.float32)
    expected, beyond = [], []
    for row, query in zip(scores, queries, strict=True):
        targets = [place[name] for name in judged[query.id]]
        row[targets] += random.choice([0, 1, 3], len(targets))
        truth = np.zeros(len(documents))
        truth[targets] = 1
        expected.append(metrics.average_precision_score(truth, row))
        beyond.append(sum(int((row > row[target]).sum()) >= POOL_DEPTH for target in targets))
    run = Run.from_columns(
        "random",
        [query.id for query in queries],
        np.repeat(np.arange(len(queries)), len(documents)),
        documents * len(queries),
        scores.ravel(),
    )
    scored = score(run, Qrels(judged), ["AP", "AP@1000"], queries, collection.card.policy, engine="numpy")
    full, cut = (scored.values(m).loc[[query.id for query in queries]].to_numpy() for m in ("AP", "AP@1000"))
    assert full == pytest.approx(expected, abs=1e-9)
    assert max(beyond) > 0
    assert (full - cut >= 0).all()
    assert (full - cut <= np.array(beyond) / (POOL_DEPTH + 1)).all()
