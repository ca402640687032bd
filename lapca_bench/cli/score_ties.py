"""`lapca-bench score --ties`: what each measure could be if tied documents stood in another order."""

from __future__ import annotations

from collections.abc import Sequence

from lapca_bench.cli.output import say_columns, say_json, tell
from lapca_bench.run import Qrels, Run


def score_ties(run: Run, qrels: Qrels, measures: Sequence[str], *, exclude: bool, json: bool) -> None:
    """Print worst, expected, canonical and best means; `exclude` leaves out queries without a relevant document."""
    from lapca_bench.scoring import parse
    from lapca_bench.scoring.distinct import once_each
    from lapca_bench.scoring.judged import join
    from lapca_bench.scoring.ties import bounds, count

    judged = [query for query in qrels.judgements if not exclude or qrels.relevant(query)]
    joined = join(run, qrels.judgements, judged)
    found = {name: bounds(joined, parse(name)) for name in once_each(measures).values()}
    means = {
        name: {kind: float(getattr(b, kind).mean()) for kind in ("worst", "expected", "canonical", "best")}
        for name, b in found.items()
    }
    ties = count(run)
    if json:
        say_json({"measures": means, "tied_results": ties.rows, "groups": ties.groups, "queries": ties.queries})
        return
    heads = ("measure", "worst", "expected", "this order", "best")
    say_columns(heads, [(name, *(f"{value:.4f}" for value in kinds.values())) for name, kinds in means.items()])
    tell(f"{ties.rows} of {len(run)} results share their score: {ties.groups} groups in {ties.queries} queries")
