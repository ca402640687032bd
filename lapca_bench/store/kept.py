"""Kept results: what boards and comparisons read of measured results, small enough for a repository.

`lapca-bench run` stores every result with its run. `keep` makes of such results one folder per family of collections,
`<root>/<family>.kept/`, without the scores of documents and with the first 10 documents of every question:

* `results.parquet`: a row per result, a column per fact. What is no text (aggregates, provenance) is JSON; so are
  `files`, the digests of the files that the full result had.
* `questions.parquet`: a row per question and result: `result` (the row in `results.parquet`), `query`, `language`,
  `documents` (rows in `documents.parquet`, best first) and a column per measure, exact to the bit. Null is "not in the
  run" and "not scored". The results of one question stand together: they resemble each other, which halves the file.
* `documents.parquet`: the ids of these documents, ascending.
* `digests.json`: the digests of the three.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lapca_bench.atomic import atomic_folder
from lapca_bench.errors import InputError, StoreError
from lapca_bench.lock import exclusive
from lapca_bench.parsing import json_value
from lapca_bench.run import Int64, Run
from lapca_bench.sealed import damage, seal_folder, sealed_digests
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import Facts, Result, ResultStore, StoredResult, facts_of, file_name

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

FIRST = 10  # documents per question
ENDING = ".kept"
RESULTS, QUESTIONS, DOCUMENTS = "results.parquet", "questions.parquet", "documents.parquet"
_REMEDY = "take this folder from the project's repository again, or keep the full results again (`board keep`)"
_ROW = ("result", "query", "language", "documents")  # the other columns of questions.parquet are measures


@dataclass(frozen=True, kw_only=True, eq=False)
class KeptResult(StoredResult):
    """A result of which scores and first documents are kept; `digests` are those of the full result's files.

    The scores of the documents in its run are no system's: they fall by one from each document to the next.
    """

    family: KeptFamily
    row: int

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores per query, exact; raises `StoreError` where what is kept is damaged."""
        import pyarrow as pa

        rows = self.family.rows_of(self.row)
        parts = []
        for measure in dict.fromkeys(aggregate["measure"] for aggregate in self.aggregates):
            scored = rows.select(["query", "language", measure]).filter(rows[measure].is_valid())
            measures = pa.array([measure] * len(scored), pa.string())
            columns = [scored["query"], scored["language"], measures, scored[measure]]
            parts.append(pa.table(columns, names=["query", "language", "measure", "value"]))
        frame: pd.DataFrame = pa.concat_tables(parts).to_pandas()
        return frame

    @cached_property
    def run(self) -> Run:
        """The first documents of every query, in order; raises `StoreError` where what is kept is damaged."""
        rows = self.family.rows_of(self.row)
        ranked = rows.filter(rows["documents"].is_valid())
        documents = ranked["documents"].combine_chunks()
        offsets = documents.offsets.to_numpy().astype(np.int64)
        used, codes = np.unique(documents.values.to_numpy()[offsets[0] : offsets[-1]], return_inverse=True)
        offsets = offsets - offsets[0]
        left = np.repeat(offsets[1:], np.diff(offsets)) - np.arange(len(codes))
        return Run(
            self.system,
            tuple(ranked["query"].to_pylist()),
            offsets,
            codes.astype(np.int64),
            left.astype(np.float32),
            self.family.documents(used),
        )

    def verify(self) -> None:
        """Raise `StoreError` unless the files of its family match their digests."""
        self.family.check(RESULTS, QUESTIONS, DOCUMENTS)


@dataclass(frozen=True, eq=False)
class KeptFamily:
    """The kept results of one family of collections; every file is checked against its digest before it is read."""

    folder: Path

    @cached_property
    def results(self) -> list[KeptResult]:
        """Every result, in the order of the file; raises `StoreError` where that cannot be read."""
        texts = {field.name for field in fields(Facts)} - {"languages", "aggregates", "provenance"}
        found = []
        try:
            for number, row in enumerate(self._table(RESULTS).to_pylist()):
                facts = {name: value if name in texts else json_value(value) for name, value in row.items()}
                digests = facts.pop("files")
                result = KeptResult(folder=self.folder, digests=digests, family=self, row=number, **facts_of(facts))
                found.append(result)
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(RESULTS, error) from error
        return found

    def documents(self, rows: Int64) -> npt.NDArray[np.object_]:
        """The ids in these rows of `documents.parquet`; raises `StoreError` where it has no such row."""
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self._documents):
            raise self._damaged(DOCUMENTS, ValueError("questions name documents that it does not hold"))
        return self._documents[rows]

    @cached_property
    def _documents(self) -> npt.NDArray[np.object_]:
        ids: npt.NDArray[np.object_] = np.asarray(
            self._columns(DOCUMENTS, ["document"])["document"].to_pylist(), object
        )
        return ids

    def rows_of(self, result: int) -> pa.Table:
        """The rows of `questions.parquet` of one result, in the order of its questions."""
        questions, order, bounds = self._questions
        return questions.take(order[bounds[result] : bounds[result + 1]])

    @cached_property
    def _questions(self) -> tuple[pa.Table, Int64, Int64]:
        measures = {aggregate["measure"] for result in self.results for aggregate in result.aggregates}
        table = self._columns(QUESTIONS, [*_ROW, *sorted(measures)])
        number = table["result"].to_numpy()
        order = np.argsort(number, kind="stable")
        bounds = np.searchsorted(number[order], np.arange(len(self.results) + 1))
        return table, order, bounds

    def check(self, *names: str) -> None:
        """Raise `StoreError` unless these files match their digests."""
        expected = sealed_digests(self.folder, _REMEDY)
        for name in damage(self.folder, expected, names):
            message = "this file of kept results is missing or does not match its digest"
            raise StoreError(message, path=self.folder / name, remedy=_REMEDY)

    def _table(self, name: str) -> pa.Table:
        import pyarrow as pa
        from pyarrow import parquet

        self.check(name)
        try:
            return parquet.read_table(self.folder / name)
        except (OSError, pa.ArrowException) as error:
            raise self._damaged(name, error) from error

    def _columns(self, name: str, columns: Sequence[str]) -> pa.Table:
        table = self._table(name)
        if lacking := set(columns) - set(table.column_names):
            raise self._damaged(name, ValueError(f"it lacks {', '.join(sorted(lacking))}"))
        return table

    def _damaged(self, name: str, error: Exception) -> StoreError:
        return StoreError(f"this file of kept results cannot be read: {error}", path=self.folder / name, remedy=_REMEDY)


def stored_results(root: Path) -> Iterator[StoredResult]:
    """Every result below `root`, kept ones and full ones, by system, collection and split.

    Raises `StoreError` where facts cannot be read.
    """
    store = ResultStore(root)
    kept = [result for family in families(root) for result in family.results]
    yield from sorted([*kept, *store.all()], key=lambda result: (store.place(result), result.folder.suffix == ENDING))


def families(root: Path) -> list[KeptFamily]:
    """The families of collections whose results are kept below `root`."""
    return [KeptFamily(folder) for folder in sorted(root.glob(f"*{ENDING}"))]


def keep(results: Iterable[StoredResult], root: Path, first: int = FIRST) -> list[Path]:
    """Add results to those kept below `root`, cut to the `first` documents; returns the folders written.

    A kept result of the same key is replaced. Raises `InputError` where scores name a question twice, and `StoreError`
    where a result or what is kept already is damaged.
    """
    of_family: dict[str, list[StoredResult]] = {}
    for result in results:
        of_family.setdefault(result.collection.partition("/")[0], []).append(result)
    folders = []
    for name, added in of_family.items():
        folder = root / f"{file_name(name)}{ENDING}"
        with exclusive(root / ".locks", folder.name):
            known = KeptFamily(folder).results if folder.exists() else []
            entries = {result.key: _Entry.of(result, first) for result in (*known, *added)}
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
        """`stored`, its run cut to the `first` documents; its provenance says so where that was deeper."""
        facts = {field.name: getattr(stored, field.name) for field in fields(Facts)}
        depth = stored.provenance.kept or stored.provenance.depth
        if depth is None or depth > first:
            facts["provenance"] = Provenance({**stored.provenance, "kept": first})
        return cls(Result(**facts, scores=stored.scores, run=stored.run.cut(first)), stored.digests)


def _write(entries: Sequence[_Entry], folder: Path) -> None:
    import pyarrow as pa

    results = [entry.result for entry in entries]
    documents = sorted(
        {str(document) for result in results for document in result.run.vocabulary[np.unique(result.run.codes)]}
    )
    told = [result.as_json() for result in results]
    facts: dict[str, Sequence[Any]] = {field.name: [one[field.name] for one in told] for field in fields(Facts)}
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


def _text(value: Any) -> str:
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
    columns: dict[str, Any] = {
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
