"""The file of pairs that mining writes: Parquet with the columns of `PairTable`, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from lapca_bench.atomic import atomic_path
from lapca_bench.errors import InputError
from lapca_bench.training.batches.pair_table import COLUMNS
from lapca_bench.training.mining.chunks import MinedPair

_WRITTEN_AT_ONCE = 10_000


def write_pairs(target: Path, pairs: Iterable[MinedPair]) -> int:
    """Write the pairs as they come; returns their number.

    Raises `InputError` when there are none, and nothing is written then.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = dict.fromkeys(COLUMNS, pa.string()) | {"margin": pa.float64()}
    schema = pa.schema(list(text.items()))
    written = 0
    stream = iter(pairs)
    with atomic_path(target) as temporary:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            while part := list(islice(stream, _WRITTEN_AT_ONCE)):
                writer.write_table(pa.Table.from_pylist([_row(pair) for pair in part], schema=schema))
                written += len(part)
        if not written:
            raise InputError("no pairs were found", path=target, remedy="lower the threshold, or mine more pages")
    return written


def _row(pair: MinedPair) -> dict[str, str | float]:
    return {
        "page": pair.left.link,
        "left_language": pair.left.language,
        "right_language": pair.right.language,
        "left": pair.left.text,
        "right": pair.right.text,
        "left_id": pair.left.id,
        "right_id": pair.right.id,
        "margin": pair.margin,
        "left_title": pair.left.title,
        "right_title": pair.right.title,
    }
