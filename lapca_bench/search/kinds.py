"""The kinds of systems. To add one: write its settings, its card and its system in one file, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import ConfigDict, create_model, field_validator
from pydantic.fields import FieldInfo

from lapca_bench import toml_model
from lapca_bench.search.approximation.approximate import ApproximateCard
from lapca_bench.search.card import Making, SystemCard
from lapca_bench.search.dense import DenseCard, MarginCard
from lapca_bench.search.fields import FieldsCard, SpannedCard
from lapca_bench.search.fusion import FusionCard
from lapca_bench.search.heads import HeadCard
from lapca_bench.search.late_interaction import LateInteractionCard
from lapca_bench.search.lexical.bm25 import BM25Card
from lapca_bench.search.not_run import NotRunCard
from lapca_bench.search.own_builder import OwnBuilderCard
from lapca_bench.search.pairwise import CrossEncoderCard
from lapca_bench.search.ranx_fusion import RanxFusionCard
from lapca_bench.search.rerank import RerankCard
from lapca_bench.search.sparse import SparseCard
from lapca_bench.search.translation.system import TranslateCard

KINDS: tuple[type[SystemCard], ...] = (
    DenseCard,
    SparseCard,
    LateInteractionCard,
    CrossEncoderCard,
    BM25Card,
    FusionCard,
    RanxFusionCard,
    MarginCard,
    RerankCard,
    ApproximateCard,
    HeadCard,
    FieldsCard,
    SpannedCard,
    TranslateCard,
)


def _names(card: type[SystemCard]) -> tuple[str, ...]:
    return get_args(card.model_fields["kind"].annotation)


def _perhaps(field: FieldInfo) -> tuple[Any, FieldInfo]:
    """The definition of a field that may be left out."""
    annotation: Any = field.annotation
    return annotation | None, FieldInfo(default=None, discriminator=field.discriminator)


_CARDS: tuple[type[SystemCard], ...] = (*KINDS, NotRunCard)
_BY_NAME = {name: card for card in _CARDS for name in _names(card)}
_TABLES: dict[str, Any] = {
    name: _perhaps(field)
    for card in KINDS
    for name, field in card.model_fields.items()
    if name not in SystemCard.model_fields
}
# A builder may use the tables of all kinds.
_OwnBuilderCard = create_model("_OwnBuilderCard", __base__=OwnBuilderCard, **_TABLES)


class _UnknownCard(SystemCard):
    """What a card of a kind that is not listed here is read as, to be refused."""

    model_config = ConfigDict(extra="allow")

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> NoReturn:
        known = ", ".join(name for card in KINDS for name in _names(card))
        raise ValueError(f"kind {kind!r} needs a builder (kinds without one: {known})")

    def make(self, making: Making) -> NoReturn:
        raise NotImplementedError


def card_class(values: Mapping[str, Any]) -> type[SystemCard]:
    """The class of the card that has these keys and values, by its kind or because it has a builder."""
    known = _BY_NAME.get(str(values.get("kind")), _UnknownCard)
    return known if values.get("builder") is None or known is NotRunCard else _OwnBuilderCard


def read_card(path: Path) -> SystemCard:
    """The card in a TOML file; raises `UsageError` with file, line and key where it is not one."""
    source = toml_model.document(path)
    card = toml_model.validated(source, card_class(source.table), remedy="see `lapca-bench systems info bm25`")
    return card.beside(path.parent)
