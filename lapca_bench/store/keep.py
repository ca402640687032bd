"""Keeping results: of full ones, the compact form that `store.kept` describes and reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lapca_bench.atomic import atomic_folder
from lapca_bench.errors import InputError
from lapca_bench.lock import exclusive
from lapca_bench.run import Int64, Run
from lapca_bench.sealed import seal_folder
from lapca_bench.store.first_texts import shortened
from lapca_bench.store.kept import DOCUMENTS, ENDING, QUESTIONS, RESULTS, KeptFamily
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import Facts, Result, ResultStore, StoredResult, file_name

if TYPE_CHECKING:
    import pyarrow as pa

FIRST = 10  # documents per question


def keep(
    results: Iterable[StoredResult], root: Path, first: int = FIRST, replacing: Collection[StoredResult] = ()
) -> list[Path]:
    """Add results to those kept below `root`, cut to the `first` documents; returns the folders written.

    A kept result of the same key and system is replaced, and those of `replacing` go. Raises `InputError` where scores
    name a question twice, and `StoreError` where a result or what is kept already is damaged.
    """
    of_family: dict[str, list[StoredResult]] = {}
    for result in results:
        of_family.setdefault(result.collection.partition("/")[0], []).append(result)
    folders = []
    for name, added in of_family.items():
        folder = root / f"{file_name(name)}{ENDING}"
        with exclusive(root / ".locks", folder.name):
            stand = KeptFamily(folder).results if folder.exists() else []
            gone = {(result.key, result.system) for result in replacing}
            known = [result for result in stand if (result.key, result.system) not in gone]
            entries = {(result.key, result.system): _Entry.of(result, first) for result in (*known, *added)}
            place = ResultStore(root).place
            _write(sorted(entries.values(), key=lambda entry: (place(entry.result), entry.result.key)), folder)
        folders.append(folder)
    return folders


@dataclass(frozen=True)
class _Entry:
    """What is written of one result: itself, cut, and the digests of the full result's files."""

    result: Result
    digests: Mapping[str, str]

    @classmethod
    def of(cls, stored: StoredResult, first: int) -> _Entry:
        """`stored` with its run cut to the `first` documents, which provenance then says, and its first texts cut."""
        facts = {field.name: getattr(stored, field.name) for field in fields(Facts)}
        depth = stored.provenance.kept or stored.provenance.depth
        cut = {"kept": first} if depth is None or depth > first else {}
        facts["provenance"] = Provenance({**shortened(stored.provenance), **cut})
        return cls(Result(**facts, scores=stored.scores, run=stored.run.cut(first)), stored.digests)


def _write(entries: Sequence[_Entry], folder: Path) -> None:
    import pyarrow as pa

    results = [entry.result for entry in entries]
    documents = sorted(
        {str(document) for result in results for document in result.run.vocabulary[np.unique(result.run.codes)]}
    )
    told = [result.as_json() for result in results]
    facts: dict[str, list[object]] = {field.name: [one[field.name] for one in told] for field in fields(Facts)}
    facts["files"] = [dict(entry.digests) for entry in entries]
    columns = {name: pa.array([_text(value) for value in values], pa.string()) for name, values in facts.items()}
    with atomic_folder(folder) as scratch:
        _write_table(pa.table({"document": pa.array(documents, pa.string())}), scratch / DOCUMENTS)
        _write_table(pa.table(columns), scratch / RESULTS)
        _write_table(_question_rows(results, documents), scratch / QUESTIONS)
        seal_folder(scratch)


def _write_table(table: pa.Table, path: Path) -> None:
    """As small as it gets: a dictionary where values repeat, the bytes of numbers that do not by their places."""
    import pyarrow.compute as pc
    from pyarrow import parquet, types

    flat = [field.name for field in table.schema if not types.is_list(field.type)]
    repeated = [name for name in flat if 2 * pc.count_distinct(table[name]).as_py() < len(table)]
    split = [field.name for field in table.schema if types.is_float64(field.type) and field.name not in repeated]
    parquet.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        store_schema=False,
        use_dictionary=repeated,
        column_encoding=dict.fromkeys(split, "BYTE_STREAM_SPLIT"),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)


def _question_rows(results: Sequence[Result], documents: Sequence[str]) -> pa.Table:
    """The rows of `questions.parquet`: question by question, each with its results."""
    import pyarrow as pa

    place: dict[tuple[str, str, str], int] = {}
    measures = dict.fromkeys(aggregate["measure"] for result in results for aggregate in result.aggregates)
    tables, positions = [], []
    for number, result in enumerate(results):
        table = _rows(result, number, tuple(measures), documents)
        tables.append(table)
        about = (result.collection, result.split)
        positions += [place.setdefault((*about, query), len(place)) for query in table["query"].to_pylist()]
    order = np.argsort(np.asarray(positions, dtype=np.int64), kind="stable")  # of one question as the results stand
    return pa.concat_tables(tables).take(pa.array(order))


def _rows(result: Result, number: int, measures: Sequence[str], documents: Sequence[str]) -> pa.Table:
    """The questions of one result, those of its run first, in order."""
    import pyarrow as pa

    scores, run = result.scores, result.run
    if scores.duplicated(["query", "measure"]).any():
        message = f"{result.system} on {result.collection}: its scores name a question twice"
        raise InputError(message, remedy="run the experiment again")
    languages = dict(zip(scores["query"], scores["language"], strict=True))
    queries = list(dict.fromkeys([*run.queries, *scores["query"]]))
    numbers = _numbers(run, documents)
    first = pa.ListArray.from_arrays(pa.array(run.offsets, pa.int32()), pa.array(numbers, pa.int32()))
    columns: dict[str, pa.Array] = {
        "result": pa.array([number] * len(queries), pa.int32()),
        "query": pa.array(queries, pa.string()),
        "language": pa.array([languages.get(query) for query in queries], pa.string()),
        "documents": pa.concat_arrays([first, pa.nulls(len(queries) - len(run.queries), first.type)]),
    }
    for measure in measures:
        own = scores[scores["measure"] == measure]
        values: Mapping[str, float] = dict(zip(own["query"], own["value"].tolist(), strict=True))
        columns[measure] = pa.array([values.get(query) for query in queries], pa.float64())
    return pa.table(columns)


def _numbers(run: Run, documents: Sequence[str]) -> Int64:
    """The codes of `run` as places in `documents`, which are ascending and hold every document that it names."""
    used = np.unique(run.codes)
    places = np.zeros(len(run.vocabulary), dtype=np.int64)
    places[used] = np.searchsorted(np.asarray(documents, dtype=object), run.vocabulary[used])
    return places[run.codes]
