"""`LateInteractionSystem`: a multi-vector encoder, its stored token vectors, and exact MaxSim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lapca_bench import toml_model
from lapca_bench.encoders.kinds.sentence_transformers import SentenceTokenVectorSettings
from lapca_bench.encoders.kinds.token_vectors import LateInteractionSettings
from lapca_bench.encoders.protocol import MultiVectorEncoder
from lapca_bench.run import Float32, Int64
from lapca_bench.search.card import Making, SystemCard
from lapca_bench.search.exact.maxsim import pair_scores, top_k
from lapca_bench.search.exact.top_k import Hits
from lapca_bench.search.notes import Notes
from lapca_bench.search.stored import id_ranks
from lapca_bench.search.stored_system import StoredSystem
from lapca_bench.store.vectors import StoredCorpus


class LateInteractionSystem(StoredSystem[MultiVectorEncoder, Sequence[Float32]]):
    """Ranks documents by MaxSim between the query's vectors and theirs; `store` has the form `TokenVectors`.

    A pair of which one side has no vector is not found; asked for, it scores 0.
    """

    kind = "late-interaction"
    method = "MaxSim, exact, float32 candidates rescored in float64"

    def _hits(self, corpus: StoredCorpus, asked: Sequence[Float32], k: int) -> Hits:
        return top_k(asked, corpus.ragged(), self.encoder.dimension, k, id_ranks(corpus.ids))

    def _pair_scores(self, corpus: StoredCorpus, asked: Sequence[Float32], query_of: Int64, rows: Int64) -> Float32:
        return pair_scores(asked, corpus.ragged(), self.encoder.dimension, query_of, rows)

    def _sizes(self, corpus: StoredCorpus, asked: Sequence[Float32]) -> Notes:
        vectors = sum(int(lengths.sum()) for _, lengths in corpus.ragged())
        return {
            "vectors_per_document": round(vectors / max(len(corpus), 1), 1),
            "vectors_per_query": round(sum(map(len, asked)) / max(len(asked), 1), 1),
        }


class LateInteractionCard(SystemCard):
    """A system that is an encoder of one vector per token."""

    kind: Literal["late-interaction"]
    late_interaction: Annotated[LateInteractionSettings | SentenceTokenVectorSettings, Field(discriminator="type")]

    @model_validator(mode="before")
    @classmethod
    def _transformers_loads_it(cls, values: object) -> object:
        return toml_model.with_default(values, "late_interaction", "type", "transformer")

    def make(self, making: Making) -> LateInteractionSystem:
        """The system over the workspace's store of token vectors."""
        workspace = making.workspace
        encoder = self.late_interaction.encoder(self.name)
        return LateInteractionSystem(encoder, workspace.token_vectors, workspace.executor)
