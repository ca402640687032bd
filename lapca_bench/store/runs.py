"""Run files and judgements: TREC's text formats, and Parquet.

A run file holds `query Q0 document rank score tag`. Scores are written with the shortest digits that read back as the
same float32, so order(read(write(run))) = order(run); six decimals, as many tools write, make ties of close scores.
The rank column is for human readers: it is ignored when read, as trec_eval does.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lapca_bench.atomic import atomic_path
from lapca_bench.errors import InputError
from lapca_bench.parsing import json_value
from lapca_bench.run import Qrels, Run
from lapca_bench.store.textfile import read_utf8, write_utf8

RUN_COLUMNS = ("query", "Q0", "document", "rank", "score", "tag")
QRELS_COLUMNS = ("query", "0", "document", "grade")

_WHITE_SPACE = re.compile(r"\s")
_SURROGATE = re.compile("[\ud800-\udfff]")
_METADATA = b"lapca_bench"
_MEND_ID = "replace the lone surrogates in the id"


def write_trec(run: Run, path: Path) -> None:
    """Write `run` in TREC format, compressed if `path` ends in `.gz`; a query that retrieved nothing has no line.

    Raises `InputError` for an id that holds white space, which the format cannot carry.
    """
    import pyarrow as pa

    vocabulary = run.vocabulary.tolist()
    _refuse_white_space("query", run.queries, path)
    _refuse_white_space("document", vocabulary, path)
    tag = _WHITE_SPACE.sub("_", run.name) or "run"
    # Adding zero turns negative zero, which is equal to zero but prints as "-0", into zero.
    digits = pa.array(run.scores + np.float32(0)).cast(pa.string()).to_pylist()
    codes = run.codes.tolist()
    lines: list[str] = []
    for i, query in enumerate(run.queries):
        start, stop = int(run.offsets[i]), int(run.offsets[i + 1])
        lines += [f"{query} Q0 {vocabulary[codes[j]]} {j - start + 1} {digits[j]} {tag}\n" for j in range(start, stop)]
    write_utf8(path, "".join(lines))


def read_trec(path: Path, name: str | None = None) -> Run:
    """A run from a TREC file; its name is `name` or the tag of its first line, its queries in order of appearance.

    Raises `InputError` with file and line for a malformed line, a score that is no finite number, a document twice
    under one query, or bytes that are not UTF-8.
    """
    content = read_utf8(path)
    columns = _columns_fast(content) or _columns_by_line(content, path)
    queries, rows, documents, scores, tag = columns
    try:
        return Run.from_columns(name or tag or path.stem, queries, rows, documents, scores)
    except InputError:
        _columns_by_line(content, path)  # finds the line
        raise


_Columns = tuple[list[str], Any, Any, Any, str]


def _columns_fast(content: bytes) -> _Columns | None:
    """The columns by Arrow's reader; None where the file is less regular than it wants."""
    import pyarrow as pa
    from pyarrow import csv

    delimiter = "\t" if b"\t" in content[: content.find(b"\n")] else " "
    if content[:4096].isspace() or not content or b"\r" in content:
        return None
    types = {
        "query": pa.dictionary(pa.int32(), pa.large_string()),
        "document": pa.large_string(),
        "score": pa.float64(),
    }
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(column_names=list(RUN_COLUMNS)),
            parse_options=csv.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=csv.ConvertOptions(column_types=types, null_values=[], include_columns=list(types)),
        )
    except pa.ArrowInvalid:
        return None
    encoded = table["query"].combine_chunks()
    documents = table["document"].combine_chunks()
    scores = table["score"].to_numpy()
    queries = encoded.dictionary.to_pylist()
    tag = content[: content.find(b"\n")].decode("utf-8").rpartition(delimiter)[2]
    if "" in queries or not _all_float32(scores):
        return None
    return queries, encoded.indices.to_numpy(), documents, scores, tag


def _all_float32(scores: Any) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.isfinite(scores.astype(np.float32)).all())


def _columns_by_line(content: bytes, path: Path) -> _Columns:
    """The columns by plain reading, which knows the line of whatever is wrong."""
    queries: dict[str, int] = {}
    rows: list[int] = []
    documents: list[str] = []
    scores: list[float] = []
    seen: set[tuple[int, str]] = set()
    tag = ""
    for line, fields in _fields(content, path, RUN_COLUMNS):
        query, document, score = fields[0], fields[2], _number(fields[4], path, line)
        row = queries.setdefault(query, len(queries))
        if (row, document) in seen:
            message = f"query {query!r} holds document {document!r} twice"
            raise InputError(message, path=path, line=line, remedy="keep one score per document and query")
        seen.add((row, document))
        rows.append(row)
        documents.append(document)
        scores.append(score)
        tag = tag or fields[5]
    return list(queries), rows, documents, scores, tag


def _fields(content: bytes, path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(content.decode("utf-8").split("\n"), start=1):
        stripped = line.strip(" \t\r")
        if not stripped:
            continue
        fields = re.split(r"[ \t]+", stripped)
        if len(fields) != len(columns):
            message = f"{len(fields)} fields where {len(columns)} are expected"
            raise InputError(message, path=path, line=number, remedy=f"write lines as: {' '.join(columns)}")
        yield number, fields


def _number(text: str, path: Path, line: int) -> float:
    try:
        value = float(text) if "_" not in text else math.nan  # Python alone reads 1_000 as a number
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > float(np.finfo(np.float32).max):
        message = f"score {text!r} is not a finite number in single precision"
        raise InputError(message, path=path, line=line, remedy="scores must be finite; mend the system that wrote them")
    return value


def _refuse_white_space(what: str, ids: Sequence[str], path: Path) -> None:
    for identifier in ids:
        if _SURROGATE.search(identifier):
            raise InputError(f"{what} id {identifier!r} is not valid Unicode", path=path, remedy=_MEND_ID)
        if _WHITE_SPACE.search(identifier) or not identifier:
            raise InputError(
                f"{what} id {identifier!r} is empty or holds white space, which a TREC file cannot carry",
                path=path,
                remedy="write the run as Parquet, or rename the ids",
            )


def write_qrels(qrels: Qrels, path: Path) -> None:
    """Write judgements as `query 0 document grade`; a query without any judgement has no line.

    Raises `InputError` for an id that holds white space.
    """
    lines: list[str] = []
    for query, graded in qrels.judgements.items():
        _refuse_white_space("query", [query], path)
        _refuse_white_space("document", list(graded), path)
        lines += [f"{query} 0 {document} {grade}\n" for document, grade in graded.items()]
    write_utf8(path, "".join(lines))


def read_qrels(path: Path) -> Qrels:
    """Judgements from a TREC file; raises `InputError` with file and line for what is malformed or judged twice."""
    judgements: dict[str, dict[str, int]] = {}
    for line, (query, _, document, grade) in _fields(read_utf8(path), path, QRELS_COLUMNS):
        try:
            value = int(grade)
        except ValueError as error:
            message = f"grade {grade!r} is not a whole number"
            raise InputError(
                message, path=path, line=line, remedy="grades are whole numbers, above 0 if relevant"
            ) from error
        graded = judgements.setdefault(query, {})
        if graded.setdefault(document, value) != value:
            message = f"query {query!r} judges document {document!r} as {graded[document]} and as {value}"
            raise InputError(message, path=path, line=line, remedy="keep one judgement per query and document")
    return Qrels(judgements)


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
    import pyarrow as pa
    from pyarrow import parquet

    remedy = "the file needs the columns query (string), document (string) and score (float)"
    try:
        table = parquet.read_table(path, columns=["query", "document", "score"])
        encoded = table["query"].cast(pa.large_string()).combine_chunks().dictionary_encode()
        documents = table["document"].cast(pa.large_string()).combine_chunks()
        scores = table["score"].cast(pa.float64()).to_numpy()
        about = json_value((table.schema.metadata or {}).get(_METADATA, b"{}"))
    except FileNotFoundError as error:
        raise InputError("no such file", path=path, remedy="check the path") from error
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
