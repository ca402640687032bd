"""What a maintainer should know before merging: what is new, what it beats, and what nobody here has recomputed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lapca_bench.report.submission.checks import Check, place_of
from lapca_bench.store.results import AnyResult, Facts, newest

CLAIMS = "that the system gave these rankings; its settings, licence and training data; seconds and sizes; the versions"


def review(new: Sequence[AnyResult], standing: Sequence[AnyResult], checks: Sequence[Check]) -> Iterator[str]:
    """Sentences on results that come, beside those that stand."""
    known = {result.system for result in standing}
    systems = dict.fromkeys(result.system for result in new)
    for name in systems:
        own = [result for result in new if result.system == name]
        whose = "a system that is here already" if name in known else "a new system"
        yield f"{name}: {whose}, {len(own)} results on {', '.join(dict.fromkeys(r.collection for r in own))}"
    current = list(newest(standing).values())
    for result in new:
        if line := _place(result, [one for one in current if one.system != result.system]):
            yield line
    unmade = [check.what for check in checks if check.state == "not here"]
    if unmade:
        yield f"not checked on this machine: {', '.join(unmade)}"
    for check in checks:
        if check.ok and check.detail and check.what.endswith(": card"):
            yield f"{check.what}: {check.detail}"
    yield f"taken on trust, because only a run of the system can show it: {CLAIMS}"
    if systems:
        yield "to see whether it is so, run the system by its card: lapca-bench run --system CARD"


def _place(result: AnyResult, standing: Sequence[AnyResult]) -> str:
    """Where a result stands among those on its collection and split by its main measure, and whom it beats."""
    measure = main_measure(result)
    mean = mean_of(result, measure)
    others = [one for one in standing if (one.collection, one.split) == (result.collection, result.split)]
    means = {one.system: value for one in others if (value := mean_of(one, measure)) is not None}
    if mean is None:
        return ""
    below = sorted((name for name, value in means.items() if value < mean), key=lambda name: -means[name])
    place = 1 + sum(value > mean for value in means.values())
    best = f"; it beats {', '.join(below[:3])}{' and others' if len(below) > 3 else ''}" if below else ""
    return f"{place_of(result)}: {measure} {100 * mean:.1f}, place {place} of {len(means) + 1}{best}"


def main_measure(result: Facts) -> str:
    """The collection's first measure that was scored."""
    scored = dict.fromkeys(one["measure"] for one in result.aggregates)
    return next((name for name in result.provenance.policy.measures if name in scored), next(iter(scored), ""))


def mean_of(result: Facts, measure: str) -> float | None:
    """The mean that the collection's policy asks for."""
    over = "" if result.provenance.policy.average == "macro" else "*"
    return {(one["measure"], one["language"]): one["mean"] for one in result.aggregates}.get((measure, over))
