"""What a measured system spent, read from the provenance of its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapca_bench.report.board.model import MeasuredCost
from lapca_bench.store.results import StoredResult


def cost_of(results: Sequence[StoredResult]) -> MeasuredCost:
    """Encoding seconds, queries ranked per second, and index bytes over these results.

    A figure is None unless every result recorded it: a sum over some of them would flatter. Encoding counts only where
    all texts were encoded for the result and none were read from the store; ranking leaves the encoding of queries out.
    """
    ranking = [_number(result.provenance.get("timings", {}).get("rank")) for result in results]
    queries = [_number(result.provenance.get("collection", {}).get("queries")) for result in results]
    sizes = [_number(result.provenance.get("index_bytes")) for result in results]
    seconds, count = _total(ranking), _total(queries)
    return MeasuredCost(
        encode_seconds=_total([_encoding(result.provenance) for result in results]),
        queries_per_second=count / seconds if count is not None and seconds else None,
        index_bytes=_total(sizes),
    )


def _encoding(provenance: Mapping[str, Any]) -> float | None:
    stages = [_number(value) for name, value in provenance.get("timings", {}).items() if str(name).startswith("encode")]
    return _total(stages) if not provenance.get("reused") else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
