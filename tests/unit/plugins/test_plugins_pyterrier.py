"""Systems inside PyTerrier and its pipelines here, where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from toys.cli import write_collection, write_encoder

import lapca_bench as lb
from lapca_bench.errors import InputError
from lapca_bench.plugins.pyterrier import for_pyterrier, from_pyterrier
from lapca_bench.search.workspace import Workspace


def evaluated(tmp_path: Path, systems: Any) -> Any:
    return lb.evaluate(
        systems,
        [str(tmp_path / "data" / "card.toml")],
        results=tmp_path / "results",
        workspace=Workspace(cache=tmp_path / "cache"),
    )


def test_there_and_back_again_the_scores_are_the_same(tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("pyterrier")
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    card = str(write_collection(tmp_path / "data"))
    name = write_encoder(tmp_path)
    retriever = for_pyterrier(name, card)
    found = retriever.transform(pd.DataFrame({"qid": ["de-0", "fr-1"], "query": ["river stone", "lamp"]}))
    assert list(found.columns) == ["qid", "query", "docno", "score", "rank"]
    assert found.groupby("qid").size().tolist() == [20, 20]
    evaluation = evaluated(tmp_path, [name, from_pyterrier(retriever % 20, "back", version="1")])
    ours, back = (outcome.mean for outcome in evaluation.outcomes)
    assert ours == pytest.approx(back)


class Pipeline:
    """Anything with `transform` from topics to results."""

    def __init__(self, **columns: Any) -> None:
        self.columns = columns

    def transform(self, topics: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"qid": topics["qid"], **self.columns})


def test_a_pipeline_is_a_system_found_again_by_its_version(tmp_path: Path) -> None:
    write_collection(tmp_path / "data")
    first = from_pyterrier(Pipeline(docno="d00", score=1.0), "mine", version="1")
    assert [outcome.state for outcome in evaluated(tmp_path, [first]).outcomes] == ["new"]
    again = from_pyterrier(first._pipeline, "mine", version="2")
    assert again.identity.digest != first.identity.digest
    with pytest.raises(InputError, match="returns no docno, score"):
        evaluated(tmp_path, [from_pyterrier(Pipeline(), "bare", version="1")])
