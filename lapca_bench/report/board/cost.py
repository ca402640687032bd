"""What a measured system spent, read from the provenance of its results."""

from __future__ import annotations

from collections.abc import Sequence

from lapca_bench.report.board.model import MeasuredCost
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.results import StoredResult


def cost_of(results: Sequence[StoredResult]) -> MeasuredCost:
    """Encoding seconds, queries ranked per second, and index bytes over these results.

    A figure is None unless every result recorded it: a sum over some of them would flatter. Encoding counts only where
    all texts were encoded for the result and none were read from the store; ranking leaves the encoding of queries out.
    """
    ranking = [result.provenance.timings.rank for result in results]
    queries = [result.provenance.collection.queries for result in results]
    sizes = [result.provenance.index_bytes for result in results]
    seconds, count = _total(ranking), _total(queries)
    return MeasuredCost(
        encode_seconds=_total([_encoding(result.provenance) for result in results]),
        queries_per_second=count / seconds if count is not None and seconds else None,
        index_bytes=_total(sizes),
    )


def _encoding(provenance: Provenance) -> float | None:
    return provenance.timings.encoding if not provenance.reused else None


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
