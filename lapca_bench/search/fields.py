"""Dense systems whose documents also have their title's vector (`encoders.fields` says why)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, FiniteFloat

from lapca_bench.encoders.fields import FieldsEncoder
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
