"""Jobs as the command line runs them: outcomes as they end, cut runs, a forecast."""

from __future__ import annotations

import numpy as np
import pytest
from toys.cli import write_collection

from lapca_bench.api import Job, evaluate
from lapca_bench.encoders.adapt import adapt
from lapca_bench.experiment import spec
from lapca_bench.experiment.systems import SystemFactory
from lapca_bench.search.workspace import Workspace


class Lengths:
    """Two numbers per text."""

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([[len(text), text.count("a") + 1.0] for text in texts], dtype=np.float32)


@pytest.fixture
def card(tmp_path):
    return str(write_collection(tmp_path / "data"))


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "cache")


def test_outcomes_are_told_as_they_end_and_runs_are_cut(tmp_path, card, workspace):
    told = []

    def tell(outcome, number, total):
        told.append((outcome.state, number, total, round(outcome.mean, 3)))

    asked = {"results": tmp_path / "r", "keep": 3, "workspace": workspace}
    evaluation = evaluate([Lengths()], [card], on_outcome=tell, **asked)
    (outcome,) = evaluation.outcomes
    assert outcome.result.provenance.kept == 3
    evaluate([Lengths()], [card], on_outcome=tell, **asked)
    assert told == [("new", 1, 1, told[0][3]), ("reused", 1, 1, told[0][3])]
    names = [measure for _, measure in evaluation.tables(("RR@10", "nDCG@10"))]
    assert names == ["RR@10", "nDCG@10"]


def test_a_forecast_says_what_is_missing_and_what_cannot_run(tmp_path, card, workspace):
    systems = SystemFactory.of([adapt(Lengths())], workspace)
    wanted = spec.build({"systems": systems.names, "collections": (card,)})
    job = Job.of(wanted, tmp_path / "r", systems=systems)
    (before,) = job.forecast().cells
    assert (before.state, before.cost.stored) == ("to run", 0)
    assert before.cost.missing == job.forecast().total.missing > 0
    assert job.run().failed == 0
    (after,) = job.forecast().cells
    assert (after.state, after.cost.missing) == ("stored", 0)
