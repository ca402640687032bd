"""lapca-bench: a retrieval evaluation harness for cross-lingual and multilingual search.

The public names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lapca_bench.api import Evaluation, evaluate, score
    from lapca_bench.collections.base import Collection, CollectionCard, Policy
    from lapca_bench.collections.registry import load as load_collection
    from lapca_bench.encoders.adapt import adapt
    from lapca_bench.encoders.identity import EncoderIdentity
    from lapca_bench.encoders.protocol import Encoder
    from lapca_bench.errors import LapcaError
    from lapca_bench.run import Answers, Qrels, Run
    from lapca_bench.scoring import Measure, Scores
    from lapca_bench.scoring.measures import parse as parse_measure
    from lapca_bench.search.system import System, SystemIdentity
    from lapca_bench.types import Document, Query

_HOME = {
    "Answers": "run:Answers",
    "Collection": "collections.base:Collection",
    "CollectionCard": "collections.base:CollectionCard",
    "Document": "types:Document",
    "Encoder": "encoders.protocol:Encoder",
    "EncoderIdentity": "encoders.identity:EncoderIdentity",
    "Evaluation": "api:Evaluation",
    "LapcaError": "errors:LapcaError",
    "Measure": "scoring:Measure",
    "Policy": "collections.base:Policy",
    "Qrels": "run:Qrels",
    "Query": "types:Query",
    "Run": "run:Run",
    "Scores": "scoring:Scores",
    "System": "search.system:System",
    "SystemIdentity": "search.system:SystemIdentity",
    "adapt": "encoders.adapt:adapt",
    "evaluate": "api:evaluate",
    "load_collection": "collections.registry:load",
    "parse_measure": "scoring.measures:parse",
    "score": "api:score",
}

__all__ = [
    "Answers",
    "Collection",
    "CollectionCard",
    "Document",
    "Encoder",
    "EncoderIdentity",
    "Evaluation",
    "LapcaError",
    "Measure",
    "Policy",
    "Qrels",
    "Query",
    "Run",
    "Scores",
    "System",
    "SystemIdentity",
    "adapt",
    "evaluate",
    "load_collection",
    "parse_measure",
    "score",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), attribute)


def __dir__() -> list[str]:
    return __all__
