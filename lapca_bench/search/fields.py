"""Dense systems whose documents also have their title's vector, or are their title, read inside the text.

`encoders.fields` and `encoders.spanned` say why.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, FiniteFloat

from lapca_bench.encoders.fields import FieldsEncoder
from lapca_bench.encoders.kinds.transformer import TransformerEncoder
from lapca_bench.encoders.spanned import SpannedEncoder
from lapca_bench.errors import UsageError
from lapca_bench.search.card import Making, SystemCard, SystemSettings
from lapca_bench.search.dense import DenseSystem, dense_part
from lapca_bench.store.stored_encoder import StoredEncoder


class FieldsSettings(SystemSettings):
    """Table `[fields]`: a dense `system` whose documents also have their title's vector, `title` times."""

    system: str
    title: FiniteFloat = Field(default=1.0, gt=0)

    @property
    def parts(self) -> tuple[str, ...]:
        """The dense system."""
        return (self.system,)


class FieldsCard(SystemCard):
    """A dense system with a voice for titles."""

    kind: Literal["fields"]
    fields: FieldsSettings

    def make(self, making: Making) -> DenseSystem:
        """The system over the stored vectors of the dense one."""
        dense = dense_part(making, self.fields.system, "fields.system")
        encoder = FieldsEncoder(StoredEncoder(dense.encoder, dense.store), self.fields.title, self.name)
        return DenseSystem(encoder, dense.store, dense.executor, self.name)


class SpannedSettings(SystemSettings):
    """Table `[spanned]`: a dense `system` of a transformer that takes the mean of its tokens."""

    system: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The dense system."""
        return (self.system,)


class SpannedCard(SystemCard):
    """A dense system whose documents are parts of their texts."""

    kind: Literal["spanned"]
    spanned: SpannedSettings

    def make(self, making: Making) -> DenseSystem:
        """The system; raises `UsageError` where the dense one's encoder is no transformer."""
        dense = dense_part(making, self.spanned.system, "spanned.system")
        if not isinstance(dense.encoder, TransformerEncoder):
            remedy = "name a dense system of a transformer"
            raise UsageError(f"{self.spanned.system} reads no parts of texts", key="spanned.system", remedy=remedy)
        return DenseSystem(SpannedEncoder(dense.encoder, self.name), dense.store, dense.executor, self.name)
