"""`SystemCard`: a system as data. What a reader must know beside its numbers, and the settings that make it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, FiniteFloat, model_validator

from lapca_bench import toml_model
from lapca_bench.encoders.postprocessing import Method
from lapca_bench.encoders.settings import (
    CrossEncoderSettings,
    EncoderSettings,
    LateInteractionSettings,
    SparseSettings,
    TransformerSettings,
)
from lapca_bench.extras import known_extra
from lapca_bench.toml_model import Strict


class BM25Settings(Strict):
    """Table `[bm25]`: `analyser` is a language code whose analyser replaces that of the documents' language."""

    k1: FiniteFloat = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)
    analyser: str | None = None


class FusionSettings(Strict):
    """Table `[fusion]`: names of systems, method, weights, and weights by query language."""

    systems: list[str] = Field(min_length=2)
    method: Literal["rrf", "interpolation"] = "rrf"
    weights: list[FiniteFloat] | None = None
    languages: dict[str, list[FiniteFloat]] = Field(default_factory=dict)


class RanxFusionSettings(Strict):
    """Table `[ranx_fusion]`: names of systems, and method, normalisation and parameters as ranx calls them."""

    systems: list[str] = Field(min_length=2)
    method: Literal[
        "anz",
        "bordafuse",
        "condorcet",
        "gmnz",
        "isr",
        "log_isr",
        "logn_isr",
        "max",
        "med",
        "min",
        "mixed",
        "mnz",
        "rbc",
        "rrf",
        "sum",
        "w_bordafuse",
        "w_condorcet",
        "wmnz",
        "wsum",
    ]
    normalisation: Literal["min-max", "max", "sum", "zmuv", "rank", "borda"] | None = "min-max"
    parameters: dict[str, FiniteFloat | list[FiniteFloat]] = Field(default_factory=dict)


class MarginSettings(Strict):
    """Table `[margin]`: the name of a dense system, and the neighbours of the ratio margin."""

    system: str
    neighbours: int = Field(default=4, ge=1)


class RerankSettings(Strict):
    """Table `[rerank]`: the first `depth` documents of system `first` in the order of the scores of system `second`."""

    first: str
    second: str
    depth: int = Field(default=100, ge=1)


class HeadSettings(Strict):
    """Table `[head]`: a post-processing or a trained head over dense `system`.

    Either `fit` on the documents of each collection (at most `sample` per language), or `weights` from a file, a path
    or "package:path/inside/it". `components`: directions removed (lir, language-mean-removal) or kept (whitening).
    """

    system: str
    fit: Method | None = None
    components: int | None = Field(default=None, ge=1)
    sample: int = Field(default=10_000, ge=1)
    weights: str | None = None

    @model_validator(mode="after")
    def _fit_or_weights(self) -> HeadSettings:
        if (self.fit is None) == (self.weights is None):
            raise ValueError("a head has either `fit` or `weights`")
        return self


class FieldsSettings(Strict):
    """Table `[fields]`: a dense `system` whose documents also have their title's vector, `title` times."""

    system: str
    title: FiniteFloat = Field(default=1.0, gt=0)


class TranslateSettings(Strict):
    """Table `[translate]`: queries pass through `translator` into language `into` before `system` sees them."""

    system: str
    translator: str
    into: str = "en"


class ApproximateSettings(Strict):
    """Table `[approximate]`: a dense system searched through a faiss `index`, of which a search visits `probe` cells.

    `index` is a factory string of faiss: "IVF1024,Flat", "IVF256,PQ48", "HNSW32" (where `probe` counts neighbours).
    """

    system: str
    index: str
    probe: int = Field(default=16, ge=1)


# The table of settings that each kind of system has, unless a builder makes it.
TABLES = {
    "dense": "encoder",
    "sparse": "sparse",
    "late-interaction": "late_interaction",
    "cross-encoder": "cross_encoder",
    "bm25": "bm25",
    "fusion": "fusion",
    "ranx-fusion": "ranx_fusion",
    "margin": "margin",
    "rerank": "rerank",
    "approximate": "approximate",
    "head": "head",
    "fields": "fields",
    "translate": "translate",
}
# Kinds that are named and never run: known from print alone, or without a text-retrieval component.
UNRUNNABLE = ("published", "not-retrieval")


class SystemCard(Strict):
    """One system. `trained_on` names the collection families whose training data it saw (it is zero-shot elsewhere).

    `requires` lists extras of lapca-bench. `builder` ("module:function", called with the card and a `Workspace`) makes
    systems of a kind of its own from the table `settings`. `reason` says why a system of an `UNRUNNABLE` kind is here
    and does not run.
    """

    name: Annotated[str, Field(min_length=1)]
    title: str
    kind: Annotated[str, Field(min_length=1)]
    licence: str
    citation: str
    url: str
    languages: list[str]
    trained_on: list[str] = Field(default_factory=list)
    note: str = ""
    reason: str = ""
    requires: list[Annotated[str, AfterValidator(known_extra)]] = Field(default_factory=list)
    builder: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    encoder: EncoderSettings | None = None
    sparse: SparseSettings | None = None
    late_interaction: LateInteractionSettings | None = None
    cross_encoder: CrossEncoderSettings | None = None
    bm25: BM25Settings | None = None
    fusion: FusionSettings | None = None
    ranx_fusion: RanxFusionSettings | None = None
    margin: MarginSettings | None = None
    rerank: RerankSettings | None = None
    approximate: ApproximateSettings | None = None
    head: HeadSettings | None = None
    fields: FieldsSettings | None = None
    translate: TranslateSettings | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_its_table(self) -> SystemCard:
        if (self.kind in UNRUNNABLE) != bool(self.reason):
            raise ValueError(f"kinds {' and '.join(UNRUNNABLE)}, and they alone, have a reason why they do not run")
        if self.kind in UNRUNNABLE:
            return self
        table = TABLES.get(self.kind)
        if self.builder is None and table is None:
            raise ValueError(f"kind {self.kind!r} needs a builder (kinds without one: {', '.join(TABLES)})")
        if self.builder is None and table is not None and getattr(self, table) is None:
            raise ValueError(f"a system of kind {self.kind!r} needs a table [{table}]")
        surplus = [name for name in TABLES.values() if name != table and getattr(self, name) is not None]
        if self.builder is None and surplus:
            raise ValueError(f"a system of kind {self.kind!r} has no table [{surplus[0]}]")
        return self

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the systems that this one is made of."""
        return (
            *(self.fusion.systems if self.fusion else ()),
            *(self.ranx_fusion.systems if self.ranx_fusion else ()),
            *([self.margin.system] if self.margin else ()),
            *([self.rerank.first, self.rerank.second] if self.rerank else ()),
            *([self.approximate.system] if self.approximate else ()),
            *([self.head.system] if self.head else ()),
            *([self.fields.system] if self.fields else ()),
            *([self.translate.system] if self.translate else ()),
        )

    @property
    def models(self) -> tuple[BaseModel, ...]:
        """Settings of the models that this system itself reads weights of."""
        found = (self.encoder, self.sparse, self.late_interaction, self.cross_encoder)
        return tuple(settings for settings in found if settings is not None)


def saw(trained_on: Collection[str], family: str) -> bool:
    """Whether what a system was trained on holds a collection family ("help-pages" covers help-pages-bitext)."""
    return any(family == name or family.startswith(f"{name}-") for name in trained_on)


def read_card(path: Path) -> SystemCard:
    """The card in a TOML file; raises `UsageError` with file, line and key where it is not one."""
    card = toml_model.read(path, SystemCard, remedy="see `lapca-bench systems info bm25`")
    if isinstance(card.encoder, TransformerSettings):
        return card.model_copy(update={"encoder": card.encoder.beside(path.parent)})
    return card
