"""Forged submissions: an honest one, changed as a structure, must be refused or stand on the board with right numbers.

    python tests/fuzz/submissions.py                  the long profile: 100,000 of them
    python tests/fuzz/submissions.py --inputs 2000

What is merged is compared with numbers that are computed here from the rows of the file, by other code than the
harness has: every score, every mean and count, languages, names, dates and costs. A forgery that is merged with a wrong
number is a failure, and so is any error that is no refusal, two seconds of processor time, or 2 GB of memory.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from forgeries import Draft, honest_draft, measured, mutated, write
from harness import SECONDS, TooSlow, _limit_memory, _too_slow

SEED = 20261129
TYPED = ("finished", "command", "commit", "versions", "platform", "collection", "system", "policy", "timings", "card")
OF_QUERY = {"q0": "de", "q1": "de", "q2": "de", "q3": "fr"}


def wrong(draft: Draft, root: Path, standing: dict[tuple[str, str], Any]) -> str:
    """What is wrong on the board that a draft was merged into; "" where nothing is."""
    from lapca_bench.store.kept import stored_results

    numbers = {(facts["system"], facts["key"]): place for place, facts in enumerate(draft.content["results"])}
    for result in stored_results(root):
        place = numbers.get((result.system, result.key))
        known = standing.get((result.system, result.key))
        if known is not None or place is None:
            if known is None or not known.scores.equals(result.scores) or known.aggregates != result.aggregates:
                return f"the standing result of {result.system} was changed"
        elif reason := wrong_facts(result) or wrong_numbers(result, draft, place):
            return reason
    return ""


def wrong_facts(result: Any) -> str:
    """What must not stand on a board of names, texts, costs and dates."""
    from lapca_bench.search import registry
    from lapca_bench.visible import hidden

    facts = result.as_json()
    notes = {name: facts["provenance"].pop(name) for name in list(facts["provenance"]) if name not in TYPED}
    texts = [facts, list(notes)]  # what a system notes of its own may be any text; pages make it visible
    if result.system in registry.cards() or hidden_in(texts, hidden) or len(result.system) > 100:
        return f"a name or text that must not stand: {result.system!r}"
    if (result.collection, result.split, list(result.languages)) != ("toy/de", "test", ["de", "fr"]):
        return "another collection, split or languages"
    timings = result.provenance.timings.stages.values()
    if any(not 0 <= seconds < 1e10 for seconds in timings) or (result.provenance.index_bytes or 0) < 0:
        return "impossible costs"
    finished = datetime.fromisoformat(result.provenance.finished)
    if not datetime(2024, 1, 1, tzinfo=UTC) <= finished <= datetime.now(UTC) + timedelta(days=2):
        return "an impossible date"
    return ""


def wrong_numbers(result: Any, draft: Draft, place: int) -> str:
    """Which scores or means are not those of the rows of the file."""
    right = {
        (query, language, measure): measured(draft.rows, place, query, measure)
        for measure in ("RR@10", "nDCG@10")
        for query, language in OF_QUERY.items()
    }
    rows = result.scores.itertuples(index=False)
    found = [((row.query, row.language, row.measure), row.value) for row in rows]
    if len(found) != len(right) or any(abs(right.get(name, math.inf) - value) > 1e-9 for name, value in found):
        return f"wrong scores: {found}"
    return f"wrong means: {result.aggregates}" if wrong_means(result.aggregates, right) else ""


def hidden_in(value: Any, hidden: Any) -> bool:
    """Whether a text that a page or a terminal shows as one line holds what it must not."""
    if isinstance(value, dict):
        return any(hidden_in(one, hidden) for one in (*value.keys(), *value.values()))
    if isinstance(value, list | tuple):
        return any(hidden_in(one, hidden) for one in value)
    return isinstance(value, str) and any(hidden(char) for char in value.replace("\n", ""))


def wrong_means(aggregates: Any, right: dict[tuple[str, str, str], float]) -> bool:
    """Whether means or counts are not those of the right scores."""
    expected = {}
    for measure in ("RR@10", "nDCG@10"):
        of = {x: [v for (_, y, m), v in right.items() if (m, y) == (measure, x)] for x in ("de", "fr")}
        means = {x: sum(values) / len(values) for x, values in of.items()}
        every = [value for values in of.values() for value in values]
        expected |= {(measure, x): (means[x], len(of[x])) for x in of}
        expected |= {(measure, ""): (sum(means.values()) / 2, 4), (measure, "*"): (sum(every) / 4, 4)}
    found = {(one["measure"], one["language"]): (one["mean"], one["queries"]) for one in aggregates}
    return len(aggregates) != len(expected) or any(
        name not in found or found[name][1] != count or abs(found[name][0] - mean) > 1e-9
        for name, (mean, count) in expected.items()
    )


def attempt(path: Path, root: Path, draft: Draft, standing: dict[tuple[str, str], Any]) -> str:
    """How merging one forged file ended; "FAILED" begins what must not be."""
    from lapca_bench.errors import LapcaError
    from lapca_bench.report.submission.merging import merge

    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        merged = merge(path, root).merged
    except LapcaError as error:
        return "refused" if error.path and error.remedy else f"FAILED no place or remedy: {error.message[:60]}"
    except (Exception, TooSlow) as error:  # noqa: BLE001 - what this is for
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"FAILED {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {error}"[:160]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if not merged:
        return "a check failed"
    reason = wrong(draft, root, standing)
    return f"FAILED merged: {reason}"[:300] if reason else "merged, every number right"


def run(inputs: int, seed: int = SEED) -> Counter[str]:
    """So many forged submissions; how they ended."""
    from toys import board_results as made
    from toys.submissions import Toy, honest

    from lapca_bench.collections import registry
    from lapca_bench.store.keep import keep
    from lapca_bench.store.kept import stored_results

    draw = random.Random(seed)
    tally: Counter[str] = Counter()
    quick = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder in memory, made for this run alone
    with (
        tempfile.TemporaryDirectory(dir=quick) as name,
        mock.patch.object(registry, "load", return_value=Toy()),
        mock.patch.object(registry, "card", return_value=Toy().card),
        mock.patch.object(tempfile, "tempdir", name),
    ):
        folder = Path(name)
        base = honest_draft(folder)
        keep(made.write(folder / "c", [honest("c")]).all(), folder / "standing")
        standing = {(one.system, one.key): one for one in stored_results(folder / "standing")}
        root, path = folder / "board", folder / "forged.parquet"
        began = time.perf_counter()
        for number in range(1, inputs + 1):
            draft = mutated(draw, base)
            if not root.exists():
                shutil.copytree(folder / "standing", root)
            ended = attempt(path, root, draft, standing) if write(draft, path) else "cannot be written"
            tally[ended] += 1
            if ended not in ("refused", "a check failed", "cannot be written"):
                shutil.rmtree(root)
            if number % 1000 == 0:
                spent = time.perf_counter() - began
                print(f"{number} forged, {spent:.0f} s: {dict(tally.most_common(4))}", file=sys.stderr, flush=True)
    return tally


def main() -> int:
    """Forge, and print counts; exit 1 where one got through or failed otherwise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    tally = run(given.inputs, given.seed)
    for what, count in tally.most_common():
        print(f"{count:8} {what}")
    return 1 if any(what.startswith("FAILED") for what in tally) else 0


if __name__ == "__main__":
    _limit_memory()
    signal.signal(signal.SIGPROF, _too_slow)
    sys.exit(main())
