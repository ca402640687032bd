"""Submissions: measured results checked and packed into one Parquet file, and merged by a maintainer who checks again.

The file holds the rows of runs and scores; its metadata hold the manifests and the systems' cards. Nothing in it is
taken on trust: merging scores every run again and refuses what differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lapca_bench.atomic import atomic_path
from lapca_bench.errors import InputError, LapcaError
from lapca_bench.parsing import json_value
from lapca_bench.report.board.verify import verify
from lapca_bench.run import Run
from lapca_bench.search.card import SystemCard
from lapca_bench.search.kinds import card_class
from lapca_bench.search.registry import find_card
from lapca_bench.store.keep import keep
from lapca_bench.store.results import MANIFEST, Result, ResultStore, StoredResult, facts_of, read_result

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
KEY = b"lapca-bench submission"
REQUIRED = ("licence", "citation", "url", "languages")  # of a card, not empty


@dataclass(frozen=True)
class Check:
    """One thing that a submission must fulfil."""

    what: str
    ok: bool
    detail: str = ""


def results_in(folder: Path) -> list[StoredResult]:
    """The results in `folder` and below it: one result's folder, a system's, or all that `lapca-bench run` stored.

    Raises `InputError` where there is none.
    """
    found = [read_result(path.parent) for path in sorted(folder.rglob(MANIFEST))]
    if not found:
        raise InputError("no result in this folder", path=folder, remedy="name the folder that `lapca-bench run` wrote")
    return found


def check(results: Sequence[StoredResult], card_of: Callable[[str], SystemCard] = find_card) -> list[Check]:
    """Everything a maintainer would check: cards, provenance, digests, versions, and every run scored again."""
    checks = [_card(name, card_of) for name in dict.fromkeys(result.system for result in results)]
    for verification in verify(results):
        result = verification.result
        place = f"{result.system} on {result.collection} ({result.split})"
        ok = verification.state == "verified" and not verification.unseen
        checks.append(Check(f"{place}: run scored again", ok, verification.reason))
        lacking = [key for key in ("command", "commit", "versions", "collection") if not result.provenance.get(key)]
        checks.append(Check(f"{place}: provenance", not lacking, f"lacks {', '.join(lacking)}" if lacking else ""))
    return checks


def _card(name: str, card_of: Callable[[str], SystemCard]) -> Check:
    try:
        card = card_of(name)
    except LapcaError as error:
        return Check(f"{name}: card", False, error.message)
    empty = [field for field in REQUIRED if not getattr(card, field)]
    return Check(f"{name}: card", not empty, f"lacks {', '.join(empty)}" if empty else "")


def pack(results: Sequence[StoredResult], path: Path, card_of: Callable[[str], SystemCard] = find_card) -> None:
    """Write the results with their cards to one Parquet file; check them first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cards = {name: card_of(name).model_dump(mode="json") for name in dict.fromkeys(r.system for r in results)}
    content = {
        "format": FORMAT,
        "results": [result.as_json() for result in results],
        "queries": [list(result.run.queries) for result in results],
        "cards": cards,
    }
    rows = pa.concat_tables([table for number, result in enumerate(results) for table in _rows(number, result)])
    rows = rows.replace_schema_metadata({KEY: json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8")})
    with atomic_path(path) as temporary:
        pq.write_table(rows, temporary, compression="zstd")


def _rows(number: int, result: StoredResult) -> list[pa.Table]:
    """The run's rows (query, document, score), then the scores' (query, language, measure, value)."""
    import pyarrow as pa

    run = list(result.run.rows())
    scores = result.scores
    nothing = pa.nulls(len(run), pa.string())
    ranked = {
        "result": pa.array([number] * len(run), pa.int32()),
        "query": pa.array([query for query, *_ in run], pa.string()),
        "document": pa.array([document for _, document, *_ in run], pa.string()),
        "language": nothing,
        "measure": nothing,
        "value": pa.array([score for _, _, score, _ in run], pa.float64()),
    }
    scored = {
        "result": pa.array([number] * len(scores), pa.int32()),
        "query": pa.array(scores["query"].tolist(), pa.string()),
        "document": pa.nulls(len(scores), pa.string()),
        "language": pa.array(scores["language"].tolist(), pa.string()),
        "measure": pa.array(scores["measure"].tolist(), pa.string()),
        "value": pa.array(scores["value"].tolist(), pa.float64()),
    }
    return [pa.table(ranked), pa.table(scored)]


@dataclass(frozen=True)
class Submission:
    """What a file holds: results, and the cards of their systems as JSON values."""

    results: Sequence[Result]
    cards: Mapping[str, Mapping[str, object]]


def read(path: Path) -> Submission:
    """A packed file; raises `InputError` where it is not one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        content = json_value((table.schema.metadata or {})[KEY])
        if content["format"] != FORMAT:
            raise InputError("a submission of another version of lapca-bench", path=path, remedy="pack it again")
        results = [
            _result(facts, queries, table.filter(pa.compute.equal(table["result"], number)))
            for number, (facts, queries) in enumerate(zip(content["results"], content["queries"], strict=True))
        ]
        return Submission(results, dict(content["cards"]))
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"not a submission: {error}", path=path, remedy="make it with `lapca-bench submit RESULT_DIR`"
        ) from error


def _result(content: object, queries: Sequence[str], rows: pa.Table) -> Result:
    import pyarrow.compute as pc

    facts = facts_of(content)

    ranked = rows.filter(pc.is_valid(rows["document"]))
    scored = rows.filter(pc.is_null(rows["document"]))
    place = {query: number for number, query in enumerate(queries)}
    run = Run.from_columns(
        facts["system"],
        queries,
        [place[query] for query in ranked["query"].to_pylist()],
        ranked["document"].to_pylist(),
        ranked["value"].to_numpy(),
    )
    frame = scored.select(["query", "language", "measure", "value"]).to_pandas()
    return Result(**facts, scores=frame, run=run)


def merge(path: Path, root: Path) -> list[Check]:
    """Check the results of a packed file, and write them to the store at `root` if all checks hold.

    The results are stored in a folder of their own first, scored again there with their full runs, and only then kept
    below `root` in the compact form.
    """
    from tempfile import TemporaryDirectory

    submission = read(path)
    with TemporaryDirectory(prefix="lapca-bench-") as scratch:
        store = ResultStore(Path(scratch))
        for result in submission.results:
            store.write(result)
        checks = check(list(store.all()), lambda name: _packed_card(submission, name, path))
        if all(one.ok for one in checks):
            keep(store.all(), root)
    return checks


def _packed_card(submission: Submission, name: str, path: Path) -> SystemCard:
    values = submission.cards.get(name)
    if not isinstance(values, dict):
        raise InputError(f"the submission has no card of {name}", path=path)
    card = card_class(values)
    try:  # versions before packed the tables of all kinds, empty but for one
        return card.model_validate({key: value for key, value in values.items() if value or key in card.model_fields})
    except ValueError as error:
        raise InputError(f"the card of {name} is not valid: {error}", path=path) from error


def as_records(checks: Sequence[Check]) -> list[dict[str, object]]:
    """The checks as JSON values."""
    return [asdict(one) for one in checks]
