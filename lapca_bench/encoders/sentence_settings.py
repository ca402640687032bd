"""What the settings of models that sentence-transformers loads have in common, of whichever class they are."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from lapca_bench.encoders.hardware import DEVICE, Dtype, Hardware
from lapca_bench.encoders.identity import IdentityIfSet, NotIdentity
from lapca_bench.encoders.settings import CheckpointSettings, PromptSettings


class SentenceSettings(CheckpointSettings, PromptSettings):
    """A folder (or hub name) that sentence-transformers loads with its own modules.

    A side without a prompt here gets the one that the folder states for it; "" gives it none. Without `dtype` weights
    keep the precision that the library gives them.
    """

    type: Literal["sentence-transformers"]
    max_length: int | None = Field(default=None, ge=1)
    batch_size: Annotated[int, NotIdentity] = Field(default=32, ge=1)
    dtype: Annotated[Dtype | None, IdentityIfSet] = None
    device: Annotated[str, NotIdentity] = Field(default="auto", pattern=f"^({DEVICE})$")

    def on(self, hardware: Hardware) -> Self:
        """The same on the device and in the precision that a user asks for."""
        own = {name: value for name, value in hardware.changes.items() if name in {"device", "dtype"}}
        return self.model_copy(update=own) if own else self
