"""What the fault tests share: a small result in a store."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lapca_bench.run import Run
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import Result, ResultStore


def toy_result(key: str = "k" * 64, system: str = "toy", value: float = 0.5, run: Run | None = None) -> Result:
    """One query with one document, scored by one measure."""
    return Result(
        key=key,
        system=system,
        title="Toy",
        kind="dense",
        system_digest="d",
        collection="family/subset",
        split="test",
        languages=["en"],
        aggregates=[{"measure": "nDCG@10", "language": "", "mean": value, "queries": 1}],
        provenance=Provenance({"timings": {}}),
        scores=pd.DataFrame({"query": ["q"], "language": ["en"], "measure": ["nDCG@10"], "value": [value]}),
        run=run or Run.from_dict(system, {"q": {"a": 1.0}}),
    )


def write_result(root: Path, value: float = 0.5, run: Run | None = None) -> Path:
    """One result, always under the same key; returns its folder."""
    return ResultStore(root).write(toy_result(value=value, run=run or Run.from_dict("toy", {"q": {"a": value}})))
