"""Kept results: what boards and comparisons read of measured results, small enough for a repository.

`lapca-bench run` stores every result with its run. `store.keep` makes of such results one folder per family of
collections, `<root>/<family>.kept/`, with the first 10 documents of every question and without their scores:

* `results.parquet`: a row per result, a column per fact. What is no text (aggregates, provenance) is JSON; so are
  `files`, the digests of the files that the full result had.
* `questions.parquet`: a row per question and result: `result` (the row in `results.parquet`), `query`, `language`,
  `documents` (rows in `documents.parquet`, best first) and a column per measure, exact to the bit. Null is "not in the
  run" and "not scored". The results of one question stand together: they resemble each other, which halves the file.
* `documents.parquet`: the ids of these documents, ascending.
* `digests.json`: the digests of the three.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lapca_bench.errors import StoreError
from lapca_bench.parsing import json_value
from lapca_bench.run import Int64, Run
from lapca_bench.sealed import damage, sealed_digests
from lapca_bench.store.results import Facts, ResultStore, StoredResult, facts_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

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
