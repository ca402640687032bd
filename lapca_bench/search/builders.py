"""From a card's table to its system: one small function per kind. A new kind is a table in `card` and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lapca_bench.encoders import build as build_encoder
from lapca_bench.encoders.fields import FieldsEncoder
from lapca_bench.encoders.weights.head_file import find_head, read_head
from lapca_bench.errors import UsageError
from lapca_bench.search.card import SystemCard
from lapca_bench.search.dense import DenseSystem, MarginSystem
from lapca_bench.search.fusion import FusionSystem
from lapca_bench.search.heads import FittedSystem, with_head
from lapca_bench.search.lexical.bm25 import BM25System
from lapca_bench.search.ranx_fusion import RanxFusionSystem
from lapca_bench.search.rerank import PairwiseSystem, RerankSystem, Rescorer
from lapca_bench.search.system import System
from lapca_bench.search.translation.system import TranslateSystem
from lapca_bench.search.translation.translators import find_translator
from lapca_bench.search.workspace import Workspace
from lapca_bench.store.stored_encoder import StoredEncoder


@dataclass(frozen=True)
class Making:
    """A system in the making: its card, where it will work, and `part`, which makes the systems it is made of."""

    card: SystemCard
    workspace: Workspace
    part: Callable[[str], System]


def make(making: Making) -> System:
    """The system of a card without a builder of its own."""
    return _MAKERS[making.card.kind](making)


def _dense(making: Making) -> System:
    card, workspace = making.card, making.workspace
    assert card.encoder is not None  # noqa: S101 (the card's validator)
    return DenseSystem(build_encoder(card.encoder, card.name), workspace.vectors, workspace.executor)


def _dense_part(making: Making, name: str) -> DenseSystem:
    """The dense system that a card names; raises `UsageError` where it is of another kind."""
    system = making.part(name)
    if not isinstance(system, DenseSystem):
        raise UsageError(f"{name} is no dense system", key=f"{making.card.kind}.system", remedy="name a dense one")
    return system


def _sparse(making: Making) -> System:
    from lapca_bench.search.sparse import SparseSystem

    card, workspace = making.card, making.workspace
    assert card.sparse is not None  # noqa: S101 (the card's validator)
    return SparseSystem(build_encoder(card.sparse, card.name), workspace.sparse_vectors, workspace.executor)


def _late_interaction(making: Making) -> System:
    from lapca_bench.search.late_interaction import LateInteractionSystem

    card, workspace = making.card, making.workspace
    assert card.late_interaction is not None  # noqa: S101 (the card's validator)
    encoder = build_encoder(card.late_interaction, card.name)
    return LateInteractionSystem(encoder, workspace.token_vectors, workspace.executor)


def _cross_encoder(making: Making) -> System:
    from lapca_bench.encoders.kinds.cross_encoder import CrossEncoder

    assert making.card.cross_encoder is not None  # noqa: S101 (the card's validator)
    return PairwiseSystem(CrossEncoder(making.card.cross_encoder, making.card.name), making.card.name)


def _bm25(making: Making) -> System:
    settings = making.card.bm25
    assert settings is not None  # noqa: S101 (the card's validator)
    return BM25System(making.workspace.indexes, settings.k1, settings.b, settings.analyser, making.card.name)


def _fusion(making: Making) -> System:
    settings = making.card.fusion
    assert settings is not None  # noqa: S101 (the card's validator)
    systems = [making.part(name) for name in settings.systems]
    return FusionSystem(systems, settings.method, settings.weights, dict(settings.languages), making.card.name)


def _ranx_fusion(making: Making) -> System:
    settings = making.card.ranx_fusion
    assert settings is not None  # noqa: S101 (the card's validator)
    systems = [making.part(name) for name in settings.systems]
    return RanxFusionSystem(systems, settings.method, settings.normalisation, settings.parameters, making.card.name)


def _margin(making: Making) -> System:
    settings = making.card.margin
    assert settings is not None  # noqa: S101 (the card's validator)
    return MarginSystem(_dense_part(making, settings.system), settings.neighbours, making.card.name)


def _rerank(making: Making) -> System:
    settings = making.card.rerank
    assert settings is not None  # noqa: S101 (the card's validator)
    first, second = making.part(settings.first), making.part(settings.second)
    if not isinstance(second, Rescorer):
        raise UsageError(
            f"{settings.second} cannot give the documents of another system new scores",
            key="rerank.second",
            remedy="name a dense, sparse or late-interaction system or a cross-encoder",
        )
    return RerankSystem(first, second, settings.depth, making.card.name)


def _head(making: Making) -> System:
    settings, name = making.card.head, making.card.name
    assert settings is not None  # noqa: S101 (the card's validator)
    dense = _dense_part(making, settings.system)
    if settings.weights is not None:
        head, _ = read_head(find_head(settings.weights))
        return with_head(dense, head, name)
    assert settings.fit is not None  # noqa: S101 (the table's validator)
    return FittedSystem(dense, settings.fit, settings.components, settings.sample, name)


def _fields(making: Making) -> System:
    settings, name = making.card.fields, making.card.name
    assert settings is not None  # noqa: S101 (the card's validator)
    dense = _dense_part(making, settings.system)
    encoder = FieldsEncoder(StoredEncoder(dense.encoder, dense.store), settings.title, name)
    return DenseSystem(encoder, dense.store, dense.executor, name)


def _translate(making: Making) -> System:
    settings = making.card.translate
    assert settings is not None  # noqa: S101 (the card's validator)
    translator = find_translator(settings.translator)
    inner = making.part(settings.system)
    return TranslateSystem(translator, inner, settings.into, making.workspace.cache / "translations", making.card.name)


def _approximate(making: Making) -> System:
    from lapca_bench.search.approximate import ApproximateSystem

    settings = making.card.approximate
    assert settings is not None  # noqa: S101 (the card's validator)
    dense = _dense_part(making, settings.system)
    folder = making.workspace.cache / "faiss"
    return ApproximateSystem(dense, settings.index, settings.probe, folder, making.card.name)


_MAKERS: dict[str, Callable[[Making], System]] = {
    "dense": _dense,
    "sparse": _sparse,
    "late-interaction": _late_interaction,
    "cross-encoder": _cross_encoder,
    "bm25": _bm25,
    "fusion": _fusion,
    "ranx-fusion": _ranx_fusion,
    "margin": _margin,
    "rerank": _rerank,
    "head": _head,
    "fields": _fields,
    "translate": _translate,
    "approximate": _approximate,
}
