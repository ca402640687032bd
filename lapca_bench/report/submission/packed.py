"""The file of a submission: one Parquet file with the rows of runs and scores, manifests and cards in its metadata.

Reading it takes nothing on trust: its size is bounded before anything is decompressed, its facts pass `schema`, its
rows belong to one result each, and it is found out whether every run stands in the order of its own scores.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from lapca_bench.atomic import atomic_path
from lapca_bench.digest import digest_file
from lapca_bench.errors import InputError, LapcaError
from lapca_bench.parsing import json_value
from lapca_bench.report.submission.schema import FORMAT, Content, refused
from lapca_bench.run import Run
from lapca_bench.search.card import SystemCard
from lapca_bench.store.first_texts import shortened
from lapca_bench.store.parquet_bounds import read_bounded
from lapca_bench.store.results import Result, StoredResult, facts_of

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"lapca-bench submission"
TEXTS = ("query", "document", "language", "measure")
COLUMNS = ("result", "query", "document", "language", "measure", "value")
LARGEST_FILE = 8 * 1024**3
_REMEDY = "make it with `lapca-bench submit RESULT_DIR`"


@dataclass(frozen=True)
class Submission:
    """What a file holds: results, and the cards of their systems as JSON values.

    `disordered` are the places of results whose rows do not stand in the order that their scores say.
    """

    results: Sequence[Result]
    cards: Mapping[str, Mapping[str, Any]]
    disordered: Sequence[int] = ()


def write(results: Sequence[StoredResult], cards: Mapping[str, SystemCard], path: Path) -> None:
    """Write the results with the cards of their systems to one Parquet file; check them first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    told = {name: card.model_dump(mode="json") for name, card in cards.items()}
    content = {
        "format": FORMAT,
        "results": [_facts(result, told[result.system]) for result in results],
        "queries": [list(result.run.queries) for result in results],
        "cards": told,
    }
    rows = pa.concat_tables([table for number, result in enumerate(results) for table in _rows(number, result)])
    rows = rows.replace_schema_metadata({KEY: json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8")})
    with atomic_path(path) as temporary:
        pq.write_table(rows, temporary, compression="zstd")


def _facts(result: StoredResult, card: Mapping[str, Any]) -> dict[str, Any]:
    """What is packed of a result: it carries the card that it is submitted with."""
    facts = result.as_json()
    return facts | {"provenance": shortened(facts["provenance"]) | {"card": dict(card)}}


def digest(path: Path) -> str:
    """What names a submission: whoever signs one signs this, and `board merge` shows it."""
    return digest_file(path)


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


def read(path: Path) -> Submission:
    """A packed file; raises `InputError` where it is not one, in whatever way."""
    import pyarrow as pa

    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError("this file is larger than any submission", path=path, remedy=_REMEDY)
        table = read_bounded(path, COLUMNS, TEXTS)
        content = _content(path, table)
        found = _results(table, content)
        disordered = [number for number, (_, ordered) in enumerate(found) if not ordered]
        return Submission([result for result, _ in found], content["cards"], disordered)
    except FileNotFoundError as error:
        raise InputError("no such file", path=path, remedy="check the path") from error
    except LapcaError as error:
        raise _refusal(path, error.message, error.remedy) from error
    except (OSError, pa.ArrowException, ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
        raise _refusal(path, str(error) or type(error).__name__, None) from error


def _refusal(path: Path, reason: str, remedy: str | None) -> InputError:
    return InputError(f"not a submission: {reason}", path=path, remedy=remedy or _REMEDY)


def _content(path: Path, table: pa.Table) -> dict[str, Any]:
    """Everything but the rows, after it passed the schema."""
    from pyarrow import parquet, types

    with parquet.ParquetFile(path) as file:
        names, metadata = tuple(file.schema_arrow.names), file.metadata.metadata or {}
    if names != COLUMNS:
        raise ValueError(f"its columns are not {', '.join(COLUMNS)}, each once")
    fields = {field.name: field.type for field in table.schema}
    texts = [fields[name].value_type if types.is_dictionary(fields[name]) else fields[name] for name in TEXTS]
    if not (
        types.is_int32(fields["result"]) and types.is_float64(fields["value"]) and all(map(types.is_string, texts))
    ):
        raise ValueError("its columns are not of the types that `lapca-bench submit` writes")
    if KEY not in metadata:
        raise ValueError("it holds rows and says nothing of them")
    content = json_value(metadata[KEY])
    if isinstance(content, dict) and content.get("format") != FORMAT:
        raise InputError("of another version of lapca-bench", remedy="pack it again")
    try:
        Content.model_validate(content)
    except ValidationError as error:
        raise ValueError(refused(error)) from None
    return dict(content)


def _results(table: pa.Table, content: Mapping[str, Any]) -> list[tuple[Result, bool]]:
    """The results, and whether the rows of each stand in the order of its run."""
    facts, queries = content["results"], content["queries"]
    if len(facts) != len(queries):
        raise ValueError("it has not one list of queries per result")
    if table["result"].null_count or table["value"].null_count or table["query"].null_count:
        raise ValueError("a row without a result, a query or a value")
    numbers = table["result"].to_numpy()
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(facts):
        raise ValueError("rows of a result that is not there")
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(len(facts) + 1))
    return [
        _result(one, asked, table.take(order[bounds[place] : bounds[place + 1]]))
        for place, (one, asked) in enumerate(zip(facts, queries, strict=True))
    ]


def _result(content: Mapping[str, Any], queries: Sequence[str], rows: pa.Table) -> tuple[Result, bool]:
    import pyarrow.compute as pc

    facts = facts_of(dict(content))
    of_run = pc.is_valid(rows["document"])
    ranked, scored = rows.filter(of_run), rows.filter(pc.invert(of_run))
    if ranked["language"].null_count + ranked["measure"].null_count < 2 * len(ranked):
        raise ValueError("a row that is of a run and of scores")
    if scored["language"].null_count or scored["measure"].null_count:
        raise ValueError("a score without a language or a measure")
    run, ordered = _run(facts["system"], queries, ranked)
    frame = scored.select(["query", "language", "measure", "value"]).to_pandas()
    for name in ("query", "language", "measure"):
        frame[name] = frame[name].astype(object)
    if not np.isfinite(frame["value"].to_numpy()).all():
        raise ValueError("a score that is not finite")
    return Result(**facts, scores=frame, run=run), ordered


def _run(name: str, queries: Sequence[str], ranked: pa.Table) -> tuple[Run, bool]:
    """The run, and whether its rows stand as its scores order them."""
    place = {query: number for number, query in enumerate(queries)}
    asked = ranked["query"].to_pylist()
    if any(query not in place for query in asked):
        raise ValueError("rows of a query that its result does not list")
    rows = np.array([place[query] for query in asked], dtype=np.int64)
    documents, scores = ranked["document"].to_pylist(), ranked["value"].to_numpy()
    with np.errstate(over="ignore"):
        if not (scores.astype(np.float32).astype(np.float64) == scores).all():  # NaN is not equal to itself either
            raise ValueError("a run with scores that no run of lapca-bench has (NaN, infinite, or finer than float32)")
    run = Run.from_columns(name, queries, rows, documents, scores)
    ordered = bool((run.query_rows() == rows).all()) and run.vocabulary[run.codes].tolist() == documents
    return run, ordered
