"""An honest result on a toy collection, whole in every fact, for tests of what is verified, submitted and merged."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from lapca_bench.collections.base import CollectionCard, Policy
from lapca_bench.digest import digest_value
from lapca_bench.experiment.rescoring import means_of, score_run
from lapca_bench.run import Qrels, Run
from lapca_bench.search.own_builder import OwnBuilderCard
from lapca_bench.store.provenance import Provenance
from lapca_bench.store.result_key import result_key
from lapca_bench.store.results import Result
from lapca_bench.types import Document, Query

MEASURES = ("RR@10", "nDCG@10")


@dataclass(frozen=True)
class Toy:
    """Six documents, three queries of one language and one of another."""

    version: str = "1"
    files: str = "f"
    split: str = "test"

    @cached_property
    def card(self):
        policy = Policy(measures=MEASURES)
        return CollectionCard("toy/de", "toy", "Toy", self.version, "free", "", "", policy, ("de", "fr"), ("de",))

    @property
    def fingerprint(self):
        return self.files

    def documents(self):
        return (Document(f"d{i}", "text", language="de") for i in range(6))

    def queries(self):
        return [Query(f"q{i}", "question", "fr" if i == 3 else "de") for i in range(4)]

    def relevance(self):
        return Qrels({f"q{i}": {f"d{i}": 1} for i in range(4)})


CARD = OwnBuilderCard(
    name="a",
    title="A",
    kind="dense",
    licence="MIT",
    citation="A et al.",
    url="https://example.org",
    languages=["de"],
    builder="module:function",
)


def ranking(shift: int = 0) -> dict[str, dict[str, float]]:
    """A ranking in which the relevant document of a query comes first, or later by `shift`."""
    return {f"q{i}": {f"d{(i + shift + k) % 6}": 1.0 - k / 8 for k in range(4)} for i in range(4)}


def honest(
    name: str = "a", ranked: dict[str, dict[str, float]] | None = None, settings: dict[str, object] | None = None
) -> Result:
    """A result as `run` would store it."""
    toy = Toy()
    run = Run.from_dict(name, ranking() if ranked is None else ranked)
    scores = score_run(run, toy, MEASURES, engine="numpy")
    system = {"kind": "dense", "settings": settings or {"encoder": {"class": name}, "versions": {"numpy": "2.4"}}}
    digest = digest_value(system)
    about = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "lapca-bench run --system x",
        "commit": "abc",
        "versions": {"numpy": "2.4", "lapca-bench": "0.1.0"},
        "collection": {"name": "toy/de", "version": "1", "licence": "free", "fingerprint": "f", "queries": 4},
        "system": system,
        "policy": asdict(toy.card.policy),
        "depth": 100,
        "ties": {"order": "score, then document id, both descending", "results": scores.tied},
        "left_out": {"missing": scores.missing, "excluded": scores.excluded, "unjudged": scores.unjudged},
        "engine": "ranx",
        "timings": {"encode documents": 3.0, "rank": 0.5, "score": 0.2, "total": 9.0},
        "encoded": 100,
        "reused": 0,
        "index_bytes": 1_000_000,
    }
    return Result(
        key=result_key(digest, "toy/de", "test", "f", 100, toy.card.policy),
        system=name,
        title=name,
        kind="dense",
        system_digest=digest,
        collection="toy/de",
        split="test",
        languages=list(scores.languages),
        aggregates=list(means_of(scores.frame, scores.measures, scores.languages)),
        provenance=Provenance.recorded(about),
        scores=scores.frame,
        run=run,
    )


def with_provenance(result: Result, **changes: object) -> Result:
    """`result`, of which provenance says something else; None leaves an entry out."""
    about = {**result.provenance, **changes}
    return replace(result, provenance=Provenance({name: value for name, value in about.items() if value is not None}))
