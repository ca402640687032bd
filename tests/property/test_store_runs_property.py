"""A run that is written and read back is ordered as before."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.run import Run
from lapca_bench.store.runs import read_parquet, read_trec, write_parquet, write_trec

IDS = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=6)
CLOSE = st.integers(0, 40).map(lambda step: float(np.float32(0.8) + np.float32(6e-8) * np.float32(step)))
SCORES = st.one_of(CLOSE, st.floats(width=32, allow_nan=False, allow_infinity=False))
RANKINGS = st.dictionaries(IDS, st.dictionaries(IDS, SCORES, min_size=1, max_size=8), max_size=4)


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [
        ("run.trec", write_trec, read_trec),
        ("run.trec.gz", write_trec, read_trec),
        ("run.parquet", write_parquet, read_parquet),
    ],
)
@given(ranking=RANKINGS)
def test_order_survives(name, write, read, ranking):
    run = Run.from_dict("run", ranking)
    with tempfile.TemporaryDirectory() as folder:
        write(run, Path(folder, name))
        again = read(Path(folder, name))
    assert list(again.rows()) == list(run.rows())
