"""Run files and judgements: TREC's text formats, and Parquet.

A run file holds `query Q0 document rank score tag`. Scores are written with the shortest digits that read back as the
same float32, so order(read(write(run))) = order(run); six decimals, as many tools write, make ties of close scores.
The rank column is for human readers: it is ignored when read, as trec_eval does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lapca_bench.atomic import atomic_path, write_bytes
from lapca_bench.errors import InputError
from lapca_bench.inputs.compression import PARQUET, compressed, content_of, without_ending
from lapca_bench.inputs.identifiers import REFUSED, fault_of
from lapca_bench.inputs.text import decoded
from lapca_bench.inputs.trec import judgements
from lapca_bench.parsing import json_value
from lapca_bench.run import Qrels, Run
from lapca_bench.store.parquet_bounds import refuse_oversized
from lapca_bench.store.run_columns import columns_by_line, run_columns

_IN_NO_FIELD = re.compile(f"[{REFUSED}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_METADATA = b"lapca_bench"
_MEND_ID = "replace the lone surrogates in the id"


def write_trec(run: Run, path: Path) -> None:
    """Write `run` in TREC format, compressed if `path` ends in `.gz`, `.bz2`, `.xz` or `.zst`.

    A query that retrieved nothing has no line.
    Raises `InputError` for an id that holds white space, which the format cannot carry.
    """
    import pyarrow as pa

    vocabulary = run.vocabulary.tolist()
    _refuse_white_space("query", run.queries, path)
    _refuse_white_space("document", vocabulary, path)
    tag = _IN_NO_FIELD.sub("_", run.name) or "run"
    # Adding zero turns negative zero, which is equal to zero but prints as "-0", into zero.
    digits = pa.array(run.scores + np.float32(0)).cast(pa.string()).to_pylist()
    codes = run.codes.tolist()
    lines: list[str] = []
    for i, query in enumerate(run.queries):
        start, stop = int(run.offsets[i]), int(run.offsets[i + 1])
        lines += [f"{query} Q0 {vocabulary[codes[j]]} {j - start + 1} {digits[j]} {tag}\n" for j in range(start, stop)]
    _write(path, "".join(lines))


def read_run(path: Path, name: str | None = None) -> Run:
    """A run from a file of either format, which its first bytes tell; raises `InputError` as the two readers do."""
    content = content_of(path)
    if content.startswith(PARQUET) or (without_ending(path).suffix == ".parquet" and not content):
        return _from_parquet(content, path, name)
    return _from_trec(content, path, name)


def read_trec(path: Path, name: str | None = None) -> Run:
    """A run from a TREC file; its name is `name` or the tag of its first line, its queries in order of appearance.

    Raises `InputError` with file and line for a malformed line, a score that is no finite number, a document twice
    under one query, or bytes that are not UTF-8.
    """
    return _from_trec(content_of(path), path, name)


def _from_trec(content: bytes, path: Path, name: str | None) -> Run:
    columns = run_columns(content, path)
    try:
        return Run.from_columns(
            name or columns.tag or path.stem, columns.queries, columns.rows, columns.documents, columns.scores
        )
    except InputError:
        columns_by_line(decoded(content, path), path)  # finds the line
        raise


def _write(path: Path, text: str) -> None:
    write_bytes(path, compressed(text.encode("utf-8"), path))


def _refuse_white_space(what: str, ids: Sequence[str], path: Path) -> None:
    for identifier in ids:
        if _SURROGATE.search(identifier):
            raise InputError(f"{what} id {identifier!r} is not valid Unicode", path=path, remedy=_MEND_ID)
        if fault := fault_of(identifier):
            message = f"{what} {identifier!r}: {fault}, which a TREC file cannot carry"
            raise InputError(message, path=path, remedy="write the run as Parquet, or rename the ids")


def write_qrels(qrels: Qrels, path: Path) -> None:
    """Write judgements as `query 0 document grade`; a query without any judgement has no line.

    Raises `InputError` for an id that holds white space.
    """
    lines: list[str] = []
    for query, graded in qrels.judgements.items():
        _refuse_white_space("query", [query], path)
        _refuse_white_space("document", list(graded), path)
        lines += [f"{query} 0 {document} {grade}\n" for document, grade in graded.items()]
    _write(path, "".join(lines))


def read_qrels(path: Path) -> Qrels:
    """Judgements from a TREC file; raises `InputError` with file and line for what is malformed or judged twice."""
    return Qrels.from_rows(judgements(path))


def write_parquet(run: Run, path: Path) -> None:
    """Write `run` as Parquet with its name, all its queries and its notes; read back, it is the same run.

    Raises `InputError` for a query id that is no valid Unicode.
    """
    import pyarrow as pa
    from pyarrow import parquet

    about = {"name": run.name, "queries": list(run.queries), "notes": dict(run.notes)}
    try:
        names = pa.array(run.queries, pa.string())
    except UnicodeEncodeError as error:
        raise InputError(f"a query id is not valid Unicode: {error.object!r}", path=path, remedy=_MEND_ID) from error
    queries = pa.DictionaryArray.from_arrays(pa.array(run.query_rows().astype(np.int32)), names)
    documents = pa.DictionaryArray.from_arrays(
        pa.array(run.codes.astype(np.int32)), pa.array(run.vocabulary.tolist(), pa.large_string())
    )
    table = pa.table({"query": queries, "document": documents, "score": pa.array(run.scores)})
    metadata = {_METADATA: json.dumps(about, sort_keys=True, allow_nan=False).encode("ascii")}
    # Arrow's own schema would hold the metadata a second time, half of the bytes of a small run.
    with (
        atomic_path(path) as temporary,
        parquet.ParquetWriter(temporary, table.schema, compression="zstd", store_schema=False) as writer,
    ):
        writer.write_table(table)
        writer.add_key_value_metadata(metadata)


def read_parquet(path: Path, name: str | None = None) -> Run:
    """A run from Parquet with columns query, document, score; raises `InputError` where it is no such file."""
    return _from_parquet(content_of(path), path, name)


def _from_parquet(content: bytes, path: Path, name: str | None) -> Run:
    import pyarrow as pa
    from pyarrow import parquet

    remedy = "the file needs the columns query (string), document (string) and score (float)"
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        refuse_oversized(path, file, content)
        table = file.read(columns=["query", "document", "score"])
        encoded = table["query"].cast(pa.large_string()).combine_chunks().dictionary_encode()
        documents = table["document"].cast(pa.large_string()).combine_chunks()
        scores = table["score"].cast(pa.float64()).to_numpy()
        about = json_value((table.schema.metadata or {}).get(_METADATA, b"{}"))
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise InputError(f"cannot read a run from this file: {error}", path=path, remedy=remedy) from error
    if not isinstance(about, dict):
        raise InputError("its metadata are no table", path=path, remedy="write it again")
    if encoded.null_count or documents.null_count:
        raise InputError("holds a row without query or document", path=path, remedy=remedy)
    present = encoded.dictionary.to_pylist()
    queries = list(about.get("queries", present))
    place = {query: i for i, query in enumerate(queries)}
    if not set(present) <= set(place):
        raise InputError("its rows and its list of queries do not agree", path=path, remedy="write it again")
    rows = np.array([place[query] for query in present], dtype=np.int64)[encoded.indices.to_numpy()]
    try:
        return Run.from_columns(
            name or about.get("name", path.stem), queries, rows, documents, scores, about.get("notes")
        )
    except InputError as error:
        raise InputError(error.message, path=path, remedy=error.remedy) from error
