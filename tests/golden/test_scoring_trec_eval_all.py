"""`score -m all` against trec_eval (through pytrec_eval): every line that both print, over a graded run with ties."""

import json

import numpy as np
import pytest
from toys.cli import in_process

from lapca_bench.run import Qrels, Run
from lapca_bench.scoring import parse, score_files
from lapca_bench.scoring.naming.groups import GROUPS, expand

pytrec_eval = pytest.importorskip("pytrec_eval")


@pytest.fixture(scope="module")
def files():
    """A run with ties, of some queries only; judgements graded and negative, for one query without a relevant one."""
    random = np.random.default_rng(3)
    run = {
        f"q{i}": {f"d{document}": float(random.integers(8)) for document in random.choice(80, size=30, replace=False)}
        for i in range(1, 20)
    }
    qrels = {
        f"q{i}": {
            f"d{document}": int(random.choice([-1, 0, 0, 1, 1, 2, 3]))
            for document in random.choice(90, 25, replace=False)
        }
        for i in range(22)
    }
    qrels["q5"] = dict.fromkeys(qrels["q5"], 0)
    return run, qrels


def of_trec_eval(run, qrels):
    """What `trec_eval -c -m all_trec` averages: a query that the run lacks has 0 in all but the counts of the qrels."""
    found = pytrec_eval.RelevanceEvaluator(qrels, pytrec_eval.supported_measures).evaluate(run)
    means = {}
    for name in next(iter(found.values())):
        values = np.asarray([found[query][name] for query in found])
        if name.startswith("gm_"):
            means[name] = float(np.exp((values.sum() + np.log(1e-5) * (len(qrels) - len(found))) / len(qrels)))
        elif name.startswith("num_"):
            means[name] = float(values.sum())
        else:
            means[name] = float(values.sum() / len(qrels))
    relevant = sum(grade > 0 for judged in qrels.values() for grade in judged.values())
    return {**means, "num_q": len(qrels), "num_rel": relevant}


@pytest.mark.parametrize("group", ["all", "official", "set"])
def test_every_line_is_trec_evals(files, group):
    run, qrels = files
    names, expected = expand([group]), of_trec_eval(run, qrels)
    assert len(names) == len({parse(name) for name in names})
    means = score_files(Run.from_dict("r", run), Qrels(qrels), names).means
    for name in names:
        assert means[str(parse(name))]["mean"] == pytest.approx(expected[name], abs=1e-9), name


def test_what_is_left_out_is_what_the_docs_say():
    left_out = set(pytrec_eval.supported_measures) - {name.rstrip("0123456789.").rstrip("_") for name in GROUPS["all"]}
    assert left_out - {"11pt_avg", "map_cut"} == {"runid", "relstring", "G", "binG", "ndcg_rel", "Rndcg"}


def test_groups_and_lists_of_cut_offs():
    assert expand(["P.5,10", "map", "iprec_at_recall.0,.1"]) == [
        "P_5",
        "P_10",
        "map",
        "iprec_at_recall_0",
        "iprec_at_recall_.1",
    ]
    assert expand(["ALL_TREC"]) == GROUPS["all"]
    assert set(GROUPS["official"]) < set(GROUPS["all"])


def test_the_command_line_prints_counts_whole_and_trec_evals_names(files, tmp_path, capsys):
    run, qrels = files
    lines = [f"{q} Q0 {d} 0 {s} r" for q, found in run.items() for d, s in found.items()]
    (tmp_path / "a.run").write_text("\n".join(lines) + "\n")
    (tmp_path / "qrels").write_text("\n".join(f"{q} 0 {d} {g}" for q, j in qrels.items() for d, g in j.items()) + "\n")
    arguments = ["score", str(tmp_path / "a.run"), str(tmp_path / "qrels"), "-m", "official"]
    text = in_process(*arguments, capture=capsys).out
    assert "\nnum_q                 22\n" in text
    assert "\niprec_at_recall_0.10  " in text
    document = json.loads(in_process(*arguments, "--json", capture=capsys).out)
    assert document["measures"]["map"] == pytest.approx(of_trec_eval(run, qrels)["map"], abs=1e-9)
