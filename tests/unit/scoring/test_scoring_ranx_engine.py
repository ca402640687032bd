"""ranx's functions as Python reads them and as numba compiles them: one value, whichever is used."""

import os
import subprocess
import sys

import numpy as np
import pytest

from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import parse, ranx_engine, ranx_functions, score_files
from lapca_bench.scoring.judged import join

MEASURES = ["nDCG@10", "nDCG_exp@5", "nDCG", "RR@10", "RR", "R@20", "R_cap@3", "Success@2", "P@5", "AP", "AP@10",
            "AP_cap@4", "Accuracy", "AP(rel=2)", "P(rel=2,judged_only=True)@5"]  # fmt: skip


def graded_run():
    random = np.random.default_rng(11)
    lists = {
        f"q{i}": {f"d{document}": float(random.integers(20)) for document in random.choice(60, size=i, replace=False)}
        for i in range(40)
    }
    judged = {
        f"q{i}": {f"d{document}": int(random.integers(-1, 4)) for document in random.choice(70, size=12, replace=False)}
        for i in range(45)
    }
    return Run.from_dict("r", {query: found for query, found in lists.items() if found}), Qrels(judged)


def test_interpreted_compiled_and_numpy_agree_to_twelve_digits(monkeypatch):
    run, qrels = graded_run()
    interpreted = score_files(run, qrels, MEASURES, engine="ranx").frame["value"].to_numpy()
    of_numpy = score_files(run, qrels, MEASURES, engine="numpy").frame["value"].to_numpy()
    monkeypatch.setattr(ranx_engine, "_INTERPRETED", -1)
    compiled = score_files(run, qrels, MEASURES, engine="ranx").frame["value"].to_numpy()
    np.testing.assert_allclose(interpreted, compiled, rtol=0, atol=1e-12)
    np.testing.assert_allclose(interpreted, of_numpy, rtol=0, atol=1e-12)
    assert 0 < interpreted.mean() < 1


def test_large_inputs_are_compiled(monkeypatch):
    used = []
    monkeypatch.setattr(
        ranx_engine, "_compiled", lambda judged, rows, measures: used.append(1) or [rows] * len(measures)
    )
    run, qrels = graded_run()
    judged = join(run, qrels.judgements, list(qrels.judgements))
    steps = ranx_engine._steps(judged, [parse("AP"), parse("nDCG@10")])
    assert 40 < steps < 40 * 60 * 12 * 2
    monkeypatch.setattr(ranx_engine, "_INTERPRETED", steps - 1)
    ranx_engine.evaluate(judged, [parse("AP"), parse("nDCG@10")])
    assert used


def test_a_small_input_compiles_nothing_and_leaves_others_their_ranx():
    code = (
        "from lapca_bench.run import Qrels, Run; from lapca_bench.scoring import score_files; import sys;"
        "score_files(Run.from_dict('r', {'q': {'d': 1.0}}), Qrels({'q': {'d': 1}}), ['nDCG@10', 'AP'], engine='ranx');"
        "assert 'ranx' not in sys.modules;"
        "from numba.core import config; assert not config.DISABLE_JIT;"
        "from ranx.metrics import ndcg; from ranx.metrics.ndcg import _ndcg;"
        "assert hasattr(_ndcg, 'py_func') and not _ndcg.signatures"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_both_hold_every_function_that_the_engine_calls():
    called = set(ranx_engine._FUNCTIONS.values())
    assert called <= set(ranx_functions.interpreted()) == set(ranx_functions.compiled())
    assert all("interpreted" in ranx_functions.interpreted()[name].__module__ for name in called)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="modes of folders are POSIX's")
def test_compiled_code_lies_where_nobody_else_can_write(tmp_path, monkeypatch):
    from lapca_bench import paths

    monkeypatch.setattr(paths, "user_cache_path", lambda name: tmp_path / name)
    private = paths._private_folder.__wrapped__
    mine = private()
    assert mine == tmp_path / "lapca-bench-compiled"
    assert mine.stat().st_mode & 0o777 == 0o700
    mine.chmod(0o770)  # anybody of the group could leave a pickle here
    elsewhere = private()
    assert elsewhere != mine
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    elsewhere.rmdir()
    mine.rmdir()
    (tmp_path / "shared").mkdir(mode=0o700)
    mine.symlink_to(tmp_path / "shared")
    elsewhere = private()
    assert elsewhere.parent != tmp_path
    elsewhere.rmdir()


def test_numbas_own_setting_is_left_to_its_owner(monkeypatch):
    from lapca_bench.paths import keep_compiled_code_private

    monkeypatch.setenv("NUMBA_CACHE_DIR", "/somewhere")
    keep_compiled_code_private()
    assert os.environ["NUMBA_CACHE_DIR"] == "/somewhere"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("LAPCA_BENCH_CACHE", "/a/shared/cache")
    keep_compiled_code_private()
    assert "/a/shared/cache" not in os.environ["NUMBA_CACHE_DIR"]
